// From the file and key that decided to the line where it stands, in the set of files that is in force.

import { AppliedError } from '../../config/applied.ts';
import { readHomeFiles } from '../../config/files.ts';
import { Findings } from '../../config/finding.ts';
import { readYaml, type YamlSource } from '../../config/yaml-source.ts';
import type { Operations } from '../operations.ts';

/** `routes/policy.yaml:14 (/blocked/0)`; without the line where the file cannot be read. */
export type PlaceWords = (file: string | undefined, key: string | undefined) => string;

/** Files are read once, when the first place is asked for. */
export function placesIn(operations: Pick<Operations, 'dir' | 'live'>): PlaceWords {
  let texts: ReadonlyMap<string, string> | undefined;
  const sources = new Map<string, YamlSource | undefined>();
  return (file, key) => {
    if (file === undefined) return 'the defaults';
    texts ??= textsOf(operations);
    if (!sources.has(file)) {
      const text = texts.get(file);
      sources.set(file, text === undefined ? undefined : readYaml(file, text, new Findings()));
    }
    const source = sources.get(file);
    const shown = key === undefined || key === '' ? '' : ` (${key})`;
    if (source === undefined) return `${file}${shown}`;
    return `${file}:${source.place(pathOf(key ?? '')).line}${shown}`;
  };
}

function textsOf({ dir, live }: Pick<Operations, 'dir' | 'live'>): ReadonlyMap<string, string> {
  try {
    const set = live?.rules.current();
    if (set !== undefined) return set.files;
  } catch (error) {
    if (!(error instanceof AppliedError)) throw error;
  }
  return new Map([...readHomeFiles(dir)].map(([path, { text }]) => [path, text]));
}

/** Keys are JSON pointers; some are written with dots. Numbers are places in a list. */
function pathOf(key: string): (string | number)[] {
  const steps = key.startsWith('/')
    ? key
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : key.split('.');
  return steps.filter((step) => step !== '').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
