// A client's stream over a WebSocket (RFC 7395): each message is one element that stands alone, `<open/>` and `<close/>` take the
// place of the stream's own tags. Every message passes the same guarded reader as octets on a TCP connection, under the same limits.

import type { Clock } from '../../../../model/ports.ts';
import type { WebSocketLink } from '../../../../model/web-route.ts';
import type { ConnectionOwner, Ended } from '../../connection.ts';
import { type Element, element } from '../../element.ts';
import { type StreamFrame, XmlStreamReader } from '../../framing.ts';
import { NS } from '../../names.ts';
import { printElement, printStreamOpen, type StreamHeader } from '../../print.ts';
import type { StreamErrorCondition } from '../../stream-error.ts';
import type { StreamLimits } from '../../stream-limits.ts';
import type { BindingName } from '../sign-in/channel-binding.ts';
import type { ClientConnection, Framing, FramingGround } from './framing.ts';

/** RFC 7395 §3.1: what both ends name in the handshake. */
export const SUBPROTOCOL = 'xmpp';

const CLOSE = printElement(element('close', NS.framing));
const BINDINGS: ReadonlyMap<BindingName, Buffer> = new Map();

/** Messages of a WebSocket. */
export function messages(link: WebSocketLink, { clock, settings }: FramingGround): Framing {
  return (owner) => new MessageConnection(link, owner, clock, settings);
}

class MessageConnection implements ClientConnection {
  readonly #link: WebSocketLink;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #settings: FramingGround['settings'];
  #reader: XmlStreamReader;
  #inbox: string[] = [];
  #waiting = false;
  #closing = false;
  #gone = false;
  lastReceivedAt: number;

  constructor(link: WebSocketLink, owner: ConnectionOwner, clock: Clock, settings: FramingGround['settings']) {
    this.#link = link;
    this.#owner = owner;
    this.#clock = clock;
    this.#settings = settings;
    this.#reader = readerOf(settings.before);
    link.limit(most(settings.before));
    this.lastReceivedAt = clock.monotonic();
    link.onText((text) => this.#heard(text));
    link.onClosed(() => this.#finish(this.#closing ? 'closed' : 'reset'));
  }

  get id(): string {
    return this.#link.id;
  }
  get address(): string {
    return this.#link.peer.address;
  }
  get secure(): boolean {
    return this.#link.secure;
  }
  get notes(): WebSocketLink['notes'] {
    return this.#link.notes;
  }
  /** No browser tells its scripts what a connection could be bound to. */
  bindings(): ReadonlyMap<BindingName, Buffer> {
    return BINDINGS;
  }

  open({ from, id }: StreamHeader): void {
    this.#send(printElement(element('open', NS.framing, { from, id, version: '1.0', 'xml:lang': 'en' })));
  }
  write(text: string): void {
    this.#send(alone(text));
  }
  /** Every message stands alone; only the limits may be others. */
  restart(limits: StreamLimits): void {
    this.#reader = readerOf(limits);
  }
  relax(limits: StreamLimits): void {
    this.#reader.limits = limits;
    this.#link.limit(most(limits));
  }
  startTls(): Promise<void> {
    return Promise.reject(new Error('a WebSocket has its TLS below it (RFC 7395 §3.9)'));
  }

  close(lastWords = ''): void {
    if (this.#gone || this.#closing) return;
    if (lastWords !== '') this.write(lastWords);
    // RFC 7395 §3.6: first the stream ends, then the WebSocket.
    this.#send(CLOSE);
    this.#closing = true;
    this.#link.close();
    this.#clock.after(this.#settings.connection.closeMs, () => this.#finish('closed'));
  }
  destroy(): void {
    this.#finish('closed');
  }

  #send(text: string): void {
    if (this.#gone || this.#closing) return;
    this.#link.notes.tap?.('out', text);
    if (this.#link.send(text) > this.#settings.connection.unsentBytes) this.#finish('neverReads');
  }

  #heard(text: string): void {
    if (this.#gone || this.#closing) return;
    this.#link.notes.tap?.('in', text);
    this.lastReceivedAt = this.#clock.monotonic();
    this.#inbox.push(text);
    this.#drain();
  }

  #drain(): void {
    while (!this.#waiting && !this.#gone) {
      const text = this.#inbox.shift();
      if (text === undefined) return;
      const work = this.#hand(this.#read(text));
      if (work === undefined) continue;
      this.#waiting = true;
      this.#link.pause();
      const goOn = (): void => {
        this.#waiting = false;
        if (this.#gone) return;
        this.#drain();
        if (!this.#waiting) this.#link.resume();
      };
      work.then(goOn, (error: unknown) => {
        this.#owner.broken(error);
        goOn();
      });
    }
  }

  #hand(frame: StreamFrame): void | Promise<void> {
    try {
      return this.#owner.frame(frame);
    } catch (error) {
      this.#owner.broken(error);
    }
  }

  #read(text: string): StreamFrame {
    // RFC 7395 §3.3.3.
    if (!text.startsWith('<')) return refused('bad-format', 'a message must begin with an element');
    const reader = this.#reader;
    const [frame, second] = reader.push(Buffer.from(text), this.lastReceivedAt);
    if (frame?.kind === 'refused') return frame;
    if (second?.kind === 'refused') return second;
    if (frame?.kind !== 'element' || second !== undefined || reader.pendingBytes > 0)
      return refused('bad-format', 'a message must be one whole element');
    return framed(frame.element) ?? frame;
  }

  #finish(how: Ended): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#inbox = [];
    this.#link.destroy();
    this.#owner.ended(how);
  }
}

/** What is a little too large is answered with a stream error; what is far too large is not even gathered. */
function most({ stanzaBytes }: StreamLimits): number {
  return 2 * stanzaBytes + 64 * 1024;
}

/** A reader that is inside of a stream already. */
function readerOf(limits: StreamLimits): XmlStreamReader {
  const reader = new XmlStreamReader(limits, NS.client);
  reader.push(HEADER);
  return reader;
}
const HEADER = Buffer.from(printStreamOpen({}, NS.client));

/** `<open/>` and `<close/>` as the tags that they stand for (RFC 7395 §3.4, §3.6); undefined: it is another element. */
function framed({ ns, name, attrs }: Element): StreamFrame | undefined {
  if (ns !== NS.framing) return undefined;
  if (name === 'close') return { kind: 'close' };
  if (name !== 'open') return refused('bad-format', `<${name}/> of this framing is not known`);
  const lang = attrs['xml:lang'];
  return { kind: 'open', attrs, ns: NS.client, dialback: false, ...(lang !== undefined && { lang }) };
}

function refused(condition: StreamErrorCondition, text: string): StreamFrame {
  return { kind: 'refused', condition, text };
}

const STANZA = /^<(?:message|presence|iq)(?=[ />])/;

/** RFC 7395 §3.3.3: an element declares its namespaces itself. @param text printed for the inside of a stream */
function alone(text: string): string {
  if (text.startsWith('<stream:')) return declared(text, ` xmlns:stream='${NS.streams}'`);
  return STANZA.test(text) ? declared(text, ` xmlns='${NS.client}'`) : text;
}

/** Puts a declaration behind the first name, unless it is there. No `>` stands in an attribute (print.ts). */
function declared(text: string, declaration: string): string {
  if (text.slice(0, text.indexOf('>')).includes(declaration)) return text;
  const name = text.search(/[ />]/);
  return text.slice(0, name) + declaration + text.slice(name);
}
