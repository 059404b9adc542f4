// A <presence/> stanza to an event (RFC 6121 §3 and §4, RFC 8048). Pure: who sent it has been proven before. A stanza is
// about one resource, so a document made of it is partial; the neck puts the whole together.

import { reason } from '../../../errors.ts';
import { bare } from '../../../model/address.ts';
import type { PresenceEvent } from '../../../model/event.ts';
import type { Endpoint, Note, Show } from '../../../model/presence.ts';
import { child, type Element, elements, text } from '../element.ts';
import { NS } from '../names.ts';
import type { StanzaFacts } from './im.ts';

/** How the ids of our own presence stanzas begin, so that an error says what it is about. */
export const ID_PREFIX = { subscription: 'sub-', probe: 'probe-', shown: 'shown-' } as const;

export type PresenceReading =
  | { readonly kind: 'event'; readonly event: PresenceEvent }
  /** Understood and of no consequence. */
  | { readonly kind: 'nothing' }
  /** RFC 6121 §4.7.1: a type that does not exist. */
  | { readonly kind: 'unknownType' };

const MAX_NOTES = 8;
const MAX_NOTE_CHARS = 1000;
const SHOWS: ReadonlySet<string> = new Set<Show>(['chat', 'away', 'xa', 'dnd']);

/** Reads a presence stanza that is not of type `error`. */
export function readPresence(stanza: Element, facts: StanzaFacts): PresenceReading {
  const people = { ...facts, from: bare(facts.from), to: bare(facts.to) };
  switch (stanza.attrs.type) {
    case undefined:
      return shown(stanza, facts, 'open');
    case 'unavailable':
      return shown(stanza, facts, 'closed');
    case 'subscribe': {
      const [message] = notes(stanza);
      return {
        kind: 'event',
        event: { ...people, kind: 'presence.requested', ...(message === undefined ? {} : { message: message.text }) },
      };
    }
    case 'subscribed':
      return { kind: 'event', event: { ...people, kind: 'presence.granted' } };
    case 'unsubscribed':
      return { kind: 'event', event: { ...people, kind: 'presence.denied' } };
    case 'unsubscribe':
      return { kind: 'event', event: { ...people, kind: 'presence.ended', by: 'watcher', reason: 'unsubscribed', retry: 'never' } };
    case 'probe':
      return { kind: 'event', event: { ...people, kind: 'presence.probed' } };
    default:
      return { kind: 'unknownType' };
  }
}

function shown(stanza: Element, facts: StanzaFacts, availability: Endpoint['availability']): PresenceReading {
  const { resource } = facts.from;
  const people = { ...facts, from: bare(facts.from), to: bare(facts.to) };
  const endpoint = readEndpoint(stanza, resource ?? '', availability, facts.at);
  if (availability === 'closed' && resource === undefined) {
    // RFC 6121 §4.5.2: from a bare JID it is about all resources.
    const endpoints = endpoint.notes.length > 0 ? [endpoint] : [];
    return { kind: 'event', event: { ...people, kind: 'presence.notified', scope: 'full', document: { endpoints } } };
  }
  return { kind: 'event', event: { ...people, kind: 'presence.notified', scope: 'partial', document: { endpoints: [endpoint] } } };
}

function readEndpoint(stanza: Element, id: string, availability: Endpoint['availability'], at: number): Endpoint {
  const word = value(stanza, 'show');
  const show = availability === 'open' && word !== undefined && SHOWS.has(word) ? (word as Show) : undefined; // checked just before
  const priority = Number(value(stanza, 'priority') ?? Number.NaN);
  const idleSince = time(child(stanza, 'idle', NS.idle)?.attrs.since);
  const delayed = time(child(stanza, 'delay', NS.delay)?.attrs.stamp);
  return {
    id,
    availability,
    notes: notes(stanza),
    // XEP-0203: the state is older than the stanza. A stamp of the future is somebody's wrong clock.
    at: delayed === undefined ? at : Math.min(delayed, at),
    ...(show === undefined ? {} : { show }),
    ...(Number.isInteger(priority) && priority >= -128 && priority <= 127 ? { priority } : {}),
    ...(idleSince === undefined ? {} : { idleSince }),
  };
}

/** <status/> in its languages, the stanza's own first. */
function notes(stanza: Element): Note[] {
  const found: Note[] = [];
  for (const part of elements(stanza)) {
    if (part.name !== 'status' || part.ns !== NS.server || found.length >= MAX_NOTES) continue;
    const said = text(part).slice(0, MAX_NOTE_CHARS).toWellFormed();
    const lang = part.attrs['xml:lang'] ?? stanza.attrs['xml:lang'];
    if (said.trim() === '' || found.some((note) => note.lang === lang)) continue;
    found.push({ text: said, ...(lang !== undefined && /^[A-Za-z0-9-]{1,35}$/.test(lang) ? { lang } : {}) });
  }
  return found;
}

function value(stanza: Element, name: string): string | undefined {
  const part = child(stanza, name, NS.server);
  return part === undefined ? undefined : text(part).trim();
}

/** XEP-0082 DateTime; wall ms. */
function time(stamp: string | undefined): number | undefined {
  if (stamp === undefined || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.test(stamp)) return undefined;
  const at = Date.parse(stamp);
  return Number.isNaN(at) ? undefined : at;
}

/** What an error stanza said. */
export interface PresenceError {
  readonly condition: string;
  readonly type: string;
  readonly text?: string;
}

const RETRY_MS = 300_000;
/** Conditions that pass (RFC 6120 §8.3.3), besides every error of type `wait`. */
const PASSING: ReadonlySet<string> = new Set([
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'internal-server-error',
]);

/**
 * What an error about a presence stanza of ours means, spec 5.3. An error about presence that we showed is nothing: it
 * says that our user's presence was not wanted, which is another record than the one in which our user watches.
 */
export function readPresenceError(id: string | undefined, error: PresenceError, facts: StanzaFacts): PresenceReading {
  const aboutSubscription = id?.startsWith(ID_PREFIX.subscription) === true;
  // From one resource of the contact it is not about the contact.
  if (facts.from.resource !== undefined || (!aboutSubscription && id?.startsWith(ID_PREFIX.probe) !== true)) return { kind: 'nothing' };
  const people = { ...facts, from: bare(facts.from), to: bare(facts.to) };
  const words = `the XMPP peer answered ${error.condition} to a subscription`;
  const peer = { network: 'xmpp', ...error } as const;
  if (error.condition === 'item-not-found' || error.condition === 'gone') {
    const cause = reason(error.condition === 'gone' ? 'PEER_GONE' : 'PEER_UNKNOWN_USER', words, { peer });
    return { kind: 'event', event: { ...people, kind: 'presence.ended', by: 'presentity', reason: 'noresource', retry: 'never', cause } };
  }
  if (PASSING.has(error.condition) || error.type === 'wait') {
    const cause = reason('PEER_BUSY', words, { peer, retry: RETRY_MS });
    const ended = { kind: 'presence.ended', by: 'presentity', reason: 'probation', retry: { afterMs: RETRY_MS }, cause } as const;
    return { kind: 'event', event: { ...people, ...ended } };
  }
  if (!aboutSubscription) return { kind: 'nothing' };
  return { kind: 'event', event: { ...people, kind: 'presence.denied', cause: reason('PEER_FORBIDDEN', words, { peer }) } };
}
