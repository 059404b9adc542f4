// `isthmus partner list`: who may talk to us, in which state, who answers for it, and when it was last seen. With --csv the
// report for auditors: who may talk to whom, since when, approved by whom.

import * as z from 'zod';
import { isoTime } from '../../config/effective.ts';
import { showFinding } from '../../config/finding.ts';
import { parseDuration, Wrong } from '../../config/values.ts';
import { type Report, verb } from '../verb.ts';
import { columns, count, span } from '../words.ts';
import { type PartnerFacts, partnerFacts, reviewDue, stateOf } from './facts.ts';

export const partnerList = verb({
  words: 'partner list',
  summary: 'the partners: state, protocols, last seen, owner, review',
  positionals: [],
  options: {
    unused: { type: 'string', value: 'AGE', says: 'only those not seen for so long, such as 90d, or never' },
    blocked: { type: 'boolean', says: 'only those that are blocked' },
    'review-due': { type: 'boolean', says: 'only those whose review day has come' },
    csv: { type: 'boolean', says: 'the report: who may talk to whom, each way, since when, approved by whom' },
  },
  details: [
    'From the files as they stand. "Seen" is the last message, presence or handshake on record. With --unused, --blocked or --review-due together, all must hold.',
    'SINCE and APPROVED BY of the report come from the audit log: whoever used isthmus partner add, or applied the set its file came with.',
  ].join('\n'),
  example: 'isthmus partner list --unused 90d',
  input: z.object({
    unused: z
      .string()
      .refine((text) => !(parseDuration(text) instanceof Wrong), 'an age such as 90d')
      .optional()
      .describe('Only those not seen for so long.'),
    blocked: z.boolean().default(false).describe('Only those that are blocked.'),
    reviewDue: z.boolean().default(false).describe('Only those whose review day has come.'),
    csv: z.boolean().default(false).describe('As CSV in the text.'),
  }),
  http: { method: 'GET', path: '/partners' },
  role: 'viewer',
  audited: false,
  where: 'here',
  async run(operations, { unused, blocked, reviewDue: due, csv }): Promise<Report> {
    const loaded = operations.load();
    if (!loaded.ok)
      return {
        text: [...loaded.faults.map(showFinding), 'isthmus partner list: the files have faults'].join('\n'),
        json: { faults: loaded.faults },
        exit: 2,
      };
    const { partners, recorded } = await partnerFacts(operations, loaded);
    const now = operations.clock.now();
    const age = unused === undefined ? undefined : parseDuration(unused);
    const chosen = partners.filter(
      (facts) =>
        (typeof age !== 'number' || now - (facts.lastSeen ?? 0) >= age) &&
        (!blocked || facts.blocked !== undefined) &&
        (!due || reviewDue(facts, now)),
    );
    const json = chosen.map((facts) => jsonOf(facts, now));
    if (csv) return { text: csvOf(chosen, now), json, exit: 0 };
    if (chosen.length === 0)
      return {
        text: partners.length === 0 ? 'no partner yet: isthmus partner add DOMAIN' : `none of ${count(partners.length, 'partner')}`,
        json,
        exit: 0,
      };
    const rows = chosen.map((facts) => {
      const { partner, lastSeen, owner, reviewBefore } = facts;
      const review = reviewBefore === undefined ? '-' : `${reviewBefore}${reviewDue(facts, now) ? ' due' : ''}`;
      const more = partner.domains.length > 1 ? ` +${partner.domains.length - 1}` : '';
      const seen = lastSeen === undefined ? 'never' : `${span(now - lastSeen)} ago`;
      return [`${partner.name}${more}`, stateWord(facts, now), partner.prefer.join(', '), allowWord(facts), seen, owner ?? '-', review];
    });
    const never = recorded ? [] : ['', 'this home has not been started yet, so nobody has been seen'];
    return {
      text: [
        ...columns([['PARTNER', 'STATE', 'PROTOCOLS', 'MESSAGES, THEY SEE', 'SEEN', 'OWNER', 'REVIEW'], ...rows]),
        '',
        count(chosen.length, 'partner'),
        ...never,
      ].join('\n'),
      json,
      exit: 0,
    };
  },
});

function stateWord(facts: PartnerFacts, now: number): string {
  const state = stateOf(facts, now);
  const until = state === 'blocked' ? facts.blocked?.untilMs : state === 'paused' ? facts.partner.paused?.untilMs : undefined;
  return until === undefined ? state : `${state} until ${isoTime(until)}`;
}

function allowWord({ partner: { allow } }: PartnerFacts): string {
  return `${allow.messages}, ${allow.theySee.length === 0 ? 'nothing' : allow.theySee.join('+')}`;
}

/** One partner for programs. */
export function jsonOf(facts: PartnerFacts, now: number): Readonly<Record<string, unknown>> {
  const { partner, lastSeen, added, blocked, owner, contact, note, reviewBefore } = facts;
  const { name, domains, prefer, sip, xmpp, allow, where } = partner;
  return {
    domain: name,
    domains,
    file: where.file,
    state: stateOf(facts, now),
    protocols: prefer,
    proof: Object.fromEntries(prefer.map((protocol) => [protocol, protocol === 'sip' ? sip.proof : xmpp.proof])),
    allow,
    ...(partner.paused !== undefined && {
      paused: {
        messages: partner.paused.messages,
        ...(partner.paused.untilMs !== undefined && { until: isoTime(partner.paused.untilMs) }),
      },
    }),
    ...(blocked !== undefined && {
      blocked: { where: blocked.where, ...(blocked.untilMs !== undefined && { until: isoTime(blocked.untilMs) }) },
    }),
    ...(lastSeen !== undefined && { lastSeen: new Date(lastSeen).toISOString() }),
    ...(owner !== undefined && { owner }),
    ...(contact !== undefined && { contact }),
    ...(note !== undefined && { note }),
    ...(reviewBefore !== undefined && { reviewBefore, reviewDue: reviewDue(facts, now) }),
    ...(added !== undefined && {
      since: new Date(added.at).toISOString(),
      approvedBy: added.by,
      ...(added.why !== undefined && { why: added.why }),
    }),
  };
}

const COLUMNS: readonly [head: string, cell: (facts: PartnerFacts, now: number) => string][] = [
  ['partner', ({ partner }) => partner.name],
  ['domains', ({ partner }) => partner.domains.join(' ')],
  ['state', stateWord],
  ['protocols', ({ partner }) => partner.prefer.join(' ')],
  [
    'proof',
    ({ partner }) =>
      partner.prefer.map((protocol) => `${protocol}:${protocol === 'sip' ? partner.sip.proof : partner.xmpp.proof}`).join(' '),
  ],
  ['messages', ({ partner }) => partner.allow.messages],
  ['theySee', ({ partner }) => partner.allow.theySee.join(' ')],
  ['weSee', ({ partner }) => String(partner.allow.weSee)],
  ['firstContact', ({ partner }) => partner.allow.firstContact],
  ['owner', ({ owner }) => owner ?? ''],
  ['contact', ({ contact }) => contact ?? ''],
  ['since', ({ added }) => (added === undefined ? '' : isoTime(added.at))],
  ['approvedBy', ({ added }) => added?.by ?? ''],
  ['why', ({ added }) => added?.why ?? ''],
  ['reviewBefore', ({ reviewBefore }) => reviewBefore ?? ''],
  ['reviewDue', (facts, now) => (reviewDue(facts, now) ? 'yes' : 'no')],
  ['lastSeen', ({ lastSeen }) => (lastSeen === undefined ? '' : isoTime(lastSeen))],
  ['note', ({ note }) => note ?? ''],
  ['file', ({ partner }) => partner.where.file],
];

function csvOf(partners: readonly PartnerFacts[], now: number): string {
  return [COLUMNS.map(([head]) => head), ...partners.map((facts) => COLUMNS.map(([, cell]) => cell(facts, now)))]
    .map((row) => row.map(csvCell).join(','))
    .join('\n');
}

/** RFC 4180 section 2; a cell that a spreadsheet would take for a formula gets an apostrophe. */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
