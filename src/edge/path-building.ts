// Candidate paths from a shown certificate to an anchor (RFC 4158): by issuer name and signature, nothing else is judged.
// Bounded, because the peer chooses the certificates: loops, cross-signing and long chains end here, before pkijs, whose
// own search follows a loop for ever.

import type { X509Certificate } from 'node:crypto';

const MAX_SENT = 16;
const MAX_LENGTH = 8;
const MAX_PATHS = 8;
const MAX_SIGNATURES = 64;

/** Anchors, found by subject. */
export interface Anchors {
  bySubject(subject: string): readonly X509Certificate[];
}

export interface Candidates {
  /** Leaf first, anchor last; at least two certificates. */
  readonly paths: readonly (readonly X509Certificate[])[];
  /** Where the search ended without an anchor: the certificate whose issuer is missing, or a root nobody trusts. */
  readonly deadEnd: X509Certificate;
}

/** @param shown the leaf, then whatever else the peer sent, in any order */
export function candidatePaths(shown: readonly X509Certificate[], anchors: Anchors): Candidates {
  const leaf = shown[0]!;
  const pool = shown.slice(1, MAX_SENT);
  const paths: X509Certificate[][] = [];
  let deadEnd = leaf;
  let deepest = 0;
  let signatures = 0;
  const signedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean => {
    if (++signatures > MAX_SIGNATURES) return false;
    try {
      return certificate.verify(issuer.publicKey);
    } catch {
      return false; // a key this OpenSSL does not know
    }
  };
  const climb = (path: readonly X509Certificate[]): void => {
    const top = path.at(-1)!;
    for (const anchor of anchors.bySubject(top.issuer)) {
      if (paths.length < MAX_PATHS && signedBy(top, anchor)) paths.push([...path, anchor]);
    }
    if (path.length >= MAX_LENGTH - 1 || paths.length >= MAX_PATHS) return;
    for (const next of pool) {
      // RFC 5280 §6.1: a certificate appears once; the same key twice would be a loop in disguise.
      if (next.subject !== top.issuer || path.some((one) => samePublicKey(one, next)) || !signedBy(top, next)) continue;
      if (path.length > deepest) {
        deepest = path.length;
        deadEnd = next;
      }
      climb([...path, next]);
    }
  };
  climb([leaf]);
  return { paths, deadEnd };
}

/** Did it sign itself? */
export function isSelfSigned(certificate: X509Certificate): boolean {
  if (certificate.subject !== certificate.issuer) return false;
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

function samePublicKey(a: X509Certificate, b: X509Certificate): boolean {
  return a.publicKey.equals(b.publicKey);
}
