// What partner commands are told in words: domains, whom to block, until when.

import * as z from 'zod';
import { parseCidr, parseDate, parseDomain, parseDuration, parseTime, parseUser, Wrong } from '../../config/values.ts';

const LONGEST_MS = 100 * 366 * 86_400_000;

/** A domain in any spelling, as A-labels. */
export const domainInput = z.string().transform((text, context) => {
  const domain = parseDomain(text);
  if (!(domain instanceof Wrong)) return domain;
  context.addIssue(
    `${JSON.stringify(text.slice(0, 80))}; right would be ${domain.right}${domain.meant === undefined ? '' : `. Did you mean "${domain.meant}"?`}`,
  );
  return z.NEVER;
});

export type Target = { readonly domain: string } | { readonly user: string } | { readonly address: string };

/** Whom a block is about, as policy.yaml has it: a domain, a user, an address range. */
export const targetInput = z.string().transform((text, context): Target => {
  const address = parseCidr(text);
  if (!(address instanceof Wrong)) return { address };
  const user = text.includes('@') ? parseUser(text) : new Wrong('');
  if (!(user instanceof Wrong)) return { user };
  const domain = parseDomain(text);
  if (!(domain instanceof Wrong)) return { domain };
  context.addIssue(
    `${JSON.stringify(text.slice(0, 80))}; right would be a domain, a user such as mallory@partner.example, or an address such as 198.51.100.0/24`,
  );
  return z.NEVER;
});

export function targetName(target: Target): string {
  return Object.values(target)[0] ?? '';
}

const UNTIL = '2h or 30d from now, or a time such as 2026-12-01T06:00:00Z';

/** Until when: a duration from now, or a time. */
export const untilInput = z
  .string()
  .refine((text) => untilMs(text, 0) !== undefined, UNTIL)
  .describe(UNTIL);

/** @returns wall ms; undefined when the text is neither */
export function untilMs(text: string, now: number): number | undefined {
  const span = parseDuration(text);
  if (typeof span === 'number') return span <= LONGEST_MS ? now + span : undefined;
  const at = parseTime(text);
  return at instanceof Wrong ? undefined : at;
}

/** A day, as it stands in the file. */
export const dateInput = z.string().refine((text) => !(parseDate(text) instanceof Wrong), 'a date such as 2027-06-01');
