// One line of the report: what was done, what the ledger says, and each goal with what came out.

import type { Tally } from './ledger.ts';

/** `short`: as in `npm test`. `full`: as in `npm run faults`. */
export type Scale = 'short' | 'full';

export interface Goal {
  readonly what: string;
  readonly came: string;
  /** A count or outcome must hold everywhere; a time is measured and reported, and asserted nowhere. */
  readonly kind: 'count' | 'time';
  readonly met: boolean;
}

export interface Row extends Tally {
  readonly id: string;
  readonly fault: string;
  readonly load: string;
  /** From the end of the fault to the first message that arrived after it, ms. */
  readonly recoveryMs: number | undefined;
  readonly goals: readonly Goal[];
  readonly tookMs: number;
}

export type Fault = (scale: Scale) => Promise<Row>;

/** A case that cannot be played on this machine. */
export class NotHere extends Error {}

export function count(what: string, came: number | string | boolean, met: boolean): Goal {
  return { what, came: String(came), kind: 'count', met };
}
export function time(what: string, ms: number, atMost: number): Goal {
  return {
    what: `${what} (goal ${atMost} ms)`,
    came: Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'never',
    kind: 'time',
    met: ms <= atMost,
  };
}
export function figure(what: string, came: string, met: boolean): Goal {
  return { what, came, kind: 'time', met };
}

/** What must hold for every fault. */
export function promise(tally: Tally): Goal[] {
  const { sent, delivered, refused, lost, doubled, outOfOrder, garbled, contradicted } = tally;
  return [
    count('sent = delivered once + refused with a reason', `${sent} = ${delivered} + ${refused}`, sent > 0 && sent === delivered + refused),
    count('lost', lost, lost === 0),
    count('doubled', doubled, doubled === 0),
    count('out of order per pair', outOfOrder, outOfOrder === 0),
    count('bodies that are not what was sent', garbled, garbled === 0),
    count('told as failed and delivered', contradicted, contradicted === 0),
  ];
}
