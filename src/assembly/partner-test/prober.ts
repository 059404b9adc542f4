// `isthmus partner test`: how the rungs of the ladder (ops/partner-test/) are climbed with the edge and the shores as they
// run. Beside a running process it opens connections of its own and no listener; inside the process it has the process' parts.

import type { Home } from '../../config/home.ts';
import { makeConnector } from '../../edge/connect.ts';
import { makeIds } from '../../edge/ids.ts';
import { makeResolver } from '../../edge/resolver.ts';
import { systemClock } from '../../edge/system-clock.ts';
import { makeTlsUpgrade } from '../../edge/tls-upgrade.ts';
import { hostPort } from '../../model/host-port.ts';
import type { Hop } from '../../model/ports.ts';
import type { OwnDomain, Partner, Protocol, Table } from '../../model/table.ts';
import type { Climber, Probe, Prober, ProbeTarget } from '../../ops/partner-test/ports.ts';
import { partnerOf } from '../../routing/partner.ts';
import { protocolFor } from '../../routing/way.ts';
import { type EdgeParts, makeEdge } from '../edge.ts';
import { deliverDirect } from './deliver.ts';
import { ourRecord } from './dns.ts';
import { policyWords } from './policy.ts';
import { ANSWER_MS, DNS_MS, type ProbeParts } from './rungs.ts';
import { sipClimber } from './sip.ts';
import { xmppClimber } from './xmpp.ts';

const CONNECT_MS = 3000;

/** What a prober is made of besides home and table. */
export interface ProberParts {
  /** The process' own parts; absent: made anew from the home. */
  readonly edge?: EdgeParts;
  readonly dialbackSecret?: string;
}

/** Makes the probes of one home, by the rules of `table`. Opens nothing yet. */
export function makeProber(home: Home, table: () => Table, given: ProberParts = {}): Prober {
  const ids = makeIds(systemClock);
  const parts = given.edge ?? makeEdge(home, table, systemClock, ids);
  const dnsServers = home.dns.servers.map(hostPort);
  // Tests have shorter times than traffic, and look at DNS as it is now.
  const resolver = makeResolver({ clock: systemClock, servers: dnsServers, timeoutMs: DNS_MS / 3 });
  const edge = { ...parts.edge, resolver };
  const listening = new Set([...home.edge.sip, ...home.edge.xmpp].map((bind) => bind.address).filter((address) => address !== '*'));
  const [sourceAddress] = home.outbound.sourceAddress;
  const connector = makeConnector({
    edge,
    ownAddresses: () => listening,
    connectTimeoutMs: CONNECT_MS,
    handshakeTimeoutMs: ANSWER_MS,
    ...(sourceAddress !== undefined && { sourceAddress }),
  });
  const common = { resolver, connector, upgrade: makeTlsUpgrade(edge, ANSWER_MS), ids, table, dnsServers, host: home.edge.host };
  const own = parts.own;
  return {
    probe(domain, as) {
      const rules = table();
      // A domain without a file is tested as one found by DNS.
      const partner = partnerOf(domain, { ...rules, policy: { ...rules.policy, federation: 'discovered' } });
      if (partner === undefined) return `${domain} cannot be a partner`;
      const ours = choose(rules, partner, as, (name) => own.choose(name, 'xmpp') !== undefined);
      if (typeof ours === 'string') return ours;
      const ourDomain = as ?? ours.domain;
      const hop = (network: Protocol): Hop => ({ network, side: 'edge', ourDomain, theirDomain: domain, partner });
      const probe: ProbeParts = {
        ...common,
        partner,
        hop,
        ...(given.dialbackSecret !== undefined && { dialbackSecret: given.dialbackSecret }),
      };
      // The record may lead to any name that the certificate shown for the domain carries, as domain dns prints them.
      const hosts = new Set([home.edge.host, ...(own.choose(ourDomain, 'xmpp')?.names.dns ?? [])]);
      return probeOf(probe, rules, ours, domain, ourDomain, hosts);
    },
  };
}

/** @param hosts names under which partners find us */
function probeOf(probe: ProbeParts, rules: Table, own: OwnDomain, domain: string, ourDomain: string, hosts: ReadonlySet<string>): Probe {
  const { partner } = probe;
  const climbers: Record<Protocol, Climber> = { sip: sipClimber(probe), xmpp: xmppClimber(probe) };
  const spoken = partner.prefer.filter((one) => protocolFor(own, { ...partner, prefer: [one] }) !== undefined);
  const order = [...new Set<Protocol>([...spoken, ...partner.prefer, 'sip', 'xmpp'])];
  const file = rules.partners.get(domain)?.where.file;
  return {
    ourDomain,
    ourHost: probe.host,
    spoken,
    ...(file !== undefined && { file }),
    climbers: order.map((one) => climbers[one]),
    policy: policyWords(rules, ourDomain, domain),
    ourRecords: (protocol) => ourRecord(probe, ourDomain, protocol, hosts),
    addresses: (targets) => addressesOf(probe, targets),
    deliver: (from, to, text, signal) => deliverDirect(probe, rules, from, to, text, signal),
  };
}

/** The domain of ours to test with: as asked for, else the first with a certificate that would exchange messages with them. */
function choose(rules: Table, partner: Partner, as: string | undefined, hasCertificate: (domain: string) => boolean): OwnDomain | string {
  const all = [...new Set(rules.domains.values())];
  const candidates = as === undefined ? all : all.filter((own) => own.domain === as || own.aliases.includes(as));
  const able = candidates.filter((own) => hasCertificate(as ?? own.domain));
  const crosses = able.find((own) => protocolFor(own, partner) !== undefined);
  const names = as ?? candidates.map((own) => own.domain).join(' or ');
  return (
    crosses ??
    able[0] ??
    `no certificate in certs/own names ${names}; without one nobody talks to us. isthmus cert request, cert import or cert renew brings one`
  );
}

async function addressesOf(probe: ProbeParts, targets: readonly ProbeTarget[]): Promise<ReadonlySet<string>> {
  const hosts = [...new Set(targets.map((target) => target.host))].slice(0, 8);
  const answers = await Promise.all(hosts.map((host) => probe.resolver.addresses(host)));
  return new Set(answers.flatMap((answer) => (answer.kind === 'addresses' ? answer.addresses : [])));
}
