// The XMPP server of the bench: one stream in and one out, STARTTLS and SASL EXTERNAL both ways, by hand. Pings are answered
// at once on our own stream (no bidi, as ejabberd 23.01), so that the barrier of DESIGN 8 has its whole road.

import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import type { Credentials } from '../cast.ts';

const STANZA = /<(message|iq|presence)\b[^>]*?(?:\/>|>[\s\S]*?<\/\1>)/g;

/** Cuts a stream into top-level stanzas, as text. */
export class StanzaReader {
  #rest = '';

  push(chunk: Buffer): string[] {
    const text = this.#rest + chunk.toString('utf8');
    const found: string[] = [];
    let at = 0;
    STANZA.lastIndex = 0;
    for (let match = STANZA.exec(text); match !== null; match = STANZA.exec(text)) {
      found.push(match[0]);
      at = STANZA.lastIndex;
    }
    this.#rest = text.slice(at);
    return found;
  }
}

export function attribute(stanza: string, name: string): string {
  return (
    new RegExp(`^<[^>]*?\\s${name}=(?:'([^']*)'|"([^"]*)")`)
      .exec(stanza)
      ?.slice(1)
      .find((one) => one !== undefined) ?? ''
  );
}

/** An open stream. Every stanza is a write of its own, hence a TLS record, as servers do. */
export class StanzaLine {
  readonly socket: Socket;

  constructor(socket: Socket, onStanza: (stanza: string) => void = () => {}) {
    this.socket = socket;
    const reader = new StanzaReader();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const stanza of reader.push(chunk)) onStanza(stanza);
    });
  }

  write(text: string): void {
    this.socket.write(text);
  }
}

export class XmppEnd {
  readonly #domain: string;
  readonly #credentials: Credentials;
  readonly #server: Server;
  onStanza: (stanza: string) => void = () => {};

  constructor(domain: string, credentials: Credentials) {
    this.#domain = domain;
    this.#credentials = credentials;
    this.#server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => this.#server.once('error', reject).listen(port, '127.0.0.1', resolve));
  }

  /**
   * A stream to another server, open for stanzas.
   * @param localAddress where it comes from; one address may have only so many connections
   */
  async connect(port: number, to: string, localAddress = '127.0.0.1'): Promise<StanzaLine> {
    const { cert, key, ca } = this.#credentials;
    const plain = dial({ host: '127.0.0.1', port, localAddress });
    plain.on('error', () => plain.destroy());
    await say(plain, this.#header(to), '</stream:features>');
    await say(plain, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", '<proceed');
    const secure = connect({ socket: plain, cert, key, ca, servername: to, checkServerIdentity: () => undefined });
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    await say(secure, this.#header(to), '</stream:features>');
    const name = Buffer.from(this.#domain).toString('base64');
    await say(secure, `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${name}</auth>`, '<success');
    await say(secure, this.#header(to), /<\/stream:features>|<stream:features\s*\/>/);
    return new StanzaLine(secure);
  }

  async #serve(plain: Socket): Promise<void> {
    await say(plain, '', /<stream:stream[^>]*>/);
    const tls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
    await say(plain, `${this.#header()}<stream:features>${tls}</stream:features>`, '<starttls');
    const { cert, key, ca } = this.#credentials;
    plain.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const secure = new TLSSocket(plain, { isServer: true, cert, key, ca, requestCert: true, rejectUnauthorized: true });
    secure.on('error', () => secure.destroy());
    await say(secure, '', /<stream:stream[^>]*>/);
    const sasl = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>";
    await say(secure, `${this.#header()}<stream:features>${sasl}</stream:features>`, '<auth');
    await say(secure, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", /<stream:stream[^>]*>/);
    secure.write(`${this.#header()}<stream:features/>`);
    new StanzaLine(secure, (stanza) => this.onStanza(stanza));
  }

  #header(to?: string): string {
    const id = Math.random().toString(16).slice(2);
    const whom = to === undefined ? `id='${id}'` : `to='${to}'`;
    return (
      "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " +
      `from='${this.#domain}' ${whom} version='1.0'>`
    );
  }
}

/** Writes, and waits until the peer has said `expected`. */
export function say(socket: Socket, text: string, expected: string | RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const end = (): void => {
      socket.off('data', onData).off('close', onClose);
    };
    const onClose = (): void => {
      end();
      reject(new Error(`the stream was closed instead of ${expected}; it said: ${heard.slice(-300)}`));
    };
    const onData = (chunk: Buffer): void => {
      heard += chunk.toString('utf8');
      if (typeof expected === 'string' ? !heard.includes(expected) : !expected.test(heard)) return;
      end();
      resolve(heard);
    };
    socket.on('data', onData).on('close', onClose);
    if (text !== '') socket.write(text);
  });
}
