// Presence items: what a watcher is handed about somebody, and what differs from what watchers of the same level were shown.

import type { Address } from '../../model/address.ts';
import type { Item } from '../../model/core.ts';
import { outOfOfficeWords } from '../../model/out-of-office.ts';
import type { OpenClient } from '../clients.ts';
import { endpointOf, GONE, NOTHING, type Seen } from './seen.ts';

/** What watchers of one level were last shown of each endpoint, and of the person. */
export interface Shown {
  readonly endpoints: ReadonlyMap<string, string>;
  readonly person: string;
}

export type PresenceItem = Extract<Item, { kind: 'presence' }>;

/** An item for each endpoint that is seen; for somebody who is away and has left word, one without an endpoint. @param seen undefined: nothing */
export function itemsOf(of: Address, seen: Seen | undefined): PresenceItem[] {
  const { endpoints = [], composed = NOTHING } = seen ?? {};
  // Nobody is there, and has left word.
  if (endpoints.length === 0 && composed.document.person !== undefined) return [gone(of, '', composed)];
  return endpoints.map(({ resource, presence }) => ({ kind: 'presence', from: endpointOf(of, resource), presence, composed }));
}

/** An endpoint is not there, or not any more; beside it the word that its user has left. */
export function gone(of: Address, resource: string, composed = NOTHING): PresenceItem {
  const { outOfOffice, timeZone } = composed.document.person ?? {};
  const presence = outOfOffice === undefined ? GONE : { ...GONE, notes: [{ text: outOfOfficeWords(outOfOffice, timeZone?.name) }] };
  return { kind: 'presence', from: endpointOf(of, resource), presence, composed };
}

/** Nobody is there, or may be seen. */
export function nothing(of: Address): PresenceItem {
  return gone(of, '');
}

/** What is to be shown because it differs from what was. */
export function compare(
  of: Address,
  before: Shown | undefined,
  seen: Seen,
  said: OpenClient | undefined,
): { shown: Shown; items: Item[]; differs: boolean } {
  const { document, ...state } = seen.composed;
  const person = JSON.stringify([state, document.person]);
  const endpoints = new Map(seen.endpoints.map(({ resource, presence }) => [resource, JSON.stringify(presence)]));
  const other = before === undefined || before.person !== person;
  const items: Item[] = [];
  for (const { resource, presence } of seen.endpoints)
    if (other || said?.resource === resource || before.endpoints.get(resource) !== endpoints.get(resource))
      items.push({ kind: 'presence', from: endpointOf(of, resource), presence, composed: seen.composed });
  for (const resource of before?.endpoints.keys() ?? [])
    if (!endpoints.has(resource)) {
      // RFC 6121 §4.5.2: unavailable presence carries the words of the user.
      const own = said?.resource === resource && seen.notes ? said.presence : undefined;
      const item = gone(of, resource, seen.composed);
      items.push(own?.availability === 'closed' && own.notes.length > 0 ? { ...item, presence: { ...GONE, notes: own.notes } } : item);
    }
  // Nobody is there, and what is known of the person (being out of the office) has changed.
  if (items.length === 0 && other && endpoints.size === 0 && (before !== undefined || document.person !== undefined))
    items.push(gone(of, '', seen.composed));
  const differs = items.length > 0;
  return { shown: { endpoints, person }, items, differs };
}
