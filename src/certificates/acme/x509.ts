// What we sign ourselves on the way to a certificate: the request (PKCS#10, RFC 2986) and the proof of tls-alpn-01 (RFC 8737).

import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import * as asn1js from 'asn1js';
import {
  Attribute,
  AttributeTypeAndValue,
  Certificate,
  CertificationRequest,
  Extension,
  Extensions,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
} from 'pkijs';
import type { KeyKind } from '../../model/acme.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';
const COMMON_NAME = '2.5.4.3';
/** RFC 8737 §3: id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const DNS_NAME = 2;
const PROOF_DAYS = 7;
const DAY_MS = 86_400_000;

const newPair = promisify(generateKeyPair);

/** A new private key of this kind, PEM (PKCS#8). */
export async function newKeyPem(kind: KeyKind): Promise<string> {
  const { privateKey } = kind.startsWith('ecdsa-')
    ? await newPair('ec', { namedCurve: kind === 'ecdsa-p384' ? 'P-384' : 'P-256' })
    : await newPair('rsa', { modulusLength: Number(kind.slice('rsa-'.length)) });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** What kind a key is; undefined for one that `key:` of certs/acme.yaml cannot name. */
export function kindOfKey(key: KeyObject): KeyKind | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec')
    return namedCurve === 'prime256v1' ? 'ecdsa-p256' : namedCurve === 'secp384r1' ? 'ecdsa-p384' : undefined;
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  return modulusLength === 2048 || modulusLength === 3072 || modulusLength === 4096 ? `rsa-${modulusLength}` : undefined;
}

/** The request for a certificate with these names and this key, DER. No common name: it counts for nobody (RFC 9525 §2). */
export async function certificateRequest(names: readonly string[], keyPem: string): Promise<Uint8Array> {
  const key = createPrivateKey(keyPem);
  const request = new CertificationRequest();
  request.subjectPublicKeyInfo = publicKeyInfo(key);
  const extensions = new Extensions({ extensions: [altNames(names)] });
  request.attributes = [new Attribute({ type: EXTENSION_REQUEST, values: [extensions.toSchema()] })];
  await request.sign(signingKey(key), hashOf(key));
  return new Uint8Array(request.toSchema(true).toBER(false));
}

/** RFC 8737 §3: signed by itself, the name alone, and the digest of the key authorization as a critical extension. */
export async function proofCertificate(
  name: string,
  keyAuthorization: string,
): Promise<{ readonly certPem: string; readonly keyPem: string }> {
  const keyPem = await newKeyPem('ecdsa-p256');
  const key = createPrivateKey(keyPem);
  const made = new Certificate({ version: 2 });
  made.serialNumber = new asn1js.Integer({ valueHex: new Uint8Array([0x01, ...randomBytes(15)]).buffer });
  const called = new AttributeTypeAndValue({ type: COMMON_NAME, value: new asn1js.Utf8String({ value: 'ACME challenge' }) });
  made.subject.typesAndValues.push(called);
  made.issuer.typesAndValues.push(called);
  // The CA's clock is not ours: a day either way is no fault.
  made.notBefore.value = new Date(Date.now() - DAY_MS);
  made.notAfter.value = new Date(Date.now() + PROOF_DAYS * DAY_MS);
  made.subjectPublicKeyInfo = publicKeyInfo(key);
  const digest = new Uint8Array(createHash('sha256').update(keyAuthorization).digest());
  const value = new asn1js.OctetString({ valueHex: digest.buffer });
  made.extensions = [altNames([name]), new Extension({ extnID: ACME_IDENTIFIER, critical: true, extnValue: value.toBER(false) })];
  await made.sign(signingKey(key), 'SHA-256');
  const body =
    Buffer.from(made.toSchema(true).toBER(false))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return { certPem: `-----BEGIN CERTIFICATE-----\n${body.join('\n')}\n-----END CERTIFICATE-----\n`, keyPem };
}

function altNames(names: readonly string[]): Extension {
  const value = new GeneralNames({ names: names.map((name) => new GeneralName({ type: DNS_NAME, value: name })) });
  return new Extension({ extnID: SUBJECT_ALT_NAME, critical: false, extnValue: value.toSchema().toBER(false) });
}

function publicKeyInfo(key: KeyObject): PublicKeyInfo {
  const der = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  return PublicKeyInfo.fromBER(der);
}

function signingKey(key: KeyObject): CryptoKey {
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: hashOf(key) }
      : { name: 'ECDSA', namedCurve: kindOfKey(key) === 'ecdsa-p384' ? 'P-384' : 'P-256' };
  return key.toCryptoKey(algorithm, false, ['sign']);
}

function hashOf(key: KeyObject): 'SHA-256' | 'SHA-384' {
  return kindOfKey(key) === 'ecdsa-p384' ? 'SHA-384' : 'SHA-256';
}
