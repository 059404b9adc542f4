// When a certificate that ends is told: 30, 14 and 3 days ahead, and when it has ended (operations.md §2). One rule for
// `check`, `cert list`, the log and alerts.

import { utcDay } from './utc.ts';

/** Days ahead, the most urgent last. 0: it has ended. */
const EXPIRY_STEPS = [30, 14, 3, 0] as const;
export type ExpiryStep = (typeof EXPIRY_STEPS)[number];

const DAY_MS = 86_400_000;

/** Whole days until `notAfter`, counted down: 0 on the last day, negative when it is over. @param notAfter, @param now wall ms */
export function daysLeft(notAfter: number, now: number): number {
  return Math.floor((notAfter - now) / DAY_MS);
}

/** The step that a certificate has reached; undefined while there is time. @param notAfter, @param now wall ms */
export function expiryStep(notAfter: number, now: number): ExpiryStep | undefined {
  if (notAfter < now) return 0;
  return [3, 14, 30].find((days) => notAfter - now <= days * DAY_MS) as ExpiryStep | undefined; // the list holds steps only
}

/** `expires on 2026-12-01, in 5 days; renew it now`, or what else fits; undefined while there is time. */
export function expiryWarning(notAfter: number, now: number): string | undefined {
  const step = expiryStep(notAfter, now);
  if (step === undefined) return undefined;
  const date = utcDay(notAfter);
  if (step === 0) return `expired on ${date}`;
  const days = daysLeft(notAfter, now);
  const left = days < 1 ? 'in less than a day' : `in ${days} day${days === 1 ? '' : 's'}`;
  return `expires on ${date}, ${left}; renew it${step === 30 ? '' : ' now'}`;
}
