// An outbox on a real store in a temporary folder, with a clock that stands still and a far end that is the test.

import { SILENT } from '../../src/log.ts';
import type { DurableEvent } from '../../src/model/outbox-store.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { Reason } from '../../src/model/reason.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import type { OutboxDeps } from '../../src/outbox/ports.ts';
import type { Store, StoreOptions } from '../../src/store/store.ts';
import { type TempStore, tempStore } from '../store/temp-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { countingIds, deliverAll, FakeGateway, hopTo, settle } from './events.ts';

export interface World extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly temp: TempStore;
  readonly gateway: FakeGateway;
  outbox: Outbox;
  readonly store: Store;
  /** Policy as the next tries find it: a reason refuses or holds. */
  policy: Reason | undefined;
  readonly late: { event: DurableEvent; outcome: Outcome }[];
  /** As after kill -9: what is not on disk is gone. */
  crash(): Promise<void>;
  /** As after a drain and a start. */
  restart(meanwhile?: () => void): Promise<void>;
  submit(event: DurableEvent): Promise<Extract<Awaited<ReturnType<Outbox['submit']>>, { kind: 'accepted' }>>;
}

export interface WorldOptions {
  readonly keepsWriteOrder?: boolean;
  readonly auto?: boolean;
  readonly bounds?: OutboxDeps['bounds'];
  readonly store?: Partial<StoreOptions>;
}

export async function outboxWorld(options: WorldOptions = {}): Promise<World> {
  const clock = new ManualClock();
  const temp = tempStore(options.store, clock);
  const gateway = new FakeGateway(options.keepsWriteOrder);
  if (options.auto === true) gateway.auto = deliverAll;
  const ids = countingIds();
  const late: World['late'] = [];
  const open = async (): Promise<Outbox> => {
    const outbox = new Outbox({
      store: temp.store.outbox,
      serviceClock: temp.store.serviceClock,
      clock,
      ids,
      log: SILENT,
      random: () => 0.5,
      ...(options.bounds !== undefined && { bounds: options.bounds }),
      resolve: async (event) => (world.policy === undefined ? { hop: hopTo(event.to.domain), gateway } : { refused: world.policy }),
      endedLate: (event, outcome) => late.push({ event, outcome }),
    });
    await outbox.start();
    await settle();
    return outbox;
  };
  const world: World = {
    clock,
    temp,
    gateway,
    late,
    policy: undefined,
    outbox: undefined as unknown as Outbox, // set below, before anybody sees it
    get store() {
      return temp.store;
    },
    async crash() {
      void world.outbox.drain(0); // the old process does nothing any more
      temp.crash();
      world.outbox = await open();
    },
    async restart(meanwhile) {
      await world.outbox.drain(0);
      meanwhile?.();
      temp.reopen();
      world.outbox = await open();
    },
    async submit(event) {
      const accepted = await world.outbox.submit(event);
      await settle();
      if (accepted.kind !== 'accepted') throw new Error(`not accepted: ${accepted.kind}`);
      return accepted;
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
  world.outbox = await open();
  return world;
}
