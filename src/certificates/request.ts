// A request for a certificate (PKCS#10, RFC 2986): the names in subjectAltName, as DNS-IDs and SRV-IDs, signed with our key.

import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  Set as Asn1Set,
  type BaseBlock,
  BitString,
  Constructed,
  fromBER,
  IA5String,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Utf8String,
} from 'asn1js';
import type { KeyKind } from '../model/acme.ts';

const OID = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectAltName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  srvName: '1.3.6.1.5.5.7.8.7',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
} as const;

/** Longest common name (RFC 5280 appendix A, ub-common-name). */
const MAX_COMMON_NAME = 64;

/** A fresh key. RSA takes up to a second. */
export function makeKey(kind: KeyKind): KeyObject {
  switch (kind) {
    case 'ecdsa-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'ecdsa-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey;
    default:
      return kind satisfies never;
  }
}

/**
 * The request in PEM.
 * @param names A-labels; one that begins with `_` is an SRV-ID (RFC 4985)
 */
export function requestPem(key: KeyObject, names: readonly string[]): string {
  const hosts = names.filter((name) => !name.startsWith('_'));
  const commonName = hosts.find((name) => name.length <= MAX_COMMON_NAME && !name.startsWith('*'));
  const body = new Sequence({
    value: [
      new Integer({ value: 0 }),
      new Sequence({ value: commonName === undefined ? [] : [relativeName(commonName)] }),
      fromBER(createPublicKey(key).export({ type: 'spki', format: 'der' })).result,
      tagged(0, [
        new Sequence({
          value: [oid(OID.extensionRequest), new Asn1Set({ value: [new Sequence({ value: extensions(names, key) })] })],
        }),
      ]),
    ],
  });
  const { algorithm, hash } = signature(key);
  const signed = sign(hash, new Uint8Array(body.toBER()), key);
  const request = new Sequence({ value: [body, algorithm, new BitString({ valueHex: new Uint8Array(signed).buffer })] });
  const base64 = Buffer.from(request.toBER()).toString('base64');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64.replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function extensions(names: readonly string[], key: KeyObject): Sequence[] {
  // RFC 5280 §4.2.1.3: digitalSignature is bit 0, keyEncipherment (RSA key transport) bit 2.
  const usage = key.asymmetricKeyType === 'rsa' ? { bits: 0xa0, unused: 5 } : { bits: 0x80, unused: 7 };
  return [
    extension(OID.subjectAltName, new Sequence({ value: names.map(generalName) })),
    extension(OID.keyUsage, new BitString({ valueHex: new Uint8Array([usage.bits]).buffer, unusedBits: usage.unused })),
    // Public authorities leave clientAuth out; an enterprise's own gives it, and old peers ask for it.
    extension(OID.extendedKeyUsage, new Sequence({ value: [oid(OID.serverAuth), oid(OID.clientAuth)] })),
  ];
}

function generalName(name: string): Primitive | Constructed {
  if (!name.startsWith('_')) {
    return new Primitive({ idBlock: { tagClass: 3, tagNumber: 2 }, valueHex: new Uint8Array(Buffer.from(name, 'ascii')).buffer });
  }
  return tagged(0, [oid(OID.srvName), tagged(0, [new IA5String({ value: name })])]);
}

function extension(id: string, value: Sequence | BitString): Sequence {
  return new Sequence({ value: [oid(id), new OctetString({ valueHex: value.toBER() })] });
}

function relativeName(commonName: string): Asn1Set {
  return new Asn1Set({ value: [new Sequence({ value: [oid(OID.commonName), new Utf8String({ value: commonName })] })] });
}

function signature(key: KeyObject): { readonly algorithm: Sequence; readonly hash: string } {
  if (key.asymmetricKeyType === 'rsa') return { algorithm: new Sequence({ value: [oid(OID.sha256WithRsa), new Null()] }), hash: 'sha256' };
  const large = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  const algorithm = new Sequence({ value: [oid(large ? OID.ecdsaWithSha384 : OID.ecdsaWithSha256)] });
  return { algorithm, hash: large ? 'sha384' : 'sha256' };
}

function tagged(tagNumber: number, value: BaseBlock[]): Constructed {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

function oid(value: string): ObjectIdentifier {
  return new ObjectIdentifier({ value });
}
