// What takes effect at once while the process runs: certificates, keys and CRLs, when they are good. And what is too old is
// removed. Rules are replaced in rules.ts.

import { type FSWatcher, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import type { OwnCertificates } from '../edge/own-certificates.ts';
import type { CertFault } from '../edge/pem.ts';
import type { TrustStore } from '../edge/trust-store.ts';
import type { Log } from '../log.ts';
import type { Clock, Timer } from '../model/ports.ts';
import type { Store } from '../store/store.ts';

/** Editors write a file in several steps; what follows within this time is one change, ms. */
const SETTLE_MS = 200;

export interface Reloads {
  stop(): void;
}

/** Watches certs/ by content. */
export function watchCertificates(parts: {
  home: Pick<Home, 'dir'>;
  own: OwnCertificates;
  trust: TrustStore;
  clock: Clock;
  log: Log;
}): Reloads {
  const { home, own, trust, clock, log } = parts;
  return watchFolder(join(home.dir, 'certs'), clock, log, () => {
    const { faults, changed } = own.reload();
    const before = trust.current.generation;
    const trustFaults = trust.reload();
    for (const name of changed) log.info({ event: 'cert.reloaded', name }, 'new handshakes use it');
    tellFaults([...faults, ...trustFaults], log);
    if (trust.current.generation !== before) log.info({ event: 'trust.reloaded', generation: trust.current.generation });
  });
}

/** Says what is wrong in certs/: an unusable file is left out, a doubtful one is in force all the same. */
export function tellFaults(faults: readonly CertFault[], log: Log): void {
  for (const { file, text, level } of faults) {
    if (level === 'error') log.warn({ event: 'cert.rejected', file, found: text }, 'a file in certs/ is left out; what was in force stays');
    else log.warn({ event: 'cert.doubtful', file, found: text }, 'a certificate is in force and deserves a look');
  }
}

/** How often what is older than `retention:` is removed, ms. */
const HOUSEKEEPING_MS = 3_600_000;

/** Removes what is older than the home's `retention:` says, at the start and every hour. */
export function keepHouse(home: Home, store: Pick<Store, 'expire'>, clock: Clock, log: Log): Reloads {
  let timer: Timer | undefined;
  let stopped = false;
  const { ledgerMs, decisionsMs, requestsMs, historyMs } = home.retention;
  const tidy = async (): Promise<void> => {
    try {
      await store.expire({ ledgerMs, decisionsMs, requestsMs, historyMs });
    } catch (error) {
      log.error({ event: 'store.failed', err: error }, 'what is older than retention: could not be removed and is tried again');
    }
    if (!stopped) timer = clock.after(HOUSEKEEPING_MS, () => void tidy());
  };
  timer = clock.after(SETTLE_MS, () => void tidy());
  const present = keepDataInSight(home.data, clock, log);
  return {
    stop() {
      stopped = true;
      timer?.cancel();
      present.stop();
    },
  };
}

/** How often it is looked whether the database is where it was, ms. */
const SIGHT_MS = 10_000;

/**
 * Says so when the database is no longer in its place: a file that is open can be written all the same, so that every yes
 * would be kept by a file that nobody finds again after the next stop.
 */
function keepDataInSight(data: string, clock: Clock, log: Log): Reloads {
  const path = join(data, 'isthmus.db');
  const which = (): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;
  const mine = which();
  let timer: Timer | undefined;
  const look = (): void => {
    const found = which();
    if (found !== mine) {
      const what = found === undefined ? 'is gone' : 'is another file than the one that is open';
      log.error(
        { event: 'store.failed', path, found: what },
        'what is accepted from now on is lost with the next stop: put the folder back where it was, or stop Isthmus and look for a backup',
      );
    }
    timer = clock.after(SIGHT_MS, look);
  };
  timer = clock.after(SIGHT_MS, look);
  return { stop: () => timer?.cancel() };
}

/** Calls `changed` once what is saved below `folder` has settled. */
export function watchFolder(folder: string, clock: Clock, log: Log, changed: () => void): Reloads {
  let timer: Timer | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { recursive: true }, () => {
      timer?.cancel();
      timer = clock.after(SETTLE_MS, changed);
    });
    watcher.on('error', (error) => log.warn({ event: 'watch.failed', folder, err: error }, 'changes are taken after a restart'));
  } catch (error) {
    log.warn({ event: 'watch.failed', folder, err: error }, 'changes are taken after a restart');
  }
  return {
    stop() {
      timer?.cancel();
      watcher?.close();
    },
  };
}
