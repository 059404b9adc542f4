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
    const common = {
      domain,
      aliases: entry.aliases ?? [],
      sameProtocol: entry.sameProtocol,
      ...(entry.certificate !== undefined && { certificate: entry.certificate }),
      where: { file: source.file, key: pointer(path), line: source.place(path).line },
    };
    const own: OwnDomain = {
      ...common,
      ...servedBy(entry),
      ...(entry.served === 'core' &&
        entry.otherwise !== undefined &&
        entry.otherwise.enabled !== false && { otherwise: otherwiseOf(entry.otherwise, common, path, source) }),
    };
    take(domain, own, path, 'key');
    own.aliases.forEach((alias, index) => {
      take(alias, own, [...path, 'aliases', index], 'value');
    });
    checkServed(entry, domain, path, source, findings);
    if (entry.served === 'core' && entry.otherwise !== undefined && entry.otherwise.enabled !== false)
      checkServed(entry.otherwise, domain, [...path, 'otherwise'], source, findings);
  }
  return owned;
}

type Entry = DomainsInput['domains'][string];
type Otherwise = NonNullable<Extract<Entry, { served: 'core' }>['otherwise']>;
type Common = Pick<OwnDomain, 'domain' | 'aliases' | 'sameProtocol' | 'certificate' | 'where'>;

/** What differs by what serves a domain, or the rest of a split one. */
function servedBy<E extends Entry | Otherwise>(entry: E): Omit<OwnDomain, keyof Common | 'otherwise'> & { readonly served: E['served'] } {
  return {
    served: entry.served,
    nextHop: entry.served === 'sip' ? entry.nextHop.map(toNextHop) : [],
    acceptFrom: entry.served === 'sip' ? (entry.acceptFrom ?? []) : [],
    ...(entry.served === 'xmpp' && { component: componentOf(entry.component) }),
    gr: entry.served !== 'sip' || entry.gr,
  };
}

/** Partners of both protocols come to us for a split domain, so those of the internal system's own protocol are carried too. */
function otherwiseOf(otherwise: Otherwise, common: Common, path: Path, source: YamlSource): NonNullable<OwnDomain['otherwise']> {
  const inside = [...path, 'otherwise'];
  const where = { file: source.file, key: pointer(inside), line: source.place(inside).line };
  return { ...common, ...servedBy(otherwise), sameProtocol: true, where };
}

function toNextHop(url: { scheme: 'tls' | 'plain'; host: string; port: number }): NextHop {
  return { host: url.host, port: url.port, transport: url.scheme === 'tls' ? 'tls' : 'tcp' };
}

function componentOf(component: Extract<Entry | Otherwise, { served: 'xmpp' }>['component']): NonNullable<OwnDomain['component']> {
  const { name, dial, secret } = component;
  return { name, ...(dial !== undefined && { dial: { host: dial.host, port: dial.port } }), secret: secret.secret };
}

function checkServed(entry: Entry | Otherwise, domain: string, path: Path, source: YamlSource, findings: Findings): void {
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
