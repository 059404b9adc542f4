// The report of `isthmus partner test`: each rung on a line, where it fell, what to do, what to send to the partner.

import { ERRORS } from '../../errors.ts';
import type { Ladder } from './ladder.ts';
import { showTarget } from './ladder.ts';
import type { PolicyWord, Probe, Rung } from './ports.ts';
import { sentenceFor } from './sentences.ts';

const RUNG_WORDS: Readonly<Record<Rung['name'], string>> = {
  dns: 'DNS',
  tcp: 'TCP',
  tls: 'TLS',
  identity: 'identity',
  stream: 'stream',
  options: 'OPTIONS',
};

/** Good when a protocol that is spoken with the partner reaches the top and policy lets something pass. */
export function verdict(probe: Probe, ladders: readonly Ladder[]): boolean {
  const reached = ladders.some((ladder) => ladder.top && probe.spoken.includes(ladder.protocol));
  return reached && (probe.policy.toThem.allowed || probe.policy.fromThem.allowed);
}

/** The whole report, for people: one ladder after the other, then policy each way. */
export function showReport(domain: string, probe: Probe, ladders: readonly Ladder[]): string {
  const lines = [`${domain}, as ${probe.ourDomain}, ${probe.file ?? 'no file in routes/partners/'}`];
  for (const ladder of ladders) lines.push('', ...showLadder(domain, probe, ladder));
  lines.push('', 'policy', policyLine('messages to them', probe.policy.toThem), policyLine('messages from them', probe.policy.fromThem));
  lines.push('', summary(domain, probe, ladders));
  return lines.join('\n');
}

function showLadder(domain: string, probe: Probe, ladder: Ladder): string[] {
  const aside = probe.spoken.includes(ladder.protocol) ? '' : ' (not spoken with this partner: prefer in its file leaves it out)';
  const lines = [`${ladder.protocol === 'sip' ? 'SIP' : 'XMPP'}${aside}`, rungLine(ladder.dns)];
  for (const one of ladder.climbs) {
    if (ladder.climbs.length > 1) lines.push(`  ${showTarget(one.target)}`);
    lines.push(...one.rungs.map(rungLine));
  }
  const { fell } = ladder;
  if (fell === undefined) return lines;
  const { meaning, advice } = ERRORS[fell.reason.code];
  const last = ladder.climbs.at(-1)?.target;
  const target = last === undefined ? domain : `${last.host}:${last.port}`;
  const sentence = sentenceFor(fell.reason, { theirDomain: domain, ourDomain: probe.ourDomain, protocol: ladder.protocol, target });
  lines.push(`  fell at ${RUNG_WORDS[fell.rung]}: ${fell.reason.code}. ${meaning}`, `  what to do: ${advice}`);
  if (sentence !== undefined) lines.push(`  to the partner: ${sentence}`);
  return lines;
}

function rungLine(one: Rung): string {
  return `  ${one.ok ? 'ok  ' : 'FELL'}  ${RUNG_WORDS[one.name].padEnd(8)}  ${one.says} [${one.ms} ms]`;
}

function policyLine(what: string, word: PolicyWord): string {
  return `  ${word.allowed ? 'ok  ' : 'no  '}  ${what}: ${word.because}`;
}

function summary(domain: string, probe: Probe, ladders: readonly Ladder[]): string {
  const up = ladders
    .filter((ladder) => ladder.top && probe.spoken.includes(ladder.protocol))
    .map((ladder) => ladder.protocol.toUpperCase());
  if (up.length === 0) return `${domain} cannot be reached from here.`;
  const allowed = probe.policy.toThem.allowed || probe.policy.fromThem.allowed;
  const way = `From here ${domain} is reached over ${up.join(' and ')}${allowed ? '' : ', but policy lets nothing pass'}.`;
  return `${way} Their way to us is theirs to try: ask for a message to a user of ${probe.ourDomain}, then look with isthmus explain.`;
}
