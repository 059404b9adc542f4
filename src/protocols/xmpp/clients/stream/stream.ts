// A stream that a client opened to us: carries out the steps of negotiation.ts on one connection, and hands stanzas of an open
// stream to its XmppClient. Owns the timers of the negotiation, and the question whether the client is still there.

import { randomBytes } from 'node:crypto';
import type { Log } from '../../../../log.ts';
import type { Clock } from '../../../../model/ports.ts';
import type { Ended } from '../../connection.ts';
import { type Element, element } from '../../element.ts';
import type { StreamFrame } from '../../framing.ts';
import { isStreamError, renamespaced } from '../../intake.ts';
import { NS } from '../../names.ts';
import { readHeader } from '../../negotiation/header.ts';
import { isStanza } from '../../parse.ts';
import { Patience } from '../../patience.ts';
import { displayDomain } from '../../precis.ts';
import { printElement } from '../../print.ts';
import { goodbye, readStreamError, type StreamError, streamErrorElement } from '../../stream-error.ts';
import type { XmppClient } from '../client.ts';
import type { StreamSettings } from '../limits.ts';
import type { Road } from '../road/road.ts';
import { type SignInOwner, SigningIn } from '../sign-in/signing-in.ts';
import { Allowance } from './allowance.ts';
import type { ClientConnection, Framing } from './framing.ts';
import { type ClientAction, type ClientInput, type ClientRules, type ClientState, clientStart, clientStep } from './negotiation.ts';
import { watchSilence } from './silence.ts';

/** What a stream asks of the rest. */
export interface StreamOwner extends SignInOwner {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: StreamSettings;
  gone(stream: ClientStream): void;
}

export class ClientStream implements Road {
  readonly #owner: StreamOwner;
  readonly #log: Log;
  readonly #connection: ClientConnection;
  readonly #patience: Patience;
  readonly #allowance: Allowance;
  readonly #signingIn: SigningIn;
  readonly #host: { name: string | undefined } = { name: undefined };
  #state: ClientState;
  #rules: ClientRules | undefined;
  #client: XmppClient | undefined;
  #headerSent = false;
  #language: string | undefined;
  #plainTo: string | undefined;
  #ending = false;
  /** The client has said goodbye: nothing waits for it. */
  #said = false;
  #unwatch: (() => void) | undefined;
  /** The element that is being handled, as it came. */
  #raw: Element | undefined;

  constructor(owner: StreamOwner, framing: Framing) {
    this.#owner = owner;
    this.#allowance = new Allowance(owner.clock.monotonic(), owner.settings.allowance);
    const owned = {
      frame: (frame: StreamFrame) => this.#frame(frame),
      broken: (error: unknown) => this.#broken(error),
      slow: () => this.#end({ condition: 'connection-timeout', text: 'an element came too slowly' }),
      ended: (how: Ended) => this.#ended(how),
    };
    const connection = (this.#connection = framing(owned));
    this.#log = owner.log.child({ connection: connection.id, address: connection.address, direction: 'in', network: 'xmpp' });
    this.#signingIn = new SigningIn(owner, this, () => connection.bindings());
    this.#state = clientStart(connection.secure);
    this.#patience = new Patience(owner.clock, owner.settings.negotiationMs, () => this.#late());
    connection.notes.endsBy((why) => this.#end(goodbye(why)));
  }

  get connection(): string {
    return this.#connection.id;
  }
  get address(): string {
    return this.#connection.address;
  }
  get language(): string | undefined {
    return this.#language;
  }
  write(text: string): void {
    this.#connection.write(text);
  }
  counted(direction: 'in' | 'out'): void {
    this.#connection.notes.counted(direction);
  }
  close(error?: StreamError): void {
    this.#end(error);
  }

  #frame(frame: StreamFrame): void | Promise<void> {
    if (this.#state.is === 'ended') return;
    switch (frame.kind) {
      case 'open': {
        // RFC 6120 §4.7.1: a client's `from` is its own address, and nothing follows from it before it has signed in.
        this.#language = /^[A-Za-z0-9-]{1,35}$/.exec(frame.attrs['xml:lang'] ?? '')?.[0] ?? this.#language;
        const header = readHeader({ ...frame, attrs: { ...frame.attrs, from: undefined } });
        if ('condition' in header) return this.#end(header);
        if (this.#state.is === 'awaitingHeader') this.#plainTo = header.to;
        return this.#feed({ kind: 'header', header });
      }
      case 'element': {
        if (isStreamError(frame.element)) {
          this.#log.info({ event: 'stream.error', ...readStreamError(frame.element) }, 'the client ended its stream with an error');
          return this.#end();
        }
        this.#raw = frame.element;
        const work = this.#feed({ kind: 'element', element: renamespaced(frame.element, NS.client, NS.server) });
        const waitMs = this.#allowance.spend(frame.bytes, this.#owner.clock.monotonic());
        return waitMs === 0 ? work : this.#hold(work, waitMs);
      }
      case 'close':
        this.#said = true;
        return this.#end();
      case 'refused':
        return this.#end({ condition: frame.condition, text: frame.text });
      default:
        return frame satisfies never;
    }
  }

  async #hold(work: void | Promise<void>, waitMs: number): Promise<void> {
    await work;
    await new Promise<void>((resolve) => this.#owner.clock.after(waitMs, resolve));
  }

  #feed(input: ClientInput): void | Promise<void> {
    const [state, actions] = clientStep(this.#state, input, this.#currentRules());
    this.#state = state;
    // At most the last action of a step takes time.
    for (const action of actions.slice(0, -1)) void this.#perform(action);
    const last = actions.at(-1);
    return last === undefined ? undefined : this.#perform(last);
  }

  /** The link before and after STARTTLS offers different things. */
  #currentRules(): ClientRules {
    if (this.#rules !== undefined) return this.#rules;
    const { secure } = this.#connection;
    const rules = this.#signingIn.rules(secure);
    if (secure) this.#rules = rules;
    return rules;
  }

  #perform(action: ClientAction): void | Promise<void> {
    switch (action.do) {
      case 'sendHeader':
        return this.#sendHeader(action.from);
      case 'send':
        return this.#connection.write(printElement(action.element));
      case 'startTls':
        return this.#startTls();
      case 'restart':
        this.#headerSent = false;
        return this.#connection.restart(this.#owner.settings.before);
      case 'beginAuth':
        return this.#signingIn.begin(action).then((reply) => this.#feed({ kind: 'verdict', reply }));
      case 'respondAuth':
        return this.#signingIn.respond(action)?.then((reply) => this.#feed({ kind: 'verdict', reply }));
      case 'register':
        return this.#signingIn.register(action).then(() => this.#feed({ kind: 'answered' }));
      case 'welcome':
        return this.#welcome(action);
      case 'bind':
        return this.#bind(action);
      case 'resume':
        return this.#resume(action);
      case 'take':
        return this.#take(action.element);
      case 'end':
        return this.#end(action.error);
      default:
        return action satisfies never;
    }
  }

  #sendHeader(from: string | undefined): void {
    this.#headerSent = true;
    if (from !== undefined) this.#host.name = displayDomain(from);
    const header = { id: randomBytes(12).toString('hex'), ...(from !== undefined && { from: displayDomain(from) }) };
    this.#connection.open(header);
  }

  #startTls(): void | Promise<void> {
    const domain = this.#plainTo;
    if (domain === undefined) return this.#end({ condition: 'internal-server-error' });
    this.#headerSent = false;
    return this.#connection.startTls(domain).then(
      () => this.#feed({ kind: 'secured' }),
      (error: unknown) => this.#log.info({ event: 'tls.failed', err: error }, 'the TLS handshake failed'),
    );
  }

  async #welcome(action: Extract<ClientAction, { do: 'welcome' }>): Promise<void> {
    const client = await this.#signingIn.welcome(action);
    if (client !== undefined && 'code' in client) return this.#end({ condition: 'resource-constraint', text: client.text });
    // The connection may have gone while a token was made.
    if (this.#ending) return client?.lost(this, false);
    if (client !== undefined) this.#opened(client);
    return this.#feed({ kind: 'welcomed', open: client !== undefined });
  }

  #bind(action: Extract<ClientAction, { do: 'bind' }>): void {
    const client = this.#signingIn.bind(action);
    if ('code' in client) this.#end({ condition: 'resource-constraint', text: client.text });
    else this.#opened(client);
  }

  #resume(action: Extract<ClientAction, { do: 'resume' }>): void | Promise<void> {
    const client = this.#signingIn.resume(action);
    if (client !== undefined) this.#opened(client);
    return this.#feed({ kind: 'resumed', ok: client !== undefined });
  }

  #opened(client: XmppClient): void {
    this.#client = client;
    this.#patience.end();
    this.#connection.relax(this.#owner.settings.after);
    this.#watch();
    this.#log.info({ event: 'stream.opened', user: client.jid, proof: 'account' }, 'a client is there');
  }

  #take(received: Element): void | Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    if (received.ns === NS.sm) return this.#refuse(client.manage(received));
    if (received.ns === NS.csi && (received.name === 'active' || received.name === 'inactive'))
      return client.attend(received.name === 'active');
    if (!isStanza(received)) return this.#end({ condition: 'unsupported-stanza-type', text: `<${received.name}/> is not known here` });
    const heard = client.said(received, this.#raw ?? received);
    if (heard === undefined || 'then' in heard) return heard;
    return this.#end(heard);
  }
  #refuse(error: StreamError | undefined): void {
    if (error !== undefined) this.#end(error);
  }

  #watch(): void {
    const { clock, settings } = this.#owner;
    this.#unwatch = watchSilence({
      clock,
      settings,
      lastReceivedAt: () => this.#connection.lastReceivedAt,
      ask: () => {
        const attrs = { type: 'get', id: 'ping', from: this.#host.name, to: this.#client?.jid };
        this.#client?.send(printElement(element('iq', NS.server, attrs, [element('ping', NS.ping)])));
      },
      gone: (quietMs) => {
        this.#log.info({ event: 'client.silent', quietMs: Math.round(quietMs) }, 'no answer to a ping');
        this.#connection.destroy();
      },
    });
  }

  #late(): void {
    this.#end({ condition: 'connection-timeout', text: `the stream was still ${this.#state.is}` });
  }

  #end(error?: StreamError): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#state = { is: 'ended' };
    this.#patience.end();
    this.#unwatch?.();
    if (error !== undefined) {
      this.#said = error.condition !== 'system-shutdown' && error.condition !== 'conflict';
      if (error.condition !== 'system-shutdown') this.#log.info({ event: 'client.refused', ...error }, 'we ended the stream with an error');
      // RFC 6120 §4.9.1.1: an error needs a header before it.
      if (!this.#headerSent) this.#sendHeader(undefined);
    }
    if (this.#headerSent) this.#connection.close(error === undefined ? '' : printElement(streamErrorElement(error)));
    else this.#connection.destroy();
  }

  /** A defect of ours ends this stream and nothing else. */
  #broken(error: unknown): void {
    this.#log.error({ event: 'us.bug', err: error }, 'a frame could not be handled');
    this.#end({ condition: 'internal-server-error' });
  }

  #ended(how: Ended): void {
    this.#ending = true;
    this.#state = { is: 'ended' };
    this.#patience.end();
    this.#unwatch?.();
    this.#log.info({ event: 'stream.closed', how }, 'stream closed');
    this.#client?.lost(this, this.#said);
    this.#owner.gone(this);
  }
}
