// Prints docs/errors.md from the catalogue and the shores' tables. A test keeps the file current.
//   node docs/print-errors.ts > docs/errors.md

import { ERRORS } from '../src/errors.ts';
import type { Blame, ReasonCode } from '../src/model/reason.ts';
import { answersAlike, CODE_TO_STATUS } from '../src/protocols/sip/replies.ts';
import { CODE_TO_CONDITION } from '../src/protocols/xmpp/replies.ts';

const AREAS: readonly { readonly prefixes: readonly string[]; readonly title: string; readonly says: string }[] = [
  { prefixes: ['ROUTE_'], title: 'No way there', says: 'The address leads nowhere that this Isthmus carries anything.' },
  { prefixes: ['POLICY_', 'PARTNER_'], title: 'Not allowed', says: 'The reason names the file and the key that decided.' },
  { prefixes: ['LIMIT_'], title: 'Too much', says: 'What is allowed stands in the partner file or in `routes/policy.yaml`.' },
  {
    prefixes: ['CONTENT_', 'ADDRESS_'],
    title: 'It cannot cross',
    says: 'What both users see instead: [what-crosses.md](what-crosses.md).',
  },
  {
    prefixes: ['AUTH_', 'CERT_'],
    title: 'Who is it',
    says: 'A sender who does not prove its domain reads 403 in SIP, a stream error in XMPP; the two columns are for what cannot be sent. About certificates: [certs/README.md](../certs/README.md).',
  },
  { prefixes: ['NET_'], title: 'The road', says: '`isthmus partner test DOMAIN` climbs it step by step.' },
  {
    prefixes: ['PEER_', 'XMPP_'],
    title: 'What the far end said',
    says: 'The answer itself travels on to the sender where the tables of RFC 7247 have a row for it.',
  },
  {
    prefixes: ['QUEUE_', 'STORE_', 'SHUTTING_', 'US_'],
    title: 'Our own side',
    says: 'If one of these repeats, look at this machine first.',
  },
];

const WHOSE: Readonly<Record<Blame, string>> = {
  peer: 'the far end',
  network: 'the network',
  policy: 'your policy',
  operator: 'you',
  capacity: 'too much at once',
  us: 'Isthmus',
};

/** The whole document. */
export function errorsDocument(): string {
  const codes = Object.keys(ERRORS) as ReasonCode[]; // the catalogue's own keys
  const lines = [
    '# Error codes',
    '',
    'Every refusal and failure has one of these codes: in the log, in `isthmus explain`, in `isthmus partner test`. Made from the catalogue by',
    '`docs/print-errors.ts`; do not edit it by hand.',
    '',
    '- **Whose doing** says where to look first.',
    '- **Again** says whether the outbox tries again by itself: 1 s, doubling to 5 min, until `retention.queued`.',
    '- **SIP** and **XMPP** are what the sender is told. When the far end itself answered, its own answer is translated instead.',
    '- **·** marks what a partner never learns: about users of yours it reads one uniform answer, 403 in SIP and `service-unavailable` in XMPP,',
    '  whether the user is unknown, blocked or not permitted ([decision 006](decisions/006-alike-answers.md)).',
  ];
  for (const { prefixes, title, says } of AREAS) {
    const own = codes.filter((code) => prefixes.some((prefix) => code.startsWith(prefix)));
    lines.push(
      '',
      `## ${title}`,
      '',
      says,
      '',
      '| code | meaning | whose doing | what to do | again | SIP | XMPP |',
      '|---|---|---|---|---|---|---|',
    );
    lines.push(...own.map(row));
  }
  return `${lines.join('\n')}\n`;
}

function row(code: ReasonCode): string {
  const { meaning, blame, advice, retry } = ERRORS[code];
  const [condition, type] = CODE_TO_CONDITION[code];
  const alike = answersAlike({ code, blame, retry: 'never', text: '' }) ? ' ·' : '';
  const cells = [
    `\`${code}\``,
    meaning,
    WHOSE[blame],
    advice,
    retry === 'later' ? 'yes' : 'no',
    `${CODE_TO_STATUS[code]}${alike}`,
    `\`${condition}\` (${type})`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
}

if (import.meta.main) process.stdout.write(errorsDocument());
