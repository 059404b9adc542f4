// The metrics of one process in Prometheus' text format. What happens is counted from the log's lines, so that a metric and
// a log line cannot disagree; what stands is read when somebody scrapes. Names: operations.md §2.1.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { LogLine } from '../log.ts';
import type { JournalState } from '../model/archive.ts';
import type { Health } from '../model/health.ts';
import type { Sessions } from '../model/sessions.ts';

/** A certificate whose end matters to us. */
export interface WatchedCertificate {
  readonly role: 'own' | 'partner' | 'ca';
  readonly name: string;
  /** Wall ms. */
  readonly notAfter: number;
}

export interface MetricsParts {
  /** Wall ms. */
  readonly now: () => number;
  readonly version: string;
  readonly health: Health;
  readonly sessions: Pick<Sessions, 'list'>;
  /** What waits, by the domain it waits for. `oldestAt` in wall ms. */
  readonly waiting: () => readonly { readonly domain: string; readonly rows: number; readonly oldestAt: number }[];
  readonly certificates: () => Promise<readonly WatchedCertificate[]>;
  readonly store: () => { readonly p99Ms: number; readonly failures: number; readonly backlog: number };
  /** Number of the rules in force. */
  readonly generation: () => number;
  /** Wall ms of the last backup; undefined: never. */
  readonly lastBackup: () => number | undefined;
  /** Undefined: nothing is journaled. */
  readonly journal?: () => Promise<JournalState | undefined>;
  /**
   * What a domain is called in labels: a listed partner's name, `ours`, or `unlisted`, so that strangers cannot fill the
   * memory of whoever scrapes.
   */
  readonly label: (domain: string) => string;
}

export interface Metrics {
  /** Sees each line of the log. */
  watch(line: LogLine): void;
  /** The text, and its content type. */
  scrape(): Promise<{ readonly text: string; readonly type: string }>;
  stop(): void;
}

const HANDSHAKE_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Makes the registry; nothing is shared between two of them. */
export function makeMetrics(parts: MetricsParts): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = makeCounters(registry);
  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  makeGauges(registry, parts, lag);
  return {
    watch: (line) => count(line, counters, parts.label),
    async scrape() {
      return { text: await registry.metrics(), type: registry.contentType };
    },
    stop: () => void lag.disable(),
  };
}

type Counters = ReturnType<typeof makeCounters>;

function makeCounters(registry: Registry) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    messages: counter('isthmus_messages_total', 'Messages that came to an end, by partner, direction (toThem, fromThem) and result.', [
      'partner',
      'direction',
      'result',
    ]),
    handshakeFailures: counter('isthmus_handshake_failures_total', 'Connections that did not come to stand: where, and why.', [
      'partner',
      'step',
      'reason',
    ]),
    handshakes: new Histogram({
      name: 'isthmus_handshake_seconds',
      help: 'Duration of TLS handshakes.',
      labelNames: ['protocol', 'direction'],
      buckets: HANDSHAKE_BUCKETS_S,
      registers: [registry],
    }),
    copies: counter('isthmus_dedup_hits_total', 'Messages that came a second time and were not delivered again.', []),
    denied: counter('isthmus_policy_denied_total', 'Exchanges that policy refused, by the file and key that decided.', ['rule']),
    limited: counter('isthmus_limited_total', 'What a limit turned away.', ['partner', 'limit']),
    filtered: counter('isthmus_filtered_total', 'What the filters did to messages at the border.', ['partner', 'action', 'what']),
    hookFailures: counter('isthmus_filter_hook_failures_total', 'Questions that the filter hook did not answer.', []),
    lossy: counter('isthmus_translate_lossy_total', 'Messages of which something could not be shown as it was.', ['from', 'to', 'what']),
    malformed: counter('isthmus_malformed_total', 'What a peer sent that could not be read.', ['event']),
    archiveFailures: counter('isthmus_archive_failures_total', 'Messages that should be archived and could not be.', ['result']),
    journalSent: counter('isthmus_journal_sent_total', 'Archived messages that the journal mailbox has got.', []),
    journalRefused: counter('isthmus_journal_refused_total', 'Archived messages that its mail server does not take.', []),
    bugs: counter('isthmus_bugs_total', 'Defects of Isthmus that were met.', ['event']),
    storeFailures: counter('isthmus_store_failures_total', 'The database could not be written or read.', []),
    certificatesRejected: counter('isthmus_certificate_rejected_total', 'Files in certs/ that were not usable.', []),
    rulesRejected: counter('isthmus_rules_rejected_total', 'Changed sets of files that had a fault and did not take effect.', []),
  };
}

function count({ fields, bound, level }: LogLine, counters: Counters, label: MetricsParts['label']): void {
  const word = (name: string): string => String(fields[name] ?? bound[name] ?? '');
  const partner = (...names: readonly string[]): string => {
    const name = names.find((one) => fields[one] !== undefined || bound[one] !== undefined);
    return name === undefined ? 'unknown' : label(word(name));
  };
  switch (fields.event) {
    case 'message.ended': {
      if (fields.kind !== 'im.sent') return;
      const toThem = label(word('toDomain')) !== 'ours';
      counters.messages.inc({
        partner: partner(toThem ? 'toDomain' : 'fromDomain'),
        direction: toThem ? 'toThem' : 'fromThem',
        result: word('state'),
      });
      return;
    }
    case 'message.copy':
      counters.copies.inc();
      return;
    case 'message.degraded':
      counters.lossy.inc({ from: word('from'), to: word('to'), what: word('what') });
      return;
    case 'message.filtered': {
      const toThem = label(word('toDomain')) !== 'ours';
      counters.filtered.inc({ partner: partner(toThem ? 'toDomain' : 'fromDomain'), action: word('action'), what: word('what') });
      return;
    }
    case 'filter.hookFailed':
      counters.hookFailures.inc();
      return;
    case 'archive.failed':
      counters.archiveFailures.inc({ result: fields.passed === true ? 'passed' : 'refused' });
      return;
    case 'filter.hookRests':
      return; // its failures are counted one by one
    case 'message.limited':
      counters.limited.inc({ partner: partner('fromDomain'), limit: word('code') });
      return;
    case 'outbox.full':
      counters.limited.inc({ partner: partner('to'), limit: 'LIMIT_QUEUE_FULL' });
      return;
    case 'contact.dropped':
      counters.limited.inc({ partner: 'unlisted', limit: 'LIMIT_PENDING' });
      return;
    case 'connection.refused':
      counters.limited.inc({ partner: 'unknown', limit: 'connections' });
      return;
    case 'decision.refused':
      counters.denied.inc({ rule: `${word('file')} ${word('key')}`.trim() || word('code') });
      return;
    case 'tls.done':
      counters.handshakes.observe({ protocol: word('protocol'), direction: word('direction') }, Number(fields.ms) / 1000);
      return;
    case 'tls.failed':
      counters.handshakeFailures.inc({ partner: 'unknown', step: 'tls', reason: 'NET_TLS_FAILED' });
      return;
    case 'peer.refused':
      counters.handshakeFailures.inc({ partner: partner('domain'), step: 'identity', reason: word('code') });
      return;
    case 'stream.failed':
      counters.handshakeFailures.inc({ partner: partner('to'), step: stepOf(word('code')), reason: word('code') });
      return;
    case 'sip.connect.failed':
      counters.handshakeFailures.inc({ partner: partner('domain'), step: stepOf(word('code')), reason: word('code') });
      return;
    case 'stream.refused':
    case 'stream.error':
      counters.handshakeFailures.inc({ partner: 'unknown', step: 'stream', reason: word('condition') });
      return;
    case 'stream.silent':
      counters.handshakeFailures.inc({ partner: partner('to'), step: 'silence', reason: 'PEER_TIMEOUT' });
      return;
    case 'sip.frame.refused':
    case 'sip.request.malformed':
    case 'sip.response.dropped':
    case 'stanza.dropped':
      counters.malformed.inc({ event: fields.event });
      return;
    case 'store.failed':
      counters.storeFailures.inc();
      return;
    case 'journal.sent':
      counters.journalSent.inc(Number(fields.lines));
      return;
    case 'journal.refused':
      counters.journalRefused.inc();
      return;
    case 'cert.rejected':
      counters.certificatesRejected.inc();
      return;
    case 'rules.rejected':
      counters.rulesRejected.inc();
      return;
    default:
      if (level === 'error') counters.bugs.inc({ event: fields.event });
  }
}

/** Which rung of the ladder a code belongs to. */
function stepOf(code: string): string {
  if (code.startsWith('NET_DNS') || code.startsWith('ROUTE_')) return 'dns';
  if (code.startsWith('NET_CONNECT') || code === 'NET_ADDRESS_REFUSED') return 'tcp';
  if (code === 'NET_TLS_FAILED') return 'tls';
  return code.startsWith('CERT_') || code.startsWith('AUTH_') ? 'identity' : 'stream';
}

function makeGauges(registry: Registry, parts: MetricsParts, lag: ReturnType<typeof monitorEventLoopDelay>): void {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[], fill: (gauge: Gauge<L>) => void | Promise<void>) =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      async collect() {
        this.reset();
        await fill(this);
      },
    });
  gauge('isthmus_build_info', 'The version that runs; always 1.', ['version'], (to) => to.set({ version: parts.version }, 1));
  gauge('isthmus_rules_generation', 'Counts up with every set of files that takes effect.', [], (to) => to.set(parts.generation()));
  gauge(
    'isthmus_partner_up',
    'The road to (out) or from (in) a partner: 1 up, 0 down; absent while nobody has tried.',
    ['partner', 'protocol', 'direction'],
    (to) => {
      const roads = new Map<string, number>();
      for (const { domain, protocol, direction, state } of parts.health.roads()) {
        if (state === 'idle') continue;
        const key = `${parts.label(domain)} ${protocol} ${direction}`;
        // A partner of several domains is up when all of them are.
        roads.set(key, Math.min(roads.get(key) ?? 1, state === 'up' ? 1 : 0));
      }
      for (const [key, value] of roads) {
        const [partner = '', protocol = '', direction = ''] = key.split(' ');
        to.set({ partner, protocol, direction }, value);
      }
    },
  );
  const byPartner = (): Map<string, { rows: number; oldestAt: number }> => {
    const sums = new Map<string, { rows: number; oldestAt: number }>();
    for (const { domain, rows, oldestAt } of parts.waiting()) {
      const name = parts.label(domain);
      const sum = sums.get(name) ?? { rows: 0, oldestAt: Number.POSITIVE_INFINITY };
      sums.set(name, { rows: sum.rows + rows, oldestAt: rows === 0 ? sum.oldestAt : Math.min(sum.oldestAt, oldestAt) });
    }
    return sums;
  };
  gauge('isthmus_outbox_depth', 'Messages and subscriptions that wait for a partner.', ['partner'], (to) => {
    for (const [partner, { rows }] of byPartner()) to.set({ partner }, rows);
  });
  gauge('isthmus_outbox_oldest_seconds', 'Age of the oldest of them.', ['partner'], (to) => {
    for (const [partner, { oldestAt }] of byPartner()) {
      if (Number.isFinite(oldestAt)) to.set({ partner }, Math.max(0, (parts.now() - oldestAt) / 1000));
    }
  });
  gauge('isthmus_sessions', 'Open connections.', ['partner', 'protocol'], (to) => {
    for (const { proven, protocol } of parts.sessions.list()) {
      const [domain] = proven.keys();
      to.inc({ partner: domain === undefined ? 'unproven' : parts.label(domain), protocol });
    }
  });
  gauge('isthmus_certificate_expiry_seconds', 'Time left; negative: expired.', ['role', 'name'], async (to) => {
    for (const { role, name, notAfter } of await parts.certificates()) to.set({ role, name }, (notAfter - parts.now()) / 1000);
  });
  gauge('isthmus_loop_lag_seconds', 'Delay of the event loop since the last scrape.', ['quantile'], (to) => {
    for (const quantile of [50, 99]) to.set({ quantile: String(quantile / 100) }, lag.percentile(quantile) / 1e9);
    lag.reset();
  });
  gauge('isthmus_store_commit_seconds', 'Time of a commit, 99th percentile of the last 1024.', [], (to) =>
    to.set(parts.store().p99Ms / 1000),
  );
  gauge('isthmus_store_backlog', 'Marks that wait to be written.', [], (to) => to.set(parts.store().backlog));
  gauge(
    'isthmus_journal_waiting',
    'Archived messages that the journal mailbox has not got; absent: nothing is journaled.',
    [],
    async (to) => {
      const state = await parts.journal?.();
      if (state !== undefined) to.set(state.waiting);
    },
  );
  gauge('isthmus_journal_oldest_seconds', 'Age of the oldest of them.', [], async (to) => {
    const state = await parts.journal?.();
    if (state !== undefined) to.set(state.oldestAt === undefined ? 0 : Math.max(0, (parts.now() - state.oldestAt) / 1000));
  });
  gauge('isthmus_backup_age_seconds', 'Time since the last backup; absent: there has been none.', [], (to) => {
    const last = parts.lastBackup();
    if (last !== undefined) to.set(Math.max(0, (parts.now() - last) / 1000));
  });
}
