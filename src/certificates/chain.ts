// From a heap of certificates to the chain that is sent: the leaf that the key belongs to, then each issuer, without the
// root (RFC 8446 §4.4.2). A chain whose end nobody knows is told with the issuer that is missing, and where it can be had.

import type { KeyObject, X509Certificate } from 'node:crypto';
import { BasicConstraints } from 'pkijs';
import { extensionsOf } from '../edge/certificate-extensions.ts';
import { type Anchors, isSelfSigned } from '../edge/path-building.ts';
import { nameOf } from '../edge/path-rules.ts';

const BASIC_CONSTRAINTS = '2.5.29.19';
const MAX_DEPTH = 8;
/** Certificates looked at; the rest of a heap is passed over. */
const MAX_POOL = 64;
const MAX_SIGNATURES = 256;

export interface Chain {
  /** Leaf first, without the root unless the leaf is its own, or a root that nobody here knows issued it directly. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Absent: the chain reaches a root. */
  readonly missing?: MissingIssuer;
  /** The root at its end, when it was given or is known. */
  readonly root?: X509Certificate;
}

export interface MissingIssuer {
  /** Name of the authority whose certificate is not there. */
  readonly issuer: string;
  /** The certificate that it issued. */
  readonly below: string;
  /** Where the authority offers it (RFC 5280 §4.2.2.1, caIssuers). */
  readonly url?: string;
}

/** The certificate that a key was made for; of several the one that begins last. */
export function leafOf(certificates: readonly X509Certificate[], key: KeyObject): X509Certificate | undefined {
  const fitting = certificates.filter((certificate) => belongs(certificate, key));
  const leaves = fitting.filter((certificate) => !isAuthority(certificate));
  return (leaves.length > 0 ? leaves : fitting).reduce<X509Certificate | undefined>(
    (best, one) => (best === undefined || one.validFromDate > best.validFromDate ? one : best),
    undefined,
  );
}

/** Does it say that it may issue certificates? node's `ca` asks for the key usage too, peers do not. */
export function isAuthority(certificate: X509Certificate): boolean {
  const value = extensionsOf(certificate).get(BASIC_CONSTRAINTS)?.value;
  try {
    return value !== undefined && BasicConstraints.fromBER(value).cA;
  } catch {
    return false;
  }
}

/** Does this private key belong to it? False also for a key that cannot be compared. */
function belongs(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

/**
 * Puts a chain together.
 * @param heap any certificates in any order, roots too
 * @param anchors roots that are known besides
 */
export function chainOf(leaf: X509Certificate, heap: readonly X509Certificate[], anchors: Anchors): Chain {
  const pool = [...new Map(heap.slice(0, MAX_POOL).map((one) => [one.fingerprint256, one])).values()];
  let signatures = 0;
  const issued = (issuer: X509Certificate, certificate: X509Certificate): boolean => {
    if (issuer.subject !== certificate.issuer || ++signatures > MAX_SIGNATURES) return false;
    try {
      return certificate.verify(issuer.publicKey);
    } catch {
      return false; // a key that this OpenSSL does not know
    }
  };
  let longest: [X509Certificate, ...X509Certificate[]] = [leaf];
  const climb = (path: [X509Certificate, ...X509Certificate[]]): Chain | undefined => {
    if (path.length > longest.length) longest = path;
    const top = path.at(-1)!;
    if (isSelfSigned(top)) {
      // A root that nobody here knows and that issued the leaf itself is sent along: it is all that shows the chain is whole.
      const known = path.length > 2 || anchors.bySubject(top.subject).some((anchor) => anchor.fingerprint256 === top.fingerprint256);
      return { chain: path.length === 1 || !known ? path : withoutLast(path), root: top };
    }
    const above = pool.filter((one) => !path.includes(one) && issued(one, top));
    // A cross-signed authority before the root of the same name: that is how authorities hand their chains out.
    above.sort((a, b) => Number(isSelfSigned(a)) - Number(isSelfSigned(b)) || b.validToDate.getTime() - a.validToDate.getTime());
    if (path.length < MAX_DEPTH) {
      for (const next of above) {
        const found = climb([...path, next]);
        if (found !== undefined) return found;
      }
    }
    const root = anchors.bySubject(top.issuer).find((anchor) => issued(anchor, top));
    return root && { chain: path, root };
  };
  return climb([leaf]) ?? { chain: longest, missing: missingAbove(longest.at(-1)!) };
}

function withoutLast(path: [X509Certificate, ...X509Certificate[]]): [X509Certificate, ...X509Certificate[]] {
  const [leaf, ...above] = path;
  return [leaf, ...above.slice(0, -1)];
}

function missingAbove(top: X509Certificate): MissingIssuer {
  const url = issuerUrl(top);
  return { issuer: issuerText(top), below: nameOf(top), ...(url !== undefined && { url }) };
}

/** Where the issuer's certificate can be had, as the certificate itself says. */
function issuerUrl(certificate: X509Certificate): string | undefined {
  return /CA Issuers - URI:(https?:\/\/[\x21-\x7e]{1,500})/.exec(certificate.infoAccess ?? '')?.[1];
}

function issuerText(certificate: X509Certificate): string {
  return certificate.issuer.replaceAll('\n', ', ').slice(0, 200);
}
