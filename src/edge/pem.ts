// PEM files of operators (RFC 7468): certificates and revocation lists out of text, with faults in words.

import { X509Certificate } from 'node:crypto';

/** Something wrong in certs/, for `check` and the log. `error` keeps the process from starting, or a reload from taking effect. */
export interface CertFault {
  /** Path inside the home, e.g. `certs/own/corp/key.pem`. */
  readonly file: string;
  /** What was found and what would be right. */
  readonly text: string;
  readonly level: 'error' | 'warning';
}

/** DER of every block with this label; other blocks and text between are passed over. */
export function pemBlocks(text: string, label: string): Buffer[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g);
  return [...blocks].filter((block) => block[1] === label).map((block) => Buffer.from(block[2]!, 'base64'));
}

/** The certificates of a PEM text, in its order. Throws an Error in words when there is none or one cannot be read. */
export function readCertificates(text: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = pemBlocks(text, 'CERTIFICATE');
  const [first, ...rest] = blocks.map((der, index) => {
    try {
      return new X509Certificate(der);
    } catch {
      throw new Error(`certificate ${index + 1} of ${blocks.length} cannot be read; PEM text of an X.509 certificate is expected`);
    }
  });
  if (first === undefined) throw new Error('holds no certificate; PEM text that begins with -----BEGIN CERTIFICATE----- is expected');
  return [first, ...rest];
}
