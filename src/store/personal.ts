// What users publish and keep for their clients, on tables `personal_node`, `personal_item`, `personal_subscription` and
// `private_xml`. Payloads are sealed; one whose seal does not open is passed over.

import type { NodeConfig, PersonalBounds, PersonalItem, PersonalNode, PersonalStore, PersonalWritten } from '../model/personal.ts';
import { blob, integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

const FULL: PersonalWritten = { kind: 'full' };
const WRITTEN: PersonalWritten = { kind: 'written', dropped: [] };
/** Characters of a node's settings that do not count. */
const FREE_CONFIG = 1000;
const TABLES = ['personal_node', 'personal_item', 'personal_subscription', 'private_xml'] as const;

/** Removes everything of one owner; for a transaction that somebody else has begun. */
export function removePersonal(db: Database, owner: string): void {
  for (const table of TABLES) db.prepare(`DELETE FROM ${table} WHERE owner = ?`).run(owner);
}

/** Opens nothing of its own. */
export function personalTable(db: Database, seal: Seal): PersonalStore {
  const count = (sql: string, owner: string): number => {
    const row = db.prepare(sql).get(owner);
    return row === undefined ? 0 : integer(row, 'n');
  };
  const bytesOf = (owner: string): number =>
    // Usual settings are small; a list of a thousand members is not.
    count(`SELECT coalesce(sum(max(0, length(config) - ${FREE_CONFIG})), 0) AS n FROM personal_node WHERE owner = ?`, owner) +
    count('SELECT coalesce(sum(length(sealed)), 0) AS n FROM personal_item WHERE owner = ?', owner) +
    count('SELECT coalesce(sum(length(sealed)), 0) AS n FROM private_xml WHERE owner = ?', owner);
  const nodeAt = (owner: string, name: string): PersonalNode | undefined => {
    const row = db.prepare('SELECT * FROM personal_node WHERE owner = ? AND name = ?').get(owner, name);
    return row && toNode(row);
  };
  /** False: there are as many nodes as may be. */
  const write = (owner: string, { name, config }: PersonalNode, at: number, most: PersonalBounds): boolean => {
    const fits = nodeAt(owner, name) !== undefined || count('SELECT count(*) AS n FROM personal_node WHERE owner = ?', owner) < most.nodes;
    if (fits)
      db.prepare(
        `INSERT INTO personal_node (owner, name, config, created_at) VALUES (?,?,?,?)
         ON CONFLICT (owner, name) DO UPDATE SET config = excluded.config`,
      ).run(owner, name, JSON.stringify(config), Math.round(at));
    return fits;
  };
  const drop = (owner: string, name: string, keep: number): readonly string[] => {
    const over = db
      .prepare('SELECT id FROM personal_item WHERE owner = ? AND node = ? ORDER BY number DESC LIMIT -1 OFFSET ?')
      .all(owner, name, keep)
      .map((row) => text(row, 'id'));
    for (const id of over) remove(owner, name, id);
    return over;
  };
  const remove = (owner: string, name: string, id: string): boolean =>
    db.prepare('DELETE FROM personal_item WHERE owner = ? AND node = ? AND id = ?').run(owner, name, id).changes > 0;
  const toItem = (row: Row, owner: string, name: string): PersonalItem | undefined => {
    const id = text(row, 'id');
    const opened = seal.open(blob(row, 'sealed'), label(owner, name, id));
    if (opened === undefined) return undefined;
    const payload = opened.toString('utf8');
    return { id, at: integer(row, 'at'), ...(payload !== '' && { payload }) };
  };

  return {
    async nodes(owner) {
      return db.prepare('SELECT * FROM personal_node WHERE owner = ? ORDER BY name').all(owner).map(toNode);
    },
    async node(owner, name) {
      return nodeAt(owner, name);
    },
    putNode(owner, node, at, most) {
      return db.write(() => {
        db.exec('SAVEPOINT node');
        let fits = write(owner, node, at, most);
        const dropped = drop(owner, node.name, node.config.maxItems);
        fits &&= bytesOf(owner) <= most.bytes;
        db.exec(fits ? 'RELEASE node' : 'ROLLBACK TO node; RELEASE node');
        return fits ? { kind: 'written', dropped } : FULL;
      });
    },
    removeNode(owner, name) {
      return db.write(() => {
        for (const table of ['personal_item', 'personal_subscription'])
          db.prepare(`DELETE FROM ${table} WHERE owner = ? AND node = ?`).run(owner, name);
        return db.prepare('DELETE FROM personal_node WHERE owner = ? AND name = ?').run(owner, name).changes > 0;
      });
    },
    publish(owner, node, items, most) {
      const sealed = items.map((item) => ({ ...item, sealed: seal.close(item.payload ?? '', label(owner, node.name, item.id)) }));
      return db.write(() => {
        // What is replaced makes room: counted when it is done, and taken back when it is too much.
        db.exec('SAVEPOINT publish');
        let fits = write(owner, node, items[0]?.at ?? 0, most);
        for (const item of sealed) {
          remove(owner, node.name, item.id);
          db.prepare('INSERT INTO personal_item (owner, node, id, at, sealed) VALUES (?,?,?,?,?)').run(
            owner,
            node.name,
            item.id,
            Math.round(item.at),
            item.sealed,
          );
        }
        const dropped = drop(owner, node.name, node.config.maxItems);
        fits &&= bytesOf(owner) <= most.bytes;
        db.exec(fits ? 'RELEASE publish' : 'ROLLBACK TO publish; RELEASE publish');
        return fits ? { kind: 'written', dropped } : FULL;
      });
    },
    async ids(owner, name) {
      return db
        .prepare('SELECT id, at FROM personal_item WHERE owner = ? AND node = ? ORDER BY number')
        .all(owner, name)
        .map((row) => ({ id: text(row, 'id'), at: integer(row, 'at') }));
    },
    async items(owner, name, ids) {
      return db
        .prepare(`SELECT * FROM personal_item WHERE owner = ? AND node = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY number`)
        .all(owner, name, JSON.stringify(ids))
        .flatMap((row) => toItem(row, owner, name) ?? []);
    },
    latest(owner, name) {
      const row = db.prepare('SELECT * FROM personal_item WHERE owner = ? AND node = ? ORDER BY number DESC LIMIT 1').get(owner, name);
      return row && toItem(row, owner, name);
    },
    retract(owner, name, ids) {
      return db.write(() => ids.filter((id) => remove(owner, name, id)));
    },
    purge(owner, name) {
      return db.write(() => {
        db.prepare('DELETE FROM personal_item WHERE owner = ? AND node = ?').run(owner, name);
      });
    },

    async subscribers(owner, name) {
      return db
        .prepare('SELECT subscriber FROM personal_subscription WHERE owner = ? AND node = ? ORDER BY subscriber')
        .all(owner, name)
        .map((row) => text(row, 'subscriber'));
    },
    subscribe(owner, name, subscriber, at, most) {
      return db.write(() => {
        const others = db
          .prepare('SELECT count(*) AS n FROM personal_subscription WHERE owner = ? AND node = ? AND subscriber <> ?')
          .get(owner, name, subscriber);
        if (others !== undefined && integer(others, 'n') >= most) return false;
        db.prepare('INSERT OR REPLACE INTO personal_subscription (owner, node, subscriber, at) VALUES (?,?,?,?)').run(
          owner,
          name,
          subscriber,
          Math.round(at),
        );
        return true;
      });
    },
    unsubscribe(owner, name, subscriber) {
      return db.write(
        () =>
          db.prepare('DELETE FROM personal_subscription WHERE owner = ? AND node = ? AND subscriber = ?').run(owner, name, subscriber)
            .changes > 0,
      );
    },

    async private(owner, name) {
      const row = db.prepare('SELECT sealed FROM private_xml WHERE owner = ? AND name = ?').get(owner, name);
      return row && seal.open(blob(row, 'sealed'), privateLabel(owner, name))?.toString('utf8');
    },
    putPrivate(owner, name, body, most) {
      const sealed = body === undefined ? undefined : seal.close(body, privateLabel(owner, name));
      return db.write(() => {
        if (sealed !== undefined && bytesOf(owner) + sealed.length > most.bytes) return FULL;
        if (sealed === undefined) db.prepare('DELETE FROM private_xml WHERE owner = ? AND name = ?').run(owner, name);
        else db.prepare('INSERT OR REPLACE INTO private_xml (owner, name, sealed) VALUES (?,?,?)').run(owner, name, sealed);
        return WRITTEN;
      });
    },
    forget(owner) {
      return db.write(() => removePersonal(db, owner));
    },
  };
}

/** Bound to its place: what was moved to another user or node does not open. */
function label(owner: string, node: string, id: string): string {
  return `personal ${owner}\0${node}\0${id}`;
}

function privateLabel(owner: string, name: string): string {
  return `private ${owner}\0${name}`;
}

function toNode(row: Row): PersonalNode {
  const config: NodeConfig = JSON.parse(text(row, 'config')); // written by write
  return { name: text(row, 'name'), config };
}
