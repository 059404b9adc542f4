// The bench's world: certificates of an authority made just now, free ports on loopback, the subjects, and the load process.
// Everything is a process of its own, so that what it uses can be told apart; all of it ends with the runner.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingPackages, type PackageName } from '../support/available.ts';
import { type Ca, type Issued, makeCa } from '../support/ca.ts';
import { freePorts } from '../support/free-ports.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { listens } from '../support/wait.ts';
import {
  COMPONENT,
  CORE_DOMAIN,
  EJABBERD_DOMAIN,
  type Order,
  type Ports,
  type Report,
  type RunResult,
  SIP_DOMAIN,
  SIP_HOST,
  type SubjectName,
  XMPP_DOMAIN,
} from './cast.ts';
import { coreCast } from './load/core-cast.ts';
import { core } from './subjects/core.ts';
import { ejabberd } from './subjects/ejabberd.ts';
import { isthmus } from './subjects/isthmus.ts';
import { kamailio } from './subjects/kamailio.ts';

/** Who is there for the core's feed, and for what its subscriptions hold in memory. */
export const CORE_CROWD = { watchers: 100, presentities: 60 } as const;

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'isthmus-bench-'));
  readonly ports: Ports;
  /** What could not be started, and the line that helps. */
  readonly missing: string[] = [];
  readonly #ca: Ca = makeCa('Bench');
  readonly #subjects = new Map<SubjectName, PeerProcess>();
  readonly #load: ChildProcess;
  #kamailioPresence = false;
  #homes = 0;

  private constructor(ports: Ports) {
    this.ports = ports;
    this.#load = fork(join(import.meta.dirname, 'load/main.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  static async open(): Promise<Stage> {
    const names: readonly (keyof Ports)[] = [
      ...(['sipEnd', 'xmppEnd', 'stanzaEnd', 'isthmusSip', 'isthmusXmpp', 'coreSip', 'coreEdgeSip', 'coreEdgeXmpp'] as const),
      ...(['bareSip', 'bareStanzas', 'kamailio', 'ejabberdS2s', 'ejabberdComponent'] as const),
    ];
    const free = await freePorts(names.length);
    const stage = new Stage(Object.fromEntries(names.map((name, index) => [name, free[index]])) as unknown as Ports);
    const [sip, xmpp] = [stage.#ca.issue({ names: [SIP_HOST, SIP_DOMAIN] }), stage.#ca.issue({ names: [XMPP_DOMAIN] })];
    const ca = stage.#ca.rootPem;
    await stage.order({
      do: 'listen',
      ports: stage.ports,
      sip: { cert: sip.chainPem, key: sip.keyPem, ca },
      xmpp: { cert: xmpp.chainPem, key: xmpp.keyPem, ca },
    });
    return stage;
  }

  /** Starts a subject. @returns false when it is not on this machine; `missing` then says so */
  async start(name: SubjectName, nodeArguments: readonly string[] = []): Promise<boolean> {
    const process = await this.#make(name, nodeArguments);
    if (process === undefined) return false;
    await process.start();
    this.#subjects.set(name, process);
    return true;
  }

  has(name: SubjectName): boolean {
    return this.#subjects.has(name);
  }

  get kamailioPresence(): boolean {
    return this.#kamailioPresence && this.has('kamailio');
  }

  /** The process group of a subject. */
  group(name: SubjectName): number {
    return this.#subjects.get(name)?.pid ?? 0;
  }

  log(name: SubjectName): string {
    return this.#subjects.get(name)?.log() ?? '';
  }

  async stop(name: SubjectName): Promise<void> {
    await this.#subjects.get(name)?.stop();
    this.#subjects.delete(name);
  }

  /** Has the load process do something. */
  order(order: Order): Promise<RunResult | undefined> {
    return new Promise((resolve, reject) => {
      const end = (): void => void this.#load.off('message', onReport).off('exit', onExit);
      const onExit = (): void => {
        end();
        reject(new Error(`the load process has ended while it was to ${order.do}`));
      };
      const onReport = (report: Report): void => {
        end();
        if (report.ok) resolve(report.result);
        else reject(new Error(`${order.do}: ${report.error}`));
      };
      this.#load.on('message', onReport).once('exit', onExit);
      this.#load.send(order);
    });
  }

  async close(keep = false): Promise<void> {
    this.#load.disconnect();
    await Promise.all([...this.#subjects.values()].map((process) => process.stop('SIGTERM', 3000)));
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  async #make(name: SubjectName, nodeArguments: readonly string[]): Promise<PeerProcess | undefined> {
    const { ports } = this;
    switch (name) {
      case 'isthmus': {
        const own = this.#ca.issue({ names: [SIP_DOMAIN, `edge.${SIP_DOMAIN}`, `edge-in.${SIP_DOMAIN}`] });
        this.#homes += 1;
        const folder = join(this.folder, `isthmus-${this.#homes}`); // a new one has no history
        mkdirSync(folder, { recursive: true });
        return isthmus({ folder, ports, own, rootPem: this.#ca.rootPem, nodeArguments });
      }
      case 'core': {
        const own = this.#ca.issue({ names: [CORE_DOMAIN, `edge.${CORE_DOMAIN}`] });
        this.#homes += 1;
        const folder = join(this.folder, `core-${this.#homes}`);
        mkdirSync(folder, { recursive: true });
        return core({ folder, ports, own, rootPem: this.#ca.rootPem, nodeArguments, people: coreCast(CORE_CROWD) });
      }
      case 'bare':
        return this.#bare();
      case 'kamailio': {
        if (!this.#installed('kamailio', 'kamailio', 'kamailio-tls-modules')) return undefined;
        this.#kamailioPresence = this.#installed("kamailio's presence server", 'kamailio-presence-modules', 'kamailio-sqlite-modules');
        return kamailio(this.#files('kamailio', [SIP_DOMAIN]), ports.kamailio, ports.sipEnd, this.#kamailioPresence);
      }
      case 'ejabberd':
        if (!this.#installed('ejabberd', 'ejabberd')) return undefined;
        return ejabberd(this.#files('ejabberd', [EJABBERD_DOMAIN, COMPONENT]), ports.ejabberdS2s, ports.ejabberdComponent);
      default:
        return name satisfies never;
    }
  }

  #bare(): PeerProcess {
    const { ports } = this;
    const { certificate, rootsFile, folder } = this.#files('bare', [SIP_DOMAIN]);
    const numbers = [ports.bareSip, ports.bareStanzas, ports.sipEnd, ports.stanzaEnd].map(String);
    return new PeerProcess({
      name: 'bare',
      command: process.execPath,
      args: [join(import.meta.dirname, 'subjects/bare.ts'), ...numbers, certificate.chainFile, certificate.keyFile, rootsFile],
      logFile: join(folder, 'bare.log'),
      ready: async () => (await listens('127.0.0.1', ports.bareSip)) && listens('127.0.0.1', ports.bareStanzas),
    });
  }

  #installed(what: string, ...packages: readonly PackageName[]): boolean {
    const absent = missingPackages(packages);
    if (absent.length === 0) return true;
    this.missing.push(`${what} is left out: ${absent.join(', ')} not installed; \`npm run peers\` as root on Debian helps`);
    return false;
  }

  #files(name: string, names: readonly string[]) {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const issued: Issued = this.#ca.issue({ names });
    const file = (path: string, text: string): string => {
      writeFileSync(join(folder, path), text, { mode: 0o600 });
      return join(folder, path);
    };
    const certificate = { chainFile: file('chain.pem', issued.chainPem), keyFile: file('key.pem', issued.keyPem) };
    return { folder, certificate, rootsFile: file('roots.pem', this.#ca.rootPem) };
  }
}
