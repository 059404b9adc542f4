// DESIGN 7: toward partners a user of ours who is unknown, who blocks, and whom policy keeps to themselves are one and the same, in
// bytes and in time. The first two are refused by the system inside, which takes its time; policy would answer at once. So a
// refusal by policy waits as long as one from inside lately took: a time drawn from the last of them, for each domain of ours.

import { LRUCache } from 'lru-cache';
import { bareKey } from '../model/address.ts';
import { atMost } from '../model/at-most.ts';
import { type Event, type ImSent, knownAs, type Network } from '../model/event.ts';
import type { Clock, Gateway, Submit } from '../model/ports.ts';

export interface EvenAnswersDeps {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** How many refusals from inside are remembered for each domain of ours and each protocol that asks. */
const REMEMBERED = 64;
/** Before any has been seen, ms. */
const USUAL_MS = 10;
/** An inside system that is slower shows itself by that: what waits here is bounded, ms. */
const LONGEST_MS = 250;
/** A timer is that late, about, ms. */
const TIMER_LATE_MS = 1;
const MAX_ASKED = 20_000;

export class EvenAnswers {
  readonly #deps: EvenAnswersDeps;
  /** The last times, oldest overwritten first; keyed by domain and protocol. */
  readonly #times = new Map<string, { readonly ms: number[]; next: number }>();
  /** When a message that an XMPP user sent came in: its refusal comes later, as a stanza of its own. */
  readonly #asked = new LRUCache<string, number>(atMost(MAX_ASKED));

  constructor(deps: EvenAnswersDeps) {
    this.#deps = deps;
  }

  /** The same submit, for the shores: what policy refuses a partner comes back after a while. */
  around(submit: Submit): Submit {
    return async (event) => {
      if (event.kind !== 'im.sent' || event.origin.side !== 'edge') return submit(event);
      const came = this.#deps.clock.monotonic();
      if (event.origin.network === 'xmpp') this.#asked.set(asked(event), came);
      const outcome = await submit(event);
      if (outcome.kind !== 'refused') return outcome;
      const { reason } = outcome;
      if (reason.peer !== undefined) this.#learn(event.to.domain, event.origin.network, came);
      else if (reason.code.startsWith('POLICY_')) await this.#wait(event, came);
      return outcome;
    };
  }

  /** The same gateway, watched for refusals from inside that go back to an XMPP user. */
  watched(gateway: Gateway): Gateway {
    return {
      network: gateway.network,
      keepsWriteOrder: gateway.keepsWriteOrder,
      deliver: (delivery) => {
        this.#goesBack(delivery.event);
        return gateway.deliver(delivery);
      },
    };
  }

  #goesBack(event: Event): void {
    if (event.kind !== 'im.receipt' || event.status !== 'failed' || event.reason?.peer === undefined) return;
    const key = `${event.about} ${bareKey(event.to)}`;
    const came = this.#asked.get(key);
    if (came === undefined) return;
    this.#asked.delete(key);
    this.#learn(event.from.domain, 'xmpp', came);
  }

  #learn(domain: string, network: Network, came: number): void {
    const key = `${domain} ${network}`;
    const known = this.#times.get(key) ?? { ms: [], next: 0 };
    known.ms[known.next] = Math.min(LONGEST_MS, this.#deps.clock.monotonic() - came);
    known.next = (known.next + 1) % REMEMBERED;
    this.#times.set(key, known);
  }

  async #wait({ to, origin }: ImSent, came: number): Promise<void> {
    const { clock, random } = this.#deps;
    const ms = this.#times.get(`${to.domain} ${origin.network}`)?.ms ?? [];
    const whole = ms[Math.floor(random() * ms.length)] ?? USUAL_MS;
    const left = whole - TIMER_LATE_MS - (clock.monotonic() - came);
    if (left > 0) await new Promise<void>((resolve) => clock.after(Math.round(left), resolve));
  }
}

/** The id by which a notice about this message will name it, and to whom it goes. */
function asked({ id, ids, from, origin }: ImSent): string {
  return `${knownAs(origin.network, { ...ids, id })} ${bareKey(from)}`;
}
