// What `isthmus status` and `top` show, as values: the process, its partners, what needs a look.

import { AppliedError, filesOf, setOf } from '../../config/applied.ts';
import { differingPaths } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import { bareKey } from '../../model/address.ts';
import type { ProofWord } from '../../model/event.ts';
import { daysLeft } from '../../model/expiry.ts';
import type { PartnerHealth } from '../../model/health.ts';
import type { Session, Spoken } from '../../model/sessions.ts';
import { insideOf } from '../../model/table.ts';
import type { Live } from '../live.ts';

/** A certificate with fewer days left is shown. */
const DAYS_SHOWN = 30;
/** With fewer days than this it is a finding. */
const DAYS_URGENT = 14;

export interface SessionCount {
  readonly protocol: Spoken;
  readonly direction: 'in' | 'out';
  readonly how: ProofWord;
  readonly open: number;
}

export interface PartnerLine {
  /** The partner's first domain, or a stranger's domain. */
  readonly partner: string;
  readonly roads: readonly PartnerHealth[];
  readonly sessions: readonly SessionCount[];
  /** Messages and presence a second. */
  readonly in: number;
  readonly out: number;
  readonly waiting: number;
  readonly oldestMs: number;
}

export interface StatusFacts {
  readonly now: number;
  readonly version: string;
  readonly home: string;
  readonly startedAt: number;
  readonly generation: number;
  /** Number of the accepted set that is in force; absent while none could be kept. */
  readonly set?: number;
  /** Files of the home that differ from what is in force; undefined: it cannot be told, and why. */
  readonly differing: readonly string[] | { readonly unknown: string };
  readonly listeners: ReturnType<Live['sight']['listeners']>;
  readonly partners: readonly PartnerLine[];
  /** Connections with our own servers, and those that have proven nothing yet. */
  readonly inside: number;
  readonly unknown: number;
  readonly queue: { readonly waiting: number; readonly oldestMs: number };
  /** Who is signed in; absent: no domain is `served: core`. */
  readonly users?: { readonly signedIn: number; readonly clients: number };
  readonly certificates: readonly {
    readonly role: string;
    readonly name: string;
    readonly notAfter: number;
    readonly days: number;
    readonly urgent: boolean;
  }[];
  readonly store: ReturnType<Live['sight']['store']>;
  readonly loopLagMs: number;
  readonly memoryBytes: number;
  readonly lastBackupAt?: number;
  /** One sentence each, and what to do: down or overdue. */
  readonly findings: readonly { readonly text: string; readonly advice: string }[];
}

interface Line {
  readonly roads: PartnerHealth[];
  readonly sessions: Map<string, SessionCount>;
  in: number;
  out: number;
  waiting: number;
  oldestMs: number;
}

/** Everything at this moment. @param dir of the home @param now wall ms */
export async function statusFacts(live: Live, dir: string, now: number): Promise<StatusFacts> {
  const table = live.table();
  const roads = live.health.roads();
  const queued = live.queue.sums();
  const sessions = live.sessions.list();
  const rates = live.sight.rates();
  const certificates = await certificatesOf(live, now);
  const nameOf = (domain: string): string => table.partners.get(domain)?.name ?? domain;
  const lines = new Map<string, Line>();
  const line = (domain: string): Line => {
    const name = nameOf(domain);
    const found: Line = lines.get(name) ?? { roads: [], sessions: new Map(), in: 0, out: 0, waiting: 0, oldestMs: 0 };
    lines.set(name, found);
    return found;
  };
  for (const road of roads) line(road.domain).roads.push(road);
  for (const session of sessions) {
    const [first] = session.proven;
    if (session.side !== 'edge' || first === undefined) continue;
    const [domain, how] = first;
    note(line(domain).sessions, session, how);
  }
  for (const [domain, rate] of rates) {
    if (table.domains.has(domain)) continue;
    const one = line(domain);
    one.in += rate.in;
    one.out += rate.out;
  }
  let oldestAt = now;
  let waiting = 0;
  for (const sum of queued) {
    oldestAt = Math.min(oldestAt, sum.oldestAt);
    waiting += sum.rows;
    if (table.domains.has(sum.domain)) continue;
    const one = line(sum.domain);
    one.waiting += sum.rows;
    one.oldestMs = Math.max(one.oldestMs, now - sum.oldestAt);
  }
  const lastBackupAt = live.sight.lastBackupAt();
  const partners = [...lines].map(([partner, one]): PartnerLine => ({ ...one, partner, sessions: [...one.sessions.values()] }));
  return {
    now,
    version: live.version,
    home: dir,
    startedAt: live.startedAt,
    generation: table.generation,
    ...setInForce(live),
    differing: differingFiles(live, dir),
    listeners: live.sight.listeners(),
    partners: partners.sort(worstFirst),
    inside: sessions.filter(({ side }) => side === 'inside').length,
    unknown: sessions.filter(({ side, proven }) => side === 'edge' && proven.size === 0).length,
    queue: { waiting, oldestMs: now - oldestAt },
    ...([...table.domains.values()].some(({ served }) => served === 'core') && { users: signedIn(live) }),
    certificates,
    store: live.sight.store(),
    loopLagMs: live.sight.loopLagMs(),
    memoryBytes: live.sight.memoryBytes(),
    ...(lastBackupAt !== undefined && { lastBackupAt }),
    findings: findingsOf(live, partners, certificates),
  };
}

function signedIn({ clients }: Live): NonNullable<StatusFacts['users']> {
  const all = clients.list();
  return { signedIn: new Set(all.map(({ user }) => bareKey(user))).size, clients: all.length };
}

function note(counts: Map<string, SessionCount>, { protocol, direction }: Session, how: ProofWord): void {
  const key = `${protocol} ${direction} ${how}`;
  counts.set(key, { protocol, direction, how, open: (counts.get(key)?.open ?? 0) + 1 });
}

const isDown = ({ roads }: PartnerLine): boolean => roads.some(({ state }) => state === 'down');

function worstFirst(a: PartnerLine, b: PartnerLine): number {
  return (
    Number(isDown(b)) - Number(isDown(a)) || b.waiting - a.waiting || b.in + b.out - (a.in + a.out) || a.partner.localeCompare(b.partner)
  );
}

async function certificatesOf(live: Live, now: number): Promise<StatusFacts['certificates']> {
  const all = (await live.sight.certificates()).map((one) => ({ ...one, days: daysLeft(one.notAfter, now) }));
  return all
    .filter(({ days }) => days < DAYS_SHOWN)
    .sort((a, b) => a.notAfter - b.notAfter)
    .map((one) => ({ ...one, urgent: one.days < DAYS_URGENT }));
}

function setInForce(live: Live): { readonly set?: number } {
  try {
    const current = live.rules.current();
    return current === undefined ? {} : { set: current.number };
  } catch (error) {
    if (error instanceof AppliedError) return {};
    throw error;
  }
}

function differingFiles(live: Live, dir: string): StatusFacts['differing'] {
  try {
    const current = live.rules.current();
    if (current === undefined) return { unknown: 'nothing was accepted yet' };
    return differingPaths(filesOf(current.files), filesOf(setOf(readHomeFiles(dir))));
  } catch (error) {
    if (error instanceof AppliedError) return { unknown: error.message };
    throw error;
  }
}

/** Our own XMPP servers that are not connected: their users hear nothing, and no partner is at fault. A connection is made within some seconds of the start. */
function awayInside(live: Live): StatusFacts['findings'] {
  const inside = live.sessions.list().filter(({ side }) => side === 'inside');
  const away = [...new Set(live.table().domains.values())]
    .map(insideOf)
    .filter(({ domain, component }) => component !== undefined && !inside.some(({ proven }) => proven.has(domain)));
  return away.map(({ domain, component }) => ({
    text: `the XMPP server of ${domain} is not connected${component?.dial === undefined ? '; it is to dial us' : `: ${component.dial.host} port ${component.dial.port}`}`,
    advice: 'component: in routes/domains.yaml says how; the log, event component.closed, says why not',
  }));
}

function findingsOf(live: Live, partners: readonly PartnerLine[], certificates: StatusFacts['certificates']): StatusFacts['findings'] {
  const alerts = live.alerts().map(({ text, advice }) => ({ text, advice }));
  const said = (subject: string): boolean => live.alerts().some((alert) => alert.subject.includes(subject));
  const down = partners.flatMap(({ roads }) =>
    roads
      .filter(({ state, domain }) => state === 'down' && !said(domain))
      .map(({ domain, protocol, lastFailure }) => ({
        text: `${domain} cannot be reached over ${protocol.toUpperCase()}${lastFailure === undefined ? '' : `: ${lastFailure.code}, ${lastFailure.text}`}`,
        advice: `isthmus partner test ${domain}`,
      })),
  );
  const ending = certificates
    .filter(({ urgent, name }) => urgent && !said(name))
    .map(({ role, name, days }) => ({
      text: `the certificate ${name} (${ROLE_WORDS[role] ?? role}) ${days < 0 ? 'has ended' : `ends in ${days} days`}`,
      advice: role === 'partner' ? 'tell their administrator' : 'isthmus cert list',
    }));
  return [...alerts, ...awayInside(live), ...down, ...ending];
}

export const ROLE_WORDS: Readonly<Record<string, string>> = { own: 'ours', ca: 'an authority we trust', partner: "a partner's" };
