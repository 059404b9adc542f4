// The archive of the organisation, on tables `archive` and `archive_party`: one row for each message, sealed with the key of the
// records (var/records.key) and bound to its id, sender and recipient. In clear stands what a look by person, domain and time
// needs. Rows are looked at in bounded steps, in the order in which they were written, so that messages pass between two of them.

import { type ArchiveFilter, type ArchiveLine, type ArchiveRecord, type ArchiveStore, type HoldStore, isHeld } from '../model/archive.ts';
import { lastNumber } from './archive-spans.ts';
import { type Light, SCOPES, STEP, stepOf, steps, turn } from './archive-walk.ts';
import { blob, integer } from './column.ts';
import { type Database, isDisk } from './database.ts';
import { folded } from './history.ts';
import type { Seal } from './seal.ts';

/** Rows that are opened in one turn of the event loop. */
const OPEN_STEP = 200;
/** Rows that change in one transaction. */
const WRITE_STEP = 150;
/** A clock that steps back by less than this is waited for. */
const STEP_BACK_MS = 3_600_000;

/** Opens nothing of its own; the tables are of migration 011. @param seal asked when it is first needed, of the records */
export function archiveTable(db: Database, seal: () => Seal, holds: Pick<HoldStore, 'inForce'>): ArchiveStore {
  const newest = db.prepare('SELECT at FROM archive ORDER BY number DESC LIMIT 1').get();
  let lastAt = newest === undefined ? 0 : integer(newest, 'at');

  const partyOrNew = (address: string): number => {
    const row = db.prepare('SELECT number FROM archive_party WHERE address = ?').get(address);
    return row ? integer(row, 'number') : Number(db.prepare('INSERT INTO archive_party (address) VALUES (?)').run(address).lastInsertRowid);
  };
  const line =
    ({ id, at, scope, from, to, event }: ArchiveRecord): (() => void) =>
    () => {
      const sealed = seal().close(JSON.stringify(event), label(id, from, to));
      const now = Math.round(at);
      const stepped = now < lastAt - STEP_BACK_MS;
      const noted = stepped ? now : Math.max(now, lastAt);
      const { changes, lastInsertRowid } = db
        .prepare('INSERT INTO archive (id, at, scope, sender, recipient, sealed) VALUES (?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING')
        .run(id, noted, SCOPES.indexOf(scope), partyOrNew(from), partyOrNew(to), sealed);
      if (changes === 0) return;
      if (stepped) db.prepare('INSERT INTO archive_step (first) VALUES (?)').run(lastInsertRowid);
      lastAt = noted;
    };
  const opened = (light: Light): ArchiveLine => {
    const { exported: _, ...rest } = light;
    const row = db.prepare('SELECT sealed FROM archive WHERE number = ?').get(light.number);
    const clear = row && seal().open(blob(row, 'sealed'), label(light.id, light.from, light.to));
    return clear === undefined ? rest : { ...rest, event: JSON.parse(clear.toString('utf8')) }; // written by line, and sealed since
  };
  const sorted = (lines: readonly Light[]): { readonly gone: readonly Light[]; readonly removed: number; readonly held: number } => {
    const keeping = holds.inForce();
    const gone = lines.filter(({ from, to, at }) => !isHeld(keeping, from, to, at));
    return { gone, removed: gone.length, held: lines.length - gone.length };
  };
  /** Holds are asked inside the transaction: one that was added a moment before counts. */
  const remove = (lines: readonly Light[]): { readonly removed: number; readonly held: number } => {
    const { gone, ...counts } = sorted(lines);
    for (const { number } of gone) db.prepare('DELETE FROM archive WHERE number = ?').run(number);
    forgetParties(db, new Set(gone.flatMap(({ from, to }) => [from, to])));
    return counts;
  };
  const removeAll = async (
    filter: ArchiveFilter,
    fits: (line: Light) => boolean,
    dry = false,
  ): Promise<{ removed: number; held: number }> => {
    const sum = { removed: 0, held: 0 };
    const last = lastNumber(db);
    for (let after = 0; ; ) {
      const step = stepOf(db, filter, { after, last, limit: WRITE_STEP });
      const wanted = step.lines.filter(fits);
      const { removed, held } = dry || wanted.length === 0 ? sorted(wanted) : await db.write(() => remove(wanted));
      sum.removed += removed;
      sum.held += held;
      if (step.next === undefined) return sum;
      after = step.next;
      await turn();
    }
  };

  return {
    async append(record) {
      await db.write(line(record));
    },
    line: (record, spare) => {
      const write = line(record);
      return () => {
        try {
          write();
        } catch (error) {
          // A disk that fails may have ended the transaction already: nothing more may be written in it.
          if (spare === undefined || isDisk(error)) throw error;
          spare(error);
        }
      };
    },
    async page(filter, after, limit) {
      const lines: ArchiveLine[] = [];
      const last = lastNumber(db);
      for (let from: number | undefined = after; from !== undefined; ) {
        const step = stepOf(db, filter, { after: from, last, limit: STEP });
        for (const light of step.lines) {
          if (lines.length === limit) return lines;
          lines.push(opened(light));
        }
        from = step.next;
        if (from !== undefined && lines.length < limit) await turn();
      }
      return lines;
    },
    async find(filter, words, limit, first) {
      const wanted = words.map(folded).filter((one) => one !== '');
      const lines: ArchiveLine[] = [];
      for (let before: number | undefined = first === undefined ? Number.MAX_SAFE_INTEGER : first - 1; before !== undefined; ) {
        const step = stepOf(db, filter, { after: 0, last: before, limit: OPEN_STEP, newest: true });
        for (const light of step.lines) {
          const found = opened(light);
          if (!says(found, wanted)) continue;
          if (lines.length === limit) return { lines, more: true };
          lines.push(found);
        }
        before = step.next;
        if (before !== undefined) await turn();
      }
      return { lines, more: false };
    },
    async count(filter) {
      let n = 0;
      for await (const step of steps(db, filter)) n += step.length;
      return n;
    },
    async last() {
      return lastNumber(db);
    },
    async size() {
      let [lines, bytes] = [0, 0];
      const last = lastNumber(db);
      for (let from = 0; from < last; ) {
        const sql = 'SELECT number, at, length(sealed) AS bytes FROM archive WHERE number > ? AND number <= ? ORDER BY number LIMIT ?';
        const found = db.prepare(sql).all(from, last, STEP);
        for (const row of found) bytes += integer(row, 'bytes');
        lines += found.length;
        if (found.length < STEP) break;
        from = integer(found.at(-1)!, 'number'); // there is at least one
        await turn();
      }
      return { lines, bytes, ...edges(db) };
    },
    async exported(filter, upTo) {
      for await (const step of steps(db, filter, upTo))
        for (let i = 0; i < step.length; i += WRITE_STEP)
          await db.write(() => {
            for (const { number } of step.slice(i, i + WRITE_STEP))
              db.prepare('UPDATE archive SET exported = 1 WHERE number = ?').run(number);
          });
    },
    async lastPurge() {
      const row = db.prepare('SELECT at, before, removed, held FROM archive_purge').get();
      return (
        row && { at: integer(row, 'at'), before: integer(row, 'before'), removed: integer(row, 'removed'), held: integer(row, 'held') }
      );
    },
    async purge(before, onlyExported, now) {
      const up = Math.ceil(before);
      const dry = now === undefined;
      const { removed, held } = await removeAll({ until: up - 1 }, ({ exported }) => exported || !onlyExported, dry);
      if (dry) return { removed, held };
      await db.write(() =>
        db
          .prepare('INSERT OR REPLACE INTO archive_purge (one, at, before, removed, held) VALUES (1,?,?,?,?)')
          .run(Math.round(now), up, removed, held),
      );
      return { removed, held };
    },
    erase: (user) => removeAll({ user }, () => true),
  };
}

/** Addresses that stand in no row any more. */
function forgetParties(db: Database, addresses: ReadonlySet<string>): void {
  for (const address of addresses)
    db.prepare(
      `DELETE FROM archive_party WHERE address = ? AND NOT EXISTS (SELECT 1 FROM archive WHERE sender = archive_party.number)
       AND NOT EXISTS (SELECT 1 FROM archive WHERE recipient = archive_party.number)`,
    ).run(address);
}

function edges(db: Database): { readonly oldestAt?: number; readonly newestAt?: number } {
  const [oldest, newest] = ['ASC', 'DESC'].map((order) => db.prepare(`SELECT at FROM archive ORDER BY number ${order} LIMIT 1`).get());
  return oldest === undefined || newest === undefined ? {} : { oldestAt: integer(oldest, 'at'), newestAt: integer(newest, 'at') };
}

function says({ event }: ArchiveLine, words: readonly string[]): boolean {
  if (event === undefined) return false;
  const all = folded(event.subject === undefined ? event.body : `${event.subject}\n${event.body}`);
  return words.every((one) => all.includes(one));
}

/** Bound to its place: a line that was given another sender does not open. */
function label(id: string, from: string, to: string): string {
  return `archive\0${id}\0${from}\0${to}`;
}
