// One dialog in which a SIP watcher watches somebody on the other side: what is known of it, when it lapses, and what the
// store keeps of it (RFC 6665 §4.2). notifiers.ts has all of them; their state is notifier.ts.

import { type Address, bareKey } from '../../model/address.ts';
import type { Origin } from '../../model/event.ts';
import type { Timer } from '../../model/ports.ts';
import type { DialogRecord } from '../../model/stores.ts';
import type { Dialog } from './dialog.ts';
import type { KeptNotifier } from './kept-dialogs.ts';
import { begin, type Notifier } from './notifier.ts';
import { pairKey } from './presence-ground.ts';
import type { SubscribeReading } from './to-model/presence.ts';

/** Spec 5.3: after the expiry, and for a poll. */
const GRACE_MS = 30_000;
const POLL_MS = 5000;

/** One dialog. */
export interface Watching {
  readonly dialog: Dialog;
  readonly watcher: Address;
  readonly presentity: Address;
  readonly pair: string;
  readonly origin: Origin;
  readonly eventId: string | undefined;
  machine: Notifier;
  expiresS: number;
  timer: Timer | undefined;
  /** How it was stored last; undefined: not at all. */
  stored: 'pending' | 'active' | undefined;
  unregister: () => void;
}

/** @param now monotonic ms */
export function newWatching(dialog: Dialog, asked: Omit<SubscribeReading, 'kind' | 'spelling'>, origin: Origin, now: number): Watching {
  const { watcher, presentity, expiresS, eventId } = asked;
  const poll = expiresS === 0;
  return {
    dialog,
    watcher,
    presentity,
    pair: pairKey(watcher, presentity),
    origin,
    eventId,
    machine: begin(poll, now + (poll ? POLL_MS : expiresS * 1000)),
    expiresS,
    timer: undefined,
    stored: undefined,
    unregister: () => {},
  };
}

/** A subscription that nobody has decided about yet. */
export function waits(one: Watching): boolean {
  return one.machine.phase === 'pending' && !one.machine.poll;
}

/** Until it lapses, in ms. @param now monotonic ms */
export function leftMs(one: Watching, now: number): number {
  return Math.max(0, one.machine.expiresAt + (one.machine.poll ? 0 : GRACE_MS) - now);
}

/** The row and what stands in it. @param at wall ms */
export function keptWatching(one: Watching, phase: KeptNotifier['phase'], at: number): [Omit<DialogRecord, 'data'>, KeptNotifier] {
  const { dialog, watcher, presentity, expiresS, eventId, origin } = one;
  const expiresAt = at + expiresS * 1000 + GRACE_MS;
  return [
    { id: dialog.id, role: 'notifier', watcher: bareKey(watcher), presentity: bareKey(presentity), expiresAt },
    { dialog: dialog.toRecord(), phase, expiresS, ...(eventId !== undefined && { eventId }), origin },
  ];
}
