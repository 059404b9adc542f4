// Proves the Debian package in a Debian of its own, made for it and thrown away: nothing is installed on this machine. First
// with apt (check.sh), then booted with its own systemd (boot.sh, service.sh). Needs root, debootstrap and a Debian mirror (that of this machine's apt, or $DEBIAN_MIRROR).
//
//   npm run deb:check [RELEASE]      default: bookworm

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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
  if (done.status !== 0) fail('the package does not work; the step above says where');
  await underSystemd();
  say('the Debian package works');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  if (readFileSync('/proc/self/mounts', 'utf8').includes(` ${root}`)) fail(`something is still mounted below ${root}; it is left there`);
  rmSync(root, { recursive: true });
}

/** Boots that Debian in namespaces, with its own systemd, and looks at the service as systemd runs it. */
async function underSystemd(): Promise<void> {
  cpSync(join(import.meta.dirname, 'service.sh'), join(root, 'service.sh'));
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net'];
  const machine = spawn('unshare', [...own, 'sh', join(import.meta.dirname, 'boot.sh'), root], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => machine.once('exit', resolve));
  try {
    const init = await childOf(machine.pid!);
    const at = ['-t', String(init), '-m', '-p', '-u', '-i', '-n'];
    for (
      let tries = 0;
      spawnSync('nsenter', [...at, 'systemctl', 'is-system-running', '--wait'], { timeout: 60_000 }).status !== 0 && tries < 60;
      tries++
    ) {
      await setTimeout(500);
    }
    const done = spawnSync('nsenter', [...at, 'sh', '/service.sh'], { stdio: 'inherit', timeout: LIMIT_MS });
    if (done.status !== 0) fail('the service does not work under systemd; the step above says where');
  } finally {
    machine.kill('SIGKILL');
    await ended;
  }
}

/** Process 1 of the new PID namespace. @throws when it does not come */
async function childOf(pid: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
    if (child !== undefined && child !== '') return Number(child);
    await setTimeout(100);
  }
  throw new Error('unshare has started nothing');
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

/** Thrown, so that what was made is taken away on the way out. */
function fail(sentence: string): never {
  throw new Error(`deb:check: ${sentence}`);
}
