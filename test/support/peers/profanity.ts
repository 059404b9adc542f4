// Profanity 0.13 (on libstrophe) in a terminal of its own (tmux): one account, driven by what its user would type and read.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../wait.ts';

export interface ProfanityOptions {
  readonly folder: string;
  readonly jid: string;
  readonly password: string;
  readonly resource: string;
  /** Where its server listens for clients. */
  readonly address: string;
  readonly rootsFile: string;
}

/** Wide and high enough that nothing that a scene looks for is wrapped or scrolled away. */
const COLUMNS = '180';
const ROWS = '60';

export class Profanity {
  readonly #socket: string;
  readonly #jid: string;
  readonly #log: string;

  constructor({ folder, jid, password, resource, address, rootsFile }: ProfanityOptions) {
    const config = join(folder, '.config/profanity');
    const data = join(folder, '.local/share/profanity');
    for (const path of [config, data]) mkdirSync(path, { recursive: true });
    const preferences = [
      ...['[ui]', 'splash=false', 'wrap=false', 'occupants=false', '[notifications]', 'message=off', 'typing=off'],
      ...['[carbons]', 'enabled=true'],
    ];
    writeFileSync(join(config, 'profrc'), `${preferences.join('\n')}\n`);
    const account = [`jid=${jid}`, `resource=${resource}`, `password=${password}`, `server=${address}`, 'port=5222', 'tls.policy=force'];
    const presence = ['presence.login=online', 'presence.last=online', 'priority.online=0', 'priority.chat=0', 'priority.away=0'];
    writeFileSync(join(data, 'accounts'), `[${jid}]\nenabled=true\n${[...account, ...presence].join('\n')}\n`, { mode: 0o600 });
    this.#socket = join(folder, 'tmux');
    this.#jid = jid;
    this.#log = join(folder, 'own.log');
    // libstrophe believes what OpenSSL believes.
    const env = { HOME: folder, XDG_CONFIG_HOME: `${folder}/.config`, XDG_DATA_HOME: `${folder}/.local/share`, SSL_CERT_FILE: rootsFile };
    const set = Object.entries({ ...env, LC_ALL: 'C.UTF-8', TERM: 'screen-256color' }).flatMap(([name, value]) => [
      '-e',
      `${name}=${value}`,
    ]);
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', COLUMNS, '-y', ROWS, ...set, `profanity -l DEBUG -f ${this.#log}`);
  }

  /** Signs in, and waits until it knows what its server can do. */
  async signIn(): Promise<void> {
    await this.shows(/Profanity|CONSOLE|console/i);
    this.type(`/connect ${this.#jid}`);
    await this.shows(/logged in successfully/);
    // What it asks the server at first is answered: before that it takes the server for one that knows no commands.
    await until(`profanity of ${this.#jid} to know its server`, () => this.ownLog().includes('RECV: <iq id="discoitemsreq_onconnect"'));
  }

  /** One line, as its user types it. */
  type(line: string): void {
    this.#tmux('send-keys', '-l', line);
    this.#tmux('send-keys', 'Enter');
  }

  /** What its window shows, and what has scrolled out of it. */
  screen(): string {
    return this.#tmux('capture-pane', '-p', '-S', '-500');
  }

  /** Waits until its window shows something. @returns the screen */
  async shows(what: RegExp, withinMs?: number): Promise<string> {
    let seen = '';
    try {
      const look = (): string | undefined => {
        seen = this.screen();
        return what.test(seen) ? seen : undefined;
      };
      return await until(`profanity of ${this.#jid} to show ${what}`, look, withinMs);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it shows:\n${seen.trimEnd()}`, { cause: error });
    }
  }

  /** What it tells of itself, with every stanza. */
  ownLog(): string {
    return readFileSync(this.#log, 'utf8');
  }

  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
  }

  #tmux(...words: readonly string[]): string {
    const done = spawnSync('tmux', ['-S', this.#socket, ...words], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`tmux ${words.slice(0, 3).join(' ')}: ${(done.stderr ?? '').trim()}`);
    return done.stdout;
  }
}
