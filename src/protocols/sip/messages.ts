// MESSAGE both ways (RFC 3428, RFC 7572): a request from a SIP user becomes an event and its outcome the answer; an event for
// a SIP user becomes a request and its answer the outcome. What the recipient's client understands is learnt as it speaks.

import { LRUCache } from 'lru-cache';
import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { bare, bareKey, show } from '../../model/address.ts';
import { atMost } from '../../model/at-most.ts';
import type { ImComposing, ImReceipt, ImSent, Origin } from '../../model/event.ts';
import { failed, HANDED_OVER, type Outcome, refused } from '../../model/outcome.ts';
import type { Clock, Delivery, Hop, Ids, NoteRefusal, Submit, WireIds } from '../../model/ports.ts';
import type { SpellingStore } from '../../model/stores.ts';
import type { Table } from '../../model/table.ts';
import { type AddressReading, toAddress } from './address.ts';
import type { BuildRequest, InboundRequest, OutgoingReply, RequestOptions, SipAnswer } from './exchange.ts';
import { writeMessage } from './from-model/im.ts';
import { outcomeOf } from './outcomes.ts';
import { replyTo } from './replies.ts';
import { ACCEPTED_BODIES, type MessageReading, readMessage } from './to-model/im.ts';
import { Typing } from './typing.ts';

export interface MessagesDeps {
  readonly request: (hop: Hop, build: BuildRequest, options: RequestOptions) => Promise<SipAnswer>;
  readonly submit: Submit;
  readonly noteRefusal: NoteRefusal;
  readonly table: () => Table;
  readonly spellings: SpellingStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What a SIP user's client has shown that it understands. Forgotten with the process: it is learnt again. */
interface Client {
  cpim: boolean;
  /** Answered typing with an error: it is not sent again. */
  noTyping: boolean;
  /** The endpoint under which it wrote last (RFC 5627 `gr`): messages to that endpoint go there and not to all of them. */
  gruu?: string;
}
const MAX_CLIENTS = 50_000;
/** A body of a sender without a partner entry, bytes; what CPIM or multipart may add around the text. */
const LARGEST_BODY = 64 * 1024;
const WRAPPER_BYTES = 8 * 1024;
const CALL_NOTICE_EVERY_MS = 10 * 60_000;
/** RFC 3261 §8.2.3: a 415 names what would be taken. */
const TAKEN: readonly (readonly [string, string])[] = [
  ['Accept', ACCEPTED_BODIES.join(', ')],
  ['Accept-Encoding', 'identity'],
];

export class Messages {
  readonly #deps: MessagesDeps;
  readonly #clients = new LRUCache<string, Client>(atMost(MAX_CLIENTS));
  /** Monotonic ms of the last notice of a call, by pair. */
  readonly #calls = new LRUCache<string, number>(atMost(MAX_CLIENTS));
  readonly #typing: Typing;

  constructor(deps: MessagesDeps) {
    this.#deps = deps;
    this.#typing = new Typing(deps.clock);
  }

  /** Handler of MESSAGE. The From domain has been proven by the connection. */
  readonly receive = async (request: InboundRequest): Promise<OutgoingReply> => {
    const from = toAddress(request.fromUri);
    const to = toAddress(request.uri);
    // Whoever it is for: what is too large for the partner is too large for everybody, so it tells nothing.
    const largest = this.#deps.table().partners.get(request.fromDomain)?.limits.messageBytes ?? LARGEST_BODY;
    if (request.message.body.length > largest + WRAPPER_BYTES) return { status: 413 };
    if (from.kind === 'refused') return malformed(from);
    if (to.kind === 'refused') return malformed(to);
    // Whoever is let in by DNS alone could fill the table: their spelling is learnt once a message has passed.
    const known = request.side !== 'edge' || this.#deps.table().partners.has(request.fromDomain);
    if (known) await this.#learnSpelling(from);

    const facts = { id: this.#deps.ids.event(), at: this.#deps.clock.now(), origin: originOf(request), from: from.address, to: to.address };
    const reading = readMessage(request.message, {
      ...facts,
      callId: request.callId,
      cseq: request.cseq,
      fromTag: request.fromTag,
      branch: request.branch,
      maxForwards: request.maxForwards,
    });
    switch (reading.kind) {
      case 'refused': {
        const { status, phrase } = reading;
        if (status === 415) this.#degraded('CONTENT_TYPE_UNSUPPORTED');
        const about = { method: 'MESSAGE', status, from: request.from.uri, callId: request.callId };
        this.#deps.log.info({ event: 'sip.request.refused', ...about }, phrase);
        const ids = { wireId: request.branch, callId: request.callId, cseq: request.cseq };
        this.#deps.noteRefusal({ ...facts, ids }, reason(status === 415 ? 'CONTENT_TYPE_UNSUPPORTED' : 'CONTENT_MALFORMED', phrase));
        return { status, phrase, ...(status === 415 && { headers: TAKEN }) };
      }
      case 'nothing':
        return { status: 200 };
      case 'event': {
        if (reading.inWords !== undefined) this.#degraded(reading.inWords);
        this.#learnClient(request, reading.event);
        this.#followTyping(reading);
        const outcome = await this.#deps.submit(reading.event);
        if (!known && outcome.kind !== 'refused') await this.#learnSpelling(from);
        const partner = this.#deps.table().partners.get(request.fromDomain);
        return replyTo(outcome, {
          partner: request.side === 'edge',
          endpoint: to.address.resource !== undefined,
          use6xx: partner?.sip.use6xx === true,
        });
      }
    }
  };

  #degraded(what: string): void {
    this.#deps.log.debug({ event: 'message.degraded', from: 'sip', to: 'text', what }, 'not everything of a message can cross');
  }

  /** Somebody called: it was refused, and whom they called reads of it, once in ten minutes (docs/what-crosses.md). */
  readonly called = async (request: InboundRequest): Promise<void> => {
    const from = toAddress(request.fromUri);
    const to = toAddress(request.uri);
    if (from.kind === 'refused' || to.kind === 'refused') return;
    const pair = `${bareKey(from.address)} ${bareKey(to.address)}`;
    const now = this.#deps.clock.monotonic();
    const last = this.#calls.get(pair);
    if (last !== undefined && now - last < CALL_NOTICE_EVERY_MS) return;
    this.#calls.set(pair, now);
    const body = `${show(bare(from.address))} tried to call you or to share something; neither can be taken here.`;
    const ids = { wireId: request.branch, callId: request.callId, cseq: request.cseq };
    const wants = { delivered: false, displayed: false };
    const base = { id: this.#deps.ids.event(), at: this.#deps.clock.now(), origin: originOf(request) };
    await this.#deps.submit({
      ...base,
      kind: 'im.sent',
      from: from.address,
      to: to.address,
      body,
      lang: 'en',
      style: 'normal',
      wants,
      ids,
    });
  };

  /** Sends an event to a SIP user. */
  async deliver(delivery: Delivery, event: ImSent | ImComposing | ImReceipt): Promise<Outcome> {
    const recipient = bareKey(event.to);
    const client = this.#clients.get(recipient);
    const pair = `${bareKey(event.from)} ${recipient}`;
    if (event.kind === 'im.composing') {
      if (client?.noTyping === true) return HANDED_OVER;
      this.#typing.sent(pair, event.state, () => {
        const signal = AbortSignal.timeout(delivery.deadlineMs);
        void this.#send({ ...delivery, signal }, event, this.#freshIds());
      });
    } else this.#typing.ended(pair);
    return this.#send(delivery, event, delivery.wire ?? this.#freshIds());
  }

  close(): void {
    this.#typing.close();
  }

  async #send(delivery: Delivery, event: ImSent | ImComposing | ImReceipt, wire: WireIds): Promise<Outcome> {
    const { hop } = delivery;
    const spelling = await this.#deps.spellings.get(bareKey(event.to));
    const client = this.#clients.get(bareKey(event.to));
    const cpim = client?.cpim === true;
    // sip-xmpp.md §4: an endpoint becomes `gr` when it came from a GRUU, and from nowhere else.
    const gruu = client?.gruu !== undefined && client.gruu === event.to.resource;
    const gr = hop.side === 'inside' ? hop.own?.gr !== false : hop.partner?.sip.gr !== false;
    const options = { gr, gruu, cpim, asserted: hop.side === 'inside' && isProven(event), ...(spelling !== undefined && { spelling }) };
    const parts = writeMessage(event, wire, options);
    if (parts === undefined) return HANDED_OVER;
    const answer = await this.#deps.request(hop, () => ({ method: 'MESSAGE', ...parts }), {
      deadlineMs: delivery.deadlineMs,
      signal: delivery.signal,
      written: () => delivery.written(),
      ...(event.kind === 'im.sent' && event.hopsLeft !== undefined && { maxForwards: event.hopsLeft }),
    });
    if (answer.kind === 'failed') return failed(answer.reason);
    // The first copy may have arrived: an earlier attempt, another connection of this one, or a process before ours.
    const resend = delivery.attempt > 1 || answer.tries > 1 || delivery.possibleCopy === true;
    const outcome = outcomeOf(answer.response, resend);
    if (answer.response.status === 415 || answer.response.status === 406) return this.#learnRefusal(delivery, event, wire, cpim, outcome);
    return outcome;
  }

  /** The recipient's client did not understand the form: typing stops, CPIM is unwrapped and sent once more. */
  async #learnRefusal(
    delivery: Delivery,
    event: ImSent | ImComposing | ImReceipt,
    wire: WireIds,
    cpim: boolean,
    outcome: Outcome,
  ): Promise<Outcome> {
    const key = bareKey(event.to);
    const client = this.#clients.get(key) ?? { cpim: false, noTyping: false };
    if (event.kind === 'im.composing') {
      this.#clients.set(key, { ...client, noTyping: true });
      return outcome;
    }
    if (!cpim) return outcome;
    this.#clients.set(key, { ...client, cpim: false });
    if (event.kind === 'im.receipt' && event.status !== 'failed') return refused(reason('PEER_NOT_ACCEPTABLE', 'the client takes no IMDN'));
    return this.#send(delivery, event, { ...wire, cseq: wire.cseq + 1 });
  }

  #learnClient(request: InboundRequest, event: ImSent | ImComposing | ImReceipt): void {
    const type = request.message.headers.get('content-type') ?? '';
    const accept = request.message.headers.get('accept') ?? '';
    const cpim = /message\/(cpim|imdn)/i.test(type) || /message\/cpim/i.test(accept);
    const { resource } = event.from;
    if (!cpim && resource === undefined) return;
    const key = bareKey(event.from);
    const known = this.#clients.get(key) ?? { cpim: false, noTyping: false };
    this.#clients.set(key, { ...known, ...(cpim && { cpim }), ...(resource !== undefined && { gruu: resource }) });
  }

  #followTyping(reading: Extract<MessageReading, { kind: 'event' }>): void {
    const { event } = reading;
    const pair = `${bareKey(event.from)} ${bareKey(event.to)}`;
    if (event.kind !== 'im.composing') {
      this.#typing.ended(pair);
      return;
    }
    const lapsed = (): void => {
      // RFC 3994 §3.3: `active` that is not refreshed has become idle.
      void this.#deps.submit({ ...event, id: this.#deps.ids.event(), at: this.#deps.clock.now(), state: 'paused' });
    };
    this.#typing.received(pair, event.state === 'composing', reading.refreshSeconds ?? 120, lapsed);
  }

  async #learnSpelling(from: Extract<AddressReading, { kind: 'address' }>): Promise<void> {
    if (from.spelling === from.address.local) return;
    const key = bareKey(from.address);
    if ((await this.#deps.spellings.get(key)) !== from.spelling) await this.#deps.spellings.put(key, from.spelling);
  }

  /** Ids for what is not durable: typing keeps none. */
  #freshIds(): WireIds {
    const { ids } = this.#deps;
    const id = ids.event();
    return { callId: id, fromTag: ids.token(), cseq: 1, stanzaId: id };
  }
}

/** Did the sender's domain prove itself by more than a name in DNS? */
function isProven(event: ImSent | ImComposing | ImReceipt): boolean {
  return event.origin.side === 'edge' && event.origin.proof !== 'dialback' && event.origin.proof !== 'none';
}

/** Where an inbound request came from, for its event. */
export function originOf(request: InboundRequest): Origin {
  return {
    network: 'sip',
    side: request.side,
    peer: request.side === 'edge' ? request.fromDomain : (request.peer.names[0] ?? request.peer.address),
    connection: request.connection,
    proof: request.proof,
    address: request.peer.address,
  };
}

function malformed(reading: Extract<AddressReading, { kind: 'refused' }>): OutgoingReply {
  return { status: reading.status, headers: [['Warning', `399 isthmus "${reading.reason.text.replace(/["\\]/g, "'")}"`]] };
}
