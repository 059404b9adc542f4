// The record sheet in words, and what the server inside must have.

import { insideOf, type OwnDomain, type Table } from '../../model/table.ts';
import type { DnsFinding } from './compare.ts';
import { speaksFor } from './names.ts';
import type { Sheet } from './sheet.ts';

/** @param shown names of the certificate that is shown for the domain @param findings of a check */
export function sheetText(
  sheet: Sheet,
  table: Table,
  shown: readonly string[] | undefined,
  findings: readonly DnsFinding[] | undefined,
): string {
  const { domain, own, faces, records, needs, remarks } = sheet;
  const alias = domain === own.domain ? '' : `, another name of ${own.domain}`;
  const lines = [
    `${domain} (served: ${own.served}${alias}): its partners speak ${faces.map((face) => face.toUpperCase()).join(' and ')} with Isthmus`,
  ];
  const width = Math.max(0, ...records.map(({ name }) => name.length));
  const dataWidth = Math.max(0, ...records.map(({ type, data }) => type.length + data.length));
  lines.push('', 'publish');
  for (const { name, type, data, why, optional } of records)
    lines.push(`  ${name.padEnd(width)}  ${type} ${data.padEnd(dataWidth - type.length)}  ${why}${optional ? ' (optional)' : ''}`);
  for (const line of aloneText(sheet)) lines.push(`  ${line}`);
  for (const remark of remarks) lines.push(`  ${remark}`);
  lines.push('', 'names in the certificate');
  for (const { name, why } of needs) {
    const has = shown !== undefined && speaksFor(shown, name, faces.includes('sip') ? 'sip' : 'xmpp');
    lines.push(`  ${has ? 'there  ' : 'missing'}  ${name}: ${why}`);
  }
  lines.push(...insideText(own, table));
  if (findings !== undefined) {
    lines.push('', 'DNS now');
    if (findings.length === 0) lines.push('  as above');
    for (const { level, name, says } of findings) lines.push(`  ${level === 'finding' ? 'WRONG ' : 'advice'}  ${name}: ${says}`);
  }
  return lines.join('\n');
}

/** Hosts whose addresses the operator has to know. */
export function aloneText(sheet: Sheet): string[] {
  const lines: string[] = [];
  const told = new Set<string>();
  for (const { target, side } of sheet.services) {
    const reach = sheet.reach[side];
    if (told.has(target)) continue;
    told.add(target);
    if (reach.from === 'unknown')
      lines.push(
        `${target}: A (and AAAA) with the public address of ${side === 'client' ? 'its listeners of clients' : 'this edge'}, which isthmus.yaml does not tell; --address ADDRESS fills it in`,
      );
    else if (reach.from === 'machine')
      lines.push(
        `${target}: the addresses are those of this machine, since the listeners are on every address; --address ADDRESS says otherwise`,
      );
  }
  return lines;
}

/** What the internal server must have, for a domain that it serves. */
function insideText(whole: OwnDomain, table: Table): string[] {
  const own = insideOf(whole);
  if (own.served !== 'xmpp' || own.component === undefined) return [];
  const { name, dial, secret } = own.component;
  const partners = [...new Set(table.partners.values())].filter(
    ({ enabled, prefer }) => enabled && (own.sameProtocol || prefer.includes('sip')),
  );
  return [
    '',
    'inside: Prosody with deploy/prosody/mod_isthmus_route.lua sends what is for anybody else to Isthmus, whatever the partner',
    `  VirtualHost "${own.domain}"`,
    '    modules_enabled = { "isthmus_route" }',
    `    isthmus_component = "${name}"`,
    `  Component "${name}"   -- Isthmus dials ${dial === undefined ? 'it' : `${dial.host}:${dial.port}`}`,
    `    component_secret = "..."   -- the text of secrets/${secret}`,
    '    validate_from_addresses = false',
    '    modules_disabled = { "s2s" }',
    `  partners that it carries now: ${
      partners.length === 0
        ? 'none'
        : partners
            .flatMap(({ domains }) => domains)
            .slice(0, 12)
            .join(', ')
    }${partners.length > 12 ? ', ...' : ''}`,
  ];
}
