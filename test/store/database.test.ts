import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreError } from '../../src/model/outbox-store.ts';
import { Database } from '../../src/store/database.ts';

function open(): { readonly db: Database; [Symbol.dispose](): void } {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-db-'));
  const db = new Database(join(folder, 'x.db'));
  db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, filler BLOB) STRICT');
  return {
    db,
    [Symbol.dispose]() {
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}
const insert = (db: Database, n: number, bytes = 0) => db.write(() => db.prepare('INSERT INTO t VALUES (?, zeroblob(?))').run(n, bytes));
const rows = (db: Database): unknown[] =>
  db
    .prepare('SELECT n FROM t ORDER BY n')
    .all()
    .map((row) => row.n);

test('writes of one turn are one commit; a write of the next turn is another', async () => {
  using at = open();
  await Promise.all([1, 2, 3].map((n) => insert(at.db, n)));
  assert.equal(at.db.stats().groups, 1);
  await insert(at.db, 4);
  assert.equal(at.db.stats().groups, 2);
  assert.deepEqual(rows(at.db), [1, 2, 3, 4]);
});

test('a promise resolves after the commit, not before', async () => {
  using at = open();
  const written = insert(at.db, 1);
  assert.deepEqual(rows(at.db), []);
  await written;
  assert.deepEqual(rows(at.db), [1]);
});

test('one bad write fails alone; its neighbours are kept', async () => {
  using at = open();
  const results = await Promise.allSettled([1, 1, 2].map((n) => insert(at.db, n)));
  assert.deepEqual(
    results.map((one) => one.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(rows(at.db), [1, 2]);
  assert.equal(at.db.stats().failures, 1);
});

test('a full disk fails the whole group by STORE_FULL, keeps what was there, and works again with space', async () => {
  using at = open();
  await insert(at.db, 1);
  at.db.exec('PRAGMA max_page_count = 20');
  const results = await Promise.allSettled([insert(at.db, 2, 400_000), insert(at.db, 3)]);
  for (const one of results) {
    assert.ok(one.status === 'rejected' && one.reason instanceof StoreError && one.reason.reason.code === 'STORE_FULL');
  }
  at.db.exec('PRAGMA max_page_count = 2000');
  await insert(at.db, 4);
  assert.deepEqual(rows(at.db), [1, 4]);
});

test('lazy writes wait for company, survive a full disk, and come before a write that asks for them', async () => {
  using at = open();
  at.db.exec('PRAGMA max_page_count = 20');
  at.db.lazy(() => at.db.prepare('INSERT INTO t VALUES (1, zeroblob(400000))').run());
  await insert(at.db, 2);
  assert.deepEqual(rows(at.db), [2], 'a durable write does not wait for lazy ones');
  at.db.flush();
  assert.equal(at.db.backlog, 1, 'kept');
  at.db.exec('PRAGMA max_page_count = 2000');
  const seen = await at.db.write(() => rows(at.db), true);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(at.db.backlog, 0);
});

test('a lazy write that can never succeed is dropped and does not stop the others', async () => {
  using at = open();
  at.db.lazy(() => at.db.prepare('INSERT INTO t VALUES (1, NULL)').run());
  at.db.lazy(() => at.db.prepare(`INSERT INTO t VALUES ('no number', NULL)`).run());
  at.db.flush();
  assert.deepEqual(rows(at.db), [1]);
  assert.equal(at.db.backlog, 0);
});
