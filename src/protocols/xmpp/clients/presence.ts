// Presence of the core's XMPP clients, both ways (RFC 6121 §3 and §4): what a client says of its user, verbs of subscriptions,
// and what is shown to it.

import { type Address, bare } from '../../../model/address.ts';
import type { OwnPresence, SubscriptionVerb } from '../../../model/core.ts';
import { type Element, element } from '../element.ts';
import { writePresence } from '../from-model/presence.ts';
import { toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { printElement } from '../print.ts';
import type { StanzaFacts } from '../to-model/im.ts';
import { readPresence } from '../to-model/presence.ts';
import { payloadOf, stanzaOf } from './payload.ts';

/** A presence stanza without a type, or `unavailable`, as the core takes it. */
export function readOwnPresence(stanza: Element, raw: Element, facts: StanzaFacts): OwnPresence | undefined {
  const reading = readPresence(stanza, facts);
  if (reading.kind !== 'event' || reading.event.kind !== 'presence.notified') return undefined;
  const [endpoint] = reading.event.document.endpoints;
  if (endpoint === undefined) return undefined;
  const { id: _id, at: _at, ...shown } = endpoint;
  return { ...shown, payload: payloadOf(raw, facts.from.domain) };
}

/** The word of a subscription stanza (RFC 6121 §3); undefined: it is none. */
export function verbOf(type: string | undefined): SubscriptionVerb | undefined {
  switch (type) {
    case 'subscribe':
    case 'subscribed':
    case 'unsubscribe':
    case 'unsubscribed':
      return type;
    default:
      return undefined;
  }
}

/** What is shown of one endpoint of somebody, as text for one client. */
export function printPresence(from: Address, presence: OwnPresence, to: string, now: number): string | undefined {
  const jid = toJid(from);
  if (typeof jid !== 'string') return undefined;
  const { payload, availability } = presence;
  // RFC 6121 §4.5.4: who left without a word is unavailable all the same.
  const left = payload !== undefined && /^<presence[^>]* type='unavailable'/.test(payload.text);
  if (payload?.face === 'xmpp' && left === (availability === 'closed')) return stanzaOf(payload.text, { from: jid, to });
  const { payload: _payload, ...endpoint } = presence;
  const event = {
    id: '',
    at: now,
    origin: { network: 'core', side: 'local', peer: from.domain, connection: '', proof: 'account' },
    kind: 'presence.notified',
    from: bare(from),
    to: bare(from),
    scope: 'partial',
    document: { endpoints: [{ ...endpoint, id: from.resource ?? '', at: now }] },
  } as const;
  const stanzas = writePresence(event, { id: '', partner: false });
  const [first] = 'code' in stanzas ? [] : stanzas;
  return first && printElement({ ...first, attrs: { from: jid, to, type: first.attrs.type } });
}

/** A subscription verb for one client. */
export function printVerb(verb: SubscriptionVerb, from: Address, to: Address, message: string | undefined): string | undefined {
  const ends = [toJid(bare(from)), toJid(bare(to))];
  if (typeof ends[0] !== 'string' || typeof ends[1] !== 'string') return undefined;
  const status = message === undefined ? [] : [element('status', NS.server, {}, [message])];
  return printElement(element('presence', NS.server, { from: ends[0], to: ends[1], type: verb }, status));
}
