// Renewal by ACME, tied: inside the running process, where it looks by itself, and for a command beside it.

import { join } from 'node:path';
import { Renewer } from '../certificates/renewal/renewal.ts';
import { ACME_FILE } from '../config/acme.ts';
import { showFinding } from '../config/finding.ts';
import type { Home } from '../config/home.ts';
import { systemClock } from '../edge/system-clock.ts';
import { loadTrust, type TrustStore } from '../edge/trust-store.ts';
import type { Web } from '../edge/web.ts';
import { type Log, SILENT } from '../log.ts';
import type { AcmeSettings, Renewals } from '../model/acme.ts';
import type { Clock } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import type { Ready } from '../ops/start.ts';
import { makeEdge } from './edge.ts';
import { secretOf } from './secrets.ts';

/** What is taken down when the process ends gets so long, ms. */
const TIDY_MS = 5000;

export interface RenewalParts {
  readonly ready: Ready;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly log: Log;
  readonly web: Web;
  readonly trust: TrustStore;
}

export interface RunningRenewals {
  readonly renewals: Renewals;
  /** Begins to look by itself; what `stop` ends is taken down by `close`. */
  start(): void;
  /** The files of the home have been read again. */
  reloaded(): void;
  /** Ends what is going on and takes down what was put up, for at most a few seconds. */
  close(): Promise<void>;
}

/** Renewal inside the running process. Opens nothing; looks once an hour after `start`. */
export function makeRenewals(parts: RenewalParts): RunningRenewals {
  const { ready, table, clock, log, web, trust } = parts;
  let settings = ready.home.acme;
  const anchors = (): TrustStore['current']['edge'] => trust.current.edge;
  const refresh = (): void => {
    const loaded = ready.reload(table().generation);
    if (loaded.ok) settings = loaded.home.acme;
    const fault = loaded.faults.find(({ file }) => file === ACME_FILE);
    if (fault !== undefined)
      log.warn({ event: 'cert.doubtful', file: ACME_FILE, found: showFinding(fault) }, 'what it said before stays in force');
  };
  const renewer = renewerOf(ready.home, { settings: () => settings, refresh, table, clock, log, web, anchors });
  return {
    renewals: renewer,
    start: () => renewer.start(),
    reloaded: () => renewer.look(),
    async close() {
      const late = Promise.withResolvers<void>();
      const timer = clock.after(TIDY_MS, () => late.resolve());
      await Promise.race([renewer.stop(), late.promise]);
      timer.cancel();
    },
  };
}

/** Renewal for one command, while nothing runs with this home. */
export function commandRenewals(home: Home, table: Table): Renewals {
  const ids = { event: () => '', token: () => '' }; // nothing here makes an event
  const { web } = makeEdge(home, () => table, systemClock, ids);
  const { edge } = loadTrust({ folder: join(home.dir, 'certs') }, 1).trust;
  const renewer = renewerOf(home, {
    settings: () => home.acme,
    refresh: () => {},
    table: () => table,
    clock: systemClock,
    log: SILENT,
    web,
    anchors: () => edge,
  });
  return {
    settings: () => renewer.settings(),
    refreshed: () => renewer.settings(),
    states: () => renewer.states(),
    async renew(options) {
      // Timers of the system clock keep no process alive; waiting for a CA must.
      const alive = setInterval(() => {}, 60_000);
      try {
        return await renewer.renew(options);
      } finally {
        clearInterval(alive);
      }
    },
  };
}

interface Surroundings {
  readonly settings: () => AcmeSettings | undefined;
  readonly refresh: () => void;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly log: Log;
  readonly web: Web;
  readonly anchors: () => TrustStore['current']['edge'];
}

function renewerOf(home: Home, { settings, refresh, table, clock, log, web, anchors }: Surroundings): Renewer {
  return new Renewer({
    certs: join(home.dir, 'certs'),
    stateFolder: join(home.data, 'acme'),
    settings,
    refresh,
    clock,
    random: Math.random,
    log,
    web,
    secret: (name) => secretOf(home.dir, name),
    dnsServers: home.dns.servers,
    domains: () => [...table().domains.keys()],
    anchors,
  });
}
