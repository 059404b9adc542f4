// routes/policy.yaml: who may talk to us at all, before any partner's own file is read.

import * as z from 'zod';
import { PRESENCE_DETAILS } from '../../model/presence.ts';
import { entry, list, text, word } from '../shape.ts';
import { caseMapped, parseCidr, parseDomain, parseTime, parseUser, Wrong } from '../values.ts';
import { allowSection, limitsSection, MESSAGE_DIRECTIONS } from './allow.ts';
import { PROTOCOLS } from './partner.ts';

const user = text(parseUser, 'nora@corp.example');

const block = entry({
  domain: text(parseDomain, 'spam.example').optional(),
  subdomains: z.boolean().default(false).describe('With domain: everything below it too. Default: false.'),
  user: text(parseUser, 'mallory@partner.example').optional(),
  address: text(parseCidr, '198.51.100.0/24').optional(),
  until: text(parseTime, '2026-12-24T06:00:00Z').optional(),
});

/** `everyone`, `group:traders`, `nora@corp.example`. */
function parseWho(value: string) {
  if (value === 'everyone') return { kind: 'everyone' as const };
  const group = /^group:(.+)$/.exec(value);
  if (group !== null) return { kind: 'group' as const, group: group[1]!.trim() };
  const parsed = value.includes('@') ? parseUser(value) : new Wrong('');
  return parsed instanceof Wrong
    ? new Wrong('everyone, group:NAME or a user such as nora@corp.example')
    : { kind: 'user' as const, user: parsed };
}

/** `everyone`, `listed`, `discovered`, `bank.example`, `li@partner.example`. */
function parseWith(value: string) {
  if (value === 'everyone' || value === 'listed' || value === 'discovered') return { kind: value } as const;
  if (value.includes('@')) {
    const parsed = parseUser(value);
    return parsed instanceof Wrong ? parsed : { kind: 'user' as const, user: parsed };
  }
  const domain = value.includes('.') ? parseDomain(value) : new Wrong('');
  return domain instanceof Wrong ? new Wrong('everyone, listed, discovered, a domain or a user') : { kind: 'domain' as const, domain };
}

const rule = entry({
  who: text(parseWho, 'group:traders').describe('Our side: everyone, group:NAME or one user.'),
  with: text(parseWith, 'bank.example').describe("The partner's side: everyone, listed, discovered, a domain or one user."),
  messages: word(MESSAGE_DIRECTIONS).optional(),
  theySee: list(word(PRESENCE_DETAILS)).optional(),
  weSee: z.boolean().optional(),
});

const policyTest = entry({
  from: user,
  to: user,
  over: word(PROTOCOLS).optional(),
  proof: word(['certificate', 'dialback', 'none']).optional(),
  message: word(['allow', 'refuse']).optional(),
  presence: word(['allow', 'refuse']).optional(),
});

const group = z.union([
  list(user),
  entry({ file: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.csv$/, { error: () => 'the name of a .csv file in routes/' }) }),
  entry({ ldap: z.string().min(1) }),
]);

const groupName = z
  .string()
  .regex(/^\S+$/, { error: () => 'a group name without blanks' })
  .transform(caseMapped);

export const policySection = entry({
  federation: word(['closed', 'discovered', 'off'])
    .default('closed')
    .describe('closed: only partners with a file. discovered: also domains found by DNS, under limits. off: nobody. Default: closed.'),
  blocked: list(block).default([]).describe('Beats everything. One of domain, user, address each.'),
  listed: entry({ allow: allowSection.optional(), limits: limitsSection.optional() })
    .prefault({})
    .describe('What partners with a file get unless their file says otherwise.'),
  discovered: entry({
    protocols: list(word(PROTOCOLS))
      .default(['xmpp', 'sip'])
      .describe('Asked in this order, by SRV only; the first that proves itself is kept.'),
    allow: allowSection.optional(),
    limits: limitsSection.optional(),
  }).prefault({}),
  groups: z.record(groupName, group).default({}).describe('Groups of our users: a list, { file: traders.csv } or { ldap: filter }.'),
  rules: list(rule).default([]).describe('Any `messages: none` beats every allow; otherwise, key by key, the first match.'),
  tests: list(policyTest).default([]).describe('No file of this set takes effect unless all hold.'),
}).describe("routes/policy.yaml: who may talk to us at all, before any partner's own file is read.");

export type PolicyInput = z.output<typeof policySection>;
