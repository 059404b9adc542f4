// The core by itself: how long a start takes with many users, what an idle session and a change of presence cost. By hand:
//   node test/bench/core.ts [users] [contacts]        10,000 users with 80 contacts each are usual

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCore, type RunningCore } from '../../src/core/core.ts';
import { PasswordSignIn } from '../../src/core/sign-in/sign-in.ts';
import { makeIds } from '../../src/edge/ids.ts';
import { systemClock as clock } from '../../src/edge/system-clock.ts';
import { SILENT } from '../../src/log.ts';
import type { Address } from '../../src/model/address.ts';
import type { Client, Session } from '../../src/model/core.ts';
import type { ListChange } from '../../src/model/core-stores.ts';
import { HANDED_OVER } from '../../src/model/outcome.ts';
import { openStore, type Store } from '../../src/store/store.ts';

const DOMAIN = 'people.example';
const [users = 10_000, contacts = 80] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'isthmus-core-'));
const user = (n: number): Address => ({ local: `user${n % users}`, domain: DOMAIN });

function coreOn(store: Store): RunningCore {
  const { people, contacts: lists, blocked, chosen, presenceSettings, kept } = store;
  return makeCore({
    ...{ people, contacts: lists, blocked, chosen, presenceSettings, kept, clock, ids: makeIds(clock), log: SILENT },
    signIn: new PasswordSignIn({ people, clock, log: SILENT, secret: new Uint8Array(32) }),
    submit: async () => HANDED_OVER,
    serves: ({ domain }) => domain === DOMAIN,
    isOurs: (domain) => domain === DOMAIN,
  });
}

/** Everybody knows the half before and the half after themselves. */
async function fill(store: Store): Promise<void> {
  for (let n = 0; n < users; n += 1) {
    const changes: ListChange[] = [];
    for (let k = 1; k <= contacts; k += 1) {
      const other = k <= contacts / 2 ? n + k : n - (k - Math.floor(contacts / 2)) + users;
      const address = `user${other % users}@${DOMAIN}`;
      const both = { sees: true, seen: true, asked: false, asks: false, approved: false, listed: true, favourite: false };
      const entry = { ...both, address, groups: ['Team'] };
      changes.push({ owner: `user${n}@${DOMAIN}`, address, entry, wasListed: false, version: k });
    }
    void store.people.put({ address: user(n), name: `User ${n}`, disabled: false, groups: [], createdAt: 0 });
    const written = store.contacts.write(changes);
    if (n % 200 === 0) await written;
  }
  store.flush();
}

async function measured(what: string, run: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run();
  const { user: spent, system } = process.cpuUsage(cpu);
  const ms = Math.round(performance.now() - began);
  console.log(`${what}: ${ms} ms, CPU ${Math.round((spent + system) / 1000)} ms`);
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}

let handed = 0;
const client = (n: number): Client => ({
  face: 'xmpp',
  connection: `c${n}`,
  address: '192.0.2.1',
  wants: { contacts: true, copies: true, presence: true },
  take: async () => {
    handed += 1;
    return true;
  },
  end() {},
});

let store = openStore({ folder, clock, mode: 'own' });
try {
  await measured(`writing ${users} users with ${contacts} contacts each`, () => fill(store));
  store.close();
  let core: RunningCore | undefined;
  await measured('start', async () => {
    store = openStore({ folder, clock, mode: 'own' });
    core = coreOn(store);
    await core.look();
  });
  const running = core!; // made in the line above
  const before = heapMb();
  const sessions: Session[] = [];
  await measured(`${users} sign-ins with presence`, async () => {
    for (let n = 0; n < users; n += 1) {
      const session = running.open(user(n), 'desk', client(n));
      if ('code' in session) throw new Error(session.text);
      session.present({ availability: 'open', notes: [] });
      sessions.push(session);
      if (n % 100 === 0) await running.settled();
    }
    await running.settled();
  });
  const kb = ((heapMb() - before) * 1024) / users;
  console.log(`${handed} items; ${kb.toFixed(1)} kB for a session with its list, ${(kb / contacts).toFixed(2)} kB for a subscription`);
  handed = 0;
  await measured('1000 changes of presence', async () => {
    for (let n = 0; n < 1000; n += 1) sessions[n]!.present({ availability: 'open', show: 'away', notes: [] }); // there are more
    await running.settled();
  });
  console.log(`${handed} items`);
  await measured('1000 messages, taken', async () => {
    const origin = { network: 'core', side: 'local', peer: DOMAIN, connection: 'c', proof: 'account' } as const;
    const wants = { delivered: false, displayed: false };
    await Promise.all(
      sessions.slice(0, 1000).map((session, n) => {
        const base = {
          kind: 'im.sent',
          id: `m${n}`,
          at: 1,
          origin,
          from: user(n),
          to: user(n + 1),
          body: 'hello',
          style: 'chat',
          wants,
        } as const;
        return session.say({ event: { ...base, ids: { wireId: `w${n}` } } });
      }),
    );
  });
  await running.close();
} finally {
  store.close();
  rmSync(folder, { recursive: true, force: true });
}
