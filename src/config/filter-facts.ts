// Every value of routes/filters.yaml as it holds, with its place: what `isthmus plan` compares.

import type { Filters } from '../model/filters.ts';
import type { Where } from '../model/table.ts';
import { showValue } from './effective.ts';

interface Fact {
  readonly value: string;
  readonly where: Where;
}

/** By key, as it is written: `urls.action`. What is off has no other keys. */
export function filterFacts(filters: Filters | undefined): ReadonlyMap<string, Fact> {
  const facts = new Map<string, Fact>();
  if (filters === undefined) return facts;
  const { conversationPauseMs, ...sections } = filters;
  for (const [name, section] of Object.entries(sections)) {
    if ('action' in section && section.action === 'off') continue;
    const { where, ...values } = section;
    for (const [key, value] of Object.entries(values)) {
      const place = { ...where, key: `/${name}/${key}` };
      facts.set(`${name}.${key.replace(/Ms$/, '')}`, { value: showValue(key.endsWith('Ms') ? `${Number(value)}ms` : value), where: place });
    }
  }
  const where = { file: 'routes/filters.yaml', key: '/conversationPause' };
  facts.set('conversationPause', { value: `${conversationPauseMs / 60_000}m`, where });
  return facts;
}
