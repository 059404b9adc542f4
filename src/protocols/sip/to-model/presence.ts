// SUBSCRIBE and NOTIFY of the presence package (RFC 3856, RFC 6665) to what they say. Pure: dialogs are the business of
// notifiers.ts and subscribers.ts, and what is allowed that of the neck.

import type { Address } from '../../../model/address.ts';
import type { PresenceDocument } from '../../../model/presence.ts';
import { toAddress } from '../address.ts';
import { decodeText } from '../documents/charset.ts';
import { PIDF_TYPE, readPidf } from '../documents/pidf-reader.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { parseContentType } from '../headers/content-type.ts';
import { parseEvent } from '../headers/event.ts';
import { parseRetryAfter } from '../headers/seconds.ts';
import { parseSubscriptionState } from '../headers/subscription-state.ts';
import type { SipHeaders, SipRequest } from '../message.ts';
import { type ExpiresReading, grantExpires, type Terms } from '../notifier.ts';
import { safeHeaderValue } from '../print.ts';

export type Refusal = { readonly kind: 'refused'; readonly reply: OutgoingReply };

export interface SubscribeReading {
  readonly kind: 'subscribe';
  readonly watcher: Address;
  /** The watcher's local part as spelled. */
  readonly spelling: string;
  readonly presentity: Address;
  /** Seconds granted; 0: a poll. */
  readonly expiresS: number;
  /** RFC 6665 §4.5.2; sent back in every NOTIFY. */
  readonly eventId?: string;
}

/** Reads a SUBSCRIBE outside a dialog. */
export function readSubscribe(request: InboundRequest, terms: Terms): SubscribeReading | Refusal {
  const form = readForm(request.message.headers, terms);
  if (form.kind === 'refused') return form;
  const watcher = toAddress(request.fromUri);
  if (watcher.kind === 'refused') return refuse(watcher.status, watcher.reason.text);
  const presentity = toAddress(request.uri);
  if (presentity.kind === 'refused') return refuse(presentity.status, presentity.reason.text);
  return { ...form, kind: 'subscribe', watcher: watcher.address, spelling: watcher.spelling, presentity: presentity.address };
}

/** What a SUBSCRIBE says by its own headers, inside a dialog or not. */
export function readForm(
  headers: SipHeaders,
  terms: Terms,
): { readonly kind: 'form'; readonly expiresS: number; readonly eventId?: string } | Refusal {
  const event = parseEvent(headers.get('event') ?? '');
  // RFC 6665 §7.2, §8.2.2: 489 names what would be understood.
  if (event?.name !== 'presence') return { kind: 'refused', reply: { status: 489, headers: [['Allow-Events', 'presence']] } };
  if (!takesPidf(headers.all('accept'))) return { kind: 'refused', reply: { status: 406, headers: [['Accept', PIDF_TYPE]] } };
  const expires: ExpiresReading = grantExpires(headers.get('expires'), terms);
  if (expires.kind === 'tooBrief') return { kind: 'refused', reply: { status: 423, headers: [['Min-Expires', String(expires.minS)]] } };
  if (expires.kind === 'malformed') return refuse(400, 'Expires is no number of seconds');
  return { kind: 'form', expiresS: expires.seconds, ...(event.id === undefined ? {} : { eventId: event.id }) };
}

/** RFC 3856 §6.5: without Accept, PIDF is meant. */
function takesPidf(accept: readonly string[]): boolean {
  if (accept.length === 0 || accept.every((line) => line.trim() === '')) return true;
  const types = accept
    .join(',')
    .toLowerCase()
    .split(',', 64)
    .map((type) => type.split(';', 1)[0]!.trim());
  return types.some((type) => type === PIDF_TYPE || type === 'application/*' || type === '*/*');
}

export type NotifyReading =
  | { readonly kind: 'notify'; readonly state: 'active' | 'pending'; readonly expiresS?: number; readonly document: PresenceDocument }
  | { readonly kind: 'terminated'; readonly reason?: string; readonly retryAfterMs?: number; readonly document?: PresenceDocument }
  | Refusal;

/** Reads a NOTIFY. An empty body is an empty document: nothing is known. @param at wall ms */
export function readNotify(message: SipRequest, at: number): NotifyReading {
  const { headers } = message;
  if (parseEvent(headers.get('event') ?? '')?.name !== 'presence') {
    return { kind: 'refused', reply: { status: 489, headers: [['Allow-Events', 'presence']] } };
  }
  const said = parseSubscriptionState(headers.get('subscription-state') ?? '');
  if (said === undefined) return refuse(400, 'Subscription-State is missing or cannot be read');
  const body = readBody(message, at);
  if ('kind' in body) return body;
  const { document } = body;
  if (said.state === 'terminated') {
    const retryAfter = said.retryAfter ?? parseRetryAfter(headers.get('retry-after') ?? '');
    return {
      kind: 'terminated',
      ...(said.reason === undefined ? {} : { reason: said.reason }),
      ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter * 1000 }),
      ...(message.body.length === 0 ? {} : { document }),
    };
  }
  const expires = said.expires === undefined ? {} : { expiresS: said.expires };
  // RFC 6665 §4.1.3: an unknown state is neither; nothing may be shown by it.
  return { kind: 'notify', state: said.state === 'active' ? 'active' : 'pending', ...expires, document };
}

function readBody(message: SipRequest, at: number): { readonly document: PresenceDocument } | Refusal {
  if (message.body.length === 0) return { document: { endpoints: [] } };
  const type = parseContentType(message.headers.get('content-type') ?? '');
  if (type === undefined || `${type.type}/${type.subtype}`.toLowerCase() !== PIDF_TYPE) {
    return { kind: 'refused', reply: { status: 415, headers: [['Accept', PIDF_TYPE]] } };
  }
  const text = decodeText(message.body, type.params.get('charset') ?? 'utf-8');
  if (text === undefined) return refuse(400, 'the presence document is not valid in its charset');
  const lang = message.headers.get('content-language')?.split(',', 1)[0]?.trim();
  const read = readPidf(text, { at, ...(lang === undefined || lang === '' ? {} : { lang }) });
  return read.kind === 'refused' ? refuse(400, read.text) : { document: read.document };
}

function refuse(status: number, text: string): Refusal {
  return {
    kind: 'refused',
    reply: { status, headers: [['Warning', `399 isthmus "${safeHeaderValue(text, 200).replace(/["\\]/g, "'")}"`]] },
  };
}
