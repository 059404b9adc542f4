// The roots and revocation lists of a home, as they lie in certs/trust/ and certs/revoked/, for listings and for the watch
// on expiry. What a connection believes is edge/trust-store.ts's business.

import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateRevocationList } from 'pkijs';
import { pemBlocks } from '../edge/pem.ts';
import { type AuthorityFacts, DeskError, type RevocationListFacts } from '../model/certificate-desk.ts';
import { factsOf } from './facts.ts';

const MAX_FILES = 2000;

/** Every file of roots with what it holds; what cannot be read holds nothing. @param folder the home's certs folder */
export function authoritiesIn(folder: string): AuthorityFacts[] {
  const files = (['edge', 'inside'] as const).flatMap((side) =>
    pemFiles(folder, `trust/${side}`).map((path): Omit<AuthorityFacts, 'certificates'> => ({ file: path, side })),
  );
  const partners = names(folder, 'trust/partners').flatMap((domain) =>
    pemFiles(folder, `trust/partners/${domain}`).map(
      (path): Omit<AuthorityFacts, 'certificates'> => ({ file: path, side: 'partner', domain }),
    ),
  );
  return [...files, ...partners].map((one) => ({
    ...one,
    file: `certs/${one.file}`,
    certificates: pemBlocks(read(folder, one.file), 'CERTIFICATE').flatMap((der) => {
      try {
        return [factsOf(new X509Certificate(der))];
      } catch {
        return [];
      }
    }),
  }));
}

/** Every revocation list; what cannot be read is left out. */
export function listsIn(folder: string): RevocationListFacts[] {
  return pemFiles(folder, 'revoked')
    .filter((path) => path.endsWith('.crl.pem'))
    .flatMap((path) =>
      pemBlocks(read(folder, path), 'X509 CRL').flatMap((der) => {
        try {
          return [{ ...crlFacts(new Uint8Array(der), path), file: `certs/${path}` }];
        } catch {
          return [];
        }
      }),
    );
}

/** @throws DeskError when it cannot be read */
export function crlFacts(der: Uint8Array<ArrayBuffer>, label: string): Omit<RevocationListFacts, 'file'> {
  try {
    const list = CertificateRevocationList.fromBER(der);
    const parts = list.issuer.typesAndValues.map(({ value }) => String(value.valueBlock.value));
    return {
      issuer: parts.reverse().join(', ').slice(0, 300),
      thisUpdate: list.thisUpdate.value.getTime(),
      ...(list.nextUpdate && { nextUpdate: list.nextUpdate.value.getTime() }),
      revoked: list.revokedCertificates?.length ?? 0,
    };
  } catch {
    throw new DeskError(`${label} cannot be read as a revocation list`);
  }
}

function pemFiles(folder: string, path: string): string[] {
  return names(folder, path)
    .filter((name) => name.endsWith('.pem'))
    .map((name) => `${path}/${name}`);
}

function names(folder: string, path: string): string[] {
  try {
    return readdirSync(join(folder, path))
      .filter((name) => !name.startsWith('.') && name !== 'README.md')
      .slice(0, MAX_FILES)
      .sort();
  } catch {
    return []; // a folder that is not there holds nothing
  }
}

function read(folder: string, path: string): string {
  try {
    return readFileSync(join(folder, path), 'utf8');
  } catch {
    return '';
  }
}
