// `isthmus start` in the foreground: opens the edge, tells systemd, waits for a signal or for `isthmus drain`, and drains.

import { systemClock } from '../edge/system-clock.ts';
import { openLog } from '../log.ts';
import type { ExitCode, Terminal } from '../ops/command.ts';
import type { Ready } from '../ops/start.ts';
import { type Running, start } from './start.ts';
import { serviceManager } from './systemd.ts';

/** `isthmus start`: opens, says so, waits for a signal, drains. */
export async function run(ready: Ready, terminal: Terminal): Promise<ExitCode> {
  const log = openLog(ready.home.log.level);
  let running: Running;
  try {
    running = await start(ready, log);
  } catch (error) {
    terminal.err(`isthmus start: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  log.info({ event: 'ready', home: ready.home.dir, ports: running.ports, pid: process.pid }, 'accepting connections');
  const systemd = serviceManager({ env: process.env, pid: process.pid, clock: systemClock, log });
  systemd.ready();
  process.on('SIGHUP', () => void running.reload());
  await new Promise<void>((resolve) => {
    const stop = (signal: string): void => {
      log.info({ event: 'stopping', signal }, 'draining; a second signal stops at once');
      process.removeListener('SIGTERM', stop).removeListener('SIGINT', stop);
      process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
      resolve();
    };
    process.once('SIGTERM', stop).once('SIGINT', stop);
    void running.asked.then(() => stop('drain'));
  });
  systemd.stopping();
  await running.drain();
  systemd.close();
  log.info({ event: 'stopped' }, 'everything that waits is on disk');
  return 0;
}
