// Messages of the core's XMPP clients, both ways: a stanza becomes what is said (the model's event, and the stanza itself for
// clients like this one), and what is said becomes a stanza, a copy (XEP-0280), or one that comes late (XEP-0203).

import { reason } from '../../../errors.ts';
import { type Address, bare } from '../../../model/address.ts';
import type { Outsider, Said } from '../../../model/core.ts';
import type { Reason } from '../../../model/reason.ts';
import { child, type Element, element, elements } from '../element.ts';
import { writeMessage } from '../from-model/im.ts';
import { toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { escapeAttribute, printElement } from '../print.ts';
import { readMessage, type StanzaFacts } from '../to-model/im.ts';
import { payloadOf, stanzaOf } from './payload.ts';

export type Reading =
  | { readonly kind: 'said'; readonly said: Said }
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'nothing' };

/**
 * Reads a message stanza that is not of type `error`.
 * @param stanza with names in `jabber:server`, as to-model/ reads them; @param raw the same as it came
 * @param among the recipient is a user of the core: what only XMPP clients understand reaches those
 */
export function readSaid(stanza: Element, raw: Element, facts: StanzaFacts, among: boolean): Reading {
  // RFC 6121 §8.5: rooms are not users.
  if (stanza.attrs.type === 'groupchat')
    return { kind: 'refused', reason: reason('CONTENT_UNSUPPORTED', 'there is no room at that address') };
  const reading = readMessage(stanza, facts);
  const payload = payloadOf(raw, facts.from.domain);
  const store = storeOf(stanza);
  switch (reading.kind) {
    case 'event':
      return { kind: 'said', said: { event: reading.event, payload, ...store } };
    case 'refused':
      // Encrypted, calls, invitations: words for everybody else, the stanza itself for clients that understand it.
      if (among && reading.notice !== undefined) return { kind: 'said', said: { event: reading.notice, payload, ...store } };
      return { kind: 'refused', reason: reading.reason };
    case 'nothing':
      if (!among || elements(stanza).length === 0) return { kind: 'nothing' };
      // Nothing that a person would read: passed on to who is there now, kept for nobody.
      return { kind: 'said', said: { event: { ...facts, kind: 'im.composing', state: 'active' }, payload } };
    default:
      return reading satisfies never;
  }
}

/** XEP-0334 §4: whether it may be written down. */
function storeOf(stanza: Element): Pick<Said, 'store'> {
  if (child(stanza, 'no-store', NS.hints) !== undefined) return { store: 'never' };
  return child(stanza, 'no-permanent-store', NS.hints) === undefined ? {} : { store: 'untilTaken' };
}

/** XEP-0280 §6, XEP-0334: its sender wants no copies of it. */
const NO_COPIES = /<(?:private xmlns='urn:xmpp:carbons:2'|no-copy xmlns='urn:xmpp:hints')/;

/** What is said as text for one client; undefined: it is nothing that this client gets. @param to its full JID */
export function printSaid(said: Said, to: string, own: Address): string | undefined {
  const { event, payload, copyOf } = said;
  const from = toJid(event.from);
  if (typeof from !== 'string') return undefined;
  const ours = toJid(bare(own));
  const bareJid = typeof ours === 'string' ? ours : '';
  const more = stamps(said, bareJid, own.domain);
  if (copyOf === undefined) return whole(said, from, to, more);
  if (payload?.face === 'xmpp' && NO_COPIES.test(payload.text)) return undefined;
  const other = toJid(event.to);
  if (typeof other !== 'string') return undefined;
  // XEP-0297 §3: the inner stanza has its own addresses and names its namespace.
  const inner = whole(said, from, other, more, NS.client);
  return (
    `<message from='${escapeAttribute(bareJid)}' to='${escapeAttribute(to)}' type='chat'><${copyOf} xmlns='${NS.carbons}'>` +
    `<forwarded xmlns='${NS.forward}'>${inner}</forwarded></${copyOf}></message>`
  );
}

/** What was said once as it stands in an archive (XEP-0297 §3); undefined: its addresses can be no JIDs. */
export function printForwarded(said: Pick<Said, 'event' | 'payload'>): string | undefined {
  const [from, to] = [toJid(said.event.from), toJid(said.event.to)];
  return typeof from === 'string' && typeof to === 'string' ? whole(said, from, to, '', NS.client) : undefined;
}

/** The name that a client shows for somebody outside. */
export function nickname({ name }: Outsider): Element {
  return element('nick', NS.nick, {}, [name]);
}

function whole(said: Pick<Said, 'event' | 'payload'>, from: string, to: string, more: string, xmlns?: string): string {
  const { event, payload } = said;
  if (payload?.face === 'xmpp') return stanzaOf(payload.text, { xmlns, from, to }, more);
  // The id under which its sender knows it, so that a receipt of this client names it.
  const stanzaId = event.kind === 'im.sent' ? (event.ids.messageId ?? event.id) : event.id;
  const { attrs, ...rest } = writeMessage(event, { stanzaId }, { from, to, chat: true, partner: false });
  const { from: _from, to: _to, ...others } = attrs;
  return stanzaOf(printElement({ ...rest, attrs: others }), { xmlns, from, to }, more);
}

function stamps({ archiveId, delayedSince, sender }: Said, by: string, domain: string): string {
  // XEP-0172 §4.2 asks for it in first messages only: with every one, because a client that comes later has not seen the first.
  const nick = sender === undefined ? '' : printElement(nickname(sender));
  const id = nick + (archiveId === undefined ? '' : printElement(element('stanza-id', NS.stanzaIds, { by, id: archiveId })));
  if (delayedSince === undefined) return id;
  return id + printElement(element('delay', NS.delay, { from: domain, stamp: new Date(delayedSince).toISOString() }));
}
