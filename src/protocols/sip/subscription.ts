// One subscription of ours to a SIP presentity as a value: its states (RFC 6665 §4.1.2), what can happen to it, and what may be
// asked of the shell. What follows from what is subscriber.ts.

/** Seconds asked for at first (RFC 3856 §6.4). */
const EXPIRES_S = 3600;

/** What is waited for. */
export type Phase =
  /** SUBSCRIBE is out, nothing has come. */
  | 'trying'
  /** 2xx, no NOTIFY yet: nothing is known (RFC 3856 §6.7). */
  | 'neutral'
  | 'pending'
  | 'active'
  /** No dialog to speak of: a timer runs, then it is tried again. */
  | 'probation'
  /** Expires 0 is out; the last NOTIFY is awaited, for Timer N at most. */
  | 'closing'
  | 'gone';

export interface Subscriber {
  readonly phase: Phase;
  /** What the first NOTIFY said before the 2xx came, or that a dialog stands while a refresh fails. */
  readonly established: boolean;
  /** A SUBSCRIBE is out and unanswered. */
  readonly asking: boolean;
  /** The neck has heard of the grant; survives new dialogs. */
  readonly everActive: boolean;
  /** The watcher is there: refresh and come back. */
  readonly wanted: boolean;
  readonly stopping: boolean;
  /** Seconds asked for. */
  readonly expiresS: number;
  readonly failures: number;
  readonly toldUnreachable: boolean;
  /** Monotonic ms of the last SUBSCRIBE. */
  readonly askedAt: number;
  /** Has 423 been answered once in this attempt? */
  readonly lengthened: boolean;
  /** Seconds the peer granted last. */
  readonly grantedS: number;
  /** Dialogs in a row that the peer ended soon after our SUBSCRIBE. */
  readonly shortLives: number;
  /** Not refreshed any more; the next timer is its end. */
  readonly lapsing: boolean;
}

export type Input =
  | { readonly kind: 'start' }
  | { readonly kind: 'watcherOnline' }
  | { readonly kind: 'watcherOffline' }
  /** The watcher unsubscribes. */
  | { readonly kind: 'stop' }
  /** Final answer to the outstanding SUBSCRIBE. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly expiresS?: number;
      readonly minExpiresS?: number;
      readonly retryAfterMs?: number;
    }
  /** No answer came. */
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'notify'; readonly state: 'active' | 'pending'; readonly expiresS?: number }
  | { readonly kind: 'terminated'; readonly reason?: string; readonly retryAfterMs?: number }
  /** The timer set last has run down. */
  | { readonly kind: 'timer' };

/** Time and chance, handed in. `random` is in [0, 1). */
export interface Facts {
  readonly nowMs: number;
  readonly random: number;
}

export type Action =
  /** Send SUBSCRIBE. `fresh`: a new dialog with a new Call-ID. */
  | { readonly do: 'subscribe'; readonly fresh: boolean; readonly expiresS: number }
  /** Replaces the timer that runs. */
  | { readonly do: 'timer'; readonly ms: number }
  | { readonly do: 'cancelTimer' }
  /** To the neck: the first active NOTIFY; a refusal; nothing can be had there; unreachable; ended as asked. */
  | { readonly do: 'tell'; readonly what: 'granted' | 'denied' | 'noresource' | 'unreachable' | 'unsubscribed' }
  /** To the neck: the document of this NOTIFY. */
  | { readonly do: 'show' }
  /** To the neck: nothing is shown any more. */
  | { readonly do: 'blank' }
  | { readonly do: 'forget' }
  | { readonly do: 'ignore' };

export type Step = readonly [next: Subscriber, actions: readonly Action[]];

/** Before the first SUBSCRIBE. @param everActive the neck has heard of a grant already */
export function begin(everActive: boolean): Subscriber {
  return {
    phase: 'gone',
    established: false,
    asking: false,
    everActive,
    wanted: true,
    stopping: false,
    expiresS: EXPIRES_S,
    failures: 0,
    toldUnreachable: false,
    askedAt: Number.NEGATIVE_INFINITY,
    lengthened: false,
    grantedS: EXPIRES_S,
    shortLives: 0,
    lapsing: false,
  };
}

/** A dialog found after a restart: the timer that runs refreshes it; nothing is believed before its NOTIFY (spec 5.8). */
export function reconfirm(everActive: boolean, grantedS: number): Subscriber {
  return { ...begin(everActive), phase: 'probation', established: true, grantedS };
}
