// The only road back: what became of an event.

import type { Reason } from './reason.ts';

export type Outcome =
  /** The far end confirmed it. `evidence` in words: `SIP 200`, `XMPP ping answered after it`. */
  | { readonly kind: 'delivered'; readonly evidence: string }
  /** Written to a connection; the far end has not confirmed and will not be asked (typing, presence). */
  | { readonly kind: 'handedOver' }
  /** Committed and waiting; `answer` is what a SIP sender is told (partner key `queuedAnswer`). */
  | { readonly kind: 'queued'; readonly answer: QueuedAnswer }
  /** Somebody said no: policy, the far end, or the content itself. Final. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  /** It could not be tried or confirmed. `reason.retry` says whether the outbox tries again. */
  | { readonly kind: 'failed'; readonly reason: Reason };

export type QueuedAnswer = 200 | 202 | 480;

export const HANDED_OVER: Outcome = { kind: 'handedOver' };
/** @param evidence in words, as above */
export function delivered(evidence: string): Outcome {
  return { kind: 'delivered', evidence };
}
export function refused(reason: Reason): Outcome {
  return { kind: 'refused', reason };
}
export function failed(reason: Reason): Outcome {
  return { kind: 'failed', reason };
}
