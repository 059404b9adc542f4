// The SIP system inside, by hand: it sends MESSAGE over one TLS connection (one at a time for each pair, as clients do), asks
// again with the same Call-ID when it got no answer, and takes what comes. Plain string cutting, independent of src.

import { setTimeout as pause } from 'node:timers/promises';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { answer, field, SipLine, type SipMessage } from '../bench/load/sip-end.ts';
import type { Issued } from '../support/ca.ts';
import type { Ledger } from './ledger.ts';

export const SIP_DOMAIN = 'corp.example';
export const SIP_HOST = `sip.${SIP_DOMAIN}`;

/** RFC 3261 Timer F. */
const NO_ANSWER_MS = 32_000;
const PING = Buffer.from('\r\n\r\n');

export interface Offer {
  readonly to: string;
  readonly pair: number;
  readonly from?: number;
  readonly count: number;
  readonly bytes?: number;
  /** Between one answer and the next message. */
  readonly paceMs?: number;
  /** Road's name in the ledger. */
  readonly road?: string;
}

export class SipSide implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #credentials: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly #server: Server;
  readonly #lines = new Set<SipLine>();
  readonly #waiting = new Map<string, (status: number | undefined, line: SipLine) => void>();
  readonly #port: () => number;
  #out: Promise<SipLine> | undefined;
  #stopped = false;
  /** `silent`: takes a message and never answers it. */
  manner: 'answer' | 'silent' = 'answer';
  /** Every final status, by how often. */
  readonly statuses = new Map<number, number>();
  /** Serial numbers of the certificates that Isthmus showed. */
  readonly shown: string[] = [];
  /** How often a message had to be asked again. */
  repeats = 0;
  /** From request to final response, the longest, ms. */
  longestMs = 0;

  private constructor(ledger: Ledger, issued: Issued, ca: string, port: () => number) {
    this.#ledger = ledger;
    this.#port = port;
    this.#credentials = { cert: issued.chainPem, key: issued.keyPem, ca };
    this.#server = createServer({ ...this.#credentials, requestCert: true, rejectUnauthorized: true }, (socket) => void this.#line(socket));
    this.#server.on('tlsClientError', () => undefined);
  }

  /** @param isthmus the port of Isthmus' inside listener, asked at each connection */
  static async open(options: { ledger: Ledger; issued: Issued; ca: string; isthmus: () => number }): Promise<SipSide> {
    const side = new SipSide(options.ledger, options.issued, options.ca, options.isthmus);
    await new Promise<void>((resolve, reject) => side.#server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return side;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Sends messages of one pair, one after the other, each until somebody answers. */
  async offer(offer: Offer): Promise<void> {
    const { road = 'sip-xmpp', pair, from = 0, count, bytes, paceMs = 0 } = offer;
    for (let number = from; number < from + count && !this.#stopped; number += 1) {
      const { key, body } = this.#ledger.send(road, pair, number, bytes);
      const status = await this.#untilAnswered(key, body, offer);
      if (status === undefined) return;
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      this.#ledger.answered(key, status < 300 ? 'yes' : 'refused');
      if (paceMs > 0) await pause(paceMs);
    }
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Closes the connection to Isthmus; the next message opens another. */
  async hangUp(): Promise<void> {
    const line = await this.#out?.catch(() => undefined);
    line?.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const line of this.#lines) line.socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #untilAnswered(key: string, body: string, { to, pair }: Offer): Promise<number | undefined> {
    for (let attempt = 0; !this.#stopped; attempt += 1) {
      if (attempt > 0) this.repeats += 1;
      const line = await this.#connection();
      if (line === undefined) return undefined;
      const began = performance.now();
      const status = await new Promise<number | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), NO_ANSWER_MS);
        this.#waiting.set(key, (said, on) => {
          if (said === undefined && on !== line) return;
          clearTimeout(timer);
          this.#waiting.delete(key);
          resolve(said);
        });
        line.write(
          `MESSAGE sip:${to} SIP/2.0\r\nVia: SIP/2.0/TLS ${SIP_HOST};branch=z9hG4bK${key}.${attempt}\r\nMax-Forwards: 70\r\n` +
            `From: <sip:nora${pair}@${SIP_DOMAIN}>;tag=t${key}\r\nTo: <sip:${to}>\r\nCall-ID: ${key}@${SIP_HOST}\r\nCSeq: 1 MESSAGE\r\n` +
            `Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      });
      if (status === undefined) continue;
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      return status;
    }
    return undefined;
  }

  /** The connection to Isthmus, opened again and again until there is one. */
  async #connection(): Promise<SipLine | undefined> {
    while (!this.#stopped) {
      this.#out ??= this.#dial();
      try {
        return await this.#out;
      } catch {
        this.#out = undefined;
        await pause(25);
      }
    }
    return undefined;
  }

  #dial(): Promise<SipLine> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: this.#port(),
        servername: SIP_DOMAIN,
        checkServerIdentity: () => undefined,
        ...this.#credentials,
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before TLS was done')));
      socket.once('secureConnect', () => {
        this.shown.push(socket.getPeerCertificate().serialNumber);
        const line = this.#line(socket);
        socket.once('close', () => {
          this.#out = undefined;
          for (const resolved of [...this.#waiting.values()]) resolved(undefined, line);
        });
        resolve(line);
      });
    });
  }

  #line(socket: TLSSocket): SipLine {
    const line = new SipLine(socket, (message, on) => this.#message(message, on));
    this.#lines.add(line);
    socket.unref();
    // RFC 5626 §3.5.1: a double CRLF between messages asks for one.
    socket.on('data', (bytes: Buffer) => void (bytes.equals(PING) && socket.write('\r\n')));
    socket.on('close', () => this.#lines.delete(line));
    return line;
  }

  #message(message: SipMessage, line: SipLine): void {
    if (message.start.startsWith('SIP/2.0 ')) {
      const status = Number(message.start.slice(8, 11));
      const key = (field(message.head, 'Call-ID') ?? '').replace(`@${SIP_HOST}`, '');
      if (status >= 200) this.#waiting.get(key)?.(status, line);
      return;
    }
    if (message.start.startsWith('MESSAGE ')) {
      const id = `${field(message.head, 'Call-ID')} ${field(message.head, 'CSeq')}`;
      // RFC 3261 §18: the bodies here are plain ASCII, so latin1 text is the text.
      this.#ledger.arrived(message.body, id);
      if (this.manner === 'silent') return;
    }
    line.write(answer(message, 'there'));
  }
}
