// Presence events to <presence/> stanzas (RFC 6121 §3 and §4, RFC 8048, spec 5.4 and 5.5). One stanza is about one
// resource; only what changed is written when the neck says what that is.

import { type Address, bare } from '../../../model/address.ts';
import type { PresenceEvent, PresenceNotified } from '../../../model/event.ts';
import type { Endpoint } from '../../../model/presence.ts';
import type { Reason } from '../../../model/reason.ts';
import { type Element, element } from '../element.ts';
import { toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { errorOf } from '../replies.ts';
import { ID_PREFIX } from '../to-model/presence.ts';

export interface PresenceOptions {
  /** The id of the outbox for durable events, else one of the event. */
  readonly id: string;
  /** The recipient is a partner's user: failures of our users answer alike. */
  readonly partner: boolean;
}

/** XEP-0203: a state older than this when it is written carries its time. */
const OLD_MS = 60_000;
/** Spec 5.5: what an activity says in words where there is no note. */
const WORDS: Readonly<Record<string, string>> = { 'on-the-phone': 'On the phone', meeting: 'In a meeting', presentation: 'Presenting' };

/** The stanzas for an event, perhaps none; a Reason when an address cannot be a JID. */
export function writePresence(event: PresenceEvent, options: PresenceOptions): readonly Element[] | Reason {
  const from = toJid(bare(event.from));
  const to = toJid(bare(event.to));
  if (typeof from !== 'string') return from;
  if (typeof to !== 'string') return to;
  const stanza = (type: string, prefix: string, children: readonly Element[] = []): Element =>
    element('presence', NS.server, { from, to, type, id: prefix + options.id }, children);
  switch (event.kind) {
    case 'presence.requested':
      return [
        stanza('subscribe', ID_PREFIX.subscription, event.message === undefined ? [] : [element('status', NS.server, {}, [event.message])]),
      ];
    case 'presence.granted':
      return [stanza('subscribed', '')];
    case 'presence.denied':
      return [stanza('unsubscribed', '')];
    case 'presence.ended':
      if (event.by === 'watcher') return [stanza('unsubscribe', '')];
      // Spec 5.2: what passes is none of the watcher's business; a user that is not there is.
      if (event.reason !== 'noresource') return [];
      return event.cause === undefined ? [stanza('unsubscribed', '')] : [stanza('error', '', [errorOf(event.cause, options.partner)])];
    case 'presence.probed':
      return [stanza('probe', ID_PREFIX.probe)];
    case 'presence.watcherOnline':
      return []; // a probe follows when there is something to ask
    case 'presence.watcherOffline':
      return event.quiet === true ? [] : [stanza('unavailable', ID_PREFIX.shown)];
    case 'presence.notified':
      return shown(event, to, options.id);
  }
  return event satisfies never;
}

function shown(event: PresenceNotified, to: string, id: string): Element[] {
  const { changed, document } = event;
  const endpoints = changed === undefined ? document.endpoints : document.endpoints.filter((endpoint) => changed.includes(endpoint.id));
  // Nothing is there and nobody knows what was shown: a bare JID speaks for all resources.
  if (document.endpoints.length === 0 && changed === undefined) {
    return [element('presence', NS.server, { from: jidOf(event.from, ''), to, type: 'unavailable', id: `${ID_PREFIX.shown}${id}` })];
  }
  return endpoints.map((endpoint, index) => {
    const attributes = { from: jidOf(event.from, endpoint.id), to, id: `${ID_PREFIX.shown}${id}${index === 0 ? '' : `-${index}`}` };
    const type = endpoint.availability === 'closed' ? 'unavailable' : undefined;
    return element('presence', NS.server, { ...attributes, type }, content(endpoint, event.at));
  });
}

/** RFC 6121 §4.7.2: show, status, priority; XEP-0319 idle; XEP-0203 delay. */
function content(endpoint: Endpoint, now: number): Element[] {
  const { availability, show, priority, idleSince, at } = endpoint;
  const open = availability === 'open';
  const parts: Element[] = [];
  if (open && show !== undefined) parts.push(element('show', NS.server, {}, [show]));
  for (const note of notesOf(endpoint)) parts.push(element('status', NS.server, { 'xml:lang': note.lang }, [note.text]));
  if (open && priority !== undefined) parts.push(element('priority', NS.server, {}, [String(priority)]));
  if (open && idleSince !== undefined) parts.push(element('idle', NS.idle, { since: new Date(idleSince).toISOString() }));
  if (now - at > OLD_MS) parts.push(element('delay', NS.delay, { stamp: new Date(at).toISOString() }));
  return parts;
}

function notesOf(endpoint: Endpoint): readonly { readonly text: string; readonly lang?: string }[] {
  if (endpoint.notes.length > 0 || endpoint.activity === undefined) return endpoint.notes;
  const words = WORDS[endpoint.activity];
  return words === undefined ? [] : [{ text: words, lang: 'en' }];
}

/** The JID of an endpoint; one whose name no resource can carry is shown under the bare JID. */
function jidOf(of: Address, id: string): string {
  const full = id === '' ? undefined : toJid({ ...bare(of), resource: id });
  if (typeof full === 'string') return full;
  const plain = toJid(bare(of));
  return typeof plain === 'string' ? plain : '';
}
