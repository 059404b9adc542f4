// A person with a client on slixmpp (Python), which tells what it hears line by line (slixmpp-person.py).

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Inbox } from '../wait.ts';

export interface SlixmppOptions {
  readonly jid: string;
  readonly password: string;
  readonly address: string;
  readonly rootsFile: string;
}

export type Told = Readonly<Record<string, unknown>>;

export class Slixmpp {
  readonly told: Inbox<Told>;
  readonly #child: ChildProcessWithoutNullStreams;
  /** What it complains about. */
  complaints = '';

  constructor({ jid, password, address, rootsFile }: SlixmppOptions) {
    this.told = new Inbox(`slixmpp of ${jid}`);
    this.#child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'slixmpp-person.py'), jid, password, address, rootsFile]);
    this.#child.stderr.on('data', (bytes: Buffer) => (this.complaints += bytes.toString('utf8')));
    this.#child.once('exit', () => this.told.end(new Error(`slixmpp has ended: ${this.complaints.slice(-1000)}`)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.told.push(JSON.parse(line)));
  }

  /** Waits for an event of that name. */
  event(name: string): Promise<Told> {
    return this.told.next(`'${name}'`, ({ event }) => event === name);
  }

  write(to: string, body: string): void {
    this.#child.stdin.write(`${JSON.stringify([to, body])}\n`);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await ended;
  }
}
