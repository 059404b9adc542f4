// All subscriptions of SIP watchers to people on the other side: the shell of notifier.ts. It answers SUBSCRIBE, sends
// NOTIFY one at a time per dialog, owns the expiry timers and keeps dialogs in the store so that a restart can take them up.
// Who may see what is the neck's business: a SUBSCRIBE becomes an event, and what comes back is shown. One dialog is watching.ts.

import { reason } from '../../errors.ts';
import { bareKey, fromBareKey } from '../../model/address.ts';
import type { Origin, PresenceEvent, Side } from '../../model/event.ts';
import { delivered, HANDED_OVER, type Outcome } from '../../model/outcome.ts';
import type { Timer } from '../../model/ports.ts';
import type { DialogRecord } from '../../model/stores.ts';
import { Dialog } from './dialog.ts';
import type { InboundRequest, OutgoingReply, SipAnswer } from './exchange.ts';
import { notifyParts } from './from-model/presence.ts';
import { KeptDialogs } from './kept-dialogs.ts';
import { originOf } from './messages.ts';
import { type Input, notification, restored, step, TERMS, type Terms } from './notifier.ts';
import { contactUser, hopTo, pairKey, type SipPresenceDeps } from './presence-ground.ts';
import { accepted, refusal } from './subscribe-replies.ts';
import { readForm, readSubscribe, type SubscribeReading } from './to-model/presence.ts';
import { keptWatching, leftMs, newWatching, type Watching, waits } from './watching.ts';

/** How long a SUBSCRIBE waits for the neck before it is answered 200 and pending. */
const DECIDE_MS = 4000;
const MAX_PER_PAIR = 32;
const MAX_DIALOGS = 200_000;
/** After a restart the neck is asked about so many dialogs over this time. */
const SPREAD_MS = 10_000;

export class Notifiers {
  readonly #deps: SipPresenceDeps;
  readonly #kept: KeptDialogs;
  readonly #pairs = new Map<string, Set<Watching>>();
  #size = 0;

  constructor(deps: SipPresenceDeps) {
    this.#deps = deps;
    this.#kept = new KeptDialogs(deps.dialogs, deps.log);
  }

  get size(): number {
    return this.#size;
  }

  /** Handler of SUBSCRIBE outside a dialog. */
  readonly subscribe = async (request: InboundRequest): Promise<OutgoingReply> => {
    const reading = readSubscribe(request, this.#terms(request.side, request.fromDomain));
    if (reading.kind === 'refused') return reading.reply;
    const localTag = this.#deps.ids.token();
    const dialog = Dialog.asServer(request.message, localTag);
    if (dialog === undefined) return { status: 400, headers: [['Warning', '399 isthmus "Contact is missing or holds no SIP URI"']] };
    const pair = pairKey(reading.watcher, reading.presentity);
    if (this.#size >= MAX_DIALOGS || (this.#pairs.get(pair)?.size ?? 0) >= MAX_PER_PAIR) {
      return { status: 500, headers: [['Retry-After', '300']] }; // never 503 (spec 0)
    }
    await this.#learnSpelling(reading);
    const live = this.#add(dialog, reading, originOf(request));
    const refused = await this.#ask(live, request);
    return refused ?? accepted(request, live.presentity, live.expiresS, this.#deps.shore, localTag);
  };

  /** Shows, grants, refuses or ends for every dialog of the pair. Returns at once; the NOTIFYs follow. */
  deliver(event: PresenceEvent): Outcome {
    const lives = this.#pairs.get(pairKey(event.to, event.from)) ?? new Set();
    // The neck answers a poll of somebody who was granted nothing by a refusal. What waits beside the poll goes on waiting.
    const polls = [...lives].some(({ machine }) => machine.poll && machine.phase !== 'terminated');
    for (const live of [...lives]) {
      switch (event.kind) {
        case 'presence.granted':
          this.#feed(live, { kind: 'granted' });
          break;
        case 'presence.denied':
          if (!(polls && event.origin.side === 'local' && waits(live))) this.#feed(live, { kind: 'denied' });
          break;
        case 'presence.notified':
          this.#feed(live, { kind: 'notified', document: event.document });
          break;
        case 'presence.ended': {
          const retryAfterS = typeof event.retry === 'object' ? { retryAfterS: Math.ceil(event.retry.afterMs / 1000) } : {};
          this.#feed(live, { kind: 'ended', reason: event.reason, ...retryAfterS });
          break;
        }
        default:
          break;
      }
    }
    if (event.kind === 'presence.notified') return HANDED_OVER;
    return delivered(lives.size === 0 ? 'no SIP dialog of the watcher is open' : `told to ${lives.size} SIP dialogs`);
  }

  /** Takes up dialogs of the process before. Their whole time runs anew: what was left of it is never trusted (DESIGN 8). */
  restore(records: readonly DialogRecord[]): number {
    let count = 0;
    for (const record of records) {
      const kept = this.#kept.notifier(record);
      if (kept === undefined) continue;
      const people = { watcher: fromBareKey(record.watcher), presentity: fromBareKey(record.presentity) };
      const reading = { ...people, expiresS: kept.expiresS, ...(kept.eventId === undefined ? {} : { eventId: kept.eventId }) };
      const live = this.#add(Dialog.fromRecord(kept.dialog), reading, kept.origin);
      live.machine = restored(kept.phase, live.machine.expiresAt);
      this.#arm(live);
      this.#save(live);
      count++;
      if (kept.phase === 'active')
        this.#deps.clock.after(this.#deps.random() * SPREAD_MS, () => this.#tell(live, 'presence.watcherOnline'));
    }
    return count;
  }

  close(): void {
    for (const lives of this.#pairs.values()) for (const live of lives) live.timer?.cancel();
  }

  #add(dialog: Dialog, reading: Omit<SubscribeReading, 'kind' | 'spelling'>, origin: Origin): Watching {
    const live = newWatching(dialog, reading, origin, this.#deps.clock.monotonic());
    const { pair } = live;
    live.unregister = this.#deps.shore.dialogs.register(dialog.callId, dialog.localTag, (request) => this.#inside(live, request));
    const lives = this.#pairs.get(pair) ?? new Set();
    lives.add(live);
    this.#pairs.set(pair, lives);
    this.#size++;
    this.#arm(live);
    return live;
  }

  /** Asks the neck. @returns the refusal to answer with, if there is one in time */
  async #ask(live: Watching, request: InboundRequest): Promise<OutgoingReply | undefined> {
    const { clock } = this.#deps;
    let late = false;
    const decided = this.#tell(live, live.machine.poll ? 'presence.probed' : 'presence.requested').then((outcome) => {
      const use6xx = this.#deps.table().partners.get(request.fromDomain)?.sip.use6xx === true;
      const refused = refusal(outcome, request, live.presentity, use6xx);
      if (refused !== undefined) {
        if (late) this.#feed(live, { kind: 'denied' });
        else this.#remove(live);
      }
      // A poll that policy refuses looks like one of somebody who was granted nothing, and takes no longer.
      if (refused === undefined && outcome.kind === 'refused' && live.machine.poll) this.#feed(live, { kind: 'denied' });
      // The 200 goes first, where it can (RFC 6665 §4.2.1.3).
      if (refused === undefined || late) clock.after(0, () => this.#feed(live, { kind: 'decided' }));
      return refused;
    });
    let timer: Timer | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = clock.after(DECIDE_MS, () => {
        late = true;
        clock.after(0, () => this.#feed(live, { kind: 'decided' }));
        resolve(undefined);
      });
    });
    return Promise.race([decided, tooLate]).finally(() => timer?.cancel());
  }

  /** A request inside the dialog: a refresh, or the end. */
  async #inside(live: Watching, request: InboundRequest): Promise<OutgoingReply> {
    if (request.message.method !== 'SUBSCRIBE') return { status: 405, headers: [['Allow', 'SUBSCRIBE']] };
    // Tags are no secret between the hops: only the domain that founded the dialog may speak in it.
    if (request.fromDomain !== live.watcher.domain || live.machine.phase === 'terminated') return { status: 481 };
    const form = readForm(request.message.headers, this.#terms(request.side, request.fromDomain));
    if (form.kind === 'refused') return form.reply;
    if (form.eventId !== live.eventId) return { status: 481 }; // RFC 6665 §4.5.2
    const refused = live.dialog.receive(request.message);
    if (refused !== undefined) return { status: refused };
    live.expiresS = form.expiresS;
    const { clock } = this.#deps;
    if (form.expiresS === 0) clock.after(0, () => this.#feed(live, { kind: 'left' }));
    else {
      const expiresAt = clock.monotonic() + form.expiresS * 1000;
      clock.after(0, () => {
        this.#feed(live, { kind: 'refreshed', expiresAt });
        // Policy may have changed since: who waits asks again, who sees gives a sign of life. The neck sends nothing twice.
        void this.#tell(live, live.machine.phase === 'active' ? 'presence.watcherOnline' : 'presence.requested');
      });
    }
    return accepted(request, live.presentity, live.expiresS, this.#deps.shore);
  }

  #feed(live: Watching, input: Input): void {
    const [next, actions] = step(live.machine, input);
    live.machine = next;
    if (input.kind === 'refreshed' || next.phase === 'terminated') this.#arm(live);
    for (const action of actions) {
      switch (action.do) {
        case 'notify':
          void this.#notify(live);
          break;
        case 'forget':
          this.#remove(live);
          if (action.watcherGone) this.#left(live);
          break;
        case 'tellLeft':
          this.#left(live);
          break;
        case 'ignore':
          break;
        default:
          action satisfies never;
      }
    }
    this.#save(live);
  }

  async #notify(live: Watching): Promise<void> {
    const { clock, shore, log } = this.#deps;
    const parts = notifyParts(live.presentity, notification(live.machine, clock.monotonic()), clock.now(), live.eventId);
    const { side } = live.origin;
    const hop = hopTo(this.#deps.table(), side, live.presentity.domain, live.watcher.domain);
    const request = { method: 'NOTIFY', ...parts };
    let answer: SipAnswer;
    try {
      answer = await shore.requestInDialog(hop, live.dialog, request, contactUser(live.presentity));
    } catch (error) {
      log.error({ event: 'presence.failed', watcher: bareKey(live.watcher), error: String(error) });
      answer = { kind: 'failed', reason: reason('US_BUG', 'the NOTIFY could not be written') };
    }
    if (answer.kind === 'response') {
      const { status, headers } = answer.response;
      if (status >= 200 && status < 300) live.dialog.refreshTarget(answer.response);
      else log.info({ event: 'presence.notifyRefused', watcher: bareKey(live.watcher), presentity: bareKey(live.presentity), status });
      this.#feed(live, { kind: 'answered', status, retryAfter: headers.get('retry-after') !== undefined });
    } else {
      log.info({ event: 'presence.notifyFailed', watcher: bareKey(live.watcher), code: answer.reason.code }, answer.reason.text);
      this.#feed(live, { kind: 'answered' });
    }
  }

  #arm(live: Watching): void {
    live.timer?.cancel();
    if (live.machine.phase === 'terminated') return; // its last NOTIFY has the deadline of every request
    live.timer = this.#deps.clock.after(leftMs(live, this.#deps.clock.monotonic()), () => this.#feed(live, { kind: 'lapsed' }));
  }

  #remove(live: Watching): void {
    const lives = this.#pairs.get(live.pair);
    if (lives?.delete(live) !== true) return;
    if (lives.size === 0) this.#pairs.delete(live.pair);
    this.#size--;
    live.timer?.cancel();
    live.unregister();
    if (live.stored !== undefined) this.#kept.remove(live.dialog.id);
  }

  /** The watcher is gone when the last dialog of the pair is. */
  #left(live: Watching): void {
    const others = [...(this.#pairs.get(live.pair) ?? [])].some((other) => other !== live && other.machine.phase !== 'terminated');
    if (!others) void this.#tell(live, 'presence.watcherOffline');
  }

  #tell(
    live: Watching,
    kind: 'presence.requested' | 'presence.probed' | 'presence.watcherOnline' | 'presence.watcherOffline',
  ): Promise<Outcome> {
    const { ids, clock, submit } = this.#deps;
    const event = { kind, id: ids.event(), at: clock.now(), origin: live.origin, from: live.watcher, to: live.presentity };
    return submit(event).catch((error: unknown): Outcome => {
      this.#deps.log.error({ event: 'presence.failed', id: event.id, kind, error: String(error) });
      return { kind: 'failed', reason: reason('STORE_FULL', 'the request could not be written down') };
    });
  }

  #save(live: Watching): void {
    const { phase, poll, undecided } = live.machine;
    if (poll || undecided || phase === 'terminated' || this.#pairs.get(live.pair)?.has(live) !== true) return;
    if (live.stored === phase && !live.dialog.wantsSaving) return;
    live.stored = phase;
    this.#kept.put(...keptWatching(live, phase, this.#deps.clock.now()));
  }

  async #learnSpelling(reading: SubscribeReading): Promise<void> {
    if (reading.spelling === reading.watcher.local) return;
    const key = bareKey(reading.watcher);
    if ((await this.#deps.spellings.get(key)) !== reading.spelling) await this.#deps.spellings.put(key, reading.spelling);
  }

  #terms(side: Side, domain: string): Terms {
    return TERMS[side === 'edge' ? (this.#deps.table().partners.get(domain)?.sip.dialect ?? 'standard') : 'standard'];
  }
}
