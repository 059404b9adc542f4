// Certificates and keys out of whatever an operator was sent: PEM in any order and any mix, DER, PKCS#12, PKCS#7, keys as
// PKCS#1, PKCS#8 or SEC1, with or without a passphrase.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { fromBER, Integer, ObjectIdentifier, Sequence } from 'asn1js';
import { CertificateRevocationList, ContentInfo, Certificate as PkiCertificate, SignedData } from 'pkijs';
import { DeskError, type GivenFile } from '../model/certificate-desk.ts';

export interface Bundle {
  readonly certificates: readonly X509Certificate[];
  /** Private keys, each once. */
  readonly keys: readonly KeyObject[];
  /** DER of revocation lists. */
  readonly lists: readonly Uint8Array<ArrayBuffer>[];
}

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PARTS = 1000;
const SIGNED_DATA = '1.2.840.113549.1.7.2';

/** Everything of use in these files. Rejects with DeskError: a file that is none of this, or a passphrase that is missing or wrong. */
export async function readBundle(files: readonly GivenFile[], password?: string): Promise<Bundle> {
  const certificates = new Map<string, X509Certificate>();
  const keys: KeyObject[] = [];
  const lists: Uint8Array<ArrayBuffer>[] = [];
  for (const file of files) {
    if (file.bytes.length > MAX_FILE_BYTES)
      throw new DeskError(`${file.label} has ${file.bytes.length} bytes; a certificate file has a few thousand`);
    const found = await readFile(file, password);
    for (const one of found.certificates) certificates.set(one.fingerprint256, one);
    for (const key of found.keys) if (!keys.some((known) => known.equals(key))) keys.push(key);
    lists.push(...found.lists);
    if (found.certificates.length + found.keys.length + found.lists.length === 0) throw new DeskError(nothingIn(file));
  }
  return { certificates: [...certificates.values()], keys, lists };
}

async function readFile(file: GivenFile, password: string | undefined): Promise<Bundle> {
  const text = textOf(file.bytes);
  if (text.includes('-----BEGIN ')) return readPem(text, file.label, password);
  return readDer(file.bytes, file.label, password);
}

/** PowerShell writes UTF-16. */
function textOf(bytes: Uint8Array): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return Buffer.from(bytes).toString(utf16 ? 'utf16le' : 'latin1');
}

function readPem(text: string, label: string, password: string | undefined): Bundle {
  const bundle = { certificates: [] as X509Certificate[], keys: [] as KeyObject[], lists: [] as Uint8Array<ArrayBuffer>[] };
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g)].slice(0, MAX_PARTS);
  for (const [whole, kind = '', body = ''] of blocks) {
    const der = new Uint8Array(Buffer.from(body.replaceAll(/^.*:.*$/gm, ''), 'base64'));
    if (/^(X509 |TRUSTED )?CERTIFICATE$/.test(kind)) bundle.certificates.push(certificate(kind.startsWith('TRUSTED') ? whole : der, label));
    else if (kind.endsWith('PRIVATE KEY')) bundle.keys.push(privateKey(whole, label, password));
    else if (kind === 'X509 CRL') bundle.lists.push(der);
    else if (kind === 'PKCS7' || kind === 'CMS') bundle.certificates.push(...(certificatesOfCms(der) ?? []));
  }
  return bundle;
}

async function readDer(bytes: Uint8Array, label: string, password: string | undefined): Promise<Bundle> {
  const der = new Uint8Array(bytes);
  const nothing: Bundle = { certificates: [], keys: [], lists: [] };
  if (der[0] !== 0x30) return nothing;
  try {
    return { ...nothing, certificates: [new X509Certificate(der)] };
  } catch {
    // Not a certificate: one of the others.
  }
  const [first, second] = elementsOf(der);
  if (first instanceof ObjectIdentifier && first.valueBlock.toString() === SIGNED_DATA) {
    return { ...nothing, certificates: certificatesOfCms(der) ?? [] };
  }
  // PFX ::= SEQUENCE { version 3, authSafe ContentInfo, ... }
  if (first instanceof Integer && first.valueBlock.valueDec === 3 && second instanceof Sequence) return pkcs12(der, label, password);
  const key = derKey(der, label, password);
  if (key !== undefined) return { ...nothing, keys: [key] };
  try {
    CertificateRevocationList.fromBER(der);
    return { ...nothing, lists: [der] };
  } catch {
    return nothing;
  }
}

async function pkcs12(der: Uint8Array<ArrayBuffer>, label: string, password: string | undefined): Promise<Bundle> {
  const { readPkcs12 } = await import('./pkcs12.ts');
  let found: ReturnType<typeof readPkcs12>;
  try {
    found = readPkcs12(der, password);
  } catch (error) {
    throw new DeskError(`${label} looks like PKCS#12 and cannot be read: ${(error as Error).message.slice(0, 200)}`); // forge throws Error only
  }
  if (found === undefined) throw new DeskError(password === undefined ? locked(label) : `${label}: the password does not open it`);
  const keys = found.keys.map((key) => createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  return { certificates: found.certificates.map((one) => certificate(one, label)), keys, lists: [] };
}

function certificate(from: string | Uint8Array, label: string): X509Certificate {
  try {
    return new X509Certificate(from);
  } catch {
    throw new DeskError(`${label} holds a certificate that cannot be read; was it cut or changed on its way?`);
  }
}

function privateKey(pem: string, label: string, password: string | undefined): KeyObject {
  const encrypted = pem.includes('ENCRYPTED');
  if (encrypted && password === undefined) throw new DeskError(locked(label));
  try {
    return createPrivateKey({ key: pem, ...(encrypted && { passphrase: password ?? '' }) });
  } catch {
    throw new DeskError(
      encrypted ? `${label}: the password does not open its private key` : `${label} holds a private key that cannot be read`,
    );
  }
}

function derKey(der: Uint8Array, label: string, password: string | undefined): KeyObject | undefined {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: Buffer.from(der), format: 'der', type, ...(password !== undefined && { passphrase: password }) });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_MISSING_PASSPHRASE') throw new DeskError(locked(label));
    }
  }
  return undefined;
}

/** RFC 5652 §5.1: what a .p7b carries; undefined when it cannot be read. */
function certificatesOfCms(der: Uint8Array<ArrayBuffer>): X509Certificate[] | undefined {
  try {
    const signed = new SignedData({ schema: ContentInfo.fromBER(der).content });
    return (signed.certificates ?? [])
      .filter((one): one is PkiCertificate => one instanceof PkiCertificate)
      .slice(0, MAX_PARTS)
      .map((one) => new X509Certificate(Buffer.from(one.toSchema(false).toBER())));
  } catch {
    return undefined;
  }
}

function elementsOf(der: Uint8Array<ArrayBuffer>): readonly unknown[] {
  try {
    const { result } = fromBER(der);
    return result instanceof Sequence ? result.valueBlock.value : [];
  } catch {
    return [];
  }
}

function locked(label: string): string {
  return `${label} is protected by a password; write it into a file and give --password-file FILE`;
}

function nothingIn({ label, bytes }: GivenFile): string {
  const text = textOf(bytes.subarray(0, 4096));
  if (text.includes('BEGIN CERTIFICATE REQUEST') || text.includes('BEGIN NEW CERTIFICATE REQUEST')) {
    return `${label} is a certificate request, not a certificate; send it to your authority and import what comes back`;
  }
  return `${label} holds no certificate, no private key and no revocation list (PEM, DER, PKCS#12 and PKCS#7 are read)`;
}
