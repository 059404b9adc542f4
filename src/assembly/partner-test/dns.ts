// What is wrong with a partner's records although they lead somewhere (RFC 2782, XEP-0368), and our own records as a partner
// finds them. Asks with a client of its own: the resolver of the edge follows aliases without telling.

import { Resolver as DnsClient } from 'node:dns/promises';
import { isIP } from 'node:net';
import { reason } from '../../errors.ts';
import { hostPort } from '../../model/host-port.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import type { OurRecord, ProbeTarget } from '../../ops/partner-test/ports.ts';
import type { ProbeParts } from './rungs.ts';

const MAX_ASKED = 8;
/** A name server that knows no CNAME question must not cost the DNS rung its time. */
const ALIAS_MS = 700;

/** Faults of the SRV records behind these targets. Never rejects. */
export async function recordFaults(parts: ProbeParts, protocol: Protocol, targets: readonly ProbeTarget[]): Promise<Reason[]> {
  const found = targets.filter((target) => target.found.includes('SRV'));
  const hosts = [...new Set(found.map((target) => target.host))].slice(0, MAX_ASKED);
  const aliases = await Promise.all(hosts.map(async (host) => ({ host, alias: await aliasOf(parts, host) })));
  const faults = aliases.flatMap(({ host, alias }) =>
    alias === undefined
      ? []
      : [reason('NET_DNS_NOT_FOUND', `the SRV target ${host} is an alias (CNAME) of ${alias}`, { finer: 'DNS_SRV_CNAME' })],
  );
  if (protocol === 'sip') return faults;
  const starttls = new Set(found.filter((target) => target.tls === 'starttls').map(hostPort));
  const both = found.find((target) => target.tls === 'direct' && starttls.has(hostPort(target)));
  if (both === undefined) return faults;
  const text = `_xmpps-server._tcp and _xmpp-server._tcp both lead to ${hostPort(both)}, which cannot be right for both`;
  return [...faults, reason('NET_TLS_FAILED', text, { finer: 'XMPPS_ON_STARTTLS_PORT' })];
}

async function aliasOf(parts: ProbeParts, host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return undefined;
  const client = new DnsClient({ timeout: ALIAS_MS, tries: 1 });
  if (parts.dnsServers.length > 0) client.setServers(parts.dnsServers);
  const [alias] = await client.resolveCname(host).catch(() => []);
  return alias;
}

const OURS: Readonly<Record<Protocol, readonly string[]>> = {
  sip: ['_sipfederationtls._tcp', '_sips._tcp'],
  xmpp: ['_xmpp-server._tcp', '_xmpps-server._tcp'],
};

/** The records of our domain, as they are seen from here. @param hosts the names of our own edge */
export async function ourRecord(
  parts: Pick<ProbeParts, 'resolver'>,
  ourDomain: string,
  protocol: Protocol,
  hosts: ReadonlySet<string>,
): Promise<OurRecord> {
  const names = OURS[protocol].map((service) => `${service}.${ourDomain}`);
  const answers = await Promise.all(names.map(async (name) => ({ name, answer: await parts.resolver.srv(name) })));
  const first = names[0] ?? ourDomain;
  const published = answers.filter(({ answer }) => answer.kind === 'records');
  if (published.length > 0) {
    const records = published.flatMap(({ answer }) => (answer.kind === 'records' ? answer.records : []));
    const targets = [...new Set(records.map(({ target, port }) => `${target}:${port}`))];
    return { kind: 'published', name: published[0]?.name ?? first, targets, ours: records.some(({ target }) => hosts.has(target)) };
  }
  const failed = answers.find(({ answer }) => answer.kind === 'failed');
  if (failed?.answer.kind === 'failed') return { kind: 'failed', name: failed.name, text: failed.answer.reason.text };
  return { kind: 'none', name: first };
}
