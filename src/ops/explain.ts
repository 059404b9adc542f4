// `isthmus explain ID` and `isthmus explain FROM TO`: what became of a message, in plain words, from the ledger and the
// decisions. `delivered` was confirmed by the far end, `handedOver` was written and never confirmed: two words.

import { ERRORS } from '../errors.ts';
import type { LedgerEntry, LedgerStore } from '../model/outbox-store.ts';
import type { Reason, ReasonCode } from '../model/reason.ts';
import type { DecisionRecord, DecisionStore } from '../model/stores.ts';
import type { Report } from './verb.ts';

const EXPLAIN_HELP = `isthmus explain ID                   one message, by Call-ID, stanza id, origin-id or our own id
isthmus explain FROM TO              what one person sent another, and what was decided
  --presence                         subscriptions instead of messages
  --since 14:00                      only since then (a time of today, or an ISO date); default: the last 24 hours

  isthmus explain li@partner.example nora@corp.example --since 14:00`;

export interface ExplainQuery {
  /** One identifier, or two addresses `local@domain`. */
  readonly words: readonly string[];
  readonly presence: boolean;
  /** `14:00` or an ISO date. */
  readonly since?: string;
}

export interface ExplainDeps {
  readonly ledger: Pick<LedgerStore, 'find' | 'between'>;
  readonly decisions: Pick<DecisionStore, 'ofEvent' | 'between'>;
  /** Wall ms. */
  readonly now: number;
}

/** Exit 0 when everything found is well or on its way, 1 when something was refused, failed or is not known, 2 on wrong usage. */
export async function explain(query: ExplainQuery, deps: ExplainDeps): Promise<Report> {
  const [first, second, ...rest] = query.words;
  if (first === undefined || rest.length > 0) return { text: EXPLAIN_HELP, json: { error: 'usage' }, exit: 2 };
  if (second === undefined) return explainId(first, deps);
  const since = sinceMs(query.since, deps.now);
  if (since === undefined) return { text: `--since ${query.since} is neither 14:00 nor an ISO date.`, json: { error: 'usage' }, exit: 2 };
  return explainPair(lower(first), lower(second), since, query.presence, deps);
}

async function explainId(id: string, deps: ExplainDeps): Promise<Report> {
  const entries = await deps.ledger.find(id);
  const decisions = await decisionsOf(entries, await deps.decisions.ofEvent(id), deps);
  if (entries.length > 0 || decisions.length > 0) return report(entries, decisions);
  const text = `Nothing here is called ${id}: it never arrived, or it is older than retention.ledger.\nTry: isthmus explain FROM TO`;
  return { text, json: { entries: [], decisions: [] }, exit: 1 };
}

async function explainPair(from: string, to: string, since: number, presence: boolean, deps: ExplainDeps): Promise<Report> {
  const wanted = (one: { readonly kind: string }): boolean => one.kind.startsWith('presence.') === presence;
  const entries = (await deps.ledger.between(from, to, since)).filter(wanted);
  const decisions = (await deps.decisions.between(from, to, since)).filter(wanted);
  if (entries.length > 0 || decisions.length > 0) return report(entries, decisions);
  const what = presence ? 'No subscription' : 'No message';
  const text = `${what} from ${from} to ${to} has reached us since ${stamp(since)}.\nLook the other way round too: isthmus explain ${to} ${from}`;
  return { text, json: { entries: [], decisions: [] }, exit: 1 };
}

/** The decisions of everything found, each once: a search by Call-ID finds lines whose decisions are filed under our id. */
async function decisionsOf(
  entries: readonly LedgerEntry[],
  found: readonly DecisionRecord[],
  deps: ExplainDeps,
): Promise<readonly DecisionRecord[]> {
  const all = [...found];
  for (const { id } of entries) {
    if (!all.some((one) => one.eventId === id)) all.push(...(await deps.decisions.ofEvent(id)));
  }
  return all;
}

function report(entries: readonly LedgerEntry[], decisions: readonly DecisionRecord[]): Report {
  const lone = decisions.filter((one) => !entries.some((entry) => entry.id === one.eventId));
  const parts = [
    ...entries.map((entry) => ({
      at: entry.acceptedAt,
      text: describe(
        entry,
        decisions.filter((one) => one.eventId === entry.id),
      ),
    })),
    ...lone.map((one) => ({ at: one.at, text: describeDecision(one) })),
  ].sort((a, b) => a.at - b.at);
  const bad = entries.some((one) => one.state === 'refused' || one.state === 'expired') || lone.some((one) => !one.allowed);
  return { text: parts.map((part) => part.text).join('\n\n'), json: { entries, decisions }, exit: bad ? 1 : 0 };
}

function describe(entry: LedgerEntry, decisions: readonly DecisionRecord[]): string {
  const lines = [
    `${KIND[entry.kind]} from ${entry.from} to ${entry.to}`,
    `  ${stamp(entry.acceptedAt)}  accepted from ${entry.peer} over ${entry.network.toUpperCase()} (${PROOF[entry.proof]}) as ${entry.id}`,
  ];
  for (const one of decisions) if (one.allowed && one.file !== undefined) lines.push(`  ${stamp(one.at)}  allowed by ${place(one)}`);
  if (entry.writtenAt !== undefined) {
    const where = entry.hop === undefined ? '' : ` to ${entry.hop.domain} over ${entry.hop.network.toUpperCase()}`;
    lines.push(`  ${stamp(entry.writtenAt)}  written${where}${entry.attempts > 1 ? `, try ${entry.attempts}` : ''}`);
  }
  lines.push(...ending(entry), `  known as: ${names(entry).join(', ')}`);
  return lines.join('\n');
}

function ending(entry: LedgerEntry): string[] {
  const at = entry.endedAt === undefined ? '' : `${stamp(entry.endedAt)}  `;
  switch (entry.state) {
    case 'delivered':
      return [`  ${at}delivered: the far end confirmed it (${entry.evidence ?? 'no detail'})`];
    case 'handedOver':
      return [`  ${at}handed over: it was written and the far end never confirmed it (${entry.evidence ?? 'no detail'})`];
    case 'accepted':
    case 'written':
      return [
        `  it waits: ${entry.state === 'written' ? 'written, not confirmed yet' : 'not sent yet'}, ${tries(entry.attempts)} so far`,
        ...because(entry.reason, 'the last one failed'),
      ];
    case 'withdrawn':
      return [`  ${at}withdrawn: it could not be sent at once, its sender was told so, and it was never written`];
    case 'refused':
      return [`  ${at}refused`, ...because(entry.reason, 'because'), told(entry)];
    case 'expired':
      return [
        `  ${at}expired: given up after waiting too long, ${tries(entry.attempts)}`,
        ...because(entry.reason, 'because'),
        told(entry),
      ];
    default:
      return entry.state satisfies never;
  }
}

function told(entry: LedgerEntry): string {
  if (entry.noticeId !== undefined) return `  the sender has been told: failure notice ${entry.noticeId}`;
  return entry.kind === 'im.sent' ? '  the sender got this as the answer' : '  nobody is told about the failure of this kind';
}

function because(why: Reason | undefined, lead: string): string[] {
  if (why === undefined) return [];
  const where = why.file === undefined ? '' : ` (${why.file}${why.key ?? ''})`;
  return [`  ${lead}: ${why.code}, ${why.text}${where}`, ...advice(why.code)];
}

function advice(code: ReasonCode): string[] {
  const { meaning, advice: what } = ERRORS[code];
  return [`    means: ${meaning}`, `    what to do: ${what}`];
}

function describeDecision(one: DecisionRecord): string {
  const kind = Object.entries(KIND).find(([name]) => name === one.kind)?.[1] ?? one.kind;
  const head = `${kind} from ${one.from} to ${one.to}\n  ${stamp(one.at)}  ${one.allowed ? 'allowed' : 'refused'}`;
  const where = one.file === undefined ? '' : ` by ${place(one)}`;
  const code = Object.keys(ERRORS).find((known): known is ReasonCode => known === one.code);
  const why = code === undefined ? [] : [`    ${code}`, ...advice(code)];
  return [`${head}${where} (${one.network.toUpperCase()}, ${PROOF[one.proof]})`, ...why, `  known as: ${one.eventId}`].join('\n');
}

function place(one: DecisionRecord): string {
  return `${one.file ?? 'the defaults'}${one.key === undefined ? '' : ` ${one.key}`}`;
}

function names(entry: LedgerEntry): string[] {
  const { theirs, wire, id } = entry;
  const list: [string, string | undefined][] = [
    ['ours', id],
    ['their Call-ID', theirs.callId],
    ['their stanza id or branch', theirs.wireId],
    ['their origin-id or Message-ID', theirs.messageId],
    ['Call-ID we use', wire.callId],
  ];
  return list.flatMap(([what, value]) => (value === undefined ? [] : [`${what} ${value}`]));
}

const KIND: Readonly<Record<LedgerEntry['kind'], string>> = {
  'im.sent': 'Message',
  'im.receipt': 'Receipt',
  'presence.requested': 'Subscription request',
  'presence.granted': 'Subscription granted',
  'presence.denied': 'Subscription denied',
  'presence.ended': 'Subscription ended',
};
const PROOF: Readonly<Record<LedgerEntry['proof'], string>> = {
  certificate: 'its certificate names the domain',
  namedServer: "its certificate has a name listed in the partner's file",
  discoveredServer: 'its certificate has a name found by DNS inside the domain',
  posh: 'the domain publishes the fingerprint of its certificate (POSH)',
  dialback: 'unproven: dialback only',
  inside: 'an inside server of ours',
  account: "a user's own account",
  local: 'made by Isthmus',
  none: 'unproven',
};

function tries(count: number): string {
  return count === 1 ? '1 try' : `${count} tries`;
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 23);
}

function lower(address: string): string {
  return address.toLowerCase();
}

/** @returns wall ms; undefined when it cannot be read. Times of day are UTC, as everything that is printed. */
function sinceMs(since: string | undefined, now: number): number | undefined {
  if (since === undefined) return now - 24 * 3600 * 1000;
  const time = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(since);
  if (time !== null) {
    const today = new Date(now).setUTCHours(Number(time[1]), Number(time[2]), 0, 0);
    return today > now ? today - 24 * 3600 * 1000 : today;
  }
  const date = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?$/.test(since) ? Date.parse(since) : Number.NaN;
  return Number.isNaN(date) ? undefined : date;
}
