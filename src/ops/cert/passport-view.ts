// One partner passport as data, for programs that read `cert list --json`.

import { daysLeft } from '../../model/expiry.ts';
import type { Passport } from '../../model/passport.ts';

/** What a program reads: times as ISO strings, days as whole days, rounded down (negative: expired). */
export interface PassportView {
  readonly domain: string;
  readonly protocol: 'sip' | 'xmpp';
  readonly direction: 'in' | 'out';
  readonly names: readonly string[];
  readonly eku: readonly string[];
  readonly issuer: string;
  readonly fingerprint: string;
  readonly keyFingerprint: string;
  readonly keyType: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly chain: readonly { readonly subject: string; readonly issuer: string; readonly fingerprint: string; readonly notAfter: string }[];
  /** The certificate of the chain that ends first, and its days, when that is not the leaf. */
  readonly endsBefore?: { readonly subject: string; readonly daysLeft: number };
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly tookOurs: 'yes' | 'no' | 'notAsked';
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** @param now wall ms @returns undefined for a passport without a chain (there is none of those on the wire) */
export function viewPassport(passport: Passport, now: number): PassportView | undefined {
  const [leaf] = passport.chain;
  if (leaf === undefined) return undefined;
  const sooner = passport.chain.slice(1).filter((one) => one.notAfter < leaf.notAfter);
  const [first] = sooner.toSorted((a, b) => a.notAfter - b.notAfter);
  return {
    domain: passport.domain,
    protocol: passport.protocol,
    direction: passport.direction,
    names: passport.names,
    eku: passport.eku,
    issuer: leaf.issuer,
    fingerprint: leaf.fingerprint,
    keyFingerprint: leaf.keyFingerprint,
    keyType: leaf.keyType,
    notBefore: iso(leaf.notBefore),
    notAfter: iso(leaf.notAfter),
    daysLeft: daysLeft(leaf.notAfter, now),
    chain: passport.chain.map(({ subject, issuer, fingerprint, notAfter }) => ({ subject, issuer, fingerprint, notAfter: iso(notAfter) })),
    ...(first === undefined ? {} : { endsBefore: { subject: first.subject, daysLeft: daysLeft(first.notAfter, now) } }),
    tlsVersion: passport.tlsVersion,
    cipher: passport.cipher,
    tookOurs: passport.tookOurs === undefined ? 'notAsked' : passport.tookOurs ? 'yes' : 'no',
    firstSeen: iso(passport.firstSeen),
    lastSeen: iso(passport.lastSeen),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
