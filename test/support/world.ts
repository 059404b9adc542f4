// A world on loopback: one temporary folder, one certificate authority, one DNS, and whatever real programs a suite starts in
// it. It lives inside the namespaces of namespace.ts; what a scene did stands in the logs, which are shown when it fails.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { type Ca, type Issued, type LeafOptions, makeCa } from './ca.ts';
import { useOwnResolver } from './namespace.ts';
import { lastLines, type PeerProcess } from './peer-process.ts';
import { Dnsmasq, type DnsRecords, type SrvEntry } from './peers/dnsmasq.ts';

export interface CertificateFiles extends Issued {
  readonly chainFile: string;
  readonly keyFile: string;
}

/** Something that must be ended before the world is. */
type Ending = () => unknown;

export class World {
  readonly folder: string;
  readonly ca: Ca;
  /** The root everybody believes, as a file. */
  readonly rootsFile: string;
  readonly dns: Dnsmasq;
  readonly #processes: PeerProcess[] = [];
  readonly #endings: Ending[] = [];
  #failed = false;
  #certificates = 0;

  private constructor(records: DnsRecords) {
    this.folder = mkdtempSync(join(tmpdir(), 'isthmus-world-'));
    useOwnResolver(join(this.folder, 'etc'));
    this.ca = makeCa('Test World');
    this.rootsFile = join(this.folder, 'roots.pem');
    writeFileSync(this.rootsFile, this.ca.rootPem);
    setDefaultCACertificates([this.ca.rootPem]); // for the scripted clients in this process
    this.dns = new Dnsmasq(this.folder, records);
  }

  /** Makes the world and starts its DNS. It closes itself when the test file is done. */
  static async open(records: DnsRecords): Promise<World> {
    const world = new World(records);
    after(() => world.#close());
    await world.start(world.dns.process);
    return world;
  }

  /** A sub-folder of its own for one program. */
  room(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Starts a program and keeps it in mind: its log is shown when a scene fails, and it is ended at the end. */
  async start<P extends PeerProcess>(process: P): Promise<P> {
    this.adopt(process);
    try {
      await process.start();
    } catch (error) {
      this.#failed = true;
      await this.#close(); // the suite will not come to its end, where this happens otherwise
      throw error;
    }
    return process;
  }

  adopt(process: PeerProcess): void {
    if (!this.#processes.includes(process)) this.#processes.push(process);
  }

  /** To be run before the programs are ended: clients that should close first. */
  atEnd(ending: Ending): void {
    this.#endings.unshift(ending);
  }

  /** A leaf of the world's authority (or `from` another one), with its files. */
  certificate(options: LeafOptions, from: { issue(options: LeafOptions): Issued } = this.ca): CertificateFiles {
    return this.keep(from.issue(options), options.names?.[0] ?? 'unnamed');
  }

  /** Writes a certificate and key that were issued elsewhere into the folder. */
  keep(issued: Issued, name: string): CertificateFiles {
    const folder = this.room('certificates');
    this.#certificates += 1;
    const stem = join(folder, `${this.#certificates}-${name.replace(/[^\w.-]/g, '_')}`);
    const files = { ...issued, chainFile: `${stem}.crt`, keyFile: `${stem}.key` };
    writeFileSync(files.chainFile, issued.chainPem);
    writeFileSync(files.keyFile, issued.keyPem, { mode: 0o600 });
    return files;
  }

  /** A test in this world. When it fails, it shows what the programs logged meanwhile. */
  scene(title: string, play: () => Promise<void>, skip: string | undefined = undefined): void {
    test(title, { ...(skip === undefined ? {} : { skip }) }, async () => {
      const marks = new Map(this.#processes.map((process) => [process, process.logSize()]));
      try {
        await play();
      } catch (error) {
        this.#failed = true;
        this.#showLogs(title, marks);
        throw error;
      }
    });
  }

  /** Milliseconds from start to ready, by program. */
  startTimes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#processes.map((process) => [process.name, process.startMs]));
  }

  #showLogs(title: string, marks: ReadonlyMap<PeerProcess, number>): void {
    const parts = this.#processes.map((process) => {
      const text = lastLines(process.log(marks.get(process) ?? 0), 60);
      return text === '' ? '' : `--- ${process.name} ---\n${text}\n`;
    });
    process.stderr.write(`\n=== logs during: ${title} (all of it in ${this.folder}) ===\n${parts.join('')}=== end of logs ===\n`);
  }

  async #close(): Promise<void> {
    for (const ending of this.#endings) await Promise.resolve(ending()).catch(() => undefined);
    await Promise.all(this.#processes.map((process) => process.kill()));
    if (!this.#failed) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The SRV records of an XMPP domain, or of a SIP domain, at the standard ports. */
export function xmppSrv(domain: string, target: string, directTls = false): SrvEntry[] {
  const starttls = { name: `_xmpp-server._tcp.${domain}`, target, port: 5269 };
  return directTls ? [starttls, { name: `_xmpps-server._tcp.${domain}`, target, port: 5270 }] : [starttls];
}

export function sipSrv(domain: string, target: string): SrvEntry[] {
  return [
    { name: `_sipfederationtls._tcp.${domain}`, target, port: 5061 },
    { name: `_sips._tcp.${domain}`, target, port: 5061 },
  ];
}
