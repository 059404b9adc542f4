// Certificate status by OCSP (RFC 6960): the question, and what an answer says about one certificate. Strict: right
// responder, right certificate, right time; anything else is no answer. No network and no clock here.

import { createHash, X509Certificate } from 'node:crypto';
import { purposesOf } from './certificate-extensions.ts';
import {
  bitsOf,
  children,
  type Der,
  DerError,
  derAt,
  expectTag,
  extensionList,
  inside,
  oidOf,
  onlyDer,
  plainSerial,
  serialOf,
  TAG,
  timeOf,
} from './der-reader.ts';
import { brokenRule } from './path-rules.ts';
import { partsOf, signatureHolds } from './signed-data.ts';

/** `at`: of when the word is; `until`: it is not to be believed longer; wall ms. */
export type OcspAnswer =
  | { readonly is: 'good'; readonly at: number; readonly until: number }
  | { readonly is: 'revoked'; readonly at: number; readonly until: number; readonly since: number }
  /** No word that counts, and why. */
  | { readonly is: 'none'; readonly why: string };

const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const NONCE = '1.3.6.1.5.5.7.48.1.2';
/** Clocks differ. */
const SKEW_MS = 5 * 60_000;
/** Without nextUpdate newer word is always to be had (RFC 6960 §4.2.2.1): it counts for so long. */
const FRESH_MS = 3_600_000;
/** However far off nextUpdate is: a word older than this is not believed. */
const OLDEST_MS = 14 * 86_400_000;
const HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1', // names, no signature: what every responder takes
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
// RFC 6960 §4.2.1.
const REFUSALS = ['', 'malformedRequest', 'internalError', 'tryLater', '', 'sigRequired', 'unauthorized'];

/** An OCSPRequest for one certificate, without nonce (RFC 5019 §2.1: so that answers can be cached). */
export function ocspRequest(certificate: X509Certificate, issuer: X509Certificate): Buffer {
  const { subject, publicKeyBits } = partsOf(issuer);
  const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();
  const serial = serialBytes(certificate);
  const certId = wrap(
    0x30,
    Buffer.from('300906052b0e03021a0500', 'hex'), // SHA-1
    wrap(TAG.octetString, sha1(subject)),
    wrap(TAG.octetString, sha1(publicKeyBits)),
    serial.whole,
  );
  return wrap(0x30, wrap(0x30, wrap(0x30, wrap(0x30, certId))));
}

/** What a response says about `certificate`. Never rejects. @param now wall ms */
export async function readOcsp(der: Uint8Array, certificate: X509Certificate, issuer: X509Certificate, now: number): Promise<OcspAnswer> {
  try {
    return await judge(Buffer.from(der.buffer, der.byteOffset, der.byteLength), certificate, issuer, now);
  } catch (error) {
    return none(error instanceof DerError ? `cannot be read (${error.message})` : `cannot be judged (${String(error).slice(0, 100)})`);
  }
}

async function judge(der: Buffer, certificate: X509Certificate, issuer: X509Certificate, now: number): Promise<OcspAnswer> {
  const [status, wrapper] = children(onlyDer(der, TAG.sequence), 2);
  const code = expectTag(status, TAG.enumerated).content[0] ?? -1;
  if (code !== 0) return none(`says ${REFUSALS[code] || `status ${code}`}`);
  const [type, octets] = children(expectTag(inside(expectTag(wrapper, 0xa0)), TAG.sequence), 2);
  if (oidOf(type) !== BASIC_RESPONSE) return none('is of an unknown type');
  const basic = onlyDer(expectTag(octets, TAG.octetString).content, TAG.sequence);
  const [body, algorithm, signature, certificates] = children(basic, 4);
  const data = readData(expectTag(body, TAG.sequence));
  const signer = await signerOf(data.responder, certificates, issuer, now);
  if (typeof signer === 'string') return none(signer);
  const signed = { body: expectTag(body, TAG.sequence).whole, algorithm: expectTag(algorithm, TAG.sequence), signature: bitsOf(signature) };
  if (!(await signatureHolds(signed, signer.publicKey))) return none('has a signature that does not hold');
  const single = data.singles.find((one) => isAbout(one, certificate, issuer));
  if (single === undefined) return none('is about another certificate');
  return verdict(single, now);
}

interface Single {
  readonly id: readonly Der[];
  readonly status: Der;
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
}

function readData(body: Der): { readonly responder: Der; readonly singles: readonly Single[] } {
  const fields = children(body, 5);
  const at = fields[0]?.tag === 0xa0 ? 1 : 0; // version
  const responder = fields[at];
  if (responder?.tag !== 0xa1 && responder?.tag !== 0xa2) throw new DerError('no responder is named');
  timeOf(fields[at + 1]); // producedAt: it must be there and be a time
  const singles = children(expectTag(fields[at + 2], TAG.sequence), 64).map(readSingle);
  const extensions = fields[at + 3];
  if (extensions !== undefined) refuseCritical(inside(expectTag(extensions, 0xa1)));
  return { responder, singles };
}

function readSingle(element: Der): Single {
  const [id, status, thisUpdate, ...rest] = children(expectTag(element, TAG.sequence), 5);
  const next = rest.find((one) => one.tag === 0xa0);
  const extensions = rest.find((one) => one.tag === 0xa1);
  if (extensions !== undefined) refuseCritical(inside(extensions));
  if (status === undefined) throw new DerError('a status is missing');
  return {
    id: children(expectTag(id, TAG.sequence), 4),
    status,
    thisUpdate: timeOf(thisUpdate),
    ...(next === undefined ? {} : { nextUpdate: timeOf(inside(next)) }),
  };
}

function refuseCritical(list: Der): void {
  for (const [id, { critical }] of extensionList(list)) {
    if (critical && id !== NONCE) throw new DerError(`the critical extension ${id} is not understood`);
  }
}

/**
 * RFC 6960 §4.2.2.2: the issuer itself, or whoever the issuer itself has named by a certificate with OCSPSigning. In words
 * what is wrong, when it is neither.
 */
async function signerOf(responder: Der, list: Der | undefined, issuer: X509Certificate, now: number): Promise<X509Certificate | string> {
  if (isResponder(responder, issuer)) return issuer;
  const sent = list === undefined ? [] : children(inside(expectTag(list, 0xa0)), 8).map((one) => new X509Certificate(one.whole));
  const delegate = sent.find((one) => isResponder(responder, one));
  if (delegate === undefined) return 'is signed by somebody whose certificate is not in it';
  if (!delegate.checkIssued(issuer) || !delegate.verify(issuer.publicKey)) return 'is signed by somebody whom another authority named';
  // purposesOf gives undefined for "any": RFC 6960 wants the purpose named.
  if (purposesOf(delegate)?.includes(OCSP_SIGNING) !== true) return 'is signed by a certificate that is not made for it (OCSPSigning)';
  const broken = brokenRule([delegate, issuer], now);
  return broken === undefined ? delegate : `is signed by a certificate that does not count: ${broken.text}`;
}

function isResponder(responder: Der, certificate: X509Certificate): boolean {
  const { subject, publicKeyBits } = partsOf(certificate);
  const only = inside(responder);
  if (responder.tag === 0xa1) return only.whole.equals(subject);
  return only.tag === TAG.octetString && only.content.equals(createHash('sha1').update(publicKeyBits).digest());
}

function isAbout({ id }: Single, certificate: X509Certificate, issuer: X509Certificate): boolean {
  const [algorithm, nameHash, keyHash, serial] = id;
  const hash = HASHES[oidOf(children(expectTag(algorithm, TAG.sequence), 2)[0])];
  if (hash === undefined) return false;
  const { subject, publicKeyBits } = partsOf(issuer);
  const digest = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest();
  return (
    expectTag(nameHash, TAG.octetString).content.equals(digest(subject)) &&
    expectTag(keyHash, TAG.octetString).content.equals(digest(publicKeyBits)) &&
    serialOf(serial) === plainSerial(certificate.serialNumber)
  );
}

function verdict({ status, thisUpdate, nextUpdate }: Single, now: number): OcspAnswer {
  if (thisUpdate > now + SKEW_MS) return none('is of the future; compare the clocks');
  const until = Math.min(nextUpdate ?? thisUpdate + FRESH_MS, thisUpdate + OLDEST_MS);
  if (until < now - SKEW_MS) return none(`has run out on ${new Date(until).toISOString()}`);
  // good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL
  if (status.tag === 0x80) return { is: 'good', at: thisUpdate, until };
  if (status.tag === 0xa1) return { is: 'revoked', at: thisUpdate, until, since: timeOf(derAt(status.content, 0)) };
  return none('does not know the certificate');
}

function serialBytes(certificate: X509Certificate): Der {
  const [body] = children(onlyDer(certificate.raw, TAG.sequence), 3);
  const fields = children(expectTag(body, TAG.sequence), 10);
  return expectTag(fields[0]?.tag === 0xa0 ? fields[1] : fields[0], TAG.integer);
}

function wrap(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
}
function none(why: string): OcspAnswer {
  return { is: 'none', why };
}
