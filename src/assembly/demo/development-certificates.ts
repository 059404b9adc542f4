// Certificates of our own making, for `demo` and `start --dev` only: one authority that nobody else trusts, and leaves that
// carry both purposes. node-forge signs, node:crypto makes the keys (RSA, because node-forge knows no elliptic curves).

import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

export interface Issued {
  /** Leaf first, then the authority. */
  readonly chainPem: string;
  readonly keyPem: string;
}
export interface DevelopmentAuthority {
  readonly certPem: string;
  issue(names: readonly string[]): Promise<Issued>;
}

const KEY_BITS = 2048;
const DAYS = 90;
const newPair = promisify(generateKeyPair);

/** Makes an authority whose key stays in memory. @param nowMs wall time; certificates are valid from a day before for 90 days */
export async function developmentAuthority(cn: string, nowMs: number): Promise<DevelopmentAuthority> {
  const authority = await keyPair();
  const subject = [{ name: 'commonName', value: cn }];
  const root = certificate(authority.publicKey, subject, subject, nowMs);
  root.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  root.sign(authority.privateKey, forge.md.sha256.create());
  const certPem = forge.pki.certificateToPem(root);
  return {
    certPem,
    async issue(names) {
      const pair = await keyPair();
      const leaf = certificate(pair.publicKey, [{ name: 'commonName', value: names[0] ?? cn }], subject, nowMs);
      leaf.setExtensions([
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: names.map((name) => ({ type: 2, value: name })) },
        { name: 'subjectKeyIdentifier' },
      ]);
      leaf.sign(authority.privateKey, forge.md.sha256.create());
      return { chainPem: forge.pki.certificateToPem(leaf) + certPem, keyPem: pair.keyPem };
    },
  };
}

interface KeyPair {
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly privateKey: forge.pki.rsa.PrivateKey;
  readonly keyPem: string;
}

async function keyPair(): Promise<KeyPair> {
  const { privateKey } = await newPair('rsa', { modulusLength: KEY_BITS });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = forge.pki.privateKeyFromPem(keyPem);
  return { privateKey: key, publicKey: forge.pki.rsa.setPublicKey(key.n, key.e), keyPem };
}

function certificate(
  key: forge.pki.rsa.PublicKey,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  nowMs: number,
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = key;
  // RFC 5280 §4.1.2.2: positive; the leading byte keeps it so.
  made.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  made.validity.notBefore = new Date(nowMs - 86_400_000);
  made.validity.notAfter = new Date(nowMs + DAYS * 86_400_000);
  made.setSubject(subject);
  made.setIssuer(issuer);
  return made;
}
