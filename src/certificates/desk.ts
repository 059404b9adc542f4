// The desk behind `isthmus cert`: lists what lies in certs/, makes requests, finds and judges what is brought in.

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { namesOf } from '../edge/certificate-names.ts';
import { loadPair } from '../edge/own-pair.ts';
import { loadTrust, type Trust } from '../edge/trust-store.ts';
import {
  type Candidate,
  type CertificateDesk,
  DeskError,
  type OwnFacts,
  type RequestFacts,
  type StagedKey,
} from '../model/certificate-desk.ts';
import type { Clock } from '../model/ports.ts';
import { authoritiesIn, crlFacts, listsIn } from './authorities.ts';
import { readBundle } from './bundle.ts';
import { chainOf, leafOf } from './chain.ts';
import { factsOf, keyFingerprint, keyType } from './facts.ts';
import { checkPair, coverage, type PairNeeds } from './pair-check.ts';
import { PairError, pairNameFault, pairNames, putPair, readIfThere, stagedKey, stageFile, stageKey } from './pairs.ts';
import { makeKey, requestPem } from './request.ts';

export interface DeskOptions {
  /** The home's certs folder. */
  readonly folder: string;
  readonly clock: Pick<Clock, 'now'>;
  /** PEM of the system's roots; default: the system's. */
  readonly systemRoots?: () => readonly string[];
}

/** Reads nothing until it is asked. */
export function makeDesk(options: DeskOptions): CertificateDesk {
  const { folder, clock } = options;
  let loaded: ReturnType<typeof loadTrust> | undefined;
  const trust = (): ReturnType<typeof loadTrust> => (loaded ??= loadTrust(options, 1));
  return {
    list(domains) {
      return {
        own: pairNames(folder).map((name) => ownFacts(folder, name, domains, clock.now(), trust().trust)),
        authorities: authoritiesIn(folder),
        revocationLists: listsIn(folder),
        refused: [...trust().trust.refused].map(([fingerprint, reason]) => ({ fingerprint, reason })),
        faults: trust().faults,
      };
    },
    request: (what) => makeRequest(folder, what),
    examine: (files, how) => examine(options, () => trust().trust, files, how),
    async certificates(file, password) {
      const { certificates } = await readBundle([file], password);
      if (certificates.length === 0) throw new DeskError(`${file.label} holds no certificate`);
      return certificates.map((one) => ({ ...factsOf(one), pem: one.toString() }));
    },
    async revocationLists(file) {
      const { lists } = await readBundle([file]);
      if (lists.length === 0) throw new DeskError(`${file.label} holds no revocation list`);
      return lists.map((der) => ({ ...crlFacts(der, file.label), pem: crlPem(der) }));
    },
  };
}

function ownFacts(folder: string, name: string, domains: readonly string[], now: number, trust: Trust): OwnFacts {
  const { pair, faults } = loadPair(join(folder, 'own'), name, undefined, now);
  const chain = pair?.chain ?? certificatesOf(join(folder, 'own', name, 'fullchain.pem'));
  const previous = certificatesOf(join(folder, 'own', name, 'previous', 'fullchain.pem'))[0];
  const staged = stagedFacts(folder, name);
  const [leaf, ...above] = chain;
  const missing = leaf && chainOf(leaf, above, trust.edge).missing;
  return {
    name,
    chain: chain.map(factsOf),
    // An own authority's root is known to those who need it: only a chain without any issuer is told.
    ...(missing !== undefined && above.length === 0 && { missing }),
    covers: leaf === undefined ? [] : coverage(namesOf(leaf), domains),
    faults: faults.filter((fault) => fault.level === 'error').map((fault) => `${fault.file}: ${fault.text}`),
    warnings: faults.filter((fault) => fault.level === 'warning').map((fault) => fault.text),
    ...(staged && { staged }),
    ...(previous && { previous: factsOf(previous) }),
  };
}

function stagedFacts(folder: string, name: string): StagedKey | undefined {
  const pem = stagedKey(folder, name);
  const key = pem === undefined ? undefined : privateKey(pem);
  if (key === undefined) return undefined;
  const requested = readIfThere(join(folder, 'own', name, 'next', 'request.pem')) !== undefined;
  return { keyFingerprint: keyFingerprint(createPublicKey(key)), keyType: keyType(key), requested };
}

function makeRequest(folder: string, { name, names, key: kind, newKey }: Parameters<CertificateDesk['request']>[0]): RequestFacts {
  const fault = pairNameFault(name);
  if (fault !== undefined)
    throw new DeskError(`"${name.slice(0, 100)}" cannot be the name of a folder in certs/own; right would be ${fault}`);
  const waiting = newKey ? undefined : stagedKey(folder, name);
  const kept = waiting === undefined ? undefined : privateKey(waiting);
  const key = kept ?? makeKey(kind);
  const pem = requestPem(key, names);
  try {
    if (kept === undefined) stageKey(folder, name, key.export({ type: 'pkcs8', format: 'pem' }).toString());
    stageFile(folder, name, 'request.pem', pem);
  } catch (error) {
    throw inWords(error);
  }
  return {
    pem,
    keyFingerprint: keyFingerprint(createPublicKey(key)),
    keyType: keyType(key),
    keyFile: `certs/own/${name}/next/key.pem`,
    keptKey: kept !== undefined,
  };
}

type Named = { readonly name: string; readonly key: KeyObject };

async function examine(
  { folder, clock }: DeskOptions,
  trust: () => Trust,
  files: Parameters<CertificateDesk['examine']>[0],
  { name: wanted, password, domains }: Parameters<CertificateDesk['examine']>[1],
): Promise<Candidate> {
  const { certificates, keys } = await readBundle(files, password);
  const where = files.map((file) => file.label).join(', ');
  if (certificates.length === 0) throw new DeskError(`${where}: a private key without a certificate; give the certificate's file too`);
  const names = pairNames(folder);
  const keysIn = (path: string): Named[] =>
    (wanted === undefined ? names : [wanted]).flatMap((name) => {
      const pem = readIfThere(join(folder, 'own', name, path));
      const key = pem === undefined ? undefined : privateKey(pem);
      return key === undefined ? [] : [{ name, key }];
    });
  const fits = ({ key }: { readonly key: KeyObject }): boolean => leafOf(certificates, key) !== undefined;
  const given = keys.find((key) => fits({ key }));
  const staged = keysIn('next/key.pem').find(fits);
  const inForce = keysIn('key.pem').find(fits);
  const key = given ?? staged?.key ?? inForce?.key ?? keys[0];
  if (key === undefined) throw new DeskError(noKey(where, certificates, folder, names));

  const now = clock.now();
  const valid = (one: X509Certificate): boolean => one.validFromDate.getTime() <= now && now <= one.validToDate.getTime();
  const leaves = names.flatMap((name) => {
    const leaf = loadPair(join(folder, 'own'), name, undefined, now).pair?.chain[0];
    return leaf === undefined ? [] : [{ name, leaf }];
  });
  const leaf = leafOf(certificates, key);
  // A folder whose pair cannot be used, because of its key for one, is still the place of these names.
  const broken = names
    .filter((name) => leaves.every((one) => one.name !== name))
    .flatMap((name) =>
      certificatesOf(join(folder, 'own', name, 'fullchain.pem'))
        .slice(0, 1)
        .map((leaf) => ({ name, leaf })),
    );
  const name = wanted ?? staged?.name ?? inForce?.name ?? nameFor(leaf, [...leaves, ...broken], domains);
  const old = leaves.find((one) => one.name === name)?.leaf;
  const replaced = old !== undefined && valid(old) ? old : undefined;
  const needs: PairNeeds = {
    now,
    anchors: trust().edge,
    domains,
    others: leaves.filter((one) => one.name !== name && valid(one.leaf)).map((one) => one.leaf),
    ...(replaced && { replaced }),
  };
  const { pair, faults, warnings } = checkPair(certificates, key, needs);
  const nameFault = pairNameFault(name);
  return {
    name,
    chain: (pair?.chain ?? []).map(factsOf),
    ...(replaced && { replaces: factsOf(replaced) }),
    keyFrom: given !== undefined ? 'file' : staged !== undefined ? 'staged' : 'inForce',
    covers: leaf === undefined ? [] : coverage(namesOf(leaf), domains),
    faults:
      nameFault === undefined ? faults : [...faults, { code: 'folder', text: `"${name}" cannot be the name of a folder; ${nameFault}` }],
    warnings,
    put(acceptNames) {
      if (pair === undefined) throw new DeskError('there is no pair to put in force');
      try {
        putPair(folder, name, pair, { acceptNames });
      } catch (error) {
        throw inWords(error);
      }
    },
  };
}

/** The folder whose certificate it takes the place of, a new one otherwise. */
function nameFor(
  leaf: X509Certificate | undefined,
  pairs: readonly { name: string; leaf: X509Certificate }[],
  domains: readonly string[],
): string {
  if (leaf === undefined || pairs.length === 0) return 'main';
  const named = (one: X509Certificate): string[] => [
    ...namesOf(one).shown,
    ...coverage(namesOf(one), domains).flatMap(({ domain, sip, xmpp }) => (sip || xmpp ? [domain] : [])),
  ];
  const ours = new Set(named(leaf));
  const ranked = pairs
    .map((pair) => ({ name: pair.name, shared: named(pair.leaf).filter((name) => ours.has(name)).length }))
    .sort((a, b) => b.shared - a.shared);
  const [best] = ranked;
  if (best !== undefined && best.shared > 0) return best.name;
  return namesOf(leaf).dns.find((name) => pairNameFault(name) === undefined) ?? 'new';
}

function noKey(where: string, certificates: readonly X509Certificate[], folder: string, names: readonly string[]): string {
  const waiting = names.filter((name) => stagedKey(folder, name) !== undefined);
  const kind = certificates.length === 1 ? 'this certificate' : 'one of these certificates';
  const made =
    waiting.length === 0
      ? 'no key waits in certs/own (isthmus cert request makes one)'
      : `the key that waits in ${waiting.map((name) => `certs/own/${name}/next/`).join(', ')} does not belong to it`;
  return `${where}: there is no private key for ${kind}: none in the files, and ${made}. Give the key's file too, or the .pfx that holds both`;
}

function certificatesOf(path: string): X509Certificate[] {
  const text = readIfThere(path) ?? '';
  return [...text.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)].slice(0, 20).flatMap(([block]) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return []; // told by loadPair
    }
  });
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function crlPem(der: Uint8Array): string {
  return `-----BEGIN X509 CRL-----\n${Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END X509 CRL-----\n`;
}

/** What keeps us from writing is the operator's to know, not a defect of ours. */
function inWords(error: unknown): Error {
  if (error instanceof PairError) return new DeskError(error.message);
  if (error instanceof Error && 'code' in error) return new DeskError(`certs/own cannot be written: ${error.message}`);
  return error instanceof Error ? error : new Error(String(error));
}
