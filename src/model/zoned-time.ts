// Wall-clock time of a place to instants and back, by the time zones that the runtime knows (IANA names). Pure.

export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Making one takes long; the runtime knows some hundred names. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** Is it the name of a time zone, such as Europe/Berlin? */
export function isTimeZone(name: string): boolean {
  return formatOf(name) !== undefined;
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = FORMATS.get(zone);
  if (known !== undefined) return known;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(zone)) return undefined;
  try {
    const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    const made = new Intl.DateTimeFormat('en-u-ca-iso8601', { timeZone: zone, hourCycle: 'h23', ...parts });
    FORMATS.set(zone, made);
    return made;
  } catch {
    return undefined; // no such zone
  }
}

/** What clocks there show. A zone that is not known is UTC. @param at wall ms */
export function localTime(at: number, zone: string): LocalTime {
  const format = formatOf(zone);
  if (format === undefined) {
    const date = new Date(at);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    return { year, month, day, hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() };
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return { year, month, day, hour: part('hour'), minute: part('minute'), second: part('second') };
}

/** Minutes that clocks there are ahead of UTC. @param at wall ms */
export function offsetMinutes(zone: string, at: number): number {
  return Math.round((asUtc(localTime(at, zone)) - Math.floor(at / 1000) * 1000) / 60_000);
}

/**
 * The instant at which clocks there show this, in wall ms. Of a time that comes twice the first; a time that is skipped is read
 * with the offset before the gap (RFC 5545 §3.3.5).
 */
export function instantOf(time: LocalTime, zone: string): number {
  const utc = asUtc(time);
  const before = utc - offsetMinutes(zone, utc - 86_400_000) * 60_000;
  const after = utc - offsetMinutes(zone, utc + 86_400_000) * 60_000;
  if (before === after) return before;
  const fits = [before, after].filter((at) => asUtc(localTime(at, zone)) === utc).sort((a, b) => a - b);
  return fits[0] ?? before;
}

function asUtc({ year, month, day, hour, minute, second }: LocalTime): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** `2026-11-24 17:00`, `2026-11-24`, with T, seconds and an offset where it is written; undefined: it is none. @returns wall ms */
export function readLocal(text: string, zone: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const time = { year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! }; // six groups
  const utc = asUtc(time);
  const back = new Date(utc);
  if (back.getUTCMonth() + 1 !== month || back.getUTCDate() !== day || back.getUTCHours() !== hour || back.getUTCMinutes() !== minute)
    return undefined;
  const offset = match[7];
  if (offset === undefined) return instantOf(time, zone);
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? [];
  return hours === undefined ? utc : utc - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** `2026-11-24 17:00` on clocks there. */
export function showLocal(at: number, zone: string): string {
  const { year, month, day, hour, minute } = localTime(at, zone);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`;
}
