// Who is signed in: the open clients of each user, by resource.

import { reason } from '../errors.ts';
import { type Address, bareKey } from '../model/address.ts';
import type { Client, ClientSights, Item, OwnPresence } from '../model/core.ts';
import type { Ids } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';

/** RFC 7622 §3.4 allows 1023 octets; nobody needs more than this. */
const MAX_RESOURCE = 256;
/** Addresses that one client has told of itself, besides its contacts. */
const MAX_DIRECTED = 500;

/** One client that is signed in. */
export class OpenClient {
  readonly user: Address;
  readonly key: string;
  readonly resource: string;
  readonly client: Client;
  /** Wall ms. */
  readonly since: number;
  /** What it last said; undefined: nothing yet. */
  presence: OwnPresence | undefined;
  /** Wall ms of that. */
  saidAt: number;
  open = true;
  /** While what was kept is on its way to it: what is said now comes after. */
  #gate: Promise<void> | undefined;
  /** To whom it has shown itself though they do not see it otherwise (RFC 6121 §4.6), by bare key. */
  readonly directed = new Map<string, Address>();

  constructor(user: Address, resource: string, client: Client, now: number) {
    this.user = user;
    this.key = bareKey(user);
    this.resource = resource;
    this.client = client;
    this.since = now;
    this.saidAt = now;
  }

  get address(): Address {
    return { ...this.user, resource: this.resource };
  }
  get available(): boolean {
    return this.open && this.presence?.availability === 'open';
  }
  /** RFC 6121 §8.5.2: is it given what is addressed to the user? */
  get takesMessages(): boolean {
    return this.open && (this.client.wants.messages ?? (this.available && (this.presence?.priority ?? 0) >= 0));
  }
  /** A registered client that shows itself as gone goes on watching others. */
  get watches(): boolean {
    return (this.available || (this.open && this.client.wants.messages === true)) && this.client.wants.presence;
  }

  /** Hands it an item, after everything that was handed before. */
  hand(item: Item): Promise<boolean> {
    if (!this.open) return Promise.resolve(false);
    return this.#gate === undefined ? this.client.take(item) : this.#gate.then(() => (this.open ? this.client.take(item) : false));
  }

  /** Runs `first`, which hands items of its own with `client.take`; everything else waits for its end. */
  before(first: () => Promise<void>): Promise<void> {
    const gate: Promise<void> = (this.#gate ?? Promise.resolve()).then(first).finally(() => {
      if (this.#gate === gate) this.#gate = undefined;
    });
    this.#gate = gate;
    return gate;
  }

  /** @returns false: it has told too many */
  tellsOf(to: Address): boolean {
    if (this.directed.size >= MAX_DIRECTED) return false;
    this.directed.set(bareKey(to), to);
    return true;
  }
}

const NOBODY: ReadonlyMap<string, OpenClient> = new Map();

export class OpenClients {
  readonly #users = new Map<string, Map<string, OpenClient>>();
  readonly #ids: Ids;
  readonly #most: number;

  constructor(ids: Ids, most: number) {
    this.#ids = ids;
    this.#most = most;
  }

  /** Of one user, by resource. @param key bare key */
  of(key: string): ReadonlyMap<string, OpenClient> {
    return this.#users.get(key) ?? NOBODY;
  }
  /** Users with an open client. */
  users(): IterableIterator<string> {
    return this.#users.keys();
  }

  /** @returns the client it takes the place of, if any; a Reason: no more may be opened */
  add(user: Address, wished: string | undefined, client: Client, now: number): { one: OpenClient; replaced?: OpenClient } | Reason {
    const key = bareKey(user);
    const mine = this.#users.get(key) ?? new Map<string, OpenClient>();
    // RFC 6120 §7.7.2.2: the new one wins a conflict.
    const resource = wished === undefined || wished === '' || wished.length > MAX_RESOURCE ? this.#ids.token(8) : wished;
    const replaced = mine.get(resource);
    if (replaced === undefined && mine.size >= this.#most) {
      const text = `${key} has ${mine.size} clients signed in, and no more than ${this.#most} may be; end one of them.`;
      return reason('LIMIT_SIGN_IN', text);
    }
    const one = new OpenClient({ local: user.local, domain: user.domain }, resource, client, now);
    mine.set(resource, one);
    this.#users.set(key, mine);
    return { one, ...(replaced !== undefined && { replaced }) };
  }

  /** True when it was there. */
  remove(one: OpenClient): boolean {
    const mine = this.#users.get(one.key);
    if (mine?.get(one.resource) !== one) return false;
    mine.delete(one.resource);
    if (mine.size === 0) this.#users.delete(one.key);
    return true;
  }

  /** For operators. @param ended told of each client before it is */
  sights(end: (one: OpenClient, why: Reason) => void): ClientSights {
    return {
      list: () =>
        [...this.#users.values()].flatMap((mine) =>
          [...mine.values()].map(({ user, resource, client, since, presence }) => ({
            user,
            resource,
            face: client.face,
            connection: client.connection,
            address: client.address,
            since,
            ...(presence !== undefined && { availability: presence.availability }),
          })),
        ),
      end: (key, resource, why) => {
        const chosen = [...this.of(key).values()].filter((one) => resource === undefined || one.resource === resource);
        for (const one of chosen) end(one, why);
        return chosen.length;
      },
    };
  }
}
