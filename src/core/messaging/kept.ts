// Messages on their way to the clients of one user, kept on disk until one of them has them (table kept_item).

import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import type { Alongside } from '../../model/archive.ts';
import { atMost } from '../../model/at-most.ts';
import type { Said } from '../../model/core.ts';
import type { KeptBounds, KeptStore } from '../../model/core-stores.ts';
import type { Clock } from '../../model/ports.ts';
import type { OpenClient, OpenClients } from '../clients.ts';

/** So many are handed to a client before it is waited for. */
const PAGE = 50;
/** So long it is waited for a client to say that it has what the disk did not take. */
const ANSWER_MS = 5000;

/** `written: false`: clients have it, and neither it nor what was to be written with it is on disk. */
export type PutResult =
  | { readonly kind: 'taken'; readonly by: number; readonly written?: false }
  | { readonly kind: 'kept' }
  | { readonly kind: 'full' };

export class Kept {
  readonly #store: KeptStore;
  readonly #clients: OpenClients;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #most: KeptBounds;
  /** Being handed to somebody just now, so that a client that comes meanwhile is not given it twice: `user id`. */
  readonly #onTheWay = new Set<string>();
  /** Rows whose end may not be on disk yet (it is written within 50 ms). */
  readonly #taken = new LRUCache<number, true>(atMost(10_000));

  constructor(store: KeptStore, clients: OpenClients, clock: Clock, log: Log, most: KeptBounds) {
    this.#store = store;
    this.#clients = clients;
    this.#clock = clock;
    this.#log = log;
    this.#most = most;
  }

  /** Hands a message to clients and keeps it until one has it. Resolves once it is on disk, and `alongside` with it. */
  async put(user: string, said: Said, to: readonly OpenClient[], alongside?: Alongside): Promise<PutResult> {
    const at = this.#clock.now();
    const way = `${user} ${said.event.id}`;
    const again = this.#onTheWay.has(way);
    this.#onTheWay.add(way);
    // What may be a copy is looked up before it is handed to anybody; all else goes at once.
    const early = comesAgain(said) || again ? undefined : handAll(to, said);
    try {
      const result = await this.#store.keep(user, said, at, this.#most, alongside);
      if (result.kind === 'full') {
        const has = early !== undefined && (await this.#hasOne(early));
        this.#onTheWay.delete(way);
        return has ? { kind: 'taken', by: 1, written: false } : { kind: 'full' };
      }
      if (result.kind === 'copy') {
        if (!again) this.#onTheWay.delete(way);
        return result.waits ? { kind: 'kept' } : { kind: 'taken', by: 1 };
      }
      return await this.#finish(user, way, result.number, to, early ?? handAll(to, said), comesAgain(said));
    } catch (error) {
      const has = early !== undefined && (await this.#hasOne(early));
      this.#onTheWay.delete(way);
      if (has) return { kind: 'taken', by: 1, written: false };
      throw error;
    }
  }

  /** Has a client got what is not on disk? One whose connection is lost answers when it is back, so nobody waits for it for long. */
  async #hasOne(answers: readonly Promise<boolean>[]): Promise<boolean> {
    const wait = Promise.withResolvers<boolean>();
    const timer = this.#clock.after(ANSWER_MS, () => wait.resolve(false));
    for (const answer of answers) void answer.then((taken) => taken && wait.resolve(true));
    void Promise.all(answers).then((all) => wait.resolve(all.includes(true)));
    try {
      return await wait.promise;
    } finally {
      timer.cancel();
    }
  }

  /** A client that takes messages has come: it is given what waits, in order, before anything new. */
  drain(one: OpenClient): void {
    void one
      .before(() => this.#drain(one))
      .catch((error: unknown) => {
        this.#log.error({ event: 'core.failed', what: 'kept messages', user: one.key, error: String(error) });
      });
  }

  async #drain(one: OpenClient): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.#store.of(one.key, after, PAGE);
      const waiting = page.filter(({ number, said }) => !this.#taken.has(number) && !this.#onTheWay.has(`${one.key} ${said.event.id}`));
      for (const { said } of waiting) this.#onTheWay.add(`${one.key} ${said.event.id}`);
      const answers = waiting.map(({ said, at }) => one.client.take({ kind: 'said', ...said, delayedSince: at }));
      const settled = Promise.all(
        answers.map(async (answer, i) => {
          const item = waiting[i]!; // as many answers as items
          const taken = await answer;
          this.#onTheWay.delete(`${one.key} ${item.said.event.id}`);
          if (taken) this.#take(item.number, comesAgain(item.said));
          return taken;
        }),
      );
      if (page.length < PAGE) return; // what comes now need not wait for the answers
      if ((await settled).includes(false) || !one.open) return;
      after = page.at(-1)!.number;
    }
  }

  #take(number: number, remember: boolean): void {
    this.#taken.set(number, true);
    this.#store.taken(number, this.#clock.now(), remember);
  }

  /** Resolves at once with what is known; the row goes when somebody has it. */
  async #finish(
    user: string,
    way: string,
    number: number,
    to: readonly OpenClient[],
    answers: readonly Promise<boolean>[],
    remember: boolean,
  ): Promise<PutResult> {
    let by = 0;
    const all = Promise.all(
      answers.map(async (answer) => {
        if (!(await answer)) return;
        by += 1;
        if (by === 1) this.#take(number, remember);
      }),
    ).then(() => {
      this.#onTheWay.delete(way);
      if (by > 0) return;
      // Nobody has it. Who has come since was not given it.
      for (const one of this.#clients.of(user).values()) if (one.takesMessages && !to.includes(one)) this.drain(one);
    });
    if (answers.length === 0) await all;
    // Answers that are there already count; nobody waits for the others.
    else await Promise.race([all, new Promise((turn) => setImmediate(turn))]);
    return by > 0 ? { kind: 'taken', by } : { kind: 'kept' };
  }
}

/** What the neck delivers may come again after a crash, and is recognised for a day; what our users say does not. */
function comesAgain(said: Said): boolean {
  return said.event.origin.proof !== 'account';
}

function handAll(to: readonly OpenClient[], said: Said): readonly Promise<boolean>[] {
  return to.map((one) => one.hand({ kind: 'said', ...said }));
}
