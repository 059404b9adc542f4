// A backup while messages are accepted, and what can be made of it.

import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { passFence } from '../../../src/assembly/fence.ts';
import { restoreParts } from '../../../src/assembly/restore.ts';
import { SILENT } from '../../../src/log.ts';
import { backup } from '../../../src/ops/backup/backup.ts';
import { generationOf, judgeStart, thisMachine } from '../../../src/ops/backup/generation.ts';
import { lastBackup } from '../../../src/ops/backup/last.ts';
import { restoreCommand } from '../../../src/ops/backup/restore.ts';
import { readTar, TAR_END, tarHeader, tarPadding } from '../../../src/ops/backup/tar.ts';
import { runCommand } from '../../../src/ops/command.ts';
import type { Verb } from '../../../src/ops/verb.ts';
import { openAudit } from '../../../src/store/audit.ts';
import { snapshots } from '../../../src/store/backup.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { im } from '../../outbox/events.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { OPERATOR, operationsFor } from '../api/verbs.ts';
import { keep } from '../terminal.ts';

const root = mkdtempSync(join(tmpdir(), 'isthmus-backup-'));
after(() => rmSync(root, { recursive: true, force: true }));
let homes = 0;
const clock = new ManualClock();

/** A home that runs. */
function home(isthmus = '') {
  const dir = join(root, `home${(homes += 1)}`);
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text, { mode });
  };
  write('isthmus.yaml', isthmus);
  write('routes/domains.yaml', 'domains: { corp.example: { served: sip, nextHop: tls://fe.corp.example, acceptFrom: fe.corp.example } }\n');
  write('secrets/dash', 'a-secret-of-this-home', 0o600);
  write('certs/trust/edge/README.md', 'roots');
  const data = join(dir, 'var');
  const store = openStore({ folder: data, clock, mode: 'own' });
  const audit = openAudit(data);
  const run = (input: Record<string, unknown>, more: object = {}) => {
    const site = { actor: OPERATOR, signal: new AbortController().signal, line() {}, progress() {} };
    const verb: Verb = backup;
    return verb.run(
      { ...operationsFor(audit)(site), dir, clock, live: undefined, snapshots: async () => snapshots, ...more } as never,
      verb.input.parse(input),
    );
  };
  const archive = join(root, `${homes}.tar.gz`);
  const close = (): void => {
    store.close();
    audit.close();
  };
  return { dir, data, store, audit, run, archive, close };
}

const accept = (store: Store, number: number) =>
  store.outbox.accept({
    event: im(`m${number}`),
    dedupKey: Buffer.from(`k${number}`),
    acceptedAt: clock.now(),
    serviceNow: 0,
    serviceDeadline: 1e9,
    callId: `call-${number}`,
    fromTag: `tag-${number}`,
    stanzaId: `stanza-${number}`,
  });

async function restore(...args: string[]) {
  const terminal = keep(root);
  const code = await runCommand(
    restoreCommand({
      ...restoreParts(() => ({ message: { allowed: true, because: '' }, presence: { allowed: true, because: '' } })),
      now: () => clock.now(),
    }),
    args,
    terminal,
  );
  return { code, said: terminal.said(), complained: terminal.complained() };
}

const open: Store[] = [];
after(() => {
  for (const store of open) store.close();
});

test('what was acknowledged before the mark is in it, with the same identifiers, while more is accepted', async () => {
  const at = home();
  const before = 50;
  for (let i = 0; i < before; i += 1) await accept(at.store, i);
  at.store.outbox.written(1, clock.now(), 1, { network: 'sip', side: 'edge', domain: 'xmpp.example' } as never);
  at.store.flush();
  const waiting = new Map((await at.store.outbox.waiting()).map((row) => [row.row, row]));
  let stop = false;
  let more = before;
  const traffic = (async () => {
    while (!stop) await accept(at.store, (more += 1));
  })();
  const report = await at.run({ file: at.archive });
  stop = true;
  await traffic;
  assert.equal(report.exit, 0, report.text);
  assert.ok(more > before, 'nothing was accepted meanwhile');
  assert.equal(statSync(at.archive).mode & 0o777, 0o600);
  assert.equal(lastBackup(at.data)?.takenAt, new Date(clock.now()).toISOString());

  const into = join(root, 'standby1');
  clock.advance(90_000);
  const done = await restore(at.archive, '--into', into, '--why', 'drill');
  assert.equal(done.code, 0, done.complained);
  assert.match(done.said, /90 s of messages, decisions and changes/);
  at.close();
  const data = join(into, 'var');
  const store = openStore({ folder: data, clock, mode: 'own' });
  open.push(store);
  const restored = new Map((await store.outbox.waiting()).map((row) => [row.row, row]));
  for (const [row, { wire, state, id }] of waiting)
    assert.deepEqual([restored.get(row)?.wire, restored.get(row)?.state, restored.get(row)?.id], [wire, state, id]);
  assert.equal((await store.outbox.load(1))?.kind, 'im.sent');
  assert.equal((await accept(store, 5)).kind, 'duplicate', 'a copy of what was taken before is still a copy');
  const [line] = await openAudit(data).list({ limit: 1 });
  assert.deepEqual([line?.act, line?.why], ['restore', 'drill']);
});

test('private keys and secrets stay out unless asked for, and store.key when asked not to', async () => {
  const at = home();
  mkdirSync(join(at.dir, 'certs/own/main'), { recursive: true });
  writeFileSync(join(at.dir, 'certs/own/main/key.pem'), 'k');
  writeFileSync(join(at.dir, 'certs/own/main/odd-name.pem'), '-----BEGIN EC PRIVATE KEY-----\n');
  const names = async (input: Record<string, unknown>) => {
    rmSync(at.archive, { force: true });
    assert.equal((await at.run({ file: at.archive, ...input })).exit, 0);
    const found: string[] = [];
    for await (const { path, chunks } of readTar(Readable.from([gunzipSync(readFileSync(at.archive))]))) {
      found.push(path);
      for await (const _ of chunks);
    }
    return found;
  };
  const secret = ['home/certs/own/main/key.pem', 'home/certs/own/main/odd-name.pem', 'home/secrets/dash'];
  mkdirSync(join(at.data, '.backup-killed'));
  utimesSync(join(at.data, '.backup-killed'), 1, 1);
  const usual = await names({});
  assert.deepEqual(
    secret.filter((path) => usual.includes(path)),
    [],
  );
  assert.ok(usual.includes('data/store.key') && usual.includes('data/archive.key') && usual.at(-1) === 'manifest.json');
  assert.ok(!usual.some((path) => /isthmus\.owner|\.sock|generation|\.backup/.test(path)));
  const all = await names({ withKeys: true });
  assert.deepEqual(
    secret.filter((path) => all.includes(path)),
    secret,
  );
  const bare = await names({ withoutKeys: true });
  assert.ok(!bare.includes('data/store.key') && !bare.includes('data/archive.key'));
  assert.equal((await at.run({ file: at.archive, withKeys: true, withoutKeys: true })).exit, 2);
  assert.match((await at.run({ file: at.archive })).text, /is there already and is not overwritten/);
  assert.deepEqual(
    readdirSync(at.data).filter((name) => name.startsWith('.backup')),
    [],
    'the copy in between is gone',
  );
  at.close();
});

test('over the API a backup has a plain name in the data folder, and nothing else is written', async () => {
  const at = home();
  const live = { live: {} };
  for (const file of ['/etc/passwd', '../x', 'a/b', '.hidden', '-']) assert.equal((await at.run({ file }, live)).exit, 2, file);
  assert.equal((await at.run({ file: 'nightly.tar.gz' }, live)).exit, 0);
  assert.deepEqual(readdirSync(join(at.data, 'backups')), ['nightly.tar.gz']);
  at.close();
});

/** The archive with its files changed by hand. */
async function forge(
  path: string,
  change: (name: string, content: Buffer) => Buffer | undefined,
  extra: readonly [string, string][] = [],
): Promise<string> {
  const parts: Buffer[] = [];
  const add = (name: string, content: Buffer): void =>
    void parts.push(tarHeader({ path: name, size: content.length, mode: 0o600, changedAt: 0 }), content, tarPadding(content.length));
  for (const [name, text] of extra) add(name, Buffer.from(text));
  for await (const { path: name, chunks } of readTar(Readable.from([gunzipSync(readFileSync(path))]))) {
    const content: Buffer[] = [];
    for await (const chunk of chunks) content.push(Buffer.from(chunk));
    const changed = change(name, Buffer.concat(content));
    if (changed !== undefined) add(name, changed);
  }
  const forged = join(root, `forged${(homes += 1)}.tar.gz`);
  writeFileSync(forged, gzipSync(Buffer.concat([...parts, TAR_END])));
  return forged;
}

test('--verify says what it is, and finds what was changed, cut off, put in or left out', async () => {
  const at = home();
  for (let i = 0; i < 3; i += 1) await accept(at.store, i);
  await at.audit.append({ at: clock.now(), actor: OPERATOR, act: 'x', input: '{}', exit: 0 });
  await at.run({ file: at.archive });
  at.close();
  const good = await restore(at.archive, '--verify');
  assert.equal(good.code, 0, good.said);
  assert.match(
    good.said,
    /is whole and can be used\.\nmade by Isthmus \S+ on \S+, as of \S+, generation 1\n.*every SHA-256 is right\nrows: .*outbox 3.*; 3 messages wait; 1 line of audit log/,
  );
  const same = (_: string, content: Buffer) => content;
  const cases: readonly [string, RegExp][] = [
    [
      await forge(at.archive, (name, content) => (name === 'home/routes/domains.yaml' ? Buffer.from('domains: {}\n') : content)),
      /home\/routes\/domains\.yaml is not what was backed up/,
    ],
    [await forge(at.archive, (name, content) => (name === 'data/isthmus.db' ? undefined : content)), /data\/isthmus\.db is missing/],
    [
      await forge(at.archive, (name, content) => (name === 'manifest.json' ? undefined : content)),
      /it has no manifest\.json: the backup was cut off/,
    ],
    [
      await forge(at.archive, (name, content) =>
        name === 'manifest.json' ? Buffer.from(String(content).replace('"format": 1', '"format": 2')) : content,
      ),
      /the backup has format 2, this version reads 1/,
    ],
    [await forge(at.archive, same, [['home/routes/partners/evil.example.yaml', 'xmpp: {}']]), /was put in later/],
    [await forge(at.archive, same, [['home/../../etc/cron.d/x', 'x']]), /which no backup of Isthmus does/],
    [await forge(at.archive, same, [['/etc/cron.d/x', 'x']]), /which no backup of Isthmus does/],
    [await forge(at.archive, same, [['home/.git/config', 'x']]), /which no backup of Isthmus does/],
  ];
  const cut = join(root, 'cut.tar.gz');
  writeFileSync(cut, readFileSync(at.archive).subarray(0, 2000));
  const text = join(root, 'text.tar.gz');
  writeFileSync(text, 'hello');
  for (const [file, why] of [
    ...cases,
    [cut, /it ends early/] as const,
    [text, /it is no gzip file/] as const,
    [join(root, 'none'), /there is no such file/] as const,
  ]) {
    const answer = await restore(file, '--verify');
    assert.equal(answer.code, 1, `${why}`);
    assert.match(answer.said, why);
  }
  assert.equal(existsSync('/etc/cron.d/x'), false);
});

test('a damaged database is found although its hash is right', async () => {
  const at = home();
  for (let i = 0; i < 50; i += 1) await accept(at.store, i);
  at.close();
  const path = join(at.data, 'isthmus.db');
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 4096 * 3, 4096 * 6);
  writeFileSync(path, bytes);
  const report = await at.run({ file: at.archive });
  if (report.exit === 0) assert.equal((await restore(at.archive, '--verify')).code, 1);
  else assert.equal(report.exit, 2);
});

test('a home that runs, or a folder that is not empty, is not written over; --force moves it aside and keeps the newer audit log', async () => {
  const at = home();
  await at.audit.append({ at: clock.now(), actor: OPERATOR, act: 'before', input: '{}', exit: 0 });
  await at.run({ file: at.archive });
  await at.audit.append({ at: clock.now(), actor: OPERATOR, act: 'since', input: '{}', exit: 0 });
  for (const args of [
    ['--into', at.dir],
    ['--into', at.dir, '--force'],
  ]) {
    const answer = await restore(at.archive, ...args);
    assert.equal(answer.code, 2);
    assert.match(answer.complained, /a process runs with/);
  }
  at.close();
  assert.match((await restore(at.archive, '--into', at.dir)).complained, /is not empty; --force moves what is there aside/);
  const done = await restore(at.archive, '--into', at.dir, '--force');
  assert.equal(done.code, 0, done.complained);
  const aside = /what was there before is (\S+)/.exec(done.said)?.[1] ?? '';
  assert.ok(existsSync(join(aside, 'secrets/dash')), 'nothing is deleted');
  const audit = openAudit(at.data);
  assert.deepEqual(
    (await audit.list({ limit: 9 })).map((line) => line.act),
    ['restore', 'since', 'before'],
  );
  assert.equal((await audit.verify()).whole, true);
  audit.close();
});

test('what a restore that was killed has left, keys and all, is gone after the next one', async () => {
  const at = home();
  await at.run({ file: at.archive });
  at.close();
  const killed = join(root, '.standby7-restoring-abc');
  mkdirSync(killed);
  utimesSync(killed, 1, 1);
  const atWork = join(root, '.standby7-restoring-def');
  mkdirSync(atWork);
  const now = clock.now() / 1000;
  utimesSync(atWork, now, now);
  assert.equal((await restore(at.archive, '--into', join(root, 'standby7'))).code, 0);
  assert.deepEqual([existsSync(killed), existsSync(atWork)], [false, true]);
});

test('a restored home starts only with --takeover, which counts the generation up, once', async () => {
  const at = home();
  await at.run({ file: at.archive });
  at.close();
  const into = join(root, 'standby2');
  await restore(at.archive, '--into', into);
  const data = join(into, 'var');
  assert.throws(
    () => passFence(data, false, clock, SILENT),
    /was restored at .* from a backup that .* made at .*\n.*\n.*isthmus start --takeover/s,
  );
  await passFence(data, true, clock, SILENT).begin();
  assert.equal(generationOf(data)?.generation, 2);
  const audit = openAudit(data);
  const [line] = await audit.list({ limit: 1 });
  assert.equal(line?.act, 'takeover');
  assert.match(line?.changes ?? '', /^generation 2: this home was restored at/);
  await passFence(data, false, clock, SILENT).begin();
  assert.equal((await audit.list({ limit: 1 }))[0]?.number, line?.number, 'a usual start is no takeover');
  audit.close();
});

test('a home that another machine ran is refused without --takeover; the same machine, and machines without an id, are not', () => {
  const [a, b] = [
    { id: 'a'.repeat(32), host: 'edge1' },
    { id: 'b'.repeat(32), host: 'edge2' },
  ];
  const first = judgeStart(undefined, a, false, 0);
  assert.ok(first.may);
  assert.ok(judgeStart(first.next, a, false, 1000).may);
  const other = judgeStart(first.next, b, false, 90_000);
  assert.ok(!other.may && /last run by another machine: edge1, 90 s ago/.test(other.why));
  const taken = judgeStart(first.next, b, true, 90_000);
  assert.ok(taken.may && taken.next.generation === 2 && taken.next.host === 'edge2');
  assert.ok(judgeStart(first.next, { id: undefined, host: 'container' }, false, 1000).may);
  writeFileSync(join(root, 'machine-id'), `${'c'.repeat(32)}\n`);
  assert.match(thisMachine(join(root, 'machine-id')).id ?? '', /^[0-9a-f]{32}$/);
  assert.notEqual(thisMachine(join(root, 'machine-id')).id, 'c'.repeat(32));
  assert.equal(thisMachine(join(root, 'no-such-file')).id, undefined);
});

test('a process whose home another one has taken over notices, stops, and leaves the mark of the other alone', async () => {
  const data = join(root, 'shared');
  mkdirSync(data);
  const [here, there] = [
    { id: 'a'.repeat(32), host: 'edge1' },
    { id: 'b'.repeat(32), host: 'edge2' },
  ];
  const first = passFence(data, false, clock, SILENT, here);
  await first.begin();
  let lost = 0;
  const watch = first.watch(() => void (lost += 1));
  clock.advance(60_000);
  assert.equal(lost, 0);
  assert.throws(() => passFence(data, false, clock, SILENT, there), /last run by another machine: edge1/);
  await passFence(data, true, clock, SILENT, there).begin();
  clock.advance(5000);
  assert.equal(lost, 1);
  first.mark();
  assert.deepEqual([generationOf(data)?.host, generationOf(data)?.generation], ['edge2', 2]);
  clock.advance(60_000);
  assert.equal(lost, 1);
  watch.stop();
});

test('data: elsewhere is restored there, and only when it is free', async () => {
  const elsewhere = join(root, 'elsewhere');
  const at = home();
  writeFileSync(join(at.dir, 'isthmus.yaml'), `data: ${elsewhere}\n`);
  cpSync(at.data, elsewhere, { recursive: true });
  at.close();
  await at.run({ file: at.archive });
  const into = join(root, 'standby3');
  assert.match((await restore(at.archive, '--into', into)).complained, /elsewhere is not empty/);
  const done = await restore(at.archive, '--into', into, '--force');
  assert.equal(done.code, 0, done.complained);
  assert.match(done.said, /restored into \S+standby3 and \S+elsewhere\n/);
  assert.ok(existsSync(join(elsewhere, 'isthmus.db')) && !existsSync(join(into, 'var')));
});

test('a backup into a folder that is not there is refused in words, and leaves nothing behind', async () => {
  const at = home();
  const into = join(root, 'nowhere', 'x.tar.gz');
  const report = await at.run({ file: into });
  assert.equal(report.exit, 2);
  assert.match(report.text, /x\.tar\.gz\.part could not be written: ENOENT/);
  assert.deepEqual(
    readdirSync(at.data).filter((name) => name.startsWith('.backup-')),
    [],
  );
  at.close();
});
