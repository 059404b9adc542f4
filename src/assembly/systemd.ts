// What systemd is told (sd_notify(3)): that we accept connections, that we drain, and, as long as the event loop turns, that we
// live. Node has no unix datagram sockets, so systemd's own tool speaks for us; the unit says NotifyAccess=all for that.
// Where no service manager asks ($NOTIFY_SOCKET is not set) nothing happens.

import { execFile } from 'node:child_process';
import type { Log } from '../log.ts';
import type { Clock, Timer } from '../model/ports.ts';

const TOOL = 'systemd-notify';
/** A tool that hangs must not be joined by others. */
const TOOL_MS = 5000;

export interface SystemdDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends assignments such as `READY=1`; rejects when it cannot. */
  readonly send?: (assignments: readonly string[]) => Promise<void>;
}

export interface ServiceManager {
  /** We accept connections; the watchdog begins. */
  ready(): void;
  /** We drain. The watchdog goes on: a drain that hangs is a hang. */
  stopping(): void;
  /** Nothing more is sent. */
  close(): void;
}

export function serviceManager(deps: SystemdDeps): ServiceManager {
  const { env, pid, clock, log, send = notify } = deps;
  if (env.NOTIFY_SOCKET === undefined || env.NOTIFY_SOCKET === '') return { ready() {}, stopping() {}, close() {} };
  let timer: Timer | undefined;
  let closed = false;
  const tell = (...assignments: readonly string[]): Promise<void> =>
    send(assignments).catch((error: unknown) => {
      log.warn({ event: 'systemd.failed', err: error, what: assignments.join(' ') }, 'systemd could not be told');
    });
  const every = watchdogMs(env, pid);
  const beat = (): void => {
    if (every === undefined || closed) return;
    // The next one is armed when this one has gone: never two at once.
    timer = clock.after(every, () => void tell('WATCHDOG=1').then(beat));
  };
  return {
    ready() {
      void tell('READY=1', `MAINPID=${pid}`, 'STATUS=accepting connections').then(beat);
    },
    stopping() {
      void tell('STOPPING=1', 'STATUS=draining');
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/** Half of what systemd allows (sd_watchdog_enabled(3)); undefined when it does not watch this process. */
function watchdogMs(env: SystemdDeps['env'], pid: number): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined;
  const allowed = Number(WATCHDOG_USEC) / 1000;
  return Number.isFinite(allowed) && allowed > 0 ? allowed / 2 : undefined;
}

function notify(assignments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(TOOL, [...assignments], { timeout: TOOL_MS }, (error) => (error === null ? resolve() : reject(error)));
  });
}
