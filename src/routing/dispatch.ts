// The middle of the strip of land: every event passes submit(). It decides, writes the decision down, counts, and hands the
// event to the outbox (messages, receipts), to presence, or straight to a gateway (typing). answer.ts says when a sender is
// answered; what that is called in a protocol is the shores' replies.ts.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Address, bare, bareKey, show } from '../model/address.ts';
import type { Alongside, Capture } from '../model/archive.ts';
import {
  type Event,
  type ImReceipt,
  type ImSent,
  knownAs,
  type Network,
  type PresenceEvent,
  type PresenceRequested,
} from '../model/event.ts';
import type { DurableEvent, SentIds } from '../model/outbox-store.ts';
import { type Outcome, refused } from '../model/outcome.ts';
import type { Clock, Gateway, Hop, NoteRefusal, Submit } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { ContactRequestStore, DecisionStore } from '../model/stores.ts';
import type { InCore, Table } from '../model/table.ts';
import { Acquaintance } from './acquaintance.ts';
import { type Acceptor, answer } from './answer.ts';
import { type Decision, decide, type Facts } from './decide.ts';
import { logStopped, noteDecision } from './decision-notes.ts';
import type { Discovered } from './discovered.ts';
import type { BorderFilter } from './filter.ts';
import { type Limits, tooLarge } from './limits.ts';
import { partnerOf } from './partner.ts';
import { wayTo } from './way.ts';

/** Deadline of a delivery that is not durable, ms: SIP non-INVITE (RFC 3261 Timer F). */
const SOFT_DEADLINE_MS = 32_000;

/** What dispatch needs of presence. */
export interface PresenceNeck {
  handle(event: PresenceEvent): Promise<Outcome>;
  /** A subscription verb could not be delivered for good. */
  undeliverable(event: PresenceEvent, why: Reason): Promise<void>;
}

export interface DispatchDeps {
  readonly table: () => Table;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly requests: Pick<ContactRequestStore, 'knows' | 'learn'>;
  /** Keeps a stranger's first contact until somebody of ours decides. */
  readonly hold: (event: ImSent | PresenceRequested) => Promise<void>;
  readonly discovered: Discovered;
  readonly decisions: DecisionStore;
  readonly sentIds: SentIds;
  readonly gateways: ReadonlyMap<Network, Gateway>;
  /** Which users of split domains live in the core. */
  readonly people?: {
    readonly inCore: InCore;
    /** Resolves when what other processes have changed is known. */
    fresh(): Promise<void>;
  };
  /** What is archived, as it goes on: after the filters, with its acceptance. Absent: nothing. */
  readonly capture?: Capture;
  /** Somebody of the core is addressed by an other address of theirs: where they are reached, if the sender may be told of them. */
  readonly reachedAt?: (to: Address, from: Address) => Promise<Address | undefined>;
  /** Absent: nothing that a message says keeps it from crossing. */
  readonly filter?: BorderFilter;
}

/** Where an event goes, or why it may not. */
type Route = { readonly hop: Hop; readonly gateway: Gateway } | { readonly refused: Reason };
type Allowed = Extract<Decision, { kind: 'allow' }>;

export class Dispatch {
  readonly #deps: DispatchDeps;
  readonly #acquaintance: Acquaintance;
  #outbox: Acceptor | undefined;
  #presence: PresenceNeck | undefined;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
    this.#acquaintance = new Acquaintance(deps);
  }

  /** Outbox and presence need dispatch and it needs them: assembly ties the knot once, before anything is accepted. */
  connect(outbox: Acceptor, presence: PresenceNeck): void {
    this.#outbox = outbox;
    this.#presence = presence;
  }

  readonly submit: Submit = async (event) => {
    const decision = await this.#decide(event);
    // Counted whatever policy says: a sender over the limit must not learn from the answer who is blocked and who is not.
    const tooMuch = (await this.#tooMuch(event)) ?? this.#unfit(event);
    if (decision.kind !== 'refuse') await this.#deps.discovered.proven(event);
    // Refused as nobody is what the internal system of a split domain sends for somebody whom it does not know.
    const asked = decision.kind !== 'refuse' || decision.reason.code === 'PEER_UNKNOWN_USER';
    const elsewhere = tooMuch === undefined && asked ? await this.#didYouMean(event) : undefined;
    if (elsewhere !== undefined) {
      noteDecision(this.#deps, event, { kind: 'refuse', reason: elsewhere });
      return refused(elsewhere);
    }
    if (tooMuch !== undefined && (decision.kind !== 'refuse' || decision.reason.blame === 'policy')) {
      noteDecision(this.#deps, event, { kind: 'refuse', reason: tooMuch });
      logStopped(this.#deps.log, event, tooMuch);
      return refused(tooMuch);
    }
    if (decision.kind === 'allow' && event.kind === 'im.sent' && this.#deps.table().filters !== undefined)
      return this.#filtered(event, decision);
    noteDecision(this.#deps, event, decision);
    switch (decision.kind) {
      case 'refuse':
        this.#count(event, false);
        return refused(decision.reason);
      case 'hold':
        return this.#hold(event, decision.reason);
      case 'allow':
        return this.#pass(event, decision);
    }
  };

  /** A shore refused a message by its content alone: nothing but the note comes of it. */
  readonly noteRefusal: NoteRefusal = (about, why) => {
    const told = { kind: 'im.sent', body: '', style: 'normal', wants: { delivered: false, displayed: false } } as const;
    noteDecision(this.#deps, { ...about, ...told }, { kind: 'refuse', reason: why });
  };

  /** Policy and route evaluated again, just before the outbox or presence sends something. */
  async resolve(event: Event): Promise<Route> {
    const table = this.#deps.table();
    // What we owe a user of ours is our own word: policy that has just stopped their message must not stop the notice of it.
    if (event.kind === 'im.receipt' && event.origin.side === 'local' && table.domains.has(event.to.domain))
      return this.#through(wayTo(event.from, event.to, table, this.#deps.people?.inCore));
    const decision = await this.#decide(event);
    // A contact that was held and then approved is known by now; anything else that would wait is refused.
    if (decision.kind !== 'allow') return { refused: decision.reason };
    const { hop, paused } = decision;
    if (paused === 'hold') return { refused: reason('PARTNER_PAUSED', `${hop.theirDomain} is paused`, { retry: 60_000 }) };
    return this.#through(hop);
  }

  /**
   * Delivers something that is not durable, now or never.
   * @param lastWord it takes back what policy has just forbidden: the way there is asked for, policy is not
   */
  async deliver(event: Event, lastWord = false): Promise<Outcome> {
    const route = lastWord
      ? this.#through(wayTo(event.from, event.to, this.#deps.table(), this.#deps.people?.inCore))
      : await this.resolve(event);
    if ('refused' in route) return refused(route.refused);
    const signal = AbortSignal.timeout(SOFT_DEADLINE_MS);
    return route.gateway.deliver({ event, hop: route.hop, attempt: 1, deadlineMs: SOFT_DEADLINE_MS, signal, written() {} });
  }

  /** Puts a subscription verb of our own making into the outbox; resolves when it is committed. */
  async enqueue(event: DurableEvent): Promise<Outcome> {
    const accepted = await this.#parts().outbox.submit(event);
    if (accepted.kind === 'refused') return accepted.outcome;
    if (accepted.kind === 'accepted') void accepted.outcome.then((outcome) => this.endedLate(event, outcome));
    return { kind: 'queued', answer: 202 };
  }

  /** A durable event ended badly and nobody waited for it any more: presence learns of its subscription verbs. */
  endedLate(event: DurableEvent, outcome: Outcome): void {
    if (event.kind === 'im.sent' || event.kind === 'im.receipt') return;
    if (outcome.kind === 'refused' || outcome.kind === 'failed') void this.#parts().presence.undeliverable(event, outcome.reason);
  }

  async #pass(event: Event, { hop }: Allowed): Promise<Outcome> {
    const { sentIds } = this.#deps;
    switch (event.kind) {
      case 'im.sent':
        await this.#acquaintance.learn(event, hop);
        this.#acquaintance.talks(event);
        return this.#archived(event, hop);
      case 'im.receipt': {
        const original = await sentIds.originalOf(bareKey(event.from), bareKey(event.to), event.about);
        if (original === undefined) return { kind: 'handedOver' }; // nobody here asked for it: nothing to tell
        const { thread } = original;
        return this.#answer({ ...event, about: knownAs(hop.network, original), ...(thread !== undefined && { thread }) }, hop);
      }
      case 'im.composing':
        return this.#acquaintance.isTalking(event) ? this.deliver(event) : { kind: 'handedOver' };
      case 'presence.requested':
        await this.#acquaintance.learn(event, hop);
        return this.#parts().presence.handle(event);
      default:
        return this.#parts().presence.handle(event);
    }
  }

  /** Its line is of the same write as its acceptance. */
  async #archived(event: ImSent, hop: Hop): Promise<Outcome> {
    const outcome = await this.#answer(event, hop, this.#deps.capture?.(event)?.line);
    // Allowed, and refused all the same: `explain` finds it here only, since the ledger has no line of it.
    if (outcome.kind === 'refused' && outcome.reason.code === 'STORE_NOT_ARCHIVED')
      noteDecision(this.#deps, event, { kind: 'refuse', reason: outcome.reason });
    return outcome;
  }

  #answer(event: ImSent | ImReceipt, hop: Hop, alongside?: Alongside): Promise<Outcome> {
    const { clock, table } = this.#deps;
    const ended = (_: Event, outcome: Outcome): void => this.#count(event, outcome.kind === 'delivered' || outcome.kind === 'handedOver');
    return answer(event, hop, { outbox: this.#parts().outbox, clock, table, ended, ...(alongside !== undefined && { alongside }) });
  }

  /** docs/decisions/005: it waits, and the stranger is answered as if it were refused. */
  async #hold(event: Event, why: Reason): Promise<Outcome> {
    if (event.kind === 'im.sent' || event.kind === 'presence.requested') {
      await this.#deps.hold(event);
      this.#deps.log.info(
        { event: 'contact.held', id: event.id, from: show(event.from), to: show(event.to) },
        'a stranger waits for a decision',
      );
    }
    return refused(why);
  }

  async #decide(event: Event): Promise<Decision> {
    const { table, clock, discovered, people } = this.#deps;
    await people?.fresh();
    const current = table();
    const pinned = await discovered.pinned(current.domains.has(event.from.domain) ? event.to.domain : event.from.domain);
    const facts: Facts = {
      nowMs: clock.now(),
      knows: false,
      ...(pinned !== undefined && { pinned }),
      ...(people && { inCore: people.inCore }),
    };
    const first = decide(event, current, facts);
    if (first.kind !== 'hold') return first;
    const knows = await this.#acquaintance.knows(event);
    return knows ? decide(event, current, { ...facts, knows }) : first;
  }

  #through(hop: Hop | undefined): Route {
    if (hop === undefined) return { refused: reason('ROUTE_UNKNOWN_DOMAIN', 'there is no way there any more') };
    const gateway = this.#deps.gateways.get(hop.network);
    return gateway === undefined ? { refused: reason('ROUTE_NOT_SERVED_YET', `nothing here speaks ${hop.network}`) } : { hop, gateway };
  }

  /** Is it refused for what it says? Asked whatever policy says, like the limits and for the same reason. */
  #unfit(event: Event): Reason | undefined {
    const { filter, table } = this.#deps;
    const current = table();
    if (current.filters === undefined || filter === undefined || event.kind !== 'im.sent') return undefined;
    return filter.refusal(event, current);
  }

  /** Through the filters, which may change it, add to it, or refuse it. */
  async #filtered(event: ImSent, decision: Allowed): Promise<Outcome> {
    const passed = await this.#deps.filter?.pass(event, this.#deps.table());
    if (passed !== undefined && 'refused' in passed) {
      noteDecision(this.#deps, event, { kind: 'refuse', reason: passed.refused });
      return refused(passed.refused);
    }
    noteDecision(this.#deps, event, decision);
    for (const because of passed?.by ?? []) noteDecision(this.#deps, event, { ...decision, because }, 'CONTENT_FILTERED');
    const outcome = await this.#pass(passed?.event ?? event, decision);
    if (outcome.kind === 'refused') passed?.undo();
    return outcome;
  }

  async #tooMuch(event: Event): Promise<Reason | undefined> {
    if (event.kind !== 'im.sent' && event.kind !== 'presence.requested') return undefined;
    const { limits, discovered, table } = this.#deps;
    const current = table();
    const targets = await discovered.tooManyTargets(event);
    if (targets !== undefined || event.kind !== 'im.sent') return targets;
    const partner = partnerOf(current.domains.has(event.from.domain) ? event.to.domain : event.from.domain, current);
    return tooLarge(event, partner) ?? limits.admit(event, partner);
  }

  /**
   * An other address of a user of the core: who may reach that user is told where. Everybody else is answered as about somebody
   * who is not there (DESIGN 7): a stranger who would have to wait, too.
   */
  async #didYouMean(event: Event): Promise<Reason | undefined> {
    if (event.origin.side === 'local' || (event.kind !== 'im.sent' && event.kind !== 'presence.requested')) return undefined;
    const there = await this.#deps.reachedAt?.(event.to, event.from);
    if (there === undefined || (await this.#decide({ ...event, to: there })).kind !== 'allow') return undefined;
    const text = `${show(bare(event.to))} is an other address of ${show(there)}. Did you mean ${show(there)}?`;
    return reason('PEER_OTHER_ADDRESS', text, { newAddress: there });
  }

  #count(event: Event, good: boolean): void {
    if (event.kind === 'im.sent' && event.origin.side === 'edge') this.#deps.limits.note(event.from.domain, good);
  }

  #parts(): { readonly outbox: Acceptor; readonly presence: PresenceNeck } {
    if (this.#outbox === undefined || this.#presence === undefined) throw new Error('dispatch is not connected yet');
    return { outbox: this.#outbox, presence: this.#presence };
  }
}
