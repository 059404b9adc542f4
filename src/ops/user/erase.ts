// `isthmus user erase`: everything that is kept of a person goes, but what a hold keeps. The running process does it, so that
// lists and sessions in its memory know; while nothing runs, the command does.

import * as z from 'zod';
import { bareKey, fromBareKey } from '../../model/address.ts';
import { guarded } from '../approval.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { columns, count } from '../words.ts';
import { addressInput, atPeople, Refused } from './given.ts';

const row = verb({
  words: 'user erase',
  summary: 'removes everything that is kept of a person; there is no way back',
  positionals: ['address'],
  options: { yes: { type: 'boolean', says: 'yes, erase it: without, it is only counted' } },
  details: [
    'Account, passwords, contact list, entries about them in the lists of others, what their clients keep, waiting messages, shared files,',
    'invitations, history, lines of the archive (also those of the other side: a line has two ends). Works for people elsewhere and for who left.',
    'What a hold keeps stays, is named, and the exit status is 1; after isthmus hold release the same command finishes.',
    'It does not reach: histories of those they spoke with (theirs), the audit log, exports, backups, the journal mailbox; addresses in the',
    'ledger end with retention.ledger. A user that the directory still has comes back with its next round.',
    'Over the API: role admin, or compliance where a second person must agree.',
  ].join('\n'),
  example: 'isthmus user erase nora@people.example --yes --why "request of 12 June"',
  input: z.object({
    address: addressInput,
    yes: z.union([z.boolean(), z.stringbool()]).default(false).describe('There is no way back. Without: it is only counted.'),
  }),
  http: { method: 'POST', path: '/users/{address}/erase' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'either',
  run: (operations, { address, yes }) => atPeople(operations, 'user erase', () => erase(operations, ofOurs(operations, address), yes)),
});

/** Nobody does it alone where the home asks for a second person. */
export const userErase = guarded(row, ({ yes }) => yes !== true);

/** Under the name that lines are kept with, also when an alias of the domain was typed. */
function ofOurs(operations: Operations, key: string): string {
  const loaded = operations.load();
  const { local, domain } = fromBareKey(key);
  return bareKey({ local, domain: loaded.ok ? (loaded.table.domains.get(domain)?.domain ?? domain) : domain });
}

interface Erased {
  readonly what: string;
  readonly removed: number;
  readonly held: number;
}

async function erase(operations: Operations, key: string, yes: boolean): Promise<Report> {
  const { ofPerson, holds } = operations.records();
  const before = await Promise.all(ofPerson.map(async (one) => ({ one, n: await one.count(key) })));
  const inForce = await holds.of(key);
  if (before.every(({ n }) => n === 0)) {
    return { text: `Nothing of ${key} is kept.`, json: { address: key, erased: [], stays: [] }, exit: 0 };
  }
  if (!yes) {
    const counted = before.filter(({ n }) => n > 0).map(({ one, n }) => [one.what, String(n)]);
    const text = [
      `Of ${key} there is:`,
      ...columns(counted).map((line) => `  ${line}`),
      ...inForce.map(({ matter, why }) => `Hold ${matter} keeps the history and lines of the archive: ${why}`),
      'Nothing was erased: add --yes. There is no way back.',
    ].join('\n');
    const would = before.map(({ one, n }) => ({ what: one.what, things: n }));
    return { text, json: { address: key, would, holds: inForce.map(({ matter }) => matter) }, exit: 2, status: 422 };
  }
  const { actor, approval, why } = operations;
  if (actor.role === 'compliance' && approval === undefined)
    throw new Refused('it needs the role admin, or an approval of a second person (secondPerson in records/archive.yaml)');
  if (why === undefined || why.trim() === '') throw new Refused('what was erased cannot be asked for its reason: add --why TEXT');
  const done: Erased[] = [];
  for (const [index, { one, n }] of before.entries()) {
    const held = await one.forget(key, operations.clock.now());
    // The account is gone: the process ends their sessions and takes them out of the lists that it has in memory.
    if (index === 0) await operations.live?.erased(key);
    if (n > 0) done.push({ what: one.what, removed: Math.max(0, n - held), held });
    operations.progress(`${one.what}: ${count(n, 'thing')}`);
  }
  return told(
    key,
    done,
    inForce.map(({ matter, why: reason }) => `${matter} (${reason})`),
  );
}

function told(key: string, done: readonly Erased[], holds: readonly string[]): Report {
  const stays = done.filter(({ held }) => held > 0);
  const gone = done.filter(({ removed }) => removed > 0);
  const lines = columns(gone.map(({ what, removed }) => [what, String(removed)])).map((line) => `  ${line}`);
  const kept = stays.map(
    ({ what, held }) => `  ${what}: ${held}, because of ${holds.length === 0 ? 'a hold on the other side' : `hold ${holds.join(', ')}`}`,
  );
  const text = [
    ...(gone.length > 0 ? [`Erased of ${key}:`, ...lines] : [`Nothing of ${key} could be erased.`]),
    ...(stays.length > 0 ? ['Stays:', ...kept, 'After isthmus hold release, the same command finishes.'] : []),
  ].join('\n');
  const changes = done.map(({ what, removed, held }) => `${what}: ${removed} erased${held > 0 ? `, ${held} held` : ''}`).join('; ');
  const json = {
    address: key,
    erased: gone.map(({ what, removed }) => ({ what, things: removed })),
    stays: stays.map(({ what, held }) => ({ what, things: held })),
    holds,
  };
  return { text, json, exit: stays.length > 0 ? 1 : 0, changes: `${key}: ${changes}` };
}
