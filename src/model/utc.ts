// Wall times as people of any place read them: UTC, the largest unit first.

/** `2026-12-01`. @param ms wall ms */
export function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** `2026-12-01 14:02 UTC`, for who may sit in another zone. @param ms wall ms */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
