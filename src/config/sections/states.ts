// people/states.yaml: states that users may choose beside the built-in ones.

import * as z from 'zod';
import { entry, word } from '../shape.ts';

/** lync-features A1: Lync's own bound, and clients' menus are no longer. */
export const MAX_STATES = 4;
const MAX_STATE_WORDS = 64;

export const LOCALE = /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/;

const words = z
  .string({ error: () => 'text of at most 64 characters, such as With a customer' })
  .transform((value) => value.normalize('NFC').trim())
  .refine((value) => value !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), { error: () => 'one line of text' })
  .refine((value) => [...value].length <= MAX_STATE_WORDS, { error: () => `at most ${MAX_STATE_WORDS} characters` });

const localised = z.record(z.string(), words);

const state = entry({
  class: word(['available', 'busy', 'doNotDisturb']).describe('How it counts for everybody and everything that does not know it.'),
  words: z
    .union([words, localised], { error: () => 'text, or text for each language: { en: With a customer, de: Beim Kunden }' })
    .describe('What is shown: one text, or one for each language; the first language stands for every other.'),
});

export const STATE_NAME = /^[A-Za-z][A-Za-z0-9-]{0,31}$/;

export const statesSection = entry({
  states: z.record(z.string(), state).default({}).describe(`At most ${MAX_STATES}, in the order in which clients show them.`),
}).describe('people/states.yaml: states that users may choose beside the built-in ones.');

export type StatesInput = z.output<typeof statesSection>;
