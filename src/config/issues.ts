// From zod's issues to findings: where it stands, what was found there, what would be right, what was probably meant.

import type * as z from 'zod';
import type { Findings } from './finding.ts';
import { KNOWN_KEYS, LITERAL_SECRET, MEANT } from './shape.ts';
import { nearest } from './spelling.ts';
import type { Path, YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
};

/** Checks a file against its section. @returns the parsed value, or undefined after telling every fault */
export function checkSection<T extends z.ZodType>(source: YamlSource, schema: T, findings: Findings): z.output<T> | undefined {
  const result = schema.safeParse(source.value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) tell(issue, issue.path, source, findings);
  return undefined;
}

function tell(issue: Issue, path: Path, source: YamlSource, findings: Findings): void {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.startsWith(KNOWN_KEYS) ? issue.message.slice(KNOWN_KEYS.length).split(' ') : [];
    for (const key of issue.keys) {
      const right = known.length === 0 ? 'remove it' : `known here: ${known.join(', ')}`;
      findings.fault('CONFIG_UNKNOWN_KEY', source.place([...path, key]), `unknown key "${clip(key)}"`, right, nearest(key, known));
    }
    return;
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = likeliest(issue.errors);
    for (const inner of branch) tell(inner, [...path, ...inner.path], source, findings);
    return;
  }
  if (!source.has(path)) {
    const name = String(path.at(-1));
    findings.fault('CONFIG_MISSING_KEY', source.place(path.slice(0, -1)), `"${name}" is missing`, `${name}: ${rightOf(issue).right}`);
    return;
  }
  const value = source.at(path);
  const place = source.place(path, 'value');
  if (issue.message === LITERAL_SECRET) {
    findings.fault('CONFIG_SECRET_LITERAL', place, 'a secret written into the file', LITERAL_SECRET);
    return;
  }
  const { right, meant } = rightOf(issue, value);
  findings.fault('CONFIG_VALUE', place, describe(value), right, meant);
}

/** Of the shapes a value may have, the one it most looks like: the fewest complaints about its own type. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const score = (branch: readonly Issue[]) =>
    branch.reduce((sum, issue) => sum + (issue.path.length === 0 && issue.code === 'invalid_type' ? 100 : 1), 0);
  return branches.reduce((best, branch) => (score(branch) < score(best) ? branch : best));
}

function rightOf(issue: Issue, value?: unknown): { right: string; meant?: string } {
  switch (issue.code) {
    case 'invalid_type': {
      if (!issue.message.startsWith('Invalid input')) return { right: issue.message };
      const right = TYPE_WORDS[issue.expected] ?? issue.expected;
      const yes = typeof value === 'string' && /^(yes|no|on|off)$/i.test(value);
      return issue.expected === 'boolean' && yes ? { right, meant: /^(yes|on)$/i.test(value) ? 'true' : 'false' } : { right };
    }
    case 'invalid_value':
      return oneOf(issue.values.map(String), value);
    case 'invalid_union':
      return oneOf('options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [], value);
    case 'too_small':
      return {
        right:
          issue.origin === 'array'
            ? `at least ${issue.minimum} of them`
            : `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`,
      };
    case 'too_big':
      return { right: `at most ${issue.maximum}` };
    default: {
      const [right = '', meant] = issue.message.split(MEANT);
      return meant === undefined ? { right } : { right, meant };
    }
  }
}

function oneOf(words: readonly string[], value: unknown): { right: string; meant?: string } {
  const meant = typeof value === 'string' ? nearest(value, words) : undefined;
  const right = words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
  return meant === undefined ? { right } : { right, meant };
}

/** What stands there, short and without credentials of a URL. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? `"${clip(value.replace(/\/\/[^/@]*@/, '//...@'))}"` : String(value);
}

function clip(value: string): string {
  const oneLine = value.replace(/\p{Cc}/gu, ' ');
  return oneLine.length > 80 ? `${oneLine.slice(0, 77)}...` : oneLine;
}
