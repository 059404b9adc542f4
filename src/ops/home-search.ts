// Where is the home? What is named wins; otherwise the usual places, in order.

import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Terminal } from './command.ts';

export type HomeSearch = { readonly dir: string } | { readonly looked: readonly string[] };

/**
 * @param named the value of --home; it is the only place looked at, as $ISTHMUS_HOME is when that is set
 */
export function findHome(named: string | undefined, terminal: Pick<Terminal, 'env' | 'cwd'>): HomeSearch {
  const fromEnvironment = terminal.env.ISTHMUS_HOME;
  const only = named ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  if (only !== undefined) {
    const dir = resolve(terminal.cwd, only);
    const how = named === undefined ? '$ISTHMUS_HOME' : '--home';
    // A named folder need not have an isthmus.yaml, whose every key is optional; routes/ is enough.
    if (existsSync(join(dir, 'isthmus.yaml')) || isFolder(join(dir, 'routes'))) return { dir };
    return { looked: [`${dir} (${how}: ${isFolder(dir) ? 'it has neither isthmus.yaml nor routes/' : 'there is no such folder'})`] };
  }
  const places = [terminal.cwd, join(terminal.cwd, 'isthmus'), '/etc/isthmus'];
  const dir = places.find((place) => existsSync(join(place, 'isthmus.yaml')));
  return dir === undefined ? { looked: places.map((place) => join(place, 'isthmus.yaml')) } : { dir };
}

/** What to say when there is none. */
export function noHome(looked: readonly string[], command: string): string {
  return [
    `isthmus ${command}: no home found. Looked at:`,
    ...looked.map((place) => `  ${place}`),
    'What to type:',
    '  isthmus init ./home --domain corp.example   makes a new home',
    `  ${`isthmus ${command} --home ./home`.padEnd(43)} uses it`,
    '  isthmus demo                                shows it work without one',
  ].join('\n');
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
