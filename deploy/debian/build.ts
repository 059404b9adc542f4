// The Debian package, with dpkg-deb alone: the published package, its libraries and node itself in /usr/lib/isthmus, the command,
// the systemd unit. Nothing is fetched when it is installed.
//
//   npm run deb          dist/isthmus_VERSION_ARCHITECTURE.deb

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildPackage, DIST, manifest, ROOT } from '../package/build.ts';

const HERE = import.meta.dirname;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Libraries that node is linked with, and what the maintainer scripts and the unit use (adduser, kill). */
const DEPENDS = ['libc6 (>= 2.28)', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'adduser', 'procps'];
/** Roots of public authorities; the service manager. */
const RECOMMENDS = ['ca-certificates', 'systemd'];

/** @returns the path of the package */
export function buildDeb(): string {
  const { version, description } = manifest();
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined || process.platform !== 'linux')
    throw new Error(`there is no package for ${process.platform} ${process.arch}`);
  const root = join(DIST, 'deb');
  rmSync(root, { recursive: true, force: true });
  const lib = join(root, 'usr/lib/isthmus');
  mkdirSync(lib, { recursive: true });
  buildPackage(lib);
  // What dpkg installs is not looked at by npm any more: the lock file of the repository decides.
  installLibraries(lib);
  installNode(root, lib);
  put(
    join(root, 'usr/bin/isthmus'),
    '#!/bin/sh\n# Isthmus with the node that came with it.\nexec /usr/lib/isthmus/bin/node /usr/lib/isthmus/src/main.js "$@"\n',
    0o755,
  );
  put(join(root, 'usr/lib/systemd/system/isthmus.service'), unitForPackage(), 0o644);
  put(join(root, 'etc/default/isthmus'), readFileSync(join(HERE, 'isthmus.default')), 0o644);
  documents(root, lib);
  controlFiles(root, { version, architecture, description });
  modes(root);
  const deb = join(DIST, `isthmus_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z2', '--build', root, deb], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(root, { recursive: true });
  return deb;
}

/** The libraries that run, of the versions of the lock file; install scripts are not run. */
function installLibraries(lib: string): void {
  const stage = join(DIST, 'libraries');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(ROOT, file), join(stage, file));
  execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--silent'], {
    cwd: stage,
    stdio: 'inherit',
  });
  const needless = (path: string): boolean => !/\.(?:md|markdown|ts|mts|cts|map)$/i.test(path) || /licen[cs]e/i.test(path);
  cpSync(join(stage, 'node_modules'), join(lib, 'node_modules'), { recursive: true, filter: needless });
  rmSync(join(lib, 'node_modules/.package-lock.json'), { force: true });
  rmSync(join(lib, 'node_modules/.bin'), { recursive: true, force: true });
  rmSync(stage, { recursive: true });
}

/** Node itself and its licence, from the npm package that the published package would bring. */
function installNode(root: string, lib: string): void {
  const stage = join(DIST, 'node');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const wanted = `node-linux-${process.arch}@${manifest().devDependencies.node}`;
  const packed = execFileSync('npm', ['pack', wanted, '--silent', '--prefer-offline', '--pack-destination', stage], {
    cwd: stage,
    encoding: 'utf8',
  }).trim();
  execFileSync('tar', ['-xzf', join(stage, packed), '-C', stage, 'package/bin/node', 'package/LICENSE']);
  put(join(lib, 'bin/node'), readFileSync(join(stage, 'package/bin/node')), 0o755);
  put(join(root, 'usr/share/doc/isthmus/LICENSE.node'), readFileSync(join(stage, 'package/LICENSE')), 0o644);
  rmSync(stage, { recursive: true });
}

/** The unit of deploy/systemd, with the places of the package. */
export function unitForPackage(): string {
  const unit = readFileSync(join(ROOT, 'deploy/systemd/isthmus.service'), 'utf8');
  const [head, ...rest] = unit.split('\n\n[Unit]\n');
  if (head === undefined || rest.length !== 1) throw new Error('deploy/systemd/isthmus.service has no [Unit]');
  const changed = `[Unit]\n${rest[0]!
    .replace(/^Documentation=.*$/m, 'Documentation=file:///usr/share/doc/isthmus/README.md')
    .replace(/^ExecStart=.*$/m, 'ExecStart=/usr/bin/isthmus start --home /etc/isthmus\nEnvironmentFile=-/etc/default/isthmus')}`;
  if (changed.includes('/opt/')) throw new Error('the unit still names /opt');
  return changed;
}

function documents(root: string, lib: string): void {
  const doc = join(root, 'usr/share/doc/isthmus');
  mkdirSync(doc, { recursive: true });
  put(join(doc, 'copyright'), copyright(lib), 0o644);
  put(join(doc, 'changelog.gz'), gzipSync(readFileSync(join(ROOT, 'CHANGELOG.md')), { level: 9 }), 0o644);
  for (const name of ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs', 'deploy'])
    if (existsSync(join(lib, name))) cpSync(join(lib, name), join(doc, name), { recursive: true });
  for (const name of ['docs', 'ARCHITECTURE.md', 'CHANGELOG.md', 'SECURITY.md', 'deploy', 'LICENSE'])
    rmSync(join(lib, name), { recursive: true, force: true });
}

/** Ours, and the licence that each library brings. */
function copyright(lib: string): string {
  const folder = join(lib, 'node_modules');
  const names = readdirSync(folder).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  );
  const libraries = names
    .filter((name) => existsSync(join(folder, name, 'package.json')))
    .map((name) => {
      // The cast holds for what npm installs; a package without a licence is named as such.
      const { version, license } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as {
        version: string;
        license?: unknown;
      };
      return `  ${name} ${version}: ${typeof license === 'string' ? license : 'see its files'}`;
    });
  return [
    readFileSync(join(HERE, 'copyright'), 'utf8').trimEnd(),
    '',
    'Libraries in /usr/lib/isthmus/node_modules, each with its licence beside it:',
    ...libraries,
    '',
  ].join('\n');
}

interface Control {
  readonly version: string;
  readonly architecture: string;
  readonly description: string;
}

function controlFiles(root: string, { version, architecture, description }: Control): void {
  const files = filesBelow(root).filter((file) => !file.startsWith('DEBIAN/'));
  const bytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  const control = [
    'Package: isthmus',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Section: net',
    'Priority: optional',
    'Maintainer: Isthmus maintainers <isthmus@localhost>',
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    `Depends: ${DEPENDS.join(', ')}`,
    `Recommends: ${RECOMMENDS.join(', ')}`,
    `Description: federation edge between SIP and XMPP`,
    ` ${description}.`,
    ' .',
    ' It brings its own runtime (node) and libraries, and a hardened systemd unit.',
    ' A first home is made in /etc/isthmus; nothing is started before you say so.',
    '',
  ].join('\n');
  put(join(root, 'DEBIAN/control'), control, 0o644);
  put(join(root, 'DEBIAN/conffiles'), '/etc/default/isthmus\n', 0o644);
  const sums = files
    .filter((file) => !file.startsWith('etc/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(root, file)))
          .digest('hex')}  ${file}`,
    );
  put(join(root, 'DEBIAN/md5sums'), `${sums.join('\n')}\n`, 0o644);
  for (const script of ['postinst', 'prerm', 'postrm']) put(join(root, 'DEBIAN', script), readFileSync(join(HERE, script)), 0o755);
}

/** Every regular file below `root`, relative to it, in order. */
function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** Whatever umask it was built under: readable by all, writable by root. */
function modes(root: string): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 || path.includes('/node_modules/') ? 0o644 : 0o755);
  }
  chmodSync(root, 0o755);
}

function put(path: string, bytes: string | Uint8Array, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  chmodSync(path, mode);
}

if (import.meta.main) {
  const deb = buildDeb();
  process.stdout.write(`${deb}\n  apt install ${deb}\n`);
}
