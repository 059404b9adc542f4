// Where a domain is reached over SIP. RFC 3263 §4, narrowed to TLS: the partner file's hosts; else `_sipfederationtls._tcp`
// (Microsoft-style federation); else NAPTR SIPS+D2T and `_sips._tcp`; else, for listed partners only, the domain itself at 5061.
// A target of `.` means the service is not offered: nothing else is tried. Who may answer there is not judged here.

import { reason } from '../../errors.ts';
import type { Hop, Resolver } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { orderSrv } from '../../model/srv.ts';
import type { HostPort } from '../../model/table.ts';
import { DEFAULT_PORTS } from './names.ts';

export interface SipTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: 'direct' | 'none';
  /** SNI. */
  readonly serverName?: string;
  /** By what it was found, for people. */
  readonly found: 'nextHop' | 'hosts' | 'federationTls' | 'sips' | 'address';
}

/** A map key. */
export function targetKey(target: SipTarget): string {
  return `${target.host}:${target.port}/${target.tls}`;
}

export type Located =
  | { readonly kind: 'targets'; readonly targets: readonly [SipTarget, ...SipTarget[]] }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** Finds the targets of a hop in the order in which they are tried. @param random in [0, 1), for SRV weights */
export async function locate(hop: Hop, resolver: Resolver, random: () => number): Promise<Located> {
  if (hop.side !== 'edge') return inside(hop);
  const hosts = hop.partner?.sip.hosts ?? [];
  if (hosts.length > 0)
    return targets(hosts.map((host) => target(host, hop, hop.partner?.sip.dialect === 'lync' ? 'host' : 'domain', 'hosts')));
  return discover(hop, resolver, random);
}

function inside(hop: Hop): Located {
  const hops = (hop.own?.nextHop ?? []).map((next): SipTarget => {
    const at = { host: next.host, port: next.port, found: 'nextHop' } as const;
    return next.transport === 'tls' ? { ...at, tls: 'direct', ...serverName(next.host, undefined) } : { ...at, tls: 'none' };
  });
  return targets(hops, reason('ROUTE_DOMAIN_NOT_RESOLVED', `${hop.theirDomain} has no nextHop`));
}

async function discover(hop: Hop, resolver: Resolver, random: () => number): Promise<Located> {
  const domain = hop.theirDomain;
  let failure: Reason | undefined;
  const federation = `_sipfederationtls._tcp.${domain}`;
  const names: { name: string; found: 'federationTls' | 'sips' }[] = [
    { name: federation, found: 'federationTls' },
    // RFC 3263 §4.1: only SIPS+D2T interests us; lower order first, then preference.
    ...(await naptr(domain, resolver)).map((name) => ({ name, found: 'sips' }) as const),
    { name: `_sips._tcp.${domain}`, found: 'sips' },
  ];
  for (const { name, found } of names) {
    const answer = await resolver.srv(name);
    if (answer.kind === 'notOffered')
      return failed(
        reason('NET_DNS_NOT_FOUND', `${name} says that ${domain} does not offer SIP (target ".")`, { finer: 'DNS_SRV_NOT_OFFERED' }),
      );
    if (answer.kind === 'failed') failure = answer.reason;
    if (answer.kind === 'records' && answer.records.length > 0) {
      const ordered = orderSrv(answer.records, random);
      // A Microsoft edge shows the certificate of its host; RFC 5922 §7.2 wants the domain's own.
      return targets(
        ordered.map((srv) => target({ host: srv.target, port: srv.port }, hop, found === 'federationTls' ? 'host' : 'domain', found)),
      );
    }
  }
  if (failure !== undefined) return failed(failure);
  if (hop.partner === undefined || hop.partner.discovered) {
    return failed(
      reason(
        'NET_DNS_NOT_FOUND',
        `${domain} has neither ${federation} nor _sips._tcp records, and only listed partners are reached without`,
        { retry: 'never', finer: 'DNS_SRV_NONE' }, // whoever wrote there mistyped, and should hear it at once
      ),
    );
  }
  const addresses = await resolver.addresses(domain);
  if (addresses.kind === 'failed') return failed(addresses.reason);
  if (addresses.kind === 'none')
    return failed(reason('NET_DNS_NOT_FOUND', `${domain} has no SRV records for SIP and no address`, { finer: 'DNS_SRV_NONE' }));
  return targets([target({ host: domain, port: DEFAULT_PORTS.sips }, hop, 'domain', 'address')]);
}

async function naptr(domain: string, resolver: Resolver): Promise<readonly string[]> {
  const records = await resolver.naptr(domain).catch(() => []);
  return records
    .filter((record) => record.service.toUpperCase() === 'SIPS+D2T' && record.flags.toLowerCase() === 's' && record.replacement !== '')
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .slice(0, 4)
    .map((record) => record.replacement);
}

function target(at: HostPort, hop: Hop, name: 'host' | 'domain', found: SipTarget['found']): SipTarget {
  const sni = name === 'host' ? serverName(at.host, hop.theirDomain) : serverName(hop.theirDomain, undefined);
  return { host: at.host, port: at.port, tls: 'direct', found, ...sni };
}

/** RFC 6066 §3: SNI holds names, never addresses. */
function serverName(name: string, otherwise: string | undefined): { serverName: string } | Record<never, never> {
  if (!/^[\d.]+$|:/.test(name)) return { serverName: name };
  return otherwise === undefined ? {} : { serverName: otherwise };
}

function targets(list: readonly SipTarget[], none: Reason = reason('NET_DNS_NOT_FOUND', 'nothing to connect to')): Located {
  const [first, ...rest] = list;
  return first === undefined ? failed(none) : { kind: 'targets', targets: [first, ...rest] };
}

function failed(why: Reason): Located {
  return { kind: 'failed', reason: why };
}
