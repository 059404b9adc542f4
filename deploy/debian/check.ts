// Proves the Debian package in a Debian of its own, made for it and thrown away: nothing is installed on this machine. Needs
// root, debootstrap and a Debian mirror (that of this machine's apt, or $DEBIAN_MIRROR).
//
//   npm run deb:check [RELEASE]      default: bookworm

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDeb } from './build.ts';

const release = process.argv[2] ?? 'bookworm';
const LIMIT_MS = 15 * 60_000;

if (process.getuid?.() !== 0) fail('it must be root: a Debian of its own is made with debootstrap');
if (spawnSync('debootstrap', ['--version']).status !== 0)
  fail('debootstrap is not installed: apt-get install --no-install-recommends debootstrap');
const mirror = process.env.DEBIAN_MIRROR ?? mirrorOfApt() ?? 'http://deb.debian.org/debian';

const root = mkdtempSync(join(tmpdir(), 'isthmus-deb-'));
chmodSync(root, 0o755); // it becomes /, which the service's user must be able to enter
try {
  const deb = buildDeb();
  say(`built ${deb}`);
  // Whatever is mounted on the way is gone with the mount namespace, so that removing the folder cannot reach beyond it.
  const made = spawnSync('unshare', ['--mount', 'debootstrap', '--variant=minbase', release, root, mirror], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  if (made.status !== 0) fail(`debootstrap: ${made.stdout?.split('\n').slice(-4).join(' ')}`);
  say(`a Debian ${release} in ${root}`);
  cpSync(deb, join(root, 'isthmus.deb'));
  cpSync(join(import.meta.dirname, 'check.sh'), join(root, 'check.sh'));
  cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
  const inside = `mount -t proc proc ${root}/proc && mount --rbind /dev ${root}/dev && exec chroot ${root} sh /check.sh`;
  const done = spawnSync('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', inside], {
    stdio: 'inherit',
    timeout: LIMIT_MS,
  });
  process.exitCode = done.status ?? 1;
} finally {
  if (readFileSync('/proc/self/mounts', 'utf8').includes(` ${root}`)) fail(`something is still mounted below ${root}; it is left there`);
  rmSync(root, { recursive: true });
}

/** The mirror that apt of this machine uses. */
function mirrorOfApt(): string | undefined {
  if (!existsSync('/usr/bin/apt-get')) return undefined;
  const listed = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], { encoding: 'utf8' });
  return listed.split('\n').find((line) => /\/debian\/?$/.test(line));
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}

function fail(sentence: string): never {
  process.stderr.write(`deb:check: ${sentence}\n`);
  process.exit(2);
}
