import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HomeFile } from '../../src/config/files.ts';
import { showFinding } from '../../src/config/finding.ts';
import { checkHome } from '../../src/config/load.ts';
import { makeCa } from '../support/ca.ts';
import { EXAMPLE_HOME, exampleText, exampleWith } from './example.ts';

const DAY_MS = 86_400_000;
const ca = makeCa('Test CA');
const names = ['edge.corp.example', 'corp.example', 'chat.example', 'people.example', 'im.people.example'];
const good = ca.issue({ names });

function withPair(pair: Readonly<Record<string, string | HomeFile>>, isthmus = exampleText('isthmus.yaml')) {
  const files = new Map(exampleWith({ 'isthmus.yaml': isthmus }));
  for (const [path, file] of Object.entries(pair)) files.set(path, typeof file === 'string' ? { text: file, mode: 0o600 } : file);
  const result = checkHome(EXAMPLE_HOME, files);
  return { ...result, told: [...result.faults, ...result.notices].map(showFinding).join('\n') };
}
const pair = (issued: { chainPem: string; keyPem: string }, name = 'main') => ({
  [`certs/own/${name}/fullchain.pem`]: issued.chainPem,
  [`certs/own/${name}/key.pem`]: issued.keyPem,
});

test('a pair that names every domain leaves nothing to say about certificates', () => {
  const { ok, told } = withPair(pair(good));
  assert.ok(ok, told);
  assert.doesNotMatch(told, /certificate of ours|certs\/own/);
});

test('edge.host must be a name in our certificate', () => {
  const { faults } = withPair(pair(ca.issue({ names: ['corp.example', 'sip.corp.example'] })));
  assert.equal(faults.length, 1);
  assert.equal(`${faults[0]?.file}:${faults[0]?.line}:${faults[0]?.column}`, 'isthmus.yaml:5:9');
  assert.match(faults[0]?.found ?? '', /no certificate in certs\/own names edge\.corp\.example/);
  assert.match(faults[0]?.right ?? '', /sip\.corp\.example/);
});

test('without edge.host the first name of the certificate that covers most of our domains is taken', () => {
  const files = {
    ...pair(ca.issue({ names: ['other.example'] }), 'aaa'),
    ...pair(ca.issue({ names: ['sip.corp.example', 'corp.example', 'chat.example'] })),
  };
  const result = withPair(files, 'edge: {}');
  assert.ok(result.ok, result.told);
  assert.equal(result.home.edge.host, 'sip.corp.example');
});

test('a key that others can read is a fault with the command that mends it', () => {
  const { faults } = withPair({ ...pair(good), 'certs/own/main/key.pem': { text: good.keyPem, mode: 0o640 } });
  assert.deepEqual(faults.map(showFinding), [
    'certs/own/main/key.pem:1:1: fault: the key has mode 0640, others can read it; chmod 600 certs/own/main/key.pem.',
  ]);
});

test('a secret that others can read is a fault', () => {
  const { told } = withPair({ 'secrets/chat-component': { text: '', mode: 0o644 } });
  assert.match(told, /secrets\/chat-component:1:1: fault: mode 0644/);
});

const BROKEN: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
  [
    "somebody else's key",
    { ...pair(good), 'certs/own/main/key.pem': ca.issue({ names }).keyPem },
    /key\.pem:1:1: fault: the key does not match/,
  ],
  ['no key', { 'certs/own/main/fullchain.pem': good.chainPem }, /key\.pem:1:1: fault: the file is missing/],
  [
    'an encrypted key',
    { ...pair(good), 'certs/own/main/key.pem': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n' },
    /the key is encrypted/,
  ],
  [
    'a chain that is no certificate',
    { ...pair(good), 'certs/own/main/fullchain.pem': 'hello' },
    /fullchain\.pem:1:1: fault: no certificate in it/,
  ],
  ['a pair directly in certs/own', { 'certs/own/fullchain.pem': good.chainPem }, /a file directly in certs\/own/],
];
for (const [title, files, found] of BROKEN) {
  test(`${title} is a fault`, () => {
    const { ok, told } = withPair(files);
    assert.equal(ok, false);
    assert.match(told, found);
  });
}

test('an expired pair covers nothing, one that expires soon is told', () => {
  const expired = withPair(
    pair(ca.issue({ names, notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) })),
  );
  assert.match(expired.told, /the certificate expired on/);
  assert.match(expired.told, /no valid certificate of ours names corp\.example/);
  const soon = withPair(pair(ca.issue({ names, notAfter: new Date(Date.now() + 3 * DAY_MS) })));
  assert.match(soon.told, /warning: the certificate expires on/);
});

test('a certificate is told 30, 14 and 3 days ahead, a root of ours too', () => {
  const ending = (days: number) => ({ names, notAfter: new Date(Date.now() + (days + 0.5) * DAY_MS) });
  assert.doesNotMatch(withPair(pair(ca.issue(ending(31)))).told, /expires/);
  assert.match(withPair(pair(ca.issue(ending(29)))).told, /warning: the certificate expires on .*, in 29 days; renew it; isthmus cert/);
  assert.match(withPair(pair(ca.issue(ending(2)))).told, /expires on .*, in 2 days; renew it now/);
  const root = ca.root.authority('Short', { notAfter: new Date(Date.now() + 9.5 * DAY_MS) }).certPem;
  const { ok, told } = withPair({ ...pair(good), 'certs/trust/edge/short.pem': root });
  assert.ok(ok);
  assert.match(told, /certs\/trust\/edge\/short\.pem:1:1: warning: the certificate expires on .*, in 9 days/);
});

test('a key that waits, the pair before and a pair in the middle of its replacement are no faults', () => {
  const next = ca.issue({ names });
  const waiting = withPair({ ...pair(good), 'certs/own/later/next/key.pem': next.keyPem, 'certs/own/later/next/request.pem': 'CSR' });
  assert.ok(waiting.ok, waiting.told);
  assert.doesNotMatch(waiting.told, /certs\/own/);
  const half = {
    ...pair(good),
    'certs/own/main/fullchain.pem': next.chainPem,
    'certs/own/main/next/arriving.pem': next.keyPem,
    'certs/own/main/previous/fullchain.pem': good.chainPem,
    'certs/own/main/previous/key.pem': good.keyPem,
  };
  assert.ok(withPair(half).ok);
  const open = withPair({ ...half, 'certs/own/main/previous/key.pem': { text: good.keyPem, mode: 0o644 } });
  assert.match(open.told, /certs\/own\/main\/previous\/key\.pem:1:1: fault: the key has mode 0644/);
});

test('a chain without its issuer is told', () => {
  assert.match(withPair(pair({ ...good, chainPem: good.certPem })).told, /the chain is incomplete: .*append that of "CN=Test CA Issuing"/);
});

test('a root of ours that issued the certificate itself is not missed in the chain', () => {
  const direct = ca.root.issue({ names });
  assert.match(withPair(pair(direct)).told, /the chain is incomplete/);
  assert.doesNotMatch(withPair({ ...pair(direct), 'certs/trust/edge/ca.pem': ca.rootPem }).told, /the chain is incomplete/);
  assert.match(withPair({ ...pair(direct), 'certs/trust/edge/ca.pem': makeCa('Test CA').rootPem }).told, /the chain is incomplete/);
});

test('a chosen pair that is not there is a fault with the nearest name', () => {
  const { told, ok } = withPair(pair(good), exampleText('isthmus.yaml').replace('  # identity: corp', '  identity: mian'));
  assert.equal(ok, false);
  assert.match(told, /isthmus\.yaml:6:13: fault: certs\/own\/mian is not there; one of main\. Did you mean "main"\?/);
});

test('roots on each side and for a partner are taken', () => {
  const { told, ok } = withPair({
    ...pair(good),
    'certs/trust/edge/ca.pem': ca.rootPem,
    'certs/trust/inside/ca.pem': ca.rootPem,
    'certs/trust/partners/conference.partner.example/ca.pem': ca.rootPem,
    'certs/trust/README.md': 'for people',
  });
  assert.ok(ok, told);
});

test('clients.host must be a name in our certificate, or clients refuse it', () => {
  const { ok, told } = withPair(pair(ca.issue({ names: names.filter((name) => name !== 'im.people.example') })));
  assert.ok(ok, told);
  assert.match(
    told,
    /isthmus\.yaml:\d+:\d+: warning: no certificate in certs\/own names im\.people\.example; browsers and SIP clients refuse it/,
  );
});

test('a domain served: core without a place for its clients is told', () => {
  assert.match(
    withPair({}, '').told,
    /routes\/domains\.yaml:\d+:\d+: warning: people\.example is served: core, and there is no place for its clients/,
  );
  assert.doesNotMatch(withPair({}, 'clients: { sip: tls://192.0.2.1:5063 }').told, /no place for its clients/);
});

test('files cannot be shared without clients.web', () => {
  const uploads = 'clients: { uploads: { size: 5MiB } }';
  assert.match(withPair({}, uploads).told, /isthmus\.yaml:1:\d+: warning: clients\.uploads without clients\.web/);
  assert.doesNotMatch(withPair({}, 'clients: { web: "https://*:443", uploads: { size: 5MiB } }').told, /clients\.uploads/);
});
