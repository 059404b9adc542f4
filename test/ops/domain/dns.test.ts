// isthmus domain list, show and dns, against a DNS server of its own.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { domainDns } from '../../../src/ops/domain/dns.ts';
import { domainList, domainShow } from '../../../src/ops/domain/list.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { makeCa } from '../../support/ca.ts';
import { type DnsServer, startDns } from '../../support/dns.ts';
import { keep } from '../terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-domain-'));
const ca = makeCa('Domain test CA');
let dns: DnsServer;
before(async () => {
  dns = await startDns();
});
after(async () => {
  await dns[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let count = 0;
/** chat.example is on XMPP inside, corp.example on SIP; the edge has one public IPv4 address. */
function home(names: readonly string[], files: Readonly<Record<string, string>> = {}): string {
  const dir = join(folder, `home${++count}`);
  const pair = ca.issue({ names });
  const all = {
    'isthmus.yaml': [
      `dns: { servers: "${dns.server}" }`,
      'edge:',
      '  host: edge.corp.example',
      '  sip: tls://203.0.113.5:5061',
      '  xmpp: [starttls://203.0.113.5:5269, tls://203.0.113.5:5270]',
      '',
    ].join('\n'),
    'routes/domains.yaml': [
      'domains:',
      '  corp.example: { served: sip, nextHop: "tls://sip1.corp.example:5061", acceptFrom: sip1.corp.example, aliases: [old-corp.example] }',
      '  chat.example: { served: xmpp, component: { name: i.chat.example, dial: "plain://10.0.0.30:5347", secret: { secret: chat } } }',
      '',
    ].join('\n'),
    'routes/partners/p.example.yaml': 'sip: { dialect: lync }\n',
    'certs/own/main/fullchain.pem': pair.chainPem,
    'certs/own/main/key.pem': pair.keyPem,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text, { mode: 0o600 });
  }
  return dir;
}
const NAMES = ['edge.corp.example', 'corp.example', 'old-corp.example', 'chat.example', 'sip.chat.example'];

interface Answer {
  readonly ok?: boolean;
  readonly domains: readonly {
    readonly domain: string;
    readonly records: readonly { readonly name: string; readonly type: string; readonly data: string }[];
    readonly remarks: readonly string[];
    readonly findings?: readonly { readonly level: string; readonly name: string; readonly says: string }[];
  }[];
}
async function run(dir: string, given: Readonly<Record<string, unknown>>) {
  const operations = commandLineOperations(dir, keep(folder), (table, one) => judgeTest(table, one, 0));
  try {
    const report = await domainDns.run(operations, domainDns.input.parse(given));
    const answer = report.json as Answer; // what json() of the verb makes
    return { ...report, answer, findings: answer.domains?.flatMap(({ findings = [] }) => findings) ?? [] };
  } finally {
    operations.close();
  }
}
const wrong = (findings: readonly { level: string; name: string; says: string }[]): string[] =>
  findings.filter(({ level }) => level === 'finding').map(({ name, says }) => `${name}: ${says}`);

/** Everything as the sheet says. */
function publish(): void {
  dns.set('_xmpp-server._tcp.corp.example', { srv: [{ target: 'edge.corp.example', port: 5269 }] });
  dns.set('_xmpps-server._tcp.corp.example', { srv: [{ target: 'edge.corp.example', port: 5270 }] });
  dns.set('edge.corp.example', { a: ['203.0.113.5'] });
  dns.set('_sipfederationtls._tcp.chat.example', { srv: [{ target: 'sip.chat.example', port: 5061 }] });
  dns.set('_sips._tcp.chat.example', { srv: [{ target: 'sip.chat.example', port: 5061 }] });
  dns.set('sip.chat.example', { a: ['203.0.113.5'] });
  dns.set('chat.example', {
    naptr: [{ order: 10, preference: 10, flags: 's', service: 'SIPS+D2T', replacement: '_sips._tcp.chat.example' }],
  });
  for (const name of [
    '_xmpp-server._tcp.chat.example',
    '_xmpps-server._tcp.chat.example',
    '_sips._tcp.corp.example',
    '_sipfederationtls._tcp.corp.example',
  ])
    dns.remove(name);
}

test('the sheet: XMPP records for a domain on SIP, SIP records for one on XMPP, nothing asked of the network', async () => {
  const asked = dns.questions.length;
  const { answer, exit, text } = await run(home(NAMES), {});
  assert.equal(exit, 0);
  assert.equal(dns.questions.length, asked);
  const of = (domain: string) =>
    answer.domains.find((one) => one.domain === domain)?.records.map(({ name, type, data }) => `${name} ${type} ${data}`);
  assert.deepEqual(of('corp.example'), [
    '_xmpp-server._tcp.corp.example SRV 0 0 5269 edge.corp.example.',
    '_xmpps-server._tcp.corp.example SRV 0 0 5270 edge.corp.example.',
    'edge.corp.example A 203.0.113.5',
  ]);
  assert.deepEqual(of('old-corp.example')?.[0], '_xmpp-server._tcp.old-corp.example SRV 0 0 5269 edge.corp.example.');
  assert.deepEqual(of('chat.example'), [
    '_sipfederationtls._tcp.chat.example SRV 0 0 5061 sip.chat.example.',
    '_sips._tcp.chat.example SRV 0 0 5061 sip.chat.example.',
    'chat.example NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.chat.example.',
    'sip.chat.example A 203.0.113.5',
  ]);
  assert.match(text, /_xmpp-server\._tcp\.chat\.example .* belong on your internal XMPP server/);
  assert.match(text, /there {3} sip\.chat\.example/);
  assert.match(text, /isthmus_component = "i\.chat\.example"/);
  assert.match(text, /partners that it carries now: p\.example/);
});

test('sameProtocol: both sets lead here', async () => {
  const domains =
    'domains: { chat.example: { served: xmpp, sameProtocol: true, component: { name: i.chat.example, dial: "plain://10.0.0.30:5347", secret: { secret: chat } } } }\n';
  const { answer } = await run(home(NAMES, { 'routes/domains.yaml': domains }), {});
  assert.deepEqual(
    answer.domains[0]?.records.filter(({ type }) => type === 'SRV').map(({ name }) => name.split('.')[0]),
    ['_xmpp-server', '_xmpps-server', '_sipfederationtls', '_sips'],
  );
  assert.deepEqual(answer.domains[0]?.remarks, []);
});

test('a zone file: each line once, NAT filled in by --address, comments behind semicolons', async () => {
  const dir = home(NAMES, {
    'isthmus.yaml': 'edge: { host: edge.corp.example, sip: "tls://10.0.0.5:5061", xmpp: "starttls://10.0.0.5:5269" }\n',
  });
  const without = await run(dir, { zone: true });
  assert.match(without.text, /^; edge\.corp\.example: A \(and AAAA\) with the public address/m);
  assert.doesNotMatch(without.text, /10\.0\.0\.5/);
  const { text } = await run(dir, { zone: true, address: ['198.51.100.9'] });
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  for (const line of lines) assert.match(line, /^\S+\. +3600 IN (SRV|A|AAAA|NAPTR) +\S/);
  assert.equal(lines.filter((line) => line.startsWith('edge.corp.example. ')).length, 1);
});

test('DNS as it should be: exit 0', async () => {
  publish();
  dns.set('_xmpp-server._tcp.old-corp.example', { srv: [{ target: 'edge.corp.example', port: 5269 }] });
  const { exit, text, findings, answer } = await run(home(NAMES), { check: true });
  assert.deepEqual(wrong(findings), []);
  assert.equal(exit, 0);
  assert.equal(answer.ok, true);
  assert.match(text, /DNS and certificates are as they should be$/);
  // Direct TLS for the alias is missing: worth knowing, no finding.
  assert.ok(findings.some(({ level, name }) => level === 'advice' && name === '_xmpps-server._tcp.old-corp.example'));
});

/** What is changed in a good DNS, and the one sentence that must come. */
const WRONGS: readonly [title: string, domain: string, change: () => void, says: RegExp][] = [
  [
    'no SRV at all',
    'corp.example',
    () => dns.remove('_xmpp-server._tcp.corp.example'),
    /_xmpp-server\._tcp\.corp\.example: missing; publish SRV 0 0 5269 edge\.corp\.example\./,
  ],
  [
    'a target of "."',
    'chat.example',
    () => dns.set('_sips._tcp.chat.example', { srv: [{ target: '.', port: 0 }] }),
    /its target is "\.", which tells partners/,
  ],
  [
    'another host',
    'corp.example',
    () => {
      dns.set('_xmpp-server._tcp.corp.example', { srv: [{ target: 'mail.corp.example', port: 5269 }] });
      dns.set('mail.corp.example', { a: ['198.51.100.77'] });
    },
    /leads to mail\.corp\.example:5269, none of which is Isthmus/,
  ],
  [
    'an alias as target',
    'corp.example',
    () => {
      dns.set('_xmpp-server._tcp.corp.example', { srv: [{ target: 'chat-in.corp.example', port: 5269 }] });
      dns.set('chat-in.corp.example', { cname: 'edge.corp.example' });
    },
    /only another name \(CNAME\) for edge\.corp\.example/,
  ],
  [
    'no address',
    'corp.example',
    () => dns.remove('edge.corp.example'),
    /its target edge\.corp\.example has no address; publish A 203\.0\.113\.5/,
  ],
  [
    'a private address beside the right one',
    'corp.example',
    () => dns.set('edge.corp.example', { a: ['203.0.113.5', '10.0.0.5'] }),
    /has the private address 10\.0\.0\.5/,
  ],
  [
    'IPv6 that nobody listens on',
    'corp.example',
    () => dns.set('edge.corp.example', { a: ['203.0.113.5'], aaaa: ['2001:db8::5'] }),
    /IPv6 address 2001:db8::5, and no listener takes IPv6/,
  ],
  [
    'xmpps at the STARTTLS port',
    'corp.example',
    () => dns.set('_xmpps-server._tcp.corp.example', { srv: [{ target: 'edge.corp.example', port: 5269 }] }),
    /_xmpps-server\S+: leads to port 5269, where STARTTLS is spoken/,
  ],
  [
    'xmpp at the port of direct TLS',
    'corp.example',
    () => dns.set('_xmpp-server._tcp.corp.example', { srv: [{ target: 'edge.corp.example', port: 5270 }] }),
    /TLS is spoken from the first byte/,
  ],
  [
    'a port where nothing listens',
    'chat.example',
    () => dns.set('_sips._tcp.chat.example', { srv: [{ target: 'sip.chat.example', port: 5071 }] }),
    /leads to port 5071, where nothing of isthmus\.yaml listens; right would be 5061/,
  ],
  [
    'a federation target outside the domain',
    'chat.example',
    () => dns.set('_sipfederationtls._tcp.chat.example', { srv: [{ target: 'edge.corp.example', port: 5061 }] }),
    /lies outside chat\.example: Lync and its family refuse it/,
  ],
  [
    'SRV of the other protocol leading here',
    'chat.example',
    () => dns.set('_xmpp-server._tcp.chat.example', { srv: [{ target: 'edge.corp.example', port: 5269 }] }),
    /leads to Isthmus, which refuses partners on XMPP for a domain served: xmpp/,
  ],
  [
    'NAPTR without TLS',
    'chat.example',
    () =>
      dns.set('chat.example', {
        naptr: [{ order: 1, preference: 1, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.chat.example' }],
      }),
    /NAPTR offer SIP\+D2U but not SIPS\+D2T/,
  ],
];
for (const [title, domain, change, says] of WRONGS) {
  test(`${title}: one sentence, exit 1`, async () => {
    publish();
    change();
    const { exit, findings } = await run(home(NAMES), { domain, check: true });
    const told = wrong(findings);
    assert.ok(
      told.some((one) => says.test(one)),
      told.join('\n'),
    );
    assert.equal(exit, 1);
  });
}

test('DNS that does not answer is told as that', async () => {
  publish();
  dns.fail('_sips._tcp.chat.example', 'SERVFAIL');
  const { exit, findings } = await run(home(NAMES), { domain: 'chat.example', check: true });
  dns.fail('_sips._tcp.chat.example', undefined);
  assert.equal(exit, 1);
  assert.match(wrong(findings).join('\n'), /DNS did not answer/);
});

test('an old edge beside ours by priority is no finding', async () => {
  publish();
  dns.set('_xmpp-server._tcp.corp.example', {
    srv: [
      { target: 'edge.corp.example', port: 5269, priority: 10 },
      { target: 'old.corp.example', port: 5269, priority: 5 },
    ],
  });
  dns.set('old.corp.example', { a: ['198.51.100.1'] });
  const { exit, findings } = await run(home(NAMES), { domain: 'corp.example', check: true });
  assert.deepEqual(wrong(findings), []);
  assert.equal(exit, 0);
  assert.ok(findings.some(({ says }) => /also leads to old\.corp\.example:5269/.test(says)));
});

test('a certificate without the host that Lync looks for; one with a wildcard, which SIP does not take', async () => {
  publish();
  const { findings } = await run(home(['edge.corp.example', 'corp.example', 'chat.example', '*.chat.example']), {
    domain: 'chat.example',
    check: true,
  });
  assert.deepEqual(wrong(findings), [
    'sip.chat.example: our certificate for chat.example does not carry it: Lync and its family look for the host that DNS leads to',
  ]);
});

test('another host below the domain as target: its own name is what the certificate must carry', async () => {
  publish();
  dns.set('_sipfederationtls._tcp.chat.example', { srv: [{ target: 'access.chat.example', port: 5061 }] });
  dns.set('access.chat.example', { a: ['203.0.113.5'] });
  const named = await run(home(['edge.corp.example', 'chat.example', 'access.chat.example']), { domain: 'chat.example', check: true });
  assert.deepEqual(wrong(named.findings), []);
  const without = await run(home(NAMES), { domain: 'chat.example', check: true });
  assert.match(wrong(without.findings).join('\n'), /^access\.chat\.example: our certificate for chat\.example does not carry it/);
});

test('a domain that is not ours: exit 2, and the nearest one', async () => {
  const { exit, text } = await run(home(NAMES), { domain: 'corb.example' });
  assert.equal(exit, 2);
  assert.match(text, /Did you mean "corp\.example"\?/);
});

test('domain list and domain show', async () => {
  const operations = commandLineOperations(home(NAMES), keep(folder), (table, one) => judgeTest(table, one, 0));
  const list = await domainList.run(operations, {});
  assert.match(list.text, /^corp\.example {2}sip {5}xmpp {12}tls:\/\/sip1\.corp\.example:5061 +main +old-corp\.example$/m);
  const show = await domainShow.run(operations, { domain: 'old-corp.example' });
  assert.match(show.text, /^corp\.example \(routes\/domains\.yaml:2\)$/m);
  assert.match(show.text, /certs\/own\/main \(by its names\)/);
  assert.match(show.text, /partners {8}none with a file/);
  const chat = await domainShow.run(operations, { domain: 'chat.example' });
  assert.match(chat.text, /partners {8}1: p\.example/);
  operations.close();
});

const CORE = {
  'routes/domains.yaml': 'domains: { people.example: { served: core } }\n',
  'isthmus.yaml': [
    `dns: { servers: "DNS" }`,
    'edge: { host: edge.people.example, sip: "tls://203.0.113.5:5061", xmpp: "starttls://203.0.113.5:5269" }',
    'clients:',
    '  host: chat.people.example',
    '  xmpp: [starttls://203.0.113.6:5222, tls://203.0.113.6:5223]',
    '  sip: tls://203.0.113.6:5061',
    '  web: https://203.0.113.6:443',
    '',
  ].join('\n'),
} as const;
const coreHome = (
  isthmus: string = CORE['isthmus.yaml'],
  names = ['people.example', 'edge.people.example', 'sip.people.example'],
): string => home(names, { ...CORE, 'isthmus.yaml': isthmus.replace('DNS', dns.server) });

test("served: core: records for people's own clients, their host and its certificate; _sips stays with partners", async () => {
  const { text, answer } = await run(coreHome(), { address: ['198.51.100.1'] });
  const [sheet] = answer.domains;
  const has = (name: string, data: string): boolean => sheet!.records.some((one) => one.name === name && one.data === data);
  assert(has('_xmpp-client._tcp.people.example', '0 0 5222 chat.people.example.'));
  assert(has('_xmpps-client._tcp.people.example', '0 0 5223 chat.people.example.'));
  assert(has('_sips._tcp.people.example', '0 0 5061 sip.people.example.'));
  // Listeners of clients say where they are; --address is about the edge.
  assert(has('chat.people.example', '203.0.113.6'));
  assert(has('edge.people.example', '198.51.100.1'));
  assert(sheet!.remarks.some((line) => /_sips\._tcp\.people\.example is for partners; give clients chat\.people\.example/.test(line)));
  assert(sheet!.remarks.some((line) => line.includes('redirect that path, and host-meta.json beside it, to https://chat.people.example')));
  assert.match(text, /missing {2}chat\.people\.example: clients that are given this host/);
});

test('served: core without SIP partners: _sips leads SIP clients; without listeners of clients nobody can sign in', async () => {
  const alone = await run(coreHome(CORE['isthmus.yaml'].replace('sip: "tls://203.0.113.5:5061", ', '')), {});
  const [sheet] = alone.answer.domains;
  assert(sheet!.records.some(({ name, data }) => name === '_sips._tcp.people.example' && data === '0 0 5061 chat.people.example.'));
  assert(!sheet!.records.some(({ type }) => type === 'NAPTR'));
  const none = await run(coreHome(CORE['isthmus.yaml'].split('clients:')[0]), {});
  assert(none.answer.domains[0]!.remarks.includes('isthmus.yaml has no clients: nobody can sign in at this domain'));
});

test('served: core, checked: a missing record of clients, and one that leads to the edge, are findings', async () => {
  const { answer } = await run(coreHome(), { check: true });
  const says = (name: string): string => answer.domains[0]!.findings?.find((one) => one.name === name)?.says ?? '';
  assert.match(says('_xmpp-client._tcp.people.example'), /^missing; publish SRV 0 0 5222 chat\.people\.example\.$/);
  assert.match(says('_xmpps-client._tcp.people.example'), /with it clients save a round trip/);
  assert.equal(answer.domains[0]!.findings?.find(({ name }) => name === '_xmpps-client._tcp.people.example')?.level, 'advice');
});
