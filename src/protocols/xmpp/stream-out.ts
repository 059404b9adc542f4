// A stream that we open to a partner: carries out the steps of negotiation/initiator.ts on one connection. One kind carries
// our stanzas (and, with bidi, theirs); the other asks one dialback question and ends. Owns the timers of the negotiation.

import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ProofWord } from '../../model/event.ts';
import type { Link } from '../../model/ports.ts';
import { ConnectError } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { SessionNotes } from '../../model/sessions.ts';
import { type Ended, XmlConnection } from './connection.ts';
import type { Verdict } from './dialback.ts';
import { keyFor, questionOf, readAnswer } from './dialback-asker.ts';
import type { Element } from './element.ts';
import type { StreamFrame } from './framing.ts';
import { Intake, isStreamError } from './intake.ts';
import { NS } from './names.ts';
import type { PeerLimits } from './negotiation/features.ts';
import { readHeader } from './negotiation/header.ts';
import {
  type InitiatorAction,
  type InitiatorInput,
  type InitiatorPlan,
  type InitiatorState,
  initiatorStart,
  initiatorStep,
} from './negotiation/initiator.ts';
import { Patience } from './patience.ts';
import { displayDomain } from './precis.ts';
import { printElement, printStreamOpen } from './print.ts';
import { judgeCalled } from './proven-pairs.ts';
import type { SendingStream } from './sending-stream.ts';
import { finerOf, goodbye, inWords, readStreamError, type StreamError, streamErrorElement } from './stream-error.ts';
import { manage, StreamManagement } from './stream-management.ts';
import type { KeyQuestion, Wire } from './wire.ts';

export type OpenResult =
  | { readonly kind: 'open'; readonly stream: StreamOut }
  /** `reached`: how far it came, so that the most telling of several failures can be kept. */
  | { readonly kind: 'failed'; readonly reason: Reason; readonly reached: 'tls' | 'identity' | 'stream' }
  /** Of a `verify` plan. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict };

export interface StreamOutPlan extends Omit<InitiatorPlan, 'ourName' | 'purpose'> {
  /** Absent: a stream for stanzas. */
  readonly question?: KeyQuestion;
  /** STARTTLS on a plain link. */
  upgrade(link: Link): Promise<Link>;
}

export class StreamOut implements SendingStream {
  readonly management = new StreamManagement();
  readonly ourDomain: string;
  readonly theirDomain: string;
  /** Settles once, when the stream is open or has failed, or the question is answered. */
  readonly result: Promise<OpenResult>;
  readonly #settle: (result: OpenResult) => void;
  readonly #wire: Wire;
  readonly #plan: StreamOutPlan;
  readonly #steps: InitiatorPlan;
  readonly #log: Log;
  readonly #connection: XmlConnection;
  readonly #intake: Intake;
  #state: InitiatorState;
  #limits: PeerLimits = {};
  #bidi = false;
  #how: 'external' | 'dialback' | undefined;
  readonly #patience: Patience;
  #headerSent = false;
  #gone: ((why: Reason) => void)[] = [];
  #why: Reason | undefined;

  constructor(wire: Wire, link: Link, plan: StreamOutPlan) {
    this.#wire = wire;
    this.#plan = plan;
    this.ourDomain = plan.ourDomain;
    this.theirDomain = plan.theirDomain;
    this.#steps = { ...plan, ourName: displayDomain(plan.ourDomain), purpose: plan.question === undefined ? 'send' : 'verify' };
    this.#log = wire.log.child({
      connection: link.id,
      address: link.peer.address,
      direction: 'out',
      network: 'xmpp',
      to: plan.theirDomain,
    });
    const { promise, resolve } = Promise.withResolvers<OpenResult>();
    this.result = promise;
    this.#settle = resolve;
    this.#intake = new Intake(wire, {
      side: 'edge',
      connection: link.id,
      notes: link.notes,
      address: link.peer.address,
      peer: () => plan.theirDomain,
      // Only a bidi peer may send, and only as the domain that we called.
      judge: (from, to) => judgeCalled(this.link, plan, from, to),
      answersFor: () => true,
      reply: (ours, theirs, element) => wire.reply(ours, theirs, element),
    });
    const owned = {
      frame: (frame: StreamFrame): void | Promise<void> => this.#frame(frame),
      broken: (error: unknown): void => this.#broken(error),
      slow: (): void => this.close({ condition: 'connection-timeout', text: 'an element came too slowly' }),
      ended: (how: Ended): void => this.#ended(how),
    };
    this.#connection = new XmlConnection(link, owned, wire.clock, wire.settings.connection, wire.settings.before);
    this.#patience = new Patience(wire.clock, wire.settings.negotiationMs, () => this.#late());
    link.notes.endsBy((ending) => this.close(goodbye(ending), ending));
    const [state, actions] = initiatorStart(link.secure);
    this.#state = state;
    this.#patience.await(wire.settings.headerMs);
    Promise.resolve(this.#performAll(actions)).catch((error: unknown) => this.#broken(error));
  }

  get id(): string {
    return this.#connection.link.id;
  }
  get link(): Link {
    return this.#connection.link;
  }
  get notes(): SessionNotes {
    return this.link.notes;
  }
  get bothWays(): boolean {
    return this.#bidi;
  }
  get isOpen(): boolean {
    return this.#state.is === 'open' && !this.#connection.gone;
  }
  get waitsFor(): InitiatorState['is'] {
    return this.#state.is;
  }
  readonly direction = 'out';
  /** How they proved that they are who we called; `dialback`: they did not, and their file accepts that. */
  get proof(): ProofWord {
    const answer = this.#connection.link.peer.provenAlready(this.theirDomain, 'xmpp');
    return answer?.proven === true ? answer.how : 'dialback';
  }
  /** How we proved ourselves, once open. */
  get provenBy(): 'external' | 'dialback' | undefined {
    return this.#how;
  }
  get peerLimits(): PeerLimits {
    return this.#limits;
  }
  get lastReceivedAt(): number {
    return this.#connection.lastReceivedAt;
  }

  write(text: string): void {
    this.#connection.write(text);
  }
  onGone(run: (why: Reason) => void): void {
    if (this.#connection.gone) run(this.#why ?? reason('NET_CLOSED', `the stream to ${this.theirDomain} has closed`));
    else this.#gone.push(run);
  }

  /** Ends the stream by the book; one that is not open yet fails. */
  close(error?: StreamError, why?: Reason): void {
    if (this.#state.is === 'ended') return;
    this.#state = { is: 'ended' };
    this.#patience.end();
    if (error !== undefined) this.#log.warn({ event: 'stream.refused', ...error }, 'we ended the stream with an error');
    const words = error === undefined ? 'closed by us' : `closed by us: ${inWords(error)}`;
    this.#why ??= why ?? reason(error === undefined ? 'NET_CLOSED' : 'NET_STREAM_FAILED', `the stream to ${this.theirDomain} was ${words}`);
    this.#settle({ kind: 'failed', reason: this.#why, reached: 'stream' });
    if (this.#headerSent) this.#connection.close(error === undefined ? '' : printElement(streamErrorElement(error)));
    else this.#connection.destroy();
  }

  #frame(frame: StreamFrame): void | Promise<void> {
    if (this.#state.is === 'ended') return;
    switch (frame.kind) {
      case 'open': {
        const header = readHeader(frame);
        if ('condition' in header) return this.close(header);
        this.#patience.await(this.#wire.settings.headerMs);
        return this.#feed({ kind: 'header', header });
      }
      case 'element':
        return isStreamError(frame.element) ? this.#peerError(frame.element) : this.#feed({ kind: 'element', element: frame.element });
      case 'close':
        return this.#fail(reason('NET_CLOSED', `${this.theirDomain} closed the stream`), 'stream');
      case 'refused':
        return this.close({ condition: frame.condition, text: frame.text });
      default:
        return frame satisfies never;
    }
  }

  #peerError(received: Element): void {
    const error = readStreamError(received);
    // Seen from Prosody: a server that does not believe our certificate ends the stream before it offers anything.
    if (error.condition === 'not-authorized' && this.#state.is !== 'open') this.link.peer.noteOurs?.(false);
    const finer = finerOf(error);
    const text = `${this.theirDomain} ended the stream with ${inWords(error)}`;
    this.#fail(reason('NET_STREAM_FAILED', text, finer === undefined ? {} : { finer }), 'stream');
  }

  #feed(input: InitiatorInput): void | Promise<void> {
    const { is } = this.#state;
    const [state, actions] = initiatorStep(this.#state, input, this.#steps);
    this.#state = state;
    if (refusesOurs(is, input, actions)) this.link.peer.noteOurs?.(false);
    return this.#performAll(actions);
  }
  #performAll(actions: readonly InitiatorAction[]): void | Promise<void> {
    // At most the last action of a step takes time.
    for (const action of actions.slice(0, -1)) void this.#perform(action);
    const last = actions.at(-1);
    return last === undefined ? undefined : this.#perform(last);
  }

  #perform(action: InitiatorAction): void | Promise<void> {
    switch (action.do) {
      case 'sendHeader':
        this.#headerSent = true;
        return this.#connection.write(printStreamOpen({ from: displayDomain(this.ourDomain), to: displayDomain(this.theirDomain) }));
      case 'send':
        return this.#connection.write(printElement(action.element));
      case 'startTls':
        return this.#startTls();
      case 'judge':
        return this.#connection.link.peer.proves(this.theirDomain, 'xmpp').then((proof) => {
          if (!proof.proven && !this.#plan.dialback) return this.#fail(proof.reason, 'identity');
          return this.#feed({ kind: 'judged', proof });
        });
      case 'restart':
        this.#connection.restart(this.#state.is === 'awaitingOpenHeader' ? this.#wire.settings.after : this.#wire.settings.before);
        return this.#patience.await(this.#wire.settings.headerMs);
      case 'sendKey':
        this.#patience.await(this.#wire.settings.dialbackMs);
        return this.#connection.write(printElement(keyFor(this.#plan, action.streamId, this.#wire.dialbackSecret)));
      case 'askVerdict':
        return this.#plan.question === undefined ? undefined : this.#connection.write(printElement(questionOf(this.#plan.question)));
      case 'open':
        return this.#opened(action);
      case 'take':
        return this.#take(action.element);
      case 'fail':
        return this.#fail(action.reason, 'stream');
      default:
        return action satisfies never;
    }
  }

  #startTls(): Promise<void> {
    this.#headerSent = false;
    this.#patience.await(this.#wire.settings.tlsMs);
    return this.#connection
      .upgrade((link) => this.#plan.upgrade(link))
      .then(
        () => this.#feed({ kind: 'secured' }),
        (error: unknown) => {
          const why = error instanceof ConnectError ? error.reason : reason('NET_TLS_FAILED', `TLS with ${this.theirDomain} failed`);
          this.#fail(why, 'tls');
        },
      );
  }

  #opened(action: Extract<InitiatorAction, { do: 'open' }>): void {
    this.#patience.end();
    this.#limits = action.limits;
    this.#bidi = action.bidi;
    this.#how = action.how;
    this.link.peer.noteOurs?.(action.how === 'external');
    if (action.streamManagement) this.management.enable(this.#intake.received);
    this.#connection.relax(this.#wire.settings.after);
    this.notes.proven(this.theirDomain, this.proof);
    const { bidi, how } = action;
    this.#log.info({ event: 'stream.opened', from: this.ourDomain, proof: how, bidi, acks: action.streamManagement }, 'stream open');
    this.#settle({ kind: 'open', stream: this });
  }

  #take(element: Element): void | Promise<void> {
    if (element.ns === NS.dialback) return this.#dialback(element);
    const write = (answer: Element): void => this.#connection.write(printElement(answer));
    const bidi = 'bidi' in this.#state && this.#state.bidi;
    if (element.ns !== NS.sm && !bidi) {
      return this.close({ condition: 'not-authorized', text: 'this stream carries our stanzas only' });
    }
    const error = element.ns === NS.sm ? manage(element, this.management, this.#intake, write) : this.#intake.take(element);
    if (error instanceof Promise) return error.then((late) => this.#refuse(late));
    this.#refuse(error);
  }
  #refuse(error: StreamError | undefined): void {
    if (error !== undefined) this.close(error);
  }

  #dialback(element: Element): void | Promise<void> {
    const { is } = this.#state;
    const waitsFor = is === 'awaitingDialbackAnswer' ? 'key' : is === 'awaitingVerdict' ? 'question' : 'neither';
    const answer = readAnswer(element, this.#plan, waitsFor);
    if (answer === undefined) return this.close({ condition: 'policy-violation', text: 'this dialback element was not asked for' });
    if (answer.about === 'key') return this.#feed({ kind: 'dialbackAnswer', valid: answer.valid, text: answer.text });
    this.#settle({ kind: 'verdict', verdict: answer.verdict });
    return this.close();
  }

  /** A defect of ours ends this stream and nothing else. */
  #broken(error: unknown): void {
    this.#log.error({ event: 'us.bug', err: error }, 'a frame could not be handled');
    this.close({ condition: 'internal-server-error' });
  }

  #late(): void {
    const waitedFor = this.#state.is;
    const finer = waitedFor === 'awaitingDialbackAnswer' ? 'XMPP_DIALBACK_UNANSWERED' : this.link.secure ? 'SILENT_AFTER_TLS' : undefined;
    const text = `the stream to ${this.theirDomain} was still ${waitedFor} when its time was over`;
    const why = reason('PEER_TIMEOUT', text, finer === undefined ? {} : { finer });
    this.close({ condition: 'connection-timeout' }, why);
  }
  #fail(why: Reason, reached: Extract<OpenResult, { kind: 'failed' }>['reached']): void {
    this.#why ??= why;
    this.#settle({ kind: 'failed', reason: why, reached });
    this.close(undefined, why);
  }

  #ended(how: Ended): void {
    this.#patience.end();
    this.#state = { is: 'ended' };
    this.#why ??= reason('NET_CLOSED', `the connection to ${this.theirDomain} ended (${how})`);
    this.#settle({ kind: 'failed', reason: this.#why, reached: 'stream' });
    this.#log.info({ event: 'stream.closed', how, reason: this.#why.text }, 'stream closed');
    for (const run of this.#gone.splice(0)) run(this.#why);
  }
}

/** Ended because the partner offers no SASL EXTERNAL, or refused it: it does not believe our certificate. */
function refusesOurs(before: InitiatorState['is'], input: InitiatorInput, actions: readonly InitiatorAction[]): boolean {
  const answer = (before === 'awaitingSecureFeatures' || before === 'awaitingSaslAnswer') && input.kind === 'element';
  return answer && /^(features|failure)$/.test(input.element.name) && actions.some((action) => action.do === 'fail');
}
