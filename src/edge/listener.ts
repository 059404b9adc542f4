// A listening socket: accepts, counts, makes TLS and hands out Links. One bad connection costs a place for five seconds
// and nothing else: every socket has an error listener from its first moment.

import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../log.ts';
import type { Side } from '../model/event.ts';
import { ConnectError, type Link } from '../model/ports.ts';
import type { Spoken } from '../model/sessions.ts';
import { addressMatches, plainAddress } from './address-ranges.ts';
import type { Admission } from './admission.ts';
import { type Bind, showBind } from './bind.ts';
import { shakeAsServer } from './handshake.ts';
import { type Edge, plainLink, secureLink } from './link.ts';
import { takeProxyHeader } from './proxy-protocol.ts';
import { HANDSHAKE_TIMEOUT_MS } from './tls-settings.ts';

export interface ListenerOptions {
  readonly bind: Bind;
  readonly side: Side;
  readonly protocol: Spoken;
  readonly edge: Edge;
  readonly admission: Admission;
  readonly log: Log;
  /** `identity:` of isthmus.yaml: the pair in certs/own for a peer without SNI. */
  readonly identity?: string;
  /** Offered on direct TLS (XEP-0368: `xmpp-server`); a peer that offers nothing is welcome too. */
  readonly alpn?: readonly string[];
  /** Blocked by policy: closed without a word. */
  readonly refuses?: (address: string) => boolean;
  readonly handshakeTimeoutMs?: number;
  /** Load balancers (addresses, CIDR) that say with PROXY v2 whose connection they bring; from them it must come. */
  readonly proxyFrom?: readonly string[];
  onLink(link: Link): void;
}

const KEEP_ALIVE_MS = 60_000;
/** Connections of load balancers that have not yet said whose they are. */
const MAX_UNNAMED = 2000;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #handshaking = new Set<Socket>();
  readonly #unnamed = new Set<Socket>();
  #server: Server | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Where it really listens, once open. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.bind.port;
  }
  get side(): Side {
    return this.#options.side;
  }
  get protocol(): Spoken {
    return this.#options.protocol;
  }
  get bind(): Bind {
    return { ...this.#options.bind, port: this.port };
  }

  /** Rejects with the system's error when the address cannot be bound. */
  async open(): Promise<void> {
    const { bind } = this.#options;
    try {
      await this.#listen(bind.address === '*' ? '::' : bind.address).catch((error: unknown) => {
        // `*` on a machine without IPv6.
        if (bind.address !== '*' || !/EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(error))) throw error;
        return this.#listen('0.0.0.0');
      });
    } catch (error) {
      throw new Error(whyNot(this.#options, error), { cause: error });
    }
  }

  /** Stops accepting; connections that are open stay, handshakes in progress end. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of [...this.#handshaking, ...this.#unnamed]) socket.destroy();
    // net waits for open connections before it calls back; they are not ours to wait for.
    server?.close();
  }

  #listen(host: string): Promise<void> {
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => void this.#accept(socket),
    );
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: this.#options.bind.port }, () => {
        server.off('error', reject);
        // Accepting can fail later, when file descriptors run out: say so, keep listening.
        server.on('error', (error) =>
          this.#options.log.error({ event: 'listener.failed', listener: showBind(this.bind), err: error.message }),
        );
        this.#server = server;
        resolve();
      });
    });
  }

  async #accept(socket: Socket): Promise<void> {
    const { edge, side, protocol, bind, admission, log } = this.#options;
    socket.on('error', () => {}); // whoever uses the link listens too; without one a reset would end the process
    const from = await this.#comesFrom(socket);
    if (from === undefined || this.#server === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    const { address } = from;
    const leave = this.#options.refuses?.(address) ? undefined : admission.enter(address);
    if (leave === undefined) {
      log.debug({ event: 'connection.refused', listener: showBind(this.bind), address }, 'blocked, or too many connections');
      socket.destroy();
      return;
    }
    socket.on('close', leave);
    if (bind.transport === 'starttls' || bind.transport === 'plain') {
      this.#options.onLink(plainLink(socket, { protocol, side, direction: 'in', from }, edge));
      return;
    }
    this.#handshaking.add(socket);
    try {
      const done = await shakeAsServer(socket, {
        own: edge.own,
        // A name in a certificate is for the web what it is for XMPP: a dNSName (RFC 9110 §4.3.4).
        protocol: protocol === 'web' ? 'xmpp' : protocol,
        asks: side !== 'local', // people's clients sign in with a password
        clock: edge.clock,
        timeoutMs: this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
        ...(this.#options.alpn ? { alpn: this.#options.alpn } : {}),
        ...(edge.staples ? { staples: edge.staples } : {}),
        ...(this.#options.identity === undefined ? {} : { identity: this.#options.identity }),
      });
      if (this.#server === undefined) done.socket.destroy();
      else this.#options.onLink(secureLink(done, { protocol, side, direction: 'in', from }, edge));
    } catch (error) {
      const text = error instanceof ConnectError ? error.reason.text : String(error);
      log.info({ event: 'tls.failed', listener: showBind(this.bind), address, reason: text }, 'no TLS with this peer');
    } finally {
      this.#handshaking.delete(socket);
    }
  }

  /** Who is at the other end: the socket's, or as a listed load balancer says. Undefined: it should have said and did not. */
  async #comesFrom(socket: Socket): Promise<{ readonly address: string; readonly port: number } | undefined> {
    const own = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    if (this.#options.proxyFrom?.some((entry) => addressMatches(entry, own.address)) !== true) return own;
    const { edge, log } = this.#options;
    const refused = (found: string): undefined => {
      const facts = { listener: showBind(this.bind), address: own.address, found };
      log.warn({ event: 'proxy.refused', ...facts }, 'a load balancer must say whose connection it is');
    };
    if (this.#unnamed.size >= MAX_UNNAMED) return refused('too many connections without a PROXY v2 header');
    this.#unnamed.add(socket);
    const header = await takeProxyHeader(socket, edge.clock, this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS);
    this.#unnamed.delete(socket);
    return typeof header === 'string' ? refused(header) : (header.from ?? own);
  }
}

/** Opens all or none: the first that cannot be opened closes the others. @throws what its `open` threw */
export async function openAll(wanted: readonly Listener[]): Promise<readonly Listener[]> {
  const open: Listener[] = [];
  try {
    for (const listener of wanted) {
      await listener.open();
      open.push(listener);
    }
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
  return open;
}

/** For the operator: which line of isthmus.yaml it is about, and what would help. */
function whyNot({ side, protocol, bind }: ListenerOptions, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const help = said.includes('EADDRINUSE')
    ? 'another program has the port'
    : said.includes('EADDRNOTAVAIL')
      ? 'this machine does not have the address'
      : said.includes('EACCES')
        ? 'this user may not open the port; those above 1023 need no right (deploy/dmz.md)'
        : 'see there';
  return `${side === 'local' ? 'clients' : side}.${protocol} of isthmus.yaml: ${showBind(bind)} cannot be listened on: ${help} (${said})`;
}
