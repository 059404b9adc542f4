// What a verb works with on the command line: the home's files and tables, opened when they are asked for, and the road to
// the running process. Inside the process assembly/start.ts makes its own.

import { lstatSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { loadHome } from '../config/load.ts';
import { placesOf } from '../config/places.ts';
import type { Judge } from '../config/policy-tests.ts';
import { systemClock } from '../edge/system-clock.ts';
import type { Actor, AuditLog } from '../model/audit.ts';
import type { Terminal } from '../ops/command.ts';
import type { Operations } from '../ops/operations.ts';
import type { Report } from '../ops/verb.ts';
import { replay } from '../routing/replay.ts';
import { openAudit } from '../store/audit.ts';
import { isOwned } from '../store/owner.ts';
import { openStore, type Store } from '../store/store.ts';
import { certificateDesk } from './certificates.ts';

/** Opens nothing until it is asked; `close` closes what was opened. */
export function commandLineOperations(dir: string, terminal: Terminal, judge: Judge): Operations & { close(): void } {
  let store: Store | undefined;
  let audit: AuditLog | undefined;
  const load = (): ReturnType<typeof loadHome> => loadHome(dir, { judge });
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop);
  // Also while a file of the home has a fault: what runs, and what was, can be looked at all the same.
  const { data, socket } = placesOf(dir);
  const actor = actorOf(terminal);
  const line = terminal.out;
  const progress = (text: string): void => {
    if (process.stderr.isTTY) terminal.err(text);
  };
  return {
    dir,
    clock: systemClock,
    actor,
    load,
    judge,
    replay,
    records: () => (store ??= openStore({ folder: data, clock: systemClock, mode: 'visit' })),
    audit: () => (audit ??= openAudit(data)),
    people: async () => {
      const { deskOf, storeToVisit } = await import('./people/people.ts');
      store ??= storeToVisit(dir, data);
      return deskOf(dir, data, store, systemClock);
    },
    snapshots: async () => (await import('../store/backup.ts')).snapshots,
    certificates: () => certificateDesk(dir, systemClock),
    renewals: async ({ home, table }) => (await import('./renewal.ts')).commandRenewals(home, table),
    prober: async (home, table) => (await import('./partner-test/prober.ts')).makeProber(home, () => table),
    dns: async (home) => (await import('./domain-dns.ts')).dnsView(home.dns.servers),
    async ask(words, input, own) {
      const owned = (): Report | undefined => (isOwned(join(data, 'isthmus.owner')) ? unreachable(words, dir, socket) : undefined);
      if (isAbsent(socket)) return owned();
      const [{ askProcess }, { VERBS }] = await Promise.all([import('../ops/admin-client.ts'), import('../ops/verb-table.ts')]);
      const verb = await VERBS.find((row) => row.words === words)?.load();
      if (verb === undefined) throw new Error(`no verb is called "${words}"`);
      const asked = { socket, verb, input, actor: actor.name, signal: interrupted.signal, line: own ?? line, progress };
      return (await askProcess(asked)) ?? owned();
    },
    progress,
    line,
    signal: interrupted.signal,
    close() {
      process.removeListener('SIGINT', stop);
      store?.close();
      audit?.close();
    },
  };
}

/** To work on the files alone beside a process that does not hear of it would be said to be in force, and is not. */
function unreachable(words: string, dir: string, socket: string): Report {
  const text = [
    `isthmus ${words}: a process runs with the home ${dir}, and its socket ${socket} is not there`,
    '  it is starting or stopping: try again. Else somebody removed the socket: restart it (nothing that waits is lost)',
  ].join('\n');
  return { text, json: { error: 'unreachable', text, home: dir, socket }, exit: 3 };
}

/** Nothing is there; a folder that may not be looked into is another matter, and the connection tells it. */
function isAbsent(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  }
}

/** Whoever typed it: the name behind sudo, else the name of the process' user. */
export function actorOf(terminal: Terminal): Actor {
  const behind = terminal.env.SUDO_USER;
  const name = behind !== undefined && behind !== '' ? behind : safeUserName();
  return { name, role: 'admin', via: 'commandLine' };
}

function safeUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`; // a container's user may have no name
  }
}
