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
  event(name: string, fits: (told: Told) => boolean = () => true): Promise<Told> {
    return this.told.next(`'${name}'`, (told) => told.event === name && fits(told));
  }

  /** Waits for a message with that text. */
  heard(body: string): Promise<Told> {
    return this.event('message', (told) => told.body === body);
  }

  /** Waits for presence of somebody. @param kind `available`, `subscribe`, `error`, ... */
  saw(sender: string, kind: string, fits: (told: Told) => boolean = () => true): Promise<Told> {
    return this.event('presence', (told) => told.sender === sender && told.kind === kind && fits(told));
  }

  write(to: string, body: string): void {
    this.do('say', to, body, false);
  }

  /** Writes with a request for a receipt. @returns the id that it will name */
  async ask(to: string, body: string): Promise<unknown> {
    this.do('say', to, body, true);
    return (await this.event('sent')).id;
  }

  presence(kind: string, to = '', show = '', status = ''): void {
    this.do('presence', kind, to, show, status);
  }

  /** One of the `do_` of its program. */
  do(what: string, ...values: readonly unknown[]): void {
    this.#child.stdin.write(`${JSON.stringify([what, ...values])}\n`);
  }

  /** Signs out; a program that does not end by itself is ended. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    const insist = setTimeout(() => this.#child.kill(), 1000);
    await ended;
    clearTimeout(insist);
  }
}
