// A SipShore on loopback with fakes at the socket only: peers are plain TCP sockets whose certificate a test makes up.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import type { Side } from '../../src/model/event.ts';
import {
  ConnectError,
  type ConnectTarget,
  type Hop,
  type Link,
  type Peer,
  type ProofResult,
  type Resolver,
} from '../../src/model/ports.ts';
import type { HostPort, NextHop, Table } from '../../src/model/table.ts';
import type { BuildRequest } from '../../src/protocols/sip/exchange.ts';
import { SipShore, type SipShoreParts } from '../../src/protocols/sip/shore.ts';
import { ManualClock } from './manual-clock.ts';
import { NO_NOTES } from './notes.ts';
import { Arrivals, RawPeer } from './raw-peer.ts';
import { printSip } from './sip-message.ts';
import { ownDomain, partner, table } from './table.ts';

export const OURS = 'contoso.example';
export const THEIRS = 'fabrikam.example';

export interface Identity {
  /** Domains that the peer's made-up certificate names. */
  readonly proves?: readonly string[];
  /** The answer comes only when this is resolved, as with a DNS look-up. */
  readonly slowly?: Promise<void>;
  /** Ours that we showed; default OURS. */
  readonly showsOurs?: readonly string[];
}

export function fakeLink(socket: Socket, direction: 'in' | 'out', side: Side, identity: Identity, id: string): Link {
  const known = new Map<string, ProofResult>();
  const judge = (domain: string): ProofResult =>
    (identity.proves ?? [THEIRS]).includes(domain)
      ? { proven: true, how: side === 'edge' ? 'certificate' : 'inside' }
      : {
          proven: false,
          reason: reason(
            direction === 'out' ? 'CERT_PEER_NAME_MISMATCH' : 'AUTH_DOMAIN_NOT_PROVEN',
            `the certificate does not name ${domain}`,
          ),
        };
  const peer: Peer = {
    side,
    address: socket.remoteAddress ?? '127.0.0.1',
    port: socket.remotePort ?? 0,
    names: identity.proves ?? [THEIRS],
    provenAlready: (domain) => known.get(domain),
    proves: async (domain) => {
      await identity.slowly;
      const result = judge(domain);
      known.set(domain, result);
      return result;
    },
  };
  return {
    id,
    socket,
    peer,
    notes: NO_NOTES,
    direction,
    secure: side === 'edge',
    local: { address: '127.0.0.1', port: 5061 },
    showsOurs: (domain) => (identity.showsOurs ?? [OURS]).includes(domain),
  };
}

/** A partner's or inside server that listens. */
export class FarServer {
  readonly peers = new Arrivals<RawPeer>('a connection to the far server');
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.peers.push(new RawPeer(socket));
    });
  }

  get at(): HostPort {
    return { host: '127.0.0.1', port: this.port };
  }

  next(): Promise<RawPeer> {
    return this.peers.next();
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

async function listen(): Promise<Server> {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export const NO_DNS: Resolver = {
  srv: async () => ({ kind: 'none' }),
  naptr: async () => [],
  addresses: async () => ({ kind: 'none' }),
};

export class ExchangeWorld implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly shore: SipShore;
  /** What outbound connections prove, by port; default THEIRS (edge), OURS (inside). */
  readonly identities = new Map<number, Identity>();
  table: Table = table([ownDomain(OURS, 'sip')], [partner(THEIRS)]);
  connects = 0;
  readonly seen: string[] = [];
  readonly #server: Server;
  readonly #farServers: FarServer[] = [];
  readonly #raw: RawPeer[] = [];
  #arrivals: { side: Side; identity: Identity }[] = [];
  #ids = 0;

  private constructor(server: Server, more: Partial<SipShoreParts>) {
    this.#server = server;
    this.shore = new SipShore({
      connector: { connect: (target) => this.#connect(target) },
      resolver: NO_DNS,
      clock: this.clock,
      ids: { event: () => `event-${++this.#ids}`, token: () => `t${(++this.#ids).toString(16).padStart(6, '0')}` },
      log: SILENT,
      table: () => this.table,
      edgeHost: 'edge.contoso.example',
      insideHost: 'in.contoso.example:5060',
      partnerSeen: (domain) => this.seen.push(domain),
      ...more,
    });
    server.on('connection', (socket) => {
      const arrival = this.#arrivals.shift() ?? { side: 'edge' as const, identity: {} };
      this.shore.accept(fakeLink(socket, 'in', arrival.side, arrival.identity, `in-${++this.#ids}`));
    });
  }

  static async open(more: Partial<SipShoreParts> = {}): Promise<ExchangeWorld> {
    return new ExchangeWorld(await listen(), more);
  }

  /** A peer connects to us. */
  async arrive(side: Side = 'edge', identity: Identity = side === 'edge' ? {} : { proves: [OURS] }): Promise<RawPeer> {
    this.#arrivals.push({ side, identity });
    const socket = connect({ host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port, noDelay: true });
    const peer = new RawPeer(socket);
    this.#raw.push(peer);
    await new Promise((resolve) => socket.once('connect', resolve));
    return peer;
  }

  async farServer(): Promise<FarServer> {
    const far = new FarServer(await listen());
    this.#farServers.push(far);
    return far;
  }

  /** A far server that we have a connection to: its peer has taken one request and answered 200. */
  async metFarServer(callId = 'ours-1'): Promise<{ readonly far: FarServer; readonly hop: Hop; readonly peer: RawPeer }> {
    const far = await this.farServer();
    const hop = this.edgeHop(far.at);
    const first = this.shore.request(hop, outgoing(callId));
    const peer = await far.next();
    peer.answer(await peer.next(), '200 OK');
    await first;
    return { far, hop, peer };
  }

  edgeHop(...hosts: readonly HostPort[]): Hop {
    const entry = partner(THEIRS);
    return { network: 'sip', side: 'edge', ourDomain: OURS, theirDomain: THEIRS, partner: { ...entry, sip: { ...entry.sip, hosts } } };
  }

  insideHop(...hosts: readonly HostPort[]): Hop {
    const nextHop = hosts.map((at): NextHop => ({ ...at, transport: 'tcp' }));
    return { network: 'sip', side: 'inside', ourDomain: OURS, theirDomain: OURS, own: ownDomain(OURS, 'sip', { nextHop }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#raw) peer.socket.destroy();
    for (const far of this.#farServers) await far.close();
    for (const session of this.shore.sessions()) this.shore.closeSession(session.id);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.clock.advance(10_000);
  }

  #connect(target: ConnectTarget): Promise<Link> {
    this.connects += 1;
    return new Promise((resolve, reject) => {
      const socket = connect({ host: target.host, port: target.port, noDelay: true });
      const refused = () => reject(new ConnectError(reason('NET_CONNECT_REFUSED', `${target.host}:${target.port} refused`)));
      socket.once('error', refused);
      socket.once('connect', () => {
        socket.off('error', refused);
        const identity = this.identities.get(target.port) ?? { proves: [target.side === 'edge' ? THEIRS : OURS] };
        resolve(fakeLink(socket, 'out', target.side, identity, `out-${++this.#ids}`));
      });
    });
  }
}

let requests = 0;

/** An ordinary request of nora's to li, with lines replaced by name or added. */
export function ask(method: string, changes: Readonly<Record<string, string | readonly string[]>> = {}, body = ''): string {
  requests += 1;
  const lines: Record<string, string | readonly string[]> = {
    Via: `SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK-${requests}`,
    'Max-Forwards': '70',
    From: '<sip:nora@fabrikam.example>;tag=n0ra',
    To: '<sip:li@contoso.example>',
    'Call-ID': `call-${requests}`,
    CSeq: `1 ${method}`,
    ...changes,
  };
  const { uri = 'sip:li@contoso.example', ...named } = lines;
  const printed = Object.entries(named).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).filter((each) => each !== '-').map((each) => `${name}: ${each}`),
  );
  return printSip(`${method} ${String(uri)} SIP/2.0`, printed, body);
}

/** A MESSAGE of ours to nora. */
export function outgoing(callId = 'ours-1', cseq = 1): BuildRequest {
  return () => ({
    method: 'MESSAGE',
    uri: 'sip:nora@fabrikam.example',
    headers: [
      ['From', '<sip:li@contoso.example>;tag=li1'],
      ['To', '<sip:nora@fabrikam.example>'],
      ['Call-ID', callId],
      ['CSeq', `${cseq} MESSAGE`],
      ['Content-Type', 'text/plain'],
    ],
    body: 'hello',
  });
}
