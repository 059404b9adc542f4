// A SIP client by hand: any request, with any credentials or none. Its digest is its own arithmetic, not the project's.

import { createHash } from 'node:crypto';
import type { RawPeer } from '../../../support/raw-peer.ts';
import { header, headers, printSip, type SipText, status } from '../../../support/sip-message.ts';
import { DOMAIN } from './face-world.ts';

let count = 0;

export interface Ask {
  readonly from?: string;
  readonly to?: string;
  readonly uri?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly lines?: readonly string[];
  readonly body?: string;
}

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: string;
  readonly stale: boolean;
}

export class Hand {
  readonly peer: RawPeer;
  readonly user: string;

  constructor(peer: RawPeer, user: string) {
    this.peer = peer;
    this.user = user;
  }

  get contact(): string {
    return `<sip:${this.user}@192.0.2.7:5060;transport=tls>`;
  }

  /** Sends a request as it is and returns its final answer. */
  async ask(method: string, asked: Ask = {}): Promise<SipText> {
    count += 1;
    const branch = `z9hG4bKhand${count}`;
    const { from = `${this.user}@${DOMAIN}`, callId = `hand-${count}`, cseq = count, lines = [], body = '' } = asked;
    const uri = asked.uri ?? (method === 'REGISTER' ? `sip:${DOMAIN}` : `sip:${asked.to ?? from}`);
    this.peer.send(
      printSip(
        `${method} ${uri} SIP/2.0`,
        [
          `Via: SIP/2.0/TLS 192.0.2.7:5060;branch=${branch}`,
          'Max-Forwards: 70',
          `From: <sip:${from}>;tag=${this.user}1`,
          `To: ${(asked.to ?? from).startsWith('<') ? asked.to : `<sip:${asked.to ?? from}>`}`,
          `Call-ID: ${callId}`,
          `CSeq: ${cseq} ${method}`,
          ...lines,
        ],
        body,
      ),
    );
    return this.peer.next((one) => status(one) >= 200 && header(one, 'via').includes(branch));
  }

  /** The same with a password, for what the challenge asks. @returns the second answer */
  async signed(method: string, asked: Ask, password: string, more: { readonly algorithm?: string } = {}): Promise<SipText> {
    const first = await this.ask(method, asked);
    const challenge = challenges(first).find((one) => one.algorithm === (more.algorithm ?? 'SHA-256'));
    if (challenge === undefined) return first;
    const uri = asked.uri ?? (method === 'REGISTER' ? `sip:${DOMAIN}` : `sip:${asked.to ?? `${this.user}@${DOMAIN}`}`);
    return this.ask(method, { ...asked, lines: [...(asked.lines ?? []), answer(challenge, this.user, password, method, uri)] });
  }

  register(password: string, lines: readonly string[] = [], asked: Ask = {}): Promise<SipText> {
    const own = lines.some((line) => /^contact:/i.test(line)) ? lines : [`Contact: ${this.contact}`, ...lines];
    return this.signed('REGISTER', { ...asked, lines: own }, password);
  }
}

/** Every challenge of a 401 or 407, in order. */
export function challenges(response: SipText): readonly Challenge[] {
  return [...headers(response, 'www-authenticate'), ...headers(response, 'proxy-authenticate')].map((value) => ({
    realm: /realm="([^"]*)"/.exec(value)?.[1] ?? '',
    nonce: /nonce="([^"]*)"/.exec(value)?.[1] ?? '',
    algorithm: /algorithm=([\w-]+)/.exec(value)?.[1] ?? '',
    stale: /stale=true/.test(value),
  }));
}

/** The Authorization line that answers a challenge. */
export function answer(
  challenge: Pick<Challenge, 'realm' | 'nonce' | 'algorithm'>,
  username: string,
  password: string,
  method: string,
  uri: string,
  nc = '00000001',
): string {
  const { realm, nonce, algorithm } = challenge;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const response = hash(`${hash(`${username}:${realm}:${password}`)}:${nonce}:${nc}:c0ffee:auth:${hash(`${method}:${uri}`)}`);
  const name = method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization';
  return `${name}: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"`;
}
