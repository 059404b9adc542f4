import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { showFinding } from '../../src/config/finding.ts';
import type { Loaded } from '../../src/config/load.ts';
import { checkOnly } from '../config/example.ts';
import { makeCa } from '../support/ca.ts';

const DOMAINS = [
  'domains:',
  '  corp.example: { served: sip, nextHop: tls://fe1.corp.example, acceptFrom: fe1.corp.example, aliases: old.example }',
  '  chat.example: { served: xmpp, certificate: chat, component: { name: i.chat.example, dial: plain://10.0.0.30, secret: { secret: chat } } }',
].join('\n');
const AUTHORITY = 'authorities: { directory: "https://ca.example/directory", termsAgreed: true }';

const load = (acme: string, more: Readonly<Record<string, string>> = {}): Loaded =>
  checkOnly({ 'routes/domains.yaml': DOMAINS, 'certs/acme.yaml': acme, 'secrets/chat': '', 'secrets/tsig': '', ...more });
const told = (acme: string, more: Readonly<Record<string, string>> = {}): string =>
  load(acme, more)
    .faults.filter(({ file }) => file === 'certs/acme.yaml')
    .map(showFinding)
    .join('\n');

test('the least that must be written; the names are what our domains need', () => {
  const loaded = load(
    `${AUTHORITY}\ncertificates:\n  main: { challenge: { type: http-01 } }\n  chat: { challenge: { type: tls-alpn-01 } }\n`,
    {
      'isthmus.yaml': 'edge: { host: edge.corp.example }',
    },
  );
  assert.ok(loaded.ok, loaded.faults.map(showFinding).join('\n'));
  const { acme } = loaded.home;
  assert.deepEqual(acme?.authorities, [
    {
      name: 'ca.example',
      directory: 'https://ca.example/directory',
      contact: [],
      where: { file: 'certs/acme.yaml', key: '/authorities/0', line: 1 },
    },
  ]);
  const [main, chat] = acme.certificates;
  assert.deepEqual(main, {
    name: 'main',
    names: ['corp.example', 'sip.corp.example', 'old.example', 'sip.old.example', 'edge.corp.example'],
    key: 'ecdsa-p256',
    reuseKey: false,
    challenge: { type: 'http-01', address: '*', port: 80 },
    where: { file: 'certs/acme.yaml', key: '/certificates/main', line: 3 },
  });
  // chat.example names its own pair; the others do not want it, and could show it all the same.
  assert.ok(chat?.names.includes('chat.example') === true);
  assert.deepEqual(chat.challenge, { type: 'tls-alpn-01', address: '*', port: 443 });
  assert.deepEqual(
    loaded.notices.filter(({ level }) => level === 'notYet'),
    [],
  );
});

test('everything that can be written', () => {
  const loaded = load(
    [
      'authorities:',
      '  - { name: first, directory: "https://ca.example/dir", contact: "mailto:hostmaster@corp.example", termsAgreed: true, profile: shortlived,',
      '      trust: certs/trust/inside/ca.pem, externalAccount: { kid: abc, hmac: { secret: tsig } } }',
      '  - { directory: "https://other.example:8443/dir", termsAgreed: true }',
      'certificates:',
      '  main:',
      '    names: ["*.Corp.example", corp.example]',
      '    key: rsa-3072',
      '    reuseKey: true',
      '    renewBefore: 20d',
      '    challenge: { type: dns-01, wait: 5m, update: { server: ns1.corp.example, zone: corp.example, key: isthmus, secret: { secret: tsig } } }',
      '  second: { names: x.corp.example, challenge: { type: dns-01, hook: [/usr/local/bin/dns, --zone, corp.example] } }',
      '  third: { enabled: false, challenge: { type: http-01 } }',
    ].join('\n'),
    { 'certs/trust/inside/ca.pem': makeCa('Private').rootPem },
  );
  assert.ok(loaded.ok, loaded.faults.map(showFinding).join('\n'));
  const { acme } = loaded.home;
  assert.deepEqual(
    acme?.authorities.map(({ where: _, ...authority }) => authority),
    [
      {
        name: 'first',
        directory: 'https://ca.example/dir',
        contact: ['mailto:hostmaster@corp.example'],
        externalAccount: { kid: 'abc', secret: 'tsig' },
        trust: '/etc/isthmus/certs/trust/inside/ca.pem',
        profile: 'shortlived',
      },
      { name: 'other.example-8443', directory: 'https://other.example:8443/dir', contact: [] },
    ],
  );
  assert.equal(acme.certificates.length, 2);
  assert.deepEqual(acme.certificates[0]?.names, ['*.corp.example', 'corp.example']);
  assert.equal(acme.certificates[0].renewBeforeMs, 20 * 86_400_000);
  assert.deepEqual(acme.certificates[0].challenge, {
    type: 'dns-01',
    means: {
      kind: 'update',
      update: {
        server: { host: 'ns1.corp.example', port: 53 },
        zone: 'corp.example',
        key: { name: 'isthmus', algorithm: 'hmac-sha256', secret: 'tsig' },
        ttlSeconds: 60,
      },
    },
    waitMs: 300_000,
  });
  assert.deepEqual(acme.certificates[1]?.challenge, {
    type: 'dns-01',
    means: { kind: 'hook', command: ['/usr/local/bin/dns', '--zone', 'corp.example'] },
    waitMs: 120_000,
  });
});

const CERTIFICATE = 'certificates: { main: { challenge: { type: http-01 } } }';
const withChallenge = (challenge: string, names = 'x.corp.example'): string =>
  `${AUTHORITY}\ncertificates:\n  main: { names: "${names}", challenge: ${challenge} }`;
const FAULTS: readonly [string, string, RegExp][] = [
  [
    'no agreement to the terms',
    `authorities: { directory: "https://ca.example/d" }\n${CERTIFICATE}`,
    /^certs\/acme.yaml:1:\d+: fault: "termsAgreed" is missing; termsAgreed: true, written by whoever has read/,
  ],
  [
    'terms not agreed',
    `authorities: { directory: "https://ca.example/d", termsAgreed: false }\n${CERTIFICATE}`,
    /fault: false; true, written by whoever has read the CA's terms/,
  ],
  [
    'http',
    `authorities: { directory: "http://ca.example/d", termsAgreed: true }\n${CERTIFICATE}`,
    /ACME is HTTPS only.* Did you mean "https:\/\/ca.example\/d"/,
  ],
  [
    'a misspelt key',
    `authorities: { directry: "https://ca.example/d", termsAgreed: true }\n${CERTIFICATE}`,
    /unknown key "directry".*Did you mean "directory"/,
  ],
  [
    'a literal secret',
    `authorities: { directory: "https://ca.example/d", termsAgreed: true, externalAccount: { kid: a, hmac: c2VjcmV0 } }\n${CERTIFICATE}`,
    /a secret written into the file/,
  ],
  [
    'two of one name',
    `authorities:\n  - { directory: "https://ca.example/d", termsAgreed: true }\n  - { directory: "https://ca.example/e", termsAgreed: true }\n${CERTIFICATE}`,
    /:3:\d+: fault: the name ca.example a second time/,
  ],
  [
    'roots that are not there',
    `authorities: { directory: "https://ca.example/d", termsAgreed: true, trust: certs/trust/edge/none.pem }\n${CERTIFICATE}`,
    /certs\/trust\/edge\/none.pem is not there/,
  ],
  ['no authority', `authorities: []\n${CERTIFICATE}`, /fault: no authority/],
  ['an unknown challenge', withChallenge('{ type: dns-1 }'), /"dns-1"; one of http-01, tls-alpn-01, dns-01. Did you mean "dns-01"/],
  ['a wildcard over http', withChallenge('{ type: http-01 }', '*.corp.example'), /\*\.corp.example with http-01; a wildcard needs/],
  ['dns-01 without a way', withChallenge('{ type: dns-01 }'), /dns-01 without a way to write the record; exactly one of hook: and update:/],
  [
    'both ways',
    withChallenge('{ type: dns-01, hook: /bin/a, update: { server: a.example, zone: b.example, key: k, secret: { secret: tsig } } }'),
    /hook and update together/,
  ],
  ['a hook by its name only', withChallenge('{ type: dns-01, hook: dns.sh }'), /"dns.sh"; the full path of a program/],
  ['waiting for a day', withChallenge('{ type: dns-01, hook: /bin/a, wait: 1d }'), /more than an hour; at most 1h/],
  [
    'an address that the edge has',
    withChallenge('{ type: tls-alpn-01, listen: "tls://*:5061" }'),
    /tls:\/\/\*:5061 overlaps tls:\/\/\*:5061 of isthmus.yaml/,
  ],
  ['an address as name', withChallenge('{ type: http-01 }', '192.0.2.1'), /"192.0.2.1"; a domain name such as corp.example/],
  [
    'a folder that is none',
    `${AUTHORITY}\ncertificates: { "../etc": { challenge: { type: http-01 } } }`,
    /"..\/etc"; the folder in certs\/own/,
  ],
];
for (const [what, acme, says] of FAULTS) {
  test(`is refused with words: ${what}`, () => assert.match(told(acme), says));
}

test('what renewal will bring is told as coming, and keeps no set from taking effect', () => {
  const now = makeCa('Enterprise').issue({ names: ['corp.example'], notBefore: new Date('2026-09-01'), notAfter: new Date('2027-09-01') });
  const loaded = load(`${AUTHORITY}\ncertificates:\n  main: { challenge: { type: http-01 } }\n  chat: { challenge: { type: http-01 } }`, {
    'isthmus.yaml': 'edge: { host: new-edge.corp.example, identity: main }',
    'certs/own/by-hand/fullchain.pem': now.chainPem,
    'certs/own/by-hand/key.pem': now.keyPem,
  });
  assert.deepEqual(loaded.faults, []);
  const told = loaded.notices.filter(({ code }) => code === 'CONFIG_CERTIFICATE').map(showFinding);
  assert.match(told.join('\n'), /isthmus.yaml:1:\d+: warning: no certificate in certs\/own names new-edge.corp.example/);
  assert.match(
    told.join('\n'),
    /no valid certificate of ours names old.example; certs\/acme.yaml asks for it: isthmus cert renew gets it now/,
  );
});

test('a secret that is not there yet is a warning', () => {
  const acme = withChallenge('{ type: dns-01, update: { server: a.example, zone: b.example, key: k, secret: { secret: tsgi } } }');
  const loaded = load(acme);
  assert.ok(loaded.ok);
  const notice = loaded.notices.find(({ file }) => file === 'certs/acme.yaml');
  assert.equal(notice?.code, 'CONFIG_SECRET_MISSING');
  assert.equal(notice.meant, 'tsig');
});

test('the example in certs/ says what it means when it is made real', () => {
  const example = readFileSync(join(import.meta.dirname, '../../certs/acme.yaml.example'), 'utf8');
  const loaded = load(example);
  assert.deepEqual(loaded.faults, []);
  assert.ok(loaded.ok && loaded.home.acme !== undefined && loaded.home.acme.certificates.length > 0);
  // Every commented key of it is a key that there is.
  const uncommented = (text: string): string => text.replaceAll(/^(\s*)# /gm, '$1');
  const [head = '', active = '', ...others] = example.split(/^(?= {4}(?:# )?challenge:)/m);
  const every = uncommented(head.split('\n').slice(3).join('\n'));
  assert.equal(others.length, 3);
  for (const challenge of [active, ...others.map(uncommented)]) {
    const real = load(every + challenge, { 'secrets/acme-hmac': '' });
    assert.deepEqual(real.faults, [], challenge);
    assert.ok(real.ok);
    assert.equal(real.home.acme?.authorities.length, 3);
    assert.equal(real.home.acme.certificates[0]?.key, 'rsa-2048');
  }
});
