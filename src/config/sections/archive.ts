// records/archive.yaml: what of our people's messages is archived, for how long, and who must agree to reading it (lync-features A12).

import * as z from 'zod';
import { entry, text } from '../shape.ts';
import { caseMapped, parseDuration, Wrong } from '../values.ts';
import { journalSection } from './journal.ts';

const DAY_MS = 86_400_000;
/** KeepArchivingDataForDays of Lync has the same bounds. */
const MOST_DAYS = 2562;

function parseRetention(value: string): number | 'forever' | Wrong {
  if (value === 'forever') return value;
  const ms = parseDuration(value);
  if (ms instanceof Wrong) return new Wrong(`${ms.right}, or forever`);
  return ms >= DAY_MS && ms <= MOST_DAYS * DAY_MS ? ms : new Wrong(`from 1d to ${MOST_DAYS}d, or forever`);
}

const what = entry({
  internal: z.boolean().optional().describe('What they say to others of ours, and hear from them.'),
  external: z.boolean().optional().describe('What they say to people outside, and hear from them.'),
});
const groupName = text((value) => caseMapped(value), 'traders');

const purge = entry({
  hour: z
    .int()
    .min(0)
    .max(23)
    .default(2)
    .describe('The hour of the night, in the time of this machine, at which lines older than retention go. Default: 2.'),
  onlyExported: z.boolean().default(false).describe('true: only what "archive export" has handed out goes. Default: false.'),
});

export const archiveSection = entry({
  everyone: what.optional().describe('What holds for whom nothing else is said. Default: { internal: false, external: false }.'),
  domains: z.record(z.string(), what).default({}).describe('By domain of ours; beats everyone.'),
  groups: z
    .record(groupName, what)
    .default({})
    .describe('By group of routes/policy.yaml; beats domains. Of several groups the one written first counts.'),
  users: z.record(z.string(), what).default({}).describe('By user; beats everything here. A hold beats this as well.'),
  blockOnFailure: z
    .boolean()
    .default(false)
    .describe('true: a message that should be archived and cannot be is refused. false: it passes, and an alert says so. Default: false.'),
  retention: text(parseRetention, '14d')
    .default(14 * DAY_MS)
    .describe(`How long a line is kept: from 1d to ${MOST_DAYS}d, or forever. Default: 14d.`),
  purge: purge.prefault({}),
  secondPerson: z
    .boolean()
    .default(false)
    .describe('true: what is handed out, read, erased or released from a hold must be approved by somebody else. Default: false.'),
  journal: journalSection.optional(),
}).describe('records/archive.yaml: which messages the organisation keeps, whoever serves its people, and for how long.');

export type ArchiveInput = z.output<typeof archiveSection>;
