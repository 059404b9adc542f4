import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadHome } from '../../src/config/load.ts';
import type { Partner } from '../../src/model/table.ts';
import { check, checkOnly, EXAMPLE_HOME, exampleText, exampleWith, NOW_MS } from './example.ts';

const loaded = loadHome(EXAMPLE_HOME, { nowMs: NOW_MS });

test('the example home is understood in full', () => {
  assert.deepEqual(loaded.faults, []);
});

test('what it asks for and this version does not do is named as not yet, and where', () => {
  const later = loaded.notices.filter((notice) => notice.level === 'notYet').map(({ file, line }) => `${file}:${line}`);
  assert.deepEqual(later, ['routes/partners/lync.example.yaml:3']);
});

test('with every commented line of the example made real it is understood too', () => {
  const real = (path: string, ...lines: [string, string][]) =>
    lines.reduce((text, [from, to]) => replaced(text, from, to), exampleText(path));
  const files = exampleWith({
    'isthmus.yaml': real(
      'isthmus.yaml',
      ['  # identity: corp ', '  identity: corp '],
      ['  # proxyProtocolFrom', '  proxyProtocolFrom'],
      ['  # component: plain', '  component: plain'],
      ['  # drachtio:', '  drachtio:'],
      ['outbound: {} ', 'outbound: { sourceAddress: 203.0.113.5, httpProxy: "http://10.0.0.9:3128" } '],
      ['dns: {}', 'dns: { servers: 10.0.0.2 }'],
      ['admin: unix:var/admin.sock', 'admin: https://10.0.0.5:8443'],
    ),
    'routes/domains.yaml': real(
      'routes/domains.yaml',
      ['    # aliases', '    aliases'],
      ['    # sameProtocol', '    sameProtocol'],
      ['    # otherwise', '    otherwise'],
    ),
    'routes/partners/lync.example.yaml': real('routes/partners/lync.example.yaml', ['  # queuedAnswer', '  queuedAnswer']),
    'routes/partners/partner.example.yaml': real(
      'routes/partners/partner.example.yaml',
      ['# paused', 'paused'],
      ['# idleWatcherDays: 7', 'idleWatcherDays: 9'],
    ),
    'routes/policy.yaml': real('routes/policy.yaml', ['traders: [nora@corp.example, omar@corp.example]', 'traders: { file: traders.csv }']),
    'routes/traders.csv': 'user,name\nnora@corp.example,Nora\nOmar@corp.example;"Omar"\n# nobody\n',
  });
  const result = check(files);
  assert.deepEqual(result.faults, []);
  assert.ok(result.ok);
  assert.deepEqual([...(result.table.policy.groups.get('traders') ?? [])], ['nora@corp.example', 'omar@corp.example']);
  assert.equal(result.table.domains.get('old-corp.example')?.domain, 'corp.example');
  assert.equal(result.table.partners.get('partner.example')?.idleWatcherDays, 9);
  assert.deepEqual(result.table.partners.get('partner.example')?.paused, { messages: 'hold', untilMs: Date.parse('2026-12-01T06:00:00Z') });
  assert.deepEqual(result.home.dns.servers, [{ host: '10.0.0.2', port: 53 }]);
  assert.deepEqual(result.home.outbound, { sourceAddress: ['203.0.113.5'], httpProxy: { host: '10.0.0.9', port: 3128 } });
  assert.equal(result.home.admin.https?.binds[0]?.port, 8443);
  assert.deepEqual(result.home.edge.proxyProtocolFrom, ['10.0.0.4/32']);
});

function replaced(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `the example has no "${from}"`);
  return text.replace(from, to);
}

test('our domains come out as written', () => {
  assert.ok(loaded.ok);
  const { domains } = loaded.table;
  assert.deepEqual([...domains.keys()], ['corp.example', 'chat.example', 'people.example']);
  assert.deepEqual(domains.get('corp.example'), {
    domain: 'corp.example',
    aliases: [],
    served: 'sip',
    nextHop: [
      { host: 'fe1.corp.example', port: 5061, transport: 'tls' },
      { host: 'fe2.corp.example', port: 5061, transport: 'tls' },
    ],
    acceptFrom: ['fe1.corp.example', 'fe2.corp.example'],
    gr: true,
    sameProtocol: false,
    where: { file: 'routes/domains.yaml', key: '/domains/corp.example', line: 3 },
  });
  assert.deepEqual(domains.get('chat.example')?.component, {
    name: 'isthmus.chat.example',
    dial: { host: '10.0.0.30', port: 5347 },
    secret: 'chat-component',
  });
});

test('a partner is found by each of its domains, with what its file says', () => {
  assert.ok(loaded.ok);
  const { partners } = loaded.table;
  const partner = partners.get('conference.partner.example');
  assert.equal(partner, partners.get('partner.example'));
  assert.deepEqual(partner?.prefer, ['xmpp', 'sip']);
  assert.deepEqual(partner?.allow, { messages: 'both', theySee: ['availability', 'note'], weSee: true, firstContact: 'anyone' });
  assert.deepEqual(partner?.limits, { messageBytes: 65_536, messagesPerSecond: 100 });
  const lync = partners.get('lync.example');
  assert.deepEqual(lync?.prefer, ['sip']);
  assert.deepEqual(lync?.sip.hosts, [{ host: 'sip.lync.example', port: 5061 }]);
  assert.deepEqual(lync?.sip.names, ['sip.lync.example']);
  assert.equal(lync?.sip.queuedAnswer, 200);
  const old = partners.get('old.example');
  assert.deepEqual(old?.prefer, ['xmpp']);
  assert.equal(old?.xmpp.proof, 'dialback');
});

test('policy comes out as written, with the line of every entry', () => {
  assert.ok(loaded.ok);
  const { policy } = loaded.table;
  assert.equal(policy.federation, 'closed');
  assert.deepEqual(policy.federationWhere, { file: 'routes/policy.yaml', key: '/federation', line: 2 });
  assert.deepEqual(
    policy.blocked.map(({ where, ...block }) => ({ ...block, line: where.line })),
    [
      { domain: 'spam.example', subdomains: true, line: 4 },
      { user: 'mallory@partner.example', subdomains: false, untilMs: Date.parse('2026-12-24T06:00:00Z'), line: 5 },
      { address: '198.51.100.0/24', subdomains: false, line: 6 },
    ],
  );
  assert.deepEqual(policy.rules[0]?.who, { kind: 'group', group: 'traders' });
  assert.deepEqual(policy.rules[0]?.with, { kind: 'domain', domain: 'bank.example' });
  assert.deepEqual(policy.rules[1], {
    who: { kind: 'user', user: 'nora@corp.example' },
    with: { kind: 'domain', domain: 'partner.example' },
    theySee: [],
    where: { file: 'routes/policy.yaml', key: '/rules/1', line: 18 },
  });
  assert.deepEqual(policy.rules[2]?.with, { kind: 'listed' });
  assert.equal(policy.tests.length, 2);
});

// --- the table of defaults in the example's README ------------------------------------------------------------

const DOMAINS = 'domains: { corp.example: { served: sip, nextHop: tls://fe1.corp.example, acceptFrom: fe1.corp.example } }';

function onePartner(text: string, policy?: string): Partner {
  const result = checkOnly({
    'routes/domains.yaml': DOMAINS,
    'routes/partners/partner.example.yaml': text,
    ...(policy !== undefined && { 'routes/policy.yaml': policy }),
  });
  assert.deepEqual(result.faults, []);
  assert.ok(result.ok);
  return result.table.partners.get('partner.example') as Partner; // its file is there and has no fault
}

test('without policy.yaml federation is closed, and every user may use listed partners', () => {
  const result = checkOnly({ 'routes/domains.yaml': DOMAINS });
  assert.ok(result.ok);
  assert.equal(result.table.policy.federation, 'closed');
  assert.deepEqual(result.table.policy.rules, []);
  assert.deepEqual(result.table.policy.federationWhere, { file: 'routes/policy.yaml', key: '' });
});

test('an empty partner file is a whole partner', () => {
  const partner = onePartner('');
  assert.deepEqual(partner.domains, ['partner.example']);
  assert.deepEqual(partner.prefer, ['xmpp', 'sip']);
  assert.deepEqual(partner.allow, { messages: 'both', theySee: ['availability'], weSee: true, firstContact: 'anyone' });
  assert.deepEqual(partner.limits, { messageBytes: 65_536 });
  const face = { hosts: [], names: [], clientEku: 'ignore', pins: [], tlsAtLeast: 'TLSv1.2', revocation: 'soft', proof: 'certificate' };
  assert.deepEqual(partner.sip, { ...face, dialect: 'standard', queuedAnswer: 202, gr: true, use6xx: false });
  assert.deepEqual(partner.xmpp, { ...face, posh: false });
  assert.equal(partner.idleWatcherDays, 7);
  assert.equal(partner.allowPrivateAddresses, false);
  assert.equal(partner.enabled, true);
});

test('what the partner leaves out of allow comes from policy.yaml, key by key, and says where it stands', () => {
  const policy = 'listed:\n  allow: { messages: fromThem, weSee: false }\n  limits: { messageSize: 8KiB }\n';
  const partner = onePartner('allow: { weSee: true }', policy);
  assert.deepEqual(partner.allow, { messages: 'fromThem', theySee: ['availability'], weSee: true, firstContact: 'anyone' });
  assert.equal(partner.limits.messageBytes, 8192);
  assert.deepEqual(partner.sources.get('allow.messages'), { file: 'routes/policy.yaml', key: '/listed/allow/messages', line: 2 });
  assert.deepEqual(partner.sources.get('allow.weSee'), { file: 'routes/partners/partner.example.yaml', key: '/allow/weSee', line: 1 });
  assert.deepEqual(partner.sources.get('allow.theySee'), { file: 'routes/partners/partner.example.yaml', key: '/allow/theySee' });
});

test("how much one sender and one pair of users may send is written in a partner's file, or for all of them", () => {
  const policy = 'listed:\n  limits: { senderMessagesPerSecond: 20, pairMessagesPerSecond: 8 }\n';
  const { limits } = onePartner('limits: { senderMessagesPerSecond: 50 }', policy);
  assert.deepEqual(limits, { messageBytes: 65_536, senderMessagesPerSecond: 50, pairMessagesPerSecond: 8 });
});

test('an unproven partner starts with firstContact: localUserInvites', () => {
  assert.equal(onePartner('xmpp: { proof: dialback }').allow.firstContact, 'localUserInvites');
  assert.equal(onePartner('{ prefer: sip, sip: {} }').allow.firstContact, 'anyone');
});

test('queuedAnswer is 202, 200 with dialect: lync, and what the file says', () => {
  assert.equal(onePartner('sip: { dialect: standard }').sip.queuedAnswer, 202);
  assert.equal(onePartner('sip: { dialect: lync }').sip.queuedAnswer, 200);
  assert.equal(onePartner('sip: { dialect: lync, queuedAnswer: 480 }').sip.queuedAnswer, 480);
});

test('discovered partners are limited as in policy.yaml, and by default as Lync did', () => {
  const result = checkOnly({ 'routes/domains.yaml': DOMAINS, 'routes/policy.yaml': 'federation: discovered' });
  assert.ok(result.ok);
  const { protocols, allow, limits } = result.table.policy.discovered;
  assert.deepEqual(protocols, ['xmpp', 'sip']);
  assert.deepEqual(allow, { messages: 'both', theySee: ['availability'], weSee: true, firstContact: 'localUserInvites' });
  assert.deepEqual(limits, { messageBytes: 65_536, distinctTargets: 1000, messagesPerSecond: 20, suspiciousMessagesPerSecond: 1 });
});

test('isthmus.yaml may be missing: the edge listens everywhere on the usual ports', () => {
  const result = checkOnly({ 'routes/domains.yaml': DOMAINS });
  assert.ok(result.ok);
  const show = (binds: readonly { transport: string; address: string; port: number }[]) =>
    binds.map((b) => `${b.transport}://${b.address}:${b.port}`);
  const { home } = result;
  assert.deepEqual(show(home.edge.sip), ['tls://*:5061']);
  assert.deepEqual(show(home.edge.xmpp), ['starttls://*:5269', 'tls://*:5270']);
  assert.deepEqual(home.inside.sip, []);
  assert.deepEqual(home.admin, { socket: '/etc/isthmus/var/admin.sock' });
  assert.equal(home.data, '/etc/isthmus/var');
  assert.deepEqual(home.retention, {
    ledgerMs: 30 * 86_400_000,
    decisionsMs: 14 * 86_400_000,
    queuedMs: 86_400_000,
    requestsMs: 14 * 86_400_000,
    historyMs: 365 * 86_400_000,
    uploadsMs: 30 * 86_400_000,
  });
  assert.equal(home.reload, 'onApply');
  assert.equal(home.log.level, 'info');
  assert.equal(home.edge.host, 'corp.example');
});

test('enabled: false takes an entry out, wherever it stands', () => {
  const result = check(
    exampleWith({
      'routes/policy.yaml': exampleText('routes/policy.yaml')
        .replace('{ domain: spam.example,', '{ enabled: false, domain: spam.example,')
        .replace('{ who: everyone,', '{ enabled: false, who: everyone,'),
      'routes/partners/old.example.yaml': 'enabled: false\nxmpp: { proof: dialback }',
      'isthmus.yaml': exampleText('isthmus.yaml').replace('inside: ', 'inside:\n  enabled: false #'),
    }),
  );
  assert.ok(result.ok);
  assert.equal(result.table.policy.blocked.length, 2);
  assert.equal(result.table.policy.rules.length, 2);
  assert.equal(result.table.partners.get('old.example')?.enabled, false);
  assert.deepEqual(result.home.inside.sip, []);
});

test('any spelling of a domain is the same domain', () => {
  const result = checkOnly({
    'routes/domains.yaml': 'domains: { "Bücher.Example": { served: sip, nextHop: tls://fe1.corp.example, acceptFrom: FE1.corp.example } }',
    'routes/partners/MÜNCHEN.example.yaml': '',
  });
  assert.ok(result.ok);
  assert.ok(result.table.domains.has('xn--bcher-kva.example'));
  assert.ok(result.table.partners.has('xn--mnchen-3ya.example'));
  assert.deepEqual(result.table.domains.get('xn--bcher-kva.example')?.acceptFrom, ['fe1.corp.example']);
});

test('the set carries the number it was given', () => {
  const result = check(exampleWith({}), { generation: 7 });
  assert.ok(result.ok && result.table.generation === 7);
});
