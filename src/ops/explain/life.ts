// The life of one message or subscription in words: who sent it over what proof, what decided, every try that failed, how it
// ended and what its sender was told. `delivered` was confirmed by the far end, `handedOver` was written and never confirmed.

import { ERRORS } from '../../errors.ts';
import type { LedgerEntry } from '../../model/outbox-store.ts';
import type { QueuedRow } from '../../model/queue.ts';
import type { Reason, ReasonCode } from '../../model/reason.ts';
import type { DecisionRecord } from '../../model/stores.ts';
import { KIND_WORDS } from '../kind-words.ts';
import { whyOf } from '../queue/list.ts';
import { moment, oneLine } from '../words.ts';
import type { PlaceWords } from './places.ts';

/** What a life is told with. */
export interface Telling {
  readonly place: PlaceWords;
  /** The row in the queue of the running process, if it still waits there. */
  readonly queued?: (id: string) => QueuedRow | undefined;
  /** Wall ms. */
  readonly now: number;
}

/** The lives of everything found, oldest first, a refusal that never became a row among them. */
export function lives(entries: readonly LedgerEntry[], decisions: readonly DecisionRecord[], telling: Telling): string[] {
  const lone = decisions.filter((one) => !entries.some((entry) => entry.id === one.eventId));
  const parts = [
    ...entries.map((entry) => ({
      at: entry.acceptedAt,
      text: describe(
        entry,
        decisions.filter((one) => one.eventId === entry.id),
        telling,
      ),
    })),
    ...lone.map((one) => ({ at: one.at, text: describeDecision(one, telling) })),
  ].sort((a, b) => a.at - b.at);
  return parts.map((part) => part.text);
}

/** True when something was refused or given up. */
export function isBad(entries: readonly LedgerEntry[], decisions: readonly DecisionRecord[]): boolean {
  const lone = decisions.filter((one) => !entries.some((entry) => entry.id === one.eventId));
  return entries.some((one) => one.state === 'refused' || one.state === 'expired') || lone.some((one) => !one.allowed);
}

function describe(entry: LedgerEntry, decisions: readonly DecisionRecord[], telling: Telling): string {
  const steps = [
    {
      at: entry.acceptedAt,
      says: `accepted from ${entry.peer} over ${entry.network.toUpperCase()} (${PROOF[entry.proof]}) as ${entry.id}`,
    },
    ...decisions
      .filter((one) => one.allowed && one.file !== undefined)
      .map((one) => ({ at: one.at, says: `${changedWord(one)} by ${telling.place(one.file, one.key)}` })),
    ...entry.tries.map((one) => ({ at: one.at, says: `try ${one.attempt} failed: ${one.code}, ${oneLine(one.text)}` })),
  ];
  if (entry.writtenAt !== undefined) {
    const where = entry.hop === undefined ? '' : ` to ${entry.hop.domain} over ${entry.hop.network.toUpperCase()}`;
    steps.push({ at: entry.writtenAt, says: `written${where}${entry.attempts > 1 ? `, try ${entry.attempts}` : ''}` });
  }
  const life = steps.sort((a, b) => a.at - b.at).map(({ at, says }) => `  ${stamp(at)}  ${says}`);
  const head = `${KIND_WORDS[entry.kind]} from ${entry.from} to ${entry.to}`;
  return [head, ...life, ...ending(entry, telling), `  known as: ${names(entry).join(', ')}`].join('\n');
}

/** The filters note what they changed as an allowance with a code. */
function changedWord(one: DecisionRecord): string {
  return one.code === 'CONTENT_FILTERED' ? 'changed or added to' : 'allowed';
}

function ending(entry: LedgerEntry, telling: Telling): string[] {
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
        ...because(entry.reason, 'the last one failed', telling),
        ...waitWords(telling.queued?.(entry.id), telling.now),
      ];
    case 'withdrawn':
      return [`  ${at}withdrawn: it could not be sent at once, its sender was told so, and it was never written`];
    case 'refused':
      return [`  ${at}refused`, ...because(entry.reason, 'because', telling), told(entry)];
    case 'expired':
      return [
        `  ${at}expired: given up after waiting too long, ${tries(entry.attempts)}`,
        ...because(entry.reason, 'because', telling),
        told(entry),
      ];
    default:
      return entry.state satisfies never;
  }
}

function told(entry: LedgerEntry): string {
  if (entry.noticeId !== undefined)
    return `  the sender has been told: failure notice ${entry.noticeId}, with the words "${oneLine(entry.reason?.text ?? 'it was not delivered')}"`;
  return entry.kind === 'im.sent' ? '  the sender got this as the answer' : '  nobody is told about the failure of this kind';
}

function because(why: Reason | undefined, lead: string, { place }: Telling): string[] {
  if (why === undefined) return [];
  const where = why.file === undefined ? '' : `; decided by ${place(why.file, why.key)}`;
  return [`  ${lead}: ${why.code}, ${oneLine(why.text)}${where}`, ...advice(why.code)];
}

function advice(code: ReasonCode): string[] {
  const { meaning, advice: what } = ERRORS[code];
  return [`    means: ${meaning}`, `    what to do: ${what}`];
}

function describeDecision(one: DecisionRecord, { place }: Telling): string {
  const kind = Object.entries(KIND_WORDS).find(([name]) => name === one.kind)?.[1] ?? one.kind;
  const head = `${kind} from ${one.from} to ${one.to}\n  ${stamp(one.at)}  ${one.allowed ? 'allowed' : 'refused'}`;
  const where = one.file === undefined ? '' : ` by ${place(one.file, one.key)}`;
  const code = Object.keys(ERRORS).find((known): known is ReasonCode => known === one.code);
  const why = code === undefined ? [] : [`    ${code}`, ...advice(code)];
  return [
    `${head}${where} (${one.network.toUpperCase()}, ${PROOF[one.proof]})`,
    ...why,
    `  known as: ${[`ours ${one.eventId}`, ...[...new Set(one.ids)].map((id) => `theirs ${id}`)].join(', ')}`,
  ].join('\n');
}

function names(entry: LedgerEntry): string[] {
  const { theirs, wire, id } = entry;
  const list: [string, string | undefined][] = [
    ['ours', id],
    ['their Call-ID', theirs.callId],
    ['their CSeq', theirs.cseq === undefined ? undefined : String(theirs.cseq)],
    ['their stanza id or branch', theirs.wireId],
    ['their origin-id or Message-ID', theirs.messageId],
    ['their thread', theirs.thread === theirs.callId ? undefined : theirs.thread],
    ['Call-ID we use', wire.callId],
    ['CSeq we use', String(wire.cseq)],
    ['stanza id we use', wire.stanzaId === id ? undefined : wire.stanzaId],
    ['thread we use', wire.thread],
  ];
  return list.flatMap(([what, value]) => (value === undefined ? [] : [`${what} ${value}`]));
}

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

/** Why a row that waits is not sent now, as the running process sees it. */
function waitWords(row: QueuedRow | undefined, now: number): string[] {
  if (row === undefined) return [];
  const next = row.nextTryAt === undefined ? '' : `; the next try is at ${moment(row.nextTryAt, now)}`;
  return [`  now: ${whyOf(row)}${next}`];
}

export function stamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 23);
}
