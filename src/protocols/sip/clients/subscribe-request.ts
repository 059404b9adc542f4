// What a client's SUBSCRIBE asks for. Pure. RFC 6665 §4.2.1, RFC 3856 §6, RFC 3857 §4, RFC 4662 §4.

import { type Address, sameBare } from '../../../model/address.ts';
import { toAddress } from '../address.ts';
import { PIDF_TYPE } from '../documents/pidf-reader.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { parseEvent } from '../headers/event.ts';
import { parseTokens } from '../headers/tokens.ts';
import type { SipHeaders } from '../message.ts';
import { grantExpires } from '../notifier.ts';
import { WINFO_TYPE } from './documents.ts';
import { ownAddress, refuse, type Serves } from './gate.ts';

export type WatchKind = 'presence' | 'winfo' | 'list';

export interface ClientSubscribe {
  readonly kind: 'subscribe';
  readonly watch: WatchKind;
  /** Whose; bare. */
  readonly target: Address;
  /** Seconds granted; 0: a poll. */
  readonly expiresS: number;
  readonly eventId?: string;
}
type Refused = { readonly kind: 'refused'; readonly reply: OutgoingReply };

const TERMS = { minS: 60, maxS: 7200 } as const;
const PACKAGES = 'presence, presence.winfo';

/** Reads a SUBSCRIBE outside a dialog. @param user who sends it */
export function readClientSubscribe(request: InboundRequest, user: Address, serves: Serves): ClientSubscribe | Refused {
  const { headers } = request.message;
  const event = parseEvent(headers.get('event') ?? '');
  // RFC 6665 §7.2, §8.2.2: 489 names what would be understood.
  if (event?.name !== 'presence' && event?.name !== 'presence.winfo')
    return { kind: 'refused', reply: { status: 489, headers: [['Allow-Events', PACKAGES]] } };
  const term = readTerm(headers);
  if (typeof term !== 'number') return { kind: 'refused', reply: term.reply };
  const own = ownAddress(request.uri, serves);
  const mine = own !== undefined && sameBare(own, user);
  const eventId = event.id === undefined ? {} : { eventId: event.id };
  if (event.name === 'presence.winfo') {
    // RFC 3857 §4.5: by default, nobody but the person themselves.
    if (!mine) return { kind: 'refused', reply: refuse(403, 'who watches somebody is told to nobody else').reply };
    if (!takes(headers, WINFO_TYPE)) return { kind: 'refused', reply: { status: 406, headers: [['Accept', WINFO_TYPE]] } };
    return { kind: 'subscribe', watch: 'winfo', target: user, expiresS: term, ...eventId };
  }
  if (!takes(headers, PIDF_TYPE)) return { kind: 'refused', reply: { status: 406, headers: [['Accept', PIDF_TYPE]] } };
  if (mine) {
    const tags = parseTokens([...headers.all('supported'), ...headers.all('require')]) ?? [];
    const list = tags.some((tag) => tag.toLowerCase() === 'eventlist');
    return { kind: 'subscribe', watch: list ? 'list' : 'presence', target: user, expiresS: term, ...eventId };
  }
  const target = toAddress(request.uri);
  if (target.kind === 'refused') return { kind: 'refused', reply: refuse(target.status, target.reason.text).reply };
  const { local } = target.address;
  const domain = serves(target.address.domain) ?? target.address.domain;
  return { kind: 'subscribe', watch: 'presence', target: { local, domain }, expiresS: term, ...eventId };
}

/** The seconds that a SUBSCRIBE is granted, in a dialog or not. */
export function readTerm(headers: SipHeaders): number | { readonly reply: OutgoingReply } {
  const expires = grantExpires(headers.get('expires'), TERMS);
  if (expires.kind === 'tooBrief') return { reply: { status: 423, headers: [['Min-Expires', String(expires.minS)]] } };
  if (expires.kind === 'malformed') return { reply: refuse(400, 'Expires is no number of seconds').reply };
  return expires.seconds;
}

/** RFC 6665 §3.1.3: without Accept the package's own type is meant. */
function takes(headers: SipHeaders, type: string): boolean {
  const lines = headers.all('accept').filter((line) => line.trim() !== '');
  if (lines.length === 0) return true;
  const named = lines
    .join(',')
    .toLowerCase()
    .split(',', 64)
    .map((one) => one.split(';', 1)[0]!.trim());
  return named.some((one) => one === type || one === 'application/*' || one === '*/*');
}
