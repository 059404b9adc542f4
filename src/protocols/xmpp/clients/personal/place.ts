// Where somebody is, in words, from what their client publishes (XEP-0080): it is the place that every kind of client shows. Pure.

import type { PersonalItem } from '../../../../model/personal.ts';
import { child, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { readPayload } from './payloads.ts';

/** As much as anybody reads beside a name. */
const LONGEST = 100;
/** From the nearest to the farthest. */
const PARTS = ['room', 'building', 'street', 'area', 'locality', 'region', 'country'] as const;

/** undefined: no place; degrees alone are none that anybody could read. */
export function placeOf(item: PersonalItem | undefined): string | undefined {
  const geoloc = readPayload(item?.payload);
  if (geoloc?.name !== 'geoloc' || geoloc.ns !== NS.geoloc) return undefined;
  const word = (name: string): string => {
    const part = child(geoloc, name, NS.geoloc);
    return part === undefined ? '' : text(part).replaceAll(/\s+/g, ' ').trim();
  };
  const whole =
    word('text') ||
    word('description') ||
    PARTS.map(word)
      .filter((part) => part !== '')
      .slice(0, 3)
      .join(', ');
  return whole === '' ? undefined : whole.slice(0, LONGEST);
}
