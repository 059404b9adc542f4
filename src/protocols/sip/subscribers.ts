// All our subscriptions to SIP presentities: the shell of subscriber.ts. It sends SUBSCRIBE, takes NOTIFY (which may
// overtake the 200), owns the timers and tells the neck. Dialogs are kept in the store; after a restart they are
// re-confirmed, not trusted. What one watcher has of one presentity is watched.ts.

import { reason } from '../../errors.ts';
import { type Address, bare, bareKey, fromBareKey } from '../../model/address.ts';
import type { PresenceEvent, Side } from '../../model/event.ts';
import { delivered, HANDED_OVER, type Outcome } from '../../model/outcome.ts';
import type { Hop } from '../../model/ports.ts';
import type { DialogRecord } from '../../model/stores.ts';
import { toSipUri } from './address.ts';
import { Dialog } from './dialog.ts';
import type { BuildRequest, InboundRequest, OutgoingReply, SipAnswer } from './exchange.ts';
import { subscribeHeaders } from './from-model/presence.ts';
import { parseNameAddr } from './headers/name-addr.ts';
import type { SipResponse } from './message.ts';
import { originOf } from './messages.ts';
import { outcomeOf } from './outcomes.ts';
import { contactUser, hopTo, pairKey, type SipPresenceDeps } from './presence-ground.ts';
import { foundingSubscribe, readAnswer } from './subscribe-requests.ts';
import { step } from './subscriber.ts';
import { type Action, begin, type Input, reconfirm, type Subscriber } from './subscription.ts';
import { readNotify } from './to-model/presence.ts';
import { type Line, newLine, originOfPeer, sentBy, type Watched, watched } from './watched.ts';
import { WatchedRecords } from './watched-records.ts';
import { WatchedReports } from './watched-reports.ts';

const MAX_FORKS = 8;
/** After a restart dialogs are re-confirmed over this time. */
const SPREAD_MS = 10_000;

export class Subscribers {
  readonly #deps: SipPresenceDeps;
  readonly #records: WatchedRecords;
  readonly #reports: WatchedReports;
  readonly #all = new Map<string, Watched>();
  #size = 0;

  constructor(deps: SipPresenceDeps) {
    this.#deps = deps;
    this.#records = new WatchedRecords(deps.dialogs, deps.clock, deps.log);
    this.#reports = new WatchedReports({
      ...deps,
      // The dialogs are left to lapse.
      unwanted: (of) => {
        for (const line of [...of.lines]) this.#feed(line, { kind: 'watcherOffline' });
      },
    });
  }

  get size(): number {
    return this.#size;
  }

  /** Subscribes, refreshes, lets lapse or ends. Returns at once: what comes of it is told by events. */
  deliver(event: PresenceEvent, hop: Hop): Outcome {
    const [watcher, presentity] = [bare(event.from), bare(event.to)];
    const known = this.#all.get(pairKey(watcher, presentity));
    switch (event.kind) {
      case 'presence.requested':
        this.#ensure(known ?? this.#begin(watcher, presentity, hop.side), false);
        return delivered('a SUBSCRIBE is on its way; its answer will be told');
      case 'presence.probed':
      case 'presence.watcherOnline':
        this.#ensure(known ?? this.#begin(watcher, presentity, hop.side), true);
        return HANDED_OVER;
      case 'presence.watcherOffline':
        for (const line of [...(known?.lines ?? [])]) this.#feed(line, { kind: 'watcherOffline' });
        return HANDED_OVER;
      case 'presence.ended': {
        // A new request finds nothing here and begins anew, while this one is still ending.
        const ending = known ?? watched(watcher, presentity, hop.side);
        this.#all.delete(ending.pair);
        if (ending.lines.size === 0) this.#reports.unsubscribed(ending);
        for (const line of [...ending.lines]) this.#feed(line, { kind: 'stop' });
        return delivered('a SUBSCRIBE with Expires 0 is on its way');
      }
      default:
        return HANDED_OVER;
    }
  }

  /** Takes up dialogs of the process before: each is refreshed soon, and shown again when its NOTIFY comes. */
  restore(records: readonly DialogRecord[]): number {
    let count = 0;
    for (const record of records) {
      const kept = this.#records.read(record);
      if (kept === undefined) continue;
      const [watcher, presentity] = [fromBareKey(record.watcher), fromBareKey(record.presentity)];
      const of = this.#all.get(pairKey(watcher, presentity)) ?? this.#begin(watcher, presentity, kept.side);
      of.before = [...new Set([...of.before, ...kept.shown])];
      const line = this.#line(of, reconfirm(kept.everActive, kept.grantedS));
      line.dialog = Dialog.fromRecord(kept.dialog);
      line.callId = kept.dialog.callId;
      line.localTag = kept.dialog.localTag;
      line.storedId = record.id;
      this.#register(line);
      this.#arm(line, this.#deps.random() * SPREAD_MS);
      count++;
    }
    return count;
  }

  close(): void {
    for (const of of this.#all.values()) for (const line of of.lines) line.timer?.cancel();
  }

  #begin(watcher: Address, presentity: Address, side: Side): Watched {
    const of = watched(watcher, presentity, side);
    this.#all.set(of.pair, of);
    return of;
  }

  #ensure(of: Watched, everActive: boolean): void {
    if (of.lines.size > 0) for (const line of [...of.lines]) this.#feed(line, { kind: 'watcherOnline' });
    else this.#feed(this.#line(of, begin(everActive)), { kind: 'start' });
  }

  #line(of: Watched, machine: Subscriber): Line {
    const line = newLine(of, machine);
    of.lines.add(line);
    this.#size++;
    return line;
  }

  #feed(line: Line, input: Input): void {
    const [next, actions] = step(line.machine, input, { nowMs: this.#deps.clock.monotonic(), random: this.#deps.random() });
    line.machine = next;
    for (const action of actions) this.#act(line, action);
    this.#records.save(line);
  }

  #act(line: Line, action: Action): void {
    switch (action.do) {
      case 'subscribe':
        void this.#subscribe(line, action.fresh, action.expiresS).then((answer) => this.#answered(line, answer));
        return;
      case 'timer':
        this.#arm(line, action.ms);
        return;
      case 'cancelTimer':
        line.timer?.cancel();
        line.timer = undefined;
        return;
      case 'tell':
        this.#reports.report(line, action.what);
        return;
      case 'blank':
        line.document = undefined;
        this.#reports.show(line.watched, line.origin);
        return;
      case 'show':
        this.#reports.show(line.watched, line.origin);
        return;
      case 'forget':
        this.#forget(line);
        return;
      case 'ignore':
        return;
    }
    action satisfies never;
  }

  async #subscribe(line: Line, fresh: boolean, expiresS: number): Promise<SipAnswer> {
    const { shore, table, log } = this.#deps;
    const { watcher, presentity, side } = line.watched;
    const hop = hopTo(table(), side, watcher.domain, presentity.domain);
    try {
      if (!fresh && line.dialog !== undefined) {
        const headers = subscribeHeaders(expiresS);
        return await shore.requestInDialog(hop, line.dialog, { method: 'SUBSCRIBE', headers }, contactUser(watcher));
      }
      return await shore.request(hop, await this.#found(line, expiresS), {});
    } catch (error) {
      log.error({ event: 'presence.failed', presentity: bareKey(presentity), error: String(error) });
      return { kind: 'failed', reason: reason('US_BUG', 'the SUBSCRIBE could not be written') };
    }
  }

  /** A SUBSCRIBE that founds a new dialog (RFC 6665 §4.1.2.1). */
  async #found(line: Line, expiresS: number): Promise<BuildRequest> {
    const { ids, spellings } = this.#deps;
    const { presentity } = line.watched;
    // What the old SUBSCRIBE was forked into ends with it.
    for (const fork of [...line.watched.lines]) if (fork !== line && fork.callId === line.callId && line.callId !== '') this.#forget(fork);
    this.#records.remove(line);
    line.unregister();
    line.dialog = undefined;
    line.callId = ids.event();
    line.localTag = ids.token();
    this.#register(line); // before it is sent: the NOTIFY may be faster than the 200
    const spelling = await spellings.get(bareKey(presentity));
    line.to = toSipUri(presentity, spelling === undefined ? {} : { spelling });
    return foundingSubscribe(line, expiresS);
  }

  #answered(line: Line, answer: SipAnswer): void {
    if (answer.kind === 'failed') {
      const fields = { event: 'presence.subscribeFailed', presentity: bareKey(line.watched.presentity), code: answer.reason.code };
      this.#deps.log.info(fields, answer.reason.text);
      this.#feed(line, { kind: 'unanswered' });
      return;
    }
    const { status } = answer.response;
    line.origin = originOfPeer(line.watched, answer.connection);
    if (status >= 200 && status < 300) this.#founded(line, answer.response);
    else {
      const outcome = outcomeOf(answer.response, false);
      line.refusal = outcome.kind === 'refused' || outcome.kind === 'failed' ? outcome.reason : undefined;
    }
    this.#feed(line, readAnswer(answer.response));
  }

  #founded(line: Line, response: SipResponse): void {
    line.refusal = undefined;
    if (line.dialog === undefined) line.dialog = Dialog.asClient(sentBy(line), response);
    // The 200 of one fork does not speak for the dialog of another, whose NOTIFY came first.
    else if (parseNameAddr(response.headers.get('to') ?? '')?.tag === line.dialog.remoteTag) line.dialog.refreshTarget(response);
  }

  /** A NOTIFY of this Call-ID and local tag: of the dialog, of one that the 200 has not founded yet, or of a fork. */
  async #notified(founder: Line, request: InboundRequest): Promise<OutgoingReply> {
    if (request.message.method !== 'NOTIFY') return { status: 405, headers: [['Allow', 'NOTIFY']] };
    // Only the presentity's own domain may say where they are, whoever has seen the tags.
    if (request.fromDomain !== founder.watched.presentity.domain) return { status: 481 };
    const reading = readNotify(request.message, this.#deps.clock.now());
    if (reading.kind === 'refused') return reading.reply;
    const line = this.#lineOf(founder, request);
    if (typeof line === 'number') return { status: line };
    line.origin = originOf(request);
    line.refusal = undefined; // what was refused before is no reason for what is said now
    if (reading.kind === 'terminated') {
      const { reason: why, retryAfterMs } = reading;
      this.#feed(line, {
        kind: 'terminated',
        ...(why !== undefined && { reason: why }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    } else {
      // Spec 5.8: what a pending NOTIFY may carry is not looked at.
      if (reading.state === 'active') line.document = reading.document;
      const { state, expiresS } = reading;
      this.#feed(line, { kind: 'notify', state, ...(expiresS === undefined ? {} : { expiresS }) });
    }
    return { status: 200 };
  }

  /** The dialog of a NOTIFY, founded by it if need be; or the status it is refused with. */
  #lineOf(founder: Line, request: InboundRequest): Line | 481 | 500 {
    const of = founder.watched;
    const mine = [...of.lines].filter((line) => line.callId === request.callId && line.localTag === founder.localTag);
    const known = mine.find((line) => line.dialog?.remoteTag === request.fromTag);
    if (known !== undefined) return known.dialog?.receive(request.message) ?? known;
    const dialog = Dialog.asClient(sentBy(founder), request.message);
    if (dialog === undefined || mine.length === 0 || mine.length > MAX_FORKS) return 481;
    if (founder.dialog === undefined) {
      founder.dialog = dialog;
      return founder;
    }
    const { everActive, wanted, grantedS } = founder.machine;
    const fork = this.#line(of, { ...begin(everActive), phase: 'neutral', established: true, wanted, grantedS });
    fork.callId = founder.callId;
    fork.localTag = founder.localTag;
    fork.to = founder.to;
    fork.dialog = dialog;
    fork.unregister = founder.unregister;
    return fork;
  }

  #forget(line: Line): void {
    const of = line.watched;
    if (!of.lines.delete(line)) return;
    this.#size--;
    line.timer?.cancel();
    this.#records.remove(line);
    if (![...of.lines].some((other) => other.callId === line.callId)) line.unregister();
    if (of.lines.size === 0) {
      if (this.#all.get(of.pair) === of) this.#all.delete(of.pair);
    } else if (line.document !== undefined) this.#reports.show(of, line.origin);
  }

  #register(line: Line): void {
    line.unregister = this.#deps.shore.dialogs.register(line.callId, line.localTag, (request) => this.#notified(line, request));
  }

  #arm(line: Line, ms: number): void {
    line.timer?.cancel();
    line.timer = this.#deps.clock.after(ms, () => this.#feed(line, { kind: 'timer' }));
  }
}
