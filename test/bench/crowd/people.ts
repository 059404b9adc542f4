// Users of the core, written straight into the database of a home that has not been started: what the commands would write, but for
// the password, which is the same for everybody and made once.

import { credentialsOf } from '../../../src/core/sign-in/sign-in.ts';
import { digestHa1 } from '../../../src/core/sign-in/verifiers.ts';
import { systemClock as clock } from '../../../src/edge/system-clock.ts';
import type { Person } from '../../../src/model/core.ts';
import type { ListChange } from '../../../src/model/core-stores.ts';
import { openStore } from '../../../src/store/store.ts';

/** Somebody, and whom they have on the list: all of them see each other. */
export interface Settler {
  readonly local: string;
  readonly contacts: Iterable<string>;
}

/** @param folder the home's `var` */
export async function settle(folder: string, domain: string, password: string, settlers: Iterable<Settler>): Promise<void> {
  const store = openStore({ folder, clock, mode: 'own' });
  const both = { sees: true, seen: true, asked: false, asks: false, approved: false, listed: true, favourite: false } as const;
  try {
    const made = await credentialsOf(person('anybody', domain), password, clock.now());
    let written = 0;
    for (const { local, contacts } of settlers) {
      const key = `${local}@${domain}`;
      const credentials = made.map((one) => {
        if (!one.kind.startsWith('DIGEST-')) return one;
        const algorithm = one.kind === 'DIGEST-MD5' ? 'MD5' : 'SHA-256';
        return { ...one, data: Buffer.from(digestHa1(algorithm, local, domain, password)) };
      });
      const list = [...contacts].map((contact, index): ListChange => {
        const address = `${contact}@${domain}`;
        return { owner: key, address, entry: { ...both, address, groups: ['Team'] }, wasListed: false, version: index + 1 };
      });
      const done = Promise.all([
        store.people.put(person(local, domain)),
        store.people.putCredentials(key, '', credentials),
        store.contacts.write(list),
      ]);
      written += 1;
      if (written % 200 === 0) await done;
    }
    store.flush();
  } finally {
    store.close();
  }
}

function person(local: string, domain: string): Person {
  return { address: { local, domain }, name: local, disabled: false, groups: [], createdAt: clock.now() };
}
