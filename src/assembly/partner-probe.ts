// `isthmus partner test`: how the rungs of the ladder (ops/partner-test/) are climbed with the edge and the shores as they
// run. Beside a running process: it opens connections of its own and no listener.

import { makeIds } from '../edge/ids.ts';
import { systemClock } from '../edge/system-clock.ts';
import type { Hop } from '../model/ports.ts';
import type { PolicyTest, Protocol, Table } from '../model/table.ts';
import type { MakeProbe } from '../ops/partner-test/command.ts';
import type { Climber, PolicyWord } from '../ops/partner-test/ports.ts';
import { partnerOf } from '../routing/partner.ts';
import { judgeTest } from '../routing/policy-test.ts';
import { makeEdge } from './edge.ts';
import type { ProbeParts } from './probe-rungs.ts';
import { sipClimber } from './probe-sip.ts';
import { xmppClimber } from './probe-xmpp.ts';

/** Puts one home's view of one partner together. @returns why it cannot be tested, in words, when that is so */
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
