// The report of `isthmus partner test`: each rung on a line, both ways, then what was found, with cause, next step, and what to
// send to the partner.

import { codeOf, WORD } from '../diagnoses.ts';
import { oneLine as plainLine } from '../words.ts';
import { type Finding, type Looked, placeOf, reached } from './findings.ts';
import type { Inbound } from './inbound.ts';
import type { Ladder } from './ladder.ts';
import { showTarget } from './ladder.ts';
import type { PolicyWord, Rung } from './ports.ts';

const RUNG_WORDS: Readonly<Record<Rung['name'], string>> = {
  dns: 'DNS',
  tcp: 'TCP',
  tls: 'TLS',
  identity: 'identity',
  stream: 'stream',
  options: 'OPTIONS',
};

/** The whole report, for people. @param by who climbed */
export function showReport(looked: Looked, findings: readonly Finding[], by: 'process' | 'commandLine'): string {
  const { domain, probe, ladders, inbound, delivery } = looked;
  const lines = [`${domain}, as ${probe.ourDomain} (${probe.ourHost}), ${probe.file ?? 'no file in routes/partners/'}`];
  lines.push(
    by === 'process'
      ? 'climbed by the running process, with its certificates and rules'
      : 'nothing runs with this home: climbed by this command; open connections and dialback are left out',
  );
  for (const ladder of ladders) lines.push('', ...showLadder(looked, ladder));
  for (const one of inbound) lines.push('', ...showInbound(one));
  lines.push('', 'policy', ...probe.policy.map(policyLine));
  if (delivery !== undefined) {
    lines.push(
      '',
      'delivery',
      line(
        delivery.reason === undefined && delivery.state !== 'waiting',
        'message',
        by === 'process' ? `${delivery.says} (isthmus explain ${delivery.id})` : delivery.says,
      ),
    );
  }
  for (const [index, one] of findings.entries()) lines.push('', ...showFinding(one, index + 1));
  lines.push('', summary(looked, findings));
  // Partners' own words stand in it.
  return lines.map(plainLine).join('\n');
}

/** One line for one partner, for `--all`. */
export function oneLine(looked: Looked, findings: readonly Finding[]): string {
  const faults = findings.filter((one) => one.level === 'fault');
  const word = faults.length > 0 ? 'FELL' : findings.length > 0 ? 'look' : 'ok  ';
  const up = reached(looked).map((one) => WORD[one]);
  const way = up.length === 0 ? 'not reached' : `reached over ${up.join(' and ')}`;
  const codes = findings.map((one) => one.code).join(', ');
  return `${word}  ${looked.domain}: ${way}${codes === '' ? '' : `; ${codes}`}`;
}

function showLadder({ probe }: Looked, ladder: Ladder): string[] {
  const aside = probe.spoken.includes(ladder.protocol)
    ? ''
    : ` (not spoken between ${probe.ourDomain} and this partner; told for your interest)`;
  const lines = [`${WORD[ladder.protocol]}, our way to them${aside}`, ...rungLines(ladder.dns)];
  for (const one of ladder.climbs) {
    if (ladder.climbs.length > 1) lines.push(`  ${showTarget(one.target)}`);
    lines.push(...one.rungs.flatMap(rungLines));
  }
  const { fell } = ladder;
  if (fell !== undefined) lines.push(`  fell at ${RUNG_WORDS[fell.rung]}: ${codeOf(fell.reason)}`);
  return lines;
}

function showInbound(one: Inbound): string[] {
  return [`${WORD[one.protocol]}, their way to us`, ...one.rungs.map((rung) => line(rung.ok, rung.name, rung.says))];
}

function rungLines(one: Rung): string[] {
  const first = line(one.ok, RUNG_WORDS[one.name], `${one.says} [${one.ms} ms]`);
  return one.ok ? [first] : [first, `                   expected: ${one.expected}`];
}

function line(ok: boolean | undefined, name: string, says: string): string {
  return `  ${ok === undefined ? '-   ' : ok ? 'ok  ' : 'FELL'}  ${name.padEnd(9)}  ${says}`;
}

function policyLine(word: PolicyWord): string {
  const what = `${word.what === 'message' ? 'messages' : 'presence'} ${word.direction === 'toThem' ? 'to them' : 'from them'}`;
  const place = placeOf(word);
  return `  ${word.allowed ? 'ok  ' : 'no  '}  ${what}: ${word.code === undefined ? '' : `${word.code}: `}${word.because}${place === '' ? '' : `, ${place}`}`;
}

function showFinding(one: Finding, number: number): string[] {
  const way = { out: 'our way to them', in: 'their way to us', both: 'both ways' }[one.direction];
  const where = [way, ...(one.protocol === undefined ? [] : [WORD[one.protocol]]), one.step].join(', ');
  return [
    `${number}. ${one.level === 'warning' ? 'warning: ' : ''}${one.code} (${where})`,
    `   seen: ${one.seen}`,
    ...(one.expected === '' ? [] : [`   expected: ${one.expected}`]),
    `   cause: ${one.cause}`,
    `   next step for us: ${one.us}`,
    ...(one.them === undefined ? [] : ["   to the partner's administrator:", `     ${one.them}`]),
  ];
}

function summary(looked: Looked, findings: readonly Finding[]): string {
  const { domain } = looked;
  const up = reached(looked).map((one) => WORD[one]);
  if (up.length === 0) return `${domain} cannot be reached from here.`;
  const way = `From here ${domain} is reached over ${up.join(' and ')}`;
  if (findings.length === 0) return `${way}, and nothing is wrong.`;
  const faults = findings.filter((one) => one.level === 'fault').length;
  return faults === 0 ? `${way}; it works, and something deserves a look.` : `${way}, but not all is well.`;
}
