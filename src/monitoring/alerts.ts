// What an operator is told without having a monitoring system: a partner that cannot be reached, a certificate that ends, a
// queue that grows old. Each alert is told once when it begins, once a day while it lasts, and once when it is over.

import type { Log } from '../log.ts';
import type { ArchiveSight } from '../model/archive.ts';
import { daysLeft } from '../model/expiry.ts';
import type { Health, PartnerHealth } from '../model/health.ts';
import type { Alert, AlertRules } from '../model/notify.ts';
import type { Clock, Timer } from '../model/ports.ts';
import { utcDay, utcMinute } from '../model/utc.ts';
import type { InsideAway } from './inside.ts';
import type { WatchedCertificate } from './metrics.ts';

/** What is sent out. */
export interface Notice {
  readonly state: 'begins' | 'lasts' | 'over';
  readonly alert: Alert;
  /** Wall ms. */
  readonly at: number;
}

/** A road out: mail, webhook. Rejects when it could not be told. */
export interface Notifier {
  readonly name: string;
  tell(notices: readonly Notice[]): Promise<void>;
}

export interface AlertParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: AlertRules;
  readonly health: Health;
  /** Our own servers that are away. */
  readonly inside: () => readonly InsideAway[];
  readonly certificates: () => Promise<readonly WatchedCertificate[]>;
  /** What could not be archived; undefined: archiving works, or nothing is. */
  readonly archive?: () => ArchiveSight['failing'];
  /** The journal mailbox, when its oldest line has waited for `queueAgeMs`. */
  readonly journal?: (lateMs: number) => Promise<Alert | undefined>;
  readonly notifiers: readonly Notifier[];
}

const DAY_MS = 86_400_000;
const LOOK_EVERY_MS = 15_000;
/** Notices that could not be told are kept for the next look, up to this number. */
const MAX_OWED = 200;

/** The alerts that stand, and who is told. */
export class Alerts {
  readonly #parts: AlertParts;
  readonly #standing = new Map<string, { alert: Alert; toldAt: number }>();
  readonly #owed = new Map<Notifier, Notice[]>();
  #timer: Timer | undefined;
  #running = false;

  constructor(parts: AlertParts) {
    this.#parts = parts;
  }

  /** What is wrong now, longest first. */
  get standing(): readonly Alert[] {
    return [...this.#standing.values()].map(({ alert }) => alert).sort((a, b) => a.since - b.since);
  }

  /** Looks every 15 s. */
  start(): void {
    this.#running = true;
    const look = (): void => {
      this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => void this.look().finally(() => this.#running && look()));
    };
    look();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  /** One look: tells what begins, what still lasts after a day, and what is over. */
  async look(): Promise<void> {
    const now = this.#parts.clock.now();
    const found = new Map((await this.#find(now)).map((alert) => [alert.key, alert]));
    const notices: Notice[] = [];
    for (const alert of found.values()) {
      const before = this.#standing.get(alert.key);
      if (before === undefined) notices.push({ state: 'begins', alert, at: now });
      else if (now - before.toldAt >= DAY_MS) notices.push({ state: 'lasts', alert, at: now });
      const told = before === undefined || now - before.toldAt >= DAY_MS;
      this.#standing.set(alert.key, { alert, toldAt: told ? now : before.toldAt });
    }
    for (const [key, { alert }] of this.#standing) {
      if (found.has(key)) continue;
      this.#standing.delete(key);
      notices.push({ state: 'over', alert, at: now });
    }
    await this.#tell(notices);
  }

  async #find(now: number): Promise<readonly Alert[]> {
    const { health, inside, rules, certificates } = this.#parts;
    const found: Alert[] = [];
    for (const road of health.roads()) {
      const down = partnerDown(road, now, rules.partnerDownMs);
      if (down !== undefined) found.push(down);
      const old = queueOld(road, now, rules.queueAgeMs);
      if (old !== undefined) found.push(old);
    }
    for (const server of inside()) {
      const down = insideDown(server, now, rules.partnerDownMs);
      if (down !== undefined) found.push(down);
    }
    for (const certificate of await certificates()) {
      const ends = certificateEnds(certificate, now, rules.certificateDays);
      if (ends !== undefined) found.push(ends);
    }
    const lost = this.#parts.archive?.();
    if (lost !== undefined) found.push(notArchived(lost));
    const late = await this.#parts.journal?.(rules.queueAgeMs);
    if (late !== undefined) found.push(late);
    return found;
  }

  async #tell(notices: readonly Notice[]): Promise<void> {
    const { log, notifiers } = this.#parts;
    for (const { state, alert } of notices) {
      const { kind, subject, text } = alert;
      log.warn({ event: 'alert', state, kind, subject }, text);
    }
    await Promise.all(
      notifiers.map(async (notifier) => {
        const due = [...(this.#owed.get(notifier) ?? []), ...notices];
        if (due.length === 0) return;
        try {
          await notifier.tell(due);
          this.#owed.delete(notifier);
        } catch (error) {
          this.#owed.set(notifier, due.slice(-MAX_OWED));
          log.error({ event: 'alert.failed', by: notifier.name, err: error }, 'an alert could not be told and is tried again');
        }
      }),
    );
  }
}

function partnerDown(
  { domain, protocol, direction, state, sinceMs, lastFailure, waiting }: PartnerHealth,
  now: number,
  afterMs: number,
): Alert | undefined {
  // Anybody can come and fail to be this partner; what is refused on the road in is shown on the page and wakes nobody.
  if (direction === 'in' || state !== 'down' || now - sinceMs < afterMs) return undefined;
  const why = lastFailure === undefined ? '' : `: ${lastFailure.code}, ${lastFailure.text}`;
  const what = `${domain} has been unreachable over ${protocol} since ${utcMinute(sinceMs)}`;
  return {
    key: `partner.down ${domain} ${protocol}`,
    kind: 'partner.down',
    subject: domain,
    text: `${what}${waiting > 0 ? `, ${waiting} waiting` : ''}${why}`,
    advice: `isthmus partner test ${domain}`,
    since: sinceMs,
  };
}

function insideDown({ name, protocol, since, why }: InsideAway, now: number, afterMs: number): Alert | undefined {
  if (now - since < afterMs) return undefined;
  return {
    key: `inside.down ${name} ${protocol}`,
    kind: 'inside.down',
    subject: name,
    text: `our own ${protocol === 'sip' ? 'SIP server for' : 'XMPP server behind'} ${name} has been unreachable since ${utcMinute(since)}: ${why}`,
    advice: 'routes/domains.yaml says where it is; isthmus status shows it',
    since,
  };
}

function queueOld({ domain, waiting, oldestMs }: PartnerHealth, now: number, afterMs: number): Alert | undefined {
  if (waiting === 0 || oldestMs < afterMs) return undefined;
  return {
    key: `queue.old ${domain}`,
    kind: 'queue.old',
    subject: domain,
    text: `${waiting} waiting for ${domain}, the oldest for ${minutes(oldestMs)}`,
    advice: `isthmus queue list --partner ${domain}`,
    since: now - oldestMs,
  };
}

function certificateEnds({ role, name, notAfter }: WatchedCertificate, now: number, days: readonly number[]): Alert | undefined {
  const left = daysLeft(notAfter, now);
  const threshold = [...days].sort((a, b) => a - b).find((limit) => left < limit);
  if (threshold === undefined) return undefined;
  const whose = { own: 'our certificate', partner: 'the certificate of', ca: 'the authority' }[role];
  const when = left < 0 ? `expired on ${utcDay(notAfter)}` : `expires on ${utcDay(notAfter)}, in ${left} days`;
  return {
    // A nearer threshold is a new alert.
    key: `certificate.expires ${role} ${name} ${left < 0 ? 'expired' : threshold}`,
    kind: 'certificate.expires',
    subject: name,
    text: `${whose} ${name} ${when}`,
    advice:
      role === 'own' ? `isthmus cert renew ${name} where certs/acme.yaml has it; else isthmus cert request ${name}` : 'isthmus cert list',
    since: notAfter - threshold * DAY_MS,
  };
}

function notArchived({ since, why }: NonNullable<ArchiveSight['failing']>): Alert {
  return {
    key: 'archive.failed',
    kind: 'archive.failed',
    subject: 'the archive',
    text: `messages that should be archived cannot be since ${utcMinute(since)}: ${why}`,
    advice: 'isthmus archive status; the log, event archive.failed, names each message',
    since,
  };
}

function minutes(ms: number): string {
  const whole = Math.floor(ms / 60_000);
  return whole < 120 ? `${whole} min` : `${Math.floor(whole / 60)} h`;
}
