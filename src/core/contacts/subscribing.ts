// Carries out what subscriptions.ts decides: between two users of ours in one commit, with partners through the neck, whose
// record is the one that counts (docs/decisions/010).

import { reason } from '../../errors.ts';
import { type Address, bare, bareKey, fromBareKey, sameBare, show } from '../../model/address.ts';
import type { SubscriptionVerb } from '../../model/core.ts';
import type { ListChange, ListEntry, Subscriptions } from '../../model/core-stores.ts';
import type { PresenceEvent } from '../../model/event.ts';
import { delivered, type Outcome, refused } from '../../model/outcome.ts';
import { Turns } from '../../model/turns.ts';
import type { OpenClient, OpenClients } from '../clients.ts';
import type { Bare, Partners } from '../partners.ts';
import type { People } from '../people/people.ts';
import type { Profile } from '../people/profiles.ts';
import type { CoreLimits, CoreParts } from '../ports.ts';
import type { Visibility } from '../presence/visibility.ts';
import type { ContactLists } from './contact-lists.ts';
import { between, inbound, outbound } from './subscriptions.ts';

/** A request carries at most so much text. */
const MAX_MESSAGE = 1024;

export interface SubscribingParts {
  readonly parts: CoreParts;
  readonly limits: CoreLimits;
  readonly clients: OpenClients;
  readonly people: People;
  readonly lists: ContactLists;
  readonly partners: Partners;
  readonly visibility: Visibility;
}

/** A verb to a partner goes on outside its turn: the neck may answer it at once, and the answer has a turn of its own. */
type Begun = { readonly done: Outcome } | { readonly before: ListEntry; readonly next: Subscriptions; readonly outcome: Promise<Outcome> };

export class Subscribing {
  readonly #is: SubscribingParts;
  readonly #turns = new Turns();

  constructor(is: SubscribingParts) {
    this.#is = is;
  }

  /** A user of ours says a verb. */
  async say(user: Address, verb: SubscriptionVerb, to: Address, words?: string): Promise<Outcome> {
    if (sameBare(user, to)) return refused(reason('CONTENT_UNSUPPORTED', 'Nobody subscribes to themselves.'));
    const message = words?.slice(0, MAX_MESSAGE);
    const begun = await this.#turns.run(pairOf(user, to), async (): Promise<Begun> => {
      const other = verb === 'subscribe' ? await this.#is.people.didYouMean(to, user) : undefined;
      if (other !== undefined) return { done: refused(other) };
      if (!this.#is.parts.serves(to)) return this.#outward(bare(user), verb, bare(to), message);
      return { done: await this.#between(bare(user), verb, bare(to), message) };
    });
    return 'done' in begun ? begun.done : this.#sent(bare(user), verb, bare(to), begun);
  }

  /** A partner's user says a verb to a user of ours, who is known to be one. */
  hear(user: Address, verb: SubscriptionVerb, from: Address, words?: string): Promise<Outcome> {
    return this.#turns.run(pairOf(user, from), () => this.#inward(bare(user), verb, bare(from), words?.slice(0, MAX_MESSAGE)));
  }

  /** RFC 6121 §2.5: an entry is taken off a list, and both subscriptions with it. */
  async remove(user: Address, contact: Address): Promise<Outcome> {
    const profile = await this.#is.people.profile(bareKey(user));
    const entry = profile.entry(bareKey(contact));
    if (entry?.listed !== true) return refused(reason('PEER_UNKNOWN_USER', `${show(bare(contact))} is not in the contact list.`));
    if (entry.sees || entry.asked) await this.say(user, 'unsubscribe', contact);
    if (entry.seen || entry.approved) await this.say(user, 'unsubscribed', contact);
    return this.#turns.run(pairOf(user, contact), async () => {
      const now = profile.entry(bareKey(contact));
      if (now === undefined) return delivered('gone from the contact list');
      // A request of theirs goes on waiting, out of sight.
      const { name: _, level: __, ...rest } = now;
      return this.#is.lists.commit([profile.set({ ...rest, listed: false, groups: [], favourite: false })]);
    });
  }

  /** Somebody is no user any more: everybody on their list is told as if they had ended it themselves. */
  async leave(user: Address): Promise<void> {
    const profile = await this.#is.people.profile(bareKey(user));
    for (const entry of [...profile.entries()]) {
      const contact = fromBareKey(entry.address);
      if (entry.sees || entry.asked) await this.say(user, 'unsubscribe', contact);
      if (entry.seen || entry.asks) await this.say(user, 'unsubscribed', contact);
    }
  }

  /** Requests that wait are shown to a client that has come (RFC 6121 §3.1.3). */
  async remind(one: OpenClient): Promise<void> {
    const profile = await this.#is.people.profile(one.key);
    for (const entry of profile.entries()) if (entry.asks) this.#ring(one, entry);
  }

  settled(): Promise<void> {
    return this.#turns.settled();
  }

  async #between(user: Address, verb: SubscriptionVerb, to: Address, message: string | undefined): Promise<Outcome> {
    const { people, lists, limits } = this.#is;
    const [mine, theirs] = await Promise.all([people.profile(bareKey(user)), people.profile(bareKey(to))]);
    const there = verb !== 'subscribe' || ((await people.isUser(to)) && !theirs.blocks(user));
    const [myEntry, theirEntry] = [mine.entryFor(theirs.key), theirs.entryFor(mine.key)];
    if (verb === 'subscribe') {
      if (!there) return refused(reason('PEER_UNKNOWN_USER', `${show(to)} is no user here.`));
      const full = lists.full(mine, to) ?? tooManyAsk(theirs, theirEntry, limits.prompts);
      if (full !== undefined) return refused(full);
    }
    const next = between(verb, myEntry, theirEntry);
    const changes = [
      ...changed(mine, myEntry, next.mine, verb === 'subscribe' || verb === 'subscribed'),
      ...changed(theirs, theirEntry, next.theirs, false, verb === 'subscribe' ? message : undefined),
    ];
    const done = await this.#commit(changes);
    if (done !== undefined) return done;
    if (next.tellTheirs !== undefined) this.#tell(theirs, mine.key, next.tellTheirs);
    if (next.tellMine !== undefined) this.#tell(mine, theirs.key, next.tellMine);
    if (myEntry.seen !== next.mine.seen) await this.#is.visibility.sightChanged(mine.key, to, next.mine.seen);
    if (theirEntry.seen !== next.theirs.seen) await this.#is.visibility.sightChanged(theirs.key, user, next.theirs.seen);
    return delivered('in both contact lists');
  }

  async #outward(user: Address, verb: SubscriptionVerb, to: Address, message: string | undefined): Promise<Begun> {
    const { people, lists, partners } = this.#is;
    const profile = await people.profile(bareKey(user));
    const before = profile.entryFor(bareKey(to));
    const full = verb === 'subscribe' ? lists.full(profile, to) : undefined;
    if (full !== undefined) return { done: refused(full) };
    const { next, send } = outbound(verb, before);
    const failed = await this.#commit(changed(profile, before, next, verb === 'subscribe' || verb === 'subscribed'));
    if (failed !== undefined) return { done: failed };
    if (!send) return { done: delivered('in the contact list') };
    return { before, next, outcome: partners.tell(eventOf(verb, user, to, message)) };
  }

  /** What becomes of a verb to a partner. */
  async #sent(user: Address, verb: SubscriptionVerb, to: Address, begun: Exclude<Begun, { done: Outcome }>): Promise<Outcome> {
    const { people, partners, visibility } = this.#is;
    const { before, next } = begun;
    const outcome = await begun.outcome;
    const profile = await people.profile(bareKey(user));
    if (outcome.kind === 'refused' && verb === 'subscribe' && !before.asked) {
      // What was not taken was not asked.
      await this.#turns.run(pairOf(user, to), async () => {
        const now = profile.entryFor(bareKey(to));
        if (!now.sees) await this.#commit(changed(profile, { ...now, listed: before.listed }, { ...now, asked: false }, false));
      });
      return outcome;
    }
    if (next.seen && !before.seen) await visibility.sightChanged(profile.key, to, true);
    if (before.sees && !next.sees) partners.hide(profile.key, to);
    return outcome;
  }

  async #inward(user: Address, verb: SubscriptionVerb, from: Address, message: string | undefined): Promise<Outcome> {
    const { people, partners, visibility, limits, clients } = this.#is;
    const profile = await people.profile(bareKey(user));
    const before = profile.entryFor(bareKey(from));
    const full = verb === 'subscribe' ? tooManyAsk(profile, before, limits.prompts) : undefined;
    if (full !== undefined) return refused(full);
    const { next, tell, reply } = inbound(verb, before);
    const failed = await this.#commit(changed(profile, before, next, false, verb === 'subscribe' ? message : undefined));
    if (failed !== undefined) return failed;
    if (tell) this.#tell(profile, bareKey(from), verb);
    if (reply !== undefined) partners.tellLightly({ kind: 'presence.granted', from: user, to: from });
    if (reply !== undefined) await visibility.sightChanged(profile.key, from, true);
    if (before.sees && !next.sees) partners.hide(profile.key, from);
    const first = [...clients.of(profile.key).values()].find((one) => one.available);
    if (!before.sees && next.sees && first !== undefined) partners.tellLightly({ kind: 'presence.probed', from: user, to: from }, first);
    return delivered(`in the contact list of ${show(user)}`);
  }

  /** @returns an outcome when it failed */
  async #commit(changes: readonly ListChange[]): Promise<Outcome | undefined> {
    if (changes.length === 0) return undefined;
    const outcome = await this.#is.lists.commit(changes);
    return outcome.kind === 'delivered' ? undefined : outcome;
  }

  #tell(profile: Profile, from: string, verb: SubscriptionVerb): void {
    const entry = profile.entryFor(from);
    for (const one of this.#is.clients.of(profile.key).values()) {
      if (!one.available && !one.client.wants.contacts) continue;
      if (verb === 'subscribe') this.#ring(one, entry);
      else void one.hand({ kind: 'subscription', verb, from: fromBareKey(from) });
    }
  }

  #ring(one: OpenClient, entry: ListEntry): void {
    if (!one.available) return; // it is reminded when it comes
    const { address, request, name } = entry;
    const from = fromBareKey(address);
    // XEP-0191 §3.3: it goes on waiting, for a client that comes when they are on the block list no more.
    if (this.#is.people.profiles.peek(one.key)?.blocks(from) === true) return;
    const sender = this.#is.parts.outsider?.(from, { with: 'request', ...(name !== undefined && { name }) });
    void one.hand({
      kind: 'subscription',
      verb: 'subscribe',
      from,
      ...(request !== undefined && { message: request }),
      ...(sender !== undefined && { sender }),
    });
  }
}

function pairOf(a: Address, b: Address): string {
  return [bareKey(a), bareKey(b)].sort().join(' ');
}

/** The change of one entry, or none. @param lists the owner's own doing puts it on the list */
function changed(profile: Profile, entry: ListEntry, next: Subscriptions, lists: boolean, request?: string): ListChange[] {
  const { sees, seen, asked, asks, approved } = next;
  const same = sees === entry.sees && seen === entry.seen && asked === entry.asked && asks === entry.asks && approved === entry.approved;
  // Whoever sees or is seen stands on the list (RFC 6121 §3.1.4, §3.1.5).
  const listed = entry.listed || lists || sees || seen || asked;
  if (same && listed === entry.listed) return [];
  const { request: before, ...rest } = entry;
  const words = request ?? before;
  return [profile.set({ ...rest, sees, seen, asked, asks, approved, listed, ...(asks && words !== undefined && { request: words }) })];
}

function tooManyAsk(profile: Profile, entry: ListEntry, most: number): ReturnType<typeof reason> | undefined {
  if (entry.asks || entry.seen || entry.approved || profile.asks < most) return undefined;
  return reason('LIMIT_PENDING', `${profile.asks} requests wait for the answer of ${profile.key}; ${most} may.`);
}

function eventOf(verb: SubscriptionVerb, from: Address, to: Address, message: string | undefined): Bare<PresenceEvent> {
  switch (verb) {
    case 'subscribe':
      return { kind: 'presence.requested', from, to, ...(message !== undefined && { message }) };
    case 'subscribed':
      return { kind: 'presence.granted', from, to };
    case 'unsubscribed':
      return { kind: 'presence.denied', from, to };
    case 'unsubscribe':
      return { kind: 'presence.ended', from, to, by: 'watcher', reason: 'unsubscribed', retry: 'never' };
  }
  return verb satisfies never;
}
