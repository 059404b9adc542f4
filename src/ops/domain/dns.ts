// isthmus domain dns: the records that one must publish for one's own domains, and whether DNS says so.

import { isIP, isIPv6 } from 'node:net';
import * as z from 'zod';
import { showFinding } from '../../config/finding.ts';
import type { Home } from '../../config/home.ts';
import { nearest } from '../../config/spelling.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import type { OwnDomain, Table } from '../../model/table.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { compareSheet, type DnsFinding } from './compare.ts';
import { pairsOf, shownFor, speaksFor } from './names.ts';
import { type Sheet, sheetOf } from './sheet.ts';
import { aloneText, sheetText } from './text.ts';

const input = z.object({
  domain: z.string().optional().describe('One domain of ours, or an alias; without it all of them.'),
  check: z.boolean().default(false).describe('Asks DNS and compares.'),
  zone: z.boolean().default(false).describe('Records as lines of a zone file.'),
  address: z
    .array(z.string().refine((text) => isIP(text) !== 0, { error: 'an IP address such as 203.0.113.5' }))
    .default([])
    .describe('Public addresses of the edge, where the listeners are behind NAT.'),
});

export const domainDns = verb({
  words: 'domain dns',
  summary: 'prints the DNS records to publish for your own domains, and checks them',
  positionals: ['[domain]'],
  options: {
    check: { type: 'boolean', says: 'asks DNS and says what is missing or wrong; exit 1 when there is something' },
    zone: { type: 'boolean', says: 'prints lines for a zone file, comments included' },
    address: {
      type: 'string',
      multiple: true,
      value: 'ADDRESS',
      says: 'the public address of the edge, if it is behind NAT; more than one is possible',
    },
  },
  details: [
    'Records for both protocols: SRV and addresses, and the names that the certificate must carry. A domain needs those of the protocol that Isthmus',
    'speaks for it: XMPP for a domain served: sip, SIP for one served: xmpp, both with sameProtocol: true.',
    'Without --check nothing is asked of the network. With it, DNS is asked through dns: of isthmus.yaml, else the system; ask from outside when',
    'your inside has names of its own.',
  ].join('\n'),
  example: 'isthmus domain dns corp.example --check --home ./home',
  input,
  http: { method: 'GET', path: '/domains/dns' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: async (operations, given) => run(operations, given),
});

async function run(operations: Operations, { domain, check, zone, address }: z.output<typeof input>): Promise<Report> {
  const loaded = operations.load();
  if (!loaded.ok) {
    const text = [...loaded.faults.map(showFinding), `isthmus domain dns: the home ${operations.dir} has faults`].join('\n');
    return { text, json: { error: 'faults', faults: loaded.faults }, exit: 2 };
  }
  const { home, table } = loaded;
  const chosen = chosenDomains(domain, table);
  if (typeof chosen === 'string') return { text: `isthmus domain dns: ${chosen}`, json: { error: chosen }, exit: 2, status: 404 };
  const dns = await operations.dns(home);
  const options = { said: address, ownAddresses: dns.ownAddresses(), ownDomains: new Set(table.domains.keys()), isPublic: dns.isPublic };
  const pairs = pairsOf(operations.dir, operations.clock.now());
  const sheets = await Promise.all(
    chosen.map(async ([name, own]) => {
      const sheet = sheetOf(name, own, home, options);
      const shown = shownFor(name, own, pairs);
      const findings = check ? await compareSheet(sheet, home, dns, shown?.names) : undefined;
      return { sheet, shown, findings };
    }),
  );
  const wrong = sheets.reduce((sum, { findings = [] }) => sum + findings.filter(({ level }) => level === 'finding').length, 0);
  const text = zone
    ? zoneText(sheets.map(({ sheet }) => sheet))
    : sheets.map(({ sheet, shown, findings }) => sheetText(sheet, table, shown?.names, findings)).join('\n\n');
  const told =
    zone && check
      ? `\n${sheets.flatMap(({ findings = [] }) => findings.map((one) => `; ${one.level}: ${one.name}: ${one.says}`)).join('\n')}`
      : '';
  return { text: text + told + summary(check, zone, wrong), json: json(sheets, home, check, wrong), exit: wrong > 0 ? 1 : 0 };
}

function summary(check: boolean, zone: boolean, wrong: number): string {
  if (zone) return '';
  if (!check) return '\n\nisthmus domain dns --check compares this with what DNS says now';
  return wrong === 0 ? '\n\nDNS and certificates are as they should be' : `\n\n${wrong} finding${wrong === 1 ? '' : 's'}`;
}

/** A domain and each of its aliases is known to partners by its own name. */
export function chosenDomains(written: string | undefined, table: Table): readonly (readonly [string, OwnDomain])[] | string {
  const all = [...table.domains];
  if (written === undefined) return all.length > 0 ? all : 'there is no domain of yours in routes/domains.yaml';
  const domain = parseDomain(written);
  if (domain instanceof Wrong) return `"${written}"; right would be ${domain.right}`;
  const own = table.domains.get(domain);
  if (own !== undefined) return [[domain, own]];
  const meant = nearest(domain, table.domains.keys());
  return `${domain} is no domain of yours; there is: ${[...table.domains.keys()].join(', ')}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`;
}

/** Lines of a zone file (RFC 1035 §5); what cannot be known is a comment. */
function zoneText(sheets: readonly Sheet[]): string {
  const lines: string[] = [];
  const printed = new Set<string>();
  for (const sheet of sheets) {
    lines.push(
      `; ${sheet.domain}, served: ${sheet.own.served}; partners speak ${sheet.faces.map((face) => face.toUpperCase()).join(' and ')} with Isthmus`,
    );
    for (const { name, type, data, why, optional } of sheet.records) {
      const line = `${`${name}.`.padEnd(44)} 3600 IN ${type.padEnd(5)} ${data}`;
      if (!printed.has(line)) lines.push(`${line.padEnd(96)} ; ${why}${optional ? ' (optional)' : ''}`);
      printed.add(line);
    }
    for (const line of aloneText(sheet)) lines.push(`; ${line}`);
    for (const remark of sheet.remarks) lines.push(`; ${remark}`);
    lines.push('');
  }
  return lines.join('\n').trimEnd();
}

interface Done {
  readonly sheet: Sheet;
  readonly shown: { readonly name: string; readonly names: readonly string[] } | undefined;
  readonly findings: readonly DnsFinding[] | undefined;
}

function json(sheets: readonly Done[], home: Home, check: boolean, wrong: number): unknown {
  return {
    host: home.edge.host,
    checked: check,
    ...(check && { ok: wrong === 0 }),
    domains: sheets.map(({ sheet, shown, findings }) => ({
      domain: sheet.domain,
      served: sheet.own.served,
      partnersSpeak: sheet.faces,
      records: sheet.records,
      addresses: sheet.faces.map((face) => ({
        protocol: face,
        ...sheet.reach[face],
        family6: sheet.reach[face].addresses.some((address) => isIPv6(address)),
      })),
      certificate: {
        shown: shown?.name ?? null,
        needs: sheet.needs.map((need) => ({
          ...need,
          covered: speaksFor(shown?.names ?? [], need.name, sheet.faces.includes('sip') ? 'sip' : 'xmpp'),
        })),
      },
      remarks: sheet.remarks,
      ...(findings !== undefined && { findings }),
    })),
  };
}
