// isthmus partner import, from exported files to the files of a home.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { loadHome } from '../../../src/config/load.ts';
import { partnerImport } from '../../../src/ops/import/import.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { keep } from '../terminal.ts';
import { ALLOWED_TYPE, allowedDomain, BLOCKED_TYPE, exportCliXml, exportCsv, PUBLIC_TYPE, XMPP_TYPE, xmppPartner } from './exports.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-import-'));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function home(files: Readonly<Record<string, string>> = {}): string {
  const dir = join(folder, `home${++count}`);
  const all = {
    'isthmus.yaml': '',
    'routes/domains.yaml':
      'domains: { chat.example: { served: xmpp, sameProtocol: true, component: { name: i.chat.example, dial: "plain://127.0.0.1:1", secret: { secret: s } } } }\n',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) write(join(dir, path), text);
  return dir;
}
function write(path: string, bytes: string | Buffer): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
const source = (name: string, bytes: string | Buffer): string => write(join(folder, `${++count}`, name), bytes);

interface Answer {
  readonly ending: string;
  readonly added: readonly { domain: string; file: string }[];
  readonly merged: readonly { file: string; keys: readonly string[] }[];
  readonly same: number;
  readonly blocked: readonly string[];
  readonly providers: readonly string[];
  readonly differences: readonly { file: string; key: string; here: string | null; there: string }[];
  readonly invalid: readonly Told[];
  readonly notes: readonly Told[];
  readonly lost: readonly Told[];
}
interface Told {
  readonly from: string;
  readonly subject: string;
  readonly what: string;
  readonly why: string;
}

async function take(dir: string, files: readonly string[], more: Readonly<Record<string, unknown>> = {}) {
  const operations = commandLineOperations(dir, keep(folder), (table, one) => judgeTest(table, one, 0));
  try {
    const report = await partnerImport.run(operations, partnerImport.input.parse({ files, ...more }));
    return { ...report, answer: report.json as Answer }; // what reportJson makes
  } finally {
    operations.close();
  }
}
const read = (dir: string, path: string): string => readFileSync(join(dir, path), 'utf8');
const tableOf = (dir: string) => {
  const loaded = loadHome(dir);
  assert.ok(loaded.ok, JSON.stringify(loaded.faults));
  return loaded.table;
};

test('an allow list in UTF-16 with #TYPE: hosts and names from ProxyFqdn, comment and monitoring to the note, the line in the file', async () => {
  const dir = home();
  const rows = [
    allowedDomain('contoso.example', { ProxyFqdn: 'sip.contoso.example', Comment: 'Ticket 4711,\r\n"old"', MarkForMonitoring: true }),
    allowedDomain('fabrikam.example', { VerificationLevel: { word: 'AlwaysUnverifiable' } }),
  ];
  const { exit, answer } = await take(dir, [source('allowed.csv', exportCsv(ALLOWED_TYPE, rows))]);
  assert.equal(exit, 0);
  assert.deepEqual(
    answer.added.map(({ domain }) => domain),
    ['contoso.example', 'fabrikam.example'],
  );
  const { partners } = tableOf(dir);
  const contoso = partners.get('contoso.example');
  assert.deepEqual(contoso?.sip.hosts, [{ host: 'sip.contoso.example', port: 5061 }]);
  assert.deepEqual(contoso?.sip.names, ['sip.contoso.example']);
  assert.equal(contoso?.sip.dialect, 'lync');
  assert.deepEqual(contoso?.prefer, ['sip']);
  assert.equal(contoso?.allow.firstContact, 'anyone');
  assert.equal(partners.get('fabrikam.example')?.allow.firstContact, 'localUserInvites');
  const text = read(dir, 'routes/partners/contoso.example.yaml');
  assert.match(text, /^# Imported on \d{4}-\d\d-\d\d from allowed\.csv:3\.$/m);
  assert.match(text, /note: "Ticket 4711, \\"old\\"; was marked for monitoring"/);
  // The record above spans two lines.
  assert.match(read(dir, 'routes/partners/fabrikam.example.yaml'), /allowed\.csv:5\./);
});

test('a table with semicolons, in UTF-8 with its mark, and no type: the columns tell', async () => {
  const dir = home();
  const text = '\ufeff"Domain";"ProxyFqdn";"MarkForMonitoring"\r\n"münchen.example";"";"False"\r\n';
  const { exit, answer } = await take(dir, [source('export.csv', text)]);
  assert.equal(exit, 0);
  assert.deepEqual(answer.added, [{ domain: 'xn--mnchen-3ya.example', file: 'routes/partners/xn--mnchen-3ya.example.yaml' }]);
  assert.ok(tableOf(dir).partners.has('xn--mnchen-3ya.example'));
});

test('domains alone: the file name tells, or --kind; otherwise it is asked for and nothing is written', async () => {
  const dir = home();
  const table = 'Domain,Comment\nspam.example,junk\n';
  assert.deepEqual((await take(dir, [source('Blocked.csv', table)], { dryRun: true })).answer.blocked, ['spam.example']);
  const asked = await take(dir, [source('list.csv', table)]);
  assert.equal(asked.exit, 2);
  assert.match(asked.text, /list\.csv: line 2: its properties \(Domain, Comment\) do not tell .*--kind allowedDomain/);
  assert.deepEqual((await take(dir, [source('list.csv', table)], { kind: 'allowedDomain' })).answer.added.length, 1);
});

test('a list that Export-Csv could not hold is told as lost; CliXML holds it', async () => {
  const rows = [xmppPartner('jab.example', { AdditionalDomains: ['rooms.jab.example'], PartnerType: { word: 'Federated' } })];
  const flat = await take(home(), [source('xmpp.csv', exportCsv(XMPP_TYPE, rows))]);
  assert.equal(flat.exit, 1);
  assert.match(flat.answer.lost[0]!.why, /the value is lost; Export-Clixml keeps it/);
  assert.match(flat.answer.lost[0]!.what, /^AdditionalDomains/);
  const dir = home();
  const whole = await take(dir, [source('xmpp.xml', exportCliXml(XMPP_TYPE, rows))]);
  assert.equal(whole.exit, 0);
  const partner = tableOf(dir).partners.get('rooms.jab.example');
  assert.deepEqual(partner?.domains, ['jab.example', 'rooms.jab.example']);
  assert.equal(partner?.xmpp.proof, 'certificate');
  assert.equal(partner?.allow.firstContact, 'anyone');
});

test('CliXML: nulls, escaped letters, several objects of one type, a wrapped list', async () => {
  const dir = home();
  const rows = [xmppPartner('one.example', { Description: 'J_rg\nZ' }), xmppPartner('two.example', { ConnectionLimit: '20' })];
  const bytes = exportCliXml(XMPP_TYPE, rows);
  const { answer } = await take(dir, [source('xmpp.xml', bytes)]);
  assert.deepEqual(
    answer.added.map(({ domain }) => domain),
    ['one.example', 'two.example'],
  );
  assert.match(read(dir, 'routes/partners/one.example.yaml'), /note: "J_rg Z"/);
  assert.deepEqual(
    answer.lost.map(({ from, subject, what }) => ({ from, subject, what })),
    [{ from: 'xmpp.xml:3', subject: 'two.example', what: 'ConnectionLimit 20' }],
  );
  const inner = bytes
    .subarray(2)
    .toString('utf16le')
    .replace(/^<Objs[^>]*>/, '')
    .replace('</Objs>', '')
    .replaceAll('RefId="', 'RefId="9');
  const wrapped = `<Objs Version="1.1.0.1"><Obj RefId="0"><TN RefId="99"><T>System.Object[]</T></TN><LST>${inner}</LST></Obj></Objs>`;
  assert.equal((await take(home(), [source('wrapped.xml', wrapped)])).answer.added.length, 2);
});

test('JSON: one object or a list; numbers in place of words are told and read strictly', async () => {
  const dir = home();
  const one = {
    Domain: 'one.example',
    TlsNegotiation: 0,
    SaslNegotiation: 2,
    SupportDialbackNegotiation: true,
    PartnerType: 0,
    AdditionalDomains: ['x.one.example'],
  };
  const { exit, answer } = await take(dir, [source('one.json', `\ufeff${JSON.stringify(one)}`)]);
  assert.equal(exit, 1);
  assert.deepEqual(
    answer.lost.map(({ from, what }) => `${from} ${what}`),
    ['one.json entry 1 TlsNegotiation 0', 'one.json entry 1 SaslNegotiation 2', 'one.json entry 1 PartnerType 0'],
  );
  const partner = tableOf(dir).partners.get('x.one.example');
  assert.equal(partner?.xmpp.proof, 'certificate');
  assert.equal(partner?.allow.firstContact, 'localUserInvites');
  const list = [
    {
      ...one,
      Domain: 'a.example',
      TlsNegotiation: 'Required',
      SaslNegotiation: 'Required',
      PartnerType: { value: 2, Value: 'PublicVerified' },
    },
  ];
  assert.equal((await take(home(), [source('list.json', JSON.stringify(list))])).answer.added.length, 1);
});

test('invalid negotiation settings: told as invalid there, the file is written switched off', async () => {
  const dir = home();
  const rows = [
    xmppPartner('never.example', { TlsNegotiation: { word: 'NotSupported' }, SupportDialbackNegotiation: false }),
    xmppPartner('plain.example', {
      TlsNegotiation: { word: 'NotSupported' },
      SaslNegotiation: { word: 'NotSupported' },
      PartnerType: { word: 'Federated' },
    }),
  ];
  const { exit, answer, text } = await take(dir, [source('xmpp.csv', exportCsv(XMPP_TYPE, rows))]);
  assert.equal(exit, 1);
  assert.deepEqual(
    answer.invalid.map(({ from, subject, what }) => `${from} ${subject} ${what}`),
    ['xmpp.csv:3 never.example TLS NotSupported, SASL Required, dialback no'],
  );
  const { partners } = tableOf(dir);
  assert.equal(partners.get('never.example')?.enabled, false);
  assert.equal(partners.get('plain.example')?.xmpp.proof, 'dialback');
  assert.equal(partners.get('plain.example')?.allow.firstContact, 'localUserInvites');
  assert.match(text, /TLS is always required here/);
  assert.match(text, /who is proven by dialback only must be invited/);
});

test('blocks go into policy.yaml and its comments stay; the same again changes nothing', async () => {
  const policy = '# mine\nfederation: closed   # shut\nblocked:\n  - { domain: old.example, note: mine }   # keep\n';
  const dir = home({ 'routes/policy.yaml': policy });
  const rows = ['spam.example', 'old.example', 'chat.example'].map((domain) => [
    ['Identity', domain] as const,
    ['Domain', domain] as const,
    ['Comment', 'junk: yes'] as const,
  ]);
  const files = [source('blocked.csv', exportCsv(BLOCKED_TYPE, rows, ';'))];
  const { answer } = await take(dir, files);
  assert.deepEqual(answer.blocked, ['spam.example']);
  assert.match(answer.lost[0]!.why, /a domain of yours/);
  assert.equal(read(dir, 'routes/policy.yaml'), `${policy}  - { domain: spam.example, note: "junk: yes" }\n`);
  assert.ok(tableOf(dir).policy.blocked.some(({ domain }) => domain === 'spam.example'));
  const again = await take(dir, files);
  assert.equal(again.changes, undefined);
  assert.match(again.text, /nothing to write$/);
});

test('what stands in the home stays: a missing section is added, what differs is shown', async () => {
  const written = '# by hand\nsip: { hosts: edge.contoso.example }   # ours\nnote: mine\n';
  const dir = home({ 'routes/partners/contoso.example.yaml': written, 'routes/partners/empty.example.yaml': 'owner: me\n' });
  const sip = exportCsv(ALLOWED_TYPE, [
    allowedDomain('contoso.example', { ProxyFqdn: 'sip.contoso.example', Comment: 'theirs' }),
    allowedDomain('empty.example'),
  ]);
  const { exit, answer } = await take(dir, [
    source('allowed.csv', sip),
    source('xmpp.xml', exportCliXml(XMPP_TYPE, [xmppPartner('contoso.example')])),
  ]);
  assert.equal(exit, 1);
  assert.deepEqual(answer.added, []);
  assert.deepEqual(answer.differences, [
    { file: 'routes/partners/contoso.example.yaml', key: 'sip.dialect', here: null, there: 'lync' },
    { file: 'routes/partners/contoso.example.yaml', key: 'sip.hosts', here: 'edge.contoso.example', there: 'sip.contoso.example:5061' },
    { file: 'routes/partners/contoso.example.yaml', key: 'sip.names', here: null, there: 'sip.contoso.example' },
  ]);
  const text = read(dir, 'routes/partners/contoso.example.yaml');
  assert.ok(text.startsWith(written), text);
  assert.match(text, /xmpp: \{ proof: certificate \}/);
  // A first section would silence the other protocol: both stay spoken.
  assert.deepEqual(tableOf(dir).partners.get('empty.example')?.prefer, ['xmpp', 'sip']);
});

test('our own domain, and one that is blocked there too, become no partner', async () => {
  const dir = home();
  const allowed = source(
    'allowed.csv',
    exportCsv(ALLOWED_TYPE, [allowedDomain('chat.example'), allowedDomain('both.example'), allowedDomain('no domain')]),
  );
  const blocked = source('blocked.csv', exportCsv(BLOCKED_TYPE, [[['Domain', 'both.example']]]));
  const { answer } = await take(dir, [allowed, blocked]);
  assert.deepEqual(answer.added, []);
  assert.deepEqual(answer.blocked, ['both.example']);
  assert.match(answer.lost[0]!.why, /a domain of yours/);
  assert.match(answer.notes[0]!.why, /a block beats everything/);
  assert.equal(answer.invalid[0]!.subject, 'no domain');
});

test('providers are written switched off', async () => {
  const dir = home();
  const rows = [
    [
      ['Identity', 'Windows Live'],
      ['ProxyFqdn', 'federation.live.example'],
      ['IconUrl', 'https://x.example/i.png'],
      ['VerificationLevel', { word: 'UseSourceVerification' }],
      ['Enabled', true],
      ['NameDecorationDomain', 'live.example'],
    ] as const,
  ];
  const { answer } = await take(dir, [source('public.csv', exportCsv(PUBLIC_TYPE, rows))]);
  assert.deepEqual(answer.providers, ['routes/providers/windows-live.yaml']);
  const text = read(dir, 'routes/providers/windows-live.yaml');
  assert.match(text, /^enabled: false$/m);
  assert.match(text, /hosts: federation\.live\.example:5061, names: federation\.live\.example/);
  assert.match(text, /domains: \[live\.example\]/);
});

test('a hosting provider by its columns: what ties users of yours to it is told; one that the home has is left alone', async () => {
  const provider = {
    Identity: 'LyncOnline',
    ProxyFqdn: 'sipfed.online.lync.com',
    Enabled: 'True',
    EnabledSharedAddressSpace: 'True',
    HostsOCSUsers: 'True',
    IsLocal: 'False',
  };
  const file = source('hosting.json', JSON.stringify(provider));
  const { answer } = await take(home(), [file]);
  assert.deepEqual(answer.providers, ['routes/providers/lynconline.yaml']);
  assert.deepEqual(answer.lost.map(({ what }) => what).sort(), ['EnabledSharedAddressSpace True', 'HostsOCSUsers True']);
  const known =
    'enabled: false\nsip: { dialect: lync, hosts: sipfed.online.lync.com:5061, names: sipfed.online.lync.com }\ndomains: [contoso.example]\n';
  assert.deepEqual((await take(home({ 'routes/providers/teams.yaml': known }), [file])).answer.providers, []);
});

test('an external access policy is told in the words of rules:', async () => {
  const file = source('policy.json', JSON.stringify({ Identity: 'Global', EnableFederationAccess: false, EnableXmppAccess: true }));
  const { exit, text } = await take(home(), [file]);
  assert.equal(exit, 1);
  assert.match(text, /messages and presence with SIP partners refused: .* rule \{ who: group:NAME/);
  assert.match(text, /messages and presence with XMPP partners: every user may/);
});

test('settings of the access edge are compared with policy.yaml, never written; a pass phrase is not shown', async () => {
  const dir = home({ 'routes/policy.yaml': 'federation: closed\n' });
  const edge = source(
    'edge.json',
    JSON.stringify({ AllowFederatedUsers: true, EnablePartnerDiscovery: true, DiscoveredPartnerStandardRate: 30 }),
  );
  const gateway = source('gateway.json', JSON.stringify({ DialbackPassphrase: 'hunter2', PartnerConnectionLimit: 20 }));
  const { answer, text } = await take(dir, [edge, gateway]);
  assert.equal(answer.differences[0]?.there.startsWith('discovered (EnablePartnerDiscovery was True'), true);
  assert.equal(read(dir, 'routes/policy.yaml'), 'federation: closed\n');
  assert.match(text, /DiscoveredPartnerStandardRate 30/);
  assert.doesNotMatch(text + JSON.stringify(answer), /hunter2/);
});

test('--dry-run writes nothing, --into a new folder leaves the home alone', async () => {
  const dir = home();
  const file = source('allowed.csv', exportCsv(ALLOWED_TYPE, [allowedDomain('contoso.example')]));
  const dry = await take(dir, [file], { dryRun: true });
  assert.equal(dry.answer.ending, 'dryRun');
  assert.match(dry.text, /^\+sip: \{ dialect: lync \}$/m);
  const aside = join(folder, 'aside');
  assert.equal((await take(dir, [file], { into: aside })).answer.ending, 'aside');
  assert.deepEqual(readdirSync(join(aside, 'routes/partners')), ['contoso.example.yaml']);
  assert.equal(existsSync(join(dir, 'routes/partners')), false);
  assert.match((await take(dir, [file], { into: aside })).text, /the folder is not empty/);
});

test('what would make a fault is refused whole: a test of policy.yaml that fails', async () => {
  const dir = home({
    'routes/policy.yaml': 'tests: [{ from: li@contoso.example, to: nora@chat.example, message: refuse }]\n',
  });
  const { exit, text } = await take(dir, [source('allowed.csv', exportCsv(ALLOWED_TYPE, [allowedDomain('contoso.example')]))]);
  assert.equal(exit, 2);
  assert.match(text, /nothing was written/);
  assert.equal(existsSync(join(dir, 'routes/partners')), false);
});

for (const [name, bytes, said] of [
  ['bomb.xml', '<!DOCTYPE x [<!ENTITY a "aa">]><Objs>&a;</Objs>', /DTD|entity/i],
  ['deep.xml', `<Objs>${'<Obj><LST>'.repeat(60)}`, /nested deeper/],
  ['half.xml', '<Objs><Obj', /not XML/],
  ['other.xml', '<html/>', /first element is html/],
  ['broken.json', '{"Domain":', /not JSON/],
  ['list.json', '[1]', /entry 1 is a number/],
  ['broken.csv', '"Domain","ProxyFqdn","MarkForMonitoring"\n"a.example,"x', /not a table/],
  ['picture.bin', Buffer.from([0x89, 0x50, 0x00, 0xff, 0x81, 0x00]), /not text|neither/],
] as const) {
  test(`${name} is refused in words`, async () => {
    const { exit, text } = await take(home(), [source(name, bytes)]);
    assert.equal(exit, 2);
    assert.match(text, said);
    assert.match(text, new RegExp(`${name}: `));
  });
}

test('over the API only files of the folder import/ are read, and links out of it are not followed', async () => {
  const dir = home({ 'secrets/s': 'hunter2', 'import/allowed.csv': 'Domain,ProxyFqdn,MarkForMonitoring\na.example,,False\n' });
  symlinkSync(join(dir, 'secrets/s'), join(dir, 'import/link.json'));
  const operations = commandLineOperations(dir, keep(folder), (table, one) => judgeTest(table, one, 0));
  const overApi = { ...operations, actor: { name: 'token', role: 'operator', via: 'api' } as const };
  const call = (file: string) => partnerImport.run(overApi, partnerImport.input.parse({ files: [file], dryRun: true }));
  assert.equal((await call('allowed.csv')).exit, 0);
  for (const file of ['../secrets/s', 'link.json', join(dir, 'secrets/s'), '/etc/hostname', 'nothing.csv']) {
    const { exit, text } = await call(file);
    assert.equal(exit, 2);
    assert.match(text, /is not a file in/);
  }
  operations.close();
});
