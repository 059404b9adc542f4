// `isthmus explain` as a verb. Where a process runs it is asked: it knows what waits and what was heard, and what is not on disk yet.

import { domainToASCII } from 'node:url';
import * as z from 'zod';
import type { Table } from '../../model/table.ts';
import { archivedIn } from '../archive/settings.ts';
import type { Operations } from '../operations.ts';
import { sinceInput, sinceMs } from '../since.ts';
import { verb } from '../verb.ts';
import { type ExplainDeps, explainId, explainPair, explainPresence } from './explain.ts';
import { addressNotes, isUser, withNotes } from './people.ts';
import { placesIn } from './places.ts';
import { explainWithin } from './within.ts';

const DAY_MS = 86_400_000;

export const explain = verb({
  words: 'explain',
  summary: 'what became of a message or a subscription, and why',
  positionals: ['idOrFrom', '[to]'],
  options: {
    presence: { type: 'boolean', says: 'with FROM TO: why FROM sees of TO what they see' },
    since: { type: 'string', value: 'TIME', says: 'with FROM TO: only since then (14:00 UTC, a date, 7d); default: the last 24 hours' },
  },
  details: [
    'One identifier: a Call-ID, a stanza id, an origin-id or our own id of a log line. Two addresses: nobody needs to know an id.',
    '"delivered" was confirmed by the far end, "handed over" was written and never confirmed. Texts of messages are not kept.',
    'Rules are shown as FILE:LINE of the set in force. Exit 1: it was refused, failed, expired or is not known; or, with --presence,',
    'something stands between the two.',
  ].join('\n'),
  example: 'isthmus explain li@partner.example nora@corp.example --since 14:00',
  input: z
    .object({
      idOrFrom: z
        .string()
        .min(1, 'an identifier, or an address')
        .max(1000, 'no identifier is that long')
        .describe('An identifier, or the address of who sent or watches.'),
      to: z.string().max(1000).describe('The address of who was written to or is watched.').optional(),
      presence: z.union([z.boolean(), z.stringbool()]).optional(),
      since: sinceInput.optional(),
    })
    .refine(({ to, presence, since }) => to !== undefined || (presence !== true && since === undefined), {
      message: '--presence and --since go with two addresses: isthmus explain FROM TO',
      path: ['to'],
    })
    .refine(({ idOrFrom, to }) => to === undefined || (bareOf(idOrFrom) !== undefined && bareOf(to) !== undefined), {
      message: 'FROM and TO are addresses such as li@partner.example',
      path: ['to'],
    }),
  http: { method: 'GET', path: '/explain' },
  role: 'helpdesk',
  audited: false,
  where: 'here',
  async run(operations, input) {
    const { live, clock } = operations;
    if (live === undefined) {
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
      const answer = await operations.ask('explain', given);
      if (answer !== undefined) return answer;
    }
    live?.sight.flush();
    const [from, to] = [bareOf(input.idOrFrom), input.to === undefined ? undefined : bareOf(input.to)];
    if (from === undefined || to === undefined) return explainId(input.idOrFrom, depsOf(operations));
    const since = (input.since === undefined ? undefined : sinceMs(input.since, clock.now())) ?? clock.now() - DAY_MS;
    const { people } = await operations.people();
    const table = tableOf(operations);
    const within = (await isUser(from, people, table)) && (await isUser(to, people, table));
    const deps = { ...depsOf(operations), within };
    const report = await (input.presence !== true
      ? explainPair(from, to, since, deps)
      : within
        ? explainWithin(from, to, operations)
        : explainPresence(from, to, since, deps));
    return withNotes(report, await addressNotes([from, to], people, table));
  },
});

function tableOf({ live, load }: Operations): Table | undefined {
  const loaded = live === undefined ? load() : undefined;
  return live?.table() ?? (loaded?.ok === true ? loaded.table : undefined);
}

function depsOf(operations: Operations): ExplainDeps {
  const { live, clock, judge } = operations;
  const records = operations.records();
  const table = tableOf(operations);
  return {
    ledger: records.ledger,
    decisions: records.decisions,
    authorizations: records.authorizations,
    requests: records.requests,
    dialogs: records.dialogs,
    place: placesIn(operations),
    rule: (from, to) => (table === undefined ? undefined : judge(table, { from, to, where: { file: '', key: '' } })),
    isOurs: (domain) => table?.domains.has(domain),
    archived: archivedIn(operations, table),
    ...(live !== undefined && { live }),
    now: clock.now(),
  };
}

/** `local@domain` as it is kept: lower case, the domain as A-label, no resource; a URI's scheme is forgiven. */
function bareOf(text: string): string | undefined {
  const [, local, domain] = /^(?:sips?:|xmpp:|im:|pres:)?([^@/\s]+)@([^@/\s;?]+)/i.exec(text.trim()) ?? [];
  const ascii = domain === undefined ? '' : domainToASCII(domain);
  return local === undefined || ascii === '' ? undefined : `${local.toLowerCase()}@${ascii}`;
}
