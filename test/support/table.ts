// A routing table for tests, made of the few values a test cares about.

import type { Allow, OwnDomain, Partner, Policy, Rule, Table } from '../../src/model/table.ts';

export const ALLOW: Allow = { messages: 'both', theySee: ['availability'], weSee: true, firstContact: 'anyone' };

export function ownDomain(domain: string, served: OwnDomain['served'], more: Partial<OwnDomain> = {}): OwnDomain {
  return {
    domain,
    aliases: [],
    served,
    nextHop: [],
    acceptFrom: [],
    gr: true,
    sameProtocol: false,
    where: { file: 'routes/domains.yaml', key: `/domains/${domain}` },
    ...more,
  };
}

export function partner(name: string, more: Partial<Partner> = {}): Partner {
  const face = {
    hosts: [],
    names: [],
    clientEku: 'ignore',
    pins: [],
    tlsAtLeast: 'TLSv1.2',
    revocation: 'soft',
    proof: 'certificate',
  } as const;
  return {
    name,
    domains: [name],
    enabled: true,
    prefer: ['xmpp', 'sip'],
    sip: { ...face, dialect: 'standard', queuedAnswer: 202, gr: true, use6xx: false },
    xmpp: { ...face, posh: false },
    allow: ALLOW,
    limits: { messageBytes: 65_536 },
    idleWatcherDays: 7,
    allowPrivateAddresses: true,
    discovered: false,
    where: { file: `routes/partners/${name}.yaml`, key: '' },
    sources: new Map(),
    ...more,
  };
}

export function policy(more: Partial<Policy> = {}): Policy {
  return {
    federation: 'closed',
    federationWhere: { file: 'routes/policy.yaml', key: '/federation' },
    blocked: [],
    discovered: {
      protocols: ['xmpp', 'sip'],
      allow: { ...ALLOW, firstContact: 'localUserInvites' },
      limits: { messageBytes: 65_536, distinctTargets: 1000, messagesPerSecond: 20, suspiciousMessagesPerSecond: 1 },
      where: { file: 'routes/policy.yaml', key: '/discovered' },
    },
    groups: new Map(),
    rules: [],
    tests: [],
    ...more,
  };
}

export function table(own: readonly OwnDomain[], partners: readonly Partner[], rules: Partial<Policy> = {}): Table {
  return {
    generation: 1,
    domains: new Map(own.flatMap((entry) => [entry.domain, ...entry.aliases].map((name) => [name, entry]))),
    partners: new Map(partners.flatMap((entry) => entry.domains.map((name) => [name, entry]))),
    policy: policy(rules),
  };
}

export function rule(more: Partial<Rule>): Rule {
  return { who: { kind: 'everyone' }, with: { kind: 'everyone' }, where: { file: 'routes/policy.yaml', key: '/rules/0' }, ...more };
}
