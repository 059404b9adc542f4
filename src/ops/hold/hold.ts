// `isthmus hold add`, `list` and `release`: whose messages nobody purges or erases, for which matter, and who said so.

import * as z from 'zod';
import { parseDomain, parseUser, Wrong } from '../../config/values.ts';
import { fromBareKey } from '../../model/address.ts';
import type { Hold } from '../../model/archive.ts';
import { guarded } from '../approval.ts';
import { namesOf, orRefused } from '../archive/given.ts';
import type { Operations } from '../operations.ts';
import { sinceInput, sinceMs } from '../since.ts';
import { Refused, tableOf } from '../user/given.ts';
import { type Report, verb } from '../verb.ts';
import { columns, minuteOf, oneLine } from '../words.ts';

const MOST_NAMED = 1000;
const matter = z
  .string()
  .transform((value) => value.normalize('NFC').trim())
  .refine((value) => /^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(value), 'a short name of the case, such as 4711')
  .describe('The case: a file number. Only one hold in force has it.');

export const holdAdd = verb({
  words: 'hold add',
  summary: 'keeps what people said from every purge and erasure, and archives them from now on',
  positionals: ['matter'],
  options: {
    who: {
      type: 'string',
      value: 'ADDRESS',
      multiple: true,
      says: 'a user, here or of a partner, or a whole domain of ours; may be given again',
    },
    since: { type: 'string', value: 'TIME', says: 'only what passed from then on: 7d, 2026-11-23; default everything' },
    until: { type: 'string', value: 'TIME', says: 'only what passed up to then; default also what is still to come' },
  },
  details: [
    'Their lines in the archive and their histories stay until "hold release", whatever retention says. Without --until they are archived from',
    'now on, whatever records/archive.yaml says. They are not told. Works at once, beside a running process too. --why is demanded.',
  ].join('\n'),
  example: 'isthmus hold add 4711 --who nora@people.example --who omar@people.example --why "letter of 12 June"',
  input: z.object({
    matter,
    who: z
      .preprocess(
        (value) => (typeof value === 'string' ? [value] : value),
        z.array(z.string().max(1500)).min(1, 'somebody: --who ADDRESS').max(MOST_NAMED),
      )
      .describe('Users, or domains of ours.'),
    since: sinceInput.optional(),
    until: sinceInput.optional(),
  }),
  http: { method: 'POST', path: '/holds' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { matter: name, who: written, since, until }) =>
    orRefused('hold add', async (): Promise<Report> => {
      const why = reasonOf(operations, 'who puts a hold says why');
      const now = operations.clock.now();
      const [from, to] = [since, until].map((text) => (text === undefined ? undefined : sinceMs(text, now)));
      if (from !== undefined && to !== undefined && from > to) throw new Refused('the time of --since is after that of --until');
      const who = [...new Set(written.map((one) => whom(operations, one)))];
      const hold: Hold = {
        matter: name,
        who,
        ...(from !== undefined && { since: from }),
        ...(to !== undefined && { until: to }),
        why,
        by: operations.actor.name,
        at: now,
      };
      if (!(await operations.records().holds.add(hold)))
        throw new Refused(`there is a hold of ${name} in force: isthmus hold list. Release it first, or give this one another name`, 409);
      const strangers = await unknownOf(operations, who);
      const text = [
        `${name}: ${who.join(', ')} held${periodWords(hold)}. Nothing of theirs is purged or erased until it is released.`,
        ...strangers.map((one) => `note: there is no user ${one}; if that was a slip: isthmus hold release ${name}`),
      ].join('\n');
      return { text, json: viewHold(hold), exit: 0, changes: `held: ${who.join(', ')}${periodWords(hold)}` };
    }),
});

export const holdList = verb({
  words: 'hold list',
  summary: 'holds in force, and those that were released',
  positionals: [],
  options: {},
  details: 'Those in force first, the newest first.',
  example: 'isthmus hold list',
  input: z.object({}),
  http: { method: 'GET', path: '/holds' },
  role: 'compliance',
  only: true,
  audited: false,
  where: 'here',
  async run(operations) {
    const all = await operations.records().holds.list();
    const json = { holds: all.map(viewHold) };
    if (all.length === 0) return { text: 'Nobody is held.', json, exit: 0 };
    const rows = all.map((one) => [
      oneLine(one.matter),
      one.released === undefined ? 'in force' : `released ${day(one.released.at)} by ${one.released.by}`,
      `${one.who.slice(0, 5).join(', ')}${one.who.length > 5 ? ` and ${one.who.length - 5} more` : ''}`,
      periodWords(one).trim() || 'everything',
      `${day(one.at)} by ${one.by}`,
      oneLine(one.why),
    ]);
    return { text: columns([['MATTER', 'STATE', 'WHO', 'WHAT', 'SINCE', 'WHY'], ...rows]).join('\n'), json, exit: 0 };
  },
});

const release = verb({
  words: 'hold release',
  summary: 'ends a hold: what it kept is purged as the retention says',
  positionals: ['matter'],
  options: {},
  details:
    'What is older than the retention goes with the next purge, unless another hold keeps it. The hold stays in the list. --why is demanded.',
  example: 'isthmus hold release 4711 --why "closed on 3 November"',
  input: z.object({ matter }),
  http: { method: 'POST', path: '/holds/{matter}/release' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { matter: name }) =>
    orRefused('hold release', async (): Promise<Report> => {
      const why = reasonOf(operations, 'who releases a hold says why');
      const { holds } = operations.records();
      const now = operations.clock.now();
      const before = (await holds.list()).find((one) => one.matter === name && one.released === undefined);
      if (before === undefined || !(await holds.release(name, operations.actor.name, why, now)))
        throw new Refused(`there is no hold of ${name} in force; isthmus hold list shows them`, 404);
      const text = `${name} is released: ${before.who.join(', ')}.`;
      return { text, json: { ...viewHold(before), released: true }, exit: 0, changes: text };
    }),
});

/** A hold is ended by nobody alone where the home asks for a second person. */
export const holdRelease = guarded(release);

function reasonOf({ why }: Operations, words: string): string {
  if (why === undefined || why.trim() === '') throw new Refused(`${words}: add --why TEXT`);
  return why.trim();
}

/** A bare key, or a domain of ours by its own name. @throws Refused */
function whom(operations: Operations, written: string): string {
  const names = namesOf(operations);
  if (written.includes('@')) {
    const user = parseUser(written);
    if (user instanceof Wrong) throw new Refused(`"${written.slice(0, 80)}": right would be ${user.right}`);
    return names.user(user);
  }
  const domain = parseDomain(written);
  const own = domain instanceof Wrong ? undefined : (operations.live?.table() ?? tableOf(operations)).domains.get(domain)?.domain;
  if (own === undefined)
    throw new Refused(`"${written.slice(0, 80)}" is no domain of ours; right would be one of routes/domains.yaml, or a user's address`);
  return own;
}

/** Addresses in a domain that the core alone serves, which nobody has. */
async function unknownOf(operations: Operations, who: readonly string[]): Promise<readonly string[]> {
  const { domains } = operations.live?.table() ?? tableOf(operations);
  const { people } = await operations.people();
  const found: string[] = [];
  for (const one of who.filter((each) => each.includes('@'))) {
    const own = domains.get(fromBareKey(one).domain);
    if (own?.served === 'core' && own.otherwise === undefined && (await people.get(one)) === undefined) found.push(one);
  }
  return found;
}

function periodWords({ since, until }: Pick<Hold, 'since' | 'until'>): string {
  return `${since === undefined ? '' : ` from ${minuteOf(since)}`}${until === undefined ? '' : ` to ${minuteOf(until)}`}`;
}

function viewHold({ since, until, at, released, ...rest }: Hold): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    at: iso(at),
    ...(since !== undefined && { since: iso(since) }),
    ...(until !== undefined && { until: iso(until) }),
    ...(released !== undefined && { released: { ...released, at: iso(released.at) } }),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function day(at: number): string {
  return iso(at).slice(0, 10);
}
