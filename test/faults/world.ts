// The system under test: the real `isthmus start --home DIR` as a process of its own, between a scripted SIP system inside and
// scripted XMPP partners outside, with a fault proxy on each of the four roads. Everything is on loopback, on free ports.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';
import { type Ca, type Issued, makeCa } from '../support/ca.ts';
import { freePorts } from '../support/free-ports.ts';
import { Home, type LogLine } from '../support/home.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { listens, until } from '../support/wait.ts';
import { Ledger } from './ledger.ts';
import { FaultProxy } from './proxy.ts';
import { SIP_DOMAIN, SIP_HOST, SipSide } from './sip-side.ts';
import { XmppPartner } from './xmpp-partner.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const MANY = 1_000_000;
export const PARTNER = 'partner.example';
export const SLOW = 'slow.example';

export interface WorldOptions {
  /** XMPP partners; the first is `world.partner`. */
  readonly partners?: readonly string[];
  /** Of the partners' files; default: none that a test would meet. */
  readonly limits?: object;
  /** The DNS server; the partner is then found by SRV in place of `hosts:`. */
  readonly dns?: string;
  /** What the partner shows. */
  readonly partnerCertificate?: (ca: Ca) => Issued;
  /** Puts another program in front of node: strace, faketime, unshare. */
  readonly wrap?: (command: readonly string[], home: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logLevel?: 'info' | 'warn';
}

export class FaultWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'isthmus-faults-'));
  readonly ca: Ca = makeCa('Faults');
  readonly ledger = new Ledger();
  home!: Home;
  isthmus!: PeerProcess;
  sip!: SipSide;
  partner!: XmppPartner;
  partners!: ReadonlyMap<string, XmppPartner>;
  /** Isthmus to the partner, Isthmus to the SIP system, the SIP system to Isthmus, the partner to Isthmus. */
  proxies!: { toPartner: FaultProxy; toSip: FaultProxy; fromSip: FaultProxy; fromPartner: FaultProxy };
  lastOwn!: Issued;
  readonly #options: WorldOptions;
  readonly #toOthers = new Map<string, FaultProxy>();
  readonly #ports: { sip: number; xmpp: number };

  private constructor(options: WorldOptions, ports: { sip: number; xmpp: number }) {
    this.#options = options;
    this.#ports = ports;
  }

  static async open(options: WorldOptions = {}): Promise<FaultWorld> {
    const [sip = 0, xmpp = 0] = await freePorts(2);
    const world = new FaultWorld(options, { sip, xmpp });
    try {
      await world.#build();
      await world.isthmus.start();
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  async #build(): Promise<void> {
    const { ca, ledger, folder } = this;
    const { partners = [PARTNER], dns, limits, wrap, env } = this.#options;
    const fromSip = await FaultProxy.open(this.#ports.sip);
    const fromPartner = await FaultProxy.open(this.#ports.xmpp);
    const issued = ca.issue({ names: [SIP_DOMAIN, SIP_HOST] });
    this.sip = await SipSide.open({ ledger, issued, ca: ca.rootPem, isthmus: () => fromSip.port });
    const opened = new Map<string, XmppPartner>();
    for (const domain of partners) {
      const certificate = this.#options.partnerCertificate?.(ca) ?? ca.issue({ names: [domain] });
      const partner = await XmppPartner.open({ domain, ledger, issued: certificate, ca: ca.rootPem, isthmus: () => fromPartner.port });
      opened.set(domain, partner);
      this.#toOthers.set(domain, await FaultProxy.open(partner.port));
    }
    this.partners = opened;
    this.partner = opened.get(partners[0] ?? PARTNER)!;
    const toPartner = this.toPartner(this.partner.domain);
    this.proxies = { fromSip, fromPartner, toPartner, toSip: await FaultProxy.open(this.sip.port) };

    const many = { messagesPerSecond: MANY, senderMessagesPerSecond: MANY, pairMessagesPerSecond: MANY };
    const entry = (domain: string): object => ({
      prefer: 'xmpp',
      xmpp: { proof: 'certificate', ...(dns === undefined ? { hosts: `127.0.0.1:${this.toPartner(domain).port}` } : {}) },
      limits: limits ?? many,
      allowPrivateAddresses: true,
    });
    this.home = new Home(join(folder, 'home'), {
      isthmus: {
        edge: { host: `edge.${SIP_DOMAIN}`, xmpp: `starttls://127.0.0.1:${this.#ports.xmpp}` },
        inside: { host: `edge-in.${SIP_DOMAIN}`, sip: `tls://127.0.0.1:${this.#ports.sip}` },
        log: { level: this.#options.logLevel ?? 'info' },
        ...(dns !== undefined && { dns: { servers: dns } }),
      },
      domains: { [SIP_DOMAIN]: { served: 'sip', nextHop: `tls://127.0.0.1:${this.proxies.toSip.port}`, acceptFrom: SIP_HOST } },
      policy: { federation: 'closed' },
      partners: Object.fromEntries(partners.map((domain) => [domain, entry(domain)])),
      own: { edge: this.ownCertificate() },
      trustEdge: { faults: ca.rootPem },
      trustInside: { faults: ca.rootPem },
    });
    mkdirSync(join(this.home.folder, 'var'), { recursive: true, mode: 0o700 });
    const plain = [process.execPath, MAIN, 'start', '--home', this.home.folder];
    const [command = '', ...args] = wrap?.(plain, this.home.folder) ?? plain;
    this.isthmus = new PeerProcess({
      name: 'isthmus',
      command,
      args,
      logFile: join(folder, 'isthmus.log'),
      ready: async () => (await listens('127.0.0.1', this.#ports.xmpp)) && listens('127.0.0.1', this.#ports.sip),
      ...(env !== undefined && { env }),
    });
  }

  /** A fresh certificate for our domain, kept as `lastOwn`. */
  ownCertificate(): Issued {
    const names = [SIP_DOMAIN, `edge.${SIP_DOMAIN}`, `edge-in.${SIP_DOMAIN}`];
    this.lastOwn = this.ca.issue({ names, notAfter: new Date(Date.now() + 300 * 86_400_000) });
    return this.lastOwn;
  }

  /** Opens and closes a connection to the inside listener. @returns the serial number of what is shown; undefined when it failed */
  probeInside(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.#ports.sip, servername: SIP_DOMAIN, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once('error', () => resolve(undefined));
    });
  }

  toPartner(domain: string): FaultProxy {
    return this.#toOthers.get(domain)!;
  }

  /** `count` messages from SIP users to users of the partner, spread over `pairs` pairs that write at the same time. */
  async fromSip(count: number, pairs: number, more: { bytes?: number; paceMs?: number; to?: string; road?: string; from?: number } = {}) {
    const { to = this.partner.domain, ...rest } = more;
    await Promise.all(
      Array.from({ length: pairs }, (_, pair) =>
        this.sip.offer({ to: `li${pair}@${to}`, pair, count: share(count, pairs, pair), ...rest }),
      ),
    );
  }

  /** The same the other way. */
  fromPartner(count: number, pairs: number, more: { bytes?: number; from?: number; perSecond?: number } = {}): Promise<void> {
    return this.partner.offer({ pairs: Array.from({ length: pairs }, (_, pair) => pair), each: Math.ceil(count / pairs), ...more });
  }

  /** Half each way. */
  async bothWays(count: number, pairs: number, more: { bytes?: number; from?: number } = {}): Promise<void> {
    const half = Math.ceil(count / 2);
    await Promise.all([this.fromSip(half, Math.ceil(pairs / 2), more), this.fromPartner(half, Math.ceil(pairs / 2), more)]);
  }

  /** Waits until every message is delivered or refused; false when nothing more came for `quietMs`. */
  async settled(quietMs = 20_000): Promise<boolean> {
    let before = this.ledger.open;
    let since = performance.now();
    while (this.ledger.open > 0) {
      await pause(20);
      if (this.ledger.open !== before) {
        before = this.ledger.open;
        since = performance.now();
      } else if (performance.now() - since > quietMs) return false;
    }
    await pause(200); // copies that follow
    return true;
  }

  /** kill -9, and a supervisor that starts it again at once. @returns ms until it accepts connections again */
  async crash(): Promise<number> {
    await this.isthmus.kill();
    await this.isthmus.start();
    return this.isthmus.startMs;
  }

  /** The lines of the log with this event. */
  logged(event: string, mark = 0): readonly LogLine[] {
    return this.isthmus
      .log(mark)
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return []; // still being written
        }
      });
  }

  waitForLog(event: string, mark: number, fits: (line: LogLine) => boolean = () => true, withinMs = 30_000): Promise<LogLine> {
    return until(`a log line ${event}`, () => this.logged(event, mark).find(fits), withinMs);
  }

  /** Resident memory of the process, MB. */
  memoryMb(): number {
    const status = readFileSync(`/proc/${this.isthmus.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sip?.stop();
    for (const partner of this.partners?.values() ?? []) partner.stop();
    await this.isthmus?.kill();
    for (const partner of this.partners?.values() ?? []) await partner[Symbol.asyncDispose]();
    await this.sip?.[Symbol.asyncDispose]();
    const others = this.proxies === undefined ? [] : [this.proxies.toSip, this.proxies.fromSip, this.proxies.fromPartner];
    for (const proxy of [...others, ...this.#toOthers.values()]) await proxy[Symbol.asyncDispose]();
    if (process.env.ISTHMUS_KEEP === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}

function share(count: number, pairs: number, pair: number): number {
  return Math.floor(count / pairs) + (pair < count % pairs ? 1 : 0);
}
