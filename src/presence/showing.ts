// What watchers are shown: documents come in, pass the ceiling, wait for their turn (one per pair in 5 s, the last one
// wins) and go out as presence.notified. After a start nobody is shown as gone before the grace is over (spec 5.8).

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { Origin, PresenceNotified } from '../model/event.ts';
import type { Clock, Ids, Timer } from '../model/ports.ts';
import type { PresenceDetail, PresenceDocument } from '../model/presence.ts';
import { type Lower, type Shown, View } from './cache.ts';
import { lower, nothingSuppressed, type Suppressed } from './ceiling.ts';
import { LOCAL } from './own-events.ts';
import type { Pair } from './pair.ts';

export interface ShowingPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Wall ms that does not jump. */
  now(): number;
  details(pair: Pair): readonly PresenceDetail[];
  send(pair: Pair, event: PresenceNotified): Promise<unknown>;
  /** Runs `work` in the pair's turn, unless the grant is gone by then. */
  ifGranted(pair: Pair, work: () => void): void;
  readonly coalesceMs: number;
  readonly restartGraceMs: number;
  readonly cachedPairs: number;
}

const UNREACHABLE = 'This contact cannot be reached at the moment.';

export class Showing {
  /** What ceilings held back, by field, since the start. */
  readonly suppressed: Suppressed = nothingSuppressed();
  readonly #ports: ShowingPorts;
  readonly #views: LRUCache<string, View>;
  readonly #graced = new Map<string, Timer>();
  readonly #startedAt: number;

  constructor(ports: ShowingPorts) {
    this.#ports = ports;
    this.#views = new LRUCache(atMost(ports.cachedPairs));
    this.#startedAt = ports.clock.monotonic();
  }

  /** Age in ms of the document held; undefined when there is none. */
  age(pair: Pair): number | undefined {
    const takenAt = this.#views.get(pair.key)?.takenAt;
    return takenAt === undefined ? undefined : this.#ports.clock.monotonic() - takenAt;
  }

  /** How a view stands; undefined: there is none in memory. Times are ages in ms. */
  sight(pair: Pair): { readonly open: boolean; readonly heardMs?: number; readonly shownMs?: number } | undefined {
    const view = this.#views.peek(pair.key);
    if (view === undefined) return undefined;
    const { open, takenAt, sentAt } = view;
    const now = this.#ports.clock.monotonic();
    return { open, ...(takenAt !== undefined && { heardMs: now - takenAt }), ...(sentAt !== undefined && { shownMs: now - sentAt }) };
  }

  /** A grant has just been made: the watcher sees nothing yet. */
  begin(pair: Pair): void {
    this.#views.set(pair.key, new View(true));
  }

  /**
   * Takes a document and shows what changed, now or when the pair may be told again.
   * @returns whether any endpoint was open before (undefined: not known) and is open now
   */
  take(pair: Pair, event: PresenceNotified): { readonly was: boolean | undefined; readonly is: boolean } {
    const view = this.#view(pair);
    const was = view.takenAt === undefined ? undefined : view.open;
    view.take(event.scope, event.document, this.#ports.clock.monotonic(), event.origin);
    const is = view.open;
    this.#graced.get(pair.key)?.cancel();
    this.#graced.delete(pair.key);
    const waitMs = view.sentAt === undefined ? 0 : view.sentAt + this.#ports.coalesceMs - this.#ports.clock.monotonic();
    if (waitMs <= 0) this.#flush(pair, view);
    else view.waiting ??= this.#ports.clock.after(waitMs, () => this.#ports.ifGranted(pair, () => this.#flush(pair, view)));
    return { was, is };
  }

  /** Shows the watcher who asks what is held. */
  async again(pair: Pair): Promise<void> {
    const view = this.#views.get(pair.key);
    const visible = this.#ceiling(pair);
    if (view === undefined || view.takenAt === undefined || visible === undefined) return;
    await this.#send(pair, view.again(visible), undefined, view.origin);
  }

  /** Policy has changed what the watcher may see: what is different now is shown at once. */
  reshow(pair: Pair): void {
    const view = this.#views.get(pair.key);
    if (view?.takenAt === undefined) return;
    view.waiting?.cancel();
    this.#ports.ifGranted(pair, () => this.#flush(pair, view));
  }

  /** Shows everything as gone, at once, and forgets the document. @param unreachable say so in a note */
  hide(pair: Pair, unreachable = false): Promise<unknown> | undefined {
    const view = this.#view(pair);
    view.waiting?.cancel();
    view.waiting = undefined;
    const shown = view.hide(this.#ports.now(), unreachable ? UNREACHABLE : undefined);
    // A ceiling of nothing does not hold this back: it is what makes the watcher see nothing.
    return shown === undefined ? undefined : this.#send(pair, shown.document, shown.changed, undefined);
  }

  /** The same, but not before the restart grace is over, and not if a document comes before. */
  hideAfterGrace(pair: Pair): void {
    const left = this.#startedAt + this.#ports.restartGraceMs - this.#ports.clock.monotonic();
    if (left <= 0) void this.hide(pair, true);
    else this.#later(pair, left);
  }

  /** A watcher is there and nothing is known yet: if that is still so when the restart grace is over, say so. */
  expect(pair: Pair): void {
    const left = this.#startedAt + this.#ports.restartGraceMs - this.#ports.clock.monotonic();
    if (left > 0 && !this.#views.has(pair.key)) this.#later(pair, left);
  }

  /** Forgets everything about the pair; shows nothing. */
  drop(pair: Pair): void {
    this.#views.get(pair.key)?.waiting?.cancel();
    this.#views.delete(pair.key);
    this.#graced.get(pair.key)?.cancel();
    this.#graced.delete(pair.key);
  }

  close(): void {
    for (const timer of this.#graced.values()) timer.cancel();
    for (const view of this.#views.values()) view.waiting?.cancel();
  }

  #later(pair: Pair, ms: number): void {
    if (this.#graced.has(pair.key)) return;
    const timer = this.#ports.clock.after(ms, () => {
      this.#graced.delete(pair.key);
      this.#ports.ifGranted(pair, () => {
        if (this.#views.get(pair.key)?.takenAt === undefined) void this.hide(pair, true);
      });
    });
    this.#graced.set(pair.key, timer);
  }

  #view(pair: Pair): View {
    let view = this.#views.get(pair.key);
    if (view === undefined) this.#views.set(pair.key, (view = new View(false)));
    return view;
  }

  #flush(pair: Pair, view: View): void {
    view.waiting = undefined;
    const visible = this.#ceiling(pair);
    if (visible === undefined) return;
    const shown: Shown | undefined = view.next(visible, this.#ports.now());
    if (shown === undefined) return;
    view.sentAt = this.#ports.clock.monotonic();
    void this.#send(pair, shown.document, shown.changed, view.origin);
  }

  #ceiling(pair: Pair): Lower | undefined {
    const allowed = this.#ports.details(pair);
    if (allowed.length > 0) return (endpoint) => lower(endpoint, allowed, this.suppressed);
    this.suppressed.availability++;
    return undefined;
  }

  #send(pair: Pair, document: PresenceDocument, changed: readonly string[] | undefined, origin: Origin | undefined): Promise<unknown> {
    return this.#ports.send(pair, {
      kind: 'presence.notified',
      id: this.#ports.ids.event(),
      at: this.#ports.now(),
      origin: origin ?? LOCAL,
      from: pair.presentity,
      to: pair.watcher,
      scope: 'full',
      document,
      ...(changed === undefined ? {} : { changed }),
    });
  }
}
