// A terminal that keeps what is said, for the tests of commands.

import type { Terminal } from '../../src/ops/command.ts';

export interface Kept extends Terminal {
  readonly said: () => string;
  readonly complained: () => string;
}

export function keep(cwd = '/nowhere', env: Readonly<Record<string, string | undefined>> = {}): Kept {
  const out: string[] = [];
  const err: string[] = [];
  return {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    cwd,
    env,
    said: () => out.join('\n'),
    complained: () => err.join('\n'),
  };
}
