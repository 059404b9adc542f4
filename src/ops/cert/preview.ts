// "These 3 of 41 partners would refuse this certificate, because ...": what is known of each partner, held against a
// certificate that is not in force yet. Pure. It says what it rests on: nothing is guessed of a partner never seen.

import type { CertificateFacts } from '../../model/certificate-desk.ts';
import type { Passport } from '../../model/passport.ts';
import type { Partner, Protocol } from '../../model/table.ts';

/** `refuses`: something seen on the wire or written in its file says so. `may`: something it relied on changes. `takes`: it took one alike. */
export type Verdict = 'refuses' | 'may' | 'takes' | 'unknown';

export interface Foreseen {
  readonly partner: string;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  /** Wall ms of the last handshake that it rests on. */
  readonly lastSeen?: number;
}

export interface Preview {
  readonly partners: readonly Foreseen[];
  readonly count: Readonly<Record<Verdict, number>>;
}

export interface PreviewFacts {
  /** Leaf first. */
  readonly next: readonly CertificateFacts[];
  /** The leaf that it would replace; absent: none, or none that is valid. */
  readonly current?: CertificateFacts;
  /** Our domains that no certificate of ours would name any more, by protocol. */
  readonly lost: readonly { readonly domain: string; readonly protocol: Protocol }[];
  readonly partners: readonly Partner[];
  readonly passports: readonly Passport[];
}

/** What each partner would make of it: those that refuse first. */
export function preview(facts: PreviewFacts): Preview {
  const listed = new Map(facts.partners.filter((partner) => partner.enabled).map((partner) => [partner.name, partner]));
  const nameOf = new Map([...listed.values()].flatMap((partner) => partner.domains.map((domain) => [domain, partner.name])));
  const seen = Map.groupBy(facts.passports, (passport) => nameOf.get(passport.domain) ?? passport.domain);
  const names = [...new Set([...listed.keys(), ...seen.keys()])].sort();
  const partners = names.map((name) => foresee(name, listed.get(name), seen.get(name) ?? [], facts));
  const order: readonly Verdict[] = ['refuses', 'may', 'unknown', 'takes'];
  partners.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const count = (verdict: Verdict): number => partners.filter((one) => one.verdict === verdict).length;
  return { partners, count: { refuses: count('refuses'), may: count('may'), takes: count('takes'), unknown: count('unknown') } };
}

function foresee(name: string, partner: Partner | undefined, passports: readonly Passport[], facts: PreviewFacts): Foreseen {
  const [next] = facts.next;
  const refuses: string[] = [];
  const may: string[] = [];
  const protocols: readonly Protocol[] = partner?.prefer ?? [...new Set(passports.map((passport) => passport.protocol))];
  const lost = facts.lost.filter((one) => protocols.includes(one.protocol)).map((one) => one.domain);
  if (lost.length > 0)
    refuses.push(`it could no longer recognise us for ${[...new Set(lost)].join(', ')}: no certificate of ours would name it`);
  if (partner?.sip.dialect === 'lync' && protocols.includes('sip')) {
    const hosts = hostsGone(facts);
    if (hosts.length > 0)
      may.push(`Lync and its family look for the host that DNS leads to, and ${hosts.join(', ')} would no longer be named`);
  }
  let liked = false;
  for (const passport of passports) {
    const road = `${passport.protocol.toUpperCase()} ${passport.direction === 'out' ? 'when we connect' : 'when it connects'}`;
    const asked = passport.acceptedAuthorities;
    if (
      asked.length > 0 &&
      !facts.next.some((one) => asked.some((authority) => sameName(authority, one.issuer) || sameName(authority, one.subject)))
    ) {
      const holds =
        facts.current !== undefined && passport.tookOurs === true && !asked.some((one) => sameName(one, facts.current?.issuer ?? ''));
      // It took one of another authority already: its list does not bind it.
      if (!holds)
        refuses.push(
          `${road} it asks for a certificate of ${asked.slice(0, 3).map(commonName).join(', ')}${asked.length > 3 ? ', ...' : ''}`,
        );
    }
    if (passport.tookOurs === false) {
      if (next && facts.current && alike(next, facts.current))
        refuses.push(`${road} it refuses the certificate in force, and this one is alike`);
      else may.push(`${road} it refuses the certificate in force; nothing tells what it would make of another`);
    } else if (passport.tookOurs === true && next) {
      const changes = facts.current === undefined ? ['nothing to compare with is in force'] : differences(next, facts.current, passport);
      const stale = facts.current !== undefined && passport.lastSeen < facts.current.notBefore;
      if (stale) may.push(`${road} it was last seen before the certificate in force began`);
      else if (changes.length > 0) may.push(`${road} it took the one in force, but ${changes.join('; ')}`);
      else liked = true;
    }
  }
  const lastSeen = passports.length === 0 ? undefined : Math.max(...passports.map((passport) => passport.lastSeen));
  const verdict: Verdict = refuses.length > 0 ? 'refuses' : may.length > 0 ? 'may' : liked ? 'takes' : 'unknown';
  const silence = passports.length === 0 ? 'never seen' : 'seen, but nothing tells what it makes of our certificate';
  return {
    partner: name,
    verdict,
    reasons: verdict === 'unknown' ? [silence] : [...new Set([...refuses, ...may])],
    ...(lastSeen !== undefined && { lastSeen }),
  };
}

/** What a partner that took `current` has not been shown before. */
function differences(next: CertificateFacts, current: CertificateFacts, passport: Passport): string[] {
  const found: string[] = [];
  if (next.issuer !== current.issuer) found.push(`this one comes from another authority, ${commonName(next.issuer)}`);
  const [was, is] = [current, next].map((one) => one.keyType.split(' ')[0]);
  // TLS 1.3 cipher names say nothing of the key; in TLS 1.2 the client must offer a suite for it (RFC 5246 §7.4.2).
  if (was !== is && passport.tlsVersion !== 'TLSv1.3')
    found.push(`this one has an ${is} key where it was shown ${was}, over ${passport.tlsVersion}`);
  if (passport.direction === 'out' && allows(current, 'clientAuth') && !allows(next, 'clientAuth')) {
    found.push('this one is for servers only (no clientAuth), which software that follows the letter refuses from a client');
  }
  return found;
}

function alike(next: CertificateFacts, current: CertificateFacts): boolean {
  return next.issuer === current.issuer && allows(next, 'clientAuth') === allows(current, 'clientAuth');
}

function allows(one: CertificateFacts, purpose: string): boolean {
  return one.eku.length === 0 || one.eku.includes('any') || one.eku.includes(purpose);
}

function hostsGone({ next, current }: PreviewFacts): string[] {
  const names = next[0]?.names ?? [];
  return (current?.names ?? []).filter((name) => name.startsWith('sip.') && !names.includes(name));
}

function sameName(a: string, b: string): boolean {
  const parts = (name: string): string =>
    name
      .toLowerCase()
      .split(/\s*[,\n]\s*/)
      .sort()
      .join(',');
  return parts(a) === parts(b) || (commonName(a) !== '' && commonName(a).toLowerCase() === commonName(b).toLowerCase());
}

function commonName(name: string): string {
  return /(?:^|[,\n] ?)CN=([^,\n]*)/.exec(name)?.[1] ?? name;
}
