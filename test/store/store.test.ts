import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StoreError } from '../../src/model/outbox-store.ts';
import { openStore } from '../../src/store/store.ts';
import { im } from '../outbox/events.ts';
import { storeConformance } from './conformance.ts';
import { type TempStore, tempStore } from './temp-store.ts';

storeConformance('sqlite', () => tempStore());

const accept = (temp: TempStore, id: string, body = 'a body that nobody may read') =>
  temp.store.outbox.accept({
    event: im(id, { body }),
    acceptedAt: 1,
    serviceNow: 0,
    serviceDeadline: 1000,
    callId: `c-${id}`,
    fromTag: 't',
    stanzaId: id,
  });

const textOf = (error: unknown): string => (error instanceof StoreError ? error.reason.text : `no StoreError: ${String(error)}`);

test('no body can be read in the files, neither while it waits nor after it has ended', async () => {
  await using temp = tempStore();
  const accepted = await accept(temp, 'a');
  assert.ok(accepted.kind === 'accepted');
  const files = (): string => ['isthmus.db', 'isthmus.db-wal'].map((name) => readFileSync(join(temp.folder, name), 'latin1')).join('');
  assert.ok(files().includes('c-a'), 'the row is there');
  assert.ok(!files().includes('nobody may read'));
  temp.store.outbox.delivered({ row: accepted.row.row, state: 'delivered', at: 2, attempts: 1 });
  temp.store.flush();
  const db = new DatabaseSync(join(temp.folder, 'isthmus.db'));
  assert.equal(db.prepare('SELECT count(*) AS n FROM outbox').get()?.n, 0);
  db.close();
});

test('the key is made once, readable by its owner only, and put right when it is not', async () => {
  await using temp = tempStore();
  const key = join(temp.folder, 'store.key');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.deepEqual(temp.store.remarks, []);
  const { chmodSync } = await import('node:fs');
  chmodSync(key, 0o644);
  assert.match(temp.reopen().remarks[0]?.text ?? '', /could be read by others/);
  assert.equal(statSync(key).mode & 0o777, 0o600);
});

test('a key that is none stops the start; one that is gone is said so', async () => {
  await using temp = tempStore();
  await accept(temp, 'a');
  const key = join(temp.folder, 'store.key');
  temp.store.close();
  writeFileSync(key, 'short');
  assert.throws(
    () => openStore({ folder: temp.folder, clock: temp.clock, mode: 'own' }),
    (error) => /5 bytes where a key has 32/.test(textOf(error)),
  );
  const { rmSync } = await import('node:fs');
  rmSync(key);
  const store = temp.reopen();
  assert.match(store.remarks[0]?.text ?? '', /was gone and is new/);
  assert.equal(await store.outbox.load(1), undefined);
});

test('a second Isthmus with the same home is refused, a visitor is not', async () => {
  await using temp = tempStore();
  const options = { folder: temp.folder, clock: temp.clock } as const;
  assert.throws(
    () => openStore({ ...options, mode: 'own' }),
    (error) => /another Isthmus runs with this home/.test(textOf(error)),
  );
  await temp.store.requests.put({ id: 'r1', from: 'a@b', to: 'c@d', kind: 'message', event: new Uint8Array([1]), createdAt: 1 });
  const visitor = openStore({ ...options, mode: 'visit' });
  assert.equal((await visitor.requests.list()).length, 1);
  await visitor.requests.decide('r1', 'approved');
  assert.equal((await temp.store.requests.decided()).length, 1, 'the running process sees the decision');
  visitor.close();
});

test('a visitor is told when there is nothing to visit', () => {
  assert.throws(
    () => openStore({ folder: '/nowhere/at/all', clock: tempClock, mode: 'visit' }),
    (error) => /has not been started yet/.test(textOf(error)),
  );
});
const tempClock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel() {} }) };

test('a database of a newer Isthmus is left alone', async () => {
  await using temp = tempStore();
  temp.store.close();
  const db = new DatabaseSync(join(temp.folder, 'isthmus.db'));
  const { user_version: ours } = db.prepare('PRAGMA user_version').get()!;
  db.exec('PRAGMA user_version = 999');
  db.close();
  for (const mode of ['own', 'visit'] as const) {
    assert.throws(
      () => openStore({ folder: temp.folder, clock: temp.clock, mode }),
      (error) => /shape 999/.test(textOf(error)),
    );
  }
  const again = new DatabaseSync(join(temp.folder, 'isthmus.db'));
  again.exec(`PRAGMA user_version = ${ours}`);
  again.close();
  temp.reopen();
});

test('a log whose end is cut or damaged opens, and says how much is left out', async () => {
  for (const harm of ['cut', 'flip'] as const) {
    await using temp = tempStore();
    for (let i = 0; i < 20; i += 1) await accept(temp, `m${i}`);
    temp.crash();
    temp.store.close();
    // The copy of a living database: its log is not checkpointed.
    await using source = tempStore();
    for (let i = 0; i < 20; i += 1) await accept(source, `m${i}`);
    const wal = join(source.folder, 'isthmus.db-wal');
    const log = readFileSync(wal);
    if (harm === 'flip') log[log.length - 100] = (log[log.length - 100] ?? 0) ^ 0xff;
    writeFileSync(wal, harm === 'cut' ? log.subarray(0, log.length - 5000) : log);
    const store = source.crash();
    const waiting = await store.outbox.waiting();
    assert.ok(waiting.length >= 18 && waiting.length < 20, `${harm}: ${waiting.length} rows`);
    assert.match(store.remarks[0]?.text ?? '', /after its last good commit/);
    for (const { row, id } of waiting) assert.equal((await store.outbox.load(row))?.id, id);
    temp.reopen();
  }
});

test('a damaged database is set aside, what can be read is carried over, and nothing of it is garbage', async () => {
  await using temp = tempStore();
  for (let i = 0; i < 200; i += 1) await accept(temp, `m${i}`, 'x'.repeat(500));
  temp.store.close();
  const path = join(temp.folder, 'isthmus.db');
  const file = readFileSync(path);
  file.fill(0xa5, file.length - 40 * 4096, file.length - 30 * 4096);
  writeFileSync(path, file);
  const store = temp.reopen();
  const remark = store.remarks.find((one) => one.what === 'damage')?.text ?? '';
  assert.match(remark, /the database was damaged .* rows were carried over/);
  const waiting = await store.outbox.waiting();
  for (const { row, id } of waiting) {
    const event = await store.outbox.load(row);
    assert.ok(event === undefined || event.id === id);
  }
  assert.equal((await accept(temp, 'after')).kind, 'accepted');
});

test('a file that is no database at all is set aside too', async () => {
  await using temp = tempStore();
  temp.store.close();
  writeFileSync(join(temp.folder, 'isthmus.db'), 'this is no database, it is a shopping list, and quite a long one at that'.repeat(20));
  const store = temp.reopen();
  assert.match(store.remarks[0]?.text ?? '', /was damaged/);
  assert.equal((await accept(temp, 'a')).kind, 'accepted');
});

test('retention: old ledger lines, decisions and requests go step by step', async () => {
  await using temp = tempStore();
  const now = temp.clock.now();
  for (let i = 0; i < 1500; i += 1) {
    void temp.store.outbox
      .accept({
        event: im(`m${i}`),
        acceptedAt: now - 1000,
        serviceNow: 0,
        serviceDeadline: 1,
        callId: 'c',
        fromTag: 't',
        stanzaId: `m${i}`,
      })
      .then(
        (one) => one.kind === 'accepted' && temp.store.outbox.delivered({ row: one.row.row, state: 'delivered', at: now, attempts: 1 }),
      );
  }
  await accept(temp, 'last');
  await temp.store.expire({ ledgerMs: 500, decisionsMs: 500, requestsMs: 500, historyMs: 500 });
  const counts = await temp.store.ledger.counts();
  assert.equal(counts.delivered, 0);
  assert.equal(counts.accepted, 1);
});
