// certs/ as `check` sees it: which pairs of ours are there, what they name, whether key and chain belong together, and
// whether every root lies on a side. Which of them a connection trusts or shows is decided in edge/.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expiryWarning } from '../model/expiry.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, type Place, wholeFile } from './finding.ts';
import { nearest } from './spelling.ts';
import { parseDomain, Wrong } from './values.ts';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

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

/** 30, 14 and 3 days ahead (model/expiry.ts). */
function tellExpiry(certificate: X509Certificate, place: Place, right: string, nowMs: number, findings: Findings): void {
  const warning = expiryWarning(certificate.validToDate.getTime(), nowMs);
  if (warning !== undefined) findings.warning('CONFIG_CERTIFICATE', place, `the certificate ${warning}`, right);
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

/** The certificates of a PEM file, leaf first. */
function readCertificates(path: string, file: { text: string; unreadable?: string }, findings: Findings): X509Certificate[] {
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

/** DNS entries of subjectAltName, as A-labels. Node quotes an entry with special characters; such a name is never a domain. */
function dnsNames(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? [];
  return entries.flatMap((entry) => (entry.startsWith('DNS:') && !entry.includes('"') ? [entry.slice(4).toLowerCase()] : []));
}

const TRUST_FOLDERS = ['edge', 'inside', 'partners', 'admin'] as const;

/**
 * Every file in certs/trust must lie on a side; a typing error must never make a root for everyone.
 * @param partners the domains that have a file in routes/partners/
 * @param nowMs wall ms, for expiry
 */
export function checkTrust(files: HomeFiles, partners: ReadonlySet<string>, nowMs: number, findings: Findings): void {
  const told = new Set<string>();
  for (const [path, file] of files) {
    const inTrust = /^certs\/trust\/(.+)$/.exec(path);
    if (inTrust === null || isSilent(path)) continue;
    const steps = inTrust[1]!.split('/');
    const side = steps[0]!;
    if (steps.length === 1) {
      findings.fault(
        'CONFIG_FILE',
        wholeFile(path),
        'a file directly in certs/trust',
        'certs/trust/edge/, certs/trust/inside/ or certs/trust/partners/<domain>/',
      );
      continue;
    }
    if (!TRUST_FOLDERS.some((name) => name === side)) {
      tellOnce(told, `certs/trust/${side}`, () =>
        findings.fault(
          'CONFIG_FILE',
          wholeFile(path),
          `the folder certs/trust/${side} means nothing`,
          'edge, inside, partners or admin',
          nearest(side, TRUST_FOLDERS),
        ),
      );
      continue;
    }
    if (side === 'partners' && !isPartnerRoot(path, steps, partners, told, findings)) continue;
    if (!path.endsWith('.pem')) {
      findings.fault('CONFIG_FILE', wholeFile(path), 'not a .pem file, so nobody reads it', 'a PEM file whose name ends in .pem');
      continue;
    }
    for (const root of readCertificates(path, file, findings)) {
      tellExpiry(root, wholeFile(path), 'ask its owner for the one that follows', nowMs, findings);
    }
  }
  for (const [path, file] of files) {
    if (/^certs\/revoked\/[^/]+$/.test(path) && !isSilent(path)) checkRevoked(path, file, findings);
  }
}

function isPartnerRoot(
  path: string,
  steps: readonly string[],
  partners: ReadonlySet<string>,
  told: Set<string>,
  findings: Findings,
): boolean {
  const folder = steps[1]!;
  if (steps.length === 2) {
    findings.fault('CONFIG_FILE', wholeFile(path), 'a file directly in certs/trust/partners', 'certs/trust/partners/<domain>/<name>.pem');
    return false;
  }
  const domain = parseDomain(folder);
  if (!(domain instanceof Wrong) && partners.has(domain)) return true;
  tellOnce(told, folder, () => {
    const right = `a partner's domain; routes/partners/${folder}.yaml is not there`;
    findings.fault('CONFIG_REFERENCE', wholeFile(path), `${folder} is no partner`, right, nearest(folder, partners));
  });
  return false;
}

function checkRevoked(path: string, file: { text: string; unreadable?: string }, findings: Findings): void {
  const name = path.slice('certs/revoked/'.length);
  if (name === 'refused.yaml') return;
  if (!name.endsWith('.crl.pem')) {
    findings.fault(
      'CONFIG_FILE',
      wholeFile(path),
      'nobody reads this file',
      '<name>.crl.pem for a revocation list, or refused.yaml',
      nearest(name, ['refused.yaml']),
    );
  } else if (!file.text.includes('-----BEGIN X509 CRL-----')) {
    findings.fault(
      'CONFIG_CERTIFICATE',
      wholeFile(path),
      file.unreadable ?? 'no revocation list in it',
      'a CRL in PEM (-----BEGIN X509 CRL-----)',
    );
  }
}

function tellOnce(told: Set<string>, what: string, tell: () => void): void {
  if (told.has(what)) return;
  told.add(what);
  tell();
}

/** Files that git, editors and readers need and that mean nothing to us. */
function isSilent(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith('.') || /^README(\.md)?$/i.test(name);
}
