// One TLS handshake on a connected socket, as server or client: bounded in time, the peer's certificate always asked for
// and never judged here, and no error event without a listener, so that a reset never ends the process.

import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { reason } from '../errors.ts';
import { type Clock, ConnectError } from '../model/ports.ts';
import type { Protocol } from '../model/table.ts';
import type { OwnCertificate, OwnCertificates } from './own-certificates.ts';
import type { OwnStaples } from './own-staples.ts';
import { tlsFailure } from './tls-failure.ts';
import { ASK_NEVER_JUDGE } from './tls-settings.ts';

export interface Handshaken {
  readonly socket: TLSSocket;
  /** The TCP socket below. */
  readonly raw: Socket;
  /** Which certificate of ours the peer was shown; a client whose server did not ask showed none. */
  readonly own: OwnCertificate;
  readonly serverName?: string;
  /** How long it took. */
  readonly ms: number;
  /** As client: the server asked for our certificate. Which authorities it named, node does not tell. */
  readonly asked?: boolean;
  /** As client: the certificate status that the server stapled (RFC 6066 §8), as sent. */
  readonly staple?: Buffer;
}
interface Common {
  readonly own: OwnCertificates;
  readonly protocol: Protocol;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly alpn?: readonly string[];
}

/** A status is one to three kilobytes, with the responder's own certificate. */
const MAX_STAPLE_BYTES = 16 * 1024;

/** As server. @param domain the certificate for a peer without SNI (STARTTLS knows the domain), else `identity` of the listener */
export function shakeAsServer(
  raw: Socket,
  options: Common & {
    readonly domain?: string;
    readonly identity?: string;
    readonly staples?: OwnStaples;
    /** False: the peer's certificate is not asked for, as with people's clients. */
    readonly asks?: boolean;
  },
): Promise<Handshaken> {
  let own = options.domain === undefined ? options.own.default(options.identity) : options.own.choose(options.domain, options.protocol);
  if (own === undefined) return Promise.reject(noCertificate(raw));
  let serverName: string | undefined;
  const socket = new tls.TLSSocket(raw, {
    isServer: true,
    ...ASK_NEVER_JUDGE,
    requestCert: options.asks ?? true,
    secureContext: own.context('TLSv1.2'),
    ...(options.staples ? { server: options.staples.serverFor(own) } : {}),
    ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
    SNICallback: (name, done) => {
      serverName = name;
      // A name that none of ours carries gets the same certificate as no name: the peer judges.
      own = options.own.covering(name, options.protocol) ?? own;
      const chosen = own;
      const answer = (): void => done(null, chosen?.context('TLSv1.2'));
      if (chosen === undefined || options.staples === undefined) answer();
      else options.staples.choosing(chosen, answer);
    },
  });
  return settle(raw, socket, 'secure', options, `with ${raw.remoteAddress}`, () => ({
    socket,
    raw,
    own: own!, // set above and only ever replaced by another
    ...(serverName === undefined ? {} : { serverName }),
  }));
}

/** As client. @param identity our domain whose certificate is shown */
export function shakeAsClient(
  raw: Socket,
  options: Common & {
    readonly identity: string;
    readonly serverName?: string;
    readonly atLeast?: 'TLSv1.2' | 'TLSv1.3';
    readonly name: string;
  },
): Promise<Handshaken> {
  const own = options.own.choose(options.identity, options.protocol);
  if (own === undefined) return Promise.reject(noCertificate(raw));
  let staple: Buffer | undefined;
  const socket = tls.connect({
    socket: raw,
    ...ASK_NEVER_JUDGE,
    requestOCSP: true,
    secureContext: own.context(options.atLeast ?? 'TLSv1.2'),
    checkServerIdentity: () => undefined, // peer-identity.ts does, by the rules of each protocol
    // RFC 6066 §3: no addresses in SNI. node would put its host name there by itself.
    servername: options.serverName !== undefined && isIP(options.serverName) === 0 ? options.serverName : '',
    ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
  });
  // node's types promise a Buffer; without a staple it is null.
  socket.once('OCSPResponse', (response: Buffer | null) => {
    if (response !== null && response.length <= MAX_STAPLE_BYTES) staple = response;
  });
  return settle(raw, socket, 'secureConnect', options, `with ${options.name}`, () => ({
    socket,
    raw,
    own,
    // Measured: signature algorithms are shared in the CertificateRequest; without one there are none, in TLS 1.2 and 1.3.
    asked: socket.getSharedSigalgs().length > 0,
    ...(staple === undefined ? {} : { staple }),
  }));
}

/** The leaf and what else the peer sent; undefined when it showed none. */
export function shownCertificates(socket: TLSSocket): [X509Certificate, ...X509Certificate[]] | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const chain: [X509Certificate, ...X509Certificate[]] = [leaf];
  for (let next = leaf.issuerCertificate; next !== undefined && chain.length < 16; next = next.issuerCertificate) {
    if (chain.some((one) => one.fingerprint256 === next?.fingerprint256)) break; // a root is its own issuer
    chain.push(next);
  }
  return chain;
}

function settle(
  raw: Socket,
  socket: TLSSocket,
  done: 'secure' | 'secureConnect',
  options: Common,
  from: string,
  result: () => Omit<Handshaken, 'ms'>,
): Promise<Handshaken> {
  const begun = options.clock.monotonic();
  // For the life of both sockets: an error without a listener would end the process. Whoever uses the link adds its own.
  raw.on('error', ignored);
  socket.on('error', ignored);
  return new Promise<Handshaken>((resolve, reject) => {
    const fail = (why: ConnectError): void => {
      finish();
      socket.destroy();
      raw.destroy();
      reject(why);
    };
    const onError = (error: Error): void => fail(new ConnectError(tlsFailure(error, from), { cause: error }));
    const onClose = (): void => onError(new Error('disconnected before secure'));
    const onDone = (): void => {
      finish();
      resolve({ ...result(), ms: options.clock.monotonic() - begun });
    };
    const timer = options.clock.after(options.timeoutMs, () => {
      const text = `The TLS handshake ${from} was not finished within ${options.timeoutMs} ms.`;
      fail(new ConnectError(reason('NET_TLS_FAILED', text, { finer: 'TLS_SILENT' })));
    });
    const finish = (): void => {
      timer.cancel();
      socket.off('error', onError).off('close', onClose).off(done, onDone);
      raw.off('error', onError).off('close', onClose);
    };
    socket.on('error', onError).on('close', onClose).on(done, onDone);
    raw.on('error', onError).on('close', onClose);
  });
}

function noCertificate(raw: Socket): ConnectError {
  raw.destroy();
  return new ConnectError(
    reason('NET_TLS_FAILED', 'There is no certificate of ours to show; put a chain and its key into certs/own/<name>/.'),
  );
}
function ignored(): void {}
