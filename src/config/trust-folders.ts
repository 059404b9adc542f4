// certs/trust and certs/revoked as `check` sees them: every root lies on a side, every list is one. Which of them a
// connection trusts is decided in edge/.

import { isSilent, readCertificates, tellExpiry, tellOnce } from './certificate-files.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { nearest } from './spelling.ts';
import { parseDomain, Wrong } from './values.ts';

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
