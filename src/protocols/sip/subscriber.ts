// One subscription of ours to a SIP presentity, for one XMPP watcher: RFC 6665 §4.1, RFC 3856, spec 5.2. Pure: the shell
// in subscribers.ts sends what `step` asks for and owns the timers. Whether the watcher may see anything is the neck's
// record; this machine only knows the dialog, when to refresh it and when to try again. Its states, inputs and actions
// stand in subscription.ts.

import type { EndReason } from '../../model/event.ts';
import type { Action, Facts, Input, Step, Subscriber } from './subscription.ts';

/** Spec 5.2: what a peer may demand by 423. */
const MAX_EXPIRES_S = 86_400;
/** RFC 6665 §4.1.2: 64 * T1. */
const TIMER_N_MS = 32_000;
const FIRST_RETRY_MS = 30_000;
const MAX_RETRY_MS = 60 * 60 * 1000;
const CREDENTIALS_RETRY_MS = 300_000;
const PROBATION_MS = 60_000;
const GIVEUP_MS = 60 * 60 * 1000;
/** However long a peer asks us to wait, and however short it grants. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;
const MIN_GRANTED_S = 40;
/** How long after its expiry a dialog that we let lapse is waited for. */
const LAPSE_GRACE_MS = 30_000;
/** A watcher who comes and goes does not cause more SUBSCRIBEs than this. */
const REFRESH_PAUSE_MS = 60_000;
/** A dialog that ends sooner than this after its SUBSCRIBE was no success. */
const SHORT_LIFE_MS = 30_000;

/** What follows from an input: the next state, and what the shell is asked to do. */
export function step(now: Subscriber, input: Input, facts: Facts): Step {
  switch (input.kind) {
    case 'start':
      return now.phase === 'gone'
        ? ask({ ...now, wanted: true, stopping: false }, facts, true)
        : [{ ...now, wanted: true }, [{ do: 'ignore' }]];
    case 'watcherOnline':
      return online({ ...now, wanted: true }, facts);
    case 'watcherOffline':
      // Spec 5.2: no refresh any more, the dialog runs out by itself; what waits for a retry waits no longer.
      return now.phase === 'probation' && !now.established
        ? [{ ...now, wanted: false, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'forget' }]]
        : [{ ...now, wanted: false }, [{ do: 'ignore' }]];
    case 'stop':
      return stop(now, facts);
    case 'answered':
      return now.asking ? answered({ ...now, asking: false }, input, facts) : [now, [{ do: 'ignore' }]];
    case 'unanswered':
      if (!now.asking) return [now, [{ do: 'ignore' }]];
      return now.stopping ? finish(now) : failed({ ...now, asking: false }, facts);
    case 'notify':
      return notified(now, input, facts);
    case 'terminated':
      return terminated(now, input, facts);
    case 'timer':
      return timer(now, facts);
  }
  return input satisfies never;
}

function ask(now: Subscriber, facts: Facts, fresh: boolean): Step {
  const established = fresh ? false : now.established;
  const phase = fresh || now.phase === 'probation' ? 'trying' : now.phase;
  const next: Subscriber = { ...now, phase, established, asking: true, askedAt: facts.nowMs, lapsing: false };
  return [next, [{ do: 'cancelTimer' }, { do: 'subscribe', fresh, expiresS: now.expiresS }]];
}

function online(now: Subscriber, facts: Facts): Step {
  if (now.phase === 'gone') return ask(now, facts, true);
  const quiet = now.asking || now.stopping || now.phase === 'probation' || facts.nowMs - now.askedAt < REFRESH_PAUSE_MS;
  return quiet ? [now, [{ do: 'ignore' }]] : ask(now, facts, false);
}

function stop(now: Subscriber, facts: Facts): Step {
  if (now.phase === 'closing') return [now, [{ do: 'ignore' }]];
  if (now.phase === 'gone') return [now, [{ do: 'tell', what: 'unsubscribed' }, { do: 'forget' }]];
  const next: Subscriber = { ...now, stopping: true, wanted: false };
  if (now.asking) return [next, [{ do: 'ignore' }]]; // its answer comes first: then there is, or is not, a dialog to end
  return now.established ? close(next, facts) : finish(next);
}

/** RFC 6665 §4.1.2.3: Expires 0 in the dialog; the last NOTIFY ends it, or Timer N. */
function close(now: Subscriber, facts: Facts): Step {
  const next: Subscriber = { ...now, phase: 'closing', asking: true, askedAt: facts.nowMs };
  return [
    next,
    [
      { do: 'subscribe', fresh: false, expiresS: 0 },
      { do: 'timer', ms: TIMER_N_MS },
    ],
  ];
}

/** Ended as the watcher wished, whatever the peer thinks of it. */
function finish(now: Subscriber): Step {
  return [{ ...now, phase: 'gone', asking: false }, [{ do: 'cancelTimer' }, { do: 'tell', what: 'unsubscribed' }, { do: 'forget' }]];
}

function answered(now: Subscriber, input: Extract<Input, { kind: 'answered' }>, facts: Facts): Step {
  const { status } = input;
  if (now.phase === 'closing') {
    if (status < 200 || status >= 300) return finish(now);
    return [{ ...now, stopping: false }, [{ do: 'tell', what: 'unsubscribed' }]]; // spec 5.2: `unsubscribed` after the 200
  }
  if (status >= 200 && status < 300) {
    const phase = now.phase === 'trying' ? 'neutral' : now.phase;
    const next: Subscriber = {
      ...now,
      phase,
      established: true,
      lengthened: false,
      grantedS: input.expiresS ?? now.expiresS,
      failures: phase === 'neutral' ? now.failures : 0,
      toldUnreachable: phase === 'neutral' && now.toldUnreachable,
    };
    if (now.stopping) return close(next, facts);
    // Until the first NOTIFY Timer N runs; afterwards the refresh.
    return [next, [phase === 'neutral' ? { do: 'timer', ms: TIMER_N_MS } : refreshIn(next.grantedS, facts)]];
  }
  if (now.stopping) return finish(now);
  switch (status) {
    case 423: {
      const asked = Math.min(input.minExpiresS ?? 0, MAX_EXPIRES_S);
      if (now.lengthened || asked <= now.expiresS) return failed(now, facts, input.retryAfterMs);
      return ask({ ...now, expiresS: asked, lengthened: true }, facts, !now.established);
    }
    case 481:
      return now.established ? ask(now, facts, true) : failed(now, facts, input.retryAfterMs);
    case 403:
    case 489:
    case 603:
    case 607:
      return [{ ...now, phase: 'gone', established: false }, [{ do: 'cancelTimer' }, { do: 'tell', what: 'denied' }, { do: 'forget' }]];
    case 404:
    case 410:
    case 604:
      // On the first try only: somebody who was seen before is not taken away by one answer (spec 13.2).
      if (now.everActive) return failed({ ...now, established: false }, facts, input.retryAfterMs);
      return hopeless(now);
    case 401:
    case 407:
      // We have no credentials to fix; the peer may.
      return wait(now, Math.max(input.retryAfterMs ?? 0, CREDENTIALS_RETRY_MS));
    default:
      if (passes(status)) return failed(now, facts, input.retryAfterMs);
      // Spec 13.1: what the peer cannot or will not do is told, not swallowed; for a grant that stands it is as `giveup`.
      return now.everActive ? failed(now, facts, Math.max(input.retryAfterMs ?? 0, GIVEUP_MS)) : hopeless(now);
  }
}

/** Statuses after which a later try may do better; 1xx and 2xx do not come here. */
function passes(status: number): boolean {
  const lasting = status === 501 || status === 505 || status === 513 || status === 606;
  return status === 408 || status === 430 || status === 480 || status === 491 || (status >= 500 && !lasting);
}

function hopeless(now: Subscriber): Step {
  return [{ ...now, phase: 'gone', established: false }, [{ do: 'cancelTimer' }, { do: 'tell', what: 'noresource' }, { do: 'forget' }]];
}

/** Spec 5.2: 30 s * 2^n with jitter, at most 1 h, or what the peer asks for; after two failures the watcher is told. */
function failed(now: Subscriber, facts: Facts, retryAfterMs = 0): Step {
  const failures = now.failures + 1;
  const backOff = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS) * (1 + facts.random * 0.25);
  const next: Subscriber = { ...now, failures, lengthened: false, established: now.established && failures < 2 };
  const [waiting, actions] = wait(next, Math.min(Math.max(backOff, retryAfterMs), MAX_RETRY_MS));
  if (failures < 2 || now.toldUnreachable) return [waiting, actions];
  return [{ ...waiting, toldUnreachable: true }, [...actions, { do: 'tell', what: 'unreachable' }]];
}

function wait(now: Subscriber, ms: number): Step {
  if (!now.wanted) return [{ ...now, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'forget' }]];
  return [{ ...now, phase: 'probation' }, [{ do: 'timer', ms: Math.min(ms, MAX_WAIT_MS) }]];
}

function notified(now: Subscriber, input: Extract<Input, { kind: 'notify' }>, facts: Facts): Step {
  if (now.phase === 'closing' || now.stopping) return [{ ...now, established: true }, [{ do: 'ignore' }]];
  if (now.phase === 'gone') return [now, [{ do: 'ignore' }]];
  const next: Subscriber = {
    ...now,
    phase: input.state,
    established: true,
    failures: 0,
    toldUnreachable: false,
    everActive: now.everActive || input.state === 'active',
    grantedS: input.expiresS ?? now.grantedS,
  };
  const first = now.phase !== 'active' && now.phase !== 'pending';
  // RFC 6665 §4.1.2.2: the NOTIFY's expires binds, and may shorten what the 2xx said.
  const timers = input.expiresS !== undefined || first ? [refreshIn(next.grantedS, facts)] : [];
  if (input.state === 'pending') return [next, [...timers, ...(now.phase === 'active' ? [{ do: 'blank' } as const] : [])]];
  return [next, [...timers, ...(now.phase === 'active' ? [] : [{ do: 'tell', what: 'granted' } as const]), { do: 'show' }]];
}

function terminated(now: Subscriber, input: Extract<Input, { kind: 'terminated' }>, facts: Facts): Step {
  if (now.phase === 'gone') return [now, [{ do: 'ignore' }]];
  if (now.phase === 'closing' || now.stopping) {
    const told = now.phase === 'closing' && !now.stopping;
    return told ? [{ ...now, phase: 'gone', asking: false }, [{ do: 'cancelTimer' }, { do: 'forget' }]] : finish(now);
  }
  const over: Subscriber = { ...now, established: false, asking: false };
  switch (input.reason as EndReason | undefined) {
    case 'rejected':
      return [{ ...over, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'tell', what: 'denied' }, { do: 'forget' }]];
    case 'noresource':
      return [{ ...over, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'tell', what: 'noresource' }, { do: 'forget' }]];
    case 'invariant':
      // RFC 6665 §4.1.3: the state will not change; what was shown stays until the watcher's next session.
      return [{ ...over, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'forget' }]];
    case 'probation':
      return wait(over, input.retryAfterMs ?? PROBATION_MS);
    case 'giveup':
      return wait(over, input.retryAfterMs ?? GIVEUP_MS);
    default:
      // deactivated, timeout, none or unknown: at once, unless the peer does this to every dialog.
      if (!over.wanted) return [{ ...over, phase: 'gone' }, [{ do: 'cancelTimer' }, { do: 'forget' }]];
      return input.retryAfterMs === undefined ? again(over, facts) : wait(over, input.retryAfterMs);
  }
}

/** A new dialog at once; a peer that ends every dialog soon is given more and more time. */
function again(now: Subscriber, facts: Facts): Step {
  const shortLives = facts.nowMs - now.askedAt < SHORT_LIFE_MS ? now.shortLives + 1 : 0;
  if (shortLives < 2) return ask({ ...now, shortLives }, facts, true);
  return wait({ ...now, shortLives }, Math.min(FIRST_RETRY_MS * 2 ** (shortLives - 2), MAX_RETRY_MS));
}

function timer(now: Subscriber, facts: Facts): Step {
  switch (now.phase) {
    case 'trying':
    case 'neutral':
      // Timer N: a 2xx without NOTIFY is no subscription (RFC 6665 §4.1.2.4); without 2xx the transaction has its own end.
      return now.asking ? [now, [{ do: 'ignore' }]] : failed({ ...now, established: false }, facts);
    case 'pending':
    case 'active':
      if (now.asking) return [now, [{ do: 'ignore' }]];
      if (now.wanted) return ask(now, facts, false);
      if (now.lapsing) return [{ ...now, phase: 'gone', established: false }, [{ do: 'forget' }]];
      return [{ ...now, lapsing: true }, [{ do: 'timer', ms: now.grantedS * 250 + LAPSE_GRACE_MS }]];
    case 'probation':
      return now.wanted ? ask(now, facts, !now.established) : [{ ...now, phase: 'gone' }, [{ do: 'forget' }]];
    case 'closing':
      return now.stopping ? finish(now) : [{ ...now, phase: 'gone', asking: false }, [{ do: 'forget' }]];
    case 'gone':
      return [now, [{ do: 'ignore' }]];
  }
  return now.phase satisfies never;
}

/** Spec 5.2: spread over expires * U(0.75, 0.95). */
function refreshIn(expiresS: number, facts: Facts): Action {
  return { do: 'timer', ms: Math.max(MIN_GRANTED_S, expiresS) * 1000 * (0.75 + facts.random * 0.2) };
}
