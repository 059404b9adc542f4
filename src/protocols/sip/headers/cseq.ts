// CSeq: the number of a request and its method. RFC 3261 §20.16.

import { isToken } from './grammar.ts';

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** Reads a value. CSeq = 1*DIGIT LWS Method ; RFC 3261 §8.1.1.5: less than 2**31. */
export function parseCSeq(value: string): CSeq | undefined {
  const match = /^(\d{1,64})[ \t]+(\S{1,64})$/.exec(value.trim());
  if (match === null) return undefined;
  const number = Number(match[1]);
  const method = match[2]!;
  return number < 2 ** 31 && isToken(method) ? { number, method } : undefined;
}
