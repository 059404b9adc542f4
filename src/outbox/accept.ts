// From an event to the row that is about to be accepted: its dedup key, and the identifiers it will carry on the wire.

import { hash } from 'node:crypto';
import { bareKey } from '../model/address.ts';
import { type ImReceipt, type ImSent, knownAs } from '../model/event.ts';
import type { DurableEvent, NewRow } from '../model/outbox-store.ts';
import type { Ids } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';

/** Conversation ids that both protocols carry as they are: RFC 3261 `word`, no host part, bounded (spec sip-xmpp.md §4). */
const CARRIED_AS_IS = /^[A-Za-z0-9.!%*_+'~()<>:\\"/[\]?{}-]{1,128}$/;

/** Wall ms of acceptance, and service ms of now and of the deadline. */
export type RowTimes = Pick<NewRow, 'acceptedAt' | 'serviceNow' | 'serviceDeadline'>;

/** The row of an event, with the identifiers it will carry on either wire, in every try. */
export function newRow(event: DurableEvent, ids: Ids, times: RowTimes): NewRow {
  const key = event.kind === 'im.sent' ? dedupKey(event) : undefined;
  return {
    event,
    ...times,
    ...(key !== undefined && { dedupKey: key }),
    fromTag: ids.token(5),
    stanzaId: event.id,
    ...conversationOf(event, ids),
  };
}

/** The shore's key, within one sender and one recipient: ids are only unique for who made them. */
function dedupKey(event: ImSent): Uint8Array | undefined {
  const own = event.ids.dedupKey;
  if (own === undefined) return undefined;
  return hash('sha256', `${bareKey(event.from)}\0${bareKey(event.to)}\0${own}`, 'buffer').subarray(0, 16);
}

function conversationOf(event: DurableEvent, ids: Ids): Pick<NewRow, 'callId' | 'conversation' | 'thread'> {
  const thread = 'thread' in event ? event.thread : undefined;
  // A receipt names the conversation in its recipient's own words already, and is a message of its own on the wire.
  if (event.kind !== 'im.sent' || thread === undefined) return { callId: ids.token(16), ...(thread !== undefined && { thread }) };
  const pair = [bareKey(event.from), bareKey(event.to)].sort().join(' ');
  return {
    // Made from the id, so that the same conversation gets the same name without a look into the store.
    callId: CARRIED_AS_IS.test(thread) ? thread : hash('sha256', `${pair}\0${thread}`).slice(0, 32),
    conversation: { pair, kind: event.origin.network === 'sip' ? 'callId' : 'thread', value: thread },
  };
}

/**
 * What a sender is told who had a provisional yes: one receipt, from whom they wrote to, under the id they know.
 * It is durable itself, and there is never one about a receipt.
 */
export function failureNotice(about: ImSent, why: Reason, ids: Ids, now: number): ImReceipt {
  return {
    kind: 'im.receipt',
    id: ids.event(),
    at: now,
    origin: { network: 'core', side: 'local', peer: about.to.domain, connection: 'outbox', proof: 'local' },
    from: about.to,
    to: about.from,
    about: knownAs(about.origin.network, { ...about.ids, id: about.id }),
    status: 'failed',
    reason: why,
    ...(about.thread !== undefined && { thread: about.thread }),
  };
}
