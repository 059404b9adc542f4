// What one XMPP watcher has of one SIP presentity: a dialog, or several when a SUBSCRIBE was forked (RFC 6665 §4.4.1),
// and the one document that all of them make together.

import type { Address } from '../../model/address.ts';
import type { Origin, Side } from '../../model/event.ts';
import type { Timer } from '../../model/ports.ts';
import type { Endpoint, PresenceDocument } from '../../model/presence.ts';
import type { Reason } from '../../model/reason.ts';
import { toSipUri } from './address.ts';
import type { Dialog } from './dialog.ts';
import { pairKey } from './presence-ground.ts';
import type { Subscriber } from './subscription.ts';

const MAX_ENDPOINTS = 32;

export interface Watched {
  readonly pair: string;
  readonly watcher: Address;
  readonly presentity: Address;
  readonly side: Side;
  readonly lines: Set<Line>;
  /** Ids shown before the restart and not heard of since. */
  before: readonly string[];
  /** Events to the neck go one after the other. */
  tail: Promise<unknown>;
}

/** One dialog, or the attempt at one. */
export interface Line {
  readonly watched: Watched;
  machine: Subscriber;
  callId: string;
  localTag: string;
  /** The URI in To, with the presentity's own spelling. */
  to: string;
  dialog: Dialog | undefined;
  timer: Timer | undefined;
  document: PresenceDocument | undefined;
  /** What the last refusal said, for the neck. */
  refusal: Reason | undefined;
  origin: Origin;
  storedId: string | undefined;
  /** What was stored last, to see whether it changed. */
  stored: string;
  unregister: () => void;
}

/** A watcher and a presentity without a dialog yet. */
export function watched(watcher: Address, presentity: Address, side: Side): Watched {
  return { pair: pairKey(watcher, presentity), watcher, presentity, side, lines: new Set(), before: [], tail: Promise.resolve() };
}

/** An origin for what no NOTIFY has said: the answer to a SUBSCRIBE, or none. */
export function originOfPeer(of: Watched, connection = ''): Origin {
  const proof = of.side === 'edge' ? 'certificate' : 'inside'; // requests travel only to peers that have proven themselves
  return { network: 'sip', side: of.side, peer: of.presentity.domain, connection, proof };
}

/** A line of theirs: no dialog, nothing sent, not registered. */
export function newLine(of: Watched, machine: Subscriber): Line {
  return {
    watched: of,
    machine,
    callId: '',
    localTag: '',
    to: toSipUri(of.presentity),
    dialog: undefined,
    timer: undefined,
    document: undefined,
    refusal: undefined,
    origin: originOfPeer(of),
    storedId: undefined,
    stored: '',
    unregister: () => {},
  };
}

/** What we sent to found the dialog of a line, for Dialog.asClient. */
export function sentBy(line: Line): {
  readonly callId: string;
  readonly from: string;
  readonly fromTag: string;
  readonly to: string;
  readonly cseq: number;
} {
  return { callId: line.callId, from: `<${toSipUri(line.watched.watcher)}>`, fromTag: line.localTag, to: `<${line.to}>`, cseq: 1 };
}

/** Is another dialog of the same people still showing or waiting? Then the loss of one is no news. */
export function othersLive(line: Line): boolean {
  return [...line.watched.lines].some((other) => other !== line && (other.machine.phase === 'active' || other.machine.phase === 'pending'));
}

/**
 * The whole of what all dialogs show now; an open endpoint beats a closed one of the same name. What was shown before a
 * restart and is not there any more is in it once, as closed.
 * @param at wall ms
 */
export function takeDocument(of: Watched, at: number): PresenceDocument {
  const merged = new Map<string, Endpoint>();
  for (const line of of.lines) {
    for (const endpoint of line.document?.endpoints ?? []) {
      const other = merged.get(endpoint.id);
      if (other === undefined ? merged.size < MAX_ENDPOINTS : other.availability === 'closed') merged.set(endpoint.id, endpoint);
    }
  }
  for (const id of of.before) if (!merged.has(id)) merged.set(id, { id, availability: 'closed', notes: [], at });
  of.before = [];
  return { endpoints: [...merged.values()] };
}
