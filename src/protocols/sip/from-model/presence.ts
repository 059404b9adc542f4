// Presence to the parts of SUBSCRIBE and NOTIFY (RFC 3856, RFC 6665, spec 5.4). Built from values only; the dialog adds
// From, To, Call-ID, CSeq and Route, the exchange Via, Max-Forwards and Contact.

import type { Address } from '../../../model/address.ts';
import type { PresenceDocument } from '../../../model/presence.ts';
import { PIDF_TYPE } from '../documents/pidf-reader.ts';
import { writePidf } from '../documents/pidf-writer.ts';
import { printEvent } from '../headers/event.ts';
import { printSubscriptionState } from '../headers/subscription-state.ts';
import type { HeaderList } from '../message.ts';
import type { Notification } from '../notifier.ts';

/** The headers of a SUBSCRIBE of ours. PIDF only: richer formats would have to be understood first. */
export function subscribeHeaders(expiresS: number): HeaderList {
  return [
    ['Event', 'presence'],
    ['Accept', PIDF_TYPE],
    ['Expires', String(expiresS)],
  ];
}

export interface NotifyParts {
  readonly headers: HeaderList;
  readonly body?: string;
}

/** The headers and body of a NOTIFY. A document is printed once, however many dialogs show it. @param at wall ms */
export function notifyParts(presentity: Address, said: Notification, at: number, eventId?: string): NotifyParts {
  const state = printSubscriptionState(said.state, {
    ...(said.reason === undefined ? {} : { reason: said.reason }),
    ...(said.expiresS === undefined ? {} : { expires: said.expiresS }),
    ...(said.retryAfterS === undefined ? {} : { retryAfter: said.retryAfterS }),
  });
  const head: HeaderList = [
    ['Event', printEvent('presence', eventId)],
    ['Subscription-State', state],
  ];
  if (said.document === undefined) return { headers: head };
  const language = soleLanguage(said.document);
  return {
    headers: [...head, ...(language === undefined ? [] : [['Content-Language', language] as const]), ['Content-Type', PIDF_TYPE]],
    body: printed(presentity, said.document, at),
  };
}

const PRINTED = new WeakMap<PresenceDocument, string>();

function printed(presentity: Address, document: PresenceDocument, at: number): string {
  const known = PRINTED.get(document);
  if (known !== undefined) return known;
  // Known, and nobody is there: readers of the first tuple want one that says so.
  const nobody: PresenceDocument = { endpoints: [{ id: '', availability: 'closed', notes: [], at }] };
  const text = writePidf(presentity, document.endpoints.length === 0 ? { ...document, ...nobody } : document);
  PRINTED.set(document, text);
  return text;
}

/** Spec 5.4: xml:lang is Content-Language, where all notes agree. */
function soleLanguage(document: PresenceDocument): string | undefined {
  const languages = new Set(document.endpoints.flatMap((endpoint) => endpoint.notes.map((note) => note.lang)));
  const [only] = languages;
  return languages.size === 1 && only !== undefined && /^[A-Za-z0-9-]{1,35}$/.test(only) ? only : undefined;
}
