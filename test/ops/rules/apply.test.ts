import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { AppliedError, AppliedSets, belongsToSet, setOf, withSet } from '../../../src/config/applied.ts';
import { readHomeFiles } from '../../../src/config/files.ts';
import { RulesWorld } from './world.ts';

const NEW = 'routes/partners/new.example.yaml';

test('apply while nothing runs: the set is kept, the next start runs it, and files that differ are named', async () => {
  using world = new RulesWorld();
  world.write(NEW, 'note: one\n');
  const applied = await world.run('apply', {}, 'ticket 1');
  assert.equal(applied.exit, 0, applied.text);
  assert.match(applied.text, /^set 1 \(.*\) is accepted; nothing runs with this home, the next start uses it$/m);
  world.write(NEW, 'note: two\n');
  world.write('routes/partners/bad.example.yaml', 'nte: x\n');
  const { loaded, set, said, differing } = world.accepted();
  assert.ok(loaded.ok, 'a typing error that was never applied does not keep the edge from starting');
  assert.equal(set, 1);
  assert.deepEqual(differing, ['routes/partners/bad.example.yaml', NEW]);
  assert.match(said ?? '', /running set 1.*not applied: .*bad\.example\.yaml.*isthmus plan/);
  assert.ok(loaded.table.partners.has('new.example'));
  assert.ok(!loaded.table.partners.has('bad.example'));
});

test('a set never holds certificates, keys or secrets', () => {
  for (const path of [
    'certs/own/a/key.pem',
    'certs/trust/edge/a.pem',
    'secrets/a',
    'certs/revoked/refused.yaml',
    'routes/README.md',
    'var/x',
  ])
    assert.equal(belongsToSet(path), false, path);
  for (const path of ['isthmus.yaml', 'routes/policy.yaml', 'routes/partners/a.example.yaml', 'routes/traders.csv', 'certs/acme.yaml'])
    assert.equal(belongsToSet(path), true, path);
  using world = new RulesWorld();
  mkdirSync(join(world.dir, 'secrets'), { recursive: true });
  writeFileSync(join(world.dir, 'secrets/chat-component'), 'hidden', { mode: 0o600 });
  const set = setOf(readHomeFiles(world.dir));
  assert.ok(!JSON.stringify([...set]).includes('hidden'));
  assert.ok(![...withSet(readHomeFiles(world.dir), set).keys()].some((path) => path.startsWith('certs/trust/partners/')));
});

test('apply asks the running process, which checks, keeps and swaps; the audit log has one line with who and why', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  world.write(NEW, 'note: one\n');
  assert.ok(!rules.table().partners.has('new.example'), 'a saved file is not in force');
  const report = await world.run('apply', {}, 'ticket 7');
  assert.equal(report.exit, 0, report.text);
  assert.match(report.text, /^set 2 \(.*\) is in force\n {2}\+ partner new\.example \(routes\/partners\/new\.example\.yaml:1\)$/m);
  assert.ok(rules.table().partners.has('new.example'));
  assert.equal(world.changes, 1);
  const audit = await world.run('audit list', { act: 'apply' });
  assert.equal((audit.text.match(/: apply/g) ?? []).length, 1, audit.text);
  assert.match(audit.text, /because: ticket 7/);
});

test('a set with a fault, or whose tests do not hold, changes nothing', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  const before = rules.table();
  for (const [path, text] of [
    [NEW, 'xmpp: { prof: dialback }\n'],
    ['routes/policy.yaml', `${world.read('routes/policy.yaml')}  - { from: eve@spam.example, to: nora@corp.example, message: allow }\n`],
  ] as const) {
    const old = existsSync(join(world.dir, path)) ? world.read(path) : undefined;
    world.write(path, text);
    const report = await world.run('apply');
    assert.equal(report.exit, 2);
    assert.match(report.text, /fault:.*\n.*what was in force stays in force/);
    assert.equal(rules.table(), before);
    assert.ok(world.told.some(({ event }) => event === 'rules.rejected'));
    if (old === undefined) rmSync(join(world.dir, path));
    else world.write(path, old);
  }
  assert.equal(new AppliedSets(join(world.dir, 'var')).currentNumber(), 1);
});

test('apply --dry-run says what would change and changes nothing', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  world.write(NEW, '');
  const report = await world.run('apply', { dryRun: true });
  assert.match(report.text, /would be accepted; one file differs\n {2}\+ partner new\.example/);
  assert.ok(!rules.table().partners.has('new.example'));
});

test('SIGHUP takes the files; a start keeps the files as the first set', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  assert.equal(new AppliedSets(join(world.dir, 'var')).current()?.by, 'start');
  world.write(NEW, '');
  assert.equal(rules.reload(), true);
  assert.ok(rules.table().partners.has('new.example'));
  assert.equal(new AppliedSets(join(world.dir, 'var')).current()?.by, 'SIGHUP');
});

test('a start under reload: onApply keeps to the set and tells which files differ; under onChange it takes the files', async () => {
  using world = new RulesWorld();
  world.start();
  world.stop();
  world.write(NEW, '');
  assert.ok(!world.start().table().partners.has('new.example'));
  assert.deepEqual(
    world.told.filter(({ event }) => event === 'rules.differ').map(({ set, files }) => [set, files]),
    [[1, [NEW]]],
  );
  world.stop();
  world.write('isthmus.yaml', world.read('isthmus.yaml').replace('reload: onApply', 'reload: onChange'));
  await world.run('apply');
  world.write('routes/partners/more.example.yaml', '');
  assert.ok(world.start().table().partners.has('more.example'));
  assert.equal(
    world.accepted().loaded.ok && new AppliedSets(join(world.dir, 'var')).current()?.files.has('routes/partners/more.example.yaml'),
    true,
  );
});

test('undo: the set before is in force, the files are put back, and the diff says so', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  const policy = world.read('routes/policy.yaml');
  world.write('routes/policy.yaml', policy.replace('federation: closed', 'federation: discovered'));
  world.write(NEW, 'note: one\n');
  await world.run('apply');
  assert.equal(rules.table().policy.federation, 'discovered');
  const report = await world.run('undo', {}, 'wrong');
  assert.equal(report.exit, 0, report.text);
  assert.equal(rules.table().policy.federation, 'closed');
  assert.ok(!rules.table().partners.has('new.example'));
  assert.equal(world.read('routes/policy.yaml'), policy);
  assert.ok(!existsSync(join(world.dir, NEW)));
  assert.match(report.text, /^-federation: discovered/m);
  assert.equal(world.accepted().differing.length, 0);
  const again = await world.run('undo');
  assert.equal(again.exit, 2);
  assert.match(again.text, /set 1 .* is the first one/);
});

test('undo does not throw away what was never applied: it refuses, or saves it aside', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  world.write(NEW, 'note: one\n');
  await world.run('apply');
  world.write(NEW, 'note: two\n');
  const refused = await world.run('undo');
  assert.equal(refused.exit, 2);
  assert.match(refused.text, /never applied:\n {2}routes\/partners\/new\.example\.yaml/);
  assert.ok(rules.table().partners.has('new.example'), 'nothing was undone');
  assert.equal(world.read(NEW), 'note: two\n');
  const kept = await world.run('undo', { keepFiles: true });
  assert.equal(kept.exit, 0);
  assert.ok(!rules.table().partners.has('new.example'));
  assert.equal(world.read(NEW), 'note: two\n');
  await world.run('apply');
  world.write(NEW, 'note: three\n');
  assert.equal((await world.run('undo', { force: true })).exit, 0);
  const applied = join(world.dir, 'var/applied');
  const aside = readdirSync(applied).find((name) => name.startsWith('aside-'));
  assert.ok(aside !== undefined);
  assert.equal(readFileSync(join(applied, aside, NEW), 'utf8'), 'note: three\n');
});

test('undo while nothing runs', async () => {
  using world = new RulesWorld();
  await world.run('apply');
  world.write(NEW, '');
  await world.run('apply');
  assert.equal((await world.run('undo')).exit, 0);
  assert.equal(world.accepted().set, 1);
  assert.ok(!existsSync(join(world.dir, NEW)));
});

test('a crash between keeping a set and pointing at it leaves the old one in force', () => {
  using world = new RulesWorld();
  const sets = new AppliedSets(join(world.dir, 'var'));
  sets.accept(new Map([['isthmus.yaml', 'a: 1\n']]), { at: 1, by: 'x' });
  // The pointer cannot be replaced: a folder stands where its new text is to come.
  rmSync(join(sets.folder, 'current'));
  mkdirSync(join(sets.folder, 'current/inside'), { recursive: true });
  assert.throws(() => sets.accept(new Map([['isthmus.yaml', 'a: 2\n']]), { at: 2, by: 'x' }), AppliedError);
  rmSync(join(sets.folder, 'current'), { recursive: true });
  writeFileSync(join(sets.folder, 'current'), '1\n');
  assert.equal(sets.current()?.files.get('isthmus.yaml'), 'a: 1\n');
  assert.deepEqual(
    readdirSync(sets.folder).filter((name) => name.includes('new')),
    [],
  );
  // The set that was kept and never in force takes no number away.
  assert.equal(sets.accept(new Map([['isthmus.yaml', 'a: 3\n']]), { at: 3, by: 'x' }).before, 1);
});

test('a set that cannot be kept does not take effect', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  const before = rules.table();
  rmSync(join(world.dir, 'var/applied'), { recursive: true });
  world.write('var/applied', 'a file where the folder was');
  world.write(NEW, '');
  const report = await world.run('apply');
  assert.equal(report.exit, 2);
  assert.match(report.text, /var\/applied cannot be written/);
  assert.equal(rules.table(), before);
});

test('two at once: the second is told to try again; a lock left behind by a process that is gone does not count', () => {
  using world = new RulesWorld();
  const sets = new AppliedSets(join(world.dir, 'var'), 40);
  sets.locked(() => assert.throws(() => sets.locked(() => assert.fail('two at once')), /somebody else is changing the rules/));
  writeFileSync(join(sets.folder, 'lock'), '4194303\n');
  assert.equal(
    sets.locked(() => 'done'),
    'done',
  );
});

test('a damaged set is told, and apply replaces it', async () => {
  using world = new RulesWorld();
  await world.run('apply');
  const path = join(world.dir, 'var/applied/1.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('federation: closed', 'federation: discovered'));
  const { loaded } = world.accepted();
  assert.ok(!loaded.ok && /1\.json is damaged/.test(loaded.faults[0]?.found ?? ''));
  assert.equal((await world.run('apply')).exit, 0);
  assert.equal(world.accepted().set, 2);
});

test('history is bounded, and the set in force stays', () => {
  using world = new RulesWorld();
  const sets = new AppliedSets(join(world.dir, 'var'));
  for (let n = 1; n <= 60; n++) sets.accept(new Map([['isthmus.yaml', `a: ${n}\n`]]), { at: n, by: 'x' });
  assert.equal(sets.list().length, 50);
  assert.equal(sets.current()?.number, 60);
});

test('a disk without room for a whole file: the write is refused and the old file stays as it was', () => {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-short-'));
  try {
    const path = join(dir, 'policy.yaml');
    writeFileSync(path, 'note: old\n');
    const edit = pathToFileURL(join(import.meta.dirname, '../../../src/config/edit.ts')).href;
    const script = `import(${JSON.stringify(edit)}).then(({ writeWhole }) => writeWhole(${JSON.stringify(path)}, 'x'.repeat(20_000), 0o644))`;
    // A limit on the size of files ends a write half-way, as a full disk does.
    const limited = 'trap "" XFSZ; ulimit -f 8; exec "$0" -e "$1"';
    const done = spawnSync('bash', ['-c', limited, process.execPath, script], { encoding: 'utf8' });
    assert.notEqual(done.status, 0);
    assert.match(done.stderr, /EFBIG/);
    assert.equal(readFileSync(path, 'utf8'), 'note: old\n');
    assert.deepEqual(readdirSync(dir), ['policy.yaml']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('two commands at the same time: the second waits for the first and is not refused', () => {
  const data = mkdtempSync(join(tmpdir(), 'isthmus-lock-'));
  try {
    const sets = new AppliedSets(data);
    mkdirSync(sets.folder);
    const lock = join(sets.folder, 'lock');
    const holder = spawn('bash', ['-c', 'sleep 0.1; rm "$0"', lock], { stdio: 'ignore' });
    assert.ok(holder.pid !== undefined);
    writeFileSync(lock, `${holder.pid}\n`);
    assert.equal(
      sets.locked(() => 'done'),
      'done',
    );
    assert.equal(existsSync(lock), false);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
