// Content-Type and Accept values: a media type with parameters. RFC 3261 §20.15 and §20.1.

import { type Params, parseParams, printParams } from './grammar.ts';

export interface ContentType {
  /** Lower-case. */
  readonly type: string;
  readonly subtype: string;
  readonly params: Params;
}

const MEDIA = /^[ \t]*([A-Za-z0-9\-.!%*_+`'~]{1,127})[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]{1,127})[ \t]*/;

/** Reads one value. media-type = m-type SLASH m-subtype *(SEMI m-parameter) */
export function parseContentType(value: string): ContentType | undefined {
  const media = MEDIA.exec(value);
  if (media === null) return undefined;
  const params = parseParams(value, media[0].length);
  return params === undefined ? undefined : { type: media[1]!.toLowerCase(), subtype: media[2]!.toLowerCase(), params };
}

export function printContentType(type: ContentType): string {
  return `${type.type}/${type.subtype}${printParams(type.params)}`;
}

/** Does an Accept list (values already split) take this type? RFC 3261 §20.1: wildcards count, `q=0` refuses. */
export function accepts(ranges: readonly ContentType[], type: string, subtype: string): boolean {
  let best = -1;
  let taken = false;
  for (const range of ranges) {
    const fit = range.type === type ? (range.subtype === subtype ? 2 : range.subtype === '*' ? 1 : -1) : range.type === '*' ? 0 : -1;
    if (fit < 0 || fit < best) continue;
    best = fit;
    taken = !/^0(?:\.0{0,3})?$/.test(range.params.get('q') ?? '1');
  }
  return taken;
}
