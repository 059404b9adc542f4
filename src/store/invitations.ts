// Invitations, on table `invitation` (model/invitations.ts).

import type { Invitation, InvitationStore } from '../model/invitations.ts';
import { integer, maybeInteger, maybeText, type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** More are not shown at once. */
const MOST = 1000;

export function invitationTable(db: Database): InvitationStore {
  const of = (user: string): readonly Invitation[] =>
    db
      .prepare('SELECT * FROM invitation WHERE address = ?1 OR EXISTS (SELECT 1 FROM json_each(used_by) WHERE value = ?1)')
      .all(user)
      .map(read);
  return {
    put(hash, { id, domain, address, groups, uses, used, usedBy, madeBy, madeAt, expiresAt }) {
      return db.write(() => {
        db.prepare(
          `INSERT INTO invitation (hash, id, domain, address, groups, uses, used, used_by, made_by, made_at, expires_at)
           VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
        ).run(
          hash,
          id,
          domain,
          address ?? null,
          JSON.stringify(groups),
          uses,
          used,
          JSON.stringify(usedBy),
          madeBy,
          Math.round(madeAt),
          Math.round(expiresAt),
        );
      });
    },
    async byHash(hash) {
      const row = db.prepare('SELECT * FROM invitation WHERE hash = ?').get(hash);
      return row && read(row);
    },
    async list(since) {
      return db
        .prepare('SELECT * FROM invitation WHERE expires_at >= ? ORDER BY made_at DESC, id LIMIT ?')
        .all(Math.round(since), MOST)
        .map(read);
    },
    take(id, by, at) {
      return db.write(() => {
        const row = db.prepare('SELECT * FROM invitation WHERE id = ?').get(id);
        const known = row && read(row);
        if (known === undefined || known.revokedAt !== undefined || known.used >= known.uses || known.expiresAt < at) return false;
        db.prepare('UPDATE invitation SET used = used + 1, used_by = ? WHERE id = ?').run(JSON.stringify([...known.usedBy, by]), id);
        return true;
      });
    },
    giveBack(id, by) {
      return db.write(() => {
        const row = db.prepare('SELECT * FROM invitation WHERE id = ?').get(id);
        const known = row && read(row);
        const index = known?.usedBy.lastIndexOf(by) ?? -1;
        if (known === undefined || index < 0) return;
        db.prepare('UPDATE invitation SET used = used - 1, used_by = ? WHERE id = ?').run(
          JSON.stringify(known.usedBy.toSpliced(index, 1)),
          id,
        );
      });
    },
    revoke(id, at) {
      return db.write(
        () => db.prepare('UPDATE invitation SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL').run(Math.round(at), id).changes > 0,
      );
    },
    async countOf(user) {
      return of(user).length;
    },
    forget(user) {
      return db.write(() => {
        db.prepare('DELETE FROM invitation WHERE address = ?').run(user);
        for (const { id, usedBy } of of(user))
          db.prepare('UPDATE invitation SET used_by = ? WHERE id = ?').run(JSON.stringify(usedBy.filter((one) => one !== user)), id);
      });
    },
    expire(before) {
      return db.write(() => Number(db.prepare('DELETE FROM invitation WHERE expires_at < ?').run(Math.round(before)).changes));
    },
  };
}

function read(row: Row): Invitation {
  const [address, revokedAt] = [maybeText(row, 'address'), maybeInteger(row, 'revoked_at')];
  return {
    id: text(row, 'id'),
    domain: text(row, 'domain'),
    ...(address !== undefined && { address }),
    groups: JSON.parse(text(row, 'groups')), // both written by put
    uses: integer(row, 'uses'),
    used: integer(row, 'used'),
    usedBy: JSON.parse(text(row, 'used_by')),
    madeBy: text(row, 'made_by'),
    madeAt: integer(row, 'made_at'),
    expiresAt: integer(row, 'expires_at'),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}
