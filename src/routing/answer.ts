// What a sender is answered, and when (DESIGN 8 "Answer to a SIP MESSAGE"): the far end's word when it comes within 4 s, else
// - or at once when the lane is down or not empty - the partner's `queuedAnswer`. Words of a protocol are not spoken here.

import { reason } from '../errors.ts';
import type { Alongside } from '../model/archive.ts';
import type { Event, ImReceipt, ImSent } from '../model/event.ts';
import type { DurableEvent } from '../model/outbox-store.ts';
import { type Outcome, type QueuedAnswer, refused } from '../model/outcome.ts';
import type { Clock, Hop } from '../model/ports.ts';
import type { Table } from '../model/table.ts';

/** How long a SIP sender waits for the far end's word, ms. */
export const ANSWER_WITHIN_MS = 4000;

/** What is asked of the outbox. */
export interface Acceptor {
  /** @param alongside is on disk with the event, or neither is */
  submit(event: DurableEvent, alongside?: Alongside): Promise<Accepted>;
  /** The sender has been told yes, provisionally: a later failure must be told by a notice. False: it has ended already. */
  toldQueued(id: string): boolean;
}
export type Accepted =
  /**
   * Committed. `firstWord`: the outcome, or `failed` once the first try has failed and the row waits on. `laneIdle`: nothing of
   * the same pair waits before it and its road is believed open.
   */
  | {
      readonly kind: 'accepted';
      readonly outcome: Promise<Outcome>;
      readonly firstWord: Promise<Outcome>;
      readonly laneIdle: boolean;
      withdraw(): Promise<boolean>;
    }
  /** The same message again: the answer is what the first one got; undefined: it waits. */
  | { readonly kind: 'duplicate'; readonly outcome: Outcome | undefined }
  | { readonly kind: 'refused'; readonly outcome: Outcome };

export interface AnswerDeps {
  readonly outbox: Acceptor;
  readonly clock: Clock;
  readonly table: () => Table;
  /** Written with the event. */
  readonly alongside?: Alongside;
  /** How it ended, whenever that is. */
  readonly ended: (event: ImSent | ImReceipt, outcome: Outcome) => void;
}

/** Puts a message or receipt into the outbox and waits as long as its sender should. */
export async function answer(event: ImSent | ImReceipt, hop: Hop, deps: AnswerDeps): Promise<Outcome> {
  const { outbox } = deps;
  const accepted = await outbox.submit(event, deps.alongside);
  if (accepted.kind === 'refused') return accepted.outcome;
  const queued = { kind: 'queued', answer: queuedAnswer(event, hop, deps.table()) } as const;
  // The first one may still be delivered, so its copy is never told that it was not.
  if (accepted.kind === 'duplicate') return accepted.outcome ?? (queued.answer === 480 ? { kind: 'queued', answer: 202 } : queued);
  void accepted.outcome.then((outcome) => deps.ended(event, outcome));
  // An XMPP sender is told by an error stanza whenever it may come, so nothing waits for it here.
  if (event.origin.network !== 'sip') return outbox.toldQueued(event.id) ? queued : accepted.outcome;

  const first = accepted.laneIdle ? await within(accepted.firstWord, ANSWER_WITHIN_MS, deps.clock) : undefined;
  if (first !== undefined && first.kind !== 'failed') return first;
  if (queued.answer === 480 && (await accepted.withdraw()))
    return refused(reason('PEER_UNAVAILABLE', `${hop.theirDomain} cannot be reached now and queuedAnswer is 480`));
  if (!outbox.toldQueued(event.id)) return accepted.outcome;
  // DESIGN 8: what is written cannot be taken back, so it answers 202.
  return queued.answer === 480 ? { kind: 'queued', answer: 202 } : queued;
}

/** The preset of the partner on the SIP side of this exchange. */
function queuedAnswer(event: Event, hop: Hop, table: Table): QueuedAnswer {
  return table.partners.get(event.from.domain)?.sip.queuedAnswer ?? hop.partner?.sip.queuedAnswer ?? 202;
}

function within(outcome: Promise<Outcome>, ms: number, clock: Clock): Promise<Outcome | undefined> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(undefined));
    void outcome.then((value) => {
      timer.cancel();
      resolve(value);
    });
  });
}
