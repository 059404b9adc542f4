// The words the sections are written in: entries with note and enabled, lists that may be one value, values parsed from
// text, references to secrets. Each carries its own sentence for the fault and its own line for the JSON Schema.

import * as z from 'zod';
import { Wrong } from './values.ts';

/** Message of the fault for a secret written into a file; its value is never printed. */
export const LITERAL_SECRET = 'put the value into a file in secrets/ (mode 0600) and write { secret: NAME-OF-THE-FILE }';
/** Between what would be right and what was probably meant, inside one zod message. */
export const MEANT = '\u0000meant\u0000';
/** Before the known keys, separated by blanks, in the message of an unknown key. */
export const KNOWN_KEYS = '\u0000keys\u0000';

const noteText = z
  .preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string())
  .describe('For people: a ticket, a reason. Not read by the program.');
const COMMON = {
  note: noteText.optional(),
  enabled: z.boolean().optional().describe('false: as if the entry were not there. Default: true.'),
};

/** A mapping with exactly these keys, and `note` and `enabled`. */
export function entry<S extends z.ZodRawShape>(shape: S) {
  const full = { ...shape, ...COMMON };
  return z.strictObject(full, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? KNOWN_KEYS + Object.keys(full).join(' ') : undefined),
  });
}

/** A list that may be written as one value. */
export function list<T extends z.ZodType>(item: T) {
  return z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), z.array(item)).meta({ oneOrMany: true });
}

/** Text that `parse` understands. @param example stands in the JSON Schema and in the fault for something that is no text */
export function text<T>(parse: (text: string) => T | Wrong, example: string) {
  return z
    .string({ error: () => `text such as ${example}` })
    .meta({ examples: [example] })
    .transform((value, context) => {
      const parsed = parse(value);
      if (!(parsed instanceof Wrong)) return parsed;
      const message = parsed.meant === undefined ? parsed.right : `${parsed.right}${MEANT}${parsed.meant}`;
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    });
}

/** One of these words. */
export function word<const W extends readonly string[]>(words: W) {
  return z.enum(words);
}

/** `{ secret: name }`: read from secrets/name or $CREDENTIALS_DIRECTORY/name when it is needed, never from here. */
export function secret() {
  return z
    .strictObject(
      { secret: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, { error: () => 'the plain name of a file in secrets/' }) },
      {
        error: (issue) =>
          issue.code === 'unrecognized_keys' ? `${KNOWN_KEYS}secret` : issue.code === 'invalid_type' ? LITERAL_SECRET : undefined,
      },
    )
    .describe('A secret: the name of a file in secrets/ (mode 0600), never the value itself.');
}

/** JSON Schema for editors: what may be written, before it is parsed. */
export function jsonSchema(schema: z.ZodType, title: string): unknown {
  return {
    ...z.toJSONSchema(schema, {
      io: 'input',
      override({ zodSchema, jsonSchema: made }) {
        if (z.globalRegistry.get(zodSchema)?.oneOrMany !== true) return;
        const { items } = made;
        delete made.oneOrMany;
        delete made.type;
        delete made.items;
        if (items !== undefined && !Array.isArray(items)) made.anyOf = [items as z.core.JSONSchema.BaseSchema, { type: 'array', items }];
      },
    }),
    title,
  };
}
