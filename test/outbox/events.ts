// Events and gateways for the tests of the outbox.

import type { Address } from '../../src/model/address.ts';
import type { ImReceipt, ImSent, Origin, PresenceRequested } from '../../src/model/event.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { delivered } from '../../src/model/outcome.ts';
import type { Delivery, Gateway, Hop, Ids } from '../../src/model/ports.ts';

/** Identifiers that count, so that a failing run can be repeated. */
export function countingIds(): Ids {
  let count = 0;
  return {
    event: () => `event-${(count += 1)}`,
    token: (bytes = 8) => (count += 1).toString(16).padStart(bytes * 2, '0'),
  };
}

const ORIGIN: Origin = { network: 'sip', side: 'edge', peer: 'sip.example', connection: 'c1', proof: 'certificate' };

export function address(text: string): Address {
  const [local = '', domain = ''] = text.split('@');
  return { local, domain };
}

export function im(id: string, facts: Partial<ImSent> & { readonly pair?: readonly [string, string] } = {}): ImSent {
  const { pair = ['li@sip.example', 'nora@xmpp.example'], ...rest } = facts;
  return {
    kind: 'im.sent',
    id,
    at: 1,
    origin: ORIGIN,
    from: address(pair[0]),
    to: address(pair[1]),
    body: `body of ${id}`,
    style: 'chat',
    wants: { delivered: false, displayed: false },
    ids: { wireId: `wire-${id}`, callId: `call-${id}`, cseq: 7, messageId: `imdn-${id}`, dedupKey: `key-${id}` },
    ...rest,
  };
}

export function receipt(id: string, about: string): ImReceipt {
  return {
    kind: 'im.receipt',
    id,
    at: 1,
    origin: ORIGIN,
    from: address('li@sip.example'),
    to: address('nora@xmpp.example'),
    about,
    status: 'delivered',
  };
}

export function subscription(id: string): PresenceRequested {
  return {
    kind: 'presence.requested',
    id,
    at: 1,
    origin: ORIGIN,
    from: address('li@sip.example'),
    to: address('nora@xmpp.example'),
  };
}

/** A delivery that waits for the test to answer it. */
export interface Pending extends Delivery {
  answer(outcome: Outcome): void;
}

/** A gateway whose far end is the test. `auto` answers at once. */
export class FakeGateway implements Gateway {
  readonly network = 'xmpp';
  readonly keepsWriteOrder: boolean;
  readonly taken: Pending[] = [];
  auto: ((delivery: Delivery) => Outcome | undefined) | undefined;

  constructor(keepsWriteOrder = false) {
    this.keepsWriteOrder = keepsWriteOrder;
  }

  deliver(delivery: Delivery): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.taken.push({ ...delivery, answer: resolve });
    const answer = this.auto?.(delivery);
    if (answer !== undefined) resolve(answer);
    return promise;
  }

  /** Ids of everything taken, in order. */
  get ids(): string[] {
    return this.taken.map((one) => one.event.id);
  }

  last(): Pending {
    const one = this.taken.at(-1);
    if (one === undefined) throw new Error('nothing was delivered');
    return one;
  }
}

export const deliverAll = (delivery: Delivery): Outcome => {
  delivery.written();
  return delivered('the test says so');
};

export const hopTo = (theirDomain: string): Hop => ({ network: 'xmpp', side: 'edge', ourDomain: 'ours.example', theirDomain });

/** Lets promises and the commit of this turn happen. */
export async function settle(turns = 6): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((done) => setImmediate(done));
}
