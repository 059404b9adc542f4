// How a hostile party reaches a running edge: SIP over TLS or TCP, XMPP as far as wanted, or bytes alone.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RawPeer } from '../support/raw-peer.ts';
import type { Credentials, RawStream } from '../support/raw-stream.ts';
import { external, openStream } from '../support/xmpp-peer.ts';
import { CORP, PARTNER } from './names.ts';

/** Where the edge is, and what its good partners show. */
export interface Reachable {
  readonly ports: { readonly sip: number; readonly xmpp: number; readonly inside: number };
  readonly fabrikam: Credentials;
  readonly partner: Credentials;
}

export class Callers {
  readonly at: Reachable;
  readonly #sockets = new Set<Socket>();

  constructor(at: Reachable) {
    this.at = at;
  }

  /** A SIP connection from outside. @param shown the certificate; `none` shows none */
  async sip(shown: Credentials | 'none' = this.at.fabrikam): Promise<RawPeer> {
    const own = shown === 'none' ? {} : { cert: shown.chainPem, key: shown.keyPem };
    const socket = connectTls({ host: '127.0.0.1', port: this.at.ports.sip, rejectUnauthorized: false, ...own });
    this.#keep(socket);
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new RawPeer(socket);
  }

  /** A SIP connection over plain TCP, from a server of ours. */
  async insideSip(): Promise<RawPeer> {
    const socket = await this.tcp(this.at.ports.inside);
    return new RawPeer(socket);
  }

  /** An XMPP stream from outside, as far as TLS or, usually, authenticated. */
  async xmpp(
    as: { readonly from?: string; readonly to?: string; readonly shown?: Credentials; readonly only?: 'tls' } = {},
  ): Promise<RawStream> {
    const { from = PARTNER, to = CORP, shown = this.at.partner } = as;
    const { stream } = await openStream({ address: '127.0.0.1', port: this.at.ports.xmpp, from, to, credentials: shown });
    this.#keep(stream.socket);
    if (as.only === 'tls') return stream;
    const said = await external(stream, from, to);
    if (said !== 'success') throw new Error(`EXTERNAL was answered ${said}`);
    return stream;
  }

  /** Bytes alone. @param port default: the XMPP door; @param localAddress where they come from */
  async tcp(port = this.at.ports.xmpp, localAddress = '127.0.0.1'): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, localAddress });
    this.#keep(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }

  /** Ends every connection made here. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }
}
