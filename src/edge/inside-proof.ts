// Is a connection on the inside one of the servers that may send for a domain of ours? By certificate name under
// certs/trust/inside, or by address where routes/domains.yaml lists addresses. What we dialled ourselves (nextHop, the
// component's server) is the server we were told to dial, when its certificate says so or the link is plain.

import { isIP } from 'node:net';
import { reason } from '../errors.ts';
import type { ProofResult } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { OwnDomain, Protocol } from '../model/table.ts';
import { addressMatches } from './address-ranges.ts';
import { type CertificateNames, canonicalAddress, carriesHost } from './certificate-names.ts';
import { allowsDomain, type DnsConstraints } from './name-constraints.ts';

interface InsideClaim {
  readonly own: OwnDomain;
  readonly protocol: Protocol;
  readonly direction: 'in' | 'out';
  readonly address: string;
  /** Out: the host we dialled. */
  readonly host?: string;
  /** Present when the certificate is valid under certs/trust/inside. */
  readonly names?: CertificateNames;
  readonly constraints?: DnsConstraints;
  /** Present when one was shown and is not. */
  readonly certificateFault?: Reason;
}

/** Judges one claim. Refused: `AUTH_NOT_AN_INSIDE_SERVER`, in words that say what was shown and what would be right. */
export function proveInside(claim: InsideClaim): ProofResult {
  const { own, direction, address, host, names, constraints } = claim;
  const inside: ProofResult = { proven: true, how: 'inside' };
  const carries = (name: string): boolean =>
    names !== undefined &&
    carriesHost(names, name) &&
    (isIP(name) !== 0 || constraints === undefined || allowsDomain(constraints, name.toLowerCase()));
  const dialled = own.nextHop.filter((hop) => direction === 'out' && hop.host === host);
  if ([...own.acceptFrom, ...dialled.map((hop) => hop.host)].some(carries)) return inside;
  if (own.acceptFrom.some((entry) => addressMatches(entry, address))) return inside;
  if (direction === 'out' && host !== undefined) {
    if (dialled.some((hop) => hop.transport === 'tcp')) return inside;
    // The component's shared secret (XEP-0114) proves both ends to each other.
    if (claim.protocol === 'xmpp' && own.component?.dial?.host === host) return inside;
  }
  const shown =
    names === undefined
      ? (claim.certificateFault?.text ?? 'It showed no certificate.')
      : `Its certificate carries ${names.shown.join(', ')}.`;
  const right = own.acceptFrom.length === 0 ? 'nobody is listed' : `listed are ${own.acceptFrom.join(', ')}`;
  return {
    proven: false,
    reason: reason('AUTH_NOT_AN_INSIDE_SERVER', `${canonicalAddress(address)} may not send for ${own.domain}: ${right}. ${shown}`, {
      file: own.where.file,
      key: `${own.where.key}/acceptFrom`,
    }),
  };
}
