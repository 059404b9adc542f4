// Ten thousand users written straight into the database of a home that has not been started: what the commands would write,
// but for the password, which is the same for everybody and made once.

import { credentialsOf } from '../../../src/core/sign-in.ts';
import { digestHa1 } from '../../../src/core/verifiers.ts';
import { systemClock as clock } from '../../../src/edge/system-clock.ts';
import type { Person } from '../../../src/model/core.ts';
import type { ListChange } from '../../../src/model/core-stores.ts';
import { openStore } from '../../../src/store/store.ts';
import { contactsOf, DOMAIN, local, PASSWORD } from './cast.ts';

/** @param folder the home's `var` */
export async function settle(folder: string, users: number, contacts: number): Promise<void> {
  const store = openStore({ folder, clock, mode: 'own' });
  try {
    const person = (n: number): Person => ({
      address: { local: local(n, users), domain: DOMAIN },
      name: `User ${n}`,
      disabled: false,
      groups: [],
      createdAt: clock.now(),
    });
    const made = await credentialsOf(person(0), PASSWORD, clock.now());
    for (let n = 0; n < users; n += 1) {
      const key = `${local(n, users)}@${DOMAIN}`;
      const credentials = made.map((one) => {
        if (!one.kind.startsWith('DIGEST-')) return one;
        const algorithm = one.kind === 'DIGEST-MD5' ? 'MD5' : 'SHA-256';
        return { ...one, data: Buffer.from(digestHa1(algorithm, local(n, users), DOMAIN, PASSWORD)) };
      });
      let version = 0;
      const both = { sees: true, seen: true, asked: false, asks: false, approved: false, listed: true, favourite: false } as const;
      const list = [...contactsOf(n, users, contacts)].map((contact): ListChange => {
        const address = `${contact}@${DOMAIN}`;
        version += 1;
        return { owner: key, address, entry: { ...both, address, groups: ['Team'] }, wasListed: false, version };
      });
      const written = Promise.all([
        store.people.put(person(n)),
        store.people.putCredentials(key, '', credentials),
        store.contacts.write(list),
      ]);
      if (n % 200 === 0) await written;
    }
    store.flush();
  } finally {
    store.close();
  }
}
