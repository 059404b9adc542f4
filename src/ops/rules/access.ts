// Who may reach the API is said in `admin:` of isthmus.yaml, and only role admin hands out access: an operator's token must
// not put another token in force, nor bring back one that was taken away.

import { parse } from 'yaml';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';

/** Where `admin:` stands, in a set and in a home. */
export const HOME_FILE = 'isthmus.yaml';

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
