// Presence of our users: what each client says goes to the watchers that may see it, users of ours and partners, and what
// contacts show comes to the client that signs in (RFC 6121 §4). Contact lists say who sees whom, views.ts what.

import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import type { Item, Level, OwnPresence } from '../../model/core.ts';
import type { Timer } from '../../model/ports.ts';
import type { PresenceSettings } from '../../model/presence-settings.ts';
import { Turns } from '../../model/turns.ts';
import type { OpenClient, OpenClients } from '../clients.ts';
import type { Partners } from '../partners.ts';
import type { People } from '../people/people.ts';
import type { Profile } from '../people/profiles.ts';
import type { CoreParts } from '../ports.ts';
import { compare, gone, itemsOf, nothing, type Shown } from './items.ts';
import { GONE, type Seen, seenBy } from './seen.ts';
import { isAway } from './settings.ts';
import type { Views } from './views.ts';
import type { Whole } from './whole.ts';

/** Longest a timer can be set for, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Visibility {
  readonly #parts: CoreParts;
  readonly #clients: OpenClients;
  readonly #people: People;
  readonly #partners: Partners;
  readonly #views: Views;
  readonly #turns = new Turns();
  /** Changes of what people say of themselves, one after the other. */
  readonly #changes = new Turns();
  /** By user, by level (empty: their own clients). */
  readonly #shown = new Map<string, Map<Level | '', Shown>>();
  readonly #timers = new Map<string, Timer>();

  constructor(parts: CoreParts, clients: OpenClients, people: People, partners: Partners, views: Views) {
    this.#parts = parts;
    this.#clients = clients;
    this.#people = people;
    this.#partners = partners;
    this.#views = views;
  }

  /** Something of a user has changed. @param said the client whose presence is news though it may look the same */
  changed(user: string, said?: OpenClient): Promise<void> {
    return this.#turns.run(user, async () => {
      const profile = await this.#people.profile(user);
      const now = this.#parts.clock.now();
      const clients = [...this.#clients.of(user).values()];
      const all = this.#views.whole(clients, profile);
      this.#again(user, all, now);
      this.#showWatchers(profile, clients, all, said);
    });
  }

  /** Runs a change of what a user says of themselves after those before it. @param user bare key */
  inTurn<T>(user: string, work: () => Promise<T>): Promise<T> {
    return this.#changes.run(user, work);
  }

  /** The photo of somebody who is in memory is looked for again. */
  async pictureChanged(user: string): Promise<void> {
    const profile = this.#people.profiles.peek(user);
    if (profile === undefined) return;
    const before = profile.picture;
    profile.picture = await this.#parts.picture?.(fromBareKey(user));
    if (profile.picture !== before) await this.changed(user);
  }

  /** Levels may have changed with it: whoever sees something else from now on is shown that. @param settings absent: as they were */
  async settingsChanged(user: string, settings?: PresenceSettings): Promise<void> {
    const profile = await this.#people.profile(user);
    const watchers = [...profile.entries()].filter(({ seen }) => seen).map(({ address }) => fromBareKey(address));
    const before = new Map(watchers.map((watcher) => [watcher, this.#views.levelOf(profile, watcher)]));
    if (settings !== undefined) profile.settings = settings;
    await this.changed(user);
    for (const [watcher, level] of before)
      if (settings === undefined || this.#views.levelOf(profile, watcher) !== level) await this.levelChanged(user, watcher);
  }

  /** A watcher has another level: they are shown what they see now, and clients that they do not see any more go. */
  async levelChanged(user: string, watcher: Address): Promise<void> {
    if (!this.#parts.serves(watcher)) {
      await this.sightChanged(user, watcher, true);
      return;
    }
    await this.#turns.run(user, async () => {
      const seen = await this.#views.seenBy(user, watcher);
      if (seen === undefined) return;
      await this.#firstOfLevel(user, watcher, seen);
      const of = fromBareKey(user);
      const shown = new Set(seen.endpoints.map(({ resource }) => resource));
      const hidden = [...this.#clients.of(user).values()].filter((one) => one.available && !shown.has(one.resource));
      const left = hidden.map(({ resource }) => gone(of, resource, seen.composed));
      this.#handWatching(of, bareKey(watcher), [...left, ...itemsOf(of, seen)]);
    });
  }

  /** A client that has just become available is shown its contacts (RFC 6121 §4.2.2 and §4.3). */
  async welcome(one: OpenClient): Promise<void> {
    const profile = await this.#people.profile(one.key);
    const others = [...this.#clients.of(one.key).values()].filter((other) => other !== one);
    if (one.client.wants.presence) {
      const mine = seenBy(undefined, others, this.#views.whole(others, profile));
      for (const item of itemsOf(one.user, mine)) void one.hand(item);
    }
    for (const entry of profile.entries()) {
      const contact = fromBareKey(entry.address);
      if (profile.blocks(contact)) continue;
      if (!this.#parts.serves(contact)) this.#partners.watch(one, entry);
      else if (entry.sees && one.client.wants.presence) await this.#showTo(one, contact, false);
    }
  }

  /** Hands one client what somebody shows its user now. */
  async probe(one: OpenClient, to: Address): Promise<void> {
    const key = bareKey(to);
    const { entry, own } = { entry: (await this.#people.profile(one.key)).entry(key), own: key === one.key };
    if (own) {
      const mine = this.#views.at(await this.#people.profile(key), undefined);
      for (const item of itemsOf(one.user, mine)) void one.hand(item);
    } else if (entry?.sees !== true) void one.hand(nothing(to));
    else if (this.#parts.serves(to)) await this.#showTo(one, to, true);
    else this.#partners.probe(one, to);
  }

  /** A watcher may see a user from now on, or not any more: shows or takes back everything. */
  async sightChanged(user: string, watcher: Address, maySee: boolean): Promise<void> {
    await this.#turns.run(user, async () => {
      const seen = maySee ? await this.#views.seenBy(user, watcher) : undefined;
      const of = fromBareKey(user);
      if (seen !== undefined) await this.#firstOfLevel(user, watcher, seen);
      if (!this.#parts.serves(watcher)) {
        if (seen !== undefined) this.#partners.show(of, watcher, seen.composed.document);
        return;
      }
      const there = [...this.#clients.of(user).values()].filter((one) => one.available);
      const shown = itemsOf(of, seen);
      // Who is let in is shown a state, and be it that nobody is there.
      const items = maySee ? (shown.length === 0 ? [nothing(of)] : shown) : there.map((one) => gone(of, one.resource));
      this.#handWatching(of, bareKey(watcher), items);
    });
  }

  /** What is shown to the first watcher of a level is what has to be taken back later. */
  async #firstOfLevel(user: string, watcher: Address, seen: Seen): Promise<void> {
    const profile = await this.#people.profile(user);
    const level = this.#views.levelOf(profile, watcher);
    const shown = this.#shown.get(user);
    if (shown !== undefined && !shown.has(level)) shown.set(level, compare(fromBareKey(user), undefined, seen, undefined).shown);
  }

  /** A user has put a contact on the block list, or taken them off: their own clients see the contact go or come back. */
  async blockChanged(user: string, contact: Address, blocked: boolean): Promise<void> {
    const mine = [...this.#clients.of(user).values()].filter((one) => one.watches);
    const key = bareKey(contact);
    const entry = (await this.#people.profile(user)).entry(key);
    if (entry?.sees !== true) return;
    if (!this.#parts.serves(contact)) {
      if (blocked) this.#partners.hide(user, contact);
      else for (const one of mine) this.#partners.watch(one, entry);
      return;
    }
    await this.#turns.run(key, async () => {
      const seen = await this.#views.seenBy(key, fromBareKey(user));
      const items = itemsOf(contact, seen);
      const shown = blocked ? items.map(({ from }) => gone(contact, from.resource ?? '')) : items;
      for (const one of mine) for (const item of shown) void one.hand(item);
    });
  }

  /** Directed presence (RFC 6121 §4.6). */
  async tell(one: OpenClient, to: Address, presence: OwnPresence): Promise<void> {
    if (presence.availability === 'closed') one.directed.delete(bareKey(to));
    else if (!one.tellsOf(to)) return;
    if (!this.#parts.serves(to)) {
      const at = this.#parts.clock.now();
      this.#partners.showOne(one.user, to, { id: one.resource, at, ...presence });
      return;
    }
    const other = await this.#people.profile(bareKey(to));
    if (other.blocks(one.address)) return;
    for (const watcher of this.#clients.of(bareKey(to)).values())
      if (watcher.watches && (to.resource === undefined || to.resource === watcher.resource))
        void watcher.hand({ kind: 'presence', from: one.address, presence });
  }

  /** RFC 6121 §4.6.6: who was told directly is told of the end. */
  async untell(one: OpenClient): Promise<void> {
    for (const to of [...one.directed.values()]) await this.tell(one, to, GONE);
  }

  async settled(): Promise<void> {
    await this.#changes.settled();
    await this.#turns.settled();
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Time alone changes a state: looked at again then. */
  #again(user: string, all: Whole, now: number): void {
    this.#timers.get(user)?.cancel();
    this.#timers.delete(user);
    if (all.reconsiderAt === undefined) return;
    const ms = Math.min(all.reconsiderAt - now, MAX_TIMER_MS);
    this.#timers.set(
      user,
      this.#parts.clock.after(ms, () => void this.changed(user)),
    );
  }

  #showWatchers(profile: Profile, clients: readonly OpenClient[], all: Whole, said: OpenClient | undefined): void {
    const user = fromBareKey(profile.key);
    const before = this.#shown.get(profile.key) ?? new Map<Level | '', Shown>();
    const after = new Map<Level | '', Shown>();
    const news = new Map<Level | '', { readonly items: readonly Item[]; readonly seen: Seen; readonly differs: boolean }>();
    const newsFor = (level: Level | ''): { items: readonly Item[]; seen: Seen; differs: boolean } => {
      const known = news.get(level);
      if (known !== undefined) return known;
      const seen = seenBy(level === '' ? undefined : level, clients, all);
      const { shown, items, differs } = compare(user, before.get(level), seen, said);
      after.set(level, shown);
      const made = { items, seen, differs };
      news.set(level, made);
      return made;
    };
    // RFC 6121 §4.2.2: everybody sees themselves, the client that says it too.
    for (const one of clients) if (one.watches) for (const item of newsFor('').items) void one.hand(item);
    for (const entry of profile.entries()) {
      if (!entry.seen) continue;
      const watcher = fromBareKey(entry.address);
      const level = this.#views.levelOf(profile, watcher);
      const { items, seen, differs } = newsFor(level);
      if (this.#parts.serves(watcher)) this.#handWatching(user, entry.address, items);
      else if (differs) this.#partners.show(user, watcher, seen.composed.document);
    }
    // Who is out of the office has shown that, and takes it back when they are back.
    if (clients.length === 0 && !all.away) this.#shown.delete(profile.key);
    else this.#shown.set(profile.key, after);
  }

  #handWatching(of: Address, watcher: string, items: readonly Item[]): void {
    const theirs = this.#clients.of(watcher);
    // XEP-0191 §3.3: nothing arrives from who is blocked.
    if (items.length === 0 || theirs.size === 0 || this.#people.profiles.peek(watcher)?.blocks(of) === true) return;
    for (const one of theirs.values()) if (one.watches) for (const item of items) void one.hand(item);
  }

  /** Is somebody who is not signed in out of the office? A look at one row: most of a list are not there. */
  async #hasLeftWord(key: string): Promise<boolean> {
    const settings = this.#people.profiles.peek(key)?.settings ?? (await this.#parts.presenceSettings.of(key));
    return isAway(settings, this.#parts.clock.now());
  }

  async #showTo(one: OpenClient, of: Address, evenNothing: boolean): Promise<void> {
    const key = bareKey(of);
    if (this.#clients.of(key).size === 0 && !evenNothing && !(await this.#hasLeftWord(key))) return;
    const seen = await this.#views.seenBy(key, one.user);
    const items = itemsOf(of, seen);
    for (const item of items) void one.hand(item);
    if (items.length === 0 && evenNothing) void one.hand(nothing(of));
  }
}
