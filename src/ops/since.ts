// A moment in the past as an operator types it: 14:00 of today (UTC; of yesterday when that is still to come), an ISO date or
// time, or an age such as 7d.

import * as z from 'zod';
import { parseDuration } from '../config/values.ts';
import type { Operations } from './operations.ts';

const TIMES = '14:00 (UTC), a date such as 2026-11-23, a time such as 2026-11-23T14:00:00Z, or an age such as 7d';
const DAY_MS = 86_400_000;

/** @param now wall ms @returns wall ms, or undefined when the text is none of these */
export function sinceMs(text: string, now: number): number | undefined {
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock !== null) {
    const today = now - (now % DAY_MS) + (Number(clock[1]) * 60 + Number(clock[2])) * 60_000;
    return today > now ? today - DAY_MS : today;
  }
  const age = parseDuration(text);
  if (typeof age === 'number') return now - age;
  // A time without a zone is UTC, as everything that Isthmus prints.
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (iso === null) return undefined;
  const at = Date.parse(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`);
  return Number.isNaN(at) ? undefined : at;
}

/** The moment from which an age counts back, wall ms: what a second person agreed to is what was asked for then. */
export function meantAt({ approval, clock }: Pick<Operations, 'approval' | 'clock'>): number {
  return approval?.askedAt ?? clock.now();
}

/** A key of a verb's input. */
export const sinceInput = z
  .string()
  .refine((text) => sinceMs(text, 0) !== undefined, `right would be ${TIMES}`)
  .describe(TIMES);
