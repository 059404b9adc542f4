// Tables of faulty files: the exact line and column, what was found, what would be right, what was probably meant.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHomeFiles } from '../../src/config/files.ts';
import type { Finding, FindingCode } from '../../src/config/finding.ts';
import { showFinding } from '../../src/config/finding.ts';
import { check, EXAMPLE_HOME, exampleText, exampleWith } from './example.ts';

interface Row {
  readonly title: string;
  readonly file: string;
  readonly text: string;
  readonly at: string;
  readonly code: FindingCode;
  readonly found: RegExp;
  readonly right?: RegExp;
  readonly meant?: string;
}

const ROWS: readonly Row[] = [
  {
    title: 'a tab for indentation',
    file: 'routes/domains.yaml',
    text: 'domains:\n\tcorp.example:\n',
    at: '2:1',
    code: 'CONFIG_SYNTAX',
    found: /not YAML here/,
  },
  {
    title: 'a bracket that is never closed',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example: { served: sip\n',
    at: '3:1',
    code: 'CONFIG_SYNTAX',
    found: /not YAML here/,
    right: /bracket/,
  },
  {
    title: 'two documents in one file',
    file: 'isthmus.yaml',
    text: 'data: var\n---\ndata: x\n',
    at: '2:1',
    code: 'CONFIG_SYNTAX',
    found: /not YAML/,
    right: /---/,
  },
  { title: 'a tag', file: 'isthmus.yaml', text: 'data: !secret x\n', at: '1:7', code: 'CONFIG_SYNTAX', found: /tag/i },
  {
    title: 'the same key twice',
    file: 'isthmus.yaml',
    text: 'data: var\nreload: onApply\ndata: other\n',
    at: '3:1',
    code: 'CONFIG_DUPLICATE_KEY',
    found: /"data" a second time/,
    right: /line 1/,
  },
  {
    title: 'the same key twice in braces',
    file: 'routes/partners/old.example.yaml',
    text: 'allow: { weSee: true, weSee: false }\n',
    at: '1:23',
    code: 'CONFIG_DUPLICATE_KEY',
    found: /"weSee"/,
  },
  {
    title: 'an anchor',
    file: 'routes/partners/old.example.yaml',
    text: 'allow: &usual { weSee: true }\n',
    at: '1:15',
    code: 'CONFIG_ANCHOR',
    found: /&usual/,
  },
  {
    title: 'a merge key',
    file: 'routes/partners/old.example.yaml',
    text: 'allow:\n  <<: { weSee: true }\n',
    at: '2:3',
    code: 'CONFIG_UNKNOWN_KEY',
    found: /"<<"/,
  },
  {
    title: 'an unknown key with a near neighbour',
    file: 'routes/partners/old.example.yaml',
    text: 'xmpp:\n  prof: dialback\n',
    at: '2:3',
    code: 'CONFIG_UNKNOWN_KEY',
    found: /unknown key "prof"/,
    right: /known here: .*proof/,
    meant: 'proof',
  },
  {
    title: 'an unknown key of another case',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example:\n    served: sip\n    nexthop: tls://a.example\n',
    at: '4:5',
    code: 'CONFIG_UNKNOWN_KEY',
    found: /"nexthop"/,
    meant: 'nextHop',
  },
  {
    title: 'a key called __proto__',
    file: 'routes/partners/old.example.yaml',
    text: '__proto__: { weSee: true }\n',
    at: '1:1',
    code: 'CONFIG_UNKNOWN_KEY',
    found: /__proto__/,
  },
  {
    title: 'a key that belongs to another kind of domain',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example: { served: xmpp, nextHop: tls://a.example, component: { name: a.example, secret: { secret: s } } }\n',
    at: '2:33',
    code: 'CONFIG_UNKNOWN_KEY',
    found: /"nextHop"/,
    right: /component/,
  },
  {
    title: 'a missing key',
    file: 'routes/domains.yaml',
    text: 'domains:\n  chat.example:\n    served: xmpp\n',
    at: '2:3',
    code: 'CONFIG_MISSING_KEY',
    found: /"component" is missing/,
  },
  {
    title: 'a domain that does not say what serves it',
    file: 'routes/domains.yaml',
    text: 'domains:\n  chat.example: {}\n',
    at: '2:3',
    code: 'CONFIG_MISSING_KEY',
    found: /"served" is missing/,
    right: /sip, xmpp, core/,
  },
  {
    title: 'served by something that does not exist',
    file: 'routes/domains.yaml',
    text: 'domains:\n  chat.example: { served: xmp }\n',
    at: '2:27',
    code: 'CONFIG_VALUE',
    found: /"xmp"/,
    right: /one of sip, xmpp, core/,
    meant: 'xmpp',
  },
  {
    title: 'a literal secret',
    file: 'routes/domains.yaml',
    text: 'domains:\n  chat.example:\n    served: xmpp\n    component: { name: i.chat.example, dial: "plain://10.0.0.1:5347", secret: hunter2hunter2 }\n',
    at: '4:79',
    code: 'CONFIG_SECRET_LITERAL',
    found: /^a secret written into the file$/,
    right: /secrets\/.*0600.*\{ secret: /,
  },
  {
    title: 'a literal token of a network',
    file: 'routes/networks/matrix.yaml',
    text: 'kind: matrix\ntoken: syt_abcdef\n',
    at: '2:8',
    code: 'CONFIG_SECRET_LITERAL',
    found: /^a secret written into the file$/,
  },
  {
    title: 'a secret that climbs out of its folder',
    file: 'routes/networks/matrix.yaml',
    text: 'kind: matrix\ntoken: { secret: ../certs/key }\n',
    at: '2:18',
    code: 'CONFIG_VALUE',
    found: /certs\/key/,
    right: /plain name/,
  },
  {
    title: 'a word that is not in the list',
    file: 'routes/policy.yaml',
    text: 'federation: close\n',
    at: '1:13',
    code: 'CONFIG_VALUE',
    found: /"close"/,
    right: /closed, discovered, off/,
    meant: 'closed',
  },
  {
    title: 'yes for true',
    file: 'routes/partners/old.example.yaml',
    text: 'allow:\n  weSee: yes\n',
    at: '2:10',
    code: 'CONFIG_VALUE',
    found: /"yes"/,
    right: /true or false/,
    meant: 'true',
  },
  {
    title: 'a wrong word inside a list',
    file: 'routes/partners/old.example.yaml',
    text: 'allow: { theySee: [availability, notes] }\n',
    at: '1:34',
    code: 'CONFIG_VALUE',
    found: /"notes"/,
    meant: 'note',
  },
  {
    title: 'a wrong word in a list written as one value',
    file: 'routes/partners/old.example.yaml',
    text: 'allow: { theySee: notes }\n',
    at: '1:19',
    code: 'CONFIG_VALUE',
    found: /"notes"/,
    meant: 'note',
  },
  {
    title: 'nothing where a list belongs',
    file: 'routes/partners/old.example.yaml',
    text: 'allow:\n  theySee:\n',
    at: '2:11',
    code: 'CONFIG_VALUE',
    found: /nothing/,
  },
  {
    title: 'a size without a unit',
    file: 'routes/partners/old.example.yaml',
    text: 'limits: { messageSize: 65536 }\n',
    at: '1:24',
    code: 'CONFIG_VALUE',
    found: /65536/,
    right: /64KiB/,
  },
  {
    title: 'a size in the unit of disk makers',
    file: 'routes/partners/old.example.yaml',
    text: 'limits: { messageSize: 64KB }\n',
    at: '1:24',
    code: 'CONFIG_VALUE',
    found: /"64KB"/,
    meant: '64KiB',
  },
  {
    title: 'a duration without a unit',
    file: 'isthmus.yaml',
    text: 'retention: { ledger: 30 }\n',
    at: '1:22',
    code: 'CONFIG_VALUE',
    found: /^30$/,
    right: /30d/,
  },
  {
    title: 'a rate of nothing',
    file: 'routes/partners/old.example.yaml',
    text: 'limits: { messagesPerSecond: 0 }\n',
    at: '1:30',
    code: 'CONFIG_VALUE',
    found: /^0$/,
    right: /more than 0/,
  },
  {
    title: 'a plain listener toward the internet',
    file: 'isthmus.yaml',
    text: 'edge:\n  sip: plain://203.0.113.5:5060\n',
    at: '2:8',
    code: 'CONFIG_VALUE',
    found: /plain:/,
    right: /tls:\/\//,
  },
  {
    title: 'binds that overlap',
    file: 'isthmus.yaml',
    text: 'edge:\n  sip: tls://203.0.113.5:5061\ninside:\n  sip: tls://*:5061\n',
    at: '4:8',
    code: 'CONFIG_CONFLICT',
    found: /tls:\/\/\*:5061 overlaps tls:\/\/203\.0\.113\.5:5061 in line 2/,
  },
  {
    title: 'a domain twice in different spellings',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example: { served: core }\n  CORP.example: { served: core }\n',
    at: '3:3',
    code: 'CONFIG_CONFLICT',
    found: /corp\.example a second time/,
    right: /line 2/,
  },
  {
    title: 'an alias that is a domain',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example: { served: core }\n  chat.example: { served: core, aliases: corp.example }\n',
    at: '3:42',
    code: 'CONFIG_CONFLICT',
    found: /corp\.example a second time/,
  },
  {
    title: 'no internal server',
    file: 'routes/domains.yaml',
    text: 'domains:\n  corp.example: { served: sip, nextHop: [] }\n',
    at: '2:32',
    code: 'CONFIG_VALUE',
    found: /empty list/,
  },
  {
    title: "a partner's domain that is in another file",
    file: 'routes/partners/new.example.yaml',
    text: 'domains: [new.example, partner.example]\n',
    at: '1:24',
    code: 'CONFIG_CONFLICT',
    found: /partner\.example is in routes\/partners\/partner\.example\.yaml already/,
  },
  {
    title: "a partner's domain that is ours",
    file: 'routes/partners/corp.example.yaml',
    text: '# nothing\n',
    at: '1:1',
    code: 'CONFIG_CONFLICT',
    found: /corp\.example is a domain of ours \(routes\/domains\.yaml:3\)/,
  },
  {
    title: 'a first domain that the file is not called for',
    file: 'routes/partners/new.example.yaml',
    text: 'domains: [newer.example]\n',
    at: '1:11',
    code: 'CONFIG_FILE',
    found: /first domain is newer\.example, the file is called new\.example\.yaml/,
    right: /newer\.example\.yaml/,
  },
  {
    title: 'an unknown group',
    file: 'routes/policy.yaml',
    text: 'groups:\n  traders: [nora@corp.example]\nrules:\n  - { who: group:trader, with: listed, messages: none }\n',
    at: '4:12',
    code: 'CONFIG_REFERENCE',
    found: /"trader" is not defined/,
    meant: 'traders',
  },
  {
    title: 'a wall around a group that no directory fills',
    file: 'routes/policy.yaml',
    text: 'groups:\n  traders: { ldap: "(memberOf=x)" }\nrules:\n  - { who: group:traders, with: listed, messages: none }\n',
    at: '2:3',
    code: 'CONFIG_REFERENCE',
    found: /directory/,
  },
  {
    title: 'a group file that is not there',
    file: 'routes/policy.yaml',
    text: 'groups:\n  traders: { file: traders.csv }\n',
    at: '2:20',
    code: 'CONFIG_REFERENCE',
    found: /routes\/traders\.csv is missing/,
  },
  {
    title: 'a member of somebody else',
    file: 'routes/policy.yaml',
    text: 'groups:\n  traders:\n    - nora@corp.exampel\n',
    at: '3:7',
    code: 'CONFIG_REFERENCE',
    found: /not a user of ours/,
    meant: 'nora@corp.example',
  },
  {
    title: 'a rule that decides nothing',
    file: 'routes/policy.yaml',
    text: 'rules:\n  - { who: everyone, with: listed }\n',
    at: '2:5',
    code: 'CONFIG_VALUE',
    found: /decides nothing/,
  },
  {
    title: 'a block of two things',
    file: 'routes/policy.yaml',
    text: 'blocked:\n  - { domain: spam.example, address: 198.51.100.0/24 }\n',
    at: '2:5',
    code: 'CONFIG_VALUE',
    found: /domain and address/,
    right: /exactly one/,
  },
  {
    title: 'a block of our own domain',
    file: 'routes/policy.yaml',
    text: 'blocked: { domain: corp.example }\n',
    at: '1:20',
    code: 'CONFIG_CONFLICT',
    found: /a domain of ours/,
  },
  {
    title: 'a test between strangers',
    file: 'routes/policy.yaml',
    text: 'tests:\n  - { from: a@x.example, to: b@y.example, message: refuse }\n',
    at: '2:5',
    code: 'CONFIG_REFERENCE',
    found: /neither/,
  },
  {
    title: 'a file of rules with another ending',
    file: 'routes/partners/bank.example.yml',
    text: 'allow: { messages: none }\n',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /nobody reads bank\.example\.yml/,
    meant: 'bank.example.yaml',
  },
  {
    title: 'a misspelt file in routes/',
    file: 'routes/polcy.yaml',
    text: '',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /polcy\.yaml/,
    meant: 'policy.yaml',
  },
  {
    title: 'a misspelt folder in routes/',
    file: 'routes/partner/x.example.yaml',
    text: '',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /routes\/partner /,
    meant: 'partners',
  },
  { title: 'isthmus.yml', file: 'isthmus.yml', text: '', at: '1:1', code: 'CONFIG_FILE', found: /isthmus\.yml/, meant: 'isthmus.yaml' },
  {
    title: 'a file directly in certs/trust',
    file: 'certs/trust/root.pem',
    text: '',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /directly in certs\/trust/,
  },
  {
    title: 'a misspelt side in certs/trust',
    file: 'certs/trust/egde/root.pem',
    text: '',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /egde/,
    meant: 'edge',
  },
  {
    title: 'a root for a partner that does not exist',
    file: 'certs/trust/partners/partnr.example/root.pem',
    text: '',
    at: '1:1',
    code: 'CONFIG_REFERENCE',
    found: /partnr\.example is no partner/,
    meant: 'partner.example',
  },
  {
    title: 'a root that is none',
    file: 'certs/trust/edge/root.pem',
    text: 'hello',
    at: '1:1',
    code: 'CONFIG_CERTIFICATE',
    found: /no certificate/,
  },
  {
    title: 'a revocation list with another name',
    file: 'certs/revoked/ca.pem',
    text: '',
    at: '1:1',
    code: 'CONFIG_FILE',
    found: /nobody reads/,
  },
  {
    title: 'a refused certificate without a reason',
    file: 'certs/revoked/refused.yaml',
    text: '- fingerprint: b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9\n',
    at: '1:3',
    code: 'CONFIG_MISSING_KEY',
    found: /"reason" is missing/,
  },
];

for (const row of ROWS) {
  test(`${row.title}: told at ${row.file}:${row.at}`, () => {
    const result = check(exampleWith({ [row.file]: row.text }));
    assert.equal(result.ok, false);
    const told = result.faults.map(showFinding).join('\n');
    const fault = result.faults.find((one) => one.file === row.file && one.code === row.code && row.found.test(one.found));
    assert.ok(fault, `not told; told was:\n${told}`);
    assert.equal(`${fault.line}:${fault.column}`, row.at, told);
    if (row.right !== undefined) assert.match(fault.right, row.right);
    assert.equal(fault.meant, row.meant);
  });
}

test('all faults of all files are told at once, in the order of the files', () => {
  const result = check(
    exampleWith({
      'isthmus.yaml': 'reload: onSave\nlgo: {}\n',
      'routes/policy.yaml': 'federation: 1\nblocked: 3\nlisted: { alow: {} }\n',
      'routes/partners/old.example.yaml': 'prefer: [sip, xmmp]\nsip: { dialect: lnc }\n',
    }),
  );
  assert.deepEqual(
    result.faults.map(({ file, line, column }) => `${file}:${line}:${column}`),
    [
      'isthmus.yaml:1:9',
      'isthmus.yaml:2:1',
      'routes/partners/old.example.yaml:1:15',
      'routes/partners/old.example.yaml:2:17',
      'routes/policy.yaml:1:13',
      'routes/policy.yaml:2:10',
      'routes/policy.yaml:3:11',
    ],
  );
});

test('the value of a literal secret is in no finding', () => {
  const text = exampleText('routes/domains.yaml').replace('{ secret: chat-component }', 'correct-horse-battery');
  const result = check(
    exampleWith({ 'routes/domains.yaml': text, 'isthmus.yaml': 'outbound: { httpProxy: "http://user:battery@10.0.0.9:x" }' }),
  );
  assert.equal(result.ok, false);
  assert.doesNotMatch(JSON.stringify([result.faults, result.notices]), /battery/);
});

test('a finding reads file:line:column: fault: found; right. Did you mean "x"?', () => {
  const result = check(exampleWith({ 'routes/policy.yaml': 'federation: close\n' }));
  assert.deepEqual(result.faults.map(showFinding), [
    'routes/policy.yaml:1:13: fault: "close"; one of closed, discovered, off. Did you mean "closed"?',
  ]);
});

test('a missing domains.yaml is a fault that says what writes one', () => {
  const result = check(exampleWith({ 'routes/domains.yaml': undefined }));
  assert.ok(result.faults.some((fault) => fault.file === 'routes/domains.yaml' && /isthmus init/.test(fault.right)));
});

const WARNINGS: readonly [string, string, string, RegExp][] = [
  ['a plain listener inside', 'isthmus.yaml', 'inside: { sip: plain://10.0.0.5:5060 }', /plain:\/\/10\.0\.0\.5:5060 is not encrypted/],
  ['nowhere for internal servers to send to', 'isthmus.yaml', 'data: var', /no inside\.sip/],
  [
    'a partner that is blocked',
    'routes/policy.yaml',
    'blocked: [{ domain: partner.example }]',
    /partner\.example is a partner with a file/,
  ],
  ['a block that has run out', 'routes/policy.yaml', 'blocked: [{ domain: x.example, until: 2020-01-01T00:00:00Z }]', /is over/],
  [
    'a pause that has run out',
    'routes/partners/old.example.yaml',
    'paused: { until: 2020-01-01T00:00:00Z, messages: hold }',
    /pause is over/,
  ],
  ['a review that is due', 'routes/partners/old.example.yaml', 'reviewBefore: 2020-01-01', /review/],
  ['dialback', 'routes/partners/old.example.yaml', 'xmpp: { proof: dialback }', /dialback/],
  [
    'a section for a protocol that is not spoken',
    'routes/partners/old.example.yaml',
    'prefer: xmpp\nsip: { dialect: lync }',
    /section for sip/,
  ],
  [
    'a partner nothing can cross to',
    'routes/domains.yaml',
    'domains: { corp.example: { served: xmpp, component: { name: isthmus.corp.example, dial: plain://10.0.0.30:5347, secret: { secret: chat-component } } } }',
    /every domain of ours is served by the same/,
  ],
  ['a domain without a certificate', 'isthmus.yaml', '', /no valid certificate of ours names corp\.example/],
  ['a secret that is not there', 'isthmus.yaml', '', /secrets\/chat-component is not there/],
];
for (const [title, file, text, found] of WARNINGS) {
  test(`${title} is a warning, not a fault`, () => {
    const result = check(exampleWith({ [file]: text }));
    assert.deepEqual(result.faults, []);
    const warnings: readonly Finding[] = result.notices.filter((notice) => notice.level === 'warning');
    assert.ok(
      warnings.some((warning) => found.test(warning.found)),
      warnings.map(showFinding).join('\n'),
    );
  });
}

test('a partner with dialect: lync is told that calls wait for sessions', () => {
  const { notices } = check(exampleWith({}));
  const notice = notices.find((one) => one.file === 'routes/partners/lync.example.yaml');
  assert.match(notice?.right ?? '', /calls and sessions \(INVITE\) are answered 405 until sessions land/);
});

test('tests in policy.yaml are asked of the judge, and one that does not hold is a fault at its line', () => {
  const judge = () => ({ message: { allowed: false, because: 'POLICY_BLOCKED' }, presence: { allowed: false, because: 'POLICY_BLOCKED' } });
  const result = check(exampleWith({}), { judge });
  assert.deepEqual(
    result.faults.map(({ code, line, column, found }) => ({ code, line, column, found })),
    [
      {
        code: 'CONFIG_TEST',
        line: 21,
        column: 88,
        found: 'message from li@partner.example to nora@corp.example is refused (POLICY_BLOCKED)',
      },
    ],
  );
});

test('a folder that may not be read is a fault, not a home without partners', () => {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-folder-'));
  try {
    cpSync(EXAMPLE_HOME, dir, { recursive: true });
    rmSync(join(dir, 'certs'), { recursive: true });
    writeFileSync(join(dir, 'certs'), 'not a folder'); // what nobody can read, whoever runs the test
    assert.equal(readHomeFiles(dir).get('certs/.')?.unreadable, 'ENOTDIR');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const files = new Map(exampleWith({}));
  for (const path of [...files.keys()]) if (path.startsWith('routes/partners/')) files.delete(path);
  assert.ok(check(files).ok, 'an empty folder is one');
  const result = check(new Map([...files, ['routes/partners/.', { text: '', mode: 0, unreadable: 'EACCES' }]]));
  assert.ok(!result.ok);
  assert.match(result.faults.map(showFinding).join('\n'), /^routes\/partners:1:1: fault: the folder cannot be read: EACCES; /m);
});

test('a fault in isthmus.yaml does not bring a warning about a listener that stands in it', () => {
  const result = check(exampleWith({ 'isthmus.yaml': `${exampleText('isthmus.yaml')}\nnotfy: {}\n` }));
  assert.ok(!result.ok);
  assert.doesNotMatch([...result.faults, ...result.notices].map(showFinding).join('\n'), /no inside\.sip/);
});
