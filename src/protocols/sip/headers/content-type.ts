// Content-Type: a media type with parameters. RFC 3261 §20.15.

import { type Params, parseParams } from './grammar.ts';

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
