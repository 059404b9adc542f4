// The outbox: an event is accepted when its row is on disk, is sent in its lane until somebody confirms or refuses it, and
// its sender hears of a late failure exactly once (DESIGN 8). Rows survive the process; promises do not.
//   accept.ts event -> row     queue.ts, lane.ts whose turn     sender.ts, window.ts tries and back-off     service-time.ts

import { reason } from '../errors.ts';
import { show } from '../model/address.ts';
import type { Alongside } from '../model/archive.ts';
import type { DurableEvent, LedgerEntry } from '../model/outbox-store.ts';
import { laneOf, StoreError } from '../model/outbox-store.ts';
import { failed, HANDED_OVER, type Outcome, refused } from '../model/outcome.ts';
import type { Timer } from '../model/ports.ts';
import type { QueueDesk } from '../model/queue.ts';
import type { Reason } from '../model/reason.ts';
import { newRow, type RowTimes } from './accept.ts';
import { makeDesk } from './desk.ts';
import { Ends } from './ends.ts';
import { makeEntry } from './entry.ts';
import type { Accepted, OutboxDeps, OutboxStats } from './ports.ts';
import { DEFAULT_BOUNDS, Queue } from './queue.ts';
import { Sender } from './sender.ts';
import { ServiceTime } from './service-time.ts';

const DAY_MS = 24 * 3600 * 1000;
const TICK_MS = 1000;
/** Expiry is looked at every 10 ticks, old dedup keys every hour. */
const EXPIRY_TICKS = 10;
const FORGET_TICKS = 3600;

export class Outbox {
  /** What operators ask of it. */
  readonly desk: QueueDesk;
  readonly #deps: OutboxDeps;
  readonly #queue: Queue;
  readonly #sender: Sender;
  readonly #ends: Ends;
  readonly #time: ServiceTime;
  readonly #dedupMs: number;
  #state: 'new' | 'open' | 'draining' | 'closed' = 'new';
  #tick: Timer | undefined;
  #ticks = 0;
  #copies = 0;
  /** Acceptances that are being committed. */
  #pending = 0;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#dedupMs = deps.dedupMs ?? DAY_MS;
    this.#queue = new Queue({ ...DEFAULT_BOUNDS, ...deps.bounds });
    this.#time = new ServiceTime(deps.serviceClock, deps.clock);
    this.#sender = new Sender({
      store: deps.store,
      queue: this.#queue,
      clock: deps.clock,
      log: deps.log,
      resolve: deps.resolve,
      random: deps.random ?? Math.random,
      ended: (entry, outcome) => this.#ends.ended(entry, outcome),
    });
    this.#ends = new Ends({
      ...deps,
      sender: this.#sender,
      queue: this.#queue,
      times: () => this.#times(),
      isOpen: () => this.#state === 'open',
    });
    this.desk = makeDesk({ queue: this.#queue, sender: this.#sender, ends: this.#ends, clock: deps.clock });
  }

  /** Takes up what waits on disk, in order. Nothing is accepted before. */
  async start(): Promise<void> {
    const { clean } = await this.#time.start();
    const rows = await this.#deps.store.waiting();
    const position = new Map<string, number>();
    const window = this.#deps.bounds?.window ?? DEFAULT_BOUNDS.window;
    for (const row of rows) {
      const place = position.get(row.lane) ?? 0;
      position.set(row.lane, place + 1);
      // After a crash the marks of the last moments are missing: what may have been on its way is a possible copy.
      const possibleCopy = row.state === 'written' || (!clean && place < window);
      this.#sender.add(makeEntry(row, undefined, { late: true, possibleCopy }));
    }
    if (rows.length > 0) this.#deps.log.info({ event: 'outbox.recovered', rows: rows.length, clean }, 'what waited is taken up again');
    this.#state = 'open';
    this.#arm();
  }

  /**
   * Accepts an event: resolves once it is on disk, or cannot be. Never rejects. Rows of one lane are sent in the order of
   * these calls.
   * @param alongside is on disk with the row, or neither is
   */
  async submit(event: DurableEvent, alongside?: Alongside): Promise<Accepted> {
    const { store, ids, clock, log } = this.#deps;
    if (this.#state !== 'open' && this.#state !== 'draining') return no(reason('SHUTTING_DOWN', 'the outbox is not open'));
    const lane = laneOf(event);
    const full = this.#queue.full(lane, event.to.domain);
    if (full !== undefined) {
      log.warn({ event: 'outbox.full', id: event.id, to: event.to.domain }, full.text);
      return no(full);
    }
    const row = newRow(event, ids, this.#times());
    this.#pending += 1;
    try {
      const result = await store.accept(row, alongside);
      if (result.kind === 'duplicate') return this.#duplicate(event, result.of);
      const partner = this.#queue.partner(event.from.domain, event.to.domain);
      const now = clock.monotonic();
      const roadOpen = this.#state === 'open' && (partner === undefined || partner.window.hasRoom(now));
      const laneIdle = this.#queue.lane(lane) === undefined && roadOpen;
      const entry = makeEntry(result.row, event, { late: false, possibleCopy: false });
      this.#sender.add(entry);
      const { outcome, firstWord } = entry;
      const withdraw = (): Promise<boolean> => this.#ends.withdraw(entry);
      return { kind: 'accepted', id: event.id, outcome: outcome.promise, firstWord: firstWord.promise, laneIdle, withdraw };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.error({ event: 'store.failed', id: event.id, code: error.reason.code }, error.reason.text);
      return no(error.reason);
    } finally {
      this.#pending -= 1;
    }
  }

  #duplicate(event: DurableEvent, of: LedgerEntry): Accepted {
    this.#copies += 1;
    this.#deps.log.info({ event: 'message.copy', id: event.id, of: of.id, from: show(event.from) }, 'the same message again');
    return { kind: 'duplicate', of: of.id, outcome: firstAnswer(of) };
  }

  /**
   * The sender of a row has had a provisional yes: a later failure must be told by a notice.
   * False: the row has ended already, and its outcome is the answer.
   */
  toldQueued(id: string): boolean {
    const entry = this.#queue.entry(id);
    if (entry === undefined) return false;
    entry.late = true;
    return true;
  }

  /** A partner connected to us, or a road to it opened: what waits for it goes at once. */
  partnerConnected(domain: string): void {
    this.#sender.wake(domain);
  }

  /** Routes or policy have changed: everything that waits is looked at again. */
  routesChanged(): void {
    for (const domain of new Set([...this.#queue.partners()].map((partner) => partner.domain))) this.#sender.wake(domain);
  }

  /**
   * Sends nothing new, lets what is on its way come back for at most `ms`, and leaves the rest on disk for the next start. Who
   * still writes is not turned away meanwhile: it is kept on disk as well.
   * @param closeDoors closes whatever still lets events in; only then nothing more is accepted
   */
  async drain(ms: number, closeDoors: () => Promise<void> = async () => {}): Promise<void> {
    const { clock, log } = this.#deps;
    if (this.#state === 'draining' || this.#state === 'closed') return;
    this.#state = 'draining';
    this.#tick?.cancel();
    this.#sender.stop();
    const until = clock.monotonic() + ms;
    while (this.#sender.inFlight > 0 && clock.monotonic() < until) await new Promise<void>((done) => clock.after(20, done));
    await closeDoors();
    this.#state = 'closed';
    const busy = (): boolean => this.#sender.inFlight > 0 || this.#pending > 0;
    while (this.#pending > 0 && clock.monotonic() < until) await new Promise<void>((done) => clock.after(20, done));
    const clean = !busy();
    try {
      await this.#time.stop(clean);
    } catch (error) {
      log.error({ event: 'store.failed', err: error }, 'the last marks could not be written; rows are sent again as possible copies');
    }
    log.info({ event: 'outbox.drained', rows: this.#queue.size, clean }, 'what waits is on disk');
  }

  stats(): OutboxStats {
    const now = this.#deps.clock.monotonic();
    const oldest = new Map<string, number>();
    for (const { row } of this.#queue.entries()) {
      const pair = `${row.fromDomain} ${row.toDomain}`;
      if (!oldest.has(pair)) oldest.set(pair, row.acceptedAt);
    }
    return {
      rows: this.#queue.size,
      bytes: this.#queue.bytes,
      inFlight: this.#sender.inFlight,
      copies: this.#copies,
      partners: [...this.#queue.partners()].map(({ domain, from, rows, window }) => ({
        domain,
        from,
        rows,
        inFlight: window.inFlight,
        failures: window.failures,
        oldestAt: oldest.get(`${from} ${domain}`) ?? 0,
        waitsMs: Math.max(0, window.openAt - now),
      })),
    };
  }

  /** The times of a row that is accepted now. */
  #times(): RowTimes {
    const serviceNow = this.#time.now();
    return { acceptedAt: this.#deps.clock.now(), serviceNow, serviceDeadline: serviceNow + (this.#deps.queuedMs?.() ?? DAY_MS) };
  }

  // --- time -------------------------------------------------------------------------------------------------------

  #arm(): void {
    this.#tick = this.#deps.clock.after(TICK_MS, () => {
      this.#ticks += 1;
      this.#sender.watch();
      if (this.#ticks % EXPIRY_TICKS === 0) this.#expire();
      if (this.#ticks % FORGET_TICKS === 0) void this.#forget();
      if (this.#state === 'open') this.#arm();
    });
  }

  #expire(): void {
    const now = this.#time.now();
    for (const entry of [...this.#queue.entries()]) {
      if (entry.row.serviceDeadline > now || (entry.phase !== 'waiting' && entry.phase !== 'parked')) continue;
      if (entry.phase === 'parked') {
        // Never both a failure notice and a delivery: it was taken, and nothing says that it was lost.
        this.#ends.good(entry, 'handedOver', HANDED_OVER);
        continue;
      }
      const sent = entry.possibleCopy ? 'it was sent but never confirmed' : 'it could not be sent';
      const why = reason('QUEUE_EXPIRED', `${sent} while it waited for ${entry.row.toDomain}`);
      void this.#ends.bad(entry, { state: 'expired', reason: why }, failed(why));
    }
  }

  async #forget(): Promise<void> {
    try {
      while ((await this.#deps.store.forgetKeys(this.#time.now() - this.#dedupMs)) > 0);
    } catch (error) {
      this.#deps.log.warn({ event: 'store.failed', err: error }, 'old dedup keys could not be removed; it is tried again in an hour');
    }
  }
}

function no(why: Reason): Accepted {
  return { kind: 'refused', outcome: { kind: 'refused', reason: why } };
}

/** What the first copy of a message came to. */
function firstAnswer(of: LedgerEntry): Outcome | undefined {
  switch (of.state) {
    case 'accepted':
    case 'written':
    case 'withdrawn':
      return undefined;
    case 'delivered':
      return { kind: 'delivered', evidence: of.evidence ?? 'delivered' };
    case 'handedOver':
      return HANDED_OVER;
    case 'refused':
    case 'expired':
      return refused(of.reason ?? reason('PEER_ERROR', 'it was refused; the ledger has lost the reason'));
    default:
      return of.state satisfies never;
  }
}
