// What an operator asks of the queue (model/queue.ts): what waits and why, try again now, take it out.

import { reason } from '../errors.ts';
import { HANDED_OVER, refused } from '../model/outcome.ts';
import type { Clock } from '../model/ports.ts';
import type { Dropped, QueueDesk, QueuedRow, Which } from '../model/queue.ts';
import type { Reason } from '../model/reason.ts';
import type { Ends } from './ends.ts';
import type { Entry, Phase } from './entry.ts';
import type { Lane } from './lane.ts';
import type { Queue } from './queue.ts';
import type { Sender } from './sender.ts';

/** Ends that are committed together. */
const STEP = 500;

export interface DeskDeps {
  readonly queue: Queue;
  readonly sender: Sender;
  readonly ends: Ends;
  readonly clock: Clock;
}

const STATES: Readonly<Record<Phase, QueuedRow['state']>> = {
  waiting: 'waiting',
  sending: 'onItsWay',
  written: 'onItsWay',
  parked: 'unconfirmed',
  ending: 'ending',
};

/** Makes the desk of one outbox. */
export function makeDesk({ queue, sender, ends, clock }: DeskDeps): QueueDesk {
  const chosen = (which: Which): Entry[] => {
    if (which === 'all') return [...queue.entries()];
    if ('id' in which) return [queue.entry(which.id)].filter((entry) => entry !== undefined);
    return [...queue.entries()].filter(({ row }) => which.domains.has(row.toDomain));
  };
  return {
    rows: (which, limit = Number.POSITIVE_INFINITY) =>
      chosen(which)
        .slice(0, limit)
        .map((entry) => asRow(entry, queue, clock)),
    sums() {
      const sums = new Map<string, { readonly domain: string; rows: number; readonly oldestAt: number }>();
      for (const { row } of queue.entries()) {
        const sum = sums.get(row.toDomain);
        // In the order of acceptance: the first is the oldest.
        if (sum === undefined) sums.set(row.toDomain, { domain: row.toDomain, rows: 1, oldestAt: row.acceptedAt });
        else sum.rows += 1;
      }
      return [...sums.values()];
    },
    retry(which) {
      const entries = chosen(which);
      if (typeof which === 'object' && 'id' in which) for (const entry of entries) sender.retry(entry);
      else for (const domain of new Set(entries.map(({ row }) => row.toDomain))) sender.wake(domain);
      return entries.length;
    },
    async drop(which) {
      let sum: Dropped = { dropped: 0, unconfirmed: 0, onTheirWay: 0 };
      const entries = chosen(which);
      // From the last to the first: taking out the first would send the next one on its way.
      entries.reverse();
      for (let at = 0; at < entries.length; at += STEP) {
        const became = await Promise.all(entries.slice(at, at + STEP).map((entry) => drop(entry, ends)));
        sum = {
          dropped: sum.dropped + count(became, 'dropped'),
          unconfirmed: sum.unconfirmed + count(became, 'unconfirmed'),
          onTheirWay: sum.onTheirWay + count(became, 'onTheirWay'),
        };
      }
      return sum;
    },
  };
}

async function drop(entry: Entry, ends: Ends): Promise<keyof Dropped | undefined> {
  if (entry.phase === 'parked') {
    // Never both a failure notice and a delivery: it was taken, and nothing says that it was lost.
    ends.good(entry, 'handedOver', HANDED_OVER);
    return 'unconfirmed';
  }
  if (entry.phase === 'ending') return undefined;
  if (!(await ends.recall(entry))) return 'onTheirWay';
  const sent = entry.possibleCopy ? 'it was sent but never confirmed' : 'it was not sent';
  const why = reason('QUEUE_DROPPED', `${sent}, and an operator took it out of the queue for ${entry.row.toDomain}`);
  await ends.bad(entry, { state: 'refused', reason: why }, refused(why));
  return 'dropped';
}

function count(became: readonly (keyof Dropped | undefined)[], what: keyof Dropped): number {
  return became.filter((one) => one === what).length;
}

function asRow(entry: Entry, queue: Queue, clock: Clock): QueuedRow {
  const { row } = entry;
  const [from = '', to = ''] = row.lane.split('>');
  return {
    id: row.id,
    kind: row.kind,
    from,
    to,
    domain: row.toDomain,
    acceptedAt: row.acceptedAt,
    attempts: entry.tries,
    state: STATES[entry.phase],
    ...waitOf(entry, queue.lane(row.lane), clock),
  };
}

function waitOf(entry: Entry, lane: Lane | undefined, clock: Clock): Pick<QueuedRow, 'nextTryAt' | 'why' | 'behind'> {
  if (lane === undefined) return {};
  const now = clock.monotonic();
  const { window, lastFailure } = lane.partner;
  const down = window.failures > 0;
  const why: Reason | undefined = entry.lastFailure ?? (down ? lastFailure : undefined);
  const first = firstOf(lane);
  const behind = entry.phase === 'waiting' && first !== undefined && first !== entry ? { behind: first.row.id } : {};
  const next = Math.max(window.openAt, lane.heldUntil);
  const nextTry = entry.phase === 'waiting' && next > now ? { nextTryAt: clock.now() + (next - now) } : {};
  return { ...(why !== undefined && { why }), ...behind, ...nextTry };
}

/** The row of a lane that all others wait for. */
function firstOf(lane: Lane): Entry | undefined {
  for (const one of lane) if (one.phase !== 'parked' && one.phase !== 'ending') return one;
  return undefined;
}
