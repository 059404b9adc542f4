// `isthmus session list`: who is connected now, how they proved it, what crossed.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import type { ClientSight } from '../../model/core.ts';
import type { ProofWord } from '../../model/event.ts';
import type { Session } from '../../model/sessions.ts';
import { domainInput, domainsOf } from '../partner-choice.ts';
import { verb } from '../verb.ts';
import { columns, count, span } from '../words.ts';

export const sessionList = verb({
  words: 'session list',
  summary: 'open connections: who is there, how they proved it, what crossed',
  positionals: [],
  options: { partner: { type: 'string', value: 'DOMAIN', says: 'only those of this partner' } },
  details: [
    'in: they opened it; out: we did. SENT and RCVD count messages and presence. PROVEN BY: certificate names the domain itself;',
    "named server and discovered server stand in for it (names: of the partner's file, or _sipfederationtls); dialback is UNPROVEN.",
    'A connection that has not said yet who it is shows "nobody yet". Users of the core who are signed in stand in a second table.',
  ].join('\n'),
  example: 'isthmus session list --partner fabrikam.example',
  input: z.object({ partner: domainInput.optional() }),
  http: { method: 'GET', path: '/sessions' },
  role: 'viewer',
  audited: false,
  where: 'process',
  async run({ live, clock }, { partner }) {
    if (live === undefined) throw new Error('session list runs in the process');
    const wanted = partner === undefined ? undefined : domainsOf(partner, live.table());
    const found = live.sessions
      .list()
      .filter(({ proven }) => wanted === undefined || [...proven.keys()].some((domain) => wanted.has(domain)))
      .sort((a, b) => whoOf(a).localeCompare(whoOf(b)) || a.since - b.since);
    const now = clock.now();
    const people = usersBy(live.clients.list());
    const head = ['ID', 'WHO', 'PROVEN BY', 'PROTOCOL', 'SIDE', 'DIR', 'ADDRESS', 'TLS', 'SINCE', 'RCVD', 'SENT'];
    const rows = found.map((one) => [
      one.id,
      people.get(one.id)?.join(', ') ?? whoOf(one),
      people.has(one.id) ? HOW.account : howOf(one),
      one.protocol,
      one.side,
      one.direction,
      `${one.address.includes(':') ? `[${one.address}]` : one.address}:${one.port}`,
      one.tls === undefined ? 'none' : one.tls.version.replace('TLSv', ''),
      span(now - one.since),
      String(one.received),
      String(one.sent),
    ]);
    const none = partner === undefined ? 'Nobody is connected.' : `Nobody is connected as ${partner}.`;
    const users = wanted === undefined ? live.clients.list() : [];
    const connected = found.length === 0 ? none : [...columns([head, ...rows]), '', count(found.length, 'connection')].join('\n');
    const text = users.length === 0 ? connected : [connected, '', ...usersTable(users, now)].join('\n');
    return {
      text,
      json: { sessions: found.map((one) => ({ ...sessionJson(one), users: people.get(one.id) ?? [] })), users: users.map(userJson) },
      exit: 0,
    };
  },
});

/** Clients of users of the core. */
function usersTable(users: readonly ClientSight[], now: number): string[] {
  const sorted = [...users].sort((a, b) => bareKey(a.user).localeCompare(bareKey(b.user)) || a.since - b.since);
  const rows = sorted.map(({ user, resource, face, connection, address, since, availability }) => [
    bareKey(user),
    resource,
    face,
    availability === 'open' ? 'available' : 'not shown',
    connection,
    address,
    span(now - since),
  ]);
  const people = new Set(users.map(({ user }) => bareKey(user))).size;
  const head = ['USER', 'CLIENT', 'OVER', 'PRESENCE', 'ID', 'ADDRESS', 'SINCE'];
  return [...columns([head, ...rows]), '', `${count(users.length, 'client')} of ${count(people, 'user')}`];
}

/** Whose clients speak on a connection, by its ID. */
function usersBy(clients: readonly ClientSight[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { connection, user } of clients) {
    const known = found.get(connection) ?? [];
    found.set(connection, known.includes(bareKey(user)) ? known : [...known, bareKey(user)]);
  }
  return found;
}

function userJson({ user, ...rest }: ClientSight): object {
  return { user: bareKey(user), ...rest, since: new Date(rest.since).toISOString() };
}

/** The first domain, and how many more. */
export function whoOf({ proven }: Pick<Session, 'proven'>): string {
  const [first] = proven.keys();
  if (first === undefined) return 'nobody yet';
  return proven.size === 1 ? first : `${first} +${proven.size - 1}`;
}

const HOW: Readonly<Record<ProofWord, string>> = {
  certificate: 'certificate',
  namedServer: 'named server',
  discoveredServer: 'discovered server',
  posh: 'POSH',
  dialback: 'UNPROVEN (dialback)',
  inside: 'inside server',
  account: 'account',
  local: 'ourselves',
  none: 'UNPROVEN',
};

/** Every way in which its domains are proven, the doubtful ones marked. */
export function howOf({ proven }: Pick<Session, 'proven'>): string {
  return [...new Set(proven.values())].map((how) => HOW[how]).join(', ') || '-';
}

function sessionJson(session: Session): object {
  return { ...session, since: new Date(session.since).toISOString(), proven: Object.fromEntries(session.proven) };
}
