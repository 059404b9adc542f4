// What ends soon, while the process runs: one look at the start and one a day at ours, partners' and our authorities'
// certificates. Each step (30, 14, 3 days, the end) is told once for each certificate.

import type { Log } from '../log.ts';
import { daysLeft, type ExpiryStep, expiryStep } from '../model/expiry.ts';
import type { Clock, Timer } from '../model/ports.ts';

/** One certificate to keep an eye on. */
export interface Watched {
  readonly role: 'own' | 'partner' | 'ca';
  /** Folder in certs/own, domain with its road, or file in certs/trust. */
  readonly name: string;
  readonly fingerprint: string;
  /** Wall ms. */
  readonly notAfter: number;
}

export interface Expiring extends Watched {
  readonly step: ExpiryStep;
  /** Whole days left; negative: it is over. */
  readonly days: number;
}

const DAY_MS = 86_400_000;
/** The start is busy with other things. */
const FIRST_LOOK_MS = 10_000;
const MAX_REMEMBERED = 50_000;

/** Watches until it is stopped. Nothing is written down: after a restart what is near its end is told again. */
export class ExpiryWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #everything: () => Promise<readonly Watched[]>;
  /** The last step told, by role, name and fingerprint. */
  readonly #told = new Map<string, ExpiryStep>();
  #timer: Timer | undefined;
  #stopped = false;

  /** @param everything what there is to look at, asked at each look */
  constructor(parts: { readonly clock: Clock; readonly log: Log; readonly everything: () => Promise<readonly Watched[]> }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#everything = parts.everything;
    this.#timer = this.#clock.after(FIRST_LOOK_MS, () => void this.#daily());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Looks once and logs what has reached a step since the last look; the same comes back. */
  async look(): Promise<readonly Expiring[]> {
    const now = this.#clock.now();
    const news: Expiring[] = [];
    for (const one of await this.#everything()) {
      const step = expiryStep(one.notAfter, now);
      const key = `${one.role} ${one.name} ${one.fingerprint}`;
      if (step === undefined || this.#told.get(key) === step) continue;
      if (this.#told.size >= MAX_REMEMBERED) this.#told.clear();
      this.#told.set(key, step);
      const days = daysLeft(one.notAfter, now);
      news.push({ ...one, step, days });
      const { role, name } = one;
      const until = new Date(one.notAfter).toISOString();
      this.#log.warn({ event: 'cert.expiring', role, name, days, step, until, fingerprint: one.fingerprint }, sentence(role, days));
    }
    return news;
  }

  async #daily(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.#log.error({ event: 'store.failed', err: error }, 'certificates could not be looked at and are tomorrow');
    }
    if (!this.#stopped) this.#timer = this.#clock.after(DAY_MS, () => void this.#daily());
  }
}

function sentence(role: Watched['role'], days: number): string {
  const end = days < 0 ? 'has expired' : days === 0 ? 'expires within a day' : `expires in ${days} day${days === 1 ? '' : 's'}`;
  const whose = { own: 'a certificate of ours', partner: "a partner's certificate", ca: 'an authority that we trust' }[role];
  return `${whose} ${end}; isthmus cert list shows it`;
}
