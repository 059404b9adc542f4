// What stands between two people when one asks for something of the other that is no message and no presence: a photo, a
// number, a published node. Lists say who is a contact, levels who sees which field.

import { type Address, bareKey, fromBareKey, sameBare } from '../../model/address.ts';
import type { PersonField, Relation } from '../../model/core.ts';
import { stateOf } from '../contacts/subscriptions.ts';
import { sees } from '../presence/levels.ts';
import type { Views } from '../presence/views.ts';
import type { People } from './people.ts';

const ALL: Omit<Relation, 'own'> = { subscription: 'both', groups: [], blocked: false, sees: () => true };

/** undefined: there is no such user, or they are switched off. @param of under the main name of its domain */
export async function relationOf(of: Address, watcher: Address, people: People, views: Views): Promise<Relation | undefined> {
  if (!(await people.isUser(of))) return undefined;
  if (sameBare(of, watcher)) return { ...ALL, own: true };
  const profile = await people.profile(bareKey(of));
  const entry = profile.entry(bareKey(watcher));
  const blocked = profile.blocks(watcher);
  const level = views.levelOf(profile, watcher);
  return {
    own: false,
    subscription: entry === undefined ? 'none' : stateOf(entry),
    groups: entry?.listed === true ? entry.groups : [],
    blocked,
    sees: (field: PersonField) => sees(level, field),
  };
}

/** Users of the core who see the presence of a user, and whom no block list keeps apart. */
export async function watchersOf(of: Address, people: People): Promise<readonly Address[]> {
  const profile = await people.profile(bareKey(of));
  const found: Address[] = [];
  for (const entry of profile.entries()) {
    const watcher = fromBareKey(entry.address);
    if (!entry.seen || profile.blocks(watcher)) continue;
    if (!(await people.isUser(watcher)) || (await people.profile(entry.address)).blocks(of)) continue;
    found.push(watcher);
  }
  return found;
}
