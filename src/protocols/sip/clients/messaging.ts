// MESSAGE of and to clients (RFC 3428): what a client sends becomes an event for its session, what its session is handed becomes
// a MESSAGE to the client. Typing (RFC 3994) and receipts (RFC 5438) both ways, in the form that the client has shown it knows.

import type { Log } from '../../../log.ts';
import { type Address, bareKey, show } from '../../../model/address.ts';
import type { Item, Outsider } from '../../../model/core.ts';
import type { ImComposing, ImReceipt, ImSent, Origin } from '../../../model/event.ts';
import type { Clock, Ids, WireIds } from '../../../model/ports.ts';
import { toAddress } from '../address.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { writeMessage } from '../from-model/im.ts';
import type { HeaderList } from '../message.ts';
import { replyTo } from '../replies.ts';
import { ACCEPTED_BODIES, readMessage } from '../to-model/im.ts';
import { Typing } from '../typing.ts';
import type { Endpoint } from './endpoint.ts';
import { warning } from './gate.ts';

export interface MessagingParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** A body, bytes, with what CPIM or multipart add around the text. */
const LARGEST_BODY = 72 * 1024;
const TAKEN: HeaderList = [
  ['Accept', ACCEPTED_BODIES.join(', ')],
  ['Accept-Encoding', 'identity'],
];

/** What goes with a message besides its words. */
interface Told {
  /** Wall ms at which it was first said. */
  readonly since?: number | undefined;
  readonly name?: string | undefined;
}

export class Messaging {
  readonly #parts: MessagingParts;
  readonly #typing: Typing;

  constructor(parts: MessagingParts) {
    this.#parts = parts;
    this.#typing = new Typing(parts.clock);
  }

  /** Handler of MESSAGE: the sender has signed in and is the endpoint's user. */
  async receive(endpoint: Endpoint, request: InboundRequest): Promise<OutgoingReply> {
    if (request.message.body.length > LARGEST_BODY) return { status: 413, headers: [warning(`a message may have ${LARGEST_BODY} bytes`)] };
    const to = toAddress(request.uri);
    if (to.kind === 'refused') return { status: to.status, headers: [warning(to.reason.text)] };
    const { clock, ids } = this.#parts;
    const from: Address = { ...endpoint.user, resource: endpoint.session.resource };
    const { callId, cseq, fromTag, branch, maxForwards } = request;
    const facts = { id: ids.event(), at: clock.now(), origin: originOf(endpoint, request), from, to: to.address };
    const reading = readMessage(request.message, { ...facts, callId, cseq, fromTag, branch, maxForwards });
    if (reading.kind === 'nothing') return { status: 200 };
    if (reading.kind === 'refused')
      return { status: reading.status, phrase: reading.phrase, headers: reading.status === 415 ? TAKEN : [warning(reading.phrase)] };
    this.#learn(endpoint, request);
    const { event } = reading;
    const pair = pairOf(endpoint, event.from, event.to);
    if (event.kind !== 'im.composing') this.#typing.ended(pair);
    else {
      this.#typing.received(pair, event.state === 'composing', reading.refreshSeconds ?? 120, () => {
        // RFC 3994 §3.3: `active` that is not refreshed has become idle.
        const idle: ImComposing = { ...event, id: ids.event(), at: clock.now(), state: 'paused' };
        if (!endpoint.closed) endpoint.session.say({ event: idle }).catch((error: unknown) => this.#lost(error));
      });
    }
    const outcome = await endpoint.session.say({ event });
    return replyTo(outcome, { partner: false, endpoint: to.address.resource !== undefined, use6xx: false });
  }

  /** Something said to the endpoint's user. @returns true once the client has it */
  async deliver(endpoint: Endpoint, { event, delayedSince, sender }: Extract<Item, { kind: 'said' }>): Promise<boolean> {
    const pair = pairOf(endpoint, event.from, event.to);
    const { id } = event;
    const wire: WireIds = { callId: id, fromTag: this.#parts.ids.token(), cseq: 1, stanzaId: messageIdOf(event) };
    if (event.kind === 'im.composing') {
      if (endpoint.noTyping) return true;
      const news = this.#typing.sent(pair, event.state, () => {
        this.#send(endpoint, event, { ...wire, callId: this.#parts.ids.event() }).catch((error: unknown) => this.#lost(error));
      });
      // A chat window that is opened, left or closed is nothing to who was not told of typing: SIP has idle alone.
      if (!news) return true;
    } else this.#typing.ended(pair);
    return this.#send(endpoint, event, wire, { since: delayedSince, name: sender?.name });
  }

  /** A line of ours to the client's user, as if `from` had said it. */
  async notice(endpoint: Endpoint, from: Address, body: string, sender?: Outsider): Promise<boolean> {
    const { ids, clock } = this.#parts;
    const id = ids.event();
    const origin: Origin = { network: 'core', side: 'local', peer: endpoint.user.domain, connection: '', proof: 'local' };
    const event: ImSent = {
      ...{ kind: 'im.sent', id, at: clock.now(), origin, from, to: endpoint.user, body, style: 'normal' },
      wants: { delivered: false, displayed: false },
      ids: {},
    };
    return this.#send(endpoint, event, { callId: id, fromTag: ids.token(), cseq: 1, stanzaId: id }, { name: sender?.name });
  }

  close(): void {
    this.#typing.close();
  }

  /** Typing is not worth more than a line. */
  #lost(error: unknown): void {
    this.#parts.log.error({ event: 'core.failed', what: 'typing', error: String(error) }, 'typing was lost');
  }

  async #send(endpoint: Endpoint, event: ImSent | ImComposing | ImReceipt, wire: WireIds, told: Told = {}): Promise<boolean> {
    const { cpim } = endpoint;
    const { since, name } = told;
    const parts = writeMessage({ ...event, to: endpoint.user }, wire, { gr: false, cpim, ...(name !== undefined && { name }) });
    if (parts === undefined) return true; // nothing a SIP client could be told
    // RFC 3428 §9: Date says when it was said.
    const date: HeaderList = since === undefined ? [] : [['Date', new Date(since).toUTCString()]];
    // RFC 3261 §16.6 step 2: the Request-URI is the Contact of the client.
    const answer = await endpoint.request(({ uri }) => ({
      method: 'MESSAGE',
      uri,
      headers: [...parts.headers, ...date],
      body: parts.body,
    }));
    if (answer?.kind !== 'response') return false;
    const { status } = answer.response;
    if (status >= 200 && status < 300) return true;
    // RFC 3261 §8.2.2.2: it has the first copy.
    if (status === 482 && answer.tries > 1) return true;
    if (status !== 415 && status !== 406 && status !== 488) return false;
    if (event.kind === 'im.composing') endpoint.noTyping = true;
    else if (cpim) {
      endpoint.cpim = false;
      return event.kind === 'im.sent' ? this.#send(endpoint, event, { ...wire, cseq: wire.cseq + 1 }, told) : true;
    }
    // Typing and receipts that a client does not understand are not worth another try.
    return event.kind !== 'im.sent';
  }

  /** What a client writes or accepts it also reads. */
  #learn(endpoint: Endpoint, { message }: InboundRequest): void {
    const type = message.headers.get('content-type') ?? '';
    const accept = message.headers.get('accept') ?? '';
    if (/message\/(cpim|imdn)/i.test(type) || /message\/cpim/i.test(accept)) endpoint.cpim = true;
  }
}

/** For receipts: how the sender's client knows the message (RFC 5438 §7.2.1.1). */
function messageIdOf(event: ImSent | ImComposing | ImReceipt): string {
  return event.kind === 'im.sent' ? (event.ids.messageId ?? event.ids.wireId ?? event.id) : event.id;
}

function pairOf(endpoint: Endpoint, from: Address, to: Address): string {
  return `${endpoint.connection} ${show(from)} ${bareKey(to)}`;
}

/** Where a client's request came from, for its event. */
function originOf(endpoint: Endpoint, request: InboundRequest): Origin {
  return {
    network: 'sip',
    side: 'local',
    peer: endpoint.user.domain,
    connection: request.connection,
    proof: 'account',
    address: request.peer.address,
  };
}
