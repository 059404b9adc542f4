import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { showFinding } from '../../src/config/finding.ts';
import { loadHome } from '../../src/config/load.ts';
import { runCommand } from '../../src/ops/command.ts';
import { init } from '../../src/ops/init.ts';
import { judgeTest } from '../../src/routing/policy-test.ts';
import { keep } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-init-'));
after(() => rmSync(folder, { recursive: true }));
const NOW_MS = Date.parse('2026-10-01T00:00:00Z');

async function make(...args: string[]) {
  const terminal = keep(folder);
  const code = await runCommand(init, args, terminal);
  return { code, out: terminal.said(), err: terminal.complained() };
}
const load = (name: string) => loadHome(join(folder, name), { nowMs: NOW_MS, judge: (table, one) => judgeTest(table, one, NOW_MS) });

test('the examples of the repository are a good home, tests: and all', async () => {
  assert.equal((await make('examples')).code, 0);
  const loaded = load('examples');
  assert.deepEqual(loaded.faults.map(showFinding), []);
  assert.ok(loaded.ok);
  assert.deepEqual([...loaded.table.domains.keys()], ['corp.example', 'chat.example', 'people.example']);
  assert.ok(
    [...loaded.table.partners.values()].every((partner) => !partner.enabled),
    'an example partner is switched on',
  );
});

test('the examples are good with every commented choice made real', async () => {
  assert.equal((await make('all')).code, 0);
  const dir = join(folder, 'all');
  for (const path of [
    'isthmus.yaml',
    'routes/domains.yaml',
    'routes/policy.yaml',
    ...readdirSync(join(dir, 'routes/partners')).map((name) => `routes/partners/${name}`),
  ]) {
    const text = readFileSync(join(dir, path), 'utf8');
    // A commented choice is a key, or an entry of a list, behind "# " at its own indentation.
    const real = text
      .replace(/^( *)# ((?:[a-zA-Z0-9]+:|- \{) .*)$/gm, (line, indent: string, choice: string) =>
        /^(yaml-language|admin|dns|metrics)/.test(choice) ? line : indent + choice,
      )
      .replace('identity: main', '# identity: main')
      .replace('certificate: main', '# certificate: main')
      .replace(/^enabled: false.*$/m, '');
    assert.notEqual(real, text, `${path} has nothing commented`);
    writeFileSync(join(dir, path), real.replace(/^tests:.*/ms, ''));
  }
  const loaded = load('all');
  assert.deepEqual(loaded.faults.map(showFinding), []);
  assert.ok(loaded.ok);
  assert.equal(loaded.table.partners.get('lab.example')?.xmpp.pins.length, 1);
  assert.equal(loaded.table.domains.get('old-corp.example')?.domain, 'corp.example');
});

for (const served of ['sip', 'xmpp', 'core'] as const) {
  test(`--domain --served ${served} makes a home with that one domain, and a check of it finds no fault`, async () => {
    const { code, out } = await make(served, '--domain', 'Bücher.Example', '--served', served);
    assert.equal(code, 0);
    assert.match(out, /isthmus check --home (sip|xmpp|core)/);
    const loaded = load(served);
    assert.deepEqual(loaded.faults.map(showFinding), []);
    assert.ok(loaded.ok);
    assert.deepEqual([...loaded.table.domains.keys()], ['xn--bcher-kva.example']);
    assert.equal(loaded.table.domains.get('xn--bcher-kva.example')?.served, served);
  });
}

test('keys, secrets and var/ stay out of git, and secrets/ is for its owner only', async () => {
  assert.equal((await make('git')).code, 0);
  const ignored = readFileSync(join(folder, 'git/.gitignore'), 'utf8');
  for (const line of ['/var/', '/secrets/*', '/certs/own/*/key.pem']) assert.ok(ignored.split('\n').includes(line), line);
  assert.equal(statSync(join(folder, 'git/secrets')).mode & 0o777, 0o700);
});

test('a folder with something in it is refused and stays as it was', async () => {
  writeFileSync(join(folder, 'x'), 'mine');
  const { code, err } = await make('.');
  assert.equal(code, 2);
  assert.match(err, /is not empty/);
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'mine');
});

test('a domain or a word that cannot be is refused before anything is written', async () => {
  assert.match((await make('new1', '--domain', 'li@partner.example')).err, /right would be a domain name/);
  assert.match((await make('new2', '--domain', 'a.example', '--served', 'lync')).err, /right would be sip, xmpp or core/);
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('new')));
});
