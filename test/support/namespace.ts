// A peer suite runs inside namespaces of its own: its own loopback with all standard ports, its own resolver files, its own
// processes. The test file puts itself there before its first test, so `node --test FILE` needs no wrapper.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unshareArguments, whyNoWorld } from './available.ts';

const INSIDE = 'ISTHMUS_TEST_NAMESPACE';
/** A suite that hangs must not outlive the run; ending the namespace's first process ends all others. */
const SUITE_LIMIT_MS = 4 * 60_000;

/** The address of the world's DNS server. */
export const DNS_ADDRESS = '127.0.0.53';

/**
 * Moves this process into namespaces of its own. Call it first in a *.peers.ts file, before any test is defined.
 * @returns undefined inside the namespace; otherwise the reason why there is none, to be given to `skip`.
 */
export function enterNamespace(): string | undefined {
  if (process.env[INSIDE] === '1') {
    settle();
    return undefined;
  }
  const reason = whyNoWorld();
  if (reason !== undefined) return reason;
  // The process is replaced, not wrapped: whoever started it sees one child that ends with everything it started.
  process.removeAllListeners('warning'); // execve announces that it is new; that would stand in every report
  process.execve?.(
    '/usr/bin/env',
    ['env', 'unshare', ...unshareArguments(), process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    {
      ...process.env,
      [INSIDE]: '1',
    },
  );
  return 'this node cannot replace its own process (process.execve is missing)';
}

function settle(): void {
  run('ip', ['link', 'set', 'lo', 'up']);
  setTimeout(() => leave(`a peer suite may take ${SUITE_LIMIT_MS / 60_000} minutes; it was ended`, 124), SUITE_LIMIT_MS).unref();
  // The first process of a PID namespace has no default signal handling.
  process.on('SIGINT', () => leave('interrupted', 130));
  process.on('SIGTERM', () => leave('terminated', 143));
}

function leave(why: string, code: number): never {
  process.stderr.write(`${why}\n`);
  process.exit(code);
}

/** Points this namespace's resolver files at the world's DNS server. Nothing outside the namespace changes. */
export function useOwnResolver(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const files = {
    '/etc/resolv.conf': `nameserver ${DNS_ADDRESS}\noptions timeout:2 attempts:2\n`,
    '/etc/hosts': '127.0.0.1 localhost\n',
    '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  };
  for (const [target, text] of Object.entries(files)) {
    const own = join(folder, target.slice('/etc/'.length));
    writeFileSync(own, text);
    run('mount', ['--bind', own, target]);
  }
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${(done.stderr ?? done.error?.message ?? '').trim()}`);
}
