// The SIP system of the bench: sends MESSAGE over one TLS connection a subject, takes what comes on its listener and answers
// 200. Plain string cutting: it must cost less than what is measured, and owes nothing to the rooms under test.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type Credentials, SIP_DOMAIN, SIP_HOST, XMPP_DOMAIN } from '../cast.ts';

const BODY = 'Is line 3 up again? The night shift says it stopped at 4:10, and nobody wrote down why. <&>';

export interface SipMessage {
  /** First line. */
  readonly start: string;
  /** From the first line to the empty one. */
  readonly head: string;
  readonly body: string;
}

/** Cuts a latin1 stream into messages; keep-alive line ends fall between them. */
export class SipReader {
  #rest = '';

  push(chunk: Buffer): SipMessage[] {
    const text = this.#rest + chunk.toString('latin1');
    const found: SipMessage[] = [];
    let at = 0;
    for (;;) {
      while (text.startsWith('\r\n', at)) at += 2;
      const end = text.indexOf('\r\n\r\n', at);
      if (end === -1) break;
      const head = text.slice(at, end + 2);
      const length = Number(field(head, 'Content-Length') ?? 0);
      if (text.length < end + 4 + length) break;
      found.push({ start: head.slice(0, head.indexOf('\r\n')), head, body: text.slice(end + 4, end + 4 + length) });
      at = end + 4 + length;
    }
    this.#rest = text.slice(at);
    return found;
  }
}

/** The first value of a header, found as everybody here writes it. */
export function field(head: string, name: string): string | undefined {
  const at = head.indexOf(`\r\n${name}:`);
  return at === -1 ? undefined : head.slice(at + name.length + 3, head.indexOf('\r\n', at + 2)).trim();
}

export function answer(message: SipMessage, tag: string, more = ''): string {
  let out = 'SIP/2.0 200 OK\r\n';
  for (const line of message.head.split('\r\n')) if (/^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line)) out += `${line}\r\n`;
  const to = field(message.head, 'To') ?? '';
  return `${out}To: ${to}${to.includes(';tag=') ? '' : `;tag=${tag}`}\r\n${more}Content-Length: 0\r\n\r\n`;
}

/** A line: one connection on which both sides may ask. Every message is a write of its own, hence a TLS record, as servers do. */
export class SipLine {
  readonly socket: TLSSocket;

  constructor(socket: TLSSocket, onMessage: (message: SipMessage, line: SipLine) => void) {
    this.socket = socket;
    const reader = new SipReader();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const message of reader.push(chunk)) onMessage(message, this);
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }
}

export class SipEnd {
  readonly #credentials: Credentials;
  readonly #server: Server;
  /** A request that came on any line. The answer is sent by who takes it. */
  onRequest: (message: SipMessage, line: SipLine) => void = () => {};
  onResponse: (message: SipMessage) => void = () => {};

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
    const { cert, key, ca } = credentials;
    this.#server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) => void this.#line(socket));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => this.#server.once('error', reject).listen(port, '127.0.0.1', resolve));
  }

  /** Another door, for somebody who is to have connections of their own. @returns its port */
  async listenToo(): Promise<number> {
    const { cert, key, ca } = this.#credentials;
    const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) => void this.#line(socket));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port; // listening on TCP
  }

  /** @param localAddress where the connection comes from; one address may have only so many */
  connect(port: number, localAddress = '127.0.0.1'): Promise<SipLine> {
    const { cert, key, ca } = this.#credentials;
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        localAddress,
        cert,
        key,
        ca,
        servername: SIP_DOMAIN,
        checkServerIdentity: () => undefined,
      };
      const socket = connect(options, () => resolve(this.#line(socket)));
      socket.once('error', reject);
    });
  }

  #line(socket: TLSSocket): SipLine {
    return new SipLine(socket, (message, line) => {
      if (message.start.startsWith('SIP/2.0 ')) this.onResponse(message);
      else this.onRequest(message, line);
    });
  }
}

/** MESSAGE number `number` of pair `slot`; a Call-ID of its own, as most clients in pager mode do. */
export function sipMessage(slot: number, number: number, run: string): string {
  const body = `#${slot}.${number}.${run}# ${BODY}`;
  return (
    `MESSAGE sip:li${slot}@${XMPP_DOMAIN} SIP/2.0\r\nVia: SIP/2.0/TLS ${SIP_HOST};branch=z9hG4bK${run}${number}\r\nMax-Forwards: 70\r\n` +
    `From: "Nora ${slot}" <sip:nora${slot}@${SIP_DOMAIN}>;tag=t${run}${number}\r\nTo: <sip:li${slot}@${XMPP_DOMAIN}>\r\n` +
    `Call-ID: ${slot}.${number}.${run}@${SIP_HOST}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain;charset=UTF-8\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

export function stanza(slot: number, number: number, run: string, to: string, from: string): string {
  return (
    `<message to='nora${slot}@${to}' from='li${slot}@${from}/pad' id='x${run}${number}' type='chat'>` +
    `<body>#${slot}.${number}.${run}# ${BODY.replace('<&>', '&lt;&amp;&gt;')}</body></message>`
  );
}
