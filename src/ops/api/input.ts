// From an HTTP request to the input of a verb: path, query and body become what the command line would have given, so that
// one schema judges both. A mistake is told with the key's name; all of them at once.

import type * as z from 'zod';
import { nearest } from '../../config/spelling.ts';
import type { Verb } from '../verb.ts';
import { camelCase } from '../verb-command.ts';

/** The parts of a request that carry input. */
export interface Carried {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export type Input =
  | { readonly ok: true; readonly given: Readonly<Record<string, unknown>>; readonly parsed: z.output<z.ZodObject>; readonly why?: string }
  | { readonly ok: false; readonly faults: readonly string[] };

/** The longest text that counts as a reason, in UTF-16 units. */
const MAX_WHY = 1000;

/** Reads and judges the input of one call. */
export function readInput(verb: Verb, carried: Carried): Input {
  const faults: string[] = [];
  const given: Record<string, unknown> = {};
  const known = Object.keys(verb.input.shape);
  let why: string | undefined;
  for (const [place, values] of [
    ['the path', carried.params],
    ['the query', carried.query],
    ['the body', carried.body],
  ] as const) {
    if (values === undefined || values === null) continue;
    if (typeof values !== 'object' || Array.isArray(values)) {
      faults.push(`${place}: a JSON object is expected, with the keys ${known.join(', ') || '(none)'}`);
      continue;
    }
    for (const [key, value] of Object.entries(values)) {
      if (key === 'why' && !known.includes('why')) {
        if (typeof value === 'string' && value.length <= MAX_WHY) why = value;
        else faults.push(`why: a text of at most ${MAX_WHY} characters`);
      } else if (!known.includes(key)) {
        const meant = nearest(key, known);
        faults.push(`${key.slice(0, 60)}: unknown key in ${place}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`);
      } else if (Object.hasOwn(given, key)) faults.push(`${key}: given twice, in ${place} and before it`);
      else given[key] = asTyped(verb, key, value);
    }
  }
  const parsed = verb.input.safeParse(given);
  if (!parsed.success)
    faults.push(
      ...parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`)),
    );
  if (faults.length > 0 || !parsed.success) return { ok: false, faults };
  return { ok: true, given, parsed: parsed.data, ...(why !== undefined && { why }) };
}

/** A value as the command line would hand it over: text, true or false, a list of texts. Anything else is left to the schema. */
function asTyped(verb: Verb, key: string, value: unknown): unknown {
  if (isFlag(verb, key)) return value === 'true' || value === '' ? true : value === 'false' ? false : value;
  const typed = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  return isList(verb, key) && typeof typed === 'string' ? [typed] : typed;
}

const optionOf = (verb: Verb, key: string) => Object.entries(verb.options).find(([name]) => camelCase(name) === key)?.[1];

/** True for a key that is a switch on the command line. */
export function isFlag(verb: Verb, key: string): boolean {
  return optionOf(verb, key)?.type === 'boolean';
}

/** True for a key that may be given more than once. */
export function isList(verb: Verb, key: string): boolean {
  return (
    optionOf(verb, key)?.multiple === true ||
    verb.positionals.some((name) => name.includes('...') && name.replaceAll(/[[\].]/g, '') === key)
  );
}
