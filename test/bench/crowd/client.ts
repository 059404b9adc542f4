// One user's XMPP client, as small as it can be: ten thousand of them live in one process. It signs in with SCRAM over direct
// TLS, asks for its list, becomes available, and counts what comes.

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { connect as tcp } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { DOMAIN, PASSWORD } from './cast.ts';

const HASH = 'sha256';
/** Everybody has the same password and salt here: the dear part of SCRAM is done once. */
const salted = new Map<string, Buffer>();

export interface Heard {
  /** So many presence stanzas have come. */
  presences(count: number): void;
  /** A message with this body has come. */
  message(body: string): void;
  gone(): void;
}

export class CrowdClient {
  readonly jid: string;
  readonly #heard: Heard;
  readonly #socket: TLSSocket;
  #text = '';
  #waiting: { readonly sign: string; readonly resolve: (text: string) => void } | undefined;
  #signedIn = false;

  private constructor(user: string, socket: TLSSocket, heard: Heard) {
    this.jid = `${user}@${DOMAIN}`;
    this.#socket = socket;
    this.#heard = heard;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk.toString('latin1')));
    socket.on('close', () => heard.gone());
    socket.on('error', () => {}); // `close` follows
  }

  /** Resolves when it is available. @param from the address to come from: a whole crowd behind one would be refused */
  static async signIn(user: string, port: number, from: string, secureContext: SecureContext, heard: Heard): Promise<CrowdClient> {
    const socket = connect({
      socket: tcp({ host: '127.0.0.1', port, localAddress: from }),
      servername: DOMAIN,
      secureContext,
      ALPNProtocols: ['xmpp-client'],
    });
    const ended = new Promise<never>((_, reject) => {
      socket.once('close', () => reject(new Error(`${user}: closed`)));
      socket.once('error', reject);
    });
    const client = new CrowdClient(user, socket, heard);
    await Promise.race([client.#begin(user), ended]);
    return client;
  }

  available(status: string): void {
    this.#socket.write(`<presence><status>${status}</status></presence>`);
  }

  say(to: string, body: string): void {
    this.#socket.write(`<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #begin(user: string): Promise<void> {
    const open = `<stream:stream to='${DOMAIN}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;
    await this.#ask(open, '</stream:features>');
    const first = `n=${user},r=${Math.random().toString(36).slice(2)}`;
    const auth = Buffer.from(`n,,${first}`).toString('base64');
    const challenge = await this.#ask(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>${auth}</auth>`,
      '</challenge>',
    );
    const { response, signature } = proof(first, decoded(challenge));
    const success = await this.#ask(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${response}</response>`, '</success>');
    if (!timingSafeEqual(Buffer.from(decoded(success)), Buffer.from(`v=${signature}`)))
      throw new Error(`${user}: the server has not proven itself`);
    await this.#ask(open, '</stream:features>');
    await this.#ask("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>desk</resource></bind></iq>", '</iq>');
    await this.#ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>", '</iq>');
    this.#signedIn = true;
    this.available('here');
  }

  #ask(text: string, sign: string): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      this.#waiting = { sign, resolve };
    });
    this.#socket.write(text);
    return answer;
  }

  #take(chunk: string): void {
    this.#text += chunk;
    if (!this.#signedIn) {
      const end = this.#waiting === undefined ? -1 : this.#text.indexOf(this.#waiting.sign);
      if (end >= 0 && this.#waiting !== undefined) {
        const { sign, resolve } = this.#waiting;
        const said = this.#text.slice(0, end + sign.length);
        this.#text = this.#text.slice(end + sign.length);
        resolve(said);
      }
      if (this.#text.length > 1_000_000) this.#socket.destroy();
      return;
    }
    this.#count();
  }

  #count(): void {
    let presences = 0;
    for (;;) {
      const end = endOfStanza(this.#text);
      if (end < 0) break;
      const stanza = this.#text.slice(0, end);
      this.#text = this.#text.slice(end);
      if (stanza.startsWith('<presence')) presences += 1;
      else if (stanza.startsWith('<message')) this.#heard.message(/<body>([^<]*)</.exec(stanza)?.[1] ?? '');
    }
    if (presences > 0) this.#heard.presences(presences);
  }
}

/** Where the first stanza ends; -1: it is not whole yet. Isthmus writes no empty presence with a namesake inside. */
function endOfStanza(text: string): number {
  const name = /^<([a-z:]+)/.exec(text)?.[1];
  if (name === undefined) return -1;
  const head = text.indexOf('>');
  if (head < 0) return -1;
  if (text[head - 1] === '/') return head + 1;
  const tail = `</${name}>`;
  const end = text.indexOf(tail, head);
  return end < 0 ? -1 : end + tail.length;
}

function decoded(element: string): string {
  return Buffer.from(/>([^<]*)<\/[a-z]+>$/.exec(element)?.[1] ?? '', 'base64').toString();
}

/** RFC 5802 §3. */
function proof(first: string, serverFirst: string): { readonly response: string; readonly signature: string } {
  const field = (name: string): string => new RegExp(`(?:^|,)${name}=([^,]*)`).exec(serverFirst)?.[1] ?? '';
  const key = `${field('s')} ${field('i')}`;
  const known = salted.get(key) ?? pbkdf2Sync(PASSWORD, Buffer.from(field('s'), 'base64'), Number(field('i')), 32, HASH);
  salted.set(key, known);
  const hmac = (secret: Buffer, text: string): Buffer => createHmac(HASH, secret).update(text).digest();
  const clientKey = hmac(known, 'Client Key');
  const last = `c=biws,r=${field('r')}`;
  const message = `${first},${serverFirst},${last}`;
  const signature = hmac(createHash(HASH).update(clientKey).digest(), message);
  const xor = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)); // both have 32 octets
  const response = Buffer.from(`${last},p=${xor.toString('base64')}`).toString('base64');
  return { response, signature: hmac(hmac(known, 'Server Key'), message).toString('base64') };
}
