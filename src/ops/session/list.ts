// `isthmus session list`: who is connected now, how they proved it, what crossed.

import * as z from 'zod';
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
    'A connection that has not said yet who it is shows "nobody yet".',
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
    const head = ['ID', 'WHO', 'PROVEN BY', 'PROTOCOL', 'SIDE', 'DIR', 'ADDRESS', 'TLS', 'SINCE', 'RCVD', 'SENT'];
    const rows = found.map((one) => [
      one.id,
      whoOf(one),
      howOf(one),
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
    const text = found.length === 0 ? none : [...columns([head, ...rows]), '', count(found.length, 'connection')].join('\n');
    return { text, json: { sessions: found.map(sessionJson) }, exit: 0 };
  },
});

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
