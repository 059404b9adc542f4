// `isthmus cert renew`: what certs/acme.yaml asks for, now. The running process does it where one runs - its watcher takes the
// new pair at once, and its user may open the ports - else the command itself.

import * as z from 'zod';
import { showFinding } from '../../config/finding.ts';
import { nearest } from '../../config/spelling.ts';
import type { RenewalFault, RenewalResult, Renewals } from '../../model/acme.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';

const WORDS = 'cert renew';

export const certRenew = verb({
  words: WORDS,
  summary: 'renews our certificates by ACME, as certs/acme.yaml says',
  positionals: ['[name]'],
  options: {
    force: { type: 'boolean', says: 'also when it is not due, or an authority is left alone after failures; CAs count this' },
    'dry-run': { type: 'boolean', says: 'account, order and challenges, but no certificate: shows whether it would work' },
  },
  details: [
    'Without NAME every certificate of certs/acme.yaml that is due. A running edge does this by itself; the command is for the',
    'first certificate, for trying out (--dry-run), and after a failure was repaired. The new pair is in force at once, no',
    'connection is dropped; what was there before lies in certs/own/NAME/previous/.',
  ].join('\n'),
  example: 'isthmus cert renew corp --dry-run',
  input: z.object({
    name: z.string().min(1).max(128).optional().describe('Folder in certs/own, as in certs/acme.yaml. Default: all.'),
    force: z.boolean().default(false).describe('Also when it is not due.'),
    dryRun: z.boolean().default(false).describe('Everything but the certificate itself.'),
  }),
  http: { method: 'POST', path: '/certificates/renew' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { name, force, dryRun }) {
    if (operations.live === undefined) {
      const why = operations.why === undefined ? {} : { why: operations.why };
      const there = await operations.ask(WORDS, { ...(name !== undefined && { name }), force, dryRun, ...why });
      if (there !== undefined) return { ...there, recorded: true };
    }
    const found = await renewalsOf(operations);
    if ('text' in found) return found;
    const certificates = found.refreshed()?.certificates ?? [];
    if (certificates.length === 0) return nothingToRenew();
    if (name !== undefined && !certificates.some((one) => one.name === name))
      return unknownName(
        name,
        certificates.map((one) => one.name),
      );
    const { signal, progress } = operations;
    const results = await found.renew({ ...(name !== undefined && { name }), force, dryRun, progress, signal });
    return report(results, dryRun);
  },
});

async function renewalsOf(operations: Operations): Promise<Renewals | Report> {
  const { live } = operations;
  // Also in the process: it would go on with what it read before, and the operator has just changed it.
  const loaded = operations.load();
  if (loaded.ok) return live?.renewals ?? operations.renewals(loaded);
  const text = [`isthmus ${WORDS}: the home has faults; nothing was done`, ...loaded.faults.map(showFinding)].join('\n');
  return { text, json: { error: 'faults', faults: loaded.faults }, exit: 2 };
}

function nothingToRenew(): Report {
  const text = [
    `isthmus ${WORDS}: there is no certs/acme.yaml, or no certificate in it`,
    '  certs/acme.yaml.example shows every key; without ACME: isthmus cert request, then isthmus cert import',
  ].join('\n');
  return { text, json: { error: 'noAcme', text }, exit: 2 };
}

function unknownName(name: string, names: readonly string[]): Report {
  const meant = nearest(name, names);
  const did = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  const text = `isthmus ${WORDS}: certs/acme.yaml has no certificate "${name}".${did} There is: ${names.join(', ')}`;
  return { text, json: { error: 'unknownName', name, names }, exit: 2, status: 404 };
}

function report(results: readonly RenewalResult[], dryRun: boolean): Report {
  const renewed = results.filter((result) => result.kind === 'renewed');
  const changes = renewed.map((one) => `certs/own/${one.name}: renewed at ${one.authority}, SHA-256 ${one.fingerprint}`).join('\n');
  return {
    text: results.map((result) => shown(result, dryRun)).join('\n'),
    json: { certificates: results.map(jsonOf) },
    exit: results.some(({ kind }) => kind === 'failed') ? 1 : 0,
    ...(changes !== '' && { changes }),
  };
}

function shown(result: RenewalResult, dryRun: boolean): string {
  switch (result.kind) {
    case 'renewed':
      return `${result.name}: renewed at ${result.authority}, good until ${day(result.notAfter)}; in force (certs/own/${result.name})`;
    case 'tried':
      return `${result.name}: ${result.authority} would issue it; nothing was changed (--dry-run)`;
    case 'notDue':
      return `${result.name}: not due before ${moment(result.dueAt)} (${result.because}); --force renews it now`;
    case 'failed': {
      const faults = result.faults.flatMap(shownFault);
      const next = dryRun
        ? '  nothing was changed (--dry-run)'
        : `  what is in force stays; a running edge tries again by itself at ${moment(result.nextTryAt)}, --force tries now`;
      return [`${result.name}: ${dryRun ? 'would not be' : 'not'} renewed`, ...faults, next].join('\n');
    }
    default:
      return result satisfies never;
  }
}

function shownFault({ authority, code, text, advice }: RenewalFault): string[] {
  return [`  ${authority === undefined ? '' : `${authority}: `}${code}: ${text}`, `    ${advice}`];
}

function jsonOf(result: RenewalResult): unknown {
  if (result.kind === 'renewed') return { ...result, notAfter: iso(result.notAfter) };
  if (result.kind === 'notDue') return { ...result, dueAt: iso(result.dueAt) };
  if (result.kind === 'tried') return result;
  const faults = result.faults.map(({ notBefore, ...fault }) => ({
    ...fault,
    ...(notBefore !== undefined && { notBefore: iso(notBefore) }),
  }));
  return { ...result, faults, nextTryAt: iso(result.nextTryAt) };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const day = (ms: number): string => iso(ms).slice(0, 10);
const moment = (ms: number): string => `${iso(ms).slice(0, 16).replace('T', ' ')} UTC`;
