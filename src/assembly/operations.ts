// What a verb works with on the command line: the home's files and tables, opened when they are asked for, and the road to
// the running process. Inside the process assembly/start.ts makes its own.

import { userInfo } from 'node:os';
import { loadHome } from '../config/load.ts';
import type { Judge } from '../config/policy-tests.ts';
import { systemClock } from '../edge/system-clock.ts';
import { reason } from '../errors.ts';
import type { Actor, AuditLog } from '../model/audit.ts';
import { StoreError } from '../model/outbox-store.ts';
import type { Terminal } from '../ops/command.ts';
import type { Operations } from '../ops/operations.ts';
import { openAudit } from '../store/audit.ts';
import { openStore, type Store } from '../store/store.ts';

/** Opens nothing until it is asked; `close` closes what was opened. */
export function commandLineOperations(dir: string, terminal: Terminal, judge: Judge): Operations & { close(): void } {
  let store: Store | undefined;
  let audit: AuditLog | undefined;
  const load = (): ReturnType<typeof loadHome> => loadHome(dir, { judge });
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop);
  /** Where the database is, also while the rules have a fault. */
  const data = (): string => {
    const loaded = load();
    if (loaded.ok) return loaded.home.data;
    const [fault] = loaded.faults;
    throw new StoreError(
      reason('US_BUG', `the home has ${loaded.faults.length} faults, the first in ${fault?.file}; isthmus check shows them`),
    );
  };
  return {
    dir,
    clock: systemClock,
    actor: actorOf(terminal),
    load,
    records: () => (store ??= openStore({ folder: data(), clock: systemClock, mode: 'visit' })),
    audit: () => (audit ??= openAudit(data())),
    ask: async () => undefined,
    progress: (line) => {
      if (process.stderr.isTTY) terminal.err(line);
    },
    line: terminal.out,
    signal: interrupted.signal,
    close() {
      process.removeListener('SIGINT', stop);
      store?.close();
      audit?.close();
    },
  };
}

/** Whoever typed it: the name behind sudo, else the name of the process' user. */
function actorOf(terminal: Terminal): Actor {
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
