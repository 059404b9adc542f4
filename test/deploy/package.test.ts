// What the packages are made from: their manifest, the maintainer scripts, the container's files. That they work is shown by
// `npm run package:check` and `npm run deb:check`, which install them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { unitForPackage } from '../../deploy/debian/build.ts';
import { manifest, packageManifest, ROOT } from '../../deploy/package/build.ts';

const DEPLOY = join(ROOT, 'deploy');
const read = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');

test('the published package brings what runs, the pinned node for each kind of machine, and no scripts', () => {
  const ours = manifest();
  // The cast holds: it is what packageManifest has just made.
  const theirs = packageManifest(ours) as Record<string, Record<string, string>>;
  assert.deepEqual(theirs.dependencies, ours.dependencies);
  assert.deepEqual(Object.values(theirs.optionalDependencies!), new Array(4).fill(ours.devDependencies.node));
  for (const key of ['scripts', 'devDependencies', 'private', 'allowScripts']) assert.equal(theirs[key], undefined);
});

test('every library that the code imports is a dependency of the published package', () => {
  const { dependencies } = manifest();
  const used = new Set<string>();
  for (const entry of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue;
    const text = readFileSync(join(ROOT, 'src', entry), 'utf8');
    for (const [, from, inside] of text.matchAll(/^(?:import|export|\})[^'\n]* from '([^'.][^']*)'|await import\('([^'.][^']*)'\)/gm)) {
      const name = from ?? inside;
      if (name === undefined || name.startsWith('node:')) continue;
      used.add(
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    }
  }
  assert.ok(used.size > 5);
  for (const name of used) assert.ok(Object.hasOwn(dependencies, name), `${name} is imported and not a dependency`);
});

test('the unit of the Debian package names its own places', () => {
  const unit = unitForPackage();
  assert.match(unit, /^ExecStart=\/usr\/bin\/isthmus start --home \/etc\/isthmus$/m);
  assert.match(unit, /^NoNewPrivileges=yes$/m);
  assert.doesNotMatch(unit, /\/opt\//);
  // The engine writes machine code at run time.
  assert.doesNotMatch(unit, /^MemoryDenyWriteExecute=/m);
});

for (const script of ['postinst', 'prerm', 'postrm', 'check.sh']) {
  test(`the shell can read ${script}`, () => {
    const { status, stderr } = spawnSync('sh', ['-n', join(DEPLOY, 'debian', script)], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    if (script !== 'check.sh') assert.match(read(`debian/${script}`), /^set -e$/m);
  });
}

test('the first home of the Debian package keeps its data outside: the line that postinst changes is there', () => {
  const line = /s\|(\^data: var \.\*)\|/.exec(read('debian/postinst'))?.[1];
  assert.ok(line !== undefined);
  assert.match(readFileSync(join(ROOT, 'isthmus.example.yaml'), 'utf8'), new RegExp(line, 'm'));
});

test('compose file and Dockerfile: the image runs as the user of the package, and the home is read-only', () => {
  // The cast holds for a compose file that compose would take.
  const compose = parse(read('compose.yaml')) as {
    services: { isthmus: { build: { dockerfile: string }; volumes: string[]; read_only: boolean } };
  };
  const { isthmus } = compose.services;
  assert.equal(isthmus.build.dockerfile, 'deploy/Dockerfile');
  assert.ok(isthmus.volumes.includes('./home:/etc/isthmus:ro'));
  assert.equal(isthmus.read_only, true);
  assert.match(read('Dockerfile'), /^USER isthmus$/m);
});
