// What one client does for its user (model/core.ts, Session): each call goes to the room it belongs to.

import { reason } from '../errors.ts';
import { type Address, bare, bareKey } from '../model/address.ts';
import type { Chosen, ContactDesk, OwnPresence, Said, Session } from '../model/core.ts';
import { type Outcome, refused } from '../model/outcome.ts';
import type { OpenClient } from './clients.ts';
import type { ContactLists } from './contacts/contact-lists.ts';
import type { Subscribing } from './contacts/subscribing.ts';
import type { Kept } from './messaging/kept.ts';
import type { Messages } from './messaging/messages.ts';
import type { People } from './people/people.ts';
import type { CoreLimits, CoreParts } from './ports.ts';
import { choose, personalOf } from './presence/choosing.ts';
import type { Views } from './presence/views.ts';
import type { Visibility } from './presence/visibility.ts';

export interface Rooms {
  readonly parts: CoreParts;
  readonly limits: CoreLimits;
  readonly people: People;
  readonly kept: Kept;
  readonly lists: ContactLists;
  readonly messages: Messages;
  readonly subscribing: Subscribing;
  readonly views: Views;
  readonly visibility: Visibility;
  /** A client is gone. */
  left(one: OpenClient): void;
  /** Runs what nobody waits for; a defect is logged. */
  light(what: string, one: OpenClient, work: () => Promise<unknown>): void;
}

const GONE: Outcome = refused(reason('NET_CLOSED', 'This client has been signed out.'));

/** The session of one open client. */
export function sessionOf(one: OpenClient, rooms: Rooms): Session {
  const { parts, people, kept, messages, subscribing, views, visibility } = rooms;
  const desk = deskOf(one.user, rooms);
  const home = <A extends Address>(address: A): A => homeOf(address, parts);
  const ifOpen = (work: () => Promise<Outcome>): Promise<Outcome> => (one.open ? work() : Promise.resolve(GONE));
  return {
    user: one.user,
    resource: one.resource,
    say: (said: Said) => ifOpen(() => messages.say(one, { ...said, event: { ...said.event, to: home(said.event.to) } })),
    present(presence: OwnPresence) {
      if (!one.open) return;
      const [wasThere, tookMessages] = [one.available, one.takesMessages];
      one.presence = presence;
      one.saidAt = parts.clock.now();
      rooms.light('presence', one, async () => {
        const shown = visibility.changed(one.key, one);
        if (wasThere && presence.availability === 'closed') await visibility.untell(one);
        if (!wasThere && one.available) {
          await visibility.welcome(one);
          await subscribing.remind(one);
        }
        await shown;
      });
      if (!tookMessages && one.takesMessages) kept.drain(one);
    },
    presentTo: (to: Address, presence: OwnPresence) =>
      rooms.light('directed presence', one, () => visibility.tell(one, home(to), presence)),
    probe: (to: Address) => visibility.probe(one, bare(home(to))),
    choose: (chosen: Chosen | undefined) => ifOpen(() => choose(one.key, chosen, { parts, people, views, visibility })),
    chosen: async () => (await people.profile(one.key)).chosen,
    personal: personalOf(one.user, { parts, people, views, visibility }, home),
    subscription: (verb, to, message) => ifOpen(() => desk.subscription(verb, to, message)),
    contacts: desk.contacts,
    putContact: (change) => ifOpen(() => desk.putContact(change)),
    removeContact: (address) => ifOpen(() => desk.removeContact(address)),
    blocked: desk.blocked,
    block: desk.block,
    unblock: desk.unblock,
    close: () => rooms.left(one),
  };
}

/** A user's list, grants and block list, whether a client of theirs is open or not. */
export function deskOf(user: Address, rooms: Rooms): ContactDesk {
  const { parts, people, lists, subscribing, views, visibility, limits } = rooms;
  const key = bareKey(user);
  const home = <A extends Address>(address: A): A => homeOf(address, parts);
  /** Another level sees something else: by a word of its own, or because they are a contact now (privacy mode). */
  const leveled = async (contact: Address, work: () => Promise<Outcome>): Promise<Outcome> => {
    const watcher = bare(contact);
    const levelNow = async () => {
      const profile = await people.profile(key);
      return profile.entry(bareKey(watcher))?.seen === true ? views.levelOf(profile, watcher) : undefined;
    };
    const before = await levelNow();
    const outcome = await work();
    const after = await levelNow();
    // Who is let in or out with it has been shown that already.
    if (before !== undefined && after !== undefined && before !== after) await visibility.levelChanged(key, watcher);
    return outcome;
  };
  return {
    user,
    subscription: (verb, to, message) => leveled(home(to), () => subscribing.say(user, verb, home(to), message)),
    contacts: () => lists.of(key),
    async putContact(change) {
      const contact = { ...change, address: bare(home(change.address)) };
      const known = (await people.profile(key)).entry(bareKey(contact.address));
      const other = known?.listed === true ? undefined : await people.didYouMean(contact.address, user);
      if (other !== undefined) return refused(other);
      return leveled(contact.address, () => lists.put(key, contact));
    },
    removeContact: (address) => subscribing.remove(user, home(address)),
    blocked: async () => [...(await people.profile(key)).blocked],
    block: (addresses) => change(key, rooms, (before) => new Set([...before, ...addresses].slice(0, limits.blocked))),
    unblock: (addresses) =>
      change(key, rooms, (before) =>
        addresses.length === 0 ? new Set() : new Set([...before].filter((known) => !addresses.includes(known))),
      ),
  };
}

/** The address under the main name of its domain. */
export function homeOf<A extends Address>(address: A, { mainDomain }: Pick<CoreParts, 'mainDomain'>): A {
  const domain = mainDomain?.(address.domain) ?? address.domain;
  return domain === address.domain ? address : { ...address, domain };
}

/** Another block list: who is on it now sees the user go, who is not any more sees them come (XEP-0191 §3.3, §3.4). */
async function change(user: string, rooms: Rooms, next: (before: ReadonlySet<string>) => Set<string>): Promise<void> {
  const { people, parts, visibility } = rooms;
  const profile = await people.profile(user);
  const before = profile.blocked;
  const after = next(before);
  await parts.blocked.put(user, [...after]);
  const known = [...profile.entries()];
  const was = new Map(known.map(({ address }) => [address, profile.blocks(addressOf(address))]));
  profile.blocked = after;
  for (const { address, seen } of known) {
    const contact = addressOf(address);
    const blocked = profile.blocks(contact);
    if (blocked === was.get(address)) continue;
    if (seen) await visibility.sightChanged(user, contact, !blocked || !parts.serves(contact));
    await visibility.blockChanged(user, contact, blocked);
  }
}

function addressOf(key: string): Address {
  const at = key.lastIndexOf('@');
  return { local: key.slice(0, at), domain: key.slice(at + 1) };
}
