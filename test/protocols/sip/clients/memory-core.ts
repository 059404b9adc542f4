// The core as a face sees it, played in memory: people with passwords, contact lists, and what one says to another goes to every
// client of the other at once. No aggregation, no history, nothing on disk; who is no user here is played by the test.

import { between, NO_SUBSCRIPTIONS, stateOf } from '../../../../src/core/contacts/subscriptions.ts';
import { digestHa1 } from '../../../../src/core/sign-in/verifiers.ts';
import { reason } from '../../../../src/errors.ts';
import { type Address, bare, bareKey, fromBareKey, sameBare } from '../../../../src/model/address.ts';
import type {
  Client,
  Contact,
  Core,
  Item,
  OwnPresence,
  Person,
  Said,
  Session,
  SignIn,
  SubscriptionVerb,
} from '../../../../src/model/core.ts';
import type { Subscriptions } from '../../../../src/model/core-stores.ts';
import { delivered, HANDED_OVER, type Outcome, refused } from '../../../../src/model/outcome.ts';
import type { Reason } from '../../../../src/model/reason.ts';

interface Open {
  readonly user: Address;
  readonly resource: string;
  readonly client: Client;
  presence?: OwnPresence;
}

export class MemoryCore implements Core {
  readonly people = new Map<string, { readonly person: Person; readonly password: string; disabled: boolean }>();
  readonly open_: Open[] = [];
  /** What was said to whom is no user here. */
  readonly outside: Said[] = [];
  /** What waits for users without a client that takes messages. */
  readonly kept = new Map<string, Said[]>();
  /** Failed sign-ins until somebody is locked out. */
  failuresAllowed = 100;
  readonly finished: { readonly user: string; readonly proven: boolean }[] = [];
  readonly #states = new Map<string, Subscriptions>();
  #resources = 0;

  constructor(passwords: Readonly<Record<string, string>>) {
    for (const [key, password] of Object.entries(passwords)) {
      const address = fromBareKey(key);
      this.people.set(key, {
        person: { address, name: address.local, disabled: false, groups: [], createdAt: 0 },
        password,
        disabled: false,
      });
    }
  }

  readonly signIn: SignIn = {
    scram: () => Promise.reject(new Error('SIP has no SCRAM')),
    password: () => Promise.reject(new Error('SIP has no PLAIN')),
    digest: async (user, realm, algorithm) => {
      const known = this.people.get(bareKey(user));
      const ha1s = [known === undefined ? 'f'.repeat(64) : digestHa1(algorithm, user.local, realm, known.password)];
      return { algorithm, realm, ha1s };
    },
    finish: async (user, proven) => {
      const key = bareKey(user);
      this.finished.push({ user: key, proven });
      const known = this.people.get(key);
      if (this.finished.filter((one) => one.user === key && !one.proven).length > this.failuresAllowed)
        return { ok: false, reason: reason('LIMIT_SIGN_IN', 'too many failed sign-ins; wait 15 min') };
      if (!proven || known === undefined || known.disabled)
        return { ok: false, reason: reason('AUTH_SIGN_IN_FAILED', 'the address or the password is wrong') };
      return { ok: true, person: known.person };
    },
  };

  readonly clients: Core['clients'] = {
    list: () => [],
    end: (user, resource, why) => {
      const chosen = this.open_.filter((one) => bareKey(one.user) === user && (resource === undefined || one.resource === resource));
      for (const one of chosen) this.#end(one, why);
      return chosen.length;
    },
  };

  serves({ domain }: Address): boolean {
    return [...this.people.values()].some(({ person }) => person.address.domain === domain);
  }

  async isUser(address: Address): Promise<boolean> {
    return this.people.has(bareKey(address));
  }

  async relation(of: Address, watcher: Address): ReturnType<Core['relation']> {
    if (!(await this.isUser(of))) return undefined;
    return { own: sameBare(of, watcher), subscription: 'none', groups: [], blocked: false, sees: () => true };
  }

  async watchers(): Promise<readonly Address[]> {
    return [];
  }

  desk(): never {
    throw new Error('no face on a connection asks this');
  }

  open(user: Address, wished: string | undefined, client: Client): Session {
    const resource = wished ?? `made-${++this.#resources}`;
    for (const one of this.open_)
      if (sameBare(one.user, user) && one.resource === resource) this.#end(one, reason('SHUTTING_DOWN', 'replaced'));
    const mine: Open = { user: bare(user), resource, client };
    this.open_.push(mine);
    const full: Address = { ...bare(user), resource };
    const unused = (): never => {
      throw new Error('no face of SIP asks this');
    };
    return {
      user: mine.user,
      resource,
      say: async (said) => this.#say({ ...said, event: { ...said.event, from: full } }),
      present: (presence) => this.#present(mine, presence),
      presentTo: unused,
      probe: async (to) => {
        const shown = this.open_.filter((one) => sameBare(one.user, to) && one.presence?.availability === 'open');
        if (shown.length === 0) void client.take({ kind: 'presence', from: bare(to), presence: { availability: 'closed', notes: [] } });
        for (const one of shown) void client.take(presenceOf(one));
      },
      choose: unused,
      chosen: unused,
      personal: { settings: unused, change: unused, states: () => [], about: unused },
      subscription: async (verb, to) => this.subscription(user, verb, to),
      contacts: async () => ({ contacts: this.contactsOf(user), version: '1' }),
      putContact: unused,
      removeContact: unused,
      blocked: unused,
      block: unused,
      unblock: unused,
      close: () => {
        if (!this.open_.includes(mine)) return;
        this.open_.splice(this.open_.indexOf(mine), 1);
        this.#present(mine, { availability: 'closed', notes: [] });
      },
    };
  }

  /** Hands an item to every client of a user, as if it had come from outside. */
  async hand(user: Address, item: Item): Promise<readonly boolean[]> {
    return Promise.all(this.open_.filter((one) => sameBare(one.user, user)).map((one) => one.client.take(item)));
  }

  subscription(user: Address, verb: SubscriptionVerb, to: Address): Outcome {
    if (!this.people.has(bareKey(to))) {
      if (to.domain === user.domain) return refused(reason('PEER_UNKNOWN_USER', `${bareKey(to)} is no user here.`));
      this.#states.set(`${bareKey(user)} ${bareKey(to)}`, { ...this.#state(user, to), asked: verb === 'subscribe' });
      return HANDED_OVER;
    }
    const { mine, theirs, tellTheirs, tellMine } = between(verb, this.#state(user, to), this.#state(to, user));
    this.#put(user, to, mine);
    this.#put(to, user, theirs);
    if (tellTheirs !== undefined) void this.hand(to, { kind: 'subscription', verb: tellTheirs, from: bare(user) });
    if (tellMine !== undefined) void this.hand(user, { kind: 'subscription', verb: tellMine, from: bare(to) });
    if (verb === 'subscribed')
      for (const one of this.open_) if (sameBare(one.user, user) && one.presence !== undefined) void this.hand(to, presenceOf(one));
    return delivered('in memory');
  }

  contactsOf(user: Address): readonly Contact[] {
    const prefix = `${bareKey(user)} `;
    return [...this.#states].flatMap(([key, state]) => {
      if (!key.startsWith(prefix) || !(state.sees || state.seen || state.asked)) return [];
      return [contactOf(fromBareKey(key.slice(prefix.length)), state)];
    });
  }

  async #say(said: Said): Promise<Outcome> {
    const { event } = said;
    const key = bareKey(event.to);
    if (!this.people.has(key)) {
      if (this.people.size > 0 && [...this.people.keys()].some((one) => one.endsWith(`@${event.to.domain}`)))
        return refused(reason('PEER_UNKNOWN_USER', `${key} is no user here.`));
      this.outside.push(said);
      return delivered('a partner has it');
    }
    const taken = await this.hand(bare(event.to), { kind: 'said', ...said });
    if (taken.includes(true) || event.kind === 'im.composing') return delivered('taken');
    this.kept.set(key, [...(this.kept.get(key) ?? []), said]);
    return { kind: 'queued', answer: 202 };
  }

  #present(mine: Open, presence: OwnPresence): void {
    const first = mine.presence?.availability !== 'open' && presence.availability === 'open';
    mine.presence = presence;
    const key = bareKey(mine.user);
    if (first) {
      for (const said of this.kept.get(key) ?? []) void mine.client.take({ kind: 'said', ...said, delayedSince: said.event.at });
      this.kept.delete(key);
    }
    for (const [pair, state] of this.#states)
      if (state.seen && pair.startsWith(`${key} `)) void this.hand(fromBareKey(pair.slice(key.length + 1)), presenceOf(mine));
  }

  #end(one: Open, why: Reason): void {
    this.open_.splice(this.open_.indexOf(one), 1);
    one.client.end(why);
  }

  #state(user: Address, to: Address): Subscriptions {
    return this.#states.get(`${bareKey(user)} ${bareKey(to)}`) ?? NO_SUBSCRIPTIONS;
  }

  #put(user: Address, to: Address, state: Subscriptions): void {
    this.#states.set(`${bareKey(user)} ${bareKey(to)}`, state);
    void this.hand(user, { kind: 'contact', contact: contactOf(bare(to), state), removed: false, version: '2' });
  }
}

function contactOf(address: Address, state: Subscriptions): Contact {
  return { address, groups: [], subscription: stateOf(state), ask: state.asked, approved: state.approved, favourite: false };
}

function presenceOf(one: Open): Item {
  return {
    kind: 'presence',
    from: { ...one.user, resource: one.resource },
    presence: one.presence ?? { availability: 'closed', notes: [] },
  };
}
