// Presence of the core's XMPP clients, both ways (RFC 6121 §3 and §4): what a client says of its user, verbs of subscriptions,
// and what is shown to it.

import { type Address, bare } from '../../../model/address.ts';
import type { Outsider, OwnPresence, SubscriptionVerb } from '../../../model/core.ts';
import { type Element, element } from '../element.ts';
import { writePresence } from '../from-model/presence.ts';
import { toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { printElement } from '../print.ts';
import type { StanzaFacts } from '../to-model/im.ts';
import { readPresence } from '../to-model/presence.ts';
import { nickname } from './messages.ts';
import { payloadOf, stanzaOf } from './payload.ts';

/** A presence stanza without a type, or `unavailable`, as the core takes it. */
export function readOwnPresence(stanza: Element, raw: Element, facts: StanzaFacts): OwnPresence | undefined {
  const reading = readPresence(stanza, facts);
  if (reading.kind !== 'event' || reading.event.kind !== 'presence.notified') return undefined;
  const [endpoint] = reading.event.document.endpoints;
  if (endpoint === undefined) return undefined;
  const { id: _id, at: _at, ...shown } = endpoint;
  const rest: Element = { ...raw, children: raw.children.filter((part) => typeof part === 'string' || !isOfState(part)) };
  return { ...shown, payload: { ...payloadOf(raw, facts.from.domain), rest: payloadOf(rest, facts.from.domain).text } };
}

/** What the model carries of a presence stanza, so that the core may say it otherwise. */
function isOfState({ name, ns }: Element): boolean {
  return ((name === 'show' || name === 'status') && (ns === NS.client || ns === NS.server)) || ns === NS.idle;
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

/** What is shown of one endpoint of somebody, as text for one client. @param language of the client's stream */
export function printPresence(from: Address, shown: OwnPresence, to: string, now: number, language?: string): string | undefined {
  const presence = { ...shown, notes: notesFor(shown.notes, language) };
  const jid = toJid(from);
  if (typeof jid !== 'string') return undefined;
  const { payload, availability, amended } = presence;
  // RFC 6121 §4.5.4: who left without a word is unavailable all the same.
  const left = payload !== undefined && /^<presence[^>]* type='unavailable'/.test(payload.text);
  const fits = payload?.face === 'xmpp' && left === (availability === 'closed');
  if (fits && amended === true && payload.rest !== undefined)
    return stanzaOf(
      payload.rest,
      { from: jid, to },
      stateOf(presence)
        .map((part) => printElement(part, NS.client))
        .join(''),
    );
  if (fits && amended !== true) return stanzaOf(payload.text, { from: jid, to });
  const { payload: _payload, amended: _amended, ...endpoint } = presence;
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

/** Show, status and idleness as the core says them (RFC 6121 §4.7.2, XEP-0319). */
function stateOf({ show, notes, idleSince }: OwnPresence): Element[] {
  return [
    ...(show === undefined ? [] : [element('show', NS.client, {}, [show])]),
    ...notes.map(({ text, lang }) => element('status', NS.client, { 'xml:lang': lang }, [text])),
    ...(idleSince === undefined ? [] : [element('idle', NS.idle, { since: new Date(idleSince).toISOString() })]),
  ];
}

/** Of words in several languages those in the client's own (RFC 6120 §8.1.5; RFC 4647 §3.4): many clients show the first or the last. */
function notesFor(notes: OwnPresence['notes'], language: string | undefined): OwnPresence['notes'] {
  if (notes.length < 2 || language === undefined) return notes;
  for (let tag = language.toLowerCase(); tag !== ''; tag = tag.includes('-') ? tag.slice(0, tag.lastIndexOf('-')) : '') {
    const found = notes.find(({ lang }) => lang?.toLowerCase() === tag);
    if (found !== undefined) return [found];
  }
  return notes.slice(0, 1);
}

/** A subscription verb for one client. */
export function printVerb(
  verb: SubscriptionVerb,
  from: Address,
  to: Address,
  message: string | undefined,
  sender?: Outsider,
): string | undefined {
  const ends = [toJid(bare(from)), toJid(bare(to))];
  if (typeof ends[0] !== 'string' || typeof ends[1] !== 'string') return undefined;
  // A request shows its words. Who vouches for a stranger stands above them, and theirs are one line: they could be made to look like it.
  const theirs = sender === undefined ? message : message?.replaceAll(/\s+/g, ' ');
  const words = [sender?.vouched, theirs].filter((line) => line !== undefined).join('\n');
  const more = [
    ...(words === '' ? [] : [element('status', NS.server, {}, [words])]),
    ...(sender === undefined ? [] : [nickname(sender)]), // XEP-0172 §4.1
  ];
  return printElement(element('presence', NS.server, { from: ends[0], to: ends[1], type: verb }, more));
}
