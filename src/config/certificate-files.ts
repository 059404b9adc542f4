// What any file in certs/ is asked: the certificates in it, how long they last, and whether it is one of ours to read.

import { X509Certificate } from 'node:crypto';
import { expiryWarning } from '../model/expiry.ts';
import { type Findings, type Place, wholeFile } from './finding.ts';

export const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

/** The certificates of a PEM file, leaf first. */
export function readCertificates(path: string, file: { text: string; unreadable?: string }, findings: Findings): X509Certificate[] {
  if (file.unreadable !== undefined) {
    findings.fault('CONFIG_FILE', wholeFile(path), `cannot be read: ${file.unreadable}`, 'a readable PEM file');
    return [];
  }
  const blocks = file.text.match(PEM_CERTIFICATE) ?? [];
  const certificates = blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
  if (certificates.length === 0 || certificates.length < blocks.length) {
    const found =
      certificates.length === 0 ? 'no certificate in it' : `${blocks.length - certificates.length} of its certificates cannot be read`;
    findings.fault('CONFIG_CERTIFICATE', wholeFile(path), found, 'certificates in PEM (-----BEGIN CERTIFICATE-----)');
  }
  return certificates;
}

/** 30, 14 and 3 days ahead (model/expiry.ts). */
export function tellExpiry(certificate: X509Certificate, place: Place, right: string, nowMs: number, findings: Findings): void {
  const warning = expiryWarning(certificate.validToDate.getTime(), nowMs);
  if (warning !== undefined) findings.warning('CONFIG_CERTIFICATE', place, `the certificate ${warning}`, right);
}

/** One finding for each of what may stand in many files. */
export function tellOnce(told: Set<string>, what: string, tell: () => void): void {
  if (told.has(what)) return;
  told.add(what);
  tell();
}

/** Files that git, editors and readers need and that mean nothing to us. */
export function isSilent(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith('.') || /^README(\.md)?$/i.test(name);
}
