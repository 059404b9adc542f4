// Tokens with which devices of users sign in again (XEP-0484), on the tables of a home.

import type { Home } from '../../config/home.ts';
import { deviceTokens } from '../../core/sign-in/device-tokens.ts';
import type { Clock } from '../../model/ports.ts';
import type { DeviceTokens } from '../../model/sign-in-tokens.ts';
import type { Store } from '../../store/store.ts';

export function deviceTokensOf(
  home: () => Home,
  store: Pick<Store, 'deviceTokens' | 'people' | 'directory'>,
  clock: Pick<Clock, 'now'>,
): DeviceTokens {
  return deviceTokens({
    store: store.deviceTokens,
    people: store.people,
    clock,
    elsewhere: async (user) => home().people.directory?.signIn === 'ldap' && (await store.directory.get(user)) !== undefined,
  });
}
