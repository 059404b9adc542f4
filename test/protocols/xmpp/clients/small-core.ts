// A small core for tests of its faces: people with passwords, contact lists in memory, messages straight from one client to the
// others. It keeps no rules of its own that a face could lean on; the real one is src/core.

import { randomBytes } from 'node:crypto';
import { digestHa1, scramKeys } from '../../../../src/core/sign-in/verifiers.ts';
import { reason } from '../../../../src/errors.ts';
import { type Address, bareKey } from '../../../../src/model/address.ts';
import type { Client, Contact, Core, Item, OwnPresence, Person, Said, ScramHash, Session, SignIn } from '../../../../src/model/core.ts';
import { delivered, failed, HANDED_OVER, type Outcome } from '../../../../src/model/outcome.ts';
import { NO_SETTINGS } from '../../../../src/model/presence-settings.ts';
import { Inbox } from '../../../support/wait.ts';

const ITERATIONS = 4096;

export interface SmallClient {
  readonly user: Address;
  readonly resource: string;
  readonly client: Client;
  presence?: OwnPresence;
}

export class SmallCore implements Core {
  readonly #domain: string;
  readonly #passwords: Readonly<Record<string, string>>;
  readonly #salt = randomBytes(16);
  readonly #contacts = new Map<string, Contact[]>();
  readonly #blocked = new Map<string, string[]>();
  #version = 0;
  /** Who is signed in. */
  open_: SmallClient[] = [];
  /** Everything that was said, in order, and what became of handing it to clients. */
  readonly said = new Inbox<Said>('what is said to the core');
  readonly taken = new Inbox<boolean>('what clients took');
  readonly presented = new Inbox<OwnPresence>('presence of clients');
  readonly verbs = new Inbox<{ readonly verb: string; readonly to: Address }>('subscription verbs');
  /** What becomes of messages to anybody outside. */
  outside: Outcome = delivered('the small core said so');

  /** @param passwords by local part */
  constructor(domain: string, passwords: Readonly<Record<string, string>>) {
    this.#domain = domain;
    this.#passwords = passwords;
  }

  readonly clients: Core['clients'] = {
    list: () => [],
    end: (user, resource, why) => {
      const chosen = this.open_.filter((one) => bareKey(one.user) === user && (resource ?? one.resource) === one.resource);
      for (const { client } of chosen) client.end(why);
      return chosen.length;
    },
  };

  readonly signIn: SignIn = {
    scram: async (user, hash: ScramHash) => {
      const password = this.#passwords[user.local] ?? 'nobody at all';
      const keys = [
        await scramKeys(hash, `old ${password}`, this.#salt, ITERATIONS),
        await scramKeys(hash, password, this.#salt, ITERATIONS),
      ];
      return { hash, salt: this.#salt, iterations: ITERATIONS, keys };
    },
    digest: async (user, realm, algorithm) => ({
      algorithm,
      realm,
      ha1s: [digestHa1(algorithm, user.local, realm, this.#passwords[user.local] ?? 'nobody at all')],
    }),
    password: async (user, password) => this.#verdict(user, this.#passwords[user.local] === password),
    finish: async (user, proven) => this.#verdict(user, proven),
  };

  #verdict(user: Address, proven: boolean) {
    if (!proven || this.#passwords[user.local] === undefined)
      return { ok: false, reason: reason('AUTH_SIGN_IN_FAILED', 'the address or the password is wrong') } as const;
    const person: Person = { address: user, name: user.local, disabled: false, groups: [], createdAt: 0 };
    return { ok: true, person } as const;
  }

  desk(): never {
    throw new Error('no face on a connection asks this');
  }

  serves({ domain }: Address): boolean {
    return domain === this.#domain;
  }

  async isUser(address: Address): Promise<boolean> {
    return address.domain === this.#domain && this.#passwords[address.local] !== undefined;
  }

  async relation(of: Address, watcher: Address): ReturnType<Core['relation']> {
    if (!(await this.isUser(of))) return undefined;
    return { own: bareKey(of) === bareKey(watcher), subscription: 'both', groups: [], blocked: false, sees: () => true };
  }

  async watchers(of: Address): Promise<readonly Address[]> {
    const others = Object.keys(this.#passwords).map((local) => ({ local, domain: this.#domain }));
    return others.filter((other) => bareKey(other) !== bareKey(of));
  }

  /** Hands an item to every client of a user. */
  give(user: Address, item: Item): void {
    for (const { client } of this.#of(user)) void client.take(item).then((taken) => this.taken.push(taken));
  }

  #of(user: Address): readonly SmallClient[] {
    return this.open_.filter((one) => bareKey(one.user) === bareKey(user));
  }

  open(user: Address, resource: string | undefined, client: Client): Session {
    const wished = resource ?? randomBytes(4).toString('hex');
    for (const old of this.#of(user)) if (old.resource === wished) old.client.end(reason('SHUTTING_DOWN', 'replaced'));
    const one: SmallClient = { user, resource: wished, client };
    this.open_.push(one);
    return this.#session(one);
  }

  #session(one: SmallClient): Session {
    const { user } = one;
    const key = bareKey(user);
    const change = (contact: Contact, removed: boolean): void => {
      const rest = (this.#contacts.get(key) ?? []).filter(({ address }) => bareKey(address) !== bareKey(contact.address));
      this.#contacts.set(key, removed ? rest : [...rest, contact]);
      this.give(user, { kind: 'contact', contact, removed, version: String(++this.#version) });
    };
    return {
      user,
      resource: one.resource,
      say: async (said) => this.#say(one, said),
      present: (presence) => {
        one.presence = presence;
        this.presented.push(presence);
        for (const { client } of this.#of(user))
          void client.take({ kind: 'presence', from: { ...user, resource: one.resource }, presence });
      },
      presentTo: (to, presence) => this.give(to, { kind: 'presence', from: { ...user, resource: one.resource }, presence }),
      probe: async () => undefined,
      choose: async () => HANDED_OVER,
      chosen: async () => undefined,
      personal: { settings: async () => NO_SETTINGS, change: async () => HANDED_OVER, states: () => [], about: async () => undefined },
      subscription: async (verb, to, message) => {
        this.verbs.push({ verb, to });
        this.give(to, { kind: 'subscription', verb, from: user, ...(message !== undefined && { message }) });
        return HANDED_OVER;
      },
      contacts: async () => ({ contacts: this.#contacts.get(key) ?? [], version: String(this.#version) }),
      putContact: async ({ address, name, groups }) => {
        const contact = { address, groups, subscription: 'none', ask: false, approved: false, favourite: false } as const;
        change({ ...contact, ...(name !== undefined && { name }) }, false);
        return HANDED_OVER;
      },
      removeContact: async (address) => {
        const known = this.#contacts.get(key)?.find((contact) => bareKey(contact.address) === bareKey(address));
        if (known === undefined) return failed(reason('PEER_UNKNOWN_USER', 'there is no such contact'));
        change(known, true);
        return HANDED_OVER;
      },
      blocked: async () => this.#blocked.get(key) ?? [],
      block: async (addresses) => void this.#blocked.set(key, [...(this.#blocked.get(key) ?? []), ...addresses]),
      unblock: async (addresses) =>
        void this.#blocked.set(
          key,
          (this.#blocked.get(key) ?? []).filter((entry) => !addresses.includes(entry)),
        ),
      close: () => {
        this.open_ = this.open_.filter((other) => other !== one);
      },
    };
  }

  async #say(one: SmallClient, said: Said): Promise<Outcome> {
    this.said.push(said);
    const { to } = said.event;
    if (to.domain !== this.#domain) return this.outside;
    const named = this.#of(to).filter(({ resource }) => resource === (to.resource ?? resource));
    if (named.length === 0 && said.event.kind === 'im.sent') return failed(reason('PEER_UNAVAILABLE', 'nobody is there'));
    const hand = (client: Client, more: Pick<Said, 'copyOf'>): void =>
      void client.take({ kind: 'said', ...said, archiveId: `a-${said.event.id}`, ...more }).then((taken) => this.taken.push(taken));
    for (const { client } of named) hand(client, {});
    for (const other of this.#of(one.user)) if (other !== one && other.client.wants.copies) hand(other.client, { copyOf: 'sent' });
    return delivered('handed over');
  }
}
