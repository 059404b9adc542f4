// One XMPP stream written by hand, for peers that must be able to do wrong: raw text out, whole elements in, STARTTLS and
// stream restarts when told. Knows nothing of what is polite.

import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { Inbox } from './wait.ts';
import { type Stanza, StreamReader } from './xml-stream.ts';

export type Received =
  | { readonly kind: 'opened'; readonly attrs: Readonly<Record<string, string>> }
  | { readonly kind: 'element'; readonly stanza: Stanza }
  | { readonly kind: 'ended' };

export interface Credentials {
  readonly chainPem: string;
  readonly keyPem: string;
}

export class RawStream {
  readonly inbox: Inbox<Received>;
  /** All text that came, for a scene's error message. */
  transcript = '';
  #socket: Socket;
  #reader: StreamReader | undefined;

  constructor(socket: Socket, name: string) {
    this.inbox = new Inbox(name);
    this.#socket = socket;
    this.#listen();
    this.restart();
  }

  static async connect(host: string, port: number, name: string): Promise<RawStream> {
    const socket = connect({ host, port });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawStream(socket, name);
  }

  /** Direct TLS (XEP-0368). */
  static async connectTls(host: string, port: number, name: string, options: ConnectionOptions): Promise<RawStream> {
    const socket = connectTls({ host, port, rejectUnauthorized: false, ...options });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new RawStream(socket, name);
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The next bytes belong to a new stream header. */
  restart(): void {
    this.#reader = new StreamReader({
      opened: (attrs) => this.inbox.push({ kind: 'opened', attrs }),
      element: (stanza) => this.inbox.push({ kind: 'element', stanza }),
      closed: () => this.inbox.push({ kind: 'ended' }),
    });
  }

  async opened(): Promise<Readonly<Record<string, string>>> {
    const event = await this.inbox.next('a stream header', (one) => one.kind === 'opened');
    return event.kind === 'opened' ? event.attrs : {};
  }

  /** The next element that fits. */
  async element(what: string, fits: (stanza: Stanza) => boolean = () => true, withinMs?: number): Promise<Stanza> {
    const event = await this.inbox.next(what, (one) => one.kind === 'element' && fits(one.stanza), withinMs);
    if (event.kind !== 'element') throw new Error('unreachable: the inbox gave what did not fit');
    return event.stanza;
  }

  /** The stream's end, by closing tag or by a closed connection. */
  async ended(withinMs?: number): Promise<void> {
    await this.inbox.next('the end of the stream', (one) => one.kind === 'ended', withinMs);
  }

  /** TLS as the connecting side, showing these credentials if any. The peer's certificate is not judged. */
  async tlsAsClient(servername: string, credentials?: Credentials): Promise<TLSSocket> {
    this.#unlisten();
    const socket = connectTls({
      socket: this.#socket,
      servername,
      rejectUnauthorized: false,
      ...(credentials === undefined ? {} : { cert: credentials.chainPem, key: credentials.keyPem }),
    });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return this.#secured(socket);
  }

  /** TLS as the accepting side; asks for the peer's certificate and does not judge it. */
  async tlsAsServer(credentials: Credentials): Promise<TLSSocket> {
    this.#unlisten();
    const socket = new TLSSocket(this.#socket, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      secureContext: createSecureContext({ cert: credentials.chainPem, key: credentials.keyPem }),
    });
    await new Promise((resolve, reject) => socket.once('secure', resolve).once('error', reject));
    return this.#secured(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  #secured(socket: TLSSocket): TLSSocket {
    this.#socket = socket;
    this.#listen();
    this.restart();
    return socket;
  }

  readonly #onData = (bytes: Buffer): void => {
    this.transcript += bytes.toString('utf8');
    try {
      this.#reader?.write(bytes.toString('utf8'));
    } catch (error) {
      this.inbox.end(error as Error);
    }
  };
  readonly #onClose = (): void => {
    this.inbox.push({ kind: 'ended' });
    this.inbox.end(new Error(`the connection was closed; it had said: ${this.transcript.slice(-500)}`));
  };

  #listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('error', () => undefined);
  }

  #unlisten(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onClose);
  }
}
