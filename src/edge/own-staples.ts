// The status of our own certificates, stapled to our handshakes (RFC 6066 §8): fetched in the background from the responder
// that the certificate names, renewed at half its life, shown only while it is good. A handshake never waits for it.

import tls from 'node:tls';
import type { Log } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import { askResponder } from './ocsp-client.ts';
import type { OwnCertificate } from './own-pair.ts';
import { statusSourcesOf } from './status-sources.ts';
import type { Web } from './web.ts';

const AGAIN_MS = 10 * 60_000;

interface Staple {
  readonly response?: Buffer;
  readonly until: number;
  readonly refreshAt: number;
}
/** node's signature of the answer to 'OCSPRequest'. */
type Answer = (error: Error | null, response: Buffer | null) => void;

/** Keeps them. One for a process. */
export class OwnStaples {
  readonly #web: Web;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #staples = new WeakMap<OwnCertificate, Staple>();
  readonly #asking = new WeakSet<OwnCertificate>();
  readonly #servers = new WeakMap<OwnCertificate, tls.Server>();
  /** The certificate that SNI has just chosen, while node asks for its status. */
  #chosen: OwnCertificate | undefined;

  constructor(parts: { readonly web: Web; readonly clock: Clock; readonly log: Log }) {
    this.#web = parts.web;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** What to staple now; undefined: nothing. What is missing or half through its life is fetched in the background. */
  current(own: OwnCertificate): Buffer | undefined {
    const staple = this.#staples.get(own);
    const now = this.#clock.now();
    if (staple === undefined || now >= staple.refreshAt) void this.#fetch(own);
    return staple !== undefined && now < staple.until ? staple.response : undefined;
  }

  /**
   * node asks a tls.Server for the status to staple, and a socket for its server. This one never listens.
   * @param own what is shown when the peer names no server
   */
  serverFor(own: OwnCertificate): tls.Server {
    let server = this.#servers.get(own);
    if (server === undefined) {
      server = tls.createServer();
      server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, answer: Answer) =>
        answer(null, this.current(this.#chosen ?? own) ?? null),
      );
      this.#servers.set(own, server);
    }
    return server;
  }

  /** Calls `done`, within which node asks for the status of the certificate that was chosen by SNI (measured; held by a test). */
  choosing(own: OwnCertificate, done: () => void): void {
    this.#chosen = own;
    try {
      done();
    } finally {
      this.#chosen = undefined;
    }
  }

  async #fetch(own: OwnCertificate): Promise<void> {
    const [certificate, issuer] = own.chain;
    const [url] = statusSourcesOf(certificate).ocsp;
    if (url === undefined || issuer === undefined || this.#asking.has(own)) return;
    this.#asking.add(own);
    // The URL stands in a certificate that the operator has put there, not a peer.
    const { answer, response } = await askResponder(this.#web, url, { certificate, issuer, allowPrivateAddresses: true }, this.#clock);
    this.#asking.delete(own);
    const now = this.#clock.now();
    if (answer.is === 'good' && response !== undefined) {
      this.#staples.set(own, { response, until: answer.until, refreshAt: now + Math.max(AGAIN_MS, (answer.until - now) / 2) });
      return;
    }
    const found = answer.is === 'none' ? `${url} ${answer.why}` : `${url} says it is revoked`;
    this.#log.warn({ event: 'cert.unstapled', name: own.name, found }, 'no status to staple for a certificate of ours');
    const before = this.#staples.get(own);
    const kept = answer.is === 'none' && before?.response !== undefined ? before : { until: 0 };
    this.#staples.set(own, { ...kept, refreshAt: now + AGAIN_MS });
  }
}
