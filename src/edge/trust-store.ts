// Whom we believe, by side (DESIGN 6, certs/README.md): the internet side the system's roots and certs/trust/edge; the
// inside certs/trust/inside alone; a partner with a folder of its own that folder alone. And whom no longer:
// certs/revoked/*.crl.pem and refused.yaml. A set with an error never replaces the one in force.

import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { parse } from 'yaml';
import { normalDomain } from './certificate-names.ts';
import type { TrustSet } from './path-validation.ts';
import { type CertFault, pemBlocks, readCertificates } from './pem.ts';
import { type RevocationList, RevocationLists, readRevocationList } from './revocation.ts';

/** One loaded state of the folders. Immutable. */
export interface Trust {
  readonly generation: number;
  readonly edge: TrustSet;
  readonly inside: TrustSet;
  /** Keyed by domain; replaces `edge` for that partner. */
  readonly partners: ReadonlyMap<string, TrustSet>;
  /** Fingerprints (lower-case hex) refused by refused.yaml, with the reason given there. */
  readonly refused: ReadonlyMap<string, string>;
  /** Fingerprints of public roots: those the system brought. */
  readonly publicRoots: ReadonlySet<string>;
  /** The authorities in certs/trust, by file, with their ends in wall ms. */
  readonly ours: readonly { readonly name: string; readonly notAfter: number }[];
  /** The anchors of `edge`, for HTTPS that we ask for. */
  readonly edgeRoots: readonly X509Certificate[];
  /** The anchors of `inside`, for services of ours that we ask. */
  readonly insideRoots: readonly X509Certificate[];
}

export interface TrustOptions {
  /** The home's certs folder. */
  readonly folder: string;
  /** PEM of the system's roots; default `tls.getCACertificates('system')`. */
  readonly systemRoots?: () => readonly string[];
  /** Every domain of every partner, so that a folder for nobody is a fault; absent: not checked. */
  readonly partnerDomains?: () => ReadonlySet<string>;
}

/** The trust in force. */
export class TrustStore {
  readonly #options: TrustOptions;
  #current: Trust;
  /** Faults of the last load. */
  faults: readonly CertFault[];

  constructor(options: TrustOptions) {
    this.#options = options;
    const loaded = loadTrust(options, 1);
    this.#current = loaded.trust;
    this.faults = loaded.faults;
  }

  get current(): Trust {
    return this.#current;
  }

  /** Reads the folders again. With an error in them the old trust stays; the faults come back either way. */
  reload(): readonly CertFault[] {
    const loaded = loadTrust(this.#options, this.#current.generation + 1);
    this.faults = loaded.faults;
    if (!loaded.faults.some((fault) => fault.level === 'error')) this.#current = loaded.trust;
    return loaded.faults;
  }
}

/** Reads the folders once. What is faulty is left out and listed. */
export function loadTrust(options: TrustOptions, generation: number): { readonly trust: Trust; readonly faults: readonly CertFault[] } {
  const faults: CertFault[] = [];
  const fault = (file: string, text: string, level: CertFault['level'] = 'error'): void =>
    void faults.push({ file: `certs/${file}`, text, level });
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(join(options.folder, path), 'utf8');
    } catch (error) {
      fault(path, `cannot be read: ${(error as Error).message}`); // fs throws Error only
      return undefined;
    }
  };
  const ours: { name: string; notAfter: number }[] = [];
  const roots = (folder: string): X509Certificate[] =>
    list(options.folder, folder).flatMap((name) => {
      const path = `${folder}/${name}`;
      if (!name.endsWith('.pem')) {
        if (name !== 'README.md') fault(path, 'is not a .pem file and is not looked at', 'warning');
        return [];
      }
      const text = read(path);
      try {
        const found = text === undefined ? [] : readCertificates(text);
        ours.push(...found.map((certificate) => ({ name: `certs/${path}`, notAfter: certificate.validToDate.getTime() })));
        return found;
      } catch (error) {
        fault(path, (error as Error).message); // readCertificates throws Error only
        return [];
      }
    });

  for (const name of list(options.folder, 'trust')) {
    const known = ['edge', 'inside', 'partners', 'admin'].includes(name) && statSync(join(options.folder, 'trust', name)).isDirectory();
    if (!known && name !== 'README.md') {
      fault(`trust/${name}`, 'is in the wrong place: roots belong into trust/edge/, trust/inside/ or trust/partners/<domain>/');
    }
  }
  const system = systemRoots(options);
  const edgeRoots = [...system, ...roots('trust/edge')];
  const insideRoots = roots('trust/inside');
  const revocation = new RevocationLists(revocationLists(options.folder, read, fault));
  const set = (id: string, anchors: readonly X509Certificate[]): TrustSet => trustSet(`${generation} ${id}`, anchors, revocation);
  const partners = new Map<string, TrustSet>();
  for (const name of list(options.folder, 'trust/partners')) {
    const path = `trust/partners/${name}`;
    const domain = normalDomain(name);
    if (domain === undefined || !statSync(join(options.folder, path)).isDirectory()) {
      if (name !== 'README.md') fault(path, "is not a folder named for a partner's domain");
      continue;
    }
    if (options.partnerDomains && !options.partnerDomains().has(domain)) {
      fault(path, `there is no partner with the domain ${domain} in routes/partners/; remove the folder or correct its name`);
    }
    const anchors = roots(path);
    if (anchors.length === 0) fault(path, 'holds no certificate, so that nothing this partner shows could be trusted');
    partners.set(domain, set(domain, anchors));
  }
  return {
    trust: {
      generation,
      edge: set('edge', edgeRoots),
      inside: set('inside', insideRoots),
      partners,
      refused: refusedFingerprints(options.folder, read, fault),
      publicRoots: new Set(system.map((root) => root.fingerprint256)),
      ours,
      edgeRoots,
      insideRoots,
    },
    faults,
  };
}

/** A set of anchors. @param id must differ for sets that differ. */
export function trustSet(id: string, anchors: readonly X509Certificate[], revocation: RevocationLists = new RevocationLists([])): TrustSet {
  // The system's folder may hold one root under several names.
  const byFingerprint = new Map(anchors.map((anchor) => [anchor.fingerprint256, anchor]));
  const bySubject = Map.groupBy(byFingerprint.values(), (anchor) => anchor.subject);
  return {
    id,
    bySubject: (subject) => bySubject.get(subject) ?? [],
    isAnchor: (certificate) => byFingerprint.has(certificate.fingerprint256),
    revocation,
  };
}

// Reading 150 roots takes a while and the system's do not change while we run.
let systemCertificates: X509Certificate[] | undefined;
function systemRoots(options: TrustOptions): X509Certificate[] {
  if (options.systemRoots) return options.systemRoots().map((pem) => new X509Certificate(pem));
  systemCertificates ??= tls.getCACertificates('system').flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return []; // a root this OpenSSL cannot read cannot sign anything either
    }
  });
  return systemCertificates;
}

type Read = (path: string) => string | undefined;
type Fault = (file: string, text: string, level?: CertFault['level']) => void;

function revocationLists(folder: string, read: Read, fault: Fault): RevocationList[] {
  return list(folder, 'revoked')
    .filter((name) => name.endsWith('.crl.pem'))
    .flatMap((name) => {
      const path = `revoked/${name}`;
      const text = read(path);
      if (text === undefined) return [];
      const blocks = pemBlocks(text, 'X509 CRL');
      if (blocks.length === 0) fault(path, 'holds no revocation list; PEM text that begins with -----BEGIN X509 CRL----- is expected');
      return blocks.flatMap((der) => {
        try {
          const one = readRevocationList(new Uint8Array(der));
          if (one.nextUpdate && one.nextUpdate.getTime() < Date.now()) {
            fault(
              path,
              `should have been replaced on ${one.nextUpdate.toISOString().slice(0, 10)}; what it revokes stays revoked`,
              'warning',
            );
          }
          return [one];
        } catch {
          fault(path, 'cannot be read as a revocation list');
          return [];
        }
      });
    });
}

// refused.yaml: a list of { fingerprint, reason }, or a map fingerprint -> reason.
function refusedFingerprints(folder: string, read: Read, fault: Fault): Map<string, string> {
  const path = 'revoked/refused.yaml';
  const refused = new Map<string, string>();
  const place = [path, 'refused.yaml'].find((candidate) => existsSync(join(folder, candidate)));
  const text = place === undefined ? undefined : read(place);
  if (place === undefined || text === undefined) return refused;
  let value: unknown;
  try {
    value = parse(text) ?? [];
  } catch (error) {
    fault(place, `is not YAML: ${(error as Error).message.split('\n')[0]}`); // yaml throws YAMLParseError
    return refused;
  }
  const rows: [unknown, unknown][] = Array.isArray(value)
    ? value.map((row: unknown) =>
        typeof row === 'object' && row !== null && 'fingerprint' in row ? [row.fingerprint, 'reason' in row ? row.reason : ''] : [row, ''],
      )
    : Object.entries(value as object); // a scalar has no entries or wrong ones; both are faults below
  for (const [print, why] of rows) {
    const fingerprint = typeof print === 'string' ? normalFingerprint(print) : undefined;
    if (fingerprint === undefined) fault(place, `${JSON.stringify(print)} is not a SHA-256 fingerprint (64 hex digits)`);
    else refused.set(fingerprint, typeof why === 'string' ? why : '');
  }
  return refused;
}

/** 64 lower-case hex digits, from any usual spelling; undefined when it is none. */
function normalFingerprint(text: string): string | undefined {
  const hex = text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(/[:\s]/g, '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
}

/** Names in a folder, sorted, without hidden ones; none when there is no such folder. */
function list(root: string, folder: string): string[] {
  const path = join(root, folder);
  return existsSync(path)
    ? readdirSync(path)
        .filter((name) => !name.startsWith('.'))
        .sort()
    : [];
}
