// Subscription-State of a NOTIFY. RFC 6665 §8.2.3, reasons of §4.1.3.

import { isToken, type Params, parseParams, printParams } from './grammar.ts';
import { parseSeconds } from './seconds.ts';

export interface SubscriptionState {
  /** `active`, `pending`, `terminated`, or an extension: lower-case. */
  readonly state: string;
  /** Lower-case; only `terminated` has a meaning for it. */
  readonly reason?: string;
  /** Seconds left. */
  readonly expires?: number;
  /** Seconds to wait before subscribing again. */
  readonly retryAfter?: number;
  readonly params: Params;
}

/** Reads a value. Numbers that cannot be read are left out: the state is what matters. */
export function parseSubscriptionState(value: string): SubscriptionState | undefined {
  const semicolon = value.indexOf(';');
  const state = (semicolon === -1 ? value : value.slice(0, semicolon)).trim();
  if (!isToken(state)) return undefined;
  const params = parseParams(value, semicolon === -1 ? value.length : semicolon);
  if (params === undefined) return undefined;
  const reason = params.get('reason');
  const expires = parseSeconds(params.get('expires') ?? '');
  const retryAfter = parseSeconds(params.get('retry-after') ?? '');
  return {
    state: state.toLowerCase(),
    params,
    ...(reason !== undefined && { reason: reason.toLowerCase() }),
    ...(expires !== undefined && { expires }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/** Prints a value. @param facts seconds */
export function printSubscriptionState(
  state: 'active' | 'pending' | 'terminated',
  facts: { readonly reason?: string; readonly expires?: number; readonly retryAfter?: number } = {},
): string {
  const params: [string, string][] = [];
  if (facts.reason !== undefined) params.push(['reason', facts.reason]);
  if (facts.expires !== undefined) params.push(['expires', String(facts.expires)]);
  if (facts.retryAfter !== undefined) params.push(['retry-after', String(facts.retryAfter)]);
  return state + printParams(params);
}
