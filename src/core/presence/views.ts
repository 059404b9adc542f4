// What somebody may see of a user of ours now: their clients, what they have chosen and what is known of them in one, cut to the
// level of who looks. Changes nothing; who is shown what, and when, is visibility.ts.

import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import { BLOCK_MS } from '../../model/calendar.ts';
import type { About, Composed, Level } from '../../model/core.ts';
import type { ListEntry } from '../../model/core-stores.ts';
import type { OpenClient, OpenClients } from '../clients.ts';
import type { People } from '../people/people.ts';
import type { Profile } from '../people/profiles.ts';
import type { CoreParts } from '../ports.ts';
import { levelOf, sees } from './levels.ts';
import { type Seen, seenBy } from './seen.ts';
import { choiceOf, type Whole, whole } from './whole.ts';

/** Quarters of an hour that are told: a day. */
const SHOWN_BLOCKS = 96;

export class Views {
  readonly #parts: CoreParts;
  readonly #clients: OpenClients;
  readonly #people: People;

  constructor(parts: CoreParts, clients: OpenClients, people: People) {
    this.#parts = parts;
    this.#clients = clients;
    this.#people = people;
  }

  /** What a user shows somebody now, nothing included; undefined: they may not see it. @param watcher bare */
  async seenBy(user: string, watcher: Address): Promise<Seen | undefined> {
    const profile = await this.#people.profile(user);
    const entry = profile.entry(bareKey(watcher));
    if (entry?.seen !== true) return undefined;
    return this.at(profile, this.levelOf(profile, watcher));
  }

  /** A user as their own clients see them. */
  async own(user: string): Promise<Composed> {
    return this.at(await this.#people.profile(user), undefined).composed;
  }

  /** What somebody shows a user now, and when their calendar has room. @param who bare, of ours */
  async about(user: string, who: Address): Promise<About | undefined> {
    const key = bareKey(who);
    const composed = key === user ? await this.own(user) : (await this.seenBy(key, fromBareKey(user)))?.composed;
    if (composed === undefined) return undefined;
    const profile = await this.#people.profile(key);
    const may = key === user || sees(this.levelOf(profile, fromBareKey(user)), 'freeBusy');
    const from = Math.floor(this.#parts.clock.now() / BLOCK_MS) * BLOCK_MS;
    const kinds = may ? this.#parts.calendars?.blocks(key, from, SHOWN_BLOCKS) : undefined;
    return { composed, ...(kinds !== undefined && { blocks: { from, kinds } }) };
  }

  /** What a level sees of a user now. @param level undefined: the user's own clients, which see everything */
  at(profile: Profile, level: Level | undefined): Seen {
    const clients = [...this.#clients.of(profile.key).values()];
    return seenBy(level, clients, this.whole(clients, profile));
  }

  /** lync-features.md A2, break-through: only who may reaches somebody who has chosen not to be disturbed. */
  async refuses(user: string, from: Address): Promise<boolean> {
    const profile = await this.#people.profile(user);
    const choice = choiceOf(profile.chosen, this.#parts.states?.() ?? [], this.#parts.clock.now());
    const held = typeof choice === 'object' ? choice.class : choice;
    if (held !== 'doNotDisturb' || bareKey(from) === user) return false;
    return !sees(this.levelOf(profile, from), 'breakThrough');
  }

  /** The level of somebody who looks: the person's word for them, else what they are to the person. @param watcher bare or not */
  levelOf(profile: Profile, watcher: Address): Level {
    if (profile.blocks(watcher)) return 'blocked';
    const entry = profile.entry(bareKey(watcher));
    const { settings } = profile;
    const { federated, presencePolicy, isOurs } = this.#parts;
    return levelOf(watcher, {
      said: entry?.level ?? settings.domains[watcher.domain],
      sameOrganisation: isOurs,
      // A public network sees nothing until the person has accepted who asks: then they are one of the outside.
      federated: (domain) => entry?.seen === true || (federated?.(domain) ?? true),
      privacyMode: settings.contactsOnly || presencePolicy?.().contactsOnly === true,
      isContact: () => entry !== undefined && isOwnContact(entry),
    });
  }

  /** A user as a whole: these clients of theirs, and what is known of the person. */
  whole(clients: readonly OpenClient[], { key, chosen, settings, picture }: Profile): Whole {
    const { states, calendars, presencePolicy, clock } = this.#parts;
    const now = clock.now();
    const policy = presencePolicy?.();
    // What may not be chosen any more says nothing.
    const holds = chosen?.state === 'appearOffline' && policy?.appearOffline === false ? undefined : chosen;
    const makings = {
      chosen: holds,
      settings,
      ...(picture !== undefined && { picture }),
      states: states?.() ?? [],
      calendar: calendars?.at(key, now),
      ...(policy && { policy }),
    };
    return whole(clients, makings, now);
  }
}

/** One whom the person has put on the list themselves; whoever was only let in is no contact (privacy mode). */
function isOwnContact({ sees: looks, asked, favourite, name, groups }: ListEntry): boolean {
  return looks || asked || favourite || name !== undefined || groups.length > 0;
}
