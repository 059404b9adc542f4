// Who sees what: the relationship levels as one table of data (lync-features.md A2), and which level a watcher has. Where
// two sources of the table disagree the stricter reading stands.

import type { Address } from '../../model/address.ts';
import { LEVELS, type Level } from '../../model/core.ts';

/** Everything that a person may show, or let others do. */
export const FIELDS = [
  'name',
  'mail',
  'title',
  'company',
  'office',
  'workPhone',
  'mobilePhone',
  'otherPhones',
  'photo',
  'availability',
  'activity',
  'device',
  'timeZone',
  'note',
  'outOfOfficeNote',
  'freeBusy',
  'meeting',
  'location',
  'breakThrough',
  'message',
] as const;
export type Field = (typeof FIELDS)[number];

const everybody: readonly Level[] = LEVELS;
const all: readonly Level[] = ['friends', 'workgroup', 'colleagues', 'external'];
const inside: readonly Level[] = ['friends', 'workgroup', 'colleagues'];

/** Field by field, the levels that see it. */
const SEEN_BY: Readonly<Record<Field, readonly Level[]>> = {
  name: everybody, // identity is never hidden
  mail: everybody,
  title: all,
  company: all,
  office: inside,
  workPhone: inside,
  mobilePhone: ['friends', 'workgroup'],
  otherPhones: ['friends'],
  photo: all,
  availability: all, // blocked: always offline
  activity: inside,
  device: inside,
  timeZone: inside,
  note: inside,
  outOfOfficeNote: inside,
  freeBusy: inside,
  meeting: ['workgroup'], // subject and place; of two pages the stricter
  location: inside,
  breakThrough: ['workgroup'], // messages reach somebody who does not want to be disturbed
  message: all,
};

/** May a watcher of this level have it? */
export function sees(level: Level, field: Field): boolean {
  return SEEN_BY[field].includes(level);
}

/** What a person has said about levels, and what the organisation says about domains. */
export interface LevelRules {
  /** The person's own word about the watcher, else about the watcher's domain. */
  readonly said: Level | undefined;
  /** Is the domain one of the same organisation? */
  readonly sameOrganisation: (domain: string) => boolean;
  /** A partner with a file, or found by DNS; else a stranger or a public network. */
  readonly federated: (domain: string) => boolean;
  /** Advanced privacy mode: only people on the contact list see presence. */
  readonly privacyMode: boolean;
  readonly isContact: (address: Address) => boolean;
}

/** The level of a watcher: user before domain, then same organisation, federated, everybody else (public: nothing until accepted). */
export function levelOf(watcher: Address, rules: LevelRules): Level {
  if (rules.said !== undefined) return rules.said;
  if (rules.privacyMode && !rules.isContact(watcher)) return 'blocked';
  if (rules.sameOrganisation(watcher.domain)) return 'colleagues';
  return rules.federated(watcher.domain) ? 'external' : 'blocked';
}
