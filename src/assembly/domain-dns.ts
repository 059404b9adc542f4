// DNS for `isthmus domain dns`: asked anew each time, of the servers of isthmus.yaml or the system's.

import { Resolver } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { isForbiddenTarget } from '../edge/address-ranges.ts';
import { makeResolver } from '../edge/resolver.ts';
import { systemClock } from '../edge/system-clock.ts';
import { hostPort } from '../model/host-port.ts';
import type { HostPort } from '../model/table.ts';
import type { DnsView } from '../ops/domain/ports.ts';

/** @param servers `dns.servers`; empty: the system's */
export function dnsView(servers: readonly HostPort[]): DnsView {
  const asked = servers.map(hostPort);
  const resolver = makeResolver({ clock: systemClock, servers: asked });
  const client = new Resolver({ timeout: 2000, tries: 2 });
  if (asked.length > 0) client.setServers(asked);
  return {
    srv: resolver.srv,
    naptr: resolver.naptr,
    addresses: resolver.addresses,
    async alias(host) {
      try {
        return (await client.resolveCname(host))[0]?.toLowerCase().replace(/\.$/, '');
      } catch {
        return undefined; // a name that is no alias answers so too
      }
    },
    isPublic: (address) => !isForbiddenTarget(address),
    ownAddresses: () =>
      Object.values(networkInterfaces()).flatMap((all) => (all ?? []).flatMap(({ address, internal }) => (internal ? [] : address))),
  };
}
