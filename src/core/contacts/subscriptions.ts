// May one see the other? RFC 6121 §3 and the tables of appendix A as a pure machine: one person's side of the two
// subscriptions with one contact. `between` runs both sides of two users of ours in one step, so that they cannot disagree.

import type { SubscriptionState, SubscriptionVerb } from '../../model/core.ts';
import type { Subscriptions } from '../../model/core-stores.ts';

export const NO_SUBSCRIPTIONS: Subscriptions = { sees: false, seen: false, asked: false, asks: false, approved: false };

export interface Outbound {
  readonly next: Subscriptions;
  /** Goes on to the contact. */
  readonly send: boolean;
}
export interface Inbound {
  readonly next: Subscriptions;
  /** The user is told. */
  readonly tell: boolean;
  /** Answered for the user. */
  readonly reply?: 'subscribed';
}

/** The owner of the list says a verb to the contact (RFC 6121 A.2). */
export function outbound(verb: SubscriptionVerb, now: Subscriptions): Outbound {
  switch (verb) {
    case 'subscribe': // A.2.1
      return { next: now.sees ? now : { ...now, asked: true }, send: true };
    case 'unsubscribe': // A.2.2
      return { next: { ...now, sees: false, asked: false }, send: true };
    case 'subscribed': // A.2.3, and §3.4.1 where nobody has asked yet
      if (now.asks) return { next: { ...now, asks: false, seen: true }, send: true };
      return { next: now.seen ? now : { ...now, approved: true }, send: false };
    case 'unsubscribed': // A.2.4, and §3.4.3: a pre-approval is taken back
      return { next: { ...now, asks: false, seen: false, approved: false }, send: now.asks || now.seen };
  }
  return verb satisfies never;
}

/** The contact says a verb to the owner of the list (RFC 6121 A.3). */
export function inbound(verb: SubscriptionVerb, now: Subscriptions): Inbound {
  switch (verb) {
    case 'subscribe': // A.3.1; §3.1.3: granted already, or in advance (§3.4.2)
      if (now.seen || now.approved) return { next: { ...now, seen: true, asks: false }, tell: false, reply: 'subscribed' };
      return { next: { ...now, asks: true }, tell: !now.asks };
    case 'unsubscribe': // A.3.2
      return { next: { ...now, seen: false, asks: false }, tell: now.seen || now.asks };
    case 'subscribed': // A.3.3: what nobody asked for changes nothing
      return now.asked ? { next: { ...now, asked: false, sees: true }, tell: true } : { next: now, tell: false };
    case 'unsubscribed': // A.3.4
      return { next: { ...now, asked: false, sees: false }, tell: now.asked || now.sees };
  }
  return verb satisfies never;
}

/** Both sides after one of two users of ours has said a verb. `tellMine`: what the answer given for the other says. */
export interface Between {
  readonly mine: Subscriptions;
  readonly theirs: Subscriptions;
  readonly tellTheirs?: SubscriptionVerb;
  readonly tellMine?: SubscriptionVerb;
}

/** @param mine of who says the verb @param theirs of who hears it */
export function between(verb: SubscriptionVerb, mine: Subscriptions, theirs: Subscriptions): Between {
  const out = outbound(verb, mine);
  if (!out.send) return { mine: out.next, theirs };
  const heard = inbound(verb, theirs);
  const answered = heard.reply === undefined ? undefined : inbound(heard.reply, out.next);
  return {
    mine: answered?.next ?? out.next,
    theirs: heard.next,
    ...(heard.tell && { tellTheirs: verb }),
    ...(answered?.tell === true && heard.reply !== undefined && { tellMine: heard.reply }),
  };
}

/** RFC 6121 §2.1.2.5. */
export function stateOf({ sees, seen }: Pick<Subscriptions, 'sees' | 'seen'>): SubscriptionState {
  if (sees) return seen ? 'both' : 'to';
  return seen ? 'from' : 'none';
}
