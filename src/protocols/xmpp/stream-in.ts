// A stream that a partner opened to us: carries out the steps of negotiation/receiver.ts on one connection, proves pairs of
// domains on it, and hands stanzas of proven pairs to the intake. Owns the timers of the negotiation.

import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ProofWord } from '../../model/event.ts';
import type { Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { SessionNotes } from '../../model/sessions.ts';
import { type Ended, XmlConnection } from './connection.ts';
import { DialbackDesk } from './dialback-desk.ts';
import type { Element } from './element.ts';
import type { StreamFrame } from './framing.ts';
import { Intake, isStreamError } from './intake.ts';
import { NS } from './names.ts';
import { featuresElement, type PeerLimits } from './negotiation/features.ts';
import { readHeader } from './negotiation/header.ts';
import {
  type ReceiverAction,
  type ReceiverInput,
  type ReceiverRules,
  type ReceiverState,
  receiverStart,
  receiverStep,
} from './negotiation/receiver.ts';
import { IdleWatch, Patience } from './patience.ts';
import { displayDomain } from './precis.ts';
import { printElement, printStreamOpen } from './print.ts';
import { ProvenPairs } from './proven-pairs.ts';
import type { SendingStream } from './sending-stream.ts';
import { goodbye, inWords, readStreamError, type StreamError, streamErrorElement } from './stream-error.ts';
import { manage, StreamManagement } from './stream-management.ts';
import type { Wire } from './wire.ts';

export interface StreamInOwner {
  /** The first pair is proven. */
  opened(stream: StreamIn): void;
  gone(stream: StreamIn): void;
}

export class StreamIn implements SendingStream {
  readonly management = new StreamManagement();
  readonly peerLimits: PeerLimits = {};
  readonly #wire: Wire;
  readonly #owner: StreamInOwner;
  readonly #log: Log;
  readonly #connection: XmlConnection;
  readonly #intake: Intake;
  readonly #rules: ReceiverRules;
  readonly #pairs: ProvenPairs;
  readonly #desk: DialbackDesk;
  #state: ReceiverState;
  #headerSent = false;
  #bidi = false;
  #plainTo: string | undefined;
  readonly #patience: Patience;
  #idle: IdleWatch | undefined;
  #goneCallbacks: ((why: Reason) => void)[] = [];
  #lastError: StreamError | undefined;

  constructor(wire: Wire, link: Link, owner: StreamInOwner) {
    this.#wire = wire;
    this.#owner = owner;
    this.#log = wire.log.child({ connection: link.id, address: link.peer.address, direction: 'in', network: 'xmpp' });
    this.#state = receiverStart(link.secure);
    const limits = (maxBytes: number): PeerLimits => ({ maxBytes, idleSeconds: Math.floor(wire.settings.idleMs / 1000) });
    this.#rules = {
      ours: (domain) => wire.table().domains.has(domain),
      dialback: (domain) => wire.table().partners.get(domain)?.xmpp.proof === 'dialback',
      limitsBefore: limits(wire.settings.before.stanzaBytes),
      limitsAfter: limits(wire.settings.after.stanzaBytes),
    };
    this.#pairs = new ProvenPairs(this.#rules);
    this.#desk = new DialbackDesk(wire, this.#rules, {
      link: () => this.link,
      streamId: () => this.#streamId,
      write: (answer) => this.#connection.write(printElement(answer)),
      proven: (from, to, by) => this.#pairProven(from, to, by),
      end: (error) => this.#end(error),
    });
    this.#intake = new Intake(wire, {
      side: 'edge',
      connection: link.id,
      notes: link.notes,
      address: link.peer.address,
      peer: () => this.theirDomain ?? link.peer.address,
      judge: (from, to) => this.#pairs.judge(from, to, this.link),
      answersFor: () => true,
      reply: (ours, theirs, element) => wire.reply(ours, theirs, element),
    });
    const frame = (received: StreamFrame): void | Promise<void> => this.#frame(received);
    const owned = {
      frame,
      broken: (error: unknown) => this.#broken(error),
      slow: () => this.#end({ condition: 'connection-timeout', text: 'an element came too slowly' }),
      ended: (how: Ended) => this.#ended(how),
    };
    this.#connection = new XmlConnection(link, owned, wire.clock, wire.settings.connection, wire.settings.before);
    this.#patience = new Patience(wire.clock, wire.settings.negotiationMs, () => this.#late());
    this.#patience.await(wire.settings.headerMs);
    link.notes.endsBy((why) => this.#end(goodbye(why)));
  }

  get id(): string {
    return this.#connection.link.id;
  }
  get notes(): SessionNotes {
    return this.link.notes;
  }
  get link(): Link {
    return this.#connection.link;
  }
  get isOpen(): boolean {
    return this.#state.is === 'open' && !this.#connection.gone;
  }
  get waitsFor(): ReceiverState['is'] {
    return this.#state.is;
  }
  readonly direction = 'in';
  /** How the partner proved the domain that it opened the stream for. */
  get proof(): ProofWord {
    return this.proven.get(this.theirDomain ?? '') ?? 'none';
  }
  /** True when the partner agreed that we send on it too. */
  get bothWays(): boolean {
    return this.#bidi;
  }
  get lastReceivedAt(): number {
    return this.#connection.lastReceivedAt;
  }
  /** The pair that the stream was opened for, once known. */
  get theirDomain(): string | undefined {
    return 'from' in this.#state ? this.#state.from : undefined;
  }
  get ourDomain(): string | undefined {
    return 'to' in this.#state ? this.#state.to : undefined;
  }
  /** Every domain proven on it, with how. */
  get proven(): ReadonlyMap<string, ProofWord> {
    return this.#pairs.words;
  }

  write(text: string): void {
    this.#connection.write(text);
  }
  close(error?: StreamError): void {
    this.#end(error);
  }
  onGone(run: (why: Reason) => void): void {
    if (this.#connection.gone) run(this.#why());
    else this.#goneCallbacks.push(run);
  }

  #frame(frame: StreamFrame): void | Promise<void> {
    if (this.#state.is === 'ended') return;
    switch (frame.kind) {
      case 'open': {
        const header = readHeader(frame);
        if ('condition' in header) return this.#end(header);
        if (this.#state.is === 'awaitingHeader') this.#plainTo = header.to;
        return this.#feed({ kind: 'header', header });
      }
      case 'element':
        if (isStreamError(frame.element)) {
          this.#lastError = readStreamError(frame.element);
          this.#log.info({ event: 'stream.error', ...this.#lastError }, 'the partner ended its stream with an error');
          return this.#end();
        }
        return this.#feed({ kind: 'element', element: frame.element });
      case 'close':
        return this.#end();
      case 'refused':
        return this.#end({ condition: frame.condition, text: frame.text });
      default:
        return frame satisfies never;
    }
  }

  #feed(input: ReceiverInput): void | Promise<void> {
    const [state, actions] = receiverStep(this.#state, input, this.#rules);
    this.#state = state;
    // At most the last action of a step takes time.
    for (const action of actions.slice(0, -1)) void this.#perform(action);
    const last = actions.at(-1);
    return last === undefined ? undefined : this.#perform(last);
  }

  #perform(action: ReceiverAction): void | Promise<void> {
    switch (action.do) {
      case 'sendHeader':
        return this.#sendHeader(action.from, action.to);
      case 'sendFeatures':
        return this.#connection.write(printElement(featuresElement(action.features)));
      case 'send':
        return this.#connection.write(printElement(action.element));
      case 'startTls':
        return this.#startTls();
      case 'judge':
        return this.#connection.link.peer.proves(action.from, 'xmpp').then((proof) => {
          if (!proof.proven)
            this.#log.warn({ event: 'peer.refused', domain: action.from, code: proof.reason.code, reason: proof.reason.text });
          return this.#feed({ kind: 'judged', proof });
        });
      case 'restart':
        this.#connection.restart(this.#state.is === 'awaitingRestart' ? this.#wire.settings.after : this.#wire.settings.before);
        return this.#patience.await(this.#wire.settings.headerMs);
      case 'authenticate':
        return this.#authenticated(action);
      case 'take':
        return this.#take(action.element);
      case 'end':
        return this.#end(action.error);
      default:
        return action satisfies never;
    }
  }

  #sendHeader(from?: string, to?: string): void {
    this.#patience.arrived();
    this.#headerSent = true;
    this.#streamId = this.#wire.ids.token(16);
    const header = {
      ...(from === undefined ? {} : { from: displayDomain(from) }),
      ...(to === undefined ? {} : { to: displayDomain(to) }),
      id: this.#streamId,
    };
    this.#connection.write(printStreamOpen(header));
  }
  /** The id of our side of the stream: what dialback keys are made for. */
  #streamId = '';

  #startTls(): void | Promise<void> {
    const domain = this.#plainTo;
    if (domain === undefined) return this.#end({ condition: 'internal-server-error' });
    this.#patience.await(this.#wire.settings.tlsMs);
    this.#headerSent = false;
    const secured = this.#connection.upgrade((link) => this.#wire.tlsUpgrade.asServer(link, { domain, protocol: 'xmpp' }));
    return secured.then(
      () => this.#feed({ kind: 'secured' }),
      (error: unknown) => this.#log.info({ event: 'tls.failed', err: error }, 'the TLS handshake failed'),
    );
  }

  #authenticated(action: Extract<ReceiverAction, { do: 'authenticate' }>): void {
    this.#patience.end();
    this.#bidi = action.bidi;
    this.#pairs.add(action.from, action.to, action.how === 'external' ? 'certificate' : 'dialback', this.link);
    this.#connection.relax(this.#wire.settings.after);
    this.#idle = new IdleWatch(this.#wire.clock, this.#wire.settings.idleMs, () => this.#end());
    this.#log.info({ event: 'stream.opened', from: action.from, to: action.to, proof: action.how, bidi: action.bidi }, 'stream open');
    this.#owner.opened(this);
  }

  #take(element: Element): void | Promise<void> {
    if (element.ns === NS.dialback) return this.#desk.take(element);
    const write = (answer: Element): void => this.#connection.write(printElement(answer));
    this.#idle?.used();
    const error = element.ns === NS.sm ? manage(element, this.management, this.#intake, write) : this.#intake.take(element);
    if (error instanceof Promise) return error.then((late) => this.#refuse(late));
    this.#refuse(error);
  }
  #refuse(error: StreamError | undefined): void {
    if (error !== undefined) this.#end(error);
  }

  #pairProven(from: string, to: string, by: 'certificate' | 'dialback'): void {
    if (this.#state.is === 'ended') return;
    this.#pairs.add(from, to, by, this.link);
    this.#log.info({ event: 'dialback.proven', from, to, by }, 'pair proven');
    if (this.#state.is === 'awaitingProof') void this.#feed({ kind: 'proved', from, to });
  }

  #late(): void {
    this.#end({ condition: 'connection-timeout', text: `the stream was still ${this.#state.is}` });
  }
  #end(error?: StreamError): void {
    if (this.#state.is === 'ended' && this.#ending) return;
    this.#ending = true;
    const wasOpen = this.#state.is === 'open';
    this.#state = { is: 'ended' };
    this.#cancelTimers();
    if (error !== undefined) {
      this.#lastError = error;
      if (error.condition !== 'system-shutdown')
        this.#log.warn({ event: 'stream.refused', open: wasOpen, ...error }, 'we ended the stream with an error');
      // RFC 6120 §4.9.1.1: an error needs a header before it.
      if (!this.#headerSent) this.#sendHeader();
    }
    if (this.#headerSent) this.#connection.close(error === undefined ? '' : printElement(streamErrorElement(error)));
    else this.#connection.destroy();
  }
  #ending = false;

  /** A defect of ours ends this stream and nothing else. */
  #broken(error: unknown): void {
    this.#log.error({ event: 'us.bug', err: error }, 'a frame could not be handled');
    this.#end({ condition: 'internal-server-error' });
  }

  #cancelTimers(): void {
    this.#patience.end();
    this.#idle?.end();
  }

  #ended(how: Ended): void {
    this.#state = { is: 'ended' };
    this.#cancelTimers();
    this.#log.info({ event: 'stream.closed', how }, 'stream closed');
    const why = this.#why();
    for (const run of this.#goneCallbacks.splice(0)) run(why);
    this.#owner.gone(this);
  }
  #why(): Reason {
    const error = this.#lastError;
    const words = error === undefined ? '' : `: ${inWords(error)}`;
    return reason(error === undefined ? 'NET_CLOSED' : 'NET_STREAM_FAILED', `the partner's stream ended${words}`);
  }
}
