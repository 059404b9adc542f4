// `isthmus user invite`: a link with which somebody gives themselves an account, or the first password of theirs. What is
// printed is the only copy of it; the home keeps a hash.

import { writeFileSync } from 'node:fs';
import { renderSVG, renderUnicodeCompact } from 'uqr';
import * as z from 'zod';
import { parseUser, Wrong } from '../../config/values.ts';
import { webOrigin } from '../../config/web-origin.ts';
import { bareKey } from '../../model/address.ts';
import { INVITE_PATH, inviteUri, makeToken, stateOf, tokenHash } from '../../model/invitation-link.ts';
import type { Invitation } from '../../model/invitations.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { columns, minuteOf } from '../words.ts';
import { atPeople, groupsInput, ofCore, Refused, tableOf } from './given.ts';
import { signsInThere } from './password.ts';

const DAY_MS = 86_400_000;
/** Those that ended so long ago are still listed. */
const SHOWN_MS = 30 * DAY_MS;

const whole = (least: number, most: number) => {
  const right = `right would be a whole number from ${least} to ${most}`;
  return z.coerce.number(right).int(right).min(least, right).max(most, right);
};

export const userInvite = verb({
  words: 'user invite',
  summary: 'a link and QR code with which somebody sets their own password',
  positionals: ['[whom]'],
  options: {
    days: { type: 'string', value: 'N', says: 'how long it is good; default: 7' },
    uses: { type: 'string', value: 'N', says: 'for a domain: how many may come with it; default: 1' },
    group: { type: 'string', value: 'NAME', multiple: true, says: 'a group of whoever comes with it; may be given again' },
    svg: { type: 'string', value: 'FILE', says: 'writes the QR code as a picture' },
    list: { type: 'boolean', says: 'shows invitations, without their secrets' },
    revoke: { type: 'string', value: 'ID', says: 'ends one; user invite --list shows the ids' },
  },
  details: [
    'WHOM is an address (a new user, or one who has no password yet) or a domain served: core, where whoever comes chooses a name.',
    'Clients that know invitations (XEP-0401) open the xmpp: link or read the code. For all others, SIP too, the https: link leads to a page with a',
    'form; it is printed where isthmus.yaml has clients.web. The link is shown this once; whoever has it may use it: send it on a safe way.',
  ].join('\n'),
  example: 'isthmus user invite nora@people.example --days 3',
  input: z.object({
    whom: z.string().optional().describe('An address, or a domain served by the core.'),
    days: whole(1, 365).default(7).describe('How long it is good, in days.'),
    uses: whole(1, 1000).optional().describe('For a domain: how many may come with it. Default: 1.'),
    group: groupsInput.default([]).describe('Groups of whoever comes with it.'),
    svg: z.string().min(1).optional().describe('On the command line: a file for the QR code.'),
    list: z.boolean().default(false).describe('Show invitations.'),
    revoke: z
      .string()
      .regex(/^[0-9a-f]{8}$/, 'eight characters, as user invite --list shows them')
      .optional()
      .describe('End this one.'),
  }),
  http: { method: 'POST', path: '/invitations' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user invite', async (desk): Promise<Report> => {
      const { invitations } = operations.records();
      const now = operations.clock.now();
      if (input.list) return listed(await invitations.list(now - SHOWN_MS), now);
      if (input.revoke !== undefined) {
        if (!(await invitations.revoke(input.revoke, now))) throw new Refused(`there is no open invitation ${input.revoke}`, 404);
        const text = `Invitation ${input.revoke} is over. Who has come with it stays.`;
        return { text, json: { revoked: input.revoke }, exit: 0, changes: `invitation ${input.revoke} revoked` };
      }
      if (input.whom === undefined) throw new Refused('whom? An address, or a domain that is served: core');
      if (input.svg !== undefined && operations.actor.via === 'api')
        throw new Refused('over the API the answer has the link; --svg writes a file');
      const whom = await whomOf(input.whom, desk, operations);
      if (whom.address !== undefined && input.uses !== undefined && input.uses !== 1)
        throw new Refused('an invitation for one user is used once');
      const token = makeToken();
      const hash = tokenHash(token) ?? '';
      const { group: groups, uses = 1, days } = input;
      const ends = { madeAt: now, expiresAt: now + days * DAY_MS };
      const made: Invitation = { id: hash.slice(0, 8), ...whom, groups, uses, used: 0, usedBy: [], madeBy: operations.actor.name, ...ends };
      await invitations.put(hash, made);
      return shown(operations, made, token, input.svg);
    }),
});

/** Whom it is for. @throws Refused for who can sign in already, and for a domain that is not the core's */
async function whomOf(
  written: string,
  desk: PeopleDesk,
  operations: Operations,
): Promise<{ readonly domain: string; readonly address?: string }> {
  const table = tableOf(operations);
  if (!written.includes('@')) {
    const { domain } = ofCore(`anybody@${written.toLowerCase()}`, table);
    return { domain };
  }
  const parsed = parseUser(written);
  if (parsed instanceof Wrong) throw new Refused(`${written} is no address; ${parsed.right} is one`);
  const address = ofCore(parsed, table);
  const key = bareKey(address);
  const person = await desk.people.get(key);
  if (person?.disabled === true) throw new Refused(`${key} is disabled; isthmus user enable ${key}`, 409);
  if (signsInThere(operations) && (await desk.directory.get(key)) !== undefined)
    throw new Refused(`${key} signs in with the password of the directory (people/directory.yaml, signIn: ldap)`, 409);
  if (person !== undefined && (await desk.people.credentials(key)).length > 0)
    throw new Refused(`${key} has a password already; isthmus user password ${key} --generate gives another`, 409);
  return { domain: address.domain, address: key };
}

function shown(operations: Operations, invitation: Invitation, token: string, svg: string | undefined): Report {
  const uri = inviteUri(invitation, token);
  const loaded = operations.load();
  const origin = loaded.ok ? webOrigin(loaded.home) : undefined;
  const link = origin === undefined ? undefined : `${origin}${INVITE_PATH}${token}`;
  if (svg !== undefined) writeFileSync(svg, renderSVG(uri), { mode: 0o600 });
  const { id, address, domain, expiresAt } = invitation;
  const whom = address ?? `${invitation.uses === 1 ? 'one new user' : `${invitation.uses} new users`} of ${domain}`;
  const lines = [
    `Invitation ${id} for ${whom}, good until ${minuteOf(expiresAt)}.`,
    `  client  ${uri}`,
    ...(link === undefined ? ['  web     none: isthmus.yaml has no clients.web'] : [`  web     ${link}`]),
    ...(svg === undefined ? ['', renderUnicodeCompact(uri, { border: 2 })] : [`  code    ${svg}`]),
    '',
    `It is shown this once; nobody can read it again. isthmus user invite --revoke ${id} ends it.`,
  ];
  const json = { id, domain, ...(address !== undefined && { address }), uri, ...(link !== undefined && { link }), ...timesOf(invitation) };
  return { text: lines.join('\n'), json, exit: 0, changes: `invitation ${id} for ${whom}` };
}

function listed(all: readonly Invitation[], now: number): Report {
  const rows = all.map((one) => {
    const { id, address, domain, uses, used, usedBy, madeBy, expiresAt } = one;
    return [id, address ?? domain, stateOf(one, now), `${used} of ${uses}`, usedBy.join(', ') || '-', minuteOf(expiresAt), madeBy];
  });
  const text =
    rows.length === 0 ? 'No invitations.' : columns([['ID', 'FOR', 'STATE', 'USED', 'WHO CAME', 'UNTIL', 'BY'], ...rows]).join('\n');
  const json = all.map(({ id, domain, address, groups, uses, used, usedBy, madeBy, ...times }) => ({
    ...{ id, domain, ...(address !== undefined && { address }), groups, uses, used, usedBy, madeBy },
    ...timesOf(times),
    state: stateOf({ ...times, uses, used }, now),
  }));
  return { text, json: { invitations: json }, exit: 0 };
}

function timesOf({ madeAt, expiresAt }: Pick<Invitation, 'madeAt' | 'expiresAt'>): { readonly madeAt: string; readonly expiresAt: string } {
  return { madeAt: new Date(madeAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
}
