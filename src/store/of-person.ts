// Everything that is kept of one person, one row for each kind of thing. A table that keeps something of people adds its row.

import { join } from 'node:path';
import type { Forgotten, KeptOfPerson } from '../model/of-person.ts';
import { NO_SETTINGS } from '../model/presence-settings.ts';
import { integer, text } from './column.ts';
import type { Database } from './database.ts';
import type { Store } from './store.ts';
import { uploadFiles } from './upload-files.ts';

type Stores = Pick<
  Store,
  'people' | 'contacts' | 'blocked' | 'chosen' | 'presenceSettings' | 'personal' | 'kept' | 'histories' | 'archive' | 'holds' | 'uploads'
>;

/** Octets of a JSON export of what a client has published; the rest is named without its content. */
const MAX_SHOWN = 64 * 1024 * 1024;

/** In the order in which they are forgotten: the account first, so that nothing new comes. @param folder of the data */
export function ofPersonTables(db: Database, folder: string, stores: Stores): readonly KeptOfPerson[] {
  const { people, contacts, blocked, chosen, presenceSettings, personal, kept, histories, archive, holds, uploads } = stores;
  const countIn = (table: string, column: string, value: string): number => {
    const row = db.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${column} = ?`).get(value);
    return row === undefined ? 0 : integer(row, 'n');
  };
  /** Tables of which nothing is in the memory of a running process. */
  const rows = (what: string, places: readonly (readonly [table: string, column: string])[]): KeptOfPerson => ({
    what,
    forget: (owner) =>
      db.write((): Forgotten => {
        let removed = 0;
        for (const [table, column] of places) removed += Number(db.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(owner).changes);
        return { removed };
      }),
  });
  const counted = async (n: number, work: () => Promise<unknown>): Promise<Forgotten> => {
    await work();
    return { removed: n };
  };
  return [
    {
      what: 'account, passwords, photo, devices',
      async forget(owner) {
        const more = ['credential', 'photo', 'device_token', 'push_service'].reduce((n, table) => n + countIn(table, 'address', owner), 0);
        return (await people.remove(owner)) ? { removed: more + 1 } : { removed: 0 };
      },
      async show(owner) {
        const person = await people.get(owner);
        if (person === undefined) return undefined;
        const [credentials, signedIn, photo] = await Promise.all([
          people.credentials(owner),
          people.lastSignIn(owner),
          people.photo(owner),
        ]);
        return {
          ...person,
          address: owner,
          createdAt: iso(person.createdAt),
          ...(signedIn !== undefined && { lastSignIn: iso(signedIn) }),
          passwords: credentials.map(({ kind, device, madeAt }) => ({ kind, device, madeAt: iso(madeAt) })),
          ...(photo !== undefined && {
            photo: { type: photo.type, changedAt: iso(photo.changedAt), base64: Buffer.from(photo.data).toString('base64') },
          }),
        };
      },
    },
    {
      what: 'contact list, block list, chosen state',
      async forget(owner) {
        const n = ['contact_entry', 'blocked_address', 'chosen_state'].reduce((sum, table) => sum + countIn(table, 'owner', owner), 0);
        return counted(n, () => contacts.forget(owner));
      },
      async show(owner) {
        const [{ entries }, addresses, state] = await Promise.all([contacts.of(owner), blocked.of(owner), chosen.of(owner)]);
        if (entries.length + addresses.length === 0 && state === undefined) return undefined;
        return { contacts: entries, blocked: addresses, chosen: state ?? null };
      },
    },
    {
      what: "entries about them in others' contact lists",
      forget: async (owner) => ({ removed: await contacts.drop(owner) }),
    },
    {
      what: 'notes, absence, places, levels',
      forget: async (owner) => counted(countIn('presence_settings', 'owner', owner), () => presenceSettings.put(owner, NO_SETTINGS)),
      async show(owner) {
        return countIn('presence_settings', 'owner', owner) === 0 ? undefined : presenceSettings.of(owner);
      },
    },
    {
      what: 'what their clients keep and publish',
      async forget(owner) {
        const n = ['personal_item', 'private_xml'].reduce((sum, table) => sum + countIn(table, 'owner', owner), 0);
        return counted(n, () => personal.forget(owner));
      },
      async show(owner) {
        const nodes = await personal.nodes(owner);
        let left = MAX_SHOWN;
        const shown: object[] = [];
        for (const node of nodes) {
          const ids = (await personal.ids(owner, node.name)).map(({ id }) => id);
          for (const { id, at, ...rest } of await personal.items(owner, node.name, ids)) {
            const size = JSON.stringify(rest).length;
            left -= size;
            shown.push({ node: node.name, id, at: iso(at), ...(left < 0 ? { leftOut: size } : rest) });
          }
        }
        return shown.length === 0 ? undefined : shown;
      },
    },
    { what: 'messages that wait for them', forget: async (owner) => counted(await kept.count(owner), () => kept.forget(owner)) },
    {
      what: 'files they have shared',
      async forget(owner) {
        const ids = db
          .prepare('SELECT id FROM upload WHERE owner = ?')
          .all(owner)
          .map((row) => text(row, 'id'));
        const files = uploadFiles(join(folder, 'uploads'));
        for (const id of ids) await files.remove(id);
        return counted(ids.length, () => uploads.remove(ids));
      },
      async show(owner) {
        const found = db.prepare('SELECT name, type, size, made_at FROM upload WHERE owner = ? ORDER BY made_at').all(owner);
        const one = found.map((row) => ({
          ...{ name: text(row, 'name'), type: text(row, 'type'), bytes: integer(row, 'size'), at: iso(integer(row, 'made_at')) },
        }));
        return one.length === 0 ? undefined : one;
      },
    },
    rows('invitations of them', [['invitation', 'address']]),
    rows('first contacts with strangers', [
      ['contact_request', 'local'],
      ['contact_request', 'stranger'],
      ['contact', 'local'],
      ['contact', 'stranger'],
    ]),
    rows('spelling of their address', [['address_spelling', 'address']]),
    {
      what: 'history',
      async forget(owner) {
        // A hold may be for a time only; a history is one thing, and stays as a whole.
        if ((await holds.of(owner)).length > 0) return { removed: 0, held: await histories.count(owner, {}) };
        return { removed: await histories.forget(owner) };
      },
    },
    { what: 'lines of the archive', forget: (owner, now) => archive.erase(owner, now) },
  ];
}

const iso = (ms: number): string => new Date(ms).toISOString();
