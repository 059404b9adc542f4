// The tables that are a key and a value: dialogs, spellings, discovered partners, secrets, the service clock.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { SecretStore, ServiceClockStore } from '../model/outbox-store.ts';
import type { DialogRecord, DialogStore, DiscoveredStore, SpellingStore } from '../model/stores.ts';
import { blob, integer, text, word } from './column.ts';
import type { Database } from './database.ts';
import { PROOFS } from './ledger.ts';
import type { Seal } from './seal.ts';

const SPELLINGS_KEPT = 20_000;

/** Presence dialogs, on table `dialog`. */
export function dialogTable(db: Database): DialogStore {
  return {
    put(one) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO dialog (id, role, watcher, presentity, data, expires_at) VALUES (?,?,?,?,?,?)').run(
          one.id,
          one.role,
          one.watcher,
          one.presentity,
          one.data,
          Math.round(one.expiresAt),
        );
      });
    },
    remove(id) {
      return db.write(() => {
        db.prepare('DELETE FROM dialog WHERE id = ?').run(id);
      });
    },
    async all() {
      return db
        .prepare('SELECT * FROM dialog ORDER BY id')
        .all()
        .map(
          (row): DialogRecord => ({
            id: text(row, 'id'),
            role: word(row, 'role', ['notifier', 'subscriber'] as const),
            watcher: text(row, 'watcher'),
            presentity: text(row, 'presentity'),
            data: text(row, 'data'),
            expiresAt: integer(row, 'expires_at'),
          }),
        );
    },
  };
}

/** How SIP users spell their addresses, on table `address_spelling`. */
export function spellingTable(db: Database): SpellingStore {
  /** The empty string: spelled as it is mapped. */
  const known = new LRUCache<string, string>(atMost(SPELLINGS_KEPT));
  const get = (address: string): string | undefined => {
    let local = known.get(address);
    if (local === undefined) {
      const row = db.prepare('SELECT local FROM address_spelling WHERE address = ?').get(address);
      local = row ? text(row, 'local') : '';
      known.set(address, local);
    }
    return local === '' ? undefined : local;
  };
  return {
    async get(address) {
      return get(address);
    },
    async put(address, local) {
      const mapped = address.slice(0, address.lastIndexOf('@'));
      const spelled = local === mapped ? undefined : local;
      if (get(address) === spelled) return;
      await db.write(() => {
        if (spelled === undefined) db.prepare('DELETE FROM address_spelling WHERE address = ?').run(address);
        else db.prepare('INSERT OR REPLACE INTO address_spelling (address, local) VALUES (?, ?)').run(address, spelled);
      });
      known.delete(address);
    },
  };
}

/** Found partners and the strangers' distinct targets, on tables `discovered_partner` and `distinct_target`. */
export function discoveredTable(db: Database): DiscoveredStore {
  return {
    async pinned(domain) {
      const row = db.prepare('SELECT * FROM discovered_partner WHERE domain = ?').get(domain);
      return (
        row && {
          protocol: word(row, 'protocol', ['sip', 'xmpp'] as const),
          proof: word(row, 'proof', PROOFS),
          lastSeenAt: integer(row, 'last_seen_at'),
        }
      );
    },
    pin(domain, protocol, proof, at) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO discovered_partner (domain, protocol, proof, last_seen_at) VALUES (?,?,?,?)').run(
          domain,
          protocol,
          proof,
          Math.round(at),
        );
      });
    },
    async countTarget(domain, target) {
      const known = db.prepare('SELECT 1 AS yes FROM distinct_target WHERE domain = ? AND target = ?').get(domain, target);
      if (known === undefined) {
        await db.write(() => {
          db.prepare('INSERT OR IGNORE INTO distinct_target (domain, target) VALUES (?, ?)').run(domain, target);
        });
      }
      const row = db.prepare('SELECT count(*) AS n FROM distinct_target WHERE domain = ?').get(domain);
      return row ? integer(row, 'n') : 0;
    },
  };
}

/** Secrets of the process, on table `secret`; sealed. */
export function secretTable(db: Database, seal: Seal): SecretStore {
  return {
    async get(name) {
      const row = db.prepare('SELECT sealed FROM secret WHERE name = ?').get(name);
      return row && seal.open(blob(row, 'sealed'), `secret\0${name}`);
    },
    put(name, value) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO secret (name, sealed) VALUES (?, ?)').run(name, seal.close(value, `secret\0${name}`));
      });
    },
  };
}

/** Service time, on the one row of table `clock`. */
export function clockTable(db: Database): ServiceClockStore {
  const write = (serviceMs: number, wallMs: number, clean: boolean): void => {
    db.prepare('INSERT OR REPLACE INTO clock (one, service_ms, wall_ms, clean) VALUES (1, ?, ?, ?)').run(
      Math.round(serviceMs),
      Math.round(wallMs),
      clean ? 1 : 0,
    );
  };
  return {
    async load() {
      const row = db.prepare('SELECT * FROM clock').get();
      return row && { serviceMs: integer(row, 'service_ms'), wallMs: integer(row, 'wall_ms'), clean: row.clean === 1 };
    },
    async save({ serviceMs, wallMs, clean }, durable) {
      if (durable) await db.write(() => write(serviceMs, wallMs, clean), true);
      else db.lazy(() => write(serviceMs, wallMs, clean));
    },
  };
}
