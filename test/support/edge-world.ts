// Our edge for tests: a home's certs folder in a temporary place, a table, DNS answers from a map, and everything wired
// as assembly does it. Sockets are real and on loopback.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { Admission, type AdmissionLimits } from '../../src/edge/admission.ts';
import { makeIds } from '../../src/edge/ids.ts';
import type { Edge } from '../../src/edge/link.ts';
import { Listener, type ListenerOptions } from '../../src/edge/listener.ts';
import { OwnCertificates } from '../../src/edge/own-certificates.ts';
import { PathValidator } from '../../src/edge/path-validation.ts';
import { SessionBook } from '../../src/edge/sessions.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import { TrustStore } from '../../src/edge/trust-store.ts';
import { SILENT } from '../../src/log.ts';
import type { Link, Resolver, SrvAnswer } from '../../src/model/ports.ts';
import type { Table } from '../../src/model/table.ts';
import { type Ca, type Issued, makeCa } from './ca.ts';
import { ownDomain, table } from './table.ts';

export interface EdgeWorldOptions {
  /** Files of certs/, by path inside it. */
  readonly files?: Readonly<Record<string, string>>;
  readonly systemRoots?: readonly string[];
  /** Names of our certificate; default corp.example. */
  readonly ours?: readonly string[];
  readonly table?: Table;
}

/** Answers from maps; a name that is not there has none. */
export class MapResolver implements Resolver {
  readonly services = new Map<string, SrvAnswer>();
  readonly hosts = new Map<string, readonly string[]>();
  async srv(name: string): Promise<SrvAnswer> {
    return this.services.get(name) ?? { kind: 'none' };
  }
  async naptr(): Promise<readonly []> {
    return [];
  }
  async addresses(host: string) {
    const addresses = this.hosts.get(host) ?? (/^[\d.]+$|:/.test(host) ? [host] : undefined);
    return addresses ? ({ kind: 'addresses', addresses } as const) : ({ kind: 'none' } as const);
  }
}

export class EdgeWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'isthmus-edge-'));
  readonly ourCa: Ca = makeCa('Our CA');
  readonly ours: Issued;
  readonly resolver = new MapResolver();
  readonly trust: TrustStore;
  readonly own: OwnCertificates;
  readonly edge: Edge;
  readonly sessions = new SessionBook(systemClock);
  table: Table;
  readonly #closing: (() => unknown)[] = [];

  constructor(options: EdgeWorldOptions = {}) {
    this.ours = this.ourCa.issue({ names: options.ours ?? ['corp.example'] });
    this.table = options.table ?? table([ownDomain('corp.example', 'sip')], []);
    this.writePair('corp', this.ours);
    for (const [path, text] of Object.entries(options.files ?? {})) this.write(path, text);
    this.trust = new TrustStore({ folder: this.folder, systemRoots: () => options.systemRoots ?? [] });
    this.own = new OwnCertificates({ folder: this.folder, clock: systemClock, domains: () => this.table.domains });
    this.edge = {
      table: () => this.table,
      trust: () => this.trust.current,
      validator: new PathValidator(systemClock),
      sessions: this.sessions,
      resolver: this.resolver,
      clock: systemClock,
      own: this.own,
      ids: makeIds(systemClock),
    };
  }

  /** Writes one file of certs/. */
  write(path: string, text: string, mode = 0o600): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text, { mode });
  }
  writePair(name: string, pair: Issued): void {
    this.write(`own/${name}/fullchain.pem`, pair.chainPem);
    this.write(`own/${name}/key.pem`, pair.keyPem);
  }

  /** A listener on a free loopback port; `next()` waits for its next link. */
  async listen(
    text = 'tls://127.0.0.1:0',
    more: Partial<
      Pick<ListenerOptions, 'side' | 'protocol' | 'alpn' | 'identity' | 'handshakeTimeoutMs' | 'refuses' | 'proxyFrom' | 'log'>
    > & {
      limits?: AdmissionLimits;
    } = {},
  ): Promise<{ readonly listener: Listener; readonly port: number; readonly admission: Admission; next(): Promise<Link> }> {
    const [, transport, address = '', port] = /^(\w+):\/\/(.+):(\d+)$/.exec(text) ?? [];
    if (transport !== 'tls' && transport !== 'starttls' && transport !== 'plain') throw new Error(`${text} is no place to listen`);
    const ready: Link[] = [];
    const waiting: ((link: Link) => void)[] = [];
    const admission = new Admission(more.limits);
    const listener = new Listener({
      side: 'edge',
      protocol: 'sip',
      log: SILENT,
      ...more,
      bind: { transport, address: address.replace(/^\[|\]$/g, ''), port: Number(port) },
      edge: this.edge,
      admission,
      onLink: (link) => {
        this.#closing.push(() => link.socket.destroy());
        const taker = waiting.shift();
        if (taker) taker(link);
        else ready.push(link);
      },
    });
    await listener.open();
    this.#closing.push(() => listener.close());
    const next = (): Promise<Link> => {
      const link = ready.shift();
      return link ? Promise.resolve(link) : new Promise((resolve) => waiting.push(resolve));
    };
    return { listener, port: listener.port, admission, next };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Dials with a certificate of the peer's; resolves once TLS is done. The caller destroys the socket. */
export function dial(port: number, pair: Issued | undefined, more: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ...(pair ? { cert: pair.chainPem, key: pair.keyPem } : {}),
      ...more,
    });
    socket.on('error', reject).once('secureConnect', () => resolve(socket));
  });
}
