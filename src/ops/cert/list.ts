// `isthmus cert list`: our certificates, partners' as they were seen on the wire, roots and revocation lists of ours; what
// ends soon, what is missing, which of our domains nobody could recognise us for.

import * as z from 'zod';
import type { CertificateListing } from '../../model/certificate-desk.ts';
import { daysLeft, type ExpiryStep, expiryStep } from '../../model/expiry.ts';
import type { Passport } from '../../model/passport.ts';
import { utcDay } from '../../model/utc.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk, inJson, listInJson, ourDomains, passportsOf } from './given.ts';
import { listText } from './list-text.ts';
import { viewPassport } from './passport-view.ts';

export const certList = verb({
  words: 'cert list',
  summary: "our certificates, partners' as seen on the wire, roots and revocation lists, and what ends soon",
  positionals: [],
  options: { all: { type: 'boolean', says: "every partner's certificate, also those that need no attention" } },
  details: [
    'Ours are the folders in certs/own. Partners are listed as their servers were last seen, each direction for itself; that needs the database.',
    'A certificate that ends is told 30, 14 and 3 days ahead. Exit 1: something needs attention.',
  ].join('\n'),
  example: 'isthmus cert list --all --home ./home',
  input: z.object({ all: z.boolean().optional().describe('Every partner, also those that need no attention.') }),
  http: { method: 'GET', path: '/certificates' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: (operations, { all }) =>
    atDesk(operations, 'cert list', async (desk): Promise<Report> => {
      const loaded = operations.load();
      const domains = ourDomains(loaded);
      const listing = desk.list(domains ?? []);
      const passports = await passportsOf(operations);
      const now = operations.clock.now();
      const attention = attentionOf(listing, domains, passports ?? [], now);
      return {
        text: listText({ listing, domains, passports, now, attention, all: all === true }),
        json: {
          attention,
          ours: listing.own.map((one) => ({
            ...one,
            chain: one.chain.map((certificate) => inJson(certificate, now)),
            ...(one.previous && { previous: inJson(one.previous, now) }),
          })),
          partners: passports?.flatMap((passport) => viewPassport(passport, now) ?? []) ?? null,
          authorities: listing.authorities.map((one) => ({ ...one, certificates: one.certificates.map((each) => inJson(each, now)) })),
          revocationLists: listing.revocationLists.map(listInJson),
          refused: listing.refused,
          faults: listing.faults,
        },
        exit: attention.length > 0 ? 1 : 0,
      };
    }),
});

export interface Attention {
  readonly role: 'own' | 'partner' | 'ca' | 'list';
  readonly name: string;
  readonly text: string;
  /** Of an end that comes: the step that it has reached. */
  readonly step?: ExpiryStep;
}

/** Everything that needs somebody. */
export function attentionOf(
  listing: CertificateListing,
  domains: readonly string[] | undefined,
  passports: readonly Passport[],
  now: number,
): Attention[] {
  const found: Attention[] = [];
  for (const one of listing.own) {
    for (const text of one.faults) found.push({ role: 'own', name: one.name, text });
    const [leaf] = one.chain;
    const soonest = [...one.chain].sort((a, b) => a.notAfter - b.notAfter)[0];
    if (soonest !== undefined && leaf !== undefined)
      found.push(...ending('own', one.name, soonest, now, soonest === leaf ? '' : 'an authority in its chain '));
    if (leaf !== undefined && leaf.notBefore > now)
      found.push({ role: 'own', name: one.name, text: `is valid only from ${new Date(leaf.notBefore).toISOString()}` });
    if (one.missing !== undefined) {
      const where = one.missing.url === undefined ? '' : `; it can be had from ${one.missing.url}`;
      found.push({
        role: 'own',
        name: one.name,
        text: `the chain is incomplete, the certificate of "${one.missing.issuer}" is missing${where}`,
      });
    }
  }
  const covered = (domain: string): boolean =>
    listing.own.some((one) => {
      const [leaf] = one.chain;
      const valid = one.faults.length === 0 && leaf !== undefined && leaf.notBefore <= now && now <= leaf.notAfter;
      return valid && one.covers.some((each) => each.domain === domain && (each.sip || each.xmpp));
    });
  for (const domain of domains ?? []) {
    if (!covered(domain))
      found.push({ role: 'own', name: domain, text: `no valid certificate of ours names it; isthmus cert request makes a request` });
  }
  for (const passport of passports) {
    const soonest = [...passport.chain].sort((a, b) => a.notAfter - b.notAfter)[0];
    const road = `${passport.protocol} ${passport.direction}`;
    if (soonest !== undefined)
      found.push(
        ...ending(
          'partner',
          `${passport.domain} (${road})`,
          soonest,
          now,
          soonest === passport.chain[0] ? '' : 'an authority in its chain ',
        ),
      );
    if (passport.tookOurs === false) found.push({ role: 'partner', name: `${passport.domain} (${road})`, text: 'refuses our certificate' });
  }
  for (const { file, certificates } of listing.authorities) {
    for (const one of certificates) found.push(...ending('ca', file, one, now, ''));
  }
  for (const { file, text, level } of listing.faults) {
    if (level === 'error') found.push({ role: file.includes('/revoked/') ? 'list' : 'ca', name: file, text });
  }
  for (const list of listing.revocationLists) {
    if (list.nextUpdate !== undefined && list.nextUpdate < now) {
      found.push({
        role: 'list',
        name: list.file,
        text: `should have been replaced on ${utcDay(list.nextUpdate)}`,
      });
    }
  }
  return found;
}

function ending(role: Attention['role'], name: string, one: { readonly notAfter: number }, now: number, what: string): Attention[] {
  const step = expiryStep(one.notAfter, now);
  if (step === undefined) return [];
  const days = daysLeft(one.notAfter, now);
  const date = utcDay(one.notAfter);
  const text =
    step === 0
      ? `${what}expired on ${date}`
      : `${what}expires on ${date}, ${days < 1 ? 'within a day' : `in ${days} day${days === 1 ? '' : 's'}`}`;
  return [{ role, name, text, step }];
}
