// One round of the directory: who is new is added, who changed is changed, who is gone or disabled there is disabled here.
// Nobody is removed, and an operator's `user disable` is not taken back. Every look reads little of each entry; only those whose
// mark of change is another than last time are read whole.

import type { Client } from 'ldapts';
import { bareKey, fromBareKey } from '../model/address.ts';
import type { Person } from '../model/core.ts';
import type { DirectoryEntry, DirectorySettings, DirectoryStore, SyncResult } from '../model/directory.ts';
import type { PeopleStore } from '../model/people.ts';
import type { Clock } from '../model/ports.ts';
import { type Door, withDirectory } from './connect.ts';
import { allAttributes, type Entry, fieldsOf, photoOf, type Sight, type Skipped, sightAttributes, sightOf } from './entry.ts';

export interface SyncParts {
  readonly door: Door;
  readonly people: PeopleStore;
  readonly directory: DirectoryStore;
  readonly clock: Pick<Clock, 'now'>;
  /** The core's own name of a domain, undefined where it serves none. */
  readonly serves: (domain: string) => string | undefined;
}
export interface SyncOptions {
  /** Every entry is read whole: what changes no mark (memberOf in Active Directory) is found too. */
  readonly full: boolean;
  /** Nothing is written. */
  readonly dryRun: boolean;
  /** Groups to resolve, by name: a filter each. */
  readonly groups: ReadonlyMap<string, string>;
}
export interface Round extends SyncResult {
  /** Bare keys, by group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** So many would be disabled at once that it looks like a fault of the directory; they were not. */
  readonly spared: number;
}

const PAGE = 500;
const MAX_ENTRIES = 200_000;
/** So many changed entries are read one by one; more are read in pages. */
const ONE_BY_ONE = 100;
/** Fewer may be gone at once without a doubt. */
const FEW = 10;
/** `seenAt` is written this often, ms. */
const SEEN_MS = 3_600_000;
const MAX_SKIPPED = 1000;

/** @throws DirectoryError when the directory cannot be asked; then nothing has changed */
export async function syncOnce(parts: SyncParts, options: SyncOptions): Promise<Round> {
  const { settings } = parts.door;
  const known = new Map((await parts.directory.all()).map((entry) => [entry.address, entry]));
  const read = await withDirectory(parts.door, async (client) => {
    const sights = new Map<string, Sight>();
    const skipped: Skipped[] = [];
    await each(client, settings, settings.filter, sightAttributes(settings.attributes), (entry) => {
      const sight = sightOf(entry, settings, parts.serves);
      if ('why' in sight) skipped.push(sight);
      else if (sights.has(sight.address))
        skipped.push({ dn: sight.dn, why: `${sight.address} is ${sights.get(sight.address)?.dn} already` });
      else sights.set(sight.address, sight);
    });
    const stale = [...sights.values()].filter((sight) => options.full || !isKnown(known.get(sight.address), sight));
    return { sights, skipped, whole: await readWhole(client, settings, stale), groups: await resolve(client, parts, options.groups) };
  });
  const done = { added: [] as string[], changed: [] as string[], disabled: [] as string[], enabled: [] as string[] };
  const now = parts.clock.now();
  for (const sight of read.sights.values()) {
    const before = known.get(sight.address);
    const entry = read.whole.get(sight.dn);
    if (entry === undefined && (before === undefined || before.disabled === sight.disabled) && now - (before?.seenAt ?? 0) < SEEN_MS)
      continue;
    await takeOne(parts, options.dryRun, { sight, before, entry, now }, done);
  }
  const gone = [...known.values()].filter((entry) => !entry.disabled && !read.sights.has(entry.address));
  const doubtful = gone.length > FEW && gone.length > known.size / 2;
  if (!doubtful) {
    for (const entry of gone) {
      const person = await parts.people.get(entry.address);
      if (person === undefined || person.disabled) continue;
      done.disabled.push(entry.address);
      if (options.dryRun) continue;
      await parts.directory.put({ ...entry, disabled: true });
      await parts.people.put({ ...person, disabled: true });
    }
  }
  return {
    entries: read.sights.size,
    ...done,
    skipped: read.skipped.slice(0, MAX_SKIPPED),
    groups: read.groups,
    spared: doubtful ? gone.length : 0,
  };
}

interface One {
  readonly sight: Sight;
  readonly before: DirectoryEntry | undefined;
  /** Read whole; undefined: nothing of it changed. */
  readonly entry: Entry | undefined;
  readonly now: number;
}

async function takeOne(
  { people, directory, door }: SyncParts,
  dryRun: boolean,
  { sight, before, entry, now }: One,
  done: { added: string[]; changed: string[]; disabled: string[]; enabled: string[] },
): Promise<void> {
  const { address, dn, stamp } = sight;
  const person = await people.get(address);
  if (person === undefined && entry === undefined) return; // taken away by an operator: the next whole look brings it back
  const fields = entry === undefined ? {} : fieldsOf(entry, door.settings, address);
  // Switched off here by an operator: stays so. By the directory: as the directory says now.
  const byOperator = person?.disabled === true && before?.disabled !== true;
  const after: Person = {
    name: '',
    groups: [],
    ...(person ?? { createdAt: now }),
    ...(entry !== undefined && {
      mail: undefined,
      phone: undefined,
      mobile: undefined,
      title: undefined,
      company: undefined,
      office: undefined,
      addresses: undefined,
    }),
    ...fields,
    address: fromBareKey(address),
    disabled: byOperator || sight.disabled,
  } as Person; // the fields that are undefined are those of an entry that no longer has them; put stores them as absent
  if (person === undefined) done.added.push(address);
  else if (person.disabled !== after.disabled) done[after.disabled ? 'disabled' : 'enabled'].push(address);
  else if (printOf(person) !== printOf(after)) done.changed.push(address);
  if (dryRun) return;
  await directory.put({ address, dn, stamp, disabled: sight.disabled && !byOperator, seenAt: now });
  if (person === undefined || person.disabled !== after.disabled || printOf(person) !== printOf(after)) await people.put(after);
  if (entry === undefined) return;
  const photo = photoOf(entry, door.settings, now);
  if ((await people.photo(address))?.hash !== photo?.hash) await people.putPhoto(address, photo);
}

/** What of a person the directory says. */
function printOf({ name, mail, phone, mobile, title, company, office, addresses, groups }: Person): string {
  return JSON.stringify([name, mail, phone, mobile, title, company, office, addresses, groups].map((one) => one ?? null));
}

function isKnown(entry: DirectoryEntry | undefined, sight: Sight): boolean {
  return entry !== undefined && entry.dn === sight.dn && entry.stamp === sight.stamp && sight.stamp !== '';
}

/** The entries of these sights with every attribute, by their DN. */
async function readWhole(client: Client, settings: DirectorySettings, stale: readonly Sight[]): Promise<ReadonlyMap<string, Entry>> {
  const whole = new Map<string, Entry>();
  const attributes = allAttributes(settings.attributes);
  if (stale.length > ONE_BY_ONE) {
    const wanted = new Set(stale.map(({ dn }) => dn));
    await each(client, settings, settings.filter, attributes, (entry) => void (wanted.has(entry.dn) && whole.set(entry.dn, entry)));
    return whole;
  }
  for (const { dn } of stale) {
    const { searchEntries } = await client.search(dn, {
      scope: 'base',
      attributes,
      explicitBufferAttributes: [...settings.attributes.photo],
    });
    for (const entry of searchEntries) whole.set(dn, entry);
  }
  return whole;
}

async function resolve(
  client: Client,
  { door, serves }: SyncParts,
  groups: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { settings } = door;
  const found = new Map<string, readonly string[]>();
  for (const [name, filter] of groups) {
    const members: string[] = [];
    await each(client, settings, `(&${settings.filter}${filter})`, sightAttributes(settings.attributes), (entry) => {
      const sight = sightOf(entry, settings, serves);
      if (!('why' in sight)) members.push(bareKey(fromBareKey(sight.address)));
    });
    found.set(name, members.sort());
  }
  return found;
}

/** RFC 2696: in pages, so that no directory refuses a large answer. */
async function each(
  client: Client,
  settings: DirectorySettings,
  filter: string,
  attributes: string[],
  take: (entry: Entry) => void,
): Promise<void> {
  let count = 0;
  const pages = client.searchPaginated(settings.base, {
    scope: 'sub',
    filter,
    attributes,
    explicitBufferAttributes: [...settings.attributes.photo],
    paged: { pageSize: PAGE },
  });
  for await (const { searchEntries } of pages) {
    for (const entry of searchEntries) take(entry);
    count += searchEntries.length;
    if (count > MAX_ENTRIES) throw new Error(`more than ${MAX_ENTRIES} entries; a narrower base or filter helps`);
  }
}
