// The rules of RFC 5280 §6.1 that pkijs 4.0.0 leaves out (seen in its source and held by tests), and what OpenSSL's
// security level would have asked: path length, unknown critical extensions of the leaf, weak keys and signatures.

import type { X509Certificate } from 'node:crypto';
import { BasicConstraints } from 'pkijs';
import { reason } from '../errors.ts';
import type { Reason } from '../model/reason.ts';
import { utcMinute } from '../model/utc.ts';
import { extensionsOf, malformedExtensions, pkiCertificate } from './certificate-extensions.ts';

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
// Critical extensions that somebody here looks at: key usage, names, basic and name constraints, purposes, policies.
const UNDERSTOOD = new Set([
  KEY_USAGE,
  '2.5.29.17',
  '2.5.29.18',
  BASIC_CONSTRAINTS,
  '2.5.29.30',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.37',
  '2.5.29.54',
]);
const MIN_RSA_BITS = 2048;

/** The first rule that a path (leaf first, anchor last) breaks; undefined when it breaks none. */
export function brokenRule(path: readonly X509Certificate[], now: number): Reason | undefined {
  for (const certificate of path) {
    const dates = datesBroken(certificate, now, certificate === path[0]);
    if (dates) return dates;
  }
  for (const [depth, certificate] of path.slice(0, -1).entries()) {
    const found = unreadable(certificate) ?? weakness(certificate) ?? (depth > 0 ? notAnAuthority(certificate, path, depth) : undefined);
    if (found) return invalid(certificate, found);
  }
  const anchor = path.at(-1)!;
  const found = notAnAuthority(anchor, path, path.length - 1);
  return found === undefined ? undefined : invalid(anchor, found);
}

/** Expired or not yet valid, in words; undefined when `now` is inside. */
export function datesBroken(certificate: X509Certificate, now: number, isLeaf: boolean): Reason | undefined {
  const whose = isLeaf ? "The peer's certificate" : `The certificate of the authority "${nameOf(certificate)}"`;
  const end = certificate.validToDate.getTime();
  const begin = certificate.validFromDate.getTime();
  if (end < now) {
    return reason(
      'CERT_PEER_EXPIRED',
      `${whose} expired on ${utcMinute(end)}, ${span(now - end)} before our clock (${utcMinute(now)}); a renewed one is needed.`,
    );
  }
  if (begin > now) {
    return reason(
      'CERT_PEER_NOT_YET_VALID',
      `${whose} is valid only from ${utcMinute(begin)}, ${span(begin - now)} after our clock (${utcMinute(now)}); check the clocks of both sides.`,
    );
  }
  return undefined;
}

/** A difference of two clocks, in the largest unit that fits. */
function span(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** For people: the common name of the subject, else the whole subject. */
export function nameOf(certificate: X509Certificate): string {
  return shortName(certificate.subject);
}
/** The issuer in short, for people. */
export function issuerNameOf(certificate: X509Certificate): string {
  return shortName(certificate.issuer);
}

function unreadable(certificate: X509Certificate): string | undefined {
  if (pkiCertificate(certificate) === undefined) return 'cannot be read as RFC 5280 asks, or is larger than 32 KiB';
  const [malformed] = malformedExtensions(certificate);
  if (malformed !== undefined) return `carries an extension ${malformed} that cannot be read`;
  for (const [id, extension] of extensionsOf(certificate)) {
    // RFC 5280 §4.2: a critical extension that is not understood refuses the certificate.
    if (extension.critical && !UNDERSTOOD.has(id)) return `carries the critical extension ${id}, which is not understood`;
  }
  return undefined;
}

/** A key or a signature too weak to count, as the rest of a sentence; undefined when both will do. */
export function weakness(certificate: X509Certificate): string | undefined {
  const algorithm = certificate.signatureAlgorithm ?? '';
  if (/md2|md4|md5|sha1(?!\d)|sha-1(?!\d)/i.test(algorithm))
    return `is signed with ${algorithm}, which is broken; SHA-256 or better is needed`;
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const bits = asymmetricKeyDetails?.modulusLength;
  if (asymmetricKeyType?.startsWith('rsa') && bits !== undefined && bits < MIN_RSA_BITS)
    return `has an RSA key of ${bits} bits; at least ${MIN_RSA_BITS} are needed`;
  return undefined;
}

function notAnAuthority(certificate: X509Certificate, path: readonly X509Certificate[], depth: number): string | undefined {
  const isAnchor = depth === path.length - 1;
  const value = extensionsOf(certificate).get(BASIC_CONSTRAINTS)?.value;
  // An old root without extensions (X.509 v1) is an anchor by the operator's word.
  if (value === undefined)
    return isAnchor && extensionsOf(certificate).size === 0 ? undefined : 'is not an authority, but it issued a certificate';
  let constraints: BasicConstraints;
  try {
    constraints = BasicConstraints.fromBER(value);
  } catch {
    return 'has basic constraints that cannot be read';
  }
  if (!constraints.cA) return 'is not an authority, but it issued a certificate';
  // RFC 5280 §4.2.1.9: how many authorities, self-issued ones not counted, may stand between it and the leaf.
  const allowed = constraints.pathLenConstraint;
  const between = path.slice(1, depth).filter((one) => one.subject !== one.issuer).length;
  if (typeof allowed === 'number' && between > allowed) return `allows ${allowed} authorities below it, but ${between} stand there`;
  return undefined;
}

function invalid(certificate: X509Certificate, found: string): Reason {
  return reason('CERT_PEER_CHAIN_INVALID', `"${nameOf(certificate)}" ${found}.`);
}
function shortName(distinguishedName: string): string {
  const name = /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? distinguishedName.replaceAll('\n', ', ');
  return name.slice(0, 120).replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}
