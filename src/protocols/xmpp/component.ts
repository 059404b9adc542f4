// The road to an internal XMPP server (`served: xmpp`): we are its external component (XEP-0114) and dial it, or it dials us
// (component-in.ts). It reconnects by itself; what waits while it is away is bounded as for partners. Elements outside this
// file are of `jabber:server`.

import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { ConnectError, type Link, type Timer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { HostPort } from '../../model/table.ts';
import { type ComponentPlan, componentHandshake } from './component-plan.ts';
import { type ConnectionOwner, type Ended, XmlConnection } from './connection.ts';
import { type Element, element } from './element.ts';
import type { StreamFrame } from './framing.ts';
import { Intake, isStreamError, type PairVerdict, renamespaced } from './intake.ts';
import { NS } from './names.ts';
import { type BarrierResult, PingBarrier } from './ping.ts';
import { displayDomain } from './precis.ts';
import { printElement, printStreamOpen } from './print.ts';
import { goodbye, inWords, readStreamError, type StreamError, streamErrorElement } from './stream-error.ts';
import type { SendResult } from './stream-pair.ts';
import { WaitingStanzas } from './waiting-stanzas.ts';
import type { Wire } from './wire.ts';

type State = 'awaitingConnection' | 'awaitingHeader' | 'awaitingHandshake' | 'open' | 'ended';

const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_LAST_MS = 60_000;

export class Component {
  readonly plan: ComponentPlan;
  readonly #wire: Wire;
  readonly #log: Log;
  readonly #barriers = new Map<string, PingBarrier>();
  readonly #waiting = new WaitingStanzas();
  readonly #abort = new AbortController();
  #state: State = 'awaitingConnection';
  #connection: XmlConnection | undefined;
  #intake: Intake | undefined;
  #timer: Timer | undefined;
  #keepAlive: Timer | undefined;
  #backOffMs = BACK_OFF_FIRST_MS;
  #lastFailure: Reason;

  constructor(wire: Wire, plan: ComponentPlan) {
    this.plan = plan;
    this.#wire = wire;
    this.#log = wire.log.child({ component: plan.name, network: 'xmpp' });
    const { dial } = plan;
    this.#lastFailure = reason('NET_CLOSED', `${this.#there} ${dial === undefined ? 'has not connected yet' : 'has not been reached yet'}`);
    if (dial !== undefined) void this.#connect(dial);
  }

  get state(): State {
    return this.#state;
  }
  get lastFailure(): Reason {
    return this.#lastFailure;
  }
  get #there(): string {
    const { dial, name } = this.plan;
    return dial === undefined ? `the server of ${name}, which dials us,` : `${dial.host}:${dial.port}`;
  }

  /** Writes a stanza toward a domain that this server serves, at once or when it is back. Never rejects. */
  send(domain: string, stanza: Element): Promise<SendResult> {
    if (this.#state === 'open') return Promise.resolve(this.#write(domain, stanza));
    if (this.#state === 'ended') return Promise.resolve({ kind: 'failed', reason: reason('SHUTTING_DOWN', 'Isthmus is stopping') });
    // While it is being dialled the stanza waits; between two tries the last failure is the answer.
    if (this.#state === 'awaitingConnection' && (this.#timer !== undefined || this.plan.dial === undefined))
      return Promise.resolve({ kind: 'failed', reason: this.#lastFailure });
    if (this.#waiting.isFull) {
      return Promise.resolve({ kind: 'failed', reason: reason('LIMIT_QUEUE_FULL', `too much waits for ${this.#there}`) });
    }
    return this.#waiting.add(domain, stanza);
  }

  /** As for partners: a ping from our component's name to the domain, after the stanzas. */
  barrier(domain: string, number?: number): Promise<BarrierResult> {
    return this.#barrierFor(domain).cover(number);
  }
  pingAnswered(domain: string, id: string): boolean {
    return this.#barriers.get(domain)?.answered(id) ?? false;
  }

  /** Closes the stream by the book and stays away. */
  drain(): void {
    this.#state = 'ended';
    this.#timer?.cancel();
    this.#keepAlive?.cancel();
    this.#abort.abort();
    this.#connection?.close();
    this.#waiting.failAll(reason('SHUTTING_DOWN', 'Isthmus is stopping'));
  }

  #barrierFor(domain: string): PingBarrier {
    let barrier = this.#barriers.get(domain);
    if (barrier === undefined) {
      const road = {
        write: (ping: Element): boolean => this.#writeElement(ping),
        acknowledged: (): boolean => false,
        silent: (): void => this.#end({ condition: 'connection-timeout', text: 'no answer to a ping' }),
      };
      barrier = new PingBarrier(this.plan.name, domain, road, this.#wire.clock, this.#wire.ids);
      this.#barriers.set(domain, barrier);
    }
    return barrier;
  }

  async #connect(dial: HostPort): Promise<void> {
    const { plan } = this;
    this.#timer = undefined;
    const target = {
      side: 'inside',
      protocol: 'xmpp',
      host: dial.host,
      port: dial.port,
      tls: 'none',
      identity: plan.domains[0] ?? plan.name,
      allowPrivateAddresses: true,
    } as const;
    let link: Link;
    try {
      link = await this.#wire.connector.connect(target, this.#abort.signal);
    } catch (error) {
      return this.#retry(
        error instanceof ConnectError ? error.reason : reason('NET_CONNECT_REFUSED', `connecting to ${this.#there} failed`),
      );
    }
    if (this.#state === 'ended') {
      link.socket.destroy();
      return;
    }
    const { settings, clock } = this.#wire;
    // Our own server: its stanzas may be as large as its streams to anybody.
    const connection = new XmlConnection(
      link,
      this.#owned(() => connection),
      clock,
      settings.connection,
      settings.after,
      NS.component,
    );
    this.#take(connection);
    this.#state = 'awaitingHeader';
    this.#await(settings.headerMs);
    connection.write(printStreamOpen({ to: displayDomain(plan.name) }, NS.component));
  }

  /** It has dialled us and its handshake was right. An earlier connection of it is over: it would not have dialled again. */
  adopt(connection: XmlConnection): ConnectionOwner {
    this.#connection?.close(
      printElement(streamErrorElement({ condition: 'conflict', text: 'the server has connected anew' }), NS.component),
    );
    this.#barriersLost(reason('NET_CLOSED', `${this.#there} has connected anew`));
    connection.relax(this.#wire.settings.after);
    this.#take(connection);
    this.#opened();
    return this.#owned(() => connection);
  }

  #owned(connection: () => XmlConnection): ConnectionOwner {
    return {
      frame: (frame) => this.#frame(frame),
      broken: (error) => {
        this.#log.error({ event: 'us.bug', err: error }, 'a frame could not be handled');
        this.#end({ condition: 'internal-server-error' });
      },
      slow: () => this.#end({ condition: 'connection-timeout', text: 'an element came too slowly' }),
      ended: (how) => {
        if (this.#connection === connection()) this.#ended(how);
      },
    };
  }

  #take(connection: XmlConnection): void {
    const { link } = connection;
    this.#connection = connection;
    this.#intake = new Intake(this.#wire, {
      side: 'inside',
      connection: link.id,
      notes: link.notes,
      peer: () => this.plan.name,
      judge: (from) => this.#judge(from),
      answersFor: (domain) => domain === this.plan.name,
      reply: (ours, _theirs, stanza) => void this.send(ours, stanza),
    });
    link.notes.endsBy((why) => this.#end(goodbye(why)));
  }

  #frame(frame: StreamFrame): void | Promise<void> {
    if (this.#state === 'ended' || this.#connection === undefined) return;
    switch (frame.kind) {
      case 'open': {
        if (this.#state !== 'awaitingHeader') return this.#end({ condition: 'bad-format', text: 'a second stream header' });
        this.#state = 'awaitingHandshake';
        const secret = this.secret();
        if (secret === undefined) return this.#end();
        const digest = componentHandshake(frame.attrs.id ?? '', secret);
        return this.#connection.write(printElement(element('handshake', NS.component, {}, [digest]), NS.component));
      }
      case 'element':
        return this.#element(frame.element);
      case 'close':
        return this.#end();
      case 'refused':
        return this.#end({ condition: frame.condition, text: frame.text });
      default:
        return frame satisfies never;
    }
  }

  /** Read anew for every stream, so that a secret that is put right is found. undefined: it cannot be read, and why is noted. */
  secret(): string | undefined {
    const { secret } = this.plan;
    try {
      return this.#wire.secret(secret);
    } catch (error) {
      const words = `the secret ${secret} of the component ${this.plan.name} cannot be read (${String(error)}); write it into secrets/${secret}`;
      this.#lastFailure = reason('NET_STREAM_FAILED', words);
      return undefined;
    }
  }

  #element(received: Element): void | Promise<void> {
    if (isStreamError(received)) {
      const words = inWords(readStreamError(received));
      this.#lastFailure = reason('NET_STREAM_FAILED', `${this.#there} ended the component's stream: ${words}`);
      return this.#end();
    }
    if (this.#state === 'awaitingHandshake') {
      if (received.name === 'handshake' && received.ns === NS.component) return this.#opened();
      return this.#end({ condition: 'not-authorized', text: 'the handshake comes first' });
    }
    const error = this.#intake?.take(renamespaced(received, NS.component, NS.server));
    if (error instanceof Promise) return error.then((late) => this.#refuse(late));
    this.#refuse(error);
  }
  #refuse(error: StreamError | undefined): void {
    if (error !== undefined) this.#end(error);
  }

  #opened(): void {
    this.#state = 'open';
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#backOffMs = BACK_OFF_FIRST_MS;
    this.#log.info({ event: 'component.opened', at: this.#there }, 'component stream open');
    for (const domain of this.plan.domains) this.#connection?.link.notes.proven(domain, 'inside');
    this.#watchSilence();
    this.#waiting.writeAll((domain, stanza) => this.#write(domain, stanza));
  }

  /** The internal server may speak for the domains it serves and for no other; to whom is for routing to decide. */
  #judge(from: string): PairVerdict {
    if (this.plan.domains.includes(from)) return { is: 'allowed', proof: 'inside' };
    return { is: 'dropped', why: `${from} is not served by the server of component ${this.plan.name}` };
  }

  #write(domain: string, stanza: Element): SendResult {
    if (!this.#writeElement(stanza)) return { kind: 'failed', reason: this.#lastFailure };
    if (stanza.name !== 'iq') this.#connection?.link.notes.counted('out');
    return { kind: 'written', number: this.#barrierFor(domain).noteWritten(), connection: this.#connection?.link.id ?? '' };
  }
  #writeElement(stanza: Element): boolean {
    if (this.#state !== 'open' || this.#connection === undefined) return false;
    this.#connection.write(printElement(renamespaced(stanza, NS.server, NS.component), NS.component));
    return true;
  }

  #watchSilence(): void {
    const { clock, settings } = this.#wire;
    this.#keepAlive?.cancel();
    this.#keepAlive = clock.after(settings.keepAliveMs, () => {
      // RFC 6120 §4.6.1: white space keeps firewalls open and finds a dead connection by its write.
      if (this.#state === 'open') this.#connection?.write(' ');
      this.#watchSilence();
    });
  }

  #await(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#wire.clock.after(ms, () => this.#end({ condition: 'connection-timeout' }));
  }

  #end(error?: StreamError): void {
    if (error !== undefined) this.#lastFailure = reason('NET_STREAM_FAILED', `we ended the component's stream: ${error.condition}`);
    this.#connection?.close(error === undefined ? '' : printElement(streamErrorElement(error), NS.component));
  }

  #ended(how: Ended): void {
    this.#connection = undefined;
    this.#keepAlive?.cancel();
    if (this.#state === 'ended') return;
    const why =
      this.#state === 'open' ? reason('NET_CLOSED', `the component's stream to ${this.#there} ended (${how})`) : this.#lastFailure;
    this.#retry(why);
  }

  #retry(why: Reason): void {
    if (this.#state === 'ended') return;
    this.#state = 'awaitingConnection';
    this.#lastFailure = why;
    this.#log.warn(
      { event: 'component.closed', code: why.code, reason: why.text, ...(this.plan.dial !== undefined && { againMs: this.#backOffMs }) },
      'no component stream',
    );
    this.#waiting.failAll(why);
    this.#barriersLost(why);
    this.#timer?.cancel();
    this.#timer = undefined;
    const { dial } = this.plan;
    if (dial === undefined) return;
    this.#timer = this.#wire.clock.after(this.#backOffMs * (0.75 + 0.5 * this.#wire.random()), () => void this.#connect(dial));
    this.#backOffMs = Math.min(this.#backOffMs * 2, BACK_OFF_LAST_MS);
  }

  #barriersLost(why: Reason): void {
    for (const barrier of this.#barriers.values()) barrier.streamLost(why, true);
  }
}
