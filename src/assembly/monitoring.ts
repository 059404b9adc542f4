// What watches a running edge, tied together: the log's watchers, metrics, alerts, and the listener for who looks.

import type { Home } from '../config/home.ts';
import type { OwnCertificates } from '../edge/own-certificates.ts';
import type { TrustStore } from '../edge/trust-store.ts';
import type { Web } from '../edge/web.ts';
import type { Log, LogLine } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import type { Sessions } from '../model/sessions.ts';
import type { Table } from '../model/table.ts';
import { Alerts } from '../monitoring/alerts.ts';
import { RoadWatch } from '../monitoring/health.ts';
import { InsideWatch } from '../monitoring/inside.ts';
import type { Journal } from '../monitoring/journal.ts';
import { openMonitoring } from '../monitoring/listener.ts';
import { makeMetrics, type WatchedCertificate } from '../monitoring/metrics.ts';
import { mailNotifier, webhookNotifier } from '../monitoring/notifiers.ts';
import { page } from '../monitoring/page.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Store } from '../store/store.ts';
import type { ArchiveRoom } from './archive.ts';
import { secretOf } from './secrets.ts';

/** The eyes: made before anything is logged, given the parts when they stand. */
export class Watchers {
  readonly #seeing: ((line: LogLine) => void)[] = [];

  /** For `observed(log, ...)`. */
  readonly watch = (line: LogLine): void => {
    for (const see of this.#seeing) see(line);
  };

  /** From now on `see` is told each line. */
  add(see: (line: LogLine) => void): void {
    this.#seeing.push(see);
  }
}

export interface MonitoringParts {
  readonly home: Home;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly watchers: Watchers;
  readonly table: () => Table;
  readonly store: Pick<Store, 'stats' | 'passports'>;
  readonly outbox: Pick<Outbox, 'stats'>;
  readonly sessions: Sessions;
  readonly own: OwnCertificates;
  readonly trust: TrustStore;
  readonly web: Web;
  readonly archive: Pick<ArchiveRoom, 'sight'>;
  readonly lastBackup: () => number | undefined;
  readonly journal: Pick<Journal, 'state' | 'alert'>;
  readonly notReady: () => string | undefined;
}

/** What runs while the edge runs. */
export interface Monitoring {
  readonly health: RoadWatch;
  readonly alerts: Alerts;
  readonly certificates: () => Promise<readonly WatchedCertificate[]>;
  /** The port of `metrics:` that is really open. */
  readonly port?: number;
  stop(): Promise<void>;
}

/** Starts to watch; opens `metrics:` where the home has it. Rejects when that cannot be listened on. */
export async function startMonitoring(parts: MonitoringParts): Promise<Monitoring> {
  const { home, clock, log, table, store, outbox, sessions } = parts;
  const now = (): number => clock.now();
  const startedAt = now();
  const waiting = () => outbox.stats().partners;
  const health = new RoadWatch({ now, table, waiting });
  const inside = new InsideWatch(now);
  const certificates = watchedCertificates(parts);
  const metrics = makeMetrics({
    now,
    version: parts.version,
    health,
    sessions,
    waiting,
    certificates,
    store: () => store.stats(),
    generation: () => table().generation,
    lastBackup: parts.lastBackup,
    journal: () => parts.journal.state(),
    label: (domain) => labelOf(domain, table()),
  });
  const surroundings = { secret: (name: string) => secretOf(home.dir, name), host: home.edge.host };
  const post = async (url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> => {
    const { status } = await parts.web.fetch(url, { method: 'POST', headers, body, allowHttp: true, allowPrivateAddresses: true });
    if (status < 200 || status > 299) throw new Error(`the webhook answered ${status}`);
  };
  const alerts = new Alerts({
    clock,
    log,
    rules: home.notify.when,
    health,
    inside: () => inside.away(),
    certificates,
    archive: () => parts.archive.sight().failing,
    journal: (lateMs) => parts.journal.alert(lateMs),
    notifiers: [
      ...home.notify.mail.map((one) => mailNotifier(one, surroundings)),
      ...home.notify.webhook.map((one) => webhookNotifier(one, surroundings, post)),
    ],
  });
  parts.watchers.add((line) => health.watch(line));
  parts.watchers.add((line) => inside.watch(line));
  parts.watchers.add(metrics.watch);
  const facts = { host: home.edge.host, version: parts.version, startedAt };
  const listener =
    home.metrics === undefined
      ? undefined
      : await openMonitoring(home.metrics, {
          scrape: metrics.scrape,
          notReady: parts.notReady,
          page: () => page({ ...facts, now: now(), alerts: alerts.standing, roads: health.roads() }),
        });
  alerts.start();
  return {
    health,
    alerts,
    certificates,
    ...(listener !== undefined && { port: listener.port }),
    async stop() {
      alerts.stop();
      metrics.stop();
      await listener?.close();
    },
  };
}

/** Every certificate whose end matters: ours, our authorities', and what partners have shown in the last thirty days. */
function watchedCertificates({ own, trust, store, clock }: MonitoringParts): () => Promise<readonly WatchedCertificate[]> {
  const SEEN_MS = 30 * 86_400_000;
  return async () => {
    const partners = (await store.passports.all()).filter(({ lastSeen }) => clock.now() - lastSeen < SEEN_MS);
    return [
      ...own.all.map(({ name, notAfter }): WatchedCertificate => ({ role: 'own', name, notAfter })),
      ...trust.current.ours.map(({ name, notAfter }): WatchedCertificate => ({ role: 'ca', name, notAfter })),
      ...partners.flatMap(({ domain, protocol, direction, chain }): WatchedCertificate[] =>
        chain[0] === undefined ? [] : [{ role: 'partner', name: `${domain} ${protocol} ${direction}`, notAfter: chain[0].notAfter }],
      ),
    ];
  };
}

/** What a domain is called in labels. */
function labelOf(domain: string, { domains, partners }: Table): string {
  if (domains.has(domain)) return 'ours';
  return partners.get(domain)?.name ?? 'unlisted';
}
