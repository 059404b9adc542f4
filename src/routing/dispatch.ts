// The middle of the strip of land: every event passes submit(). It decides, counts, writes the decision down, and hands
// the event to the outbox (durable), to presence, or straight to a gateway (typing). The answer timing of a SIP MESSAGE
// (DESIGN 8) lives here; what is answered in which protocol's words lives in the shores' replies.ts.

import { LRUCache } from 'lru-cache';
import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Address, bareKey, show } from '../model/address.ts';
import type { Event, ImReceipt, ImSent, Network, PresenceEvent } from '../model/event.ts';
import type { DurableEvent, SentIds } from '../model/outbox-store.ts';
import { type Outcome, type QueuedAnswer, refused } from '../model/outcome.ts';
import type { Clock, Gateway, Hop, Submit } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { ContactRequestStore, DecisionStore, DiscoveredStore } from '../model/stores.ts';
import type { Table } from '../model/table.ts';
import { type Decision, decide, type Facts } from './decide.ts';
import type { Limits } from './limits.ts';
import { wayTo } from './way.ts';

/** How long a sender waits for the far end's word before `queuedAnswer` (DESIGN 8), ms. */
export const ANSWER_WITHIN_MS = 4000;
/** Deadline of a delivery that is not durable, ms: SIP non-INVITE (RFC 3261 Timer F). */
const SOFT_DEADLINE_MS = 32_000;
/** Typing crosses only within a conversation: it would show who is at the keyboard (sip-xmpp.md §6). ms */
const TYPING_AFTER_MESSAGE_MS = 15 * 60_000;
const MAX_CONVERSATIONS = 50_000;
const PIN_IDLE_MS = 30 * 86_400_000;
/** A pin's last sign of life is written at most this often. */
const PIN_REFRESH_MS = 3_600_000;

/** What dispatch needs of the outbox. */
export interface Acceptor {
  submit(event: DurableEvent): Promise<Accepted>;
  /** The sender has been told yes, provisionally: a later failure must be told by a notice. False: it has ended already. */
  toldQueued(id: string): boolean;
}
export type Accepted =
  /**
   * Committed. `firstWord`: the outcome, or `failed` once the first try has failed and the row waits on. `laneIdle`: nothing of
   * the same pair waits before it and its road is believed open.
   */
  | {
      readonly kind: 'accepted';
      readonly outcome: Promise<Outcome>;
      readonly firstWord: Promise<Outcome>;
      readonly laneIdle: boolean;
      withdraw(): Promise<boolean>;
    }
  /** The same message again: the answer is what the first one got; undefined: it waits. */
  | { readonly kind: 'duplicate'; readonly outcome: Outcome | undefined }
  | { readonly kind: 'refused'; readonly outcome: Outcome };

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
  readonly hold: (event: ImSent | PresenceEvent) => Promise<void>;
  readonly discovered: DiscoveredStore;
  readonly decisions: DecisionStore;
  readonly sentIds: SentIds;
  readonly gateways: ReadonlyMap<Network, Gateway>;
}

export class Dispatch {
  readonly #deps: DispatchDeps;
  /** Monotonic ms of the last message of a pair, in either direction. */
  readonly #talked = new LRUCache<string, number>({ max: MAX_CONVERSATIONS });
  #outbox: Acceptor | undefined;
  #presence: PresenceNeck | undefined;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  /** Outbox and presence need dispatch and it needs them: assembly ties the knot once, before anything is accepted. */
  connect(outbox: Acceptor, presence: PresenceNeck): void {
    this.#outbox = outbox;
    this.#presence = presence;
  }

  readonly submit: Submit = async (event) => {
    const { log } = this.#deps;
    const decision = await this.#decide(event);
    this.#note(event, decision);
    if (decision.kind !== 'refuse') await this.#pin(event);
    switch (decision.kind) {
      case 'refuse':
        this.#countFailure(event, false);
        return refused(decision.reason);
      case 'hold':
        if (event.kind === 'im.sent' || event.kind === 'presence.requested') await this.#deps.hold(event);
        log.info({ event: 'contact.held', id: event.id, from: show(event.from), to: show(event.to) }, 'a stranger waits for a decision');
        return refused(decision.reason);
      case 'allow':
        return this.#pass(event, decision);
    }
  };

  /** Policy and route evaluated again, just before the outbox or presence sends something. */
  async resolve(
    event: Event,
  ): Promise<{ readonly hop: Hop; readonly gateway: Gateway } | { readonly refused: NonNullable<RefusedReason> }> {
    const decision = await this.#decide(event);
    // A contact that was held and then approved is known by now; anything else that would wait is refused.
    if (decision.kind !== 'allow') return { refused: decision.reason };
    if (decision.paused === 'hold')
      return { refused: reason('PARTNER_PAUSED', `${decision.hop.theirDomain} is paused`, { retry: 60_000 }) };
    const gateway = this.#deps.gateways.get(decision.hop.network);
    if (gateway === undefined) return { refused: reason('ROUTE_NOT_SERVED_YET', `nothing here speaks ${decision.hop.network}`) };
    return { hop: decision.hop, gateway };
  }

  /**
   * Delivers something that is not durable, now or never.
   * @param lastWord it takes back what policy has just forbidden: the way there is asked for, policy is not
   */
  async deliver(event: Event, lastWord = false): Promise<Outcome> {
    const route = lastWord ? this.#wayFor(event) : await this.resolve(event);
    if ('refused' in route) return refused(route.refused);
    const abort = AbortSignal.timeout(SOFT_DEADLINE_MS);
    return route.gateway.deliver({ event, hop: route.hop, attempt: 1, deadlineMs: SOFT_DEADLINE_MS, signal: abort, written() {} });
  }

  /** Puts a subscription verb or a notice of our own making into the outbox; resolves when it is committed. */
  async enqueue(event: DurableEvent): Promise<Outcome> {
    const accepted = await this.#acceptor().submit(event);
    if (accepted.kind === 'refused') return accepted.outcome;
    if (accepted.kind === 'accepted') void accepted.outcome.then((outcome) => this.endedLate(event, outcome));
    return { kind: 'queued', answer: 202 };
  }

  /** A durable event ended badly and nobody waited for it any more: presence learns of its subscription verbs. */
  endedLate(event: DurableEvent, outcome: Outcome): void {
    if (event.kind === 'im.sent' || event.kind === 'im.receipt') return;
    if (outcome.kind === 'refused' || outcome.kind === 'failed') void this.#presence?.undeliverable(event, outcome.reason);
  }

  #wayFor(event: Event): { readonly hop: Hop; readonly gateway: Gateway } | { readonly refused: NonNullable<RefusedReason> } {
    const hop = wayTo(event.from, event.to, this.#deps.table());
    const gateway = hop === undefined ? undefined : this.#deps.gateways.get(hop.network);
    if (hop === undefined || gateway === undefined)
      return { refused: reason('ROUTE_UNKNOWN_DOMAIN', `there is no way to ${event.to.domain}`) };
    return { hop, gateway };
  }

  async #pass(event: Event, decision: Extract<Decision, { kind: 'allow' }>): Promise<Outcome> {
    switch (event.kind) {
      case 'im.sent': {
        const tooMuch = this.#tooMuch(event, decision.hop) ?? (await this.#tooManyTargets(event));
        if (tooMuch !== undefined) {
          this.#deps.log.info({ event: 'message.limited', id: event.id, code: tooMuch.code, from: show(event.from) }, tooMuch.text);
          return refused(tooMuch);
        }
        if (event.origin.side !== 'edge' && decision.hop.side === 'edge')
          await this.#deps.requests.learn(bareKey(event.from), bareKey(event.to));
        this.#talked.set(conversation(event), this.#deps.clock.monotonic());
        return this.#answer(event, decision.hop);
      }
      case 'im.receipt': {
        const original = await this.#deps.sentIds.originalOf(bareKey(event.from), bareKey(event.to), event.about);
        if (original === undefined) return { kind: 'handedOver' }; // nobody here asked for it: nothing to tell
        // A SIP client knows its message by the IMDN Message-ID, an XMPP client by the stanza id.
        const known = decision.hop.network === 'sip' ? [original.messageId, original.wireId] : [original.wireId, original.messageId];
        const about = known[0] ?? known[1] ?? event.about;
        return this.#answer({ ...event, about, ...(original.thread !== undefined && { thread: original.thread }) }, decision.hop);
      }
      case 'im.composing': {
        const last = this.#talked.get(conversation(event));
        const recent = last !== undefined && this.#deps.clock.monotonic() - last < TYPING_AFTER_MESSAGE_MS;
        return recent ? this.deliver(event) : { kind: 'handedOver' };
      }
      default:
        if (event.kind === 'presence.requested') {
          const tooMany = await this.#tooManyTargets(event);
          if (tooMany !== undefined) return refused(tooMany);
          if (event.origin.side !== 'edge' && decision.hop.side === 'edge')
            await this.#deps.requests.learn(bareKey(event.from), bareKey(event.to));
        }
        if (this.#presence === undefined) throw new Error('dispatch is not connected to presence');
        return this.#presence.handle(event);
    }
  }

  /** DESIGN 8 "Answer to a SIP MESSAGE": the far end's word within 4 s, else the partner's `queuedAnswer`. */
  async #answer(event: ImSent | ImReceipt, hop: Hop): Promise<Outcome> {
    const accepted = await this.#acceptor().submit(event);
    if (accepted.kind === 'refused') return accepted.outcome;
    const queued: Outcome = { kind: 'queued', answer: queuedAnswer(event, hop, this.#deps.table()) };
    if (accepted.kind === 'duplicate') return accepted.outcome ?? queued;
    void accepted.outcome.then((outcome) => this.#countFailure(event, outcome.kind === 'delivered' || outcome.kind === 'handedOver'));
    if (event.origin.network !== 'sip') {
      // An XMPP sender is told by an error stanza whenever it may come, so nothing waits for it here.
      return this.#acceptor().toldQueued(event.id) ? queued : accepted.outcome;
    }
    const first = accepted.laneIdle ? await this.#within(accepted.firstWord, ANSWER_WITHIN_MS) : undefined;
    if (first !== undefined && first.kind !== 'failed') return first;
    if (queued.answer === 480 && (await accepted.withdraw())) {
      return refused(reason('PEER_UNAVAILABLE', `${hop.theirDomain} cannot be reached now and queuedAnswer is 480`));
    }
    if (!this.#acceptor().toldQueued(event.id)) return accepted.outcome;
    return queued.answer === 480 ? { kind: 'queued', answer: 202 } : queued; // DESIGN 8: a written row answers 202
  }

  #within(outcome: Promise<Outcome>, ms: number): Promise<Outcome | undefined> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(ms, () => resolve(undefined));
      void outcome.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  async #decide(event: Event): Promise<Decision> {
    const { table, clock, requests, discovered } = this.#deps;
    const current = table();
    const theirs = current.domains.has(event.from.domain) ? event.to.domain : event.from.domain;
    const unlisted = current.policy.federation === 'discovered' && !current.partners.has(theirs) && !current.domains.has(theirs);
    const pinned = unlisted ? await this.#pinOf(theirs, discovered) : undefined;
    const facts: Facts = { nowMs: clock.now(), knows: false, ...(pinned !== undefined && { pinned: pinned.protocol }) };
    const first = decide(event, current, facts);
    if (first.kind !== 'hold') return first;
    const knows = await requests.knows(bareKey(event.to), bareKey(event.from));
    return knows ? decide(event, current, { ...facts, knows }) : first;
  }

  /** DESIGN 7: the protocol that proved itself first is kept until 30 idle days have passed. */
  async #pinOf(domain: string, discovered: DiscoveredStore): ReturnType<DiscoveredStore['pinned']> {
    const pin = await discovered.pinned(domain);
    return pin !== undefined && this.#deps.clock.now() - pin.lastSeenAt < PIN_IDLE_MS ? pin : undefined;
  }

  /** A discovered partner has just proven itself by an event that was allowed, or that waits. */
  async #pin(event: Event): Promise<void> {
    const { table, clock, discovered } = this.#deps;
    const { origin, from } = event;
    if (origin.side !== 'edge' || origin.network === 'core' || table().partners.has(from.domain)) return;
    const known = await this.#pinOf(from.domain, discovered);
    if (known !== undefined && clock.now() - known.lastSeenAt < PIN_REFRESH_MS) return;
    await discovered.pin(from.domain, origin.network, origin.proof, clock.now());
  }

  #tooMuch(event: ImSent, hop: Hop): RefusedReason {
    const max = hop.partner?.limits.messageBytes;
    const size = Buffer.byteLength(event.body);
    if (max !== undefined && size > max) {
      const where = hop.partner?.sources.get('limits.messageSize') ?? hop.partner?.where;
      return reason(
        'CONTENT_TOO_LARGE',
        `the message has ${size} bytes; ${max} are allowed`,
        where === undefined ? {} : { file: where.file, key: where.key },
      );
    }
    return this.#deps.limits.admit(event, hop.partner);
  }

  /** DESIGN 7: a discovered partner reaches at most so many different users of ours. */
  async #tooManyTargets(event: Event): Promise<RefusedReason> {
    const current = this.#deps.table();
    if (event.origin.side !== 'edge' || current.partners.has(event.from.domain)) return undefined;
    const { distinctTargets } = current.policy.discovered.limits;
    if (distinctTargets === undefined) return undefined;
    const count = await this.#deps.discovered.countTarget(event.from.domain, bareKey(event.to));
    if (count <= distinctTargets) return undefined;
    const { where } = current.policy.discovered;
    return reason('LIMIT_TARGETS', `${event.from.domain} has addressed ${count} different users; ${distinctTargets} are allowed`, {
      file: where.file,
      key: `${where.key}/limits/distinctTargets`,
    });
  }

  #countFailure(event: Event, good: boolean): void {
    if (event.kind === 'im.sent' && event.origin.side === 'edge') this.#deps.limits.note(event.from.domain, good);
  }

  #note(event: Event, decision: Decision): void {
    const allowed = decision.kind === 'allow';
    const why = allowed ? decision.because : decision.reason;
    this.#deps.decisions.note({
      at: this.#deps.clock.now(),
      eventId: event.id,
      kind: event.kind,
      from: bareKey(event.from),
      to: bareKey(event.to),
      network: event.origin.network,
      proof: event.origin.proof,
      allowed,
      ...(!allowed && { code: decision.reason.code }),
      ...(why.file !== undefined && { file: why.file }),
      ...(why.key !== undefined && { key: why.key }),
      ...(event.kind === 'im.sent' && { ids: [event.ids.wireId, event.ids.callId, event.ids.messageId].filter((id) => id !== undefined) }),
    });
    const fields = {
      id: event.id,
      kind: event.kind,
      from: show(event.from),
      to: show(event.to),
      peer: event.origin.peer,
      proof: event.origin.proof,
    };
    if (allowed) this.#deps.log.debug({ event: 'decision.allowed', ...fields });
    else
      this.#deps.log.info(
        { event: 'decision.refused', ...fields, code: decision.reason.code, file: decision.reason.file, key: decision.reason.key },
        decision.reason.text,
      );
  }

  #acceptor(): Acceptor {
    if (this.#outbox === undefined) throw new Error('dispatch is not connected to the outbox');
    return this.#outbox;
  }
}

function conversation(event: Event): string {
  return [bareKey(event.from), bareKey(event.to)].sort().join(' ');
}

type RefusedReason = ReturnType<typeof reason> | undefined;

/** What a SIP sender is told about a message that waits: the preset of the partner on the SIP side of this exchange. */
function queuedAnswer(event: Event, hop: Hop, table: Table): QueuedAnswer {
  const sender: Address = event.from;
  return table.partners.get(sender.domain)?.sip.queuedAnswer ?? hop.partner?.sip.queuedAnswer ?? 202;
}
