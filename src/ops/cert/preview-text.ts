// The preview for people: how many partners would refuse, who and why, and what it rests on.

import { utcDay } from '../../model/utc.ts';
import { plural } from './given.ts';
import type { Preview } from './preview.ts';

const MAX_LINES = 50;

/** @param noDatabase this home has never been started: nobody was ever seen */
export function previewText({ partners, count }: Preview, noDatabase: boolean): string {
  const all = partners.length;
  if (all === 0) return 'preview: there is no partner yet whom it could trouble';
  const basis = noDatabase
    ? "this home has never been started, so that only the names and the partners' files could be judged"
    : 'it rests on the last handshakes with each partner and on its file';
  const lines = [`preview: ${headline(count, all)}; ${basis}`];
  const told = partners.filter((one) => one.verdict === 'refuses' || one.verdict === 'may');
  for (const one of told.slice(0, MAX_LINES)) {
    const seen = one.lastSeen === undefined ? '' : ` (last seen ${utcDay(one.lastSeen)})`;
    lines.push(`  ${one.partner} ${one.verdict === 'refuses' ? 'would refuse it' : 'may refuse it'}: ${one.reasons.join('; ')}${seen}`);
  }
  if (told.length > MAX_LINES) lines.push(`  and ${told.length - MAX_LINES} more (--json lists all)`);
  if (count.unknown > 0)
    lines.push(
      `  nothing is known of ${count.unknown === all ? 'any of them' : plural(count.unknown, 'partner')}: never seen, or they have not said`,
    );
  return lines.join('\n');
}

function headline(count: Preview['count'], all: number): string {
  const of = `of ${plural(all, 'partner')}`;
  const refuse =
    count.refuses === 0 ? `none ${of} is known to refuse this certificate` : `${count.refuses} ${of} would refuse this certificate`;
  return [refuse, ...(count.may > 0 ? [`${count.may} may`] : []), ...(count.takes > 0 ? [`${count.takes} took one like it`] : [])].join(
    ', ',
  );
}
