// The XMPP partner, by hand: it takes Isthmus' streams, and has one of its own on which it sends messages and answers pings (no
// bidi). As a sender it is as careful as Isthmus: what no ping has covered is sent again on the next stream, with the same ids.

import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, TLSSocket } from 'node:tls';
import { attribute, StanzaLine, say } from '../bench/load/xmpp-end.ts';
import type { Issued } from '../support/ca.ts';
import type { Ledger } from './ledger.ts';
import { abort } from './proxy.ts';
import { SIP_DOMAIN } from './sip-side.ts';

/** So many messages follow each other before a ping asks whether they were taken. */
const PING_EVERY = 20;
/** A stream whose ping is not answered for so long is given up. */
const PONG_WITHIN_MS = 15_000;

interface Unconfirmed {
  readonly key: string;
  readonly stanza: string;
}

export interface PartnerOptions {
  readonly domain: string;
  readonly ledger: Ledger;
  readonly issued: Issued;
  /** The root it believes. */
  readonly ca: string;
  /** The port of Isthmus' edge listener, asked at each connection. */
  readonly isthmus: () => number;
}

export class XmppPartner implements AsyncDisposable {
  readonly domain: string;
  port = 0;
  /** `mute`: takes stanzas and answers no ping. */
  manner: 'answer' | 'mute' = 'answer';
  /** Serial numbers of the certificates that Isthmus showed to us as a client and as a server. */
  readonly shown: string[] = [];
  /** Streams that were opened to us, as far as stanzas. */
  streams = 0;
  /** Conditions of error stanzas, by how often. */
  readonly conditions = new Map<string, number>();
  credentials: Issued;
  readonly #ca: string;
  readonly #ledger: Ledger;
  readonly #isthmus: () => number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #out: Promise<StanzaLine> | undefined;
  #unconfirmed: Unconfirmed[] = [];
  readonly #pongs = new Map<string, () => void>();
  #pings = 0;
  #stopped = false;

  private constructor(options: PartnerOptions) {
    this.domain = options.domain;
    this.credentials = options.issued;
    this.#ca = options.ca;
    this.#ledger = options.ledger;
    this.#isthmus = options.isthmus;
  }

  static async open(options: PartnerOptions): Promise<XmppPartner> {
    const partner = new XmppPartner(options);
    await partner.listen();
    return partner;
  }

  /** Accepts streams, on the port it had before. */
  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.#keep(socket);
      this.#serve(socket).catch(() => socket.destroy());
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
  }

  /** As kill -9 leaves it: nothing listens, every connection is gone. */
  async die(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    for (const socket of this.#sockets) abort(socket);
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.die();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends messages of several pairs in turn, and resolves when a ping has covered all of them. */
  async offer(offer: {
    readonly pairs: readonly number[];
    readonly each: number;
    readonly from?: number;
    readonly bytes?: number;
    readonly road?: string;
    /** Messages a second, all pairs together; default: as fast as they are confirmed. */
    readonly perSecond?: number;
  }): Promise<void> {
    const { pairs, each, from = 0, bytes, road = 'xmpp-sip', perSecond } = offer;
    const began = performance.now();
    let count = 0;
    for (let number = from; number < from + each && !this.#stopped; number += 1) {
      for (const pair of pairs) {
        if (this.#stopped) return;
        const { key, body } = this.#ledger.send(road, pair, number, bytes);
        const text = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
        const ends = `to='nora${pair}@${SIP_DOMAIN}' from='li${pair}@${this.domain}/pad'`;
        const stanza = `<message ${ends} id='${key}' type='chat'><body>${text}</body><origin-id xmlns='urn:xmpp:sid:0' id='${key}'/></message>`;
        const one = { key, stanza };
        // Before the stream is waited for: whoever opens it sends all that is unconfirmed, this one too.
        const line = await this.#stream();
        this.#unconfirmed.push(one);
        line?.write(stanza);
        count += 1;
        if (perSecond !== undefined) {
          const ahead = began + (count / perSecond) * 1000 - performance.now();
          if (ahead > 2) await pause(ahead);
          if (count % PING_EVERY === 0) void this.#confirm();
        } else if (count % PING_EVERY === 0) await this.#confirm();
      }
    }
    while (this.#unconfirmed.length > 0 && !this.#stopped) await this.#confirm();
  }

  /** Closes our stream to Isthmus; the next stanza opens another. */
  async hangUp(): Promise<void> {
    const line = await this.#out?.catch(() => undefined);
    line?.socket.destroy();
  }

  /** Pings, and waits until the answer covers what was sent, over as many streams as it takes. */
  async #confirm(): Promise<void> {
    const upTo = this.#unconfirmed.length;
    if (upTo === 0) return;
    const last = this.#unconfirmed[upTo - 1];
    while (!this.#stopped && last !== undefined && this.#unconfirmed.includes(last)) {
      const line = await this.#stream();
      if (line === undefined) return;
      const id = `ping${++this.#pings}`;
      const answered = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), PONG_WITHIN_MS);
        const closed = (): void => {
          clearTimeout(timer);
          this.#pongs.delete(id);
          resolve(false);
        };
        line.socket.once('close', closed);
        this.#pongs.set(id, () => {
          clearTimeout(timer);
          line.socket.off('close', closed);
          resolve(true);
        });
      });
      const covers = [...this.#unconfirmed];
      line.write(`<iq type='get' to='${SIP_DOMAIN}' from='${this.domain}' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`);
      if (await answered) {
        const taken = new Set(covers);
        for (const { key } of covers) if (!this.#ledger.isRefused(key)) this.#ledger.answered(key, 'yes');
        this.#unconfirmed = this.#unconfirmed.filter((one) => !taken.has(one));
      } else line.socket.destroy();
    }
  }

  /** Our stream to Isthmus, opened again and again until there is one; what is unconfirmed goes first. */
  async #stream(): Promise<StanzaLine | undefined> {
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

  async #dial(): Promise<StanzaLine> {
    const { chainPem: cert, keyPem: key } = this.credentials;
    const plain = dial({ host: '127.0.0.1', port: this.#isthmus() });
    this.#keep(plain);
    await say(plain, this.#header(SIP_DOMAIN), '</stream:features>');
    await say(plain, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", '<proceed');
    const secure = connect({ socket: plain, cert, key, ca: this.#ca, servername: SIP_DOMAIN, checkServerIdentity: () => undefined });
    secure.on('error', () => secure.destroy());
    await new Promise<void>((resolve, reject) =>
      secure.once('secureConnect', resolve).once('close', () => reject(new Error('closed before TLS was done'))),
    );
    this.shown.push(secure.getPeerCertificate().serialNumber);
    await say(secure, this.#header(SIP_DOMAIN), '</stream:features>');
    const name = Buffer.from(this.domain).toString('base64');
    await say(secure, `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${name}</auth>`, '<success');
    await say(secure, this.#header(SIP_DOMAIN), /<\/stream:features>|<stream:features\s*\/>/);
    const line = new StanzaLine(secure);
    secure.once('close', () => {
      this.#out = undefined;
    });
    for (const { stanza } of this.#unconfirmed) line.write(stanza);
    return line;
  }

  async #serve(plain: Socket): Promise<void> {
    await say(plain, '', /<stream:stream[^>]*>/);
    const tls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
    await say(plain, `${this.#header()}<stream:features>${tls}</stream:features>`, '<starttls');
    const { chainPem: cert, keyPem: key } = this.credentials;
    plain.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const secure = new TLSSocket(plain, { isServer: true, cert, key, ca: this.#ca, requestCert: true, rejectUnauthorized: true });
    secure.on('error', () => secure.destroy());
    await say(secure, '', /<stream:stream[^>]*>/);
    this.shown.push(secure.getPeerCertificate().serialNumber);
    const sasl = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>";
    await say(secure, `${this.#header()}<stream:features>${sasl}</stream:features>`, '<auth');
    await say(secure, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", /<stream:stream[^>]*>/);
    secure.write(`${this.#header()}<stream:features/>`);
    this.streams += 1;
    new StanzaLine(secure, (stanza) => this.#stanza(stanza));
  }

  #stanza(stanza: string): void {
    const id = attribute(stanza, 'id');
    const type = attribute(stanza, 'type');
    if (stanza.startsWith('<message')) {
      if (type === 'error') {
        const condition = /<error[^>]*><([\w-]+)/.exec(stanza)?.[1] ?? '';
        this.conditions.set(condition, (this.conditions.get(condition) ?? 0) + 1);
        this.#ledger.answered(id, 'refused');
        return;
      }
      const body = /<body>([\s\S]*?)<\/body>/.exec(stanza)?.[1];
      if (body !== undefined) this.#ledger.arrived(body.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'), id);
      return;
    }
    if (!stanza.startsWith('<iq')) return;
    if (type === 'get' && this.manner === 'answer') {
      const reply = `<iq type='result' to='${attribute(stanza, 'from')}' from='${attribute(stanza, 'to')}' id='${id}'/>`;
      void this.#stream().then((line) => line?.write(reply));
    }
    if (type === 'result' || type === 'error') {
      this.#pongs.get(id)?.();
      this.#pongs.delete(id);
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #header(to?: string): string {
    const id = Math.random().toString(16).slice(2);
    const whom = to === undefined ? `id='${id}'` : `to='${to}'`;
    return (
      "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " +
      `from='${this.domain}' ${whom} version='1.0'>`
    );
  }
}
