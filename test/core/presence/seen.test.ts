// Whatever people do in whatever order: what each client has been shown is what its user may see, no more and no less.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, bareKey, show } from '../../../src/model/address.ts';
import { type CoreWorld, coreWorld, type FakeClient, li, nora, omar, open } from '../world.ts';

const PEOPLE = [nora, omar, li];
const VERBS = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const;
const ACTS = ['open', 'close', 'here', 'gone', 'say', 'choose', 'level', 'block', 'remove'] as const;

const step = fc.record({ who: fc.nat(2), whom: fc.nat(1), act: fc.constantFrom(...ACTS), more: fc.nat(11) });
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Run {
  readonly #world: CoreWorld;
  readonly #clients = new Map<string, FakeClient>();

  constructor(world: CoreWorld) {
    this.#world = world;
  }

  /** Everybody is there and sees everybody. */
  async begin(): Promise<void> {
    for (const who of [0, 1, 2]) await this.take({ who, whom: 0, act: 'open', more: 0 });
    // First they all ask, then they all grant.
    for (const verb of ['subscribe', 'subscribed'] as const)
      for (const { session } of this.#clients.values())
        for (const other of PEOPLE) if (bareKey(other) !== bareKey(session.user)) await session.subscription(verb, other);
    await this.#world.settle();
  }

  async take({ who, whom, act, more }: Step): Promise<void> {
    const me = PEOPLE[who]!; // three people, numbers up to 2
    const other = PEOPLE[(who + 1 + whom) % 3]!; // anybody else
    const place = `${bareKey(me)}/${more % 2}`;
    const client = this.#clients.get(place);
    if (act === 'open') {
      if (client === undefined) this.#clients.set(place, await this.#world.client(me, String(more % 2)));
      return;
    }
    if (client === undefined) return;
    const { session } = client;
    switch (act) {
      case 'close':
        session.close();
        this.#clients.delete(place);
        break;
      case 'here':
        session.present(open({ notes: [{ text: String(more) }] }));
        break;
      case 'gone':
        session.present({ availability: 'closed', notes: [] });
        client.forget();
        break;
      case 'say':
        await session.subscription(VERBS[more % 4]!, other);
        break;
      case 'choose':
        await session.choose(more % 3 === 0 ? { state: 'appearOffline' } : more % 3 === 1 ? { state: 'busy' } : undefined);
        break;
      case 'level':
        await session.putContact({ address: other, groups: [], level: more % 3 === 0 ? 'blocked' : more % 3 === 1 ? 'external' : null });
        break;
      case 'block':
        await (more % 2 === 0 ? session.block([bareKey(other)]) : session.unblock([bareKey(other)]));
        break;
      case 'remove':
        await session.removeContact(other);
        break;
    }
    await this.#world.settle();
    // A client that is away is told nothing, and begins anew.
    if (act === 'gone') client.forget();
  }

  /** For each client that looks, who it believes is there. */
  async compare(): Promise<void> {
    for (const client of this.#clients.values()) {
      if (!this.#available(client)) continue;
      for (const presentity of PEOPLE) {
        if (bareKey(presentity) === bareKey(client.session.user)) continue;
        const view = `${show(presentity)} as ${client.connection} sees them`;
        assert.deepEqual(this.#believed(client, presentity), await this.#true(client, presentity), view);
      }
    }
  }

  #believed(client: FakeClient, presentity: Address): string[] {
    const there = new Set<string>();
    for (const item of client.items) {
      if (item.kind !== 'presence' || bareKey(item.from) !== bareKey(presentity)) continue;
      if (item.presence.availability === 'open') there.add(show(item.from));
      else there.delete(show(item.from));
    }
    return [...there].sort();
  }

  async #true(client: FakeClient, presentity: Address): Promise<string[]> {
    const { contacts, blocked, chosen } = this.#world.temp.store;
    const key = bareKey(presentity);
    const watcher = bareKey(client.session.user);
    const entry = (await contacts.of(key)).entries.find(({ address }) => address === watcher);
    const hidden =
      entry?.seen !== true ||
      entry.level === 'blocked' ||
      (await blocked.of(key)).includes(watcher) ||
      (await blocked.of(watcher)).includes(key) ||
      (await chosen.of(key))?.state === 'appearOffline';
    if (hidden) return [];
    const theirs = [...this.#clients.values()].filter((one) => bareKey(one.session.user) === key && this.#available(one));
    return theirs.map((one) => `${key}/${one.session.resource}`).sort();
  }

  #available(client: FakeClient): boolean {
    const { user, resource } = client.session;
    return this.#world.core.clients
      .list()
      .some((one) => show(one.user) === show(user) && one.resource === resource && one.availability === 'open');
  }
}

test('what a client has been shown is what its user may see', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      await using world = await coreWorld();
      const run = new Run(world);
      await run.begin();
      for (const one of steps) await run.take(one);
      await run.compare();
    }),
    { numRuns: 10 },
  );
});
