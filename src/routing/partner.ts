// The partner that a domain belongs to: listed by its file, or made up from `discovered:` of routes/policy.yaml.

import type { Partner, Table } from '../model/table.ts';

/** The partner that a domain belongs to: by its file, or found by DNS where federation is `discovered`. */
export function partnerOf(domain: string, table: Table): Partner | undefined {
  return table.partners.get(domain) ?? (table.policy.federation === 'discovered' ? discoveredPartner(domain, table) : undefined);
}

function discoveredPartner(domain: string, table: Table): Partner {
  const { protocols, allow, limits, where } = table.policy.discovered;
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
    name: domain,
    domains: [domain],
    enabled: true,
    prefer: protocols,
    sip: { ...face, dialect: 'standard', queuedAnswer: 202, gr: true, use6xx: false },
    xmpp: { ...face, posh: false },
    allow,
    limits,
    idleWatcherDays: 7,
    allowPrivateAddresses: false,
    discovered: true,
    where,
    sources: new Map(),
  };
}
