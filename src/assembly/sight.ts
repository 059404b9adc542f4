// What operators see of the running process itself (model/sight.ts), gathered from its parts.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { showBind } from '../edge/bind.ts';
import type { Listener } from '../edge/listener.ts';
import { fromBareKey } from '../model/address.ts';
import type { Clock } from '../model/ports.ts';
import type { Sessions } from '../model/sessions.ts';
import type { Sight } from '../model/sight.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Presence } from '../presence/presence.ts';
import type { Store } from '../store/store.ts';

export interface SightParts {
  readonly sessions: Sessions;
  readonly outbox: Pick<Outbox, 'stats'>;
  readonly store: Pick<Store, 'stats' | 'flush'>;
  readonly presence: Pick<Presence, 'view'>;
  readonly clock: Clock;
  readonly certificates: Sight['certificates'];
  readonly listeners: () => readonly Listener[];
  readonly lastBackupAt?: () => number | undefined;
}

/** Counters are looked at so often, ms, and a rate is that of so many looks. */
const LOOK_MS = 2000;
const LOOKS = 5;

/** Begins to look; ends with the process. */
export function makeSight(parts: SightParts): Sight {
  const rates = watchRates(parts.sessions, parts.clock);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let lag = { before: 0, since: parts.clock.monotonic() };
  return {
    listeners: () =>
      parts.listeners().map((listener) => ({
        side: listener.side === 'local' ? 'clients' : listener.side,
        protocol: listener.protocol,
        at: showBind(listener.bind),
      })),
    certificates: parts.certificates,
    rates,
    store() {
      const { p99Ms, failures, backlog } = parts.store.stats();
      return { commitP99Ms: p99Ms, failures, backlog };
    },
    loopLagMs() {
      // The sampler itself waits 10 ms; what is beyond it is lag.
      const now = Math.max(0, delay.percentile(99) / 1e6 - 10);
      const shown = Math.max(now, lag.before);
      if (parts.clock.monotonic() - lag.since > LOOK_MS * LOOKS) {
        lag = { before: now, since: parts.clock.monotonic() };
        delay.reset();
      }
      return shown;
    },
    memoryBytes: () => process.memoryUsage.rss(),
    lastBackupAt: () => parts.lastBackupAt?.(),
    flush: () => parts.store.flush(),
    view: (watcher, presentity) => parts.presence.view(fromBareKey(watcher), fromBareKey(presentity)),
  };
}

interface Counts {
  in: number;
  out: number;
}

function watchRates(sessions: Sessions, clock: Clock): Sight['rates'] {
  let last = new Map<string, Counts>();
  const looks: { readonly ms: number; readonly by: Map<string, Counts> }[] = [];
  let at = clock.monotonic();
  const look = (): void => {
    const now = clock.monotonic();
    const by = new Map<string, Counts>();
    const seen = new Map<string, Counts>();
    for (const { id, proven, received, sent } of sessions.list()) {
      seen.set(id, { in: received, out: sent });
      // A connection that speaks for several domains is counted for the first of them.
      const [domain] = proven.keys();
      const before = last.get(id);
      const more = { in: received - (before?.in ?? 0), out: sent - (before?.out ?? 0) };
      if (domain === undefined || more.in + more.out === 0) continue;
      const sum = by.get(domain) ?? { in: 0, out: 0 };
      by.set(domain, { in: sum.in + more.in, out: sum.out + more.out });
    }
    looks.push({ ms: now - at, by });
    if (looks.length > LOOKS) looks.shift();
    last = seen;
    at = now;
    clock.after(LOOK_MS, look);
  };
  clock.after(LOOK_MS, look);
  return () => {
    const ms = looks.reduce((sum, each) => sum + each.ms, 0);
    const sums = new Map<string, Counts>();
    for (const { by } of looks) {
      for (const [domain, more] of by) {
        const sum = sums.get(domain) ?? { in: 0, out: 0 };
        sums.set(domain, { in: sum.in + more.in, out: sum.out + more.out });
      }
    }
    for (const [domain, sum] of sums) sums.set(domain, { in: (sum.in * 1000) / ms, out: (sum.out * 1000) / ms });
    return sums;
  };
}
