// The core put together: people who sign in with clients of any face, their contacts, what is said to them and about whom
// they see presence (DESIGN 9, docs/decisions/010). Faces open sessions; the neck delivers through the gateway.

import { reason } from '../errors.ts';
import { type Address, bareKey, fromBareKey, show } from '../model/address.ts';
import type { Client, Core, Session, StateDesk } from '../model/core.ts';
import type { Gateway } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { type OpenClient, OpenClients } from './clients.ts';
import { ContactLists } from './contacts/contact-lists.ts';
import { Subscribing } from './contacts/subscribing.ts';
import { NO_SUBSCRIPTIONS } from './contacts/subscriptions.ts';
import { CoreGateway } from './gateway.ts';
import { Kept } from './messaging/kept.ts';
import { Messages } from './messaging/messages.ts';
import { Partners } from './partners.ts';
import { afterMoves } from './people/after-move.ts';
import { PeopleChanges } from './people/changes.ts';
import { People } from './people/people.ts';
import { relationOf, watchersOf } from './people/personal.ts';
import { CORE_LIMITS, type CoreParts } from './ports.ts';
import { stateDesk } from './presence/choosing.ts';
import { Views } from './presence/views.ts';
import { Visibility } from './presence/visibility.ts';
import { deskOf, homeOf, sessionOf } from './sessions.ts';

export interface RunningCore extends Core {
  /** What the neck delivers through. */
  readonly gateway: Gateway;
  /** States of people, for operators. */
  readonly states: StateDesk;
  /** Bare keys of who has a client open. */
  signedIn(): Iterable<string>;
  /** Somebody's calendar says something else. @param user bare key */
  calendarChanged(user: string): void;
  /** Somebody's photo may be another one. */
  pictureChanged(user: Address): void;
  /** What the organisation decides about presence, or its states, have changed: everybody who is signed in is looked at anew. */
  presenceChanged(): void;
  /** Looks at the people store for who may not be signed in any more. */
  look(): Promise<void>;
  /** A user of a split domain has come to the core, or is no longer there. */
  moved(address: Address, here: boolean): Promise<void>;
  /** Hands on what still waits here for users who have moved to the internal system. */
  forwardKept(): Promise<void>;
  /** Somebody is erased: nobody's list knows them any more, and their clients hear of it. @param key bare key */
  erased(key: string): Promise<void>;
  /** Somebody is addressed by an other address of theirs: where they are reached, if `from` may be told of them at all. */
  reachedAt(to: Address, from: Address): Promise<Address | undefined>;
  /** Resolves when everything begun so far is done. */
  settled(): Promise<void>;
  /** Ends every session and stops the timers. */
  close(): Promise<void>;
}

/** Opens nothing; signs nobody in by itself. */
export function makeCore(parts: CoreParts): RunningCore {
  const limits = { ...CORE_LIMITS, ...parts.limits };
  const { clock, ids, log } = parts;
  const clients = new OpenClients(ids, limits.clients);
  const people = new People(parts, limits.profiles);
  const partners = new Partners(parts.submit, clients, clock, ids, log);
  const views = new Views(parts, clients, people);
  const visibility = new Visibility(parts, clients, people, partners, views);
  const kept = new Kept(parts.kept, clients, clock, log, limits.kept);
  const lists = new ContactLists(people, clients, limits.contacts);
  const messages = new Messages(parts, clients, people, kept, views);
  const subscribing = new Subscribing({ parts, limits, clients, people, lists, partners, visibility });
  const gateway = new CoreGateway({
    home: (address) => homeOf(address, parts),
    clock,
    log,
    clients,
    people,
    messages,
    subscribing,
    partners,
    views,
    graceMs: limits.graceMs,
  });
  const running = new Set<Promise<unknown>>();

  const light = (what: string, user: string, work: () => Promise<unknown>): void => {
    const done = work().catch((error: unknown) => log.error({ event: 'core.failed', what, user, error: String(error) }));
    running.add(done);
    void done.finally(() => running.delete(done));
  };
  const left = (one: OpenClient): void => {
    if (!one.open) return;
    one.open = false;
    if (!clients.remove(one)) return;
    log.info({ event: 'user.left', user: one.key, resource: one.resource, face: one.client.face });
    light('leaving', one.key, async () => {
      await visibility.changed(one.key);
      await visibility.untell(one);
      if (clients.of(one.key).size > 0) return;
      partners.unwatch(one.key, (await people.profile(one.key)).entries(), (contact) => !parts.serves(contact));
    });
  };
  const end = (one: OpenClient, why: Reason): void => {
    left(one);
    one.client.end(why);
  };
  const rooms = {
    parts,
    limits,
    people,
    kept,
    lists,
    messages,
    subscribing,
    views,
    visibility,
    left,
    light: (what: string, one: OpenClient, work: () => Promise<unknown>): void => light(what, one.key, work),
  };

  /** Whoever gets the address next begins with nothing. */
  const forget = async (key: string): Promise<void> => {
    await subscribing.leave(fromBareKey(key));
    await Promise.all([parts.contacts.forget(key), parts.kept.forget(key)]);
    people.profiles.forget(key);
  };
  const moved = afterMoves({ parts, clients, people, partners, visibility });
  const gone = async (key: string): Promise<void> => {
    if ((await parts.moved?.has(key)) === true) await moved.wentInside(key);
    else if (parts.serves({ local: '', domain: fromBareKey(key).domain })) await forget(key);
  };
  const pictureChanged = (user: Address): void => light('picture', bareKey(user), () => visibility.pictureChanged(bareKey(user)));
  const changed = (user: Address): void => {
    parts.personChanged?.(user);
    pictureChanged(user);
  };
  const lookIn = (work: () => Promise<unknown>): void => light('people', '', work);
  const changes = new PeopleChanges({ people: parts.people, clock, clients, lookMs: limits.lookMs, end, changed, gone, light: lookIn });
  const grace = clock.after(limits.graceMs, () => gateway.graceOver());

  return {
    signIn: parts.signIn,
    gateway,
    clients: clients.sights(end),
    states: stateDesk({ parts, people, views, visibility }),
    signedIn: () => clients.users(),
    calendarChanged: (user) => light('calendar', user, () => visibility.changed(user)),
    pictureChanged,
    presenceChanged: () => {
      for (const user of clients.users()) light('presence policy', user, () => visibility.settingsChanged(user));
    },
    serves: (address) => parts.serves(homeOf(address, parts)),
    reachedAt: (to, from) => people.reachedAt(homeOf(to, parts), homeOf(from, parts)),
    isUser: (address) => people.isUser(homeOf(address, parts)),
    relation: (of, watcher) => relationOf(homeOf(of, parts), homeOf(watcher, parts), people, views),
    desk: (user) => deskOf(homeOf(user, parts), rooms),
    watchers: (of) => watchersOf(homeOf(of, parts), people),
    open(user: Address, resource: string | undefined, client: Client): Session | Reason {
      const added = clients.add(user, resource, client, clock.now());
      if ('code' in added) return added;
      const { one, replaced } = added;
      if (replaced !== undefined) {
        const text = `${show(one.address)} has signed in elsewhere under the same name of a client.`;
        replaced.open = false;
        replaced.client.end(reason('PEER_GONE', text));
        light('replaced', one.key, async () => {
          await visibility.changed(one.key);
          await visibility.untell(replaced);
        });
      }
      log.info({ event: 'user.opened', user: one.key, resource: one.resource, face: client.face, address: client.address });
      light('profile', one.key, () => people.profile(one.key));
      if (one.takesMessages) kept.drain(one);
      return sessionOf(one, rooms);
    },
    look: () => changes.look(),
    async erased(key) {
      await changes.look();
      const none = { ...NO_SUBSCRIPTIONS, address: key, groups: [], listed: false, favourite: false };
      for (const owner of await parts.contacts.ownersOf(key)) {
        const profile = await people.profile(owner);
        if (profile.entry(key) !== undefined) await lists.commit([profile.set(none)]);
      }
      people.profiles.forget(key);
    },
    async moved(address, here) {
      if (here) await moved.came(bareKey(address));
      else await changes.look();
    },
    forwardKept: () => moved.forwardAll(),
    async settled() {
      while (running.size > 0) await Promise.all(running);
      await Promise.all([messages.settled(), subscribing.settled(), visibility.settled()]);
    },
    async close() {
      changes.stop();
      grace.cancel();
      // Nobody is shown as gone: who comes back after the start was never away (sip-xmpp.md §5.8).
      for (const key of [...clients.users()])
        for (const one of [...clients.of(key).values()]) {
          one.open = false;
          clients.remove(one);
          one.client.end(reason('SHUTTING_DOWN', 'Isthmus is stopping.'));
        }
      while (running.size > 0) await Promise.all(running);
      visibility.close();
    },
  };
}
