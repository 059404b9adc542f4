// Does a valid certificate with these names speak for a partner's domain? By its own name; by a name that the partner's
// file lists; or, SIP only, by the host that `_sipfederationtls._tcp` names inside the domain. The last two
// are marked, because an operator or DNS stands in for the certificate.

import { reason } from '../errors.ts';
import type { FinerCode } from '../model/diagnosis.ts';
import type { ProofResult, Resolver, SrvAnswer } from '../model/ports.ts';
import type { Protocol } from '../model/table.ts';
import { type CertificateNames, carriesHost, speaksFor } from './certificate-names.ts';
import { allowsDomain, type DnsConstraints } from './name-constraints.ts';

interface Claim {
  /** Lower-case A-label. */
  readonly domain: string;
  readonly protocol: Protocol;
  readonly names: CertificateNames;
  readonly constraints: DnsConstraints;
  /** `names:` of the partner's file. */
  readonly listed: readonly string[];
  readonly resolver: Resolver;
}

/** Never rejects: DNS that fails is a refusal that says so. */
export async function proveByName(claim: Claim): Promise<ProofResult> {
  const { domain, protocol, names, constraints } = claim;
  if (speaksFor(names, domain, protocol)) {
    if (allowsDomain(constraints, domain)) return { proven: true, how: 'certificate' };
    const text = `The certificate names ${domain}, but the authority that issued it may not vouch for it (name constraints).`;
    return { proven: false, reason: reason('CERT_PEER_CHAIN_INVALID', text) };
  }
  const carries = (host: string): boolean => carriesHost(names, host) || (protocol === 'xmpp' && speaksFor(names, host, protocol));
  const vouched = (host: string): boolean => carries(host) && allowsDomain(constraints, host);
  if (claim.listed.some((name) => vouched(name.toLowerCase()))) return { proven: true, how: 'namedServer' };
  const found = protocol === 'sip' ? await federationTargets(claim) : undefined;
  if (
    found?.kind === 'records' &&
    found.records.some(({ target }) => isInside(target.toLowerCase(), domain) && vouched(target.toLowerCase()))
  ) {
    return { proven: true, how: 'discoveredServer' };
  }
  const finer = nearMiss(claim);
  return { proven: false, reason: reason('CERT_PEER_NAME_MISMATCH', mismatch(claim, found), finer === undefined ? {} : { finer }) };
}

/** The two mistakes that look right to whoever ordered the certificate. */
function nearMiss({ domain, names, protocol }: Claim): FinerCode | undefined {
  if (names.shown.length === 0) return 'CERT_PEER_CN_ONLY';
  // RFC 5922 §7.2: no wildcards in SIP; in XMPP one label, the left-most (RFC 9525 §6.3), and that one would have matched.
  const covers = (pattern: string): boolean => pattern.startsWith('*.') && `.${domain}`.endsWith(pattern.slice(1));
  return names.dns.some(covers) && (protocol === 'sip' || !names.dns.includes(domain)) ? 'CERT_PEER_WILDCARD' : undefined;
}

// Asked only when it could help: some name of the certificate is a host inside the domain.
async function federationTargets(claim: Claim): Promise<SrvAnswer | undefined> {
  const hosts = [...claim.names.dns, ...claim.names.sipHosts];
  return hosts.some((host) => isInside(host, claim.domain)) ? claim.resolver.srv(`_sipfederationtls._tcp.${claim.domain}`) : undefined;
}

/** Lync refuses "conflicting SRV and host domains" too: a target elsewhere proves nothing. */
function isInside(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function mismatch(claim: Claim, found: SrvAnswer | undefined): string {
  const { shown } = claim.names;
  const has =
    shown.length === 0 ? 'no names (a common name does not count)' : shown.slice(0, 8).join(', ') + (shown.length > 8 ? ', ...' : '');
  const also = claim.listed.length > 0 ? ` or one of ${claim.listed.join(', ')}` : '';
  const dns =
    found?.kind === 'failed'
      ? ' DNS did not answer for _sipfederationtls._tcp.'
      : found?.kind === 'records'
        ? ' _sipfederationtls._tcp names another host.'
        : '';
  return `The certificate carries ${has}; ${claim.domain}${also} would be right for ${claim.protocol === 'sip' ? 'SIP' : 'XMPP'}.${dns}`;
}
