// Everything that is kept of one person, one row for each kind of thing. A table that keeps something of people adds its row.

import { join } from 'node:path';
import type { KeptOfPerson } from '../model/of-person.ts';
import { NO_SETTINGS } from '../model/presence-settings.ts';
import { integer, text } from './column.ts';
import type { Database } from './database.ts';
import type { Store } from './store.ts';
import { uploadFiles } from './upload-files.ts';

type Stores = Pick<
  Store,
  | 'people'
  | 'contacts'
  | 'blocked'
  | 'chosen'
  | 'presenceSettings'
  | 'personal'
  | 'kept'
  | 'histories'
  | 'archive'
  | 'holds'
  | 'uploads'
  | 'invitations'
>;

/** Octets of a JSON export of what a client has published; the rest is named without its content. */
const MAX_SHOWN = 64 * 1024 * 1024;

/** In the order in which they are forgotten: the account first, so that nothing new comes. @param folder of the data */
export function ofPersonTables(db: Database, folder: string, stores: Stores): readonly KeptOfPerson[] {
  const { people, contacts, blocked, chosen, presenceSettings, personal, kept, histories, archive, holds, uploads, invitations } = stores;
  const countIn = (column: string, tables: readonly string[], value: string): number =>
    tables.reduce((sum, table) => {
      const row = db.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${column} = ?`).get(value);
      return sum + (row === undefined ? 0 : integer(row, 'n'));
    }, 0);
  /** Tables of which nothing is in the memory of a running process. */
  const rows = (what: string, column: string, tables: readonly string[]): KeptOfPerson => ({
    what,
    count: async (owner) => countIn(column, tables, owner),
    forget: (owner) =>
      db.write(() => {
        for (const table of tables) db.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(owner);
        return 0;
      }),
  });
  const none = async (work: Promise<unknown>): Promise<number> => {
    await work;
    return 0;
  };
  return [
    {
      what: 'account, passwords, photo, devices',
      count: async (owner) => countIn('address', ['person', 'credential', 'photo', 'device_token', 'push_service'], owner),
      forget: (owner) => none(people.remove(owner)),
      show: {
        key: 'account',
        async data(owner) {
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
    },
    {
      what: 'contact list, block list, chosen state',
      count: async (owner) => countIn('owner', ['contact_entry', 'blocked_address', 'chosen_state'], owner),
      forget: (owner) => none(contacts.forget(owner)),
      show: {
        key: 'contactList',
        async data(owner) {
          const [{ entries }, addresses, state] = await Promise.all([contacts.of(owner), blocked.of(owner), chosen.of(owner)]);
          if (entries.length + addresses.length === 0 && state === undefined) return undefined;
          return { contacts: entries, blocked: addresses, chosen: state ?? null };
        },
      },
    },
    {
      what: "entries about them in others' contact lists",
      count: async (owner) => countIn('address', ['contact_entry'], owner),
      forget: (owner) => none(contacts.drop(owner)),
    },
    {
      what: 'notes, absence, places, levels',
      count: async (owner) => countIn('owner', ['presence_settings'], owner),
      forget: (owner) => none(presenceSettings.put(owner, NO_SETTINGS)),
      show: {
        key: 'presence',
        async data(owner) {
          return countIn('owner', ['presence_settings'], owner) === 0 ? undefined : presenceSettings.of(owner);
        },
      },
    },
    {
      what: 'what their clients keep and publish',
      count: async (owner) => countIn('owner', ['personal_item', 'private_xml'], owner),
      forget: (owner) => none(personal.forget(owner)),
      show: {
        key: 'published',
        async data(owner) {
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
          const names = db
            .prepare('SELECT name FROM private_xml WHERE owner = ? ORDER BY name')
            .all(owner)
            .map((row) => text(row, 'name'));
          for (const name of names) shown.push({ private: name, xml: await personal.private(owner, name) });
          return shown.length === 0 ? undefined : shown;
        },
      },
    },
    {
      what: 'invitations for them, or that they came with',
      count: invitations.countOf,
      forget: (owner) => none(invitations.forget(owner)),
    },
    { what: 'messages that wait for them', count: (owner) => kept.count(owner), forget: (owner) => none(kept.forget(owner)) },
    {
      what: 'files they have shared',
      count: async (owner) => countIn('owner', ['upload'], owner),
      async forget(owner) {
        const ids = db
          .prepare('SELECT id FROM upload WHERE owner = ?')
          .all(owner)
          .map((row) => text(row, 'id'));
        const files = uploadFiles(join(folder, 'uploads'));
        for (const id of ids) await files.remove(id);
        return none(uploads.remove(ids));
      },
      show: {
        key: 'files',
        async data(owner) {
          const found = db.prepare('SELECT name, type, size, made_at FROM upload WHERE owner = ? ORDER BY made_at').all(owner);
          const one = found.map((row) => ({
            ...{ name: text(row, 'name'), type: text(row, 'type'), bytes: integer(row, 'size'), at: iso(integer(row, 'made_at')) },
          }));
          return one.length === 0 ? undefined : one;
        },
      },
    },
    rows('first contacts of strangers with them', 'local', ['contact_request', 'contact']),
    rows('their own first contacts', 'stranger', ['contact_request', 'contact']),
    rows('a move to the internal system', 'address', ['moved_inside']),
    rows('spelling of their address', 'address', ['address_spelling']),
    {
      what: 'history',
      count: (owner) => histories.count(owner, {}),
      async forget(owner) {
        // A hold may be for a time only; a history is one thing, and stays as a whole.
        if ((await holds.of(owner)).length > 0) return histories.count(owner, {});
        return none(histories.forget(owner));
      },
    },
    {
      what: 'lines of the archive',
      count: (owner) => archive.count({ user: owner }),
      forget: async (owner, now) => (await archive.erase(owner, now)).held,
    },
  ];
}

const iso = (ms: number): string => new Date(ms).toISOString();
