// Requests we sent, until their final answer. RFC 3261 §17.1.2 (figure 6) on a reliable transport: nothing is sent again
// (no Timer E), Timer K is zero, Timer F bounds the whole. `step` is pure; ClientTransactions is the shell of one connection,
// whose sweep owns Timer F. Answers are matched by branch and CSeq method (§17.1.3); what matches nothing is dropped.

import type { Reason } from '../../model/reason.ts';
import type { SipResponse } from './message.ts';

/** RFC 3261 §17.1.1.1: T1 500 ms, so Timer F is 64 * T1. */
export const TIMER_F_MS = 32_000;

export type ClientState = 'trying' | 'proceeding' | 'terminated';
export type ClientInput =
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'timerF' }
  | { readonly kind: 'transportFailed' }
  | { readonly kind: 'abandoned' };
export type ClientAction =
  /** The final response goes to the one who asked. */
  | 'answer'
  | 'tellTimeout'
  | 'tellTransportFailed'
  | 'tellAbandoned'
  /** Known, and of no consequence: a provisional response, or anything after the end. */
  | 'ignore';

/** RFC 3261 §17.1.2.2, one input a line. */
export function stepClient(state: ClientState, input: ClientInput): readonly [ClientState, ClientAction] {
  if (state === 'terminated') return [state, 'ignore'];
  switch (input.kind) {
    case 'response':
      // Completed lasts Timer K, which is zero here.
      return input.status < 200 ? ['proceeding', 'ignore'] : ['terminated', 'answer'];
    case 'timerF':
      return ['terminated', 'tellTimeout'];
    case 'transportFailed':
      return ['terminated', 'tellTransportFailed'];
    case 'abandoned':
      return ['terminated', 'tellAbandoned'];
    default:
      return input satisfies never;
  }
}

export type ClientResult =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'transportFailed'; readonly reason: Reason }
  | { readonly kind: 'abandoned' };

interface ClientTransaction {
  state: ClientState;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly done: (result: ClientResult) => void;
}

/** The open client transactions of one connection. */
export class ClientTransactions {
  readonly #open = new Map<string, ClientTransaction>();

  get size(): number {
    return this.#open.size;
  }

  /** Monotonic ms at which the oldest unanswered request was sent; undefined when nothing waits. */
  get oldestMs(): number | undefined {
    for (const transaction of this.#open.values()) return transaction.startedMs;
    return undefined;
  }

  /** @param waitMs Timer F, or less when the caller's own deadline is nearer */
  start(branch: string, method: string, nowMs: number, waitMs: number, done: (result: ClientResult) => void): void {
    this.#open.set(keyOf(branch, method), { state: 'trying', startedMs: nowMs, deadlineMs: nowMs + waitMs, done });
  }

  /** Takes a response of this connection. False: it answers nothing we sent and is dropped, never forwarded by its Via. */
  receive(branch: string, method: string, response: SipResponse): boolean {
    const key = keyOf(branch, method);
    if (!this.#open.has(key)) return false;
    this.#feed(key, { kind: 'response', status: response.status }, { kind: 'response', response });
    return true;
  }

  /** The one who asked does not wait any longer; a later answer is a stray. */
  abandon(branch: string, method: string): void {
    this.#feed(keyOf(branch, method), { kind: 'abandoned' }, { kind: 'abandoned' });
  }

  /** RFC 3261 §8.1.3.1: the connection died, every open request has failed at once. */
  transportFailed(reason: Reason): void {
    for (const key of [...this.#open.keys()]) this.#feed(key, { kind: 'transportFailed' }, { kind: 'transportFailed', reason });
  }

  /** Fires Timer F where it is due. */
  sweep(nowMs: number): void {
    for (const [key, transaction] of this.#open) {
      if (nowMs >= transaction.deadlineMs) this.#feed(key, { kind: 'timerF' }, { kind: 'timeout' });
    }
  }

  #feed(key: string, input: ClientInput, result: ClientResult): void {
    const transaction = this.#open.get(key);
    if (transaction === undefined) return;
    const [state, action] = stepClient(transaction.state, input);
    transaction.state = state;
    if (state === 'terminated') this.#open.delete(key);
    if (action !== 'ignore') transaction.done(result);
  }
}

/** RFC 3261 §17.1.3: the branch and, because CANCEL shares it, the method. Neither can hold a space. */
function keyOf(branch: string, method: string): string {
  return `${branch} ${method}`;
}
