// `isthmus partner trace`: what one partner and we say to each other, decrypted by our own end, redacted, for a bounded time. The
// process listens and masks; a file is written by the command line, with the rights of whoever typed it.

import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { parseDuration } from '../../config/values.ts';
import { guarded } from '../approval.ts';
import type { Operations } from '../operations.ts';
import { domainInput, domainsOf } from '../partner-choice.ts';
import { type Report, type Verb, verb } from '../verb.ts';
import { count, span } from '../words.ts';
import { FORMATS, lineMaker } from './formats.ts';

const HOUR_MS = 3_600_000;
const MAX_MB = 500;

const duration = z
  .string()
  .transform((text) => parseDuration(text))
  .refine((ms): ms is number => typeof ms === 'number' && ms >= 1000 && ms <= HOUR_MS, 'from 1s to 1h, such as 60s or 10m');

const input = z
  .object({
    domain: domainInput,
    for: duration.default(60_000).describe('How long: 60s, 10m, at most 1h.'),
    format: z.enum(FORMATS, `one of ${FORMATS.join(', ')}`).default('ladder'),
    out: z.string().min(1, 'a file name').optional().describe('Only on the command line: the file to write.'),
    bodies: z.union([z.boolean(), z.stringbool()]).default(false),
    maxMb: z.coerce.number('a number').min(1, 'at least 1').max(MAX_MB, `at most ${MAX_MB}`).default(50),
  })
  .refine(({ format, out }) => format !== 'pcapng' || out !== undefined, { message: 'a pcapng file needs --out FILE', path: ['out'] });
type Input = z.output<typeof input>;

const row = verb({
  words: 'partner trace',
  summary: 'shows what a partner and we say to each other, decrypted and redacted',
  positionals: ['domain'],
  options: {
    for: { type: 'string', value: 'TIME', says: 'so long, at most 1h; default: 60s. Ctrl-C ends it before' },
    format: { type: 'string', value: 'FORMAT', says: 'ladder (default), json (one object a line), pcapng (for Wireshark; needs --out)' },
    out: { type: 'string', value: 'FILE', says: 'into this file, which must not exist yet' },
    bodies: { type: 'boolean', says: 'with texts, notes and subjects; needs the role compliance or admin, and --why' },
    'max-mb': { type: 'string', value: 'N', says: `ends after so many megabytes, at most ${MAX_MB}; default: 50` },
  },
  details: [
    "Connections that have proven to be one of the partner's domains, open ones and new ones, and those that only claim it until they",
    'are refused. Of a connection that several partners share, only the messages of this one. Every octet of a body, a note, a',
    'password, a SASL or dialback key, a token and of every header and attribute that is not known to be harmless is overwritten with',
    'x, so lengths stay true. Passwords and keys are never shown, not even with --bodies. Begin and end stand in the audit log.',
    'In a pcapng file Ethernet, IP and TCP are made up, our own address is 192.0.2.1 or 2001:db8::1, and ports are 5060 and 5222.',
  ].join('\n'),
  example: 'isthmus partner trace fabrikam.example --for 60s --out fabrikam.pcapng --format pcapng',
  input,
  http: { method: 'POST', path: '/partners/{domain}/trace' },
  role: 'compliance',
  audited: true,
  where: 'here',
  async run(operations, asked): Promise<Report> {
    if (operations.live === undefined) return fromHere(operations, asked);
    const { live, actor, why, clock, signal, line } = operations;
    const { domain, format, bodies, maxMb } = asked;
    if (bodies && actor.role !== 'admin' && actor.role !== 'compliance')
      return refused('--bodies needs the role compliance or admin', 'forbidden');
    if (bodies && (why === undefined || why.trim() === ''))
      return refused('--bodies needs --why: the reason stands in the audit log', 'whyMissing');
    if (live.table().domains.has(domain)) return refused(`${domain} is a domain of yours; name the partner`, 'ours');
    const domains = domainsOf(domain, live.table());
    await operations.audit().append({
      at: clock.now(),
      actor,
      act: 'partner trace',
      input: JSON.stringify({ domain, for: `${asked.for / 1000}s`, bodies }),
      exit: 0,
      changes: 'a trace begins',
      ...(why !== undefined && { why }),
    });
    const maker = lineMaker(format, bodies);
    for (const one of maker.head) line(one);
    operations.progress(`listening to ${[...domains].slice(0, 5).join(', ')} for ${span(asked.for)}; Ctrl-C ends it`);
    const end = await live.traces.run({
      domains,
      durationMs: asked.for,
      maxBytes: maxMb * 1_000_000,
      bodies,
      signal,
      message: (message) => {
        for (const one of maker.lines(message)) line(one);
      },
    });
    const how = { time: 'the time was over', size: `it has ${maxMb} MB`, stopped: 'it was stopped' }[end.why];
    const text = `${count(end.messages, 'message')} of ${count(end.connections, 'connection')}, ${end.octets} octets; ${how}.${
      end.leftOut > 0 ? ` ${end.leftOut} octets are left out: of others, or not readable.` : ''
    }`;
    const none = end.messages === 0 ? `\nNobody spoke. isthmus partner test ${domain} --deliver FROM TO sends them something.` : '';
    return {
      text: `${text}${none}`,
      json: { domains: [...domains], ...end },
      exit: end.messages === 0 ? 1 : 0,
      changes: `the trace has ended: ${text}`,
    };
  },
});

const alone = guarded(row, ({ bodies }) => bodies !== true);

/** What people say is listened to by nobody alone where the home asks for a second person; it is asked for in the process. */
export const partnerTrace: Verb = {
  ...alone,
  run: (operations, asked) => (operations.live === undefined ? row : alone).run(operations, asked as Input), // its own input, parsed
};

/** The command line: asks the process, and writes what comes into the file. */
async function fromHere(operations: Operations, asked: Input): Promise<Report> {
  const { out, format } = asked;
  const given = { ...asked, for: `${asked.for / 1000}s`, ...(operations.why !== undefined && { why: operations.why }) };
  let file: number | undefined;
  let lines = 0;
  try {
    // Readable by its owner alone; never over a file that is there.
    file = out === undefined ? undefined : openSync(out, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return refused(`${out} cannot be written: ${code === 'EEXIST' ? 'it is there already' : code}`, 'file');
  }
  try {
    const write = (line: string): void => {
      lines += 1;
      if (file === undefined) operations.line(line);
      else writeFileSync(file, Buffer.from(format === 'pcapng' ? line : `${line}\n`, format === 'pcapng' ? 'base64' : 'utf8'));
    };
    const report = await operations.ask('partner trace', given, write);
    if (report === undefined) {
      const text = `isthmus partner trace: nothing runs with the home ${operations.dir}\n  isthmus start --home ${operations.dir} starts it`;
      return { text, json: { error: 'notRunning', home: operations.dir }, exit: 3, recorded: true };
    }
    // The process has written the audit lines.
    return { ...report, recorded: true, ...(out !== undefined && lines > 0 && { text: `${report.text}\nWritten to ${out}.` }) };
  } finally {
    if (file !== undefined) closeSync(file);
    if (file !== undefined && out !== undefined && lines === 0) rmSync(out, { force: true }); // nothing was heard, or not yet allowed
  }
}

function refused(sentence: string, error: string): Report {
  return { text: `isthmus partner trace: ${sentence}`, json: { error, text: sentence }, exit: 2, recorded: true };
}
