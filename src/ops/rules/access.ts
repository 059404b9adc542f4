// Who may reach the API is said in `admin:` of isthmus.yaml, and only role admin hands out access: an operator's token must
// not put another token in force, nor bring back one that was taken away. What the organisation keeps is said in
// records/archive.yaml: that is not for operators either, and nobody alone takes the second person away over the API.

import { parse } from 'yaml';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';

/** Where `admin:` stands, in a set and in a home. */
const HOME_FILE = 'isthmus.yaml';
const ARCHIVE_FILE = 'records/archive.yaml';

type Files = ReadonlyMap<string, { readonly text: string } | string>;

/** Why this actor may not go from the files of one set to those of the other; undefined: they may. @param sets read for the API only */
export function changeRefused(
  words: string,
  operations: Operations,
  sets: () => readonly [from: Files | undefined, to: Files],
): Report | undefined {
  if (operations.actor.via !== 'api') return undefined;
  const [from, to] = sets();
  const texts = (path: string) => [textOf(from, path), textOf(to, path)] as const;
  return accessRefused(words, operations, () => texts(HOME_FILE)) ?? recordsRefused(words, operations, ...texts(ARCHIVE_FILE));
}

/** Why this actor may not go from one records/archive.yaml to the other; undefined: they may. */
export function recordsRefused(
  words: string,
  { actor }: Pick<Operations, 'actor'>,
  from: string | undefined,
  to: string | undefined,
): Report | undefined {
  if (actor.via !== 'api' || from === to) return undefined;
  const refuse = (text: string): Report => ({ text, json: { error: 'forbidden', text, role: 'admin' }, exit: 2, status: 403 });
  if (asksSecond(from) && !asksSecond(to))
    return refuse(
      `isthmus ${words}: it would take secondPerson away from ${ARCHIVE_FILE}, which nobody does alone over the API: run it on the machine`,
    );
  if (actor.role === 'admin') return undefined;
  return refuse(
    `isthmus ${words}: it would change ${ARCHIVE_FILE}, what the organisation keeps, and that takes role admin; ${actor.name} has ${actor.role}`,
  );
}

/** Why this actor may not go from one isthmus.yaml to the other; undefined: they may. @param texts read for those who may not only */
export function accessRefused(
  words: string,
  { actor }: Operations,
  texts: () => readonly [from: string | undefined, to: string | undefined],
): Report | undefined {
  if (actor.via !== 'api' || actor.role === 'admin') return undefined;
  const [from, to] = texts();
  if (adminOf(from) === adminOf(to)) return undefined;
  const text = `isthmus ${words}: it would change admin: in isthmus.yaml, who may reach this API, and that takes role admin; ${actor.name} has ${actor.role}`;
  return { text, json: { error: 'forbidden', text, role: 'admin' }, exit: 2, status: 403 };
}

/** `admin:` as one text; of a file that cannot be read the whole of it, so that nothing slips through. */
function adminOf(text: string | undefined): string {
  if (text === undefined) return 'null';
  try {
    const home: unknown = parse(text);
    return JSON.stringify((typeof home === 'object' && home !== null && 'admin' in home ? home.admin : null) ?? null);
  } catch {
    return text;
  }
}

function asksSecond(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    const rules: unknown = parse(text);
    return typeof rules === 'object' && rules !== null && 'secondPerson' in rules && rules.secondPerson === true;
  } catch {
    return false; // no set in force has a file that cannot be read
  }
}

function textOf(files: Files | undefined, path: string): string | undefined {
  const file = files?.get(path);
  return typeof file === 'object' ? file.text : file;
}
