// The edge of one process, put together: certificates, trust, names, connections out, and the listening sockets.

import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import { Admission, EDGE_LIMITS } from '../edge/admission.ts';
import { CertificateStatus } from '../edge/certificate-status.ts';
import { makeConnector } from '../edge/connect.ts';
import type { Edge } from '../edge/link.ts';
import { Listener, openAll } from '../edge/listener.ts';
import { OwnCertificates } from '../edge/own-certificates.ts';
import { OwnStaples } from '../edge/own-staples.ts';
import type { PassportObserver } from '../edge/passport-book.ts';
import { PathValidator } from '../edge/path-validation.ts';
import { Posh } from '../edge/posh.ts';
import { makeResolver } from '../edge/resolver.ts';
import { SessionBook } from '../edge/sessions.ts';
import { makeTlsUpgrade } from '../edge/tls-upgrade.ts';
import { type Trust, TrustStore } from '../edge/trust-store.ts';
import { makeWeb, type Web } from '../edge/web.ts';
import { type Log, SILENT } from '../log.ts';
import { hostPort } from '../model/host-port.ts';
import type { Clock, Connector, Ids, Link, Resolver, TlsUpgrade } from '../model/ports.ts';
import type { Table } from '../model/table.ts';

export interface EdgeParts {
  readonly edge: Edge;
  readonly own: OwnCertificates;
  readonly trust: TrustStore;
  readonly resolver: Resolver;
  readonly connector: Connector;
  readonly upgrade: TlsUpgrade;
  readonly web: Web;
}

/** The part of a home that the edge is made from. */
export interface EdgeSettings extends Pick<Home, 'dir' | 'dns'> {
  readonly edge: Pick<Home['edge'], 'sip' | 'xmpp'>;
  readonly inside: Pick<Home['inside'], 'sip'>;
  readonly outbound: Pick<Home['outbound'], 'sourceAddress' | 'httpProxy'>;
}

/** Where a process keeps what the edge sees. */
export interface Kept {
  readonly passports?: PassportObserver;
  readonly log?: Log;
}

/**
 * Reads the certificates of a home and makes what connections need. Opens nothing.
 * @param kept what a process keeps of what it sees: passports of partners, and its log; a tool that only looks has neither
 */
export function makeEdge(home: EdgeSettings, table: () => Table, clock: Clock, ids: Ids, kept: Kept = {}): EdgeParts {
  const folder = join(home.dir, 'certs');
  const trust = new TrustStore({ folder, partnerDomains: () => new Set(table().partners.keys()) });
  const own = new OwnCertificates({ folder, clock, domains: () => table().domains, anchors: () => trust.current.edge });
  const servers = home.dns.servers.map(hostPort);
  const resolver = makeResolver({ clock, servers });
  const sessions = new SessionBook(clock);
  const listening = new Set(
    [...home.edge.sip, ...home.edge.xmpp, ...home.inside.sip].map((bind) => bind.address).filter((address) => address !== '*'),
  );
  const { httpProxy } = home.outbound;
  const web = makeWeb({
    resolver,
    clock,
    ownAddresses: () => listening,
    roots: webRoots(() => trust.current),
    ...(httpProxy !== undefined && { httpProxy }),
  });
  const validator = new PathValidator(clock);
  const edge: Edge = {
    own,
    ids,
    clock,
    table,
    resolver,
    trust: () => trust.current,
    validator,
    sessions,
    posh: new Posh({ web, clock }),
    staples: new OwnStaples({ web, clock, log: kept.log ?? SILENT }),
    status: new CertificateStatus({ web, clock, log: kept.log ?? SILENT, background: kept.log !== undefined }),
    ...(kept.passports && { passports: kept.passports }),
    shaken: (protocol, direction, ms) => kept.log?.debug({ event: 'tls.done', protocol, direction, ms }),
  };
  const [sourceAddress] = home.outbound.sourceAddress;
  const connector = makeConnector({ edge, ownAddresses: () => listening, ...(sourceAddress !== undefined && { sourceAddress }) });
  return { edge, own, trust, resolver, connector, upgrade: makeTlsUpgrade(edge), web };
}

/** PEM of the system's roots and of certs/trust/edge, made once for each generation. */
function webRoots(trust: () => Trust): () => readonly string[] {
  let made: { readonly generation: number; readonly pems: readonly string[] } | undefined;
  return () => {
    const { generation, edgeRoots } = trust();
    if (made?.generation !== generation) made = { generation, pems: edgeRoots.map((root) => root.toString()) };
    return made.pems;
  };
}

/** Who takes the connections. */
export interface Doors {
  sip(link: Link): void;
  xmpp(link: Link, mode: 'starttls' | 'direct'): void;
  /** Internal XMPP servers that dial us. */
  component(link: Link): void;
  /** Blocked by policy: closed without a word. */
  refuses(address: string): boolean;
}

/** Opens every listening socket of the home, or none: the first that fails closes the others. */
export async function openListeners(home: Home, edge: Edge, doors: Doors, log: Log): Promise<readonly Listener[]> {
  const admission = new Admission(EDGE_LIMITS);
  const identity = home.edge.identity === undefined ? {} : { identity: home.edge.identity };
  const outside = {
    side: 'edge',
    edge,
    admission,
    log,
    ...identity,
    refuses: doors.refuses,
    proxyFrom: home.edge.proxyProtocolFrom,
  } as const;
  const inside = { side: 'inside', edge, admission: new Admission(EDGE_LIMITS), log } as const;
  const wanted = [
    ...home.edge.sip.map((bind) => new Listener({ ...outside, protocol: 'sip', bind, onLink: doors.sip })),
    ...home.edge.xmpp.map((bind) => {
      const mode = bind.transport === 'tls' ? 'direct' : 'starttls';
      // XEP-0368 §2: direct TLS is offered with ALPN xmpp-server.
      const alpn = mode === 'direct' ? { alpn: ['xmpp-server'] } : {};
      return new Listener({ ...outside, ...alpn, protocol: 'xmpp', bind, onLink: (link) => doors.xmpp(link, mode) });
    }),
    ...home.inside.sip.map((bind) => new Listener({ ...inside, protocol: 'sip', bind, onLink: doors.sip })),
    ...home.inside.component.map((bind) => new Listener({ ...inside, protocol: 'xmpp', bind, onLink: doors.component })),
  ];
  for (const pair of edge.own.all) edge.staples?.current(pair); // fetched by the time somebody asks
  return openAll(wanted);
}
