// routes/domains.yaml to the table's own domains: names and aliases as A-labels, each once.

import type * as z from 'zod';
import type { NextHop, OwnDomain } from '../model/table.ts';
import type { Findings } from './finding.ts';
import type { domainsSection } from './sections/domains.ts';
import { parseDomain, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export type DomainsInput = z.output<typeof domainsSection>;

/** @returns our domains by their own names and by every alias */
export function ownDomainsOf(input: DomainsInput, source: YamlSource, findings: Findings): Map<string, OwnDomain> {
  const owned = new Map<string, OwnDomain>();
  const take = (name: string, own: OwnDomain, path: Path, part: 'key' | 'value') => {
    const other = owned.get(name);
    if (other === undefined) owned.set(name, own);
    else {
      const line = other.where.line ?? 1;
      findings.fault(
        'CONFIG_CONFLICT',
        source.place(path, part),
        `${name} a second time`,
        `it is ${other.domain} of line ${line} already; keep one`,
      );
    }
  };
  for (const [written, entry] of Object.entries(input.domains)) {
    const path = ['domains', written];
    const domain = parseDomain(written);
    if (domain instanceof Wrong) {
      findings.fault('CONFIG_VALUE', source.place(path), `"${written.slice(0, 80)}"`, domain.right, domain.meant);
      continue;
    }
    if (entry.enabled === false) {
      const right = 'nothing is carried for it; partners are answered as for an unknown domain';
      findings.warning('CONFIG_REFERENCE', source.place([...path, 'enabled']), `${domain} is switched off`, right);
      continue;
    }
    const own: OwnDomain = {
      domain,
      aliases: entry.aliases ?? [],
      served: entry.served,
      nextHop: entry.served === 'sip' ? entry.nextHop.map(toNextHop) : [],
      acceptFrom: entry.served === 'sip' ? (entry.acceptFrom ?? []) : [],
      ...(entry.served === 'xmpp' && { component: componentOf(entry.component) }),
      gr: entry.served !== 'sip' || entry.gr,
      sameProtocol: entry.sameProtocol,
      ...(entry.certificate !== undefined && { certificate: entry.certificate }),
      where: { file: source.file, key: pointer(path), line: source.place(path).line },
    };
    take(domain, own, path, 'key');
    own.aliases.forEach((alias, index) => {
      take(alias, own, [...path, 'aliases', index], 'value');
    });
    checkServed(entry, domain, path, source, findings);
  }
  return owned;
}

type Entry = DomainsInput['domains'][string];

function toNextHop(url: { scheme: 'tls' | 'plain'; host: string; port: number }): NextHop {
  return { host: url.host, port: url.port, transport: url.scheme === 'tls' ? 'tls' : 'tcp' };
}

function componentOf(component: Extract<Entry, { served: 'xmpp' }>['component']): NonNullable<OwnDomain['component']> {
  const { name, dial, secret } = component;
  return { name, ...(dial !== undefined && { dial: { host: dial.host, port: dial.port } }), secret: secret.secret };
}

function checkServed(entry: Entry, domain: string, path: Path, source: YamlSource, findings: Findings): void {
  if (entry.served === 'sip' && entry.nextHop.length === 0) {
    findings.fault(
      'CONFIG_VALUE',
      source.place([...path, 'nextHop']),
      'an empty list',
      'at least one internal server, such as tls://fe1.corp.example:5061',
    );
  }
  if (entry.served === 'sip' && (entry.acceptFrom ?? []).length === 0) {
    const found = `nobody may send for ${domain} on the inside listener`;
    findings.warning(
      'CONFIG_REFERENCE',
      source.place(path),
      found,
      'name its servers in acceptFrom: certificate names, or addresses where the inside is plain',
    );
  }
}
