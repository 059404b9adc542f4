// One subscription of a SIP watcher, seen from the notifier: RFC 6665 §4.2, RFC 3856, spec 5.3. Pure: the shell in
// notifiers.ts sends what `step` asks for and owns the timers (expiry with 30 s grace, 5 s for a poll). One NOTIFY is
// outstanding at a time; what changes meanwhile is sent afterwards, the latest only.

import type { EndReason } from '../../model/event.ts';
import type { Endpoint, PresenceDocument } from '../../model/presence.ts';
import { parseSeconds } from './headers/seconds.ts';

/** What a watcher may ask for, in seconds. */
export interface Terms {
  readonly minS: number;
  readonly maxS: number;
}
/** Spec 5.3; Lync edges ask for longer terms. */
export const TERMS: Readonly<Record<'standard' | 'lync', Terms>> = {
  standard: { minS: 60, maxS: 7200 },
  lync: { minS: 300, maxS: 86_400 },
};
/** RFC 3856 §6.4: when the watcher does not say. */
const DEFAULT_EXPIRES_S = 3600;

export type ExpiresReading =
  | { readonly kind: 'accepted'; readonly seconds: number }
  /** 423 with Min-Expires (RFC 6665 §4.2.1.1). */
  | { readonly kind: 'tooBrief'; readonly minS: number }
  | { readonly kind: 'malformed' };

/** What is granted for the Expires of a SUBSCRIBE; 0 ends or polls. */
export function grantExpires(header: string | undefined, terms: Terms): ExpiresReading {
  if (header === undefined) return { kind: 'accepted', seconds: DEFAULT_EXPIRES_S };
  const asked = parseSeconds(header);
  if (asked === undefined) return { kind: 'malformed' };
  if (asked === 0) return { kind: 'accepted', seconds: 0 };
  return asked < terms.minS ? { kind: 'tooBrief', minS: terms.minS } : { kind: 'accepted', seconds: Math.min(asked, terms.maxS) };
}

export interface Notifier {
  readonly phase: 'pending' | 'active' | 'terminated';
  /** The neck has not said yet what may be shown: the first NOTIFY waits for it. */
  readonly undecided: boolean;
  /** A SUBSCRIBE with Expires 0 outside a dialog: one answer and the end. */
  readonly poll: boolean;
  /** What the watcher may see, closed endpoints left out after they were shown once; undefined: unknown. */
  readonly document: PresenceDocument | undefined;
  /** Monotonic ms. */
  readonly expiresAt: number;
  /** A NOTIFY waits for its answer. */
  readonly inFlight: boolean;
  /** Something has changed since that NOTIFY. */
  readonly owed: boolean;
  readonly end?: { readonly reason: EndReason; readonly retryAfterS?: number };
}

export type Input =
  | { readonly kind: 'decided' }
  | { readonly kind: 'granted' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'notified'; readonly document: PresenceDocument }
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly retryAfterS?: number }
  | { readonly kind: 'refreshed'; readonly expiresAt: number }
  /** Expires 0 inside the dialog. */
  | { readonly kind: 'left' }
  /** The expiry and its grace have passed, or a poll has waited long enough. */
  | { readonly kind: 'lapsed' }
  /** The answer to a NOTIFY; `status` undefined: none came. */
  | { readonly kind: 'answered'; readonly status?: number; readonly retryAfter?: boolean };

export type Action =
  /** Send `notification(state)` now. */
  | { readonly do: 'notify' }
  /** The dialog is over. `watcherGone`: it lived until now, so the watcher is no longer there. */
  | { readonly do: 'forget'; readonly watcherGone: boolean }
  /** The watcher left in good order: tell the neck; the last NOTIFY is still to be answered. */
  | { readonly do: 'tellLeft' }
  | { readonly do: 'ignore' };

/** A SUBSCRIBE has founded a dialog; the neck is still to be asked. @param expiresAt monotonic ms */
export function begin(poll: boolean, expiresAt: number): Notifier {
  return { phase: 'pending', undecided: true, poll, document: undefined, expiresAt, inFlight: false, owed: false };
}

/** A dialog found after a restart: nothing is said before something is known (spec 5.8). */
export function restored(phase: 'pending' | 'active', expiresAt: number): Notifier {
  return { phase, undecided: false, poll: false, document: undefined, expiresAt, inFlight: false, owed: false };
}

/** What follows from an input: the next state, and what the shell is asked to do. */
export function step(now: Notifier, input: Input): readonly [next: Notifier, actions: readonly Action[]] {
  if (input.kind === 'answered') return answered(now, input);
  if (now.phase === 'terminated') {
    return input.kind === 'decided' && now.undecided ? say({ ...now, undecided: false }) : [now, [{ do: 'ignore' }]];
  }
  switch (input.kind) {
    case 'decided':
      if (!now.undecided) return [now, [{ do: 'ignore' }]];
      return now.poll ? [{ ...now, undecided: false }, [{ do: 'ignore' }]] : say({ ...now, undecided: false });
    case 'granted':
      return now.poll || now.phase === 'active' ? [now, [{ do: 'ignore' }]] : say({ ...now, phase: 'active' });
    case 'denied':
      // A poll learns nothing, whether it may not know or there is nothing to know.
      return now.poll ? over({ ...now, document: undefined }, 'timeout') : over({ ...now, document: undefined }, 'rejected');
    case 'notified':
      if (now.poll) return over({ ...now, document: input.document }, 'timeout');
      // Spec 5.8: nothing is shown before the grant, whatever comes.
      return now.phase === 'active' ? say({ ...now, document: input.document }) : [now, [{ do: 'ignore' }]];
    case 'ended':
      return over({ ...now, document: undefined }, input.reason, input.retryAfterS);
    case 'refreshed':
      // RFC 6665 §4.2.1.2: every SUBSCRIBE is followed by the full state.
      return say({ ...now, expiresAt: input.expiresAt });
    case 'left':
    case 'lapsed': {
      const [next, actions] = over(now.poll ? now : closed(now), 'timeout');
      return [next, now.poll ? actions : [{ do: 'tellLeft' }, ...actions]];
    }
  }
  return input satisfies never;
}

function answered(now: Notifier, input: Extract<Input, { kind: 'answered' }>): readonly [Notifier, readonly Action[]] {
  if (!now.inFlight) return [now, [{ do: 'ignore' }]];
  const next: Notifier = { ...now, inFlight: false, document: shownOnce(now) };
  const { status } = input;
  const stands =
    status !== undefined && (status < 300 || ((status === 500 || status === 503 || status === 491) && input.retryAfter === true));
  // RFC 6665 §4.2.2: no answer, or one that says the subscription is not there: it is removed without another word.
  if (!stands) return [{ ...next, phase: 'terminated' }, [{ do: 'forget', watcherGone: now.phase !== 'terminated' && !now.poll }]];
  if (now.owed) return say({ ...next, owed: false });
  return now.phase === 'terminated' ? [next, [{ do: 'forget', watcherGone: false }]] : [next, []];
}

/** A NOTIFY goes out now, or when the neck has decided, or after the one that is out. */
function say(next: Notifier): readonly [Notifier, readonly Action[]] {
  return next.inFlight || next.undecided ? [{ ...next, owed: true }, []] : [{ ...next, inFlight: true, owed: false }, [{ do: 'notify' }]];
}

function over(now: Notifier, reason: EndReason, retryAfterS?: number): readonly [Notifier, readonly Action[]] {
  return say({ ...now, phase: 'terminated', end: { reason, ...(retryAfterS === undefined ? {} : { retryAfterS }) } });
}

/** Spec 5.3: who leaves is shown everything as closed, if anything was shown. */
function closed(now: Notifier): Notifier {
  if (now.phase !== 'active' || now.document === undefined) return { ...now, document: undefined };
  const shut = (endpoint: Endpoint): Endpoint => ({ id: endpoint.id, availability: 'closed', notes: [], at: endpoint.at });
  return { ...now, document: { endpoints: now.document.endpoints.map(shut) } };
}

/** A closed tuple is shown once, then omitted; if more is owed, it is not dropped before it was said. */
function shownOnce(now: Notifier): PresenceDocument | undefined {
  if (now.document === undefined || now.owed) return now.document;
  const open = now.document.endpoints.filter((endpoint) => endpoint.availability === 'open');
  return open.length === now.document.endpoints.length ? now.document : { endpoints: open };
}

/** What the NOTIFY of this moment says. */
export interface Notification {
  readonly state: 'pending' | 'active' | 'terminated';
  readonly reason?: EndReason;
  readonly retryAfterS?: number;
  /** Seconds left. */
  readonly expiresS?: number;
  /** Absent: an empty body (RFC 3856 §6.7: nothing is known, or nothing may be). */
  readonly document?: PresenceDocument;
}

/** @param nowMs monotonic ms */
export function notification(now: Notifier, nowMs: number): Notification {
  const document = now.document === undefined ? {} : { document: now.document };
  if (now.phase === 'terminated') {
    return {
      state: 'terminated',
      reason: wireReason(now.end?.reason),
      ...(now.end?.retryAfterS === undefined ? {} : { retryAfterS: now.end.retryAfterS }),
      ...document,
    };
  }
  const expiresS = Math.max(0, Math.ceil((now.expiresAt - nowMs) / 1000));
  return now.phase === 'active' ? { state: 'active', expiresS, ...document } : { state: 'pending', expiresS };
}

/** RFC 6665 §4.1.3 has seven words; ours are said with the nearest. */
function wireReason(reason: EndReason | undefined): EndReason {
  return reason === undefined || reason === 'unsubscribed' ? 'timeout' : reason === 'unreachable' ? 'probation' : reason;
}
