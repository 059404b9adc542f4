// `isthmus partner block|unblock`: entries of `blocked:` in routes/policy.yaml, which beats everything else.

import * as z from 'zod';
import type { FileChanges } from '../../config/edit.ts';
import { isoTime } from '../../config/effective.ts';
import { POLICY_FILE } from '../../config/policy.ts';
import { nearest } from '../../config/spelling.ts';
import { parseCidr, parseDomain, parseUser, Wrong } from '../../config/values.ts';
import { type Plain, plainOf } from '../../config/yaml-plain.ts';
import type { KeyPath, Step } from '../../config/yaml-step.ts';
import { verb } from '../verb.ts';
import { EFFECT_OPTIONS, editPartner, type ReadText } from './edit.ts';
import { type Target, targetInput, targetName, untilInput, untilMs } from './words.ts';

const EFFECT_INPUT = {
  now: z.boolean().default(false).describe('Takes effect at once: this edit alone.'),
  keepFiles: z.boolean().default(false).describe('With now: leave the files as they are.'),
};

export const partnerBlock = verb({
  words: 'partner block',
  summary: 'refuses a domain, a user or an address, whatever else is written',
  positionals: ['target'],
  options: {
    until: {
      type: 'string',
      value: 'TIME',
      says: '2h or 30d from now, or a time such as 2026-12-24T06:00:00Z; default: until it is unblocked',
    },
    subdomains: { type: 'boolean', says: 'with a domain: everything below it too' },
    note: { type: 'string', value: 'TEXT', says: 'a ticket, a reason; stands in the file' },
    ...EFFECT_OPTIONS,
  },
  details: [
    'TARGET is a domain, a user (mallory@partner.example) or an address (198.51.100.0/24). Adds a line to blocked: in routes/policy.yaml and prints the diff.',
    'With --now it is in force at once, and open connections of the target end: only this edit is taken, on top of what is in force.',
  ].join('\n'),
  example: 'isthmus partner block spam.example --subdomains --note "ticket 99" --now',
  input: z.object({
    target: targetInput.describe('A domain, a user or an address.'),
    until: untilInput.optional(),
    subdomains: z.boolean().default(false).describe('With a domain: everything below it too.'),
    note: z.string().max(500).optional().describe('Stands in the file.'),
    ...EFFECT_INPUT,
  }),
  http: { method: 'POST', path: '/partners/{target}/block' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { target, until, subdomains, note, now, keepFiles }) {
    if (subdomains && !('domain' in target)) {
      const text = 'isthmus partner block: --subdomains goes with a domain';
      return { text, json: { error: 'usage', text }, exit: 2 };
    }
    const at = until === undefined ? undefined : untilMs(until, operations.clock.now());
    const entry: Readonly<Record<string, Plain>> = {
      ...target,
      ...(subdomains && { subdomains }),
      ...(at !== undefined && { until: isoTime(at) }),
      ...(note !== undefined && { note }),
    };
    const given = {
      target: targetName(target),
      subdomains,
      ...(at !== undefined && { until: isoTime(at) }),
      ...(note !== undefined && { note }),
    };
    return editPartner(operations, { words: 'partner block', given, now, keepFiles, make: (read) => blocking(read, target, entry) });
  },
});

export const partnerUnblock = verb({
  words: 'partner unblock',
  summary: 'takes a domain, a user or an address off the block list',
  positionals: ['target'],
  options: EFFECT_OPTIONS,
  details:
    'Removes the entry from blocked: in routes/policy.yaml and prints the diff. Whoever is unblocked gets what the other rules allow.',
  example: 'isthmus partner unblock spam.example --now',
  input: z.object({ target: targetInput.describe('As it was blocked.'), ...EFFECT_INPUT }),
  http: { method: 'POST', path: '/partners/{target}/unblock' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { target, now, keepFiles }) {
    const given = { target: targetName(target) };
    return editPartner(operations, { words: 'partner unblock', given, now, keepFiles, make: (read) => unblocking(read, target) });
  },
});

function blocking(read: ReadText, target: Target, entry: Readonly<Record<string, Plain>>): FileChanges | string {
  const entries = entriesOf(read);
  const index = entries.findIndex((one) => sameTarget(one, target));
  if (index < 0) return { [POLICY_FILE]: [{ kind: 'append', path: ['blocked'], value: entry }] };
  const old = entries[index]!;
  const at: KeyPath = isList(read) ? ['blocked', index] : ['blocked'];
  const steps = Object.entries(entry).flatMap(([key, value]): Step[] =>
    key in target || old[key] === value ? [] : [{ kind: 'set', path: [...at, key], value }],
  );
  // An entry with an end, blocked again without one, is blocked for good.
  if (old.until !== undefined && entry.until === undefined) steps.push({ kind: 'delete', path: [...at, 'until'] });
  if (old.enabled === false) steps.push({ kind: 'delete', path: [...at, 'enabled'] });
  return steps.length === 0 ? `${targetName(target)} is blocked already (${POLICY_FILE})` : { [POLICY_FILE]: steps };
}

function unblocking(read: ReadText, target: Target): FileChanges | string {
  const entries = entriesOf(read);
  const found = entries.flatMap((one, index) => (sameTarget(one, target) ? [index] : []));
  if (found.length > 0) {
    const steps = found.reverse().map((index): Step => ({ kind: 'delete', path: isList(read) ? ['blocked', index] : ['blocked'] }));
    return { [POLICY_FILE]: steps };
  }
  const name = targetName(target);
  const names = entries.map((one) => String(one.domain ?? one.user ?? one.address));
  const above = entries.find((one) => one.subdomains === true && name.endsWith(`.${String(one.domain)}`));
  if (above !== undefined) return `${name} has no entry of its own; it is blocked by ${String(above.domain)} with subdomains: true`;
  const meant = nearest(name, names);
  return `${name} is not blocked${meant === undefined ? '' : `. Did you mean "${meant}"?`}`;
}

type Written = Readonly<Record<string, unknown>>;

function blockedOf(read: ReadText): unknown {
  const policy = plainOf(read(POLICY_FILE) ?? '');
  return policy !== null && typeof policy === 'object' && 'blocked' in policy ? policy.blocked : undefined;
}

const isList = (read: ReadText): boolean => Array.isArray(blockedOf(read));

/** The entries as written; one entry may stand without a list. */
function entriesOf(read: ReadText): readonly Written[] {
  const blocked = blockedOf(read);
  const list: readonly unknown[] = Array.isArray(blocked) ? blocked : blocked === undefined || blocked === null ? [] : [blocked];
  return list.map((one) => (one !== null && typeof one === 'object' ? { ...one } : {}));
}

function sameTarget(entry: Written, target: Target): boolean {
  const same = (parse: (text: string) => string | Wrong, written: unknown, wanted: string): boolean => {
    const parsed = typeof written === 'string' ? parse(written) : undefined;
    return parsed !== undefined && !(parsed instanceof Wrong) && parsed === wanted;
  };
  if ('domain' in target) return same(parseDomain, entry.domain, target.domain);
  if ('user' in target) return same(parseUser, entry.user, target.user);
  return same(parseCidr, entry.address, target.address);
}
