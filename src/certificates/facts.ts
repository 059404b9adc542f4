// What a certificate says, as plain values for listings, passports and sentences.

import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { purposesOf } from '../edge/certificate-extensions.ts';
import { namesOf } from '../edge/certificate-names.ts';
import { isSelfSigned } from '../edge/path-building.ts';
import type { CertificateFacts } from '../model/certificate-desk.ts';
import { isAuthority } from './chain.ts';

const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '1.3.6.1.5.5.7.3.20': 'sipDomain',
  '2.5.29.37.0': 'any',
};

/** Everything that is shown of a certificate. */
export function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyFingerprint: keyFingerprint(certificate.publicKey),
    keyType: keyType(certificate.publicKey),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    names: namesOf(certificate).shown,
    eku: (purposesOf(certificate) ?? []).map((id) => PURPOSES[id] ?? id),
    isAuthority: isAuthority(certificate),
    selfSigned: isSelfSigned(certificate),
  };
}

/** SHA-256 over SubjectPublicKeyInfo, lower-case hex: the same after a renewal that keeps the key. */
export function keyFingerprint(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** `RSA 3072`, `ECDSA P-256`, `ED25519`. */
export function keyType(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType?.startsWith('rsa')) return `RSA ${modulusLength ?? '?'}`;
  if (key.asymmetricKeyType === 'ec') return `ECDSA ${CURVES[namedCurve ?? ''] ?? namedCurve ?? '?'}`;
  return (key.asymmetricKeyType ?? 'unknown').toUpperCase();
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** A distinguished name as passports have it: on one line, without control characters. */
function oneLine(name: string): string {
  return name
    .replaceAll('\n', ', ')
    .replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
    .slice(0, 300);
}
