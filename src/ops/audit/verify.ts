// `isthmus audit verify`: is the chain whole? A cut-off end leaves a whole chain; only a hash that was kept elsewhere shows it.

import * as z from 'zod';
import { verb } from '../verb.ts';

export const auditVerify = verb({
  words: 'audit verify',
  summary: 'checks that no line of the audit log was changed, taken out, put in or moved',
  positionals: [],
  options: { expect: { type: 'string', value: 'HASH', says: 'a hash that was printed before: that line must still be there' } },
  details: [
    'Every line carries the SHA-256 of the line before it and of itself. Whoever can write the file can cut lines off its end, or',
    'write a new chain: keep the hash that is printed here somewhere else (mail it, print it), and give it with --expect next time.',
    'Exit 1: the chain is broken, or the expected line is gone.',
  ].join('\n'),
  example: 'isthmus audit verify',
  input: z.object({
    expect: z
      .string()
      .transform((text) => text.trim().toLowerCase())
      .refine((text) => /^[0-9a-f]{64}$/.test(text), 'the 64 hexadecimal digits that "isthmus audit verify" printed')
      .optional()
      .describe('A hash that was printed before.'),
  }),
  http: { method: 'GET', path: '/audit/verify' },
  role: 'compliance',
  audited: false,
  where: 'here',
  async run(operations, { expect }) {
    const verdict = await operations.audit().verify(expect);
    if (!verdict.whole) {
      const { brokenAt, what, lines } = verdict;
      const text = `The audit log is broken at line ${brokenAt}: ${what}.\nLines 1 to ${lines} are whole. Compare with a backup: isthmus restore FILE --verify.`;
      return { text, json: { whole: false, lines, brokenAt, what }, exit: 1 };
    }
    const { last, lines } = verdict;
    if (last === undefined) return { text: 'The audit log is empty.', json: { whole: true, lines: 0 }, exit: 0 };
    const at = new Date(last.at).toISOString();
    const found = expect === undefined ? '' : '\nThe expected line is in it.';
    const text = `The audit log is whole: ${lines} ${lines === 1 ? 'line' : 'lines'}, the last of ${at}.${found}\n${last.hash}\nKeep this hash elsewhere; --expect finds a log that was cut or written anew.`;
    return { text, json: { whole: true, lines, last: { number: last.number, at, hash: last.hash } }, exit: 0 };
  },
});
