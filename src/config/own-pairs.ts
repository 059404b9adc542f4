// certs/own as `check` sees it: which pairs of ours are there, what they name, and whether key and chain belong together.
// Which of them a connection shows is decided in edge/.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isSilent, PEM_CERTIFICATE, readCertificates, tellExpiry, tellOnce } from './certificate-files.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { nearest } from './spelling.ts';

/** One pair in certs/own. */
export interface OwnPair {
  readonly name: string;
  /** DNS names of the leaf, lower case, wildcards included. */
  readonly names: readonly string[];
  /** Between notBefore and notAfter, and the key belongs to it. */
  readonly valid: boolean;
  readonly notBeforeMs: number;
}

/** Does a certificate with these names speak for `domain`? A wildcard counts for XMPP only, so not here. */
export function covers(names: readonly string[], domain: string): boolean {
  return names.includes(domain);
}

/** Reads certs/own. @param nowMs wall ms */
export function ownPairs(files: HomeFiles, nowMs: number, findings: Findings): OwnPair[] {
  const folders = new Set<string>();
  for (const path of files.keys()) {
    const inFolder = /^certs\/own\/([^/]+)\/./.exec(path);
    if (inFolder !== null) folders.add(inFolder[1]!);
    else if (/^certs\/own\/[^/]+$/.test(path) && !isSilent(path)) {
      findings.fault('CONFIG_FILE', wholeFile(path), 'a file directly in certs/own', 'certs/own/<name>/fullchain.pem and key.pem');
    }
  }
  return [...folders].flatMap((name) => readPair(name, files, nowMs, findings) ?? []);
}

function readPair(name: string, files: HomeFiles, nowMs: number, findings: Findings): OwnPair | undefined {
  const chainPath = `certs/own/${name}/fullchain.pem`;
  const keyPath = `certs/own/${name}/key.pem`;
  checkInside(name, files, findings);
  const chain = files.get(chainPath);
  const key = files.get(keyPath);
  if (chain === undefined || key === undefined) {
    const inside = [...files.keys()].filter((path) => path.startsWith(`certs/own/${name}/`) && !isSilent(path));
    // A key that waits for its certificate (cert request) is no pair yet.
    if (inside.every((path) => path.startsWith(`certs/own/${name}/next/`))) return undefined;
    const missing = chain === undefined ? chainPath : keyPath;
    findings.fault('CONFIG_CERTIFICATE', wholeFile(missing), 'the file is missing', `certs/own/${name}/ needs fullchain.pem and key.pem`);
    return undefined;
  }
  if ((key.mode & 0o077) !== 0) {
    const mode = key.mode.toString(8).padStart(4, '0');
    findings.fault('CONFIG_MODE', wholeFile(keyPath), `the key has mode ${mode}, others can read it`, `chmod 600 ${keyPath}`);
  }
  const [leaf, ...above] = readCertificates(chainPath, chain, findings);
  if (leaf === undefined) return undefined;
  const notBeforeMs = Date.parse(leaf.validFrom);
  const notAfterMs = Date.parse(leaf.validTo);
  const place = wholeFile(chainPath);
  const names = dnsNames(leaf);
  if (names.length === 0)
    findings.warning(
      'CONFIG_CERTIFICATE',
      place,
      'the certificate has no DNS name in subjectAltName',
      'a CN counts for nobody; ask for one that names the domains',
    );
  if (above.length === 0 && leaf.issuer !== leaf.subject && !isIssuedByRoot(leaf, files))
    findings.warning(
      'CONFIG_CERTIFICATE',
      place,
      'the chain is incomplete: the certificate of the issuer is missing',
      `append that of "${leaf.issuer.split('\n').at(-1)}"; partners can complete nothing themselves`,
    );
  if (nowMs < notBeforeMs)
    findings.warning(
      'CONFIG_CERTIFICATE',
      place,
      `the certificate is valid from ${leaf.validFrom} only`,
      'check the clock of this machine',
    );
  else tellExpiry(leaf, place, 'isthmus cert request makes the request for a new one', nowMs, findings);
  if (key.unreadable !== undefined) {
    findings.fault(
      'CONFIG_FILE',
      wholeFile(keyPath),
      `cannot be read: ${key.unreadable}`,
      'read by the user who runs Isthmus; or run this as root',
    );
    return undefined;
  }
  const belongs = keyBelongs(leaf, arrivingKey(name, leaf, files) ?? key.text, keyPath, findings);
  return { name, names, notBeforeMs, valid: belongs && nowMs >= notBeforeMs && nowMs <= notAfterMs };
}

/** Is its issuer a root of ours? A root is not sent: whoever believes it has it. */
function isIssuedByRoot(leaf: X509Certificate, files: HomeFiles): boolean {
  for (const [path, { text }] of files) {
    if (!/^certs\/trust\/.+\.pem$/.test(path)) continue;
    for (const [pem] of text.matchAll(PEM_CERTIFICATE)) {
      try {
        const root = new X509Certificate(pem);
        if (root.subject === root.issuer && leaf.checkIssued(root) && leaf.verify(root.publicKey)) return true;
      } catch {
        // A root that cannot be read is told where the roots are looked at.
      }
    }
  }
  return false;
}

const INSIDE_A_PAIR = ['fullchain.pem', 'key.pem', 'next', 'previous'] as const;

/** Files of a pair's folder that nobody reads, and keys that others can. */
function checkInside(name: string, files: HomeFiles, findings: Findings): void {
  const told = new Set<string>();
  for (const [path, file] of files) {
    const inside = path.startsWith(`certs/own/${name}/`) ? path.slice(`certs/own/${name}/`.length) : '';
    if (inside === '' || isSilent(path)) continue;
    const [first = ''] = inside.split('/');
    if (/^(next|previous)\/.*key\.pem$|^next\/arriving\.pem$/.test(inside) && (file.mode & 0o077) !== 0) {
      const mode = file.mode.toString(8).padStart(4, '0');
      findings.fault('CONFIG_MODE', wholeFile(path), `the key has mode ${mode}, others can read it`, `chmod 600 ${path}`);
    }
    if (INSIDE_A_PAIR.some((known) => known === first)) continue;
    const meant = nearest(first, ['fullchain.pem', 'key.pem']);
    if (meant === undefined || files.has(`certs/own/${name}/${meant}`)) continue;
    tellOnce(told, first, () =>
      findings.warning('CONFIG_FILE', wholeFile(path), 'nobody reads this file', 'fullchain.pem and key.pem are read', meant),
    );
  }
}

/** The key of a pair that is being replaced: edge/own-pair.ts reads it too. */
function arrivingKey(name: string, leaf: X509Certificate, files: HomeFiles): string | undefined {
  const text = files.get(`certs/own/${name}/next/arriving.pem`)?.text;
  try {
    return text !== undefined && leaf.checkPrivateKey(createPrivateKey(text)) ? text : undefined;
  } catch {
    return undefined;
  }
}

function keyBelongs(leaf: X509Certificate, pem: string, path: string, findings: Findings): boolean {
  const place = wholeFile(path);
  try {
    if (leaf.checkPrivateKey(createPrivateKey(pem))) return true;
    findings.fault(
      'CONFIG_CERTIFICATE',
      place,
      'the key does not match the certificate',
      'the key that the first certificate of fullchain.pem was made for',
    );
  } catch {
    const encrypted = pem.includes('ENCRYPTED');
    findings.fault(
      'CONFIG_CERTIFICATE',
      place,
      encrypted ? 'the key is encrypted' : 'no private key in it',
      'an unencrypted private key in PEM, mode 0600',
    );
  }
  return false;
}

/** DNS entries of subjectAltName, as A-labels. Node quotes an entry with special characters; such a name is never a domain. */
function dnsNames(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? [];
  return entries.flatMap((entry) => (entry.startsWith('DNS:') && !entry.includes('"') ? [entry.slice(4).toLowerCase()] : []));
}
