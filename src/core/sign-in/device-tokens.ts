// Tokens with which a device signs in again (model/sign-in-tokens.ts): which are good now, when a new one is given, when they end.

import { createHash, randomBytes } from 'node:crypto';
import { bareKey } from '../../model/address.ts';
import type { PeopleStore } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import type { DeviceTokens, StoredToken, TokenStore } from '../../model/sign-in-tokens.ts';

/** A device that is not used for so long needs its password again. */
const GOOD_MS = 21 * 86_400_000;
/** So long after it was made, a token that is used is followed by a new one. */
const ROTATE_MS = 86_400_000;
/** Devices of one user. */
const MOST_DEVICES = 20;

export interface DeviceTokenParts {
  readonly store: TokenStore;
  readonly people: Pick<PeopleStore, 'credentials'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Is the password of this user another's to know (a directory's)? Then nobody tells us when it changes. */
  elsewhere(user: string): Promise<boolean>;
}

export function deviceTokens({ store, people, clock, elsewhere }: DeviceTokenParts): DeviceTokens {
  /** Of all the user's passwords: a change of any one ends every token. Undefined: there is none. */
  const stampOf = async (user: string): Promise<string | undefined> => {
    const kept = await people.credentials(user);
    if (kept.length === 0) return undefined;
    const words = kept.map(({ device, kind, madeAt, data }) => [device, kind, madeAt, Buffer.from(data).toString('base64')]);
    return createHash('sha256').update(JSON.stringify(words)).digest('base64url');
  };
  const goodOf = async (user: string, device: string): Promise<readonly StoredToken[]> => {
    const all = (await store.of(user)).filter((one) => one.device === device);
    if (all.length === 0) return [];
    const stamp = await stampOf(user);
    const dead = all.filter((one) => one.stamp !== stamp || one.expiresAt <= clock.now());
    if (dead.length > 0) await store.remove(dead.map(({ number }) => number));
    return all.filter((one) => !dead.includes(one));
  };
  return {
    async of(user, device, mechanism) {
      return (await goodOf(bareKey(user), device)).filter((one) => one.mechanism === mechanism);
    },
    async used(user, device, token, count, invalidate) {
      const key = bareKey(user);
      const mine = await goodOf(key, device);
      const known = mine.find(({ number }) => number === token.number);
      // XEP-0484 §3.4: a count that was seen before comes with a copy.
      if (known === undefined || !(await store.mark(known.number, count))) return false;
      // §3.5: with the use of one, those before it end.
      const older = mine.filter(({ expiresAt, number }) => number !== known.number && expiresAt <= known.expiresAt);
      await store.remove([...older, ...(invalidate ? [known] : [])].map(({ number }) => number));
      return true;
    },
    async give(person, device, mechanism) {
      const key = bareKey(person.address);
      if (await elsewhere(key)) return undefined;
      const stamp = await stampOf(key);
      if (stamp === undefined) return undefined;
      const mine = await goodOf(key, device);
      const now = clock.now();
      const inUse = mine.find(({ used }) => used);
      if (mechanism === undefined && (inUse === undefined || inUse.expiresAt - GOOD_MS + ROTATE_MS > now)) return undefined;
      const kind = mechanism ?? inUse?.mechanism;
      if (kind === undefined) return undefined;
      // §3.5: what was given and never used ends; what is in use stays until the new one is.
      await store.remove(mine.filter(({ used }) => !used).map(({ number }) => number));
      await forgetOldest(store, key, device);
      const made = { token: randomBytes(32).toString('base64url'), expiresAt: now + GOOD_MS };
      await store.put(key, { device, mechanism: kind, ...made, stamp });
      return made;
    },
  };
}

/** A user's oldest devices make room for a new one. */
async function forgetOldest(store: TokenStore, user: string, device: string): Promise<void> {
  const all = await store.of(user);
  const devices = [...new Set(all.map((one) => one.device))].filter((one) => one !== device);
  const gone = new Set(devices.slice(MOST_DEVICES - 1));
  if (gone.size > 0) await store.remove(all.filter((one) => gone.has(one.device)).map(({ number }) => number));
}
