// Renewal of our own certificates: looks every hour which are due, asks the authorities in order, puts the new pair in force,
// and makes the next key ahead. One certificate at a time. What fails is left alone as schedule.ts says; what is in
// force stays until something better has come and was checked.

import type { AcmeCertificate, AcmeSettings, RenewalFault, RenewalResult, RenewalState, Renewals, RenewOptions } from '../../model/acme.ts';
import type { Timer } from '../../model/ports.ts';
import { AcmeError, faultOf } from '../acme/fault.ts';
import { AuthorityDesk, type DeskOptions } from './desk.ts';
import { holdRenewals } from './lock.ts';
import { nextTry, worthFallBack } from './schedule.ts';
import { type Remembered, RenewalMemory } from './state.ts';
import { RenewalView } from './view.ts';

export interface RenewerOptions extends DeskOptions {
  /** certs/acme.yaml as it was read last. */
  readonly settings: () => AcmeSettings | undefined;
  /** Reads it again; what has a fault leaves the old. Like certificates it counts at once. */
  readonly refresh: () => void;
}

const CHECK_EVERY_MS = 3_600_000;
/** After the start and after a reload, so that a crash loop is no storm on the CA. */
const SETTLE_MS = 5000;
const SOONEST_MS = 30_000;

export class Renewer implements Renewals {
  readonly #options: RenewerOptions;
  readonly #memory: RenewalMemory;
  readonly #view: RenewalView;
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  /** The end of what is being done; the next waits for it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RenewerOptions) {
    this.#options = options;
    this.#memory = new RenewalMemory(options.stateFolder);
    this.#view = new RenewalView(options.certs, options.clock, this.#memory);
  }

  settings(): AcmeSettings | undefined {
    return this.#options.settings();
  }

  refreshed(): AcmeSettings | undefined {
    this.#options.refresh();
    return this.settings();
  }

  /** Begins to look by itself. */
  start(): void {
    this.#arm(SETTLE_MS);
  }

  /** The files of the home may say something else now. */
  look(): void {
    if (this.#timer !== undefined) this.#arm(SETTLE_MS);
  }

  /** Resolves when what was going on has let go: records and listeners are taken down. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#stopped.abort();
    await this.#turn;
  }

  states(): readonly RenewalState[] {
    const settings = this.settings();
    return (settings?.certificates ?? []).map((wanted) => this.#view.stateOf(wanted, settings!)); // there are certificates, so there are settings
  }

  renew(options: RenewOptions): Promise<readonly RenewalResult[]> {
    const signal = AbortSignal.any([options.signal, this.#stopped.signal]);
    return this.#inTurn(() => this.#renewAll({ ...options, signal }));
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    if (this.#stopped.signal.aborted) return;
    this.#timer = this.#options.clock.after(ms, () => void this.#check());
  }

  async #check(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      await this.#inTurn(async () => {
        this.#options.refresh();
        await this.#askForInformation(signal);
        return this.#renewAll({ force: false, dryRun: false, progress: () => {}, signal });
      });
    } catch (error) {
      this.#options.log.error({ event: 'us.bug', err: error }, 'looking after certificates ran into a defect; it goes on in an hour');
    }
    this.#arm(this.#untilNextCheck());
  }

  /** An hour, with up to a tenth more; sooner when something is due before. */
  #untilNextCheck(): number {
    const { clock, random } = this.#options;
    const hour = CHECK_EVERY_MS * (1 + random() / 10);
    const next = Math.min(...this.states().map((state) => state.nextTryAt - clock.now()), hour);
    return Math.max(SOONEST_MS, Math.ceil(next));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #renewAll(options: RenewOptions): Promise<readonly RenewalResult[]> {
    const settings = this.refreshed();
    const wanted = (settings?.certificates ?? []).filter((one) => options.name === undefined || one.name === options.name);
    const now = this.#options.clock.now();
    if (settings === undefined || (!options.force && !options.dryRun && wanted.every((one) => this.#waits(one, settings, now)))) {
      return wanted.map((one) => this.#notNow(one, settings!)); // none without settings
    }
    let letGo: () => void;
    try {
      letGo = holdRenewals(this.#options.stateFolder);
    } catch (error) {
      const fault = faultOf(asAcmeError(error));
      return wanted.map(({ name }) => ({ kind: 'failed', name, faults: [fault], nextTryAt: now }));
    }
    try {
      const results: RenewalResult[] = [];
      for (const one of wanted) results.push(await this.#renewOne(one, settings, options));
      return results;
    } finally {
      letGo();
    }
  }

  async #renewOne(wanted: AcmeCertificate, settings: AcmeSettings, options: RenewOptions): Promise<RenewalResult> {
    const { clock, log, random } = this.#options;
    const { force, dryRun, signal } = options;
    const progress = (line: string): void => options.progress(`${wanted.name}: ${line}`);
    if (!force && !dryRun && this.#waits(wanted, settings, clock.now())) return this.#notNow(wanted, settings);
    const faults: RenewalFault[] = [];
    for (const authority of settings.authorities) {
      const tries = this.#memory.get(wanted.name).tries[authority.name];
      if (!force && !dryRun && tries !== undefined && tries.nextTryAt > clock.now()) continue;
      const desk = new AuthorityDesk(authority, this.#options, signal);
      try {
        progress(`asking ${authority.name}`);
        const issued = await desk.issue(wanted, this.#view.issuer(wanted), dryRun, progress);
        if (issued === undefined) return { kind: 'tried', name: wanted.name, authority: authority.name };
        const { fingerprint, notAfter, nextKey } = issued;
        this.#keep(wanted.name, { fingerprint, authority: authority.name, renewedAt: clock.now(), tries: {} });
        log.info(
          {
            event: 'cert.renewed',
            name: wanted.name,
            authority: authority.name,
            names: wanted.names,
            fingerprint,
            notAfter: new Date(notAfter).toISOString(),
            ...(nextKey !== undefined && { nextKey }),
          },
          'the new certificate is in place; new handshakes use it',
        );
        return { kind: 'renewed', name: wanted.name, authority: authority.name, notAfter, fingerprint };
      } catch (error) {
        const failure = asAcmeError(error);
        const fault = faultOf(failure, authority.name);
        faults.push(fault);
        if (failure.code === 'ACME_STOPPED') break;
        const failures = (tries?.failures ?? 0) + 1;
        const nextTryAt = nextTry(failures, fault.code, fault.notBefore, clock.now(), random);
        progress(`${authority.name}: ${fault.text}`);
        if (!dryRun) {
          const held = worthFallBack(fault.code) ? [authority] : settings.authorities;
          this.#remember(
            wanted.name,
            held.map(({ name }) => name),
            { failures, nextTryAt, fault },
          );
          const facts = {
            name: wanted.name,
            authority: authority.name,
            code: fault.code,
            found: fault.text,
            advice: fault.advice,
            failures,
          };
          log.error(
            { event: 'cert.renewalFailed', ...facts, nextTry: new Date(nextTryAt).toISOString() },
            'the certificate in force stays',
          );
        }
        if (!worthFallBack(fault.code)) break;
      }
    }
    return { kind: 'failed', name: wanted.name, faults, nextTryAt: this.#view.stateOf(wanted, settings).nextTryAt };
  }

  #remember(name: string, authorities: readonly string[], tries: Remembered['tries'][string]): void {
    const before = this.#memory.get(name);
    this.#keep(name, { ...before, tries: { ...before.tries, ...Object.fromEntries(authorities.map((one) => [one, tries])) } });
  }

  #keep(name: string, remembered: Remembered): void {
    try {
      this.#memory.put(name, remembered);
    } catch (error) {
      this.#options.log.error({ event: 'store.failed', err: error }, 'var/acme cannot be written; a restart forgets how renewal stands');
    }
  }

  /** Nothing to do yet: not due, or every authority is left alone. */
  #waits(wanted: AcmeCertificate, settings: AcmeSettings, now: number): boolean {
    return this.#view.stateOf(wanted, settings, now).nextTryAt > now;
  }

  #notNow(wanted: AcmeCertificate, settings: AcmeSettings): RenewalResult {
    const now = this.#options.clock.now();
    const { name, dueAt, because, faults, nextTryAt } = this.#view.stateOf(wanted, settings, now);
    if (dueAt <= now) return { kind: 'failed', name, faults, nextTryAt };
    return { kind: 'notDue', name, dueAt, because };
  }

  /** RFC 9773: asks the CAs that issued what is in force whether it should be renewed earlier. A failure is no news. */
  async #askForInformation(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const settings = this.settings();
    for (const wanted of settings?.certificates ?? []) {
      const { leaf, authority: issuer } = this.#view.issuer(wanted);
      const remembered = this.#memory.get(wanted.name);
      const authority = settings?.authorities.find(({ name }) => name === issuer);
      if (leaf === undefined || authority === undefined || (remembered.askAt ?? 0) > clock.now()) continue;
      const { info, askAt } = await new AuthorityDesk(authority, this.#options, signal).information(leaf, remembered.info);
      if (signal.aborted) return;
      const { info: _old, ...rest } = remembered;
      this.#keep(wanted.name, { ...rest, askAt, ...(info !== undefined && { info }) });
    }
  }
}

/** A defect of ours, or what the file system says, told like any other failure: one certificate must not stop the others. */
function asAcmeError(error: unknown): AcmeError {
  if (error instanceof AcmeError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new AcmeError('ACME_PAIR', said, { advice: 'See that this user may write in certs/own and var/acme of the home', cause: error });
}
