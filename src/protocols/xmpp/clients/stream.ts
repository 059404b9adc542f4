// A stream that a client opened to us: carries out the steps of negotiation.ts on one connection, and hands stanzas of an open
// stream to its XmppClient. Owns the timers of the negotiation, and the question whether the client is still there.

import { randomBytes } from 'node:crypto';
import type { Log } from '../../../log.ts';
import type { Person, SignInFrom } from '../../../model/core.ts';
import type { Clock } from '../../../model/ports.ts';
import type { Reason } from '../../../model/reason.ts';
import type { Ended } from '../connection.ts';
import { type Element, element } from '../element.ts';
import type { StreamFrame } from '../framing.ts';
import { isStreamError, renamespaced } from '../intake.ts';
import { iqError } from '../iq.ts';
import { NS } from '../names.ts';
import { readHeader } from '../negotiation/header.ts';
import { isStanza } from '../parse.ts';
import { Patience } from '../patience.ts';
import { displayDomain } from '../precis.ts';
import { printElement } from '../print.ts';
import { errorOf } from '../replies.ts';
import { goodbye, readStreamError, type StreamError, streamErrorElement } from '../stream-error.ts';
import { Allowance } from './allowance.ts';
import { type Welcoming, welcome } from './bind2.ts';
import type { XmppClient } from './client.ts';
import { tokenMechanisms } from './fast.ts';
import type { ClientConnection, Framing } from './framing.ts';
import type { StreamSettings } from './limits.ts';
import { type ClientAction, type ClientInput, type ClientRules, type ClientState, clientStart, clientStep } from './negotiation.ts';
import type { InvitedDoor, InvitedGuest } from './register.ts';
import { type Road, smFailed } from './road.ts';
import { mechanismsFor, SaslExchange, type SaslParts } from './sasl.ts';
import { watchSilence } from './silence.ts';

/** What a stream asks of the rest. */
export interface StreamOwner {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: StreamSettings;
  readonly signIn: SaslParts['signIn'];
  readonly tokens: SaslParts['tokens'];
  /** What a client is told of its account when it binds along with the sign-in (XEP-0386). */
  readonly greeting: Welcoming['greeting'];
  /** For who comes with an invitation; undefined: nobody may. */
  readonly invited: InvitedDoor | undefined;
  /** Features of the stream for whoever has signed in, besides the usual. */
  readonly told?: readonly Element[];
  serves(domain: string): string | undefined;
  /** Makes a client of it; a Reason: no more of this user's may be opened. */
  bind(road: Road, person: Person, resource: string | undefined): XmppClient | Reason;
  /** The session that waits under that word for a client of this user. */
  resumable(person: Person, previous: string): XmppClient | undefined;
  gone(stream: ClientStream): void;
}

export class ClientStream implements Road {
  readonly #owner: StreamOwner;
  readonly #log: Log;
  readonly #connection: ClientConnection;
  readonly #patience: Patience;
  readonly #allowance: Allowance;
  readonly #host: { name: string | undefined } = { name: undefined };
  #state: ClientState;
  #rules: ClientRules | undefined;
  #exchange: SaslExchange | undefined;
  #guest: InvitedGuest | undefined;
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
    const bindings = this.#connection.bindings();
    const rules = {
      serves: (domain: string) => this.#owner.serves(domain),
      mechanisms: mechanismsFor(bindings, secure),
      bindings: [...bindings.keys()],
      tokens: this.#owner.tokens === undefined ? [] : tokenMechanisms(bindings),
      invited: this.#owner.invited !== undefined,
      ...(this.#owner.told !== undefined && { told: this.#owner.told }),
    };
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
        this.#exchange = new SaslExchange({
          signIn: this.#owner.signIn,
          domain: action.domain,
          from: this.#from(),
          bindings: this.#connection.bindings(),
          nonce: () => randomBytes(18).toString('base64'),
          tokens: this.#owner.tokens,
          wish: action.wish,
        });
        return this.#exchange.begin(action.mechanism, action.initial).then((reply) => this.#feed({ kind: 'verdict', reply }));
      case 'respondAuth':
        return this.#exchange?.respond(action.response).then((reply) => this.#feed({ kind: 'verdict', reply }));
      case 'register':
        return this.#register(action);
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

  #from(): SignInFrom {
    return { face: 'xmpp', address: this.address, connection: this.connection };
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

  /** XEP-0445: somebody with an invitation, who has no account to sign in with yet. */
  async #register({ domain, request }: Extract<ClientAction, { do: 'register' }>): Promise<void> {
    this.#guest ??= this.#owner.invited?.(domain, this.#from());
    const answer = await this.#guest?.answer(request);
    if (answer !== undefined) this.#connection.write(printElement(answer));
    return this.#feed({ kind: 'answered' });
  }

  async #welcome({ person, wish, data }: Extract<ClientAction, { do: 'welcome' }>): Promise<void> {
    const { tokens, greeting, resumable, bind } = this.#owner;
    const client = await welcome({ road: this, person, wish, data, tokens, greeting, resumable, bind });
    if (client !== undefined && 'code' in client) return this.#end({ condition: 'resource-constraint', text: client.text });
    // The connection may have gone while a token was made.
    if (this.#ending) return client?.lost(this, true);
    if (client !== undefined) this.#opened(client);
    return this.#feed({ kind: 'welcomed', open: client !== undefined });
  }

  #bind({ person, request, resource }: Extract<ClientAction, { do: 'bind' }>): void {
    const client = this.#owner.bind(this, person, resource);
    if ('code' in client) {
      // RFC 6120 §7.6.2.1.
      this.#connection.write(printElement(iqError(request, errorOf(client, false))));
      this.#end({ condition: 'resource-constraint', text: client.text });
      return;
    }
    const jid = element('bind', NS.bind, {}, [element('jid', NS.bind, {}, [client.jid])]);
    this.#connection.write(printElement(element('iq', NS.server, { type: 'result', id: request.attrs.id }, [jid])));
    this.#opened(client);
  }

  #resume({ person, request }: Extract<ClientAction, { do: 'resume' }>): void | Promise<void> {
    const client = this.#owner.resumable(person, request.attrs.previd ?? '');
    const error = client === undefined ? { condition: 'undefined-condition' as const } : client.resume(this, request.attrs.h);
    if (client === undefined || error !== undefined) {
      this.#connection.write(printElement(smFailed('item-not-found')));
      return this.#feed({ kind: 'resumed', ok: false });
    }
    this.#opened(client);
    return this.#feed({ kind: 'resumed', ok: true });
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
