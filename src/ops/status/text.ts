// `isthmus status` and `top` in words.

import type { PartnerHealth } from '../../model/health.ts';
import { utcDay } from '../../model/utc.ts';
import { columns, count, moment, oneLine, span } from '../words.ts';
import { type PartnerLine, ROLE_WORDS, type SessionCount, type StatusFacts } from './facts.ts';

/** The whole page. */
export function statusText(facts: StatusFacts): string {
  const { findings, certificates, now } = facts;
  const lines = [...headLines(facts), ''];
  if (findings.length === 0) lines.push('Nothing needs a look.');
  else {
    lines.push('TO LOOK AT');
    for (const { text, advice } of findings) lines.push(`  ${oneLine(text)}`, `      ${oneLine(advice)}`);
  }
  lines.push('', ...partnerLines(facts.partners, now));
  if (certificates.length > 0) {
    lines.push('', 'CERTIFICATES THAT END SOON');
    for (const one of certificates) {
      const when = one.days < 0 ? 'ENDED' : `${count(one.days, 'day')} left`;
      lines.push(`  ${oneLine(one.name)} (${ROLE_WORDS[one.role] ?? one.role}): ${when}, ${utcDay(one.notAfter)}`);
    }
  }
  return lines.join('\n');
}

/** The process, in four lines, or five where it has users of its own. */
export function headLines(facts: StatusFacts): string[] {
  const { now, differing, queue, users, store, lastBackupAt } = facts;
  const files = 'unknown' in differing ? `(cannot tell whether the files differ: ${differing.unknown})` : filesWords(differing);
  const waits = queue.waiting === 0 ? 'nothing waits' : `${queue.waiting} wait, the oldest for ${span(queue.oldestMs)}`;
  const disk = `disk ${store.commitP99Ms.toFixed(1)} ms${store.failures > 0 ? `, ${count(store.failures, 'WRITE')} FAILED` : ''}${store.backlog > 1000 ? `, ${store.backlog} marks behind` : ''}`;
  const backup = lastBackupAt === undefined ? 'no backup known' : `last backup ${span(now - lastBackupAt)} ago`;
  return [
    `isthmus ${facts.version}, home ${facts.home}, up ${span(now - facts.startedAt)}, ${facts.set === undefined ? 'rules' : `set ${facts.set}`} in force ${files}`,
    `listening  ${facts.listeners.map(({ side, protocol, at }) => `${side} ${protocol} ${at}`).join(', ') || 'nowhere'}`,
    `process    loop lag ${facts.loopLagMs.toFixed(0)} ms, memory ${Math.round(facts.memoryBytes / 1_048_576)} MB, ${disk}, ${backup}`,
    `queue      ${waits}; connections inside ${facts.inside}, not proven yet ${facts.unknown}`,
    ...(users === undefined
      ? []
      : [
          `users      ${users.clients === 0 ? 'nobody is' : users.signedIn} signed in${users.clients === 0 ? '' : `, with ${count(users.clients, 'client')}`}`,
        ]),
  ];
}

function filesWords(differing: readonly string[]): string {
  if (differing.length === 0) return '(as in the files)';
  const [first] = differing;
  return `(the files differ: ${first}${differing.length > 1 ? ` and ${differing.length - 1} more` : ''}; isthmus plan shows how)`;
}

/** One row for each partner. */
export function partnerLines(partners: readonly PartnerLine[], now: number): string[] {
  if (partners.length === 0) return ['No partners: isthmus partner add DOMAIN'];
  const head = ['PARTNER', 'WE TO THEM', 'THEY TO US', 'CONNECTIONS', 'MSG/S IN', 'OUT', 'WAITS', 'OLDEST'];
  return columns([
    head,
    ...partners.map(({ partner, roads, sessions, in: taken, out, waiting, oldestMs }) => [
      partner,
      roadWords(partner, roads, 'out', now),
      roadWords(partner, roads, 'in', now),
      sessions.map(sessionWords).join(', ') || '-',
      taken.toFixed(1),
      out.toFixed(1),
      String(waiting),
      waiting === 0 ? '-' : span(oldestMs),
    ]),
  ]);
}

/** Each protocol of one direction; domains of the partner that stand alike are said once, and idle ones not beside others. */
function roadWords(partner: string, roads: readonly PartnerHealth[], direction: 'in' | 'out', now: number): string {
  const ours = roads.filter((road) => road.direction === direction);
  const said = ours
    .filter(({ protocol, state }) => state !== 'idle' || ours.every((other) => other.protocol !== protocol || other.state === 'idle'))
    .map(({ domain, protocol, state, sinceMs, lastFailure }) => {
      if (state === 'idle') return `${protocol} idle`;
      const which = domain === partner ? '' : ` (${domain})`;
      if (state === 'up') return `${protocol} up ${span(now - sinceMs)}${which}`;
      return `${protocol} DOWN since ${moment(sinceMs, now)}${lastFailure === undefined ? '' : ` ${lastFailure.code}`}${which}`;
    });
  return [...new Set(said)].join(', ') || '-';
}

function sessionWords({ protocol, direction, how, open }: SessionCount): string {
  const mark =
    how === 'certificate'
      ? ''
      : how === 'dialback' || how === 'none'
        ? ' UNPROVEN'
        : ` by ${how === 'namedServer' ? 'named server' : how === 'discoveredServer' ? 'discovered server' : how}`;
  return `${open} ${protocol} ${direction}${mark}`;
}
