// A SIP server of another organisation, by hand, for what well-behaved servers never do: any certificate or none, any text.

import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Credentials } from './raw-stream.ts';
import { header, printSip, SipCutter, type SipText, status } from './sip-message.ts';
import { Inbox } from './wait.ts';

export class SipPeer {
  readonly received: Inbox<SipText>;
  #closed = false;
  readonly #socket: TLSSocket;

  private constructor(socket: TLSSocket, name: string) {
    this.#socket = socket;
    this.received = new Inbox(`the peer ${name}`);
    const cutter = new SipCutter();
    socket.on('data', (bytes: Buffer) => {
      for (const message of cutter.push(bytes)) this.received.push(message);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.received.end(new Error('the connection was closed'));
    });
  }

  static async connect(
    address: string,
    name: string,
    credentials: Credentials | undefined,
    options: ConnectionOptions = {},
  ): Promise<SipPeer> {
    const own = credentials === undefined ? {} : { cert: credentials.chainPem, key: credentials.keyPem };
    const socket = connect({ host: address, port: 5061, rejectUnauthorized: false, ...own, ...options });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new SipPeer(socket, name);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Any bytes. */
  send(text: string): void {
    this.#socket.write(text);
  }

  /** A request that is right except for what the scene changes. @returns its final response */
  async request(
    method: string,
    from: string,
    to: string,
    more: { readonly lines?: readonly string[]; readonly body?: string } = {},
  ): Promise<SipText> {
    const branch = `z9hG4bK${crypto.randomUUID()}`;
    const lines = [
      `Via: SIP/2.0/TLS peer.test:5061;branch=${branch}`,
      `From: <sip:${from}>;tag=${branch.slice(-8)}`,
      `To: <sip:${to}>`,
      `Call-ID: ${crypto.randomUUID()}`,
      `CSeq: 1 ${method}`,
      'Max-Forwards: 70',
      ...(more.lines ?? []),
    ];
    this.send(printSip(`${method} sip:${to} SIP/2.0`, lines, more.body));
    return this.received.next(`the answer to ${method}`, (one) => status(one) >= 200 && header(one, 'via').includes(branch), 40_000);
  }

  close(): void {
    this.#socket.destroy();
  }
}
