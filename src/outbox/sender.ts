// Sends what waits: whose turn it is, one try after the other, and what a failure holds up - the row, its lane or the
// whole partner. Timers of the back-off and the watch over overdue tries are owned here. Ends are committed by outbox.ts.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import type { DurableEvent, OutboxStore } from '../model/outbox-store.ts';
import { failed, type Outcome, refused } from '../model/outcome.ts';
import type { Clock, Gateway, Hop } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Attempt, Entry, Road } from './entry.ts';
import type { Lane, Partner } from './lane.ts';
import type { Queue } from './queue.ts';
import { backOffMs } from './window.ts';

/** Deadline of one delivery: RFC 3261 Timer F, 64*T1. */
const DEADLINE_MS = 32_000;
/** A gateway that has not answered this long after the deadline is given up on. */
const GRACE_MS = 8000;
/** Bodies kept in memory beyond what is on its way, in bytes; the rest is read from the store when its turn comes. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** So often may sending one row run into a defect before its sender is told no. */
const MAX_DEFECTS = 5;

/** Policy and route, evaluated again just before a try. A refusal with a `retry` other than never holds the row. */
export type Resolve = (event: DurableEvent) => Promise<{ readonly hop: Hop; readonly gateway: Gateway } | { readonly refused: Reason }>;

/** How a row can end. */
export type Ended = Extract<Outcome, { kind: 'delivered' | 'handedOver' | 'refused' }>;

export interface SenderDeps {
  readonly store: OutboxStore;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly resolve: Resolve;
  readonly random: () => number;
  /** The row is over; called once a row. */
  readonly ended: (entry: Entry, outcome: Ended) => void;
}

export class Sender {
  readonly #deps: SenderDeps;
  readonly #inFlight = new Map<Attempt, Entry>();
  #keptBytes = 0;
  #stopped = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** A new row: it goes now if it is its turn. */
  add(entry: Entry): void {
    const lane = this.#deps.queue.add(entry);
    if (entry.event !== undefined) {
      if (this.#keptBytes + entry.row.bytes > KEPT_BYTES) entry.event = undefined;
      else this.#keptBytes += entry.row.bytes;
    }
    this.#offer(lane);
  }

  /** Lets a row that has ended go, and the next one come. */
  remove(entry: Entry): void {
    const lane = this.#deps.queue.lane(entry.row.lane);
    this.#drop(entry);
    this.#deps.queue.remove(entry);
    if (lane !== undefined) this.#offer(lane);
  }

  #drop(entry: Entry): void {
    if (entry.event === undefined) return;
    entry.event = undefined;
    this.#keptBytes -= entry.row.bytes;
  }

  /** The partner is there again: its back-off ends, and what could not be confirmed is sent again. */
  wake(domain: string): void {
    for (const partner of this.#deps.queue.partnersAt(domain)) this.#wake(partner);
  }

  /** An operator wants this row tried now, whatever it or its road waits for. */
  retry(entry: Entry): void {
    const lane = this.#deps.queue.lane(entry.row.lane);
    if (lane === undefined) return;
    lane.partner.window.wake();
    lane.heldUntil = 0;
    if (entry.phase === 'parked') entry.phase = 'waiting';
    this.#offer(lane);
  }

  #wake(partner: Partner): void {
    partner.window.wake();
    for (const lane of partner.lanes) {
      lane.heldUntil = 0;
      for (const entry of lane) if (entry.phase === 'parked') entry.phase = 'waiting';
      partner.ready.add(lane);
    }
    this.#pump(partner);
  }

  /** Nothing new is started any more; what is on its way may come back. */
  stop(): void {
    this.#stopped = true;
    for (const partner of this.#deps.queue.partners()) partner.timer?.cancel();
  }

  #offer(lane: Lane): void {
    lane.partner.ready.add(lane);
    this.#pump(lane.partner);
  }

  #pump(partner: Partner): void {
    const now = this.#deps.clock.monotonic();
    while (!this.#stopped && partner.ready.size > 0 && partner.window.hasRoom(now)) {
      const [lane] = partner.ready;
      if (lane === undefined) return;
      const entry = lane.next(now);
      if (entry === undefined) partner.ready.delete(lane);
      else this.#start(entry, lane);
    }
    if (partner.ready.size > 0 && partner.window.isDown(now)) this.#armPartner(partner, now);
  }

  #armPartner(partner: Partner, now: number): void {
    partner.timer?.cancel();
    partner.timer = this.#deps.clock.after(partner.window.openAt - now, () => this.#pump(partner));
  }

  #start(entry: Entry, lane: Lane): void {
    const { clock, log } = this.#deps;
    const attempt: Attempt = {
      abort: new AbortController(),
      startedAt: clock.monotonic(),
      epoch: lane.partner.window.started(),
      handed: false,
      written: false,
      settled: false,
      changed: undefined,
    };
    entry.phase = 'sending';
    entry.attempt = attempt;
    this.#inFlight.set(attempt, entry);
    this.#try(entry, lane, attempt).then(
      (outcome) => this.#settle(entry, lane, attempt, outcome),
      (error: unknown) => {
        log.error({ event: 'outbox.defect', id: entry.row.id, err: error }, 'sending a row ran into a defect');
        entry.defects += 1;
        const text = 'sending it ran into a defect of Isthmus; the log has the details';
        const why = reason('US_BUG', text, entry.defects < MAX_DEFECTS ? { retry: 0 } : {});
        this.#settle(entry, lane, attempt, failed(why));
      },
    );
  }

  /** One try. `behind`: a row before it has come back, so it is not its turn after all. */
  async #try(entry: Entry, lane: Lane, attempt: Attempt): Promise<Outcome | 'behind'> {
    const { store, clock, resolve } = this.#deps;
    const event = entry.event ?? (await store.load(entry.row.row));
    // Nothing doubtful is ever sent (reliability F20).
    if (event === undefined) return refused(reason('US_BUG', 'the stored event cannot be opened: its seal or its key is damaged'));
    const route = await resolve(event);
    if ('refused' in route) return route.refused.retry === 'never' ? refused(route.refused) : failed(route.refused);
    const { hop, gateway } = route;
    const road: Road = { gateway, key: `${hop.network} ${hop.side} ${hop.ourDomain} ${hop.theirDomain}` };
    if (attempt.settled || attempt.abort.signal.aborted || !lane.mayFollow(entry, road)) return 'behind';
    entry.road = road;
    entry.tries += 1;
    attempt.handed = true;
    return gateway.deliver({
      event,
      hop,
      attempt: entry.tries,
      ...(entry.possibleCopy && { possibleCopy: true }),
      wire: entry.row.wire,
      deadlineMs: DEADLINE_MS,
      signal: attempt.abort.signal,
      written: () => {
        if (attempt.written || attempt.settled) return;
        attempt.written = true;
        attempt.changed?.();
        entry.phase = 'written';
        store.written(entry.row.row, clock.now(), entry.tries, hop);
        if (gateway.keepsWriteOrder) this.#offer(lane);
      },
    });
  }

  #settle(entry: Entry, lane: Lane, attempt: Attempt, outcome: Outcome | 'behind'): void {
    if (attempt.settled) {
      this.#lateNews(entry, lane, outcome);
      return;
    }
    this.#take(entry, lane, attempt);
    // A try that was called back says nothing about the road.
    const calledBack = outcome !== 'behind' && outcome.kind === 'failed' && entry.withdrawing && !attempt.written;
    if (outcome === 'behind' || calledBack) {
      entry.phase = 'waiting';
      this.#offer(lane);
      return;
    }
    switch (outcome.kind) {
      case 'delivered':
      case 'handedOver':
      case 'refused':
        if (attempt.handed) lane.partner.window.answered(attempt.epoch);
        lane.heldUntil = 0;
        this.#deps.ended(entry, outcome);
        break;
      case 'queued': // a store of its own has it, e.g. for a user who is away
        this.#deps.ended(entry, { kind: 'handedOver' });
        break;
      case 'failed':
        if (outcome.reason.retry === 'never') this.#deps.ended(entry, { kind: 'refused', reason: outcome.reason });
        else this.#hold(entry, lane, attempt, outcome.reason);
        break;
      default:
        outcome satisfies never;
    }
    this.#pump(lane.partner);
  }

  /** An answer after the try was given up: a delivery still counts, and spares the copy if that is not on its way yet. */
  #lateNews(entry: Entry, lane: Lane, outcome: Outcome | 'behind'): void {
    if (outcome === 'behind' || outcome.kind !== 'delivered' || entry.phase === 'ending') return;
    const { attempt } = entry;
    if (attempt !== undefined) {
      this.#take(entry, lane, attempt);
      attempt.abort.abort();
    }
    this.#deps.ended(entry, outcome);
  }

  /** The try is over. */
  #take(entry: Entry, lane: Lane, attempt: Attempt): void {
    attempt.settled = true;
    entry.attempt = undefined;
    this.#inFlight.delete(attempt);
    lane.partner.window.returned();
    attempt.changed?.();
  }

  #hold(entry: Entry, lane: Lane, attempt: Attempt, why: Reason): void {
    const { store, clock, log, random } = this.#deps;
    const now = clock.monotonic();
    const least = typeof why.retry === 'number' ? why.retry : 0;
    entry.possibleCopy ||= attempt.written;
    entry.phase = 'waiting';
    this.#drop(entry);
    entry.lastFailure = why;
    store.tried(entry.row.row, clock.now(), entry.tries, why);
    const scope = scopeOf(why);
    const where = { fromDomain: lane.partner.from, toDomain: lane.partner.domain };
    log.info({ event: 'outbox.waits', id: entry.row.id, ...where, code: why.code, attempt: entry.tries, scope }, why.text);
    if (scope === 'row' && attempt.written) {
      // DESIGN 8: without a return road the row stays written; sending it again would only make copies.
      entry.phase = 'parked';
    } else if (scope === 'partner') {
      lane.partner.lastFailure = why;
      lane.partner.window.failed(attempt.epoch, now, least, random());
    } else {
      entry.laneFailures += 1;
      lane.heldUntil = now + Math.max(backOffMs(entry.laneFailures, random()), least);
    }
    entry.firstWord.resolve(failed(why));
    if (lane.heldUntil > now) clock.after(lane.heldUntil - now, () => this.#again(lane));
    this.#offer(lane);
  }

  #again(lane: Lane): void {
    if (this.#deps.queue.lane(lane.key) === lane && !this.#stopped) this.#offer(lane);
  }

  /** Lets a row go on that its sender wanted back. */
  release(entry: Entry): void {
    entry.withdrawing = false;
    const lane = this.#deps.queue.lane(entry.row.lane);
    if (lane !== undefined) this.#offer(lane);
  }

  /** Gives up on tries whose gateway has not answered in time; the rows wait on. To be called every second or so. */
  watch(): void {
    const overdue = this.#deps.clock.monotonic() - DEADLINE_MS - GRACE_MS;
    for (const [attempt, entry] of this.#inFlight) {
      if (attempt.startedAt > overdue) return; // in the order of their start
      const lane = this.#deps.queue.lane(entry.row.lane);
      attempt.abort.abort();
      if (lane === undefined) continue;
      // What a gateway does after this is unknown.
      entry.possibleCopy = true;
      this.#settle(entry, lane, attempt, failed(reason('PEER_TIMEOUT', `no answer within ${(DEADLINE_MS + GRACE_MS) / 1000} s`)));
    }
  }
}

/** What a failure holds up: the whole partner (its road is bad), one lane (one user is), or only the row itself. */
function scopeOf(why: Reason): 'partner' | 'lane' | 'row' {
  if (why.code === 'XMPP_NO_RETURN_PATH') return 'row';
  if (why.code.startsWith('LIMIT_') || why.code === 'US_BUG') return 'lane';
  if (why.blame === 'network' || why.blame === 'operator' || why.blame === 'us') return 'partner';
  if (why.code.startsWith('NET_') || why.code.startsWith('CERT_') || why.code.startsWith('PARTNER_')) return 'partner';
  // RFC 3261 §21.5.4: 503 speaks for the server, not for one user.
  if (why.peer?.network === 'sip' && why.peer.status === 503) return 'partner';
  return 'lane';
}
