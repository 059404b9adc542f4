// dns-01 by a program of the operator: `PROGRAM [ARGUMENTS] present|cleanup NAME VALUE`, run without a shell, bounded in time
// and in what it may say. Exit status 0 is yes.

import { spawn } from 'node:child_process';
import { AcmeError, oneLine } from './fault.ts';
import { checkedRecord, type TxtRecords } from './txt-records.ts';

const HOOK_MS = 120_000;
const KILL_AFTER_MS = 3000;
const MAX_OUTPUT_BYTES = 16 * 1024;

/** Taken over from our own environment; everything else, secrets of the service manager among it, stays here. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'CREDENTIALS_DIRECTORY'] as const;

export function hookRecords(command: readonly string[], signal: AbortSignal): TxtRecords {
  const run = (act: 'present' | 'cleanup', name: string, value: string, until?: AbortSignal): Promise<void> => {
    checkedRecord(name, value);
    return runHook(command, [act, name, value], { ISTHMUS_ACME_ACT: act, ISTHMUS_ACME_NAME: name, ISTHMUS_ACME_VALUE: value }, until);
  };
  return {
    what: `the hook ${command[0]}`,
    add: (name, value) => run('present', name, value, signal),
    remove: (name, value) => run('cleanup', name, value), // also after an interruption
  };
}

/** @throws AcmeError ACME_HOOK with its status and last words */
export function runHook(
  command: readonly string[],
  more: readonly string[],
  variables: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  withinMs = HOOK_MS,
): Promise<void> {
  const [program = '', ...first] = command;
  const shown = [program, ...first, ...more].join(' ');
  const env: Record<string, string> = { ...variables };
  for (const key of PASSED) if (process.env[key] !== undefined) env[key] = process.env[key];
  return new Promise((resolve, reject) => {
    let said = '';
    let why: string | undefined;
    // A group of its own: what the hook has started ends with it.
    const child = spawn(program, [...first, ...more], { shell: false, stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    const kill = (name: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch {
        // it has ended by itself
      }
    };
    const end = (reason: string): void => {
      why ??= reason;
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS).unref();
    };
    const late = setTimeout(() => end(`it did not end within ${withinMs / 1000} s`), withinMs);
    const stop = (): void => end('interrupted');
    signal?.addEventListener('abort', stop, { once: true });
    const hear = (bytes: Buffer): void => {
      if (said.length < MAX_OUTPUT_BYTES) said += bytes.toString('utf8').slice(0, MAX_OUTPUT_BYTES - said.length);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const over = (text: string | undefined, cause?: unknown): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', stop);
      if (text === undefined) resolve();
      else reject(new AcmeError('ACME_HOOK', `${shown}: ${text}`, { cause }));
    };
    child.once('error', (error) => over(`it cannot be run: ${error.message}`, error));
    // `exit`, not `close`: a grandchild that keeps the pipes open must not keep us.
    child.once('exit', (status, by) => {
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        const words = oneLine(said.slice(-500));
        if (why !== undefined) over(why);
        else if (status !== 0)
          over(`it ended with ${status === null ? `signal ${by}` : `status ${status}`}${words === '' ? '' : `: ${words}`}`);
        else over(undefined);
      });
    });
  });
}
