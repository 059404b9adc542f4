// The people of the core, on tables `person`, `credential` (sealed), `person_change`, `signed_in` and `photo`.

import { bareKey, fromBareKey } from '../model/address.ts';
import type { Person } from '../model/core.ts';
import { CREDENTIAL_KINDS, type Credential, type PeopleStore } from '../model/people.ts';
import { blob, integer, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { removePersonal } from './personal.ts';
import type { Seal } from './seal.ts';

const MAX_CHANGES = 1000;
const PHOTO_TYPES = ['image/jpeg', 'image/png', 'image/gif'] as const;
const FIELDS = ['mail', 'phone', 'mobile', 'title', 'company', 'office'] as const;

/** Opens nothing of its own; the tables are of migrations 005 and 007. */
export function peopleTable(db: Database, seal: Seal): PeopleStore {
  const changed = (address: string): void => {
    db.prepare(
      `INSERT INTO person_change (address, version) VALUES (?, (SELECT coalesce(max(version), 0) + 1 FROM person_change))
       ON CONFLICT (address) DO UPDATE SET version = excluded.version`,
    ).run(address);
  };
  return {
    async get(address) {
      const row = db.prepare('SELECT * FROM person WHERE address = ?').get(address);
      return row && toPerson(row);
    },
    put(person) {
      const { address, name, groups, addresses = [], disabled, createdAt } = person;
      return db.write(() => {
        changed(bareKey(address));
        db.prepare('DELETE FROM moved_inside WHERE address = ?').run(bareKey(address));
        // Who is let in again signs in with a password first.
        if (disabled) db.prepare('DELETE FROM device_token WHERE address = ?').run(bareKey(address));
        db.prepare(
          `INSERT INTO person (address, domain, name, mail, phone, mobile, title, company, office, groups, addresses, disabled, created_at)
           VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
           ON CONFLICT (address) DO UPDATE SET name = excluded.name, mail = excluded.mail, phone = excluded.phone,
             mobile = excluded.mobile, title = excluded.title, company = excluded.company, office = excluded.office,
             groups = excluded.groups, addresses = excluded.addresses, disabled = excluded.disabled`,
        ).run(
          bareKey(address),
          address.domain,
          name,
          ...FIELDS.map((field) => person[field] ?? null),
          JSON.stringify(groups),
          JSON.stringify(addresses),
          disabled ? 1 : 0,
          Math.round(createdAt),
        );
        db.prepare('DELETE FROM person_address WHERE owner = ?').run(bareKey(address));
        const others = new Set([...addresses, person.mail ?? ''].map((one) => one.toLowerCase()).filter((one) => one !== ''));
        for (const other of others) db.prepare('INSERT INTO person_address (other, owner) VALUES (?, ?)').run(other, bareKey(address));
      });
    },
    remove(address) {
      return db.write(() => {
        changed(address);
        removePersonal(db, address);
        db.prepare('DELETE FROM person_address WHERE owner = ?').run(address);
        for (const table of ['credential', 'photo', 'signed_in', 'directory_entry', 'device_token', 'push_service', 'invitation'])
          db.prepare(`DELETE FROM ${table} WHERE address = ?`).run(address);
        // What waits for who has moved is delivered where they are now. The contact list goes when its contacts have been told.
        for (const table of ['kept_item', 'presence_settings'])
          db.prepare(`DELETE FROM ${table} WHERE owner = ?1 AND NOT EXISTS (SELECT 1 FROM moved_inside WHERE address = ?1)`).run(address);
        return db.prepare('DELETE FROM person WHERE address = ?').run(address).changes > 0;
      });
    },
    async list({ domain, after = '', limit }) {
      const rows =
        domain === undefined
          ? db.prepare('SELECT * FROM person WHERE address > ? ORDER BY address LIMIT ?').all(after, limit)
          : db.prepare('SELECT * FROM person WHERE domain = ? AND address > ? ORDER BY address LIMIT ?').all(domain, after, limit);
      return rows.map(toPerson);
    },
    async count() {
      const row = db.prepare('SELECT count(*) AS n FROM person').get();
      return row === undefined ? 0 : integer(row, 'n');
    },
    async knownBy(other) {
      return db
        .prepare('SELECT person.* FROM person_address JOIN person ON person.address = owner WHERE other = ? LIMIT 2')
        .all(other)
        .map(toPerson);
    },
    async find(words, limit) {
      // LIKE knows two wildcards; what somebody types is text.
      const like = `%${words.replaceAll(/[\\%_]/g, (char) => `\\${char}`)}%`;
      const where = ['name', 'address', 'mail', 'phone', 'mobile', 'addresses']
        .map((column) => `${column} LIKE ?1 ESCAPE '\\'`)
        .join(' OR ');
      return db.prepare(`SELECT * FROM person WHERE disabled = 0 AND (${where}) ORDER BY name LIMIT ?2`).all(like, limit).map(toPerson);
    },
    async credentials(address) {
      return db
        .prepare('SELECT * FROM credential WHERE address = ? ORDER BY device, kind')
        .all(address)
        .flatMap((row) => toCredential(row, address, seal) ?? []);
    },
    putCredentials(address, device, credentials) {
      return db.write(() => {
        changed(address);
        db.prepare('DELETE FROM credential WHERE address = ? AND device = ?').run(address, device);
        for (const { kind, data, madeAt } of credentials) {
          db.prepare('INSERT INTO credential (address, device, kind, sealed, made_at) VALUES (?,?,?,?,?)').run(
            address,
            device,
            kind,
            seal.close(data, label(address, device, kind)),
            Math.round(madeAt),
          );
        }
      });
    },
    async changedSince(version) {
      const rows = db
        .prepare('SELECT address, version FROM person_change WHERE version > ? ORDER BY version LIMIT ?')
        .all(version, MAX_CHANGES);
      const last = rows.at(-1);
      return { version: last === undefined ? version : integer(last, 'version'), addresses: rows.map((row) => text(row, 'address')) };
    },
    noteSignIn(address, at) {
      db.idle(() => {
        db.prepare('INSERT INTO signed_in (address, at) VALUES (?1, ?2) ON CONFLICT (address) DO UPDATE SET at = ?2').run(
          address,
          Math.round(at),
        );
      });
    },
    async lastSignIn(address) {
      const row = db.prepare('SELECT at FROM signed_in WHERE address = ?').get(address);
      return row && integer(row, 'at');
    },
    async photo(address) {
      const row = db.prepare('SELECT * FROM photo WHERE address = ?').get(address);
      return (
        row && {
          type: word(row, 'type', PHOTO_TYPES),
          hash: text(row, 'hash'),
          data: blob(row, 'data'),
          changedAt: integer(row, 'changed_at'),
        }
      );
    },
    async photoMark(address) {
      const row = db.prepare('SELECT type, hash, changed_at, length(data) AS bytes FROM photo WHERE address = ?').get(address);
      return (
        row && {
          type: word(row, 'type', PHOTO_TYPES),
          hash: text(row, 'hash'),
          bytes: integer(row, 'bytes'),
          changedAt: integer(row, 'changed_at'),
        }
      );
    },
    putPhoto(address, photo) {
      return db.write(() => {
        changed(address);
        if (photo === undefined) db.prepare('DELETE FROM photo WHERE address = ?').run(address);
        else
          db.prepare('INSERT OR REPLACE INTO photo (address, type, hash, data, changed_at) VALUES (?,?,?,?,?)').run(
            address,
            photo.type,
            photo.hash,
            photo.data,
            Math.round(photo.changedAt),
          );
      });
    },
  };
}

/** Bound to its place: a credential that was moved to another user does not open. */
function label(address: string, device: string, kind: string): string {
  return `credential ${address} ${kind} ${device}`;
}

function toPerson(row: Row): Person {
  const fields = FIELDS.flatMap((field) => {
    const value = maybeText(row, field);
    return value === undefined ? [] : [[field, value] as const];
  });
  const addresses: readonly string[] = JSON.parse(text(row, 'addresses')); // written by put
  return {
    address: fromBareKey(text(row, 'address')),
    name: text(row, 'name'),
    disabled: integer(row, 'disabled') === 1,
    groups: JSON.parse(text(row, 'groups')), // written by put
    createdAt: integer(row, 'created_at'),
    ...(addresses.length > 0 && { addresses }),
    ...Object.fromEntries(fields),
  };
}

function toCredential(row: Row, address: string, seal: Seal): Credential | undefined {
  const kind = word(row, 'kind', CREDENTIAL_KINDS);
  const device = text(row, 'device');
  const data = seal.open(blob(row, 'sealed'), label(address, device, kind));
  return data && { kind, device, data, madeAt: integer(row, 'made_at') };
}
