// Contact lists, blocked addresses and chosen states of the core's users: tables `contact`, `contact_list`, `blocked_address`,
// `chosen_state`.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import { LEVELS } from '../model/core.ts';
import type { BlockStore, ChosenStore, ContactStore, ListEntry } from '../model/core-stores.ts';
import { integer, maybeInteger, maybeText, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

/** Contact lists. The words of a request are sealed. */
export function contactTable(db: Database, seal: Seal): ContactStore {
  return {
    async of(owner) {
      const entries = db
        .prepare('SELECT * FROM contact_entry WHERE owner = ? ORDER BY address')
        .all(owner)
        .map((row) => toEntry(row, owner, seal));
      const list = db.prepare('SELECT version FROM contact_list WHERE owner = ?').get(owner);
      return { entries, version: list === undefined ? 0 : integer(list, 'version') };
    },
    write(changes) {
      return db.write(() => {
        for (const { owner, address, entry, version } of changes) {
          if (entry === undefined) db.prepare('DELETE FROM contact_entry WHERE owner = ? AND address = ?').run(owner, address);
          else
            db.prepare(
              `INSERT OR REPLACE INTO contact_entry (owner, address, name, groups, sees, seen, asked, asks, approved, listed, favourite,
               level, request) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
            ).run(
              owner,
              address,
              entry.name ?? null,
              JSON.stringify(entry.groups),
              ...FLAGS.map((flag) => (entry[flag] ? 1 : 0)),
              entry.level ?? null,
              entry.request === undefined ? null : seal.close(entry.request, label(owner, address)),
            );
          db.prepare('INSERT OR REPLACE INTO contact_list (owner, version) VALUES (?, ?)').run(owner, version);
        }
      });
    },
    forget(owner) {
      return db.write(() => {
        for (const table of ['contact_entry', 'contact_list', 'blocked_address', 'chosen_state', 'presence_settings'])
          db.prepare(`DELETE FROM ${table} WHERE owner = ?`).run(owner);
      });
    },
    async ownersOf(address) {
      const rows = db.prepare('SELECT owner FROM contact_entry WHERE address = ? ORDER BY owner').all(address);
      return rows.map((row) => text(row, 'owner'));
    },
    drop(address) {
      return db.write(() => {
        db.prepare('UPDATE contact_list SET version = version + 1 WHERE owner IN (SELECT owner FROM contact_entry WHERE address = ?)').run(
          address,
        );
        return Number(db.prepare('DELETE FROM contact_entry WHERE address = ?').run(address).changes);
      });
    },
  };
}

/** Whom a user does not want to hear of. */
export function blockTable(db: Database): BlockStore {
  return {
    async of(owner) {
      return db
        .prepare('SELECT address FROM blocked_address WHERE owner = ? ORDER BY address')
        .all(owner)
        .map((row) => text(row, 'address'));
    },
    put(owner, addresses) {
      return db.write(() => {
        db.prepare('DELETE FROM blocked_address WHERE owner = ?').run(owner);
        for (const address of addresses)
          db.prepare('INSERT OR IGNORE INTO blocked_address (owner, address) VALUES (?, ?)').run(owner, address);
      });
    },
  };
}

/** What users have chosen to be seen as. */
export function chosenTable(db: Database): ChosenStore {
  return {
    async of(owner) {
      const row = db.prepare('SELECT * FROM chosen_state WHERE owner = ?').get(owner);
      if (row === undefined) return undefined;
      const until = maybeInteger(row, 'until');
      return { state: text(row, 'state'), ...(until !== undefined && { until }) };
    },
    put(owner, chosen) {
      return db.write(() => {
        if (chosen === undefined) db.prepare('DELETE FROM chosen_state WHERE owner = ?').run(owner);
        else
          db.prepare('INSERT OR REPLACE INTO chosen_state (owner, state, until) VALUES (?, ?, ?)').run(
            owner,
            chosen.state,
            chosen.until === undefined ? null : Math.round(chosen.until),
          );
      });
    },
  };
}

const FLAGS = ['sees', 'seen', 'asked', 'asks', 'approved', 'listed', 'favourite'] as const;

/** Bound to its place: the words of one request do not open as those of another. */
function label(owner: string, address: string): string {
  return `request ${owner} ${address}`;
}

/** Most entries of most lists have the same few groups: one array for all of them. */
const KNOWN_GROUPS = new LRUCache<string, readonly string[]>(atMost(1000));

/** @param json as `write` has written it */
function groupsOf(json: string): readonly string[] {
  const known = KNOWN_GROUPS.get(json);
  if (known !== undefined) return known;
  const groups: readonly string[] = JSON.parse(json);
  KNOWN_GROUPS.set(json, groups);
  return groups;
}

function toEntry(row: Row, owner: string, seal: Seal): ListEntry {
  const address = text(row, 'address');
  const flag = (name: (typeof FLAGS)[number]): boolean => integer(row, name) === 1;
  const name = maybeText(row, 'name');
  const level = LEVELS.find((one) => one === row.level);
  const request = row.request instanceof Uint8Array ? seal.open(row.request, label(owner, address))?.toString('utf8') : undefined;
  return {
    address,
    ...(name !== undefined && { name }),
    groups: groupsOf(text(row, 'groups')),
    sees: flag('sees'),
    seen: flag('seen'),
    asked: flag('asked'),
    asks: flag('asks'),
    approved: flag('approved'),
    listed: flag('listed'),
    favourite: flag('favourite'),
    ...(level !== undefined && { level }),
    ...(request !== undefined && { request }),
  };
}
