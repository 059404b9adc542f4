// Reads one YAML file of the home into plain values that still know where they stand.
// Operators' files are plain YAML 1.2: no anchors, aliases, tags, merge keys or second documents, every key once.

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { HomeFiles } from './files.ts';
import { type Findings, type Place, wholeFile } from './finding.ts';

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;

export type Path = readonly PropertyKey[];

/** A parsed file: its value, and where each part of it stands. */
export interface YamlSource {
  readonly file: string;
  readonly value: unknown;
  /**
   * Where the key or the value at `path` stands; a part that is not there answers with the nearest part above it.
   * @param part `key` is the default
   */
  place(path: Path, part?: 'key' | 'value'): Place;
  /** Is there something at `path`? */
  has(path: Path): boolean;
  /** What stands at `path`; undefined where nothing does. */
  at(path: Path): unknown;
}

interface Spot {
  readonly key: number;
  readonly value: number;
}

/** RFC 6901 pointer. */
export function pointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A file of the home; undefined when it is not there, or cannot be read or understood, which goes to `findings`. */
export function openYaml(file: string, files: HomeFiles, findings: Findings): YamlSource | undefined {
  const found = files.get(file);
  if (found === undefined) return undefined;
  if (found.unreadable !== undefined) {
    findings.fault('CONFIG_FILE', wholeFile(file), `cannot be read: ${found.unreadable}`, 'a readable file');
    return undefined;
  }
  return readYaml(file, found.text, findings);
}

/**
 * Parses `text`; everything that is wrong with its form goes to `findings`.
 * @returns undefined when the file cannot be understood as YAML at all
 */
export function readYaml(file: string, text: string, findings: Findings): YamlSource | undefined {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    findings.fault('CONFIG_FILE', wholeFile(file), 'the file is larger than 1 MiB', 'split it; no file of a home needs that much');
    return undefined;
  }
  const lines = new LineCounter();
  const spots = new Map<string, Spot>();
  const placeAt = (offset: number, key: string): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), key };
  };
  let root: Node | null;
  try {
    // uniqueKeys is checked below, where the first place is known; `<<` stays an ordinary (unknown) key.
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, merge: false });
    for (const problem of [...document.errors, ...document.warnings]) {
      findings.fault(
        'CONFIG_SYNTAX',
        placeAt(problem.pos[0], ''),
        `not YAML here: ${firstSentence(problem.message)}`,
        syntaxHint(problem.code),
      );
    }
    if (document.errors.length > 0) return undefined;
    root = document.contents;
  } catch {
    // The parser recurses: a file of ten thousand open brackets ends up here.
    findings.fault('CONFIG_SYNTAX', wholeFile(file), 'the file cannot be parsed, it is nested too deeply', 'at most 32 levels');
    return undefined;
  }

  const convert = (node: unknown, path: Path): unknown => {
    const key = pointer(path);
    const offset = startOf(node) ?? spots.get(key)?.value ?? 0;
    if (path.length > MAX_DEPTH) {
      findings.fault('CONFIG_SYNTAX', placeAt(offset, key), 'nested too deeply', 'at most 32 levels');
      return null;
    }
    if (isAlias(node)) {
      findings.fault(
        'CONFIG_ANCHOR',
        placeAt(offset, key),
        `an alias (*${node.source})`,
        'write the value out, each entry stands for itself',
      );
      return null;
    }
    if (isMap(node) || isSeq(node) || isScalar(node)) {
      if (node.anchor !== undefined) {
        findings.fault('CONFIG_ANCHOR', placeAt(offset, key), `an anchor (&${node.anchor})`, 'write the value without it');
      }
    }
    if (isMap(node)) {
      const object: Record<string, unknown> = {};
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? String(pair.key.value) : '?';
        const keyOffset = startOf(pair.key) ?? offset;
        const inner = [...path, name];
        const first = spots.get(pointer(inner));
        if (first !== undefined) {
          const line = lines.linePos(first.key).line;
          findings.fault(
            'CONFIG_DUPLICATE_KEY',
            placeAt(keyOffset, pointer(inner)),
            `the key "${name}" a second time`,
            `it stands in line ${line} already; keep one`,
          );
          continue;
        }
        spots.set(pointer(inner), { key: keyOffset, value: startOf(pair.value) ?? keyOffset });
        const value = convert(pair.value, inner);
        // defineProperty: a key called __proto__ must stay a key.
        Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
      }
      return object;
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const at = startOf(item) ?? offset;
        spots.set(pointer([...path, index]), { key: at, value: at });
        return convert(item, [...path, index]);
      });
    }
    return isScalar(node) ? node.value : null;
  };

  spots.set('', { key: startOf(root) ?? 0, value: startOf(root) ?? 0 });
  // A file of comments only is an empty mapping.
  const value = root === null || (isScalar(root) && root.value === null) ? {} : convert(root, []);
  /** A list may be written as one value: its index 0 then stands where the list itself does. */
  const written = (path: Path): Path => {
    const steps: PropertyKey[] = [];
    for (const step of path) if (step !== 0 || spots.has(pointer([...steps, 0]))) steps.push(step);
    return steps;
  };
  return {
    file,
    value,
    has: (path) => spots.has(pointer(written(path))),
    at: (path) =>
      written(path).reduce<unknown>(
        (inner, step) => (inner !== null && typeof inner === 'object' ? Reflect.get(inner, step) : undefined),
        value,
      ),
    place(path, part = 'key') {
      const steps = written(path);
      for (let length = steps.length; length >= 0; length--) {
        const spot = spots.get(pointer(steps.slice(0, length)));
        if (spot !== undefined) return placeAt(length === steps.length ? spot[part] : spot.key, pointer(steps));
      }
      return { ...wholeFile(file), key: pointer(steps) };
    },
  };
}

function startOf(node: unknown): number | undefined {
  return (isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)) && node.range != null ? node.range[0] : undefined;
}

function firstSentence(message: string): string {
  return message.split('\n')[0]!.slice(0, 160);
}

function syntaxHint(code: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'indent with spaces';
    case 'BAD_INDENT':
    case 'MISSING_CHAR':
    case 'BLOCK_IN_FLOW':
      return 'check the indentation, the quotes and the brackets of this line and the one above';
    case 'MULTIPLE_DOCS':
      return 'one document in a file; remove the line ---';
    case 'TAG_RESOLVE_FAILED':
      return 'write the plain value without a tag';
    default:
      return 'check the line and the one above it';
  }
}
