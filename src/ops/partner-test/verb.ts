// isthmus partner test DOMAIN: can this partner be reached, does it reach us, and if not, where does it fall and who must do what?

import * as z from 'zod';
import { showFinding } from '../../config/finding.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { Table } from '../../model/table.ts';
import type { Operations, Records } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import type { Finding, Looked } from './findings.ts';
import { look, type Means, type Wanted } from './look.ts';
import { oneLine, showReport } from './report.ts';

const WORDS = 'partner test';
/** Partners climbed at one time with --all. */
const AT_ONCE = 8;
const MAX_TEXT = 500;
/** In place of a domain in the path of the API: every partner with a file. */
const EVERYBODY = '*';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]).optional();
const input = z.object({
  domain: z.string().optional().describe("The partner's domain; `*`: as `all`."),
  all: flag.describe('Every partner with a file, one line each.'),
  as: z
    .string()
    .optional()
    .describe('The domain of ours to test with; default: the first that has a certificate and would exchange messages with them.'),
  protocol: z.enum(['sip', 'xmpp']).optional().describe('Only this protocol.'),
  timeout: z.coerce.number().min(1).max(60).optional().describe('Seconds for each protocol as a whole; default 9.5.'),
  deliver: flag.describe('Send a real message from `from` to `to`.'),
  from: z.string().optional().describe('A user of ours, as whom the message is sent.'),
  to: z.string().optional().describe('A user of the partner, who receives it.'),
  text: z.string().min(1).max(MAX_TEXT).optional().describe('The text of that message.'),
});
type Input = z.output<typeof input>;

export const partnerTest = verb({
  words: WORDS,
  summary: 'climbs DNS, TCP, TLS, identity, stream or OPTIONS, policy, both ways, and says where it fell and who must do what',
  positionals: ['[domain]', '[from]', '[to]'],
  options: {
    all: { type: 'boolean', says: 'every partner with a file in routes/partners/, one line each' },
    as: { type: 'string', value: 'DOMAIN', says: 'the domain of ours to test with; default: the first that exchanges messages with them' },
    protocol: { type: 'string', value: 'sip|xmpp', says: 'only this protocol' },
    timeout: { type: 'string', value: 'SECONDS', says: 'for each protocol as a whole; default 9.5' },
    deliver: { type: 'boolean', says: 'send a real message as FROM, a user of ours, to TO, a user of theirs' },
    text: { type: 'string', value: 'TEXT', says: 'its text; default: a sentence that says it is a test' },
  },
  details: [
    'Both protocols are climbed at once, with our own certificate. Nothing is sent to any user without --deliver.',
    'Their way to us is told from what has been seen: our records in DNS, their last visit, their last refusal.',
    'While isthmus start runs, the process itself climbs: with its rules, its dialback key and its open connections.',
    'A real delivery: isthmus partner test partner.example --deliver nora@corp.example li@partner.example',
    'It goes through the outbox of the running process; while nothing runs it is sent at once or not at all, and has no ledger line.',
    'A domain without a file in routes/partners/ can be tested too, before one is written.',
    'Exit 0: nothing is wrong, both ways as far as can be told. Exit 1: something was found; docs/diagnoses.md lists the codes.',
  ].join('\n'),
  example: 'isthmus partner test fabrikam.example --home ./home',
  input,
  http: { method: 'POST', path: '/partners/{domain}/test' },
  role: 'operator',
  audited: false,
  where: 'here',
  run,
});

async function run(operations: Operations, given: Input): Promise<Report> {
  if (operations.live === undefined) {
    const { all, domain, ...rest } = given;
    const report = await operations.ask(WORDS, { ...rest, domain: all === true ? (domain ?? EVERYBODY) : domain });
    if (report !== undefined) return report;
  }
  const rules = rulesOf(operations);
  if ('text' in rules) return rules;
  const { table } = rules;
  const wanted = wantedOf(given, table);
  if (typeof wanted === 'string') return usage(wanted);
  const records = recordsOf(operations);
  const room = operations.live?.partners;
  const means: Means = {
    operations,
    prober: room?.prober() ?? (await operations.prober(rules.home, table)),
    ...(records !== undefined && { records }),
    ...(room !== undefined && { room }),
  };
  if (given.all === true || given.domain === EVERYBODY) return everybody(wanted, means);
  const one = await look(wanted[0] as Wanted, means); // without --all there is exactly one
  if (typeof one === 'string') return usage(one);
  const by = operations.live === undefined ? 'commandLine' : 'process';
  if (one.looked.delivery !== undefined) await noteDelivery(operations, given);
  return {
    text: showReport(one.looked, one.findings, by),
    json: { ...answer(one.looked, one.findings), by },
    exit: one.findings.length === 0 ? 0 : 1,
  };
}

/** The rules in force inside the process; the files as they are beside it. */
function rulesOf({
  live,
  load,
  dir,
}: Operations): { readonly table: Table; readonly home: NonNullable<Operations['live']>['home'] } | Report {
  if (live !== undefined) return { table: live.table(), home: live.home };
  const loaded = load();
  if (loaded.ok) return loaded;
  const text = [...loaded.faults.map(showFinding), `isthmus partner test: the home ${dir} has faults`].join('\n');
  return { text, json: { error: 'faults', faults: loaded.faults }, exit: 2 };
}

/** Undefined: this home has never been started, and nothing is known of partners. */
function recordsOf(operations: Operations): Records | undefined {
  try {
    return operations.records();
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

function usage(sentence: string): Report {
  return { text: `isthmus partner test: ${sentence}`, json: { error: 'usage', text: sentence }, exit: 2 };
}

/** A message in somebody's name is an act of an administrator; a climb is not. */
async function noteDelivery(operations: Operations, { text, ...given }: Input): Promise<void> {
  const told = { ...given, ...(text !== undefined && { text: `${text.length} characters` }) };
  await operations
    .audit()
    .append({ at: operations.clock.now(), actor: operations.actor, act: `${WORDS} --deliver`, input: JSON.stringify(told), exit: 0 });
}

/** What is to be done; a sentence when it cannot be. */
function wantedOf(given: Input, table: Table): readonly Wanted[] | string {
  const { domain: named, as: asTyped, protocol, timeout, deliver, from, to, text } = given;
  const all = given.all === true || named === EVERYBODY;
  const typed = named === EVERYBODY ? undefined : named;
  if (!all && typed === undefined) return 'name a domain, or --all';
  if (all && (typed !== undefined || deliver === true)) return '--all takes neither a domain nor --deliver';
  const as = asTyped === undefined ? undefined : parseDomain(asTyped);
  if (as instanceof Wrong || (as !== undefined && !table.domains.has(as))) {
    return `--as "${asTyped}"; right would be one of ${[...table.domains.keys()].join(', ')}`;
  }
  const common = {
    ...(as !== undefined && { as }),
    ...(protocol !== undefined && { protocol }),
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
  };
  if (all) {
    const listed = [...table.partners].filter(([name, partner]) => partner.enabled && name === partner.name);
    return listed.length === 0
      ? 'no partner with a file in routes/partners/ is enabled'
      : listed.map(([domain]) => ({ domain, ...common }));
  }
  const domain = parseDomain(typed ?? '');
  if (domain instanceof Wrong) return `"${typed}"; right would be ${domain.right}`;
  if (table.domains.has(domain)) return `${domain} is a domain of ours; name a partner's`;
  if (deliver !== true) {
    if (from !== undefined) return `"${from}" is one word too many; a real message needs --deliver`;
    return text === undefined ? [{ domain, ...common }] : '--text needs --deliver FROM TO';
  }
  if (from === undefined || to === undefined) return '--deliver needs two addresses after the domain: a user of ours, and one of theirs';
  const sender = userOf(from);
  const recipient = userOf(to);
  if (sender === undefined || !table.domains.has(sender.domain))
    return `"${from}" cannot send; right would be a user of ours, such as nora@${[...table.domains.keys()][0] ?? 'corp.example'}`;
  if (recipient === undefined || recipient.domain !== domain)
    return `"${to}" cannot receive; right would be a user of the partner, such as li@${domain}`;
  const said = text ?? `This is a test of the connection between ${sender.domain} and ${domain}; please ignore it.`;
  return [{ domain, as: sender.domain, ...common, deliver: { from: sender.address, to: recipient.address, text: said } }];
}

function userOf(text: string): { readonly address: string; readonly domain: string } | undefined {
  const at = text.lastIndexOf('@');
  const domain = parseDomain(text.slice(at + 1));
  return at < 1 || domain instanceof Wrong ? undefined : { address: `${text.slice(0, at).toLowerCase()}@${domain}`, domain };
}

async function everybody(wanted: readonly Wanted[], means: Means): Promise<Report> {
  const done: { readonly domain: string; readonly line: string; readonly json: object; readonly exit: 0 | 1 }[] = [];
  const left = [...wanted];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (means.operations.signal.aborted) return;
      const one = await look(next, means);
      const { domain } = next;
      if (typeof one === 'string') done.push({ domain, line: `FELL  ${domain}: ${one}`, json: { domain, ok: false, error: one }, exit: 1 });
      else
        done.push({
          domain,
          line: oneLine(one.looked, one.findings),
          json: answer(one.looked, one.findings),
          exit: one.findings.length === 0 ? 0 : 1,
        });
      means.operations.progress(`${done.length} of ${count(wanted.length, 'partner')} tested`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  done.sort((a, b) => a.domain.localeCompare(b.domain));
  const bad = done.filter((one) => one.exit === 1).length;
  const last = `${count(done.length, 'partner')} tested, ${bad === 0 ? 'nothing is wrong' : `${bad} with findings; isthmus partner test DOMAIN says more`}`;
  return {
    text: [...done.map((one) => one.line), last].join('\n'),
    json: { partners: done.map((one) => one.json) },
    exit: bad === 0 ? 0 : 1,
  };
}

/** The complete answer for programs. */
function answer(looked: Looked, findings: readonly Finding[]): object {
  const { domain, probe, ladders, inbound, delivery, at } = looked;
  const { ourDomain, ourHost, spoken, file, policy } = probe;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    domain,
    ok: findings.length === 0,
    code: findings[0]?.code ?? null,
    at: iso(at),
    as: ourDomain,
    ourHost,
    file: file ?? null,
    spoken,
    out: ladders,
    in: inbound.map(({ lastGood, rungs, ...one }) => ({
      ...one,
      lastGood: lastGood === undefined ? null : iso(lastGood),
      rungs: rungs.map(({ ok, at: seenAt, ...rung }) => ({ ...rung, ok: ok ?? null, ...(seenAt !== undefined && { at: iso(seenAt) }) })),
    })),
    policy,
    ...(delivery !== undefined && { delivery }),
    findings,
  };
}
