// Push services that clients have named, on table `push_service` (model/push.ts).

import type { PushField, PushStore, PushTarget } from '../model/push.ts';
import { blob, integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

export function pushTable(db: Database, seal: Seal): PushStore {
  return {
    async of(user) {
      return db
        .prepare('SELECT * FROM push_service WHERE address = ? ORDER BY enabled_at, service, node')
        .all(user)
        .flatMap((row) => read(row, user, seal) ?? []);
    },
    put(user, { service, node, resource, options, failures, enabledAt }) {
      return db.write(() => {
        db.prepare(
          `INSERT INTO push_service (address, service, node, resource, sealed, failures, enabled_at) VALUES (?,?,?,?,?,?,?)
           ON CONFLICT (address, service, node) DO UPDATE SET resource = excluded.resource, sealed = excluded.sealed,
             failures = excluded.failures, enabled_at = excluded.enabled_at`,
        ).run(
          user,
          service,
          node,
          resource,
          seal.close(JSON.stringify(options), label(user, service, node)),
          failures,
          Math.round(enabledAt),
        );
      });
    },
    remove(user, service, node) {
      return db.write(() => {
        const gone =
          node === undefined
            ? db.prepare('DELETE FROM push_service WHERE address = ? AND service = ?').run(user, service)
            : db.prepare('DELETE FROM push_service WHERE address = ? AND service = ? AND node = ?').run(user, service, node);
        return Number(gone.changes);
      });
    },
  };
}

/** Undefined: sealed with a key that is gone. */
function read(row: Row, user: string, seal: Seal): PushTarget | undefined {
  const [service, node] = [text(row, 'service'), text(row, 'node')];
  const opened = seal.open(blob(row, 'sealed'), label(user, service, node))?.toString('utf8');
  if (opened === undefined) return undefined;
  const options: readonly PushField[] = JSON.parse(opened); // written by put
  return {
    service,
    node,
    resource: text(row, 'resource'),
    options,
    failures: integer(row, 'failures'),
    enabledAt: integer(row, 'enabled_at'),
  };
}

function label(user: string, service: string, node: string): string {
  return `push\0${user}\0${service}\0${node}`;
}
