// Prints docs/diagnoses.md from the catalogue of diagnoses. A test keeps the file current.
//   node docs/print-diagnoses.ts > docs/diagnoses.md

import type { Protocol } from '../src/model/table.ts';
import { COARSE, type Diagnosis, FINER } from '../src/ops/diagnosis-table.ts';

const AREAS: readonly { readonly title: string; readonly says: string; readonly prefixes: readonly string[] }[] = [
  {
    title: 'DNS',
    says: 'What the records of the partner, or ours, say.',
    prefixes: ['DNS_', 'NET_DNS_', 'NET_ADDRESS_', 'XMPPS_', 'OUR_SRV_'],
  },
  {
    title: 'The road',
    says: 'Who answers at the end of the records, if anybody.',
    prefixes: ['NET_CONNECT_', 'NET_CLOSED', 'WRONG_', 'PEER_TIMEOUT', 'SILENT_'],
  },
  { title: 'TLS', says: 'The handshake, before anybody has said who they are.', prefixes: ['TLS_', 'NET_TLS_'] },
  {
    title: 'Their certificate',
    says: 'Who they are. What is accepted: [certs/README.md](../certs/README.md).',
    prefixes: ['CERT_', 'AUTH_', 'PARTNER_PROOF'],
  },
  { title: 'Our certificate, as they judge it', says: 'Said by the partner, in a TLS alert or in words of XMPP.', prefixes: ['OUR_CERT_'] },
  { title: 'XMPP', says: 'The stream, and the way back.', prefixes: ['XMPP_', 'NET_STREAM_'] },
  { title: 'SIP', says: 'The answer to OPTIONS; `ms-diagnostics` is decoded where an edge sends it.', prefixes: ['SIP_', 'PEER_'] },
  {
    title: 'Limits, and both ways together',
    says: 'Rules of yours are told with their file and line: [errors.md](errors.md).',
    prefixes: ['LIMIT_', 'ONE_WAY_'],
  },
];

const FACTS = {
  theirDomain: 'partner.example',
  ourDomain: 'corp.example',
  ourHost: 'edge.corp.example',
  target: 'sip.partner.example:5061',
};

/** The whole document. */
export function diagnosesDocument(): string {
  const lines = [
    '# What `isthmus partner test` finds',
    '',
    'Each finding has one of these codes. They are stable: scripts may ask for them in `--json` (`code`, and `code` of each of `findings`).',
    'Made from the catalogue by `docs/print-diagnoses.ts`; do not edit it by hand.',
    '',
    '- **Right would be** and **Cause** are for you, **Next step** is yours.',
    "- **To the partner's administrator** is the request. The report prints it ready to be sent: with the time and its zone, your host, theirs, and what was",
    '  seen. `·`: there is nothing for them to do.',
    '- What your own rules refuse has the codes of [errors.md](errors.md), with the file and the line.',
    '- `isthmus partner test` ends with 0 when nothing was found, with 1 when something was, with 2 when it could not be asked.',
  ];
  const rows = Object.entries({ ...FINER, ...COARSE });
  const told = new Set<string>();
  for (const { title, says, prefixes } of AREAS) {
    const own = rows.filter(([code]) => !told.has(code) && prefixes.some((prefix) => code.startsWith(prefix)));
    for (const [code] of own) told.add(code);
    lines.push(
      '',
      `## ${title}`,
      '',
      says,
      '',
      "| code | right would be | cause | next step | to the partner's administrator |",
      '|---|---|---|---|---|',
    );
    lines.push(
      ...own.map(([code, row]) => `| ${[`\`${code}\``, row.expected, row.cause, row.us, asked(code, row)].map(cell).join(' | ')} |`),
    );
  }
  return `${lines.join('\n')}\n`;
}

function asked(code: string, { them }: Diagnosis): string {
  const protocol: Protocol = /XMPP/.test(code) ? 'xmpp' : 'sip';
  return them?.({ ...FACTS, protocol }) ?? '·';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

if (import.meta.main) process.stdout.write(diagnosesDocument());
