// Signatures under things that are not certificates: revocation lists and certificate status. By node's crypto, in its
// thread pool, so that a list of megabytes holds up nobody.

import { constants, type KeyObject, verify, type X509Certificate } from 'node:crypto';
import { children, type Der, expectTag, inside, oidOf, onlyDer, TAG } from './der-reader.ts';

/** Algorithm to hash; null: the key's own (Edwards curves). RFC 5754, RFC 5758, RFC 8410. */
const ALGORITHMS: Readonly<Record<string, { readonly hash: string | null; readonly key: RegExp }>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', key: /^rsa$/ },
  '1.2.840.113549.1.1.12': { hash: 'sha384', key: /^rsa$/ },
  '1.2.840.113549.1.1.13': { hash: 'sha512', key: /^rsa$/ },
  '1.2.840.10045.4.3.2': { hash: 'sha256', key: /^ec$/ },
  '1.2.840.10045.4.3.3': { hash: 'sha384', key: /^ec$/ },
  '1.2.840.10045.4.3.4': { hash: 'sha512', key: /^ec$/ },
  '1.3.101.112': { hash: null, key: /^ed25519$/ },
  '1.3.101.113': { hash: null, key: /^ed448$/ },
};
const RSA_PSS = '1.2.840.113549.1.1.10';
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
/** Broken for certificates; lists of old authorities that the operator brought are believed all the same. */
const WITH_SHA1: ReadonlySet<string> = new Set(['1.2.840.113549.1.1.5', '1.2.840.10045.4.1']);

/** What was signed, with what, and the signature. */
export interface Signed {
  readonly body: Buffer;
  /** AlgorithmIdentifier. */
  readonly algorithm: Der;
  readonly signature: Buffer;
}

/** Did this key sign it? An algorithm that is not known or too weak did not. Never rejects. @param sha1 count SHA-1 too */
export async function signatureHolds({ body, algorithm, signature }: Signed, key: KeyObject, sha1 = false): Promise<boolean> {
  const type = key.asymmetricKeyType ?? '';
  const [id, parameters] = children(algorithm, 2);
  const name = oidOf(id);
  if (sha1 && WITH_SHA1.has(name) && /^(rsa|ec)$/.test(type)) return check('sha1', body, key, signature);
  if (name === RSA_PSS) return /^rsa(-pss)?$/.test(type) && pss(body, parameters, key, signature);
  const known = ALGORITHMS[name];
  return known?.key.test(type) === true && check(known.hash, body, key, signature);
}

function pss(body: Buffer, parameters: Der | undefined, key: KeyObject, signature: Buffer): Promise<boolean> {
  let hash = '';
  let saltLength = 20;
  for (const part of parameters === undefined ? [] : children(parameters, 4)) {
    if (part.tag === 0xa0) hash = HASHES[oidOf(children(inside(part), 2)[0])] ?? '';
    if (part.tag === 0xa2)
      saltLength = expectTag(inside(part), TAG.integer).content.readUIntBE(0, Math.min(2, inside(part).content.length));
  }
  if (hash === '') return Promise.resolve(false); // the default is SHA-1
  return check(hash, body, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}

function check(hash: string | null, body: Buffer, key: Parameters<typeof verify>[2], signature: Buffer): Promise<boolean> {
  return new Promise((resolve) => verify(hash, body, key, signature, (error, holds) => resolve(error === null && holds)));
}

/** Names and key of a certificate as they stand in it, for comparing bytes and hashing (RFC 6960 §4.1.1). */
export function partsOf(certificate: X509Certificate): { readonly subject: Buffer; readonly publicKeyBits: Buffer } {
  const [body] = children(onlyDer(certificate.raw, TAG.sequence), 3);
  const fields = children(expectTag(body, TAG.sequence), 10);
  // RFC 5280 §4.1: version is [0] and may be absent; serial, signature, issuer, validity, subject, key follow.
  const at = fields[0]?.tag === 0xa0 ? 1 : 0;
  const subject = expectTag(fields[at + 4], TAG.sequence).whole;
  const [, bits] = children(expectTag(fields[at + 5], TAG.sequence), 2);
  return { subject, publicKeyBits: expectTag(bits, TAG.bitString).content.subarray(1) };
}
