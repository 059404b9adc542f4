// Is a shown chain good? Purpose-neutral path validation (RFC 5280 §6), because node's own answer mixes "serverAuth only"
// with "anybody" (INVALID_PURPOSE). Steps: candidate paths, our own rules, pkijs on each single path, revocation.
// What the certificate may be used for (EKU) and whom it names is judged elsewhere: peer-identity.ts.

import { createHash, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Certificate, CertificateChainValidationEngine } from 'pkijs';
import { reason } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { pkiCertificate } from './certificate-extensions.ts';
import { type DnsConstraints, dnsConstraintsOf, UNCONSTRAINED } from './name-constraints.ts';
import { type Anchors, candidatePaths, isSelfSigned } from './path-building.ts';
import { brokenRule, datesBroken, issuerNameOf, nameOf } from './path-rules.ts';
import type { RevocationLists } from './revocation.ts';

/** Whom one side trusts. Made by trust-store.ts; immutable. */
export interface TrustSet extends Anchors {
  /** Different for every set that was ever loaded; part of the cache key. */
  readonly id: string;
  isAnchor(certificate: X509Certificate): boolean;
  readonly revocation: RevocationLists;
}

export type PathResult =
  | {
      readonly ok: true;
      readonly anchor: X509Certificate;
      /** Whose signature stands under the leaf; absent when the leaf is itself an anchor. */
      readonly issuer?: X509Certificate;
      /** What the authorities of this path may vouch for. */
      readonly constraints: DnsConstraints;
      /** Wall time in ms after which some certificate of the path is no longer valid. */
      readonly validUntil: number;
    }
  | { readonly ok: false; readonly reason: Reason };

const MAX_CACHED = 10_000;
/** How long an answer is believed without looking again. */
export const BELIEVED_MS = 10 * 60_000;
// Policies are not our business: without an initial policy set RFC 5280 accepts any, pkijs 4.0.0 refuses a leaf whose
// policies its authority does not list - and skips name constraints when it does. So it does not see them.
const POLICY_EXTENSIONS = new Set(['2.5.29.32', '2.5.29.33', '2.5.29.36', '2.5.29.54']);

/** Validates chains, remembering answers by chain and trust set. */
export class PathValidator {
  readonly #clock: Clock;
  readonly #cache: LRUCache<string, { readonly result: Promise<PathResult>; readonly until: number }>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cache = new LRUCache(atMost(MAX_CACHED));
  }

  /** @param shown the leaf, then what else the peer sent. Never rejects. */
  validate(shown: readonly [X509Certificate, ...X509Certificate[]], trust: TrustSet): Promise<PathResult> {
    const key = `${trust.id} ${chainKey(shown)}`;
    const known = this.#cache.get(key);
    const now = this.#clock.now();
    // A clock that was set back must not keep an answer for longer either.
    if (known && now < known.until && known.until - now <= BELIEVED_MS) return known.result;
    const result = validatePath(shown, trust, now).catch((cause: unknown): PathResult => {
      const text = cause instanceof Error ? cause.message : String(cause);
      return {
        ok: false,
        reason: reason('CERT_PEER_CHAIN_INVALID', `The chain of "${nameOf(shown[0])}" could not be judged: ${text.slice(0, 200)}.`),
      };
    });
    this.#cache.set(key, { result, until: now + BELIEVED_MS });
    // An answer lasts no longer than the certificates it rests on.
    void result.then(
      (answer) => answer.ok && answer.validUntil < now + BELIEVED_MS && this.#cache.set(key, { result, until: answer.validUntil }),
    );
    return result;
  }
}

/** One validation, uncached. May reject on certificates that pkijs cannot handle. */
export async function validatePath(
  shown: readonly [X509Certificate, ...X509Certificate[]],
  trust: TrustSet,
  now: number,
): Promise<PathResult> {
  const leaf = shown[0];
  const dates = datesBroken(leaf, now, true);
  if (dates) return { ok: false, reason: dates };
  // A certificate that the operator put into the trust folder itself needs no path.
  if (trust.isAnchor(leaf)) return { ok: true, anchor: leaf, constraints: UNCONSTRAINED, validUntil: leaf.validToDate.getTime() };
  const { paths, deadEnd } = candidatePaths(shown, trust);
  let first: Reason | undefined;
  for (const path of paths) {
    const broken = await pathBroken(path, trust, now);
    if (broken === undefined) {
      return {
        ok: true,
        anchor: path.at(-1)!,
        issuer: path[1]!, // a path has at least two
        constraints: dnsConstraintsOf(path.slice(1)),
        validUntil: Math.min(...path.map((one) => one.validToDate.getTime())),
      };
    }
    first ??= broken;
  }
  return { ok: false, reason: first ?? noPath(leaf, deadEnd) };
}

async function pathBroken(path: readonly X509Certificate[], trust: TrustSet, now: number): Promise<Reason | undefined> {
  const broken = brokenRule(path, now) ?? (await engineRefuses(path, now));
  if (broken) return broken;
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    if (await trust.revocation.revokes(certificate, path[index + 1]!)) {
      return reason(
        'CERT_PEER_REVOKED',
        `"${nameOf(certificate)}" was revoked by its issuer "${issuerNameOf(certificate)}" (certs/revoked/).`,
      );
    }
  }
  return undefined;
}

// Names, authority flags and name constraints of exactly this path. Its signatures were checked by OpenSSL when it was
// built (path-building.ts); pkijs 4.0.0 would check them again through WebCrypto, slower and without Ed25519.
async function engineRefuses(path: readonly X509Certificate[], now: number): Promise<Reason | undefined> {
  const read = path.map(pkiCertificate).filter((one) => one !== undefined);
  if (read.length !== path.length) return reason('CERT_PEER_CHAIN_INVALID', `A certificate above "${nameOf(path[0]!)}" cannot be read.`);
  const plain = read.map(withoutPolicies);
  const engine = new CertificateChainValidationEngine({
    trustedCerts: plain.slice(-1),
    certs: plain.slice(0, -1).reverse(), // it takes the last one as the leaf
    checkDate: new Date(now),
    findIssuer: async (certificate) => plain.slice(plain.indexOf(certificate) + 1).slice(0, 1),
  });
  const verdict = await engine.verify({ passedWhenNotRevValues: true });
  if (verdict.result) return undefined;
  return reason('CERT_PEER_CHAIN_INVALID', `The chain of "${nameOf(path[0]!)}" breaks RFC 5280: ${verdict.resultMessage.slice(0, 200)}.`);
}

const stripped = new WeakMap<Certificate, Certificate>();
function withoutPolicies(certificate: Certificate): Certificate {
  if (!certificate.extensions?.some((extension) => POLICY_EXTENSIONS.has(extension.extnID))) return certificate;
  let copy = stripped.get(certificate);
  if (copy === undefined) {
    // Same signed bytes (tbsView), fewer parsed extensions.
    copy = Object.assign(Object.create(Object.getPrototypeOf(certificate)) as Certificate, certificate);
    copy.extensions = certificate.extensions.filter((extension) => !POLICY_EXTENSIONS.has(extension.extnID));
    stripped.set(certificate, copy);
  }
  return copy;
}

function noPath(leaf: X509Certificate, deadEnd: X509Certificate): Reason {
  if (isSelfSigned(leaf)) {
    return reason(
      'CERT_PEER_SELF_SIGNED',
      `The peer's certificate "${nameOf(leaf)}" is signed by itself; one of an authority we trust is needed.`,
    );
  }
  if (deadEnd === leaf) {
    return reason(
      'CERT_PEER_CHAIN_INCOMPLETE',
      `The peer sent no certificate of the issuer "${issuerNameOf(leaf)}", and it is not an authority we trust; the full chain must be sent.`,
    );
  }
  const root = isSelfSigned(deadEnd) ? nameOf(deadEnd) : issuerNameOf(deadEnd);
  return reason('CERT_PEER_UNTRUSTED', `The chain of "${nameOf(leaf)}" ends at the authority "${root}", which is not one we trust.`);
}

function chainKey(shown: readonly X509Certificate[]): string {
  const hash = createHash('sha256');
  for (const certificate of shown) hash.update(certificate.fingerprint256);
  return hash.digest('hex');
}
