// Does the certificate on this connection speak for a partner's domain? By its path, its purpose, the pins of the partner's
// file, its names, and what is known of its revocation, in this order; or, where the file asks for it, by POSH.

import type { X509Certificate } from 'node:crypto';
import { reason } from '../errors.ts';
import type { ProofResult } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Partner, Protocol } from '../model/table.ts';
import type { CertificateNames } from './certificate-names.ts';
import { proveByName } from './domain-proof.ts';
import { purposeRefused } from './key-purpose.ts';
import { datesBroken, weakness } from './path-rules.ts';
import type { PathResult, TrustSet } from './path-validation.ts';
import type { FarEnd, Judges } from './peer-identity.ts';
import { statusRefuses } from './status-rule.ts';
import type { Trust } from './trust-store.ts';

export interface PartnerClaim {
  /** Lower-case A-label. */
  readonly domain: string;
  readonly protocol: Protocol;
  /** Its entry; absent for a partner without a file. */
  readonly partner: Partner | undefined;
  readonly far: FarEnd & { readonly shown: readonly [X509Certificate, ...X509Certificate[]] };
  readonly names: CertificateNames;
  readonly judges: Judges;
  /** Judges the path of what was shown, refused.yaml included. */
  path(trust: TrustSet): Promise<PathResult>;
}

/** Judges one claim. Never rejects. */
export async function provePartner(claim: PartnerClaim): Promise<ProofResult> {
  const { partner, protocol, far } = claim;
  const face = partner?.[protocol];
  if (face?.tlsAtLeast === 'TLSv1.3' && far.tlsVersion === 'TLSv1.2') {
    return no(
      reason('PARTNER_PROOF_REFUSED', "The connection uses TLS 1.2; the partner's file asks for TLS 1.3.", {
        file: partner!.where.file, // a face comes from a file
        key: `${protocol}.tls.atLeast`,
      }),
    );
  }
  const proof = await byCertificate(claim);
  return proof.proven || partner?.xmpp.posh !== true || protocol !== 'xmpp' ? proof : byPosh(claim, proof.reason);
}

async function byCertificate(claim: PartnerClaim): Promise<ProofResult> {
  const { domain, protocol, partner, far, judges } = claim;
  const face = partner?.[protocol];
  const [leaf] = far.shown;
  const path = await claim.path(trustFor(judges.trust(), domain, partner));
  if (!path.ok) return no(path.reason);
  const refused = unfit(claim, judges.trust().publicRoots.has(path.anchor.fingerprint256));
  if (refused) return no(refused);
  const proof = await proveByName({
    domain,
    protocol,
    names: claim.names,
    constraints: path.constraints,
    listed: face?.names ?? [],
    resolver: judges.resolver,
  });
  if (!proof.proven || judges.status === undefined || path.issuer === undefined) return proof;
  const revoked = await statusRefuses({
    status: judges.status,
    clock: judges.clock,
    certificate: leaf,
    issuer: path.issuer,
    rule: face?.revocation ?? 'soft',
    direction: far.direction,
    allowPrivateAddresses: partner?.allowPrivateAddresses ?? false,
    ...(far.staple === undefined ? {} : { staple: far.staple }),
    ...(partner === undefined ? {} : { where: { file: partner.where.file, key: `${protocol}.revocation` } }),
  });
  return revoked === undefined ? proof : no(revoked);
}

/** Purpose and pins: what holds for every certificate, whoever vouches for it. */
function unfit({ partner, protocol, far }: PartnerClaim, fromPublicAuthority: boolean): Reason | undefined {
  const face = partner?.[protocol];
  const [leaf] = far.shown;
  const purpose = purposeRefused(leaf, {
    rule: face?.clientEku ?? 'ignore',
    protocol,
    role: far.direction === 'in' ? 'client' : 'server',
    fromPublicAuthority,
  });
  if (purpose) return purpose;
  const fingerprint = leaf.fingerprint256.replaceAll(':', '').toLowerCase();
  if (face === undefined || face.pins.length === 0 || face.pins.includes(fingerprint)) return undefined;
  return reason('CERT_PEER_PIN_CHANGED', `The certificate has the fingerprint ${fingerprint}; the partner's file pins another.`, {
    file: partner!.where.file, // a face comes from a file
    key: `${protocol}.pins`,
  });
}

/** What POSH can make good: that we do not trust the authority, or that the certificate names its host and not the domain. */
const CURED: ReadonlySet<Reason['code']> = new Set([
  'CERT_PEER_UNTRUSTED',
  'CERT_PEER_SELF_SIGNED',
  'CERT_PEER_CHAIN_INCOMPLETE',
  'CERT_PEER_NAME_MISMATCH',
]);

async function byPosh(claim: PartnerClaim, why: Reason): Promise<ProofResult> {
  const { judges, far, domain, partner } = claim;
  const [leaf] = far.shown;
  if (judges.posh === undefined || !CURED.has(why.code)) return no(why);
  const weak = weakness(leaf);
  const refused = datesBroken(leaf, judges.clock.now(), true) ?? unfit(claim, false);
  if (refused) return no(refused);
  if (weak !== undefined) return no(reason('CERT_PEER_CHAIN_INVALID', `The certificate ${weak}.`));
  const found = await judges.posh.vouches(domain, leaf, partner?.allowPrivateAddresses ?? false);
  return found === true ? { proven: true, how: 'posh' } : no({ ...why, text: `${why.text} POSH does not help: ${found}.` });
}

/** The folder certs/trust/partners/<domain>/ of any domain of the partner replaces the roots of the internet side. */
function trustFor(trust: Trust, domain: string, partner: Partner | undefined): TrustSet {
  for (const name of [domain, partner?.name, ...(partner?.domains ?? [])]) {
    const own = name === undefined ? undefined : trust.partners.get(name);
    if (own) return own;
  }
  return trust.edge;
}

function no(why: Reason): ProofResult {
  return { proven: false, reason: why };
}
