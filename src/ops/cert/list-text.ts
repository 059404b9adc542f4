// `isthmus cert list` for people: what needs attention first, then ours, partners, roots, lists.

import type { AuthorityFacts, CertificateFacts, CertificateListing, OwnFacts } from '../../model/certificate-desk.ts';
import { daysLeft, expiryStep } from '../../model/expiry.ts';
import type { Passport } from '../../model/passport.ts';
import { utcDay } from '../../model/utc.ts';
import { commonName, plural } from './given.ts';
import type { Attention } from './list.ts';

export interface ListTextFacts {
  readonly listing: CertificateListing;
  /** undefined: the home has faults, so that nobody knows our domains. */
  readonly domains: readonly string[] | undefined;
  /** undefined: there is no database. */
  readonly passports: readonly Passport[] | undefined;
  readonly now: number;
  readonly attention: readonly Attention[];
  readonly all: boolean;
}

export function listText(facts: ListTextFacts): string {
  const { listing, attention, now } = facts;
  const ours = listing.own.length === 0 ? ['  none in certs/own; isthmus cert request or isthmus cert import brings one'] : [];
  const blocks = [
    ['ours', ...ours, ...listing.own.flatMap((one) => ownLines(one, facts))],
    partnerLines(facts),
    ["roots of ours, besides the system's", ...authorityLines(listing.authorities, now)],
    [
      'revoked',
      ...listing.revocationLists.map((list) => {
        const next = list.nextUpdate === undefined ? '' : `, next by ${utcDay(list.nextUpdate)}`;
        return `  ${list.file}: ${plural(list.revoked, 'certificate')} of ${list.issuer}, of ${utcDay(list.thisUpdate)}${next}`;
      }),
      ...(listing.refused.length === 0 ? [] : [`  certs/revoked/refused.yaml: ${plural(listing.refused.length, 'certificate')}`]),
      ...(listing.revocationLists.length + listing.refused.length === 0 ? ['  nothing'] : []),
    ],
    attention.length === 0
      ? ['nothing needs attention']
      : [`${plural(attention.length, 'thing')} to look at`, ...attention.map(({ name, text }) => `  ${name}: ${text}`)],
  ];
  return blocks.map((lines) => lines.join('\n')).join('\n\n');
}

function ownLines(one: OwnFacts, { domains, now }: ListTextFacts): string[] {
  const [leaf, ...above] = one.chain;
  const lines = [`  certs/own/${one.name}${leaf === undefined ? ': no certificate yet' : `: ${validity(leaf, now)}`}`];
  if (leaf !== undefined) {
    lines.push(`    names    ${leaf.names.join(', ') || 'none'}`);
    if (domains !== undefined) lines.push(`    domains  ${coverageText(one, domains)}`);
    lines.push(`    issuer   ${commonName(leaf.issuer)}; ${leaf.keyType}; ${leaf.eku.join(', ') || 'any purpose'}`);
    lines.push(
      `    chain    ${[leaf, ...above].map((each) => commonName(each.subject)).join(' < ')}${chainEnd(one, above.at(-1) ?? leaf)}`,
    );
    lines.push(`    SHA-256  ${leaf.fingerprint}`);
  }
  if (one.staged !== undefined) {
    lines.push(
      `    next key ${one.staged.keyType}, key fingerprint ${one.staged.keyFingerprint}${one.staged.requested ? '; a request waits for its certificate' : ''}`,
    );
  }
  if (one.previous !== undefined) lines.push(`    before   ${one.previous.fingerprint.slice(0, 16)}..., ${validity(one.previous, now)}`);
  lines.push(...one.faults.map((text) => `    fault    ${text}`));
  return lines;
}

function chainEnd(one: OwnFacts, top: CertificateFacts): string {
  if (one.missing !== undefined) return ` < MISSING: ${commonName(one.missing.issuer)}`;
  return top.selfSigned ? '' : ` < ${commonName(top.issuer)} (root, not sent)`;
}

function coverageText(one: OwnFacts, domains: readonly string[]): string {
  const words = one.covers
    .filter((each) => each.sip || each.xmpp)
    .map(({ domain, sip, xmpp }) => (sip && xmpp ? domain : `${domain} (${sip ? 'SIP' : 'XMPP'} only)`));
  const others = domains.length - words.length;
  if (words.length === 0) return 'names none of our domains';
  return `${words.join(', ')}${others > 0 ? `; not the other ${others}` : ''}`;
}

function partnerLines({ passports, attention, now, all }: ListTextFacts): string[] {
  if (passports === undefined) return ['partners', '  not known: this home has never been started, so that there is no database'];
  const needy = new Set(attention.filter((one) => one.role === 'partner').map((one) => one.name));
  const shown = passports.filter((passport) => all || needy.has(`${passport.domain} (${passport.protocol} ${passport.direction})`));
  const rows = shown.flatMap((passport) => {
    const [leaf] = passport.chain;
    if (leaf === undefined) return [];
    return [
      `  ${passport.domain} (${passport.protocol} ${passport.direction}): ${days(leaf.notAfter, now)}; by ${commonName(leaf.issuer)}; ${leaf.keyType}; ${
        passport.eku.join(', ') || 'any purpose'
      }; seen ${utcDay(passport.lastSeen)}`,
    ];
  });
  const rest = passports.length - shown.length;
  const more = rest > 0 ? [`  ${plural(rest, 'certificate')} of partners without anything to say (--all shows them)`] : [];
  return ['partners, as last seen on the wire', ...(passports.length === 0 ? ['  none seen yet'] : [...rows, ...more])];
}

function authorityLines(authorities: readonly AuthorityFacts[], now: number): string[] {
  if (authorities.length === 0) return ['  none'];
  return authorities.flatMap(({ file, certificates }) =>
    certificates.map((one) => `  ${file}: ${commonName(one.subject)}, ${days(one.notAfter, now)}`),
  );
}

function validity(one: CertificateFacts, now: number): string {
  return one.notBefore > now ? `valid only from ${utcDay(one.notBefore)}` : days(one.notAfter, now);
}

function days(notAfter: number, now: number): string {
  if (notAfter < now) return `EXPIRED on ${utcDay(notAfter)}`;
  const left = daysLeft(notAfter, now);
  return `until ${utcDay(notAfter)} (${plural(left, 'day')} left${expiryStep(notAfter, now) === undefined ? '' : '!'})`;
}
