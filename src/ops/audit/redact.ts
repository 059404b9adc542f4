// What of a call's input stands in the audit log: everything but secrets. A key is secret when its schema says so
// (`.meta({ secret: true })`), when its name does, or when its value carries a private key.

import type * as z from 'zod';
import type { Verb } from '../verb.ts';

const SECRET_NAME = /pass(word|phrase)|hmac|private|secret|bearer/i;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const LEFT_OUT = '(left out)';
/** A longer text is cut; the file it changed stands in the line's diff. */
const MAX_TEXT = 2000;

/** The input as JSON for the audit log. */
export function auditedInput(verb: Verb, given: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(given).map(([key, value]) => [key, isSecret(verb, key) ? LEFT_OUT : shorten(value)]);
  return JSON.stringify(Object.fromEntries(shown));
}

function isSecret(verb: Verb, key: string): boolean {
  return SECRET_NAME.test(key) || markedSecret(verb.input.shape[key]);
}

/** The mark may stand on the schema itself or on what an optional, a default or a transformation wraps. */
function markedSecret(schema: z.core.$ZodType | undefined): boolean {
  for (let at: unknown = schema, depth = 0; depth < 8 && typeof at === 'object' && at !== null && '_zod' in at; depth += 1) {
    if ('meta' in at && typeof at.meta === 'function' && at.meta()?.secret === true) return true;
    const { def } = at._zod as { def: { innerType?: unknown; in?: unknown } }; // zod's own shape of every schema
    at = def.innerType ?? def.in;
  }
  return false;
}

function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'string') return value;
  if (PRIVATE_KEY.test(value)) return LEFT_OUT;
  return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}... (${value.length} characters)`;
}
