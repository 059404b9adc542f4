// PKCS#12 (RFC 7292), as Windows and Lync administrators export it: .pfx, .p12. node-forge opens the envelope, old (RC2,
// 3DES, SHA-1) and new (AES, PBKDF2, SHA-256); it understands RSA only, so certificates and keys leave it as DER (security.md 2.4).

import forge from 'node-forge';

export interface Pkcs12 {
  /** DER. */
  readonly certificates: readonly Buffer[];
  /** PKCS#8 in DER, decrypted. */
  readonly keys: readonly Buffer[];
}

/** Hours of work for a wrong file are no help to anybody. */
const MAX_BAGS = 128;

/** node-forge keeps what it cannot read as ASN.1; its types do not say so. */
interface Bag {
  readonly type: string;
  readonly cert?: forge.pki.Certificate | null | undefined;
  readonly key?: forge.pki.PrivateKey | null | undefined;
  readonly asn1?: forge.asn1.Asn1 | undefined;
}

/**
 * @param password absent: none was given; an empty one is tried
 * @returns undefined when the password does not open it
 * @throws Error when it is no PKCS#12
 */
export function readPkcs12(bytes: Uint8Array, password: string | undefined): Pkcs12 | undefined {
  const structure = forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(bytes).toString('binary')));
  for (const attempt of attempts(structure, password)) {
    let opened: forge.pkcs12.Pkcs12Pfx;
    try {
      opened = forge.pkcs12.pkcs12FromAsn1(attempt.structure, false, attempt.password);
    } catch (error) {
      // What a wrong password does: a MAC that does not hold, or padding and structure that make no sense.
      if (/MAC|password|decrypt|padding|Too few bytes|unparsed/i.test((error as Error).message)) continue; // forge throws Error only
      throw error;
    }
    const bags: readonly Bag[] = opened.safeContents.flatMap((content) => content.safeBags).slice(0, MAX_BAGS);
    return { certificates: bags.flatMap(certificateIn), keys: bags.flatMap(keyIn) };
  }
  return undefined;
}

interface Attempt {
  readonly structure: forge.asn1.Asn1;
  readonly password: string | undefined;
}

function attempts(structure: forge.asn1.Asn1, password: string | undefined): Attempt[] {
  if (password === undefined)
    return [
      { structure, password: '' },
      { structure, password },
    ];
  const plain = { structure, password };
  if (/^[\x20-\x7e]*$/.test(password) || !Array.isArray(structure.value)) return [plain];
  // The MAC takes the password as UTF-16 (RFC 7292 appendix B.1), PBES2 as UTF-8, and node-forge knows one form at a time:
  // once more in UTF-8, without the MAC; a wrong password then shows in what is decrypted.
  return [plain, { structure: { ...structure, value: structure.value.slice(0, 2) }, password: forge.util.encodeUtf8(password) }];
}

function certificateIn({ type, cert, asn1 }: Bag): Buffer[] {
  if (type !== forge.pki.oids.certBag) return [];
  const found = cert ? forge.pki.certificateToAsn1(cert) : asn1;
  return found === undefined ? [] : [der(found)];
}

function keyIn({ type, key, asn1 }: Bag): Buffer[] {
  if (type !== forge.pki.oids.keyBag && type !== forge.pki.oids.pkcs8ShroudedKeyBag) return [];
  const found = key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)) : asn1;
  return found === undefined ? [] : [der(found)];
}

function der(structure: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(structure).getBytes(), 'binary');
}
