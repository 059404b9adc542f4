// `isthmus partner test`: how the rungs of the ladder (ops/partner-test/) are climbed with the edge and the shores as they
// run. Beside a running process: it opens connections of its own and no listener.

import { makeIds } from '../edge/ids.ts';
import { systemClock } from '../edge/system-clock.ts';
import { ConnectError, type Hop, type Ids, type Link } from '../model/ports.ts';
import type { Partner, PolicyTest, Protocol, Table } from '../model/table.ts';
import type { MakeProbe } from '../ops/partner-test/command.ts';
import type { Climber, PolicyWord } from '../ops/partner-test/ports.ts';
import { partnerOf } from '../routing/partner.ts';
import { judgeTest } from '../routing/policy-test.ts';
import { type EdgeParts, makeEdge } from './edge.ts';
import { sipClimber } from './probe-sip.ts';
import { xmppClimber } from './probe-xmpp.ts';

/** What both climbers need. */
export interface ProbeParts extends EdgeParts {
  readonly ids: Ids;
  readonly table: () => Table;
  /** The name we carry in Via. */
  readonly host: string;
  readonly partner: Partner;
  readonly hop: (network: Protocol) => Hop;
}

export const makeProbe: MakeProbe = async (home, table, domain, as) => {
  const ids = makeIds(systemClock);
  const parts = makeEdge(home, () => table, systemClock, ids);
  const candidates = as === undefined ? [...new Set([...table.domains.values()].map((own) => own.domain))] : [as];
  const ourDomain = candidates.find((own) => parts.own.choose(own, 'xmpp') !== undefined);
  if (ourDomain === undefined) return `no certificate in certs/own names ${candidates.join(' or ')}; without one nobody talks to us`;
  // A domain without a file is tested as one found by DNS.
  const partner = partnerOf(domain, { ...table, policy: { ...table.policy, federation: 'discovered' } });
  if (partner === undefined) return `${domain} cannot be a partner`;
  const hop = (network: Protocol): Hop => ({ network, side: 'edge', ourDomain, theirDomain: domain, partner });
  const probe: ProbeParts = { ...parts, ids, table: () => table, host: home.edge.host, partner, hop };
  const climbers: Record<Protocol, Climber> = { sip: sipClimber(probe), xmpp: xmppClimber(probe) };
  const order = [...new Set<Protocol>([...partner.prefer, 'sip', 'xmpp'])];
  const policy = {
    toThem: policyWord(table, `anyone@${ourDomain}`, `anyone@${domain}`),
    fromThem: policyWord(table, `anyone@${domain}`, `anyone@${ourDomain}`),
  };
  const file = table.partners.get(domain)?.where.file;
  return { ourDomain, spoken: partner.prefer, ...(file !== undefined && { file }), climbers: order.map((one) => climbers[one]), policy };
};

function policyWord(table: Table, from: string, to: string): PolicyWord {
  const test: PolicyTest = { from, to, where: { file: 'isthmus partner test', key: '' } };
  return judgeTest(table, test, systemClock.now()).message;
}

/** TCP alone, for either protocol. @returns the address that answered */
export async function tcpOnly(
  parts: ProbeParts,
  protocol: Protocol,
  at: { host: string; port: number },
  signal: AbortSignal,
): Promise<string> {
  const link = await parts.connector.connect(
    {
      side: 'edge',
      protocol,
      host: at.host,
      port: at.port,
      tls: 'none',
      identity: parts.hop(protocol).ourDomain,
      allowPrivateAddresses: parts.partner.allowPrivateAddresses,
    },
    signal,
  );
  link.socket.destroy();
  return `${link.peer.address} port ${at.port} answers`;
}

/** Version, cipher and the names in the certificate. */
export function tlsWords(link: Link): string {
  const { names } = link.peer;
  const shown = names.length === 0 ? 'no name' : names.slice(0, 8).join(', ');
  return `${link.tls?.version ?? 'TLS'}, ${link.tls?.cipher ?? 'cipher not known'}; its certificate carries ${shown}`;
}

/** The words for how a domain was proven. */
export const PROOF_WORDS = {
  certificate: 'its certificate names the domain',
  namedServer: "its certificate has a name that the partner's file lists",
  discoveredServer: 'its certificate has a host name that DNS gives inside the domain',
} as const;

export function failedWith(error: unknown): ConnectError['reason'] {
  if (error instanceof ConnectError) return error.reason;
  throw error;
}
