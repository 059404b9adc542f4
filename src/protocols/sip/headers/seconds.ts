// Numbers of seconds: Expires, Min-Expires, Retry-After; and Max-Forwards, the other small number. RFC 3261 §20.

const MAX_SECONDS = 2 ** 32 - 1;

/** delta-seconds = 1*DIGIT, 0..(2**32)-1 (RFC 3261 §20.19). Undefined for anything else, larger numbers too. */
export function parseSeconds(value: string): number | undefined {
  const text = value.trim();
  if (!/^\d{1,64}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds <= MAX_SECONDS ? seconds : undefined;
}

/** Retry-After = delta-seconds [ comment ] *( SEMI retry-param ) (RFC 3261 §20.33): the seconds. */
export function parseRetryAfter(value: string): number | undefined {
  const match = /^[ \t]*(\d{1,64})[ \t]*(?:$|[;(])/.exec(value);
  return match === null ? undefined : parseSeconds(match[1]!);
}

/** Max-Forwards = 1*DIGIT, 0..255 (RFC 3261 §20.22). */
export function parseMaxForwards(value: string): number | undefined {
  const number = parseSeconds(value);
  return number !== undefined && number <= 255 ? number : undefined;
}
