// The contract's example home, in memory, for the tests of config: one file changed at a time.

import { join } from 'node:path';
import { type HomeFiles, readHomeFiles } from '../../src/config/files.ts';
import { checkHome, type Loaded, type LoadOptions } from '../../src/config/load.ts';

export const EXAMPLE_HOME = join(import.meta.dirname, 'fixtures/example-home');
/** A day on which nothing of the example has run out. */
export const NOW_MS = Date.parse('2026-10-01T00:00:00Z');

const example = readHomeFiles(EXAMPLE_HOME);

/** The example with these files instead of, or besides, its own; `undefined` takes one away. */
export function exampleWith(changes: Readonly<Record<string, string | undefined>>, mode = 0o600): HomeFiles {
  const files = new Map(example);
  for (const [path, text] of Object.entries(changes)) {
    if (text === undefined) files.delete(path);
    else files.set(path, { text, mode });
  }
  return files;
}

export function exampleText(path: string): string {
  const file = example.get(path);
  if (file === undefined) throw new Error(`the example has no ${path}`);
  return file.text;
}

export function examplePaths(): string[] {
  return [...example.keys()];
}

export function check(files: HomeFiles, options: LoadOptions = {}): Loaded {
  return checkHome('/etc/isthmus', files, { nowMs: NOW_MS, ...options });
}

/** A home of nothing but these files. */
export function checkOnly(files: Readonly<Record<string, string>>, options: LoadOptions = {}): Loaded {
  return check(new Map(Object.entries(files).map(([path, text]) => [path, { text, mode: 0o600 }])), options);
}
