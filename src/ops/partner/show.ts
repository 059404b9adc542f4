// `isthmus partner show`: one partner as it stands in the files: what it may, what it has shown of itself, when it was last
// seen, what waits. With --effective every value and the line that it comes from.

import * as z from 'zod';
import { effectiveValues, showValue } from '../../config/effective.ts';
import { showFinding } from '../../config/finding.ts';
import { daysLeft } from '../../model/expiry.ts';
import type { Passport } from '../../model/passport.ts';
import { utcDay } from '../../model/utc.ts';
import { type Report, verb } from '../verb.ts';
import { columns, span } from '../words.ts';
import { partnerFacts, reviewDue, stateOf } from './facts.ts';
import { noPartner } from './file.ts';
import { jsonOf } from './list.ts';
import { domainInput } from './words.ts';

export const partnerShow = verb({
  words: 'partner show',
  summary: 'one partner: what it may, what it has shown of itself, what waits',
  positionals: ['domain'],
  options: { effective: { type: 'boolean', says: 'every value with the file and line it comes from; "default" where nobody wrote it' } },
  details: 'From the files as they stand; what is in force may differ until isthmus apply (isthmus plan).',
  example: 'isthmus partner show fabrikam.example --effective',
  input: z.object({
    domain: domainInput.describe('A domain of the partner.'),
    effective: z.boolean().default(false).describe('Every value with the file and line it comes from.'),
  }),
  http: { method: 'GET', path: '/partners/{domain}' },
  role: 'viewer',
  audited: false,
  where: 'here',
  async run(operations, { domain, effective }): Promise<Report> {
    const loaded = operations.load();
    if (!loaded.ok)
      return {
        text: [...loaded.faults.map(showFinding), 'isthmus partner show: the files have faults'].join('\n'),
        json: { faults: loaded.faults },
        exit: 2,
      };
    const { table, partners, passports } = await partnerFacts(operations, loaded);
    const facts = partners.find(({ partner }) => partner.domains.includes(domain));
    if (facts === undefined) return noPartner(operations, 'partner show', domain);
    const { partner, owner, contact, note, reviewBefore, added, lastSeen, blocked } = facts;
    const now = operations.clock.now();
    const values = effectiveValues(partner);
    const own = passports.filter((passport) => partner.domains.includes(passport.domain));
    const queue = await operations.ask('queue list', { partner: partner.name, limit: 1 }).catch(() => undefined);
    const waiting = waitingOf(queue?.json);

    const rows: [string, string | undefined][] = [
      ['file', partner.where.file],
      ['domains', partner.domains.join(', ')],
      ['state', stateWords(stateOf(facts, now), facts)],
      ['protocols', partner.prefer.join(', then ')],
      ['messages', MESSAGES[partner.allow.messages]],
      ['they see', partner.allow.theySee.length === 0 ? 'nothing of our users' : partner.allow.theySee.join(', ')],
      ['we see', partner.allow.weSee ? 'yes' : 'no'],
      ['first contact', partner.allow.firstContact === 'anyone' ? 'anyone may begin' : 'a user of ours must invite first'],
      ['owner', owner],
      ['contact', contact],
      ['review', reviewBefore === undefined ? undefined : `before ${reviewBefore}${reviewDue(facts, now) ? ': the day has come' : ''}`],
      ['added', added === undefined ? undefined : `${utcDay(added.at)} by ${added.by}${added.why === undefined ? '' : `: ${added.why}`}`],
      ['note', note],
      ['last seen', lastSeen === undefined ? 'never' : `${span(now - lastSeen)} ago`],
      [
        'waiting',
        waiting === undefined ? undefined : waiting === 0 ? 'nothing' : `${waiting}; isthmus queue list --partner ${partner.name}`,
      ],
    ];
    const shown = rows.filter((row): row is [string, string] => row[1] !== undefined);
    const width = Math.max(...shown.map(([left]) => left.length));
    const text = [
      partner.name,
      ...shown.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
      ...passportLines(own, now),
      ...(effective
        ? [
            '',
            ...columns([
              ['KEY', 'VALUE', 'FROM'],
              ...values.map(({ key, value, where }) => [key, value, where.line === undefined ? 'default' : `${where.file}:${where.line}`]),
            ]),
          ]
        : []),
    ];
    const json = {
      ...jsonOf(facts, now),
      passports: own,
      ...(waiting !== undefined && { waiting }),
      ...(effective && {
        effective: values.map(({ key, value, where }) => ({
          key,
          value,
          from: where.line === undefined ? 'default' : `${where.file}:${where.line}`,
        })),
      }),
      ...(blocked !== undefined && { blockedBy: showValue(blocked.where) }),
      rules: table.policy.rules.length,
    };
    return { text: text.join('\n'), json, exit: 0 };
  },
});

const MESSAGES = { both: 'both ways', toThem: 'only to them', fromThem: 'only from them', none: 'none' } as const;

function stateWords(state: ReturnType<typeof stateOf>, { partner, blocked }: Parameters<typeof stateOf>[0]): string {
  const end = (ms: number | undefined, without: string): string =>
    ms === undefined ? without : `until ${new Date(ms).toISOString().slice(0, 16)}Z`;
  switch (state) {
    case 'blocked':
      return `blocked ${end(blocked?.untilMs, 'for good')} (${blocked?.where.file}:${blocked?.where.line ?? 1}); a block beats everything`;
    case 'paused':
      return `paused ${end(partner.paused?.untilMs, 'until isthmus partner resume')}; messages: ${partner.paused?.messages}`;
    case 'off':
      return 'off (enabled: false)';
    case 'on':
      return 'on';
  }
}

function passportLines(passports: readonly Passport[], now: number): string[] {
  if (passports.length === 0) return ['', 'no certificate of theirs was seen yet'];
  return passports.flatMap(({ domain, protocol, direction, chain, names, tlsVersion, cipher, tookOurs, lastSeen }) => {
    const [leaf] = chain;
    const road = `${protocol}, ${direction === 'in' ? 'they connect to us' : 'we connect to them'}`;
    const days = leaf === undefined ? undefined : daysLeft(leaf.notAfter, now);
    const expiry =
      leaf === undefined ? 'no certificate' : days !== undefined && days < 0 ? `expired ${-days} days ago` : `${days} days left`;
    const took = tookOurs === undefined ? '' : tookOurs ? '; took our certificate' : '; did not take our certificate';
    return [
      '',
      `${domain} over ${road}, seen ${span(now - lastSeen)} ago`,
      ...(leaf === undefined ? [] : [`  certificate  ${leaf.subject}, issued by ${leaf.issuer}; ${leaf.keyType}; ${expiry}`]),
      ...(names.length === 0 ? [] : [`  names        ${names.join(', ')}`]),
      `  connection   ${tlsVersion} ${cipher}${took}`,
    ];
  });
}

/** How many rows wait, as `queue list` says it. */
function waitingOf(json: unknown): number | undefined {
  return json !== null && typeof json === 'object' && 'total' in json && typeof json.total === 'number' ? json.total : undefined;
}
