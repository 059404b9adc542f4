// One change of one YAML file, and what it makes of the file's value.

import { isDeepStrictEqual } from 'node:util';
import { EditError, type Plain } from './yaml-plain.ts';

export type KeyPath = readonly (string | number)[];

/** One change of one file. */
export type Step =
  /** Writes a value; keys above it that are not there are made. */
  | { readonly kind: 'set'; readonly path: KeyPath; readonly value: Plain }
  /** Takes a key, or an item of a list, away. What is not there already is no fault. */
  | { readonly kind: 'delete'; readonly path: KeyPath }
  /** Adds to the end of a list; a list that is not there is made, a single value becomes one. An empty path is the file itself. */
  | { readonly kind: 'append'; readonly path: KeyPath; readonly value: Plain };

/** The value that is to stand in the file after the step. @throws EditError when the step cannot be done in it */
export function changed(before: unknown, step: Step): unknown {
  const [last] = step.path.slice(-1);
  if (last === undefined) {
    if (step.kind !== 'append') throw new EditError('the path of a change is empty');
    return [...asList(isDeepStrictEqual(before, {}) ? undefined : before), step.value];
  }
  const copy: unknown = structuredClone(before);
  let place = copy;
  for (const [depth, key] of step.path.slice(0, -1).entries()) {
    let inner = Reflect.get(container(place, step.path), key) as unknown;
    if (inner === undefined || inner === null) {
      if (step.kind === 'delete') return before;
      if (typeof step.path[depth + 1] === 'number') throw new EditError(`there is no /${step.path.join('/')}`);
      inner = {};
      Reflect.set(container(place, step.path), key, inner);
    }
    place = inner;
  }
  const parent = container(place, step.path);
  const old: unknown = Reflect.get(parent, last);
  if (step.kind === 'set') Reflect.set(parent, last, step.value);
  else if (step.kind === 'append') Reflect.set(parent, last, [...asList(old), step.value]);
  else if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1);
  else Reflect.deleteProperty(parent, last);
  return copy;
}

function container(value: unknown, path: KeyPath): object {
  if (value !== null && typeof value === 'object') return value;
  throw new EditError(`/${path.join('/')} stands in something that is no mapping`);
}

/** What an entry is added to: a single value counts as a list of it. */
export function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
