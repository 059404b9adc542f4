// Name constraints (RFC 5280 §4.2.1.10) of the authorities in a path, for the domain that a connection claims.
// pkijs judges the names *in* a certificate against them; this room judges the domain that is *proven by* them, because
// DNS constraints must hold for the host of a sip: URI or an SRV-ID too, and for what a wildcard stands for.

import type { X509Certificate } from 'node:crypto';
import { NameConstraints } from 'pkijs';
import { extensionsOf } from './certificate-extensions.ts';

const NAME_CONSTRAINTS = '2.5.29.30';
const DNS_NAME = 2;

/** DNS constraints of one path. A domain must be inside every `permitted` list and outside `excluded`. */
export interface DnsConstraints {
  readonly permitted: readonly (readonly string[])[];
  readonly excluded: readonly string[];
}

export const UNCONSTRAINED: DnsConstraints = { permitted: [], excluded: [] };

/** Collects the constraints of a path's authorities. Throws when one cannot be read: the caller refuses the path. */
export function dnsConstraintsOf(authorities: readonly X509Certificate[]): DnsConstraints {
  const permitted: string[][] = [];
  const excluded: string[] = [];
  for (const authority of authorities) {
    const value = extensionsOf(authority).get(NAME_CONSTRAINTS)?.value;
    if (value === undefined) continue;
    const constraints = NameConstraints.fromBER(value);
    const inside = dnsNames(constraints.permittedSubtrees);
    // RFC 5280 §6.1.4 (g): permitted subtrees of each authority are intersected; pkijs 4.0.0 unites them.
    if (inside.length > 0) permitted.push(inside);
    excluded.push(...dnsNames(constraints.excludedSubtrees));
  }
  return { permitted, excluded };
}

/** May an authority under these constraints vouch for `domain` (lower-case A-label)? */
export function allowsDomain(constraints: DnsConstraints, domain: string): boolean {
  return (
    constraints.permitted.every((list) => list.some((base) => isWithin(domain, base))) &&
    !constraints.excluded.some((base) => isWithin(domain, base))
  );
}

function dnsNames(subtrees: NameConstraints['permittedSubtrees']): string[] {
  const names = (subtrees ?? [])
    .filter((subtree) => subtree.base.type === DNS_NAME)
    .map((subtree) => String(subtree.base.value).toLowerCase());
  return names;
}

// RFC 5280: `host.example` covers itself and everything below; the empty constraint covers all. A leading dot, seen in
// practice, means only what is below.
function isWithin(domain: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? domain.endsWith(base) : domain === base || domain.endsWith(`.${base}`);
}
