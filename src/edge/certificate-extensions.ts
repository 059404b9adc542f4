// Extensions of a certificate by their object identifier, read once per certificate with pkijs.

import type { X509Certificate } from 'node:crypto';
import { Certificate } from 'pkijs';

export interface CertificateExtension {
  readonly critical: boolean;
  /** DER of the value. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** Every peer may show one before it has proven anything; reading costs up to a millisecond per kilobyte. */
const MAX_BYTES = 32 * 1024;
const EXTENDED_KEY_USAGE = '2.5.29.37';
// Key usage, alternative names, basic and name constraints, purposes: what the path and its names are judged by.
const READ_HERE = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.30', EXTENDED_KEY_USAGE]);
const parsed = new WeakMap<X509Certificate, Certificate | 'unreadable'>();

/** The certificate as pkijs reads it; undefined when it cannot. Never throws. */
export function pkiCertificate(certificate: X509Certificate): Certificate | undefined {
  let known = parsed.get(certificate);
  if (known === undefined) {
    try {
      known = certificate.raw.length > MAX_BYTES ? 'unreadable' : Certificate.fromBER(new Uint8Array(certificate.raw));
    } catch {
      known = 'unreadable'; // node could read it, pkijs is stricter: nothing of it is believed
    }
    parsed.set(certificate, known);
  }
  return known === 'unreadable' ? undefined : known;
}

/** Extensions that pkijs knows and could not read. */
export function malformedExtensions(certificate: X509Certificate): readonly string[] {
  const ids = (pkiCertificate(certificate)?.extensions ?? []).filter((extension) => {
    const value: unknown = extension.parsedValue;
    return READ_HERE.has(extension.extnID) && (typeof value !== 'object' || value === null);
  });
  return ids.map((extension) => extension.extnID);
}

/** Extensions by dotted identifier; empty when the certificate cannot be read. */
export function extensionsOf(certificate: X509Certificate): ReadonlyMap<string, CertificateExtension> {
  const found = new Map<string, CertificateExtension>();
  for (const extension of pkiCertificate(certificate)?.extensions ?? []) {
    const value = new Uint8Array(extension.extnValue.valueBlock.valueHexView);
    found.set(extension.extnID, { critical: extension.critical, value });
  }
  return found;
}

/** Purposes of the extended key usage extension; undefined when there is none (any purpose). */
export function purposesOf(certificate: X509Certificate): readonly string[] | undefined {
  if (!extensionsOf(certificate).has(EXTENDED_KEY_USAGE)) return undefined;
  return certificate.keyUsage ?? []; // node's keyUsage is the *extended* one
}
