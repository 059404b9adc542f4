// A <message/> stanza to events (RFC 6121 §5, RFC 7572 §4). What SIP users cannot be shown as it is becomes text or a
// refusal with a notice, by the table in docs/what-crosses.md: never silence. Pure: who sent it has been proven before.

import { createHash } from 'node:crypto';
import { reason } from '../../../errors.ts';
import { type Address, bareKey, show } from '../../../model/address.ts';
import type { ChatState, ImComposing, ImReceipt, ImSent, Origin, SenderIds } from '../../../model/event.ts';
import type { Reason } from '../../../model/reason.ts';
import { child, type Element, elements, text } from '../element.ts';
import { NS } from '../names.ts';

export interface StanzaFacts {
  readonly id: string;
  readonly at: number;
  readonly origin: Origin;
  readonly from: Address;
  readonly to: Address;
}

export type InWords = 'reaction' | 'retraction' | 'correction' | 'attachment' | 'attention';

export type MessageReading =
  /** `inWords`: what could not cross as it is and stands in the text instead. */
  | { readonly kind: 'event'; readonly event: ImSent | ImComposing | ImReceipt; readonly inWords?: InWords }
  /** The sender gets a stanza error; `notice`, if any, tells the recipient in words that something could not be shown. */
  | { readonly kind: 'refused'; readonly reason: Reason; readonly notice?: ImSent }
  /** Nothing a person would see (an empty stanza, a bookmark push). */
  | { readonly kind: 'nothing' };

/** XEP-0424 in its two namespace versions. */
const RETRACT = /^urn:xmpp:message-retract:[01]$/;
const CHAT_STATES: ReadonlySet<string> = new Set<ChatState>(['active', 'composing', 'paused', 'inactive', 'gone']);

/** Reads a message stanza that is not of type `error`. */
export function readMessage(stanza: Element, facts: StanzaFacts): MessageReading {
  if (stanza.attrs.type === 'groupchat') return refuse('CONTENT_UNSUPPORTED', 'rooms do not cross this gateway');
  const parts = new Parts(stanza);

  // XEP-0380 and the encryptions themselves: the fallback body must not be delivered silently (sip-xmpp.md §10).
  if (parts.has('encryption', NS.encryption) || parts.named('encrypted') || parts.has('openpgp', NS.openpgp) || parts.has('x', NS.pgp))
    return refuse(
      'CONTENT_ENCRYPTED',
      'encrypted messages cannot be bridged; please send it unencrypted',
      notice(stanza, facts, 'sent an encrypted message, which could not be shown here.'),
    );
  // XEP-0353: a call is announced by a message.
  if (parts.has('propose', NS.jingleMessage))
    return refuse(
      'CONTENT_UNSUPPORTED',
      'calls do not cross this gateway',
      notice(stanza, facts, 'tried to call you; calls cannot be taken here.'),
    );
  if (parts.anyOf(NS.jingleMessage)) return { kind: 'nothing' };
  const room = parts.invitation();
  if (room !== undefined)
    return refuse(
      'CONTENT_UNSUPPORTED',
      'rooms do not cross this gateway',
      notice(stanza, facts, `invites you to the room ${room}, which cannot be joined from here.`),
    );

  const receipt = parts.receipt();
  if (receipt !== undefined)
    return { kind: 'event', event: { ...facts, kind: 'im.receipt', about: receipt.about, status: receipt.status, ...parts.thread() } };

  const body = parts.shownText();
  if (body === undefined) {
    const state = parts.chatState();
    return state === undefined
      ? { kind: 'nothing' }
      : { kind: 'event', event: { ...facts, kind: 'im.composing', state, ...parts.thread() } };
  }
  const subject = child(stanza, 'subject', NS.server);
  const event: ImSent = {
    ...facts,
    kind: 'im.sent',
    body: body.text,
    ...(body.lang !== undefined && { lang: body.lang }),
    ...(subject !== undefined && text(subject) !== '' && { subject: text(subject) }),
    ...parts.thread(),
    style: stanza.attrs.type === 'chat' ? 'chat' : 'normal',
    wants: { delivered: parts.has('request', NS.receipts), displayed: parts.has('markable', NS.markers) },
    ids: senderIds(stanza, facts.from, body.text),
  };
  return { kind: 'event', event, ...(body.inWords !== undefined && { inWords: body.inWords }) };
}

/** The words a person of ours reads when something of a contact could not be shown. */
export function notice(stanza: Element, facts: StanzaFacts, words: string): ImSent {
  const line = `${show({ local: facts.from.local, domain: facts.from.domain })} ${words}`;
  const ids = senderIds(stanza, facts.from, line);
  return { ...facts, kind: 'im.sent', body: line, lang: 'en', style: 'normal', wants: { delivered: false, displayed: false }, ids };
}

function senderIds(stanza: Element, from: Address, body: string): SenderIds {
  const { id } = stanza.attrs;
  const originId = child(stanza, 'origin-id', NS.stanzaIds)?.attrs.id;
  // DESIGN 8: the origin-id, else id + SHA-256 of the body, else nothing to tell copies apart.
  const key =
    originId !== undefined
      ? `origin ${originId}`
      : id !== undefined
        ? `id ${id} ${createHash('sha256').update(body).digest('base64url')}`
        : undefined;
  return {
    ...(id !== undefined && { wireId: id }),
    ...(originId !== undefined && { messageId: originId }),
    ...(key !== undefined && { dedupKey: `xmpp ${bareKey(from)} ${key}` }),
  };
}

function refuse(code: Reason['code'], words: string, told?: ImSent): MessageReading {
  return { kind: 'refused', reason: reason(code, words), ...(told !== undefined && { notice: told }) };
}

/** Questions to one stanza's children. */
class Parts {
  readonly #stanza: Element;
  readonly #elements: readonly Element[];

  constructor(stanza: Element) {
    this.#stanza = stanza;
    this.#elements = elements(stanza);
  }

  has(name: string, ns: string): boolean {
    return child(this.#stanza, name, ns) !== undefined;
  }

  anyOf(ns: string): boolean {
    return this.#elements.some((part) => part.ns === ns);
  }

  /** OMEMO has had several namespaces; its element has had one name. */
  named(name: string): boolean {
    return this.#elements.some((part) => part.name === name && part.ns !== NS.server);
  }

  thread(): { readonly thread: string } | undefined {
    const thread = child(this.#stanza, 'thread', NS.server);
    const value = thread === undefined ? '' : text(thread);
    return value === '' ? undefined : { thread: value };
  }

  chatState(): ChatState | undefined {
    const state = this.#elements.find((part) => part.ns === NS.chatStates && CHAT_STATES.has(part.name));
    return state?.name as ChatState | undefined; // checked against the table just above
  }

  receipt(): { readonly about: string; readonly status: 'delivered' | 'displayed' } | undefined {
    for (const part of this.#elements) {
      if (part.attrs.id === undefined) continue;
      // XEP-0184 §3 and XEP-0333 §4.
      if (part.name === 'received' && (part.ns === NS.receipts || part.ns === NS.markers))
        return { about: part.attrs.id, status: 'delivered' };
      if (part.name === 'displayed' && part.ns === NS.markers) return { about: part.attrs.id, status: 'displayed' };
    }
    return undefined;
  }

  /** The room of an invitation, direct (XEP-0249) or mediated (XEP-0045 §7.8.2). */
  invitation(): string | undefined {
    const direct = child(this.#stanza, 'x', NS.conference)?.attrs.jid;
    if (direct !== undefined) return direct;
    const mediated = child(this.#stanza, 'x', NS.mucUser);
    return mediated !== undefined && child(mediated, 'invite', NS.mucUser) !== undefined ? this.#stanza.attrs.from : undefined;
  }

  /** The text a SIP user is shown, with what modern clients add rendered in words (sip-xmpp.md §10). */
  shownText(): { readonly text: string; readonly lang?: string; readonly inWords?: InWords } | undefined {
    const reactions = child(this.#stanza, 'reactions', NS.reactions);
    if (reactions !== undefined) {
      const signs = elements(reactions)
        .map((part) => text(part))
        .filter((sign) => sign !== '');
      return { text: signs.length === 0 ? '(took back a reaction)' : `(reacted ${signs.join(' ')} to a message)`, inWords: 'reaction' };
    }
    if (this.#elements.some((part) => part.name === 'retract' && RETRACT.test(part.ns)))
      return { text: '(withdrew an earlier message)', inWords: 'retraction' };
    const body = this.#body();
    if (body === undefined)
      return this.has('attention', NS.attention) ? { text: '(asks for your attention)', inWords: 'attention' } : this.#attachment();
    const isCorrection = this.has('replace', NS.correct);
    const corrected = isCorrection ? `* ${body.text}` : body.text;
    const link = this.#attachment()?.text;
    const shown = link === undefined || corrected.includes(link) ? corrected : `${corrected}\n${link}`;
    const inWords = isCorrection ? 'correction' : link === undefined ? undefined : 'attachment';
    return { ...body, text: shown, ...(inWords !== undefined && { inWords }) };
  }

  #body(): { readonly text: string; readonly lang?: string } | undefined {
    const bodies = this.#elements.filter((part) => part.name === 'body' && part.ns === NS.server);
    const own = this.#stanza.attrs['xml:lang'];
    // sip-xmpp.md §4: of several bodies the one in the stanza's language, else the first.
    const chosen = bodies.find((part) => part.attrs['xml:lang'] === own || part.attrs['xml:lang'] === undefined) ?? bodies[0];
    if (chosen === undefined) return undefined;
    const lang = chosen.attrs['xml:lang'] ?? own;
    return { text: text(chosen), ...(lang !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(lang) && { lang }) };
  }

  /** XEP-0066: a link, perhaps of a file uploaded by XEP-0363. */
  #attachment(): { readonly text: string; readonly inWords: 'attachment' } | undefined {
    const oob = child(this.#stanza, 'x', NS.oob);
    const url = oob === undefined ? undefined : child(oob, 'url', NS.oob);
    return url === undefined || text(url) === '' ? undefined : { text: text(url), inWords: 'attachment' };
  }
}
