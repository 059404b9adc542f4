// An operator's home folder, written as example files describe it, and Isthmus started on it as a process of its own.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { Issued } from './ca.ts';
import { PeerProcess } from './peer-process.ts';
import { until } from './wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface HomeContents {
  /** isthmus.yaml */
  readonly isthmus: object;
  /** routes/domains.yaml, below `domains:` */
  readonly domains: Readonly<Record<string, object>>;
  readonly policy?: object;
  /** routes/partners/<domain>.yaml */
  readonly partners: Readonly<Record<string, object>>;
  /** certs/own/<name>/ */
  readonly own: Readonly<Record<string, Issued>>;
  /** PEM roots, by file name in certs/trust/edge and certs/trust/inside. */
  readonly trustEdge: Readonly<Record<string, string>>;
  readonly trustInside?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What a command line said and how it ended. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One line of Isthmus' log. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly event: string;
}

export class Home {
  readonly folder: string;
  /** Isthmus itself: start, stop (SIGTERM), kill (SIGKILL), start again. */
  readonly isthmus: PeerProcess;

  constructor(folder: string, contents: HomeContents) {
    this.folder = folder;
    this.#yaml('isthmus.yaml', { log: { level: 'debug' }, ...contents.isthmus });
    this.#yaml('routes/domains.yaml', { domains: contents.domains });
    if (contents.policy !== undefined) this.#yaml('routes/policy.yaml', contents.policy);
    for (const [domain, entry] of Object.entries(contents.partners)) this.partner(domain, entry);
    for (const [name, pair] of Object.entries(contents.own)) this.certificate(name, pair);
    for (const [name, pem] of Object.entries(contents.trustEdge)) this.#write(`certs/trust/edge/${name}.pem`, pem);
    for (const [name, pem] of Object.entries(contents.trustInside ?? {})) this.#write(`certs/trust/inside/${name}.pem`, pem);
    for (const [name, value] of Object.entries(contents.secrets ?? {})) this.#write(`secrets/${name}`, value, 0o600);
    this.isthmus = new PeerProcess({
      name: 'isthmus',
      command: process.execPath,
      args: [MAIN, 'start', '--home', folder],
      logFile: join(dirname(folder), 'isthmus.log'),
      ready: (said) => lines(said()).some((line) => line.event === 'ready'),
    });
  }

  /** Writes one partner's file; `undefined` takes it away. Takes effect as `reload:` says. */
  partner(domain: string, entry: object | undefined): void {
    if (entry === undefined) rmSync(join(this.folder, `routes/partners/${domain}.yaml`));
    else this.#yaml(`routes/partners/${domain}.yaml`, entry);
  }

  certificate(name: string, pair: Issued): void {
    this.#write(`certs/own/${name}/fullchain.pem`, pair.chainPem);
    this.#write(`certs/own/${name}/key.pem`, pair.keyPem, 0o600);
  }

  /** The log so far, or what came after its first `mark` bytes, as objects. */
  log(mark = 0): readonly LogLine[] {
    return lines(this.isthmus.log(mark));
  }

  /** Runs another command on this home, as an operator would: `command('request', 'list')`. */
  async command(...words: readonly string[]): Promise<Said> {
    const child = spawn(process.execPath, [MAIN, ...words, '--home', this.folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString('utf8')));
    const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
    return { code, out, err };
  }

  /** Reads routes/ again (SIGHUP). When this resolves, everything logged before it stands in the file: lines are written in groups. */
  async reload(): Promise<void> {
    const { pid } = this.isthmus;
    if (pid === undefined) throw new Error('Isthmus does not run');
    const mark = this.isthmus.logSize();
    process.kill(pid, 'SIGHUP');
    await until('the reload to be told', () =>
      this.log(mark).some(({ event }) => event === 'rules.reloaded' || event === 'rules.rejected'),
    );
  }

  /** Writes any file of the home. */
  file(path: string, text: string): void {
    this.#write(path, text);
  }

  /** Waits for a log line whose text contains all of these, e.g. a reason code and a domain. */
  logged(...parts: readonly string[]): Promise<LogLine> {
    return this.loggedSince(0, ...parts);
  }

  /** The same, among the lines after the first `mark` bytes of the log (`isthmus.logSize()`). */
  async loggedSince(mark: number, ...parts: readonly string[]): Promise<LogLine> {
    const holds = (line: LogLine): boolean => {
      const text = JSON.stringify(line);
      return parts.every((part) => text.includes(part));
    };
    return until(`a log line with ${parts.join(' and ')}`, () => this.log(mark).find(holds));
  }

  #yaml(path: string, value: object): void {
    this.#write(path, stringify(value, { aliasDuplicateObjects: false }));
  }

  #write(path: string, text: string, mode = 0o644): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  }
}

function lines(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return []; // the last line while it is being written
    }
  });
}
