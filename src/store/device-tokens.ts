// Tokens with which devices sign in again, on table `device_token` (model/sign-in-tokens.ts).

import type { StoredToken, TokenStore } from '../model/sign-in-tokens.ts';
import { blob, integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

export function tokenTable(db: Database, seal: Seal): TokenStore {
  return {
    async of(user) {
      return db
        .prepare('SELECT * FROM device_token WHERE address = ? ORDER BY number DESC')
        .all(user)
        .flatMap((row) => read(row, user, seal) ?? []);
    },
    put(user, { device, mechanism, token, expiresAt, stamp }) {
      return db.write(() => {
        db.prepare(
          'INSERT INTO device_token (address, device, mechanism, sealed, expires_at, count, used, stamp) VALUES (?,?,?,?,?,0,0,?)',
        ).run(user, device, mechanism, seal.close(token, label(user, device)), Math.round(expiresAt), stamp);
      });
    },
    mark(number, count) {
      return db.write(() => {
        const changed =
          count === undefined
            ? db.prepare('UPDATE device_token SET used = 1 WHERE number = ?').run(number)
            : db.prepare('UPDATE device_token SET used = 1, count = ?1 WHERE number = ?2 AND count < ?1').run(count, number);
        return changed.changes > 0;
      });
    },
    remove(numbers) {
      return db.write(() => {
        for (const number of numbers) db.prepare('DELETE FROM device_token WHERE number = ?').run(number);
      });
    },
    expire(before) {
      return db.write(() => Number(db.prepare('DELETE FROM device_token WHERE expires_at < ?').run(Math.round(before)).changes));
    },
  };
}

/** Undefined: sealed with a key that is gone. */
function read(row: Row, user: string, seal: Seal): StoredToken | undefined {
  const device = text(row, 'device');
  const token = seal.open(blob(row, 'sealed'), label(user, device))?.toString('utf8');
  if (token === undefined) return undefined;
  return {
    number: integer(row, 'number'),
    device,
    mechanism: text(row, 'mechanism'),
    token,
    expiresAt: integer(row, 'expires_at'),
    count: integer(row, 'count'),
    used: integer(row, 'used') === 1,
    stamp: text(row, 'stamp'),
  };
}

function label(user: string, device: string): string {
  return `token\0${user}\0${device}`;
}
