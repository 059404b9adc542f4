// Certificates built field by field (RFC 5280; keys EC P-256), right or wrong as a test wants them: no library writes the wrong ones.

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { bits, boolean, context, contextBytes, element, integer, octets, oid, pem, sequence, set, time, utf8 } from './der.ts';

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const ED25519 = sequence(oid('1.3.101.112')); // RFC 8410
export const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  srvName: '1.3.6.1.5.5.7.8.7',
  xmppAddr: '1.3.6.1.5.5.7.8.5',
} as const;

/** Whose signature stands under a certificate: name, key and, unless it signs itself, its certificate. */
export interface Signer {
  readonly cn: string;
  readonly key: KeyObject;
}
export interface CertificateFields {
  readonly cn: string;
  readonly publicKey: KeyObject;
  readonly signer: Signer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Ready-made extensions (see the builders below); the key identifiers are added here. */
  readonly extensions: readonly Buffer[];
}

/** A P-256 pair. */
export function newKey(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject; readonly pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey, privateKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Signs a certificate; its PEM comes back. */
export function signCertificate(fields: CertificateFields): string {
  const signerKey = createPublicKey(fields.signer.key);
  const body = sequence(
    context(0, integer(2)), // v3
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    signatureAlgorithm(fields.signer.key),
    distinguishedName(fields.signer.cn),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    distinguishedName(fields.cn),
    spki(fields.publicKey),
    context(
      3,
      sequence(
        extension(OID.subjectKeyIdentifier, octets(keyIdentifier(fields.publicKey))),
        extension(OID.authorityKeyIdentifier, sequence(contextBytes(0, keyIdentifier(signerKey)))),
        ...fields.extensions,
      ),
    ),
  );
  return pem('CERTIFICATE', signed(body, fields.signer.key));
}

/** Signs whatever was prepared (certificate, revocation list): RFC 5280 §4.1.1. */
export function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, signatureAlgorithm(key), bits(sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', body, key)));
}
export function signatureAlgorithm(key: KeyObject): Buffer {
  return key.asymmetricKeyType === 'ed25519' ? ED25519 : ECDSA_WITH_SHA256;
}

export function distinguishedName(cn: string): Buffer {
  return cn === '' ? sequence() : sequence(set(sequence(oid(OID.commonName), utf8(cn))));
}

export function extension(id: string, value: Buffer, critical = false): Buffer {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

/** basicConstraints; `pathLength` counts the authorities that may stand below. */
export function caExtension(ca: boolean, pathLength?: number): Buffer {
  const content = ca ? [boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])] : [];
  return extension(OID.basicConstraints, sequence(...content), true);
}

export function keyUsage(use: 'leaf' | 'authority'): Buffer {
  // digitalSignature is bit 0; keyCertSign and cRLSign are bits 5 and 6.
  return extension(OID.keyUsage, use === 'leaf' ? bits(Buffer.from([0x80]), 7) : bits(Buffer.from([0x06]), 1), true);
}

export function extendedKeyUsage(uses: readonly string[]): Buffer {
  return extension(OID.extendedKeyUsage, sequence(...uses.map(oid)));
}

export interface AltNames {
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  /** Four or sixteen bytes each. */
  readonly ips?: readonly Uint8Array[];
  readonly srvIds?: readonly string[];
  readonly xmppAddrs?: readonly string[];
}

/** subjectAltName; undefined when there is no name, because an empty list is not allowed. */
export function altNames(names: AltNames): Buffer | undefined {
  const entries = [
    ...(names.dns ?? []).map((name) => contextBytes(2, Buffer.from(name))),
    ...(names.uris ?? []).map((uri) => contextBytes(6, Buffer.from(uri))),
    ...(names.ips ?? []).map((ip) => contextBytes(7, ip)),
    ...(names.srvIds ?? []).map((name) => context(0, oid(OID.srvName), context(0, element(0x16, Buffer.from(name))))),
    ...(names.xmppAddrs ?? []).map((name) => context(0, oid(OID.xmppAddr), context(0, utf8(name)))),
  ];
  return entries.length === 0 ? undefined : extension(OID.subjectAltName, sequence(...entries));
}

/** SHA-256 of the certificate, lower-case hex. */
export function fingerprintOf(certPem: string): string {
  return createHash('sha256').update(new X509Certificate(certPem).raw).digest('hex');
}

/** Key identifier: SHA-1 over the whole public key structure, any unique value will do (RFC 5280 §4.2.1.2). */
export function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1').update(spki(publicKey)).digest();
}

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}
