// TXT records for dns-01: who writes them, what may be written, and where in DNS they belong.

import { Resolver as SystemResolver } from 'node:dns/promises';
import { hostPort } from '../../model/host-port.ts';
import type { HostPort } from '../../model/table.ts';
import { AcmeError } from './fault.ts';

const QUERY_MS = 3000;
const MAX_ALIASES = 8;

/** Who can write and remove TXT records. */
export interface TxtRecords {
  /** @param name `_acme-challenge.corp.example` @throws AcmeError */
  add(name: string, value: string): Promise<void>;
  remove(name: string, value: string): Promise<void>;
  /** Where the record really stands, when a CNAME leads elsewhere. */
  readonly what: string;
}

/** A record name or value for a hook or an update: nothing that could be an option or a control character. */
export function checkedRecord(name: string, value: string): void {
  if (!/^_acme-challenge\.[a-z0-9._-]{1,240}$/.test(name) || !/^[A-Za-z0-9_-]{43}$/.test(value)) {
    throw new AcmeError('ACME_ANSWER', `not a record that could be written: ${name.slice(0, 100)}`);
  }
}

/** Where the CNAMEs at a name lead; the name itself when there is none. A CA follows them, so the record belongs there. */
export async function aliasEnd(name: string, dnsServers: readonly HostPort[]): Promise<string> {
  const ours = resolverOf(dnsServers);
  let at = name;
  for (let step = 0; step < MAX_ALIASES; step++) {
    const [next] = await ours.resolveCname(at).catch(() => []);
    if (next === undefined) break;
    at = next.toLowerCase().replace(/\.$/, '');
  }
  return at;
}

/** Asks the name servers of the home; none: the system's. */
export function resolverOf(dnsServers: readonly HostPort[]): SystemResolver {
  return resolverAt(dnsServers.map(hostPort));
}

/** Asks these servers, `address:port`; none: the system's. */
export function resolverAt(servers: readonly string[]): SystemResolver {
  const resolver = new SystemResolver({ timeout: QUERY_MS, tries: 1 });
  if (servers.length > 0) resolver.setServers(servers);
  return resolver;
}
