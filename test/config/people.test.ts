// people/: custom states, the directory, and access policies as rules, with their faults.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIRECTORY_GROUPS, type HomeFiles } from '../../src/config/files.ts';
import { showFinding } from '../../src/config/finding.ts';
import { checkHome, type Loaded } from '../../src/config/load.ts';
import type { Address } from '../../src/model/address.ts';
import { partnerOf } from '../../src/routing/partner.ts';
import { effective } from '../../src/routing/rules.ts';

const BASE: Readonly<Record<string, string>> = {
  'routes/domains.yaml':
    'domains:\n  people.example: { served: core }\n  corp.example: { served: sip, nextHop: tls://fe1.corp.example:5061 }\n',
  'routes/policy.yaml': [
    'groups:',
    '  traders: [nora@people.example, omar@people.example]',
    '  interns: [li@people.example, omar@people.example]',
    '',
  ].join('\n'),
  'routes/partners/bank.example.yaml': 'prefer: [xmpp]\n',
  'routes/partners/shop.example.yaml': 'prefer: [sip]\n',
};

function load(files: Readonly<Record<string, string>>): Loaded {
  const picture: HomeFiles = new Map(
    Object.entries({ ...BASE, ...files }).map(([path, text]) => [path, { text, mode: path.startsWith('secrets/') ? 0o600 : 0o644 }]),
  );
  return checkHome('/home', picture, { nowMs: 0 });
}
function good(files: Readonly<Record<string, string>>): Loaded & { readonly ok: true } {
  const loaded = load(files);
  assert.ok(loaded.ok, loaded.faults.map(showFinding).join('\n'));
  return loaded;
}
const faults = (files: Readonly<Record<string, string>>): string => load(files).faults.map(showFinding).join('\n');

test('custom states: in order, in every language', () => {
  const { home } = good({
    'people/states.yaml':
      'states:\n  customer: { class: busy, words: { en: With a customer, de: Beim Kunden } }\n  home: { class: available, words: Working from home }\n  old: { class: busy, words: x, enabled: false }\n',
  });
  assert.deepEqual(home.people.states, [
    { id: 'customer', class: 'busy', words: { en: 'With a customer', de: 'Beim Kunden', '': 'With a customer' } },
    { id: 'home', class: 'available', words: { '': 'Working from home' } },
  ]);
});

for (const [title, text, told] of [
  ['a state of a class that is none', 'states:\n  a: { class: away, words: x }\n', /states\.yaml:2:15.*available.*busy.*doNotDisturb/s],
  ['a text that is too long', `states:\n  a: { class: busy, words: { en: ${'x'.repeat(65)} } }\n`, /:2:.*at most 64 characters/s],
  ['five states', `states:\n${'abcde'.replaceAll(/./g, '  $&: { class: busy, words: x }\n')}`, /:6:3.*5 states.*at most 4/s],
  ['a built-in state', 'states:\n  Busy: { class: busy, words: x }\n', /:2:3.*"Busy" is a built-in state/s],
  ['a language that is none', 'states:\n  a: { class: busy, words: { deutsch_1: x } }\n', /:2:.*a language such as en/s],
] as const) {
  test(`${title} is a fault`, () => assert.match(faults({ 'people/states.yaml': text }), told));
}

test('a directory with the names of Active Directory', () => {
  const { home, notices } = good({
    'people/directory.yaml':
      'ldap:\n  url: [ldaps://dc1.corp.example, ldap://dc2.corp.example]\n  bindDn: isthmus@corp.local\n  password: { secret: directory }\n  base: dc=corp,dc=local\n  domains: { corp.local: people.example }\nsignIn: ldap\n',
    'secrets/directory': '',
  });
  const { directory } = home.people;
  assert.deepEqual(directory?.servers, [
    { scheme: 'ldaps', host: 'dc1.corp.example', port: 636 },
    { scheme: 'ldap', host: 'dc2.corp.example', port: 389 },
  ]);
  assert.equal(directory.domain, 'people.example');
  assert.deepEqual([...directory.domains], [['corp.local', 'people.example']]);
  assert.deepEqual(directory.attributes.address, ['userPrincipalName', 'uid']);
  assert.equal(directory.signIn, 'ldap');
  assert.doesNotMatch(notices.map(showFinding).join('\n'), /people\//);
});

for (const [title, text, told] of [
  ['a password in the file', 'ldap: { url: ldaps://a.example, base: dc=a, bindDn: x, password: geheim }\n', /:1:.*secrets\//s],
  ['a name without its password', 'ldap: { url: ldaps://a.example, base: dc=a, bindDn: x }\n', /one of bindDn and password alone/],
  [
    'a domain that the core does not serve',
    'ldap: { url: ldaps://a.example, base: dc=a, domain: corp.example }\n',
    /corp\.example is not served: core.*people\.example/s,
  ],
  ['a filter that is none', 'ldap: { url: ldaps://a.example, base: dc=a, filter: objectClass=person }\n', /filter in parentheses/],
  ['sign-in by a directory that is not there', 'signIn: ldap\n', /signIn: ldap without ldap:/],
  ['too often', 'ldap: { url: ldaps://a.example, base: dc=a, refresh: 1s }\n', /from 5s to 1d/],
] as const) {
  test(`${title} is a fault`, () => assert.match(faults({ 'people/directory.yaml': text }), told));
}

test('presence.yaml: what is left out has its default', () => {
  const { home } = good({ 'people/presence.yaml': 'contactsOnly: true\ninactiveAfter: 2m\n' });
  assert.deepEqual(home.people.presence, {
    contactsOnly: true,
    inactiveAfterMs: 120_000,
    awayAfterMs: 900_000,
    appearOffline: true,
    notes: 3,
  });
  assert.equal(good({ 'people/presence.yaml': 'enabled: false\ncontactsOnly: true\n' }).home.people.presence.contactsOnly, false);
});

for (const [title, text, told] of [
  ['away before inactive', 'inactiveAfter: 20m\n', /away before inactive.*longer than inactiveAfter/s],
  ['a time that is too short', 'inactiveAfter: 5s\n', /presence\.yaml:1:16.*at least 1m/s],
  ['more notes than may be', 'notes: 11\n', /presence\.yaml:1/],
  ['an unknown key', 'privacy: true\n', /privacy/],
] as const)
  test(`presence: ${title} is a fault`, () => assert.match(faults({ 'people/presence.yaml': text }), told));

test('calendars.yaml: by domain, by user, and none for one user', () => {
  const { home, notices } = good({
    'people/calendars.yaml': [
      'domains:',
      '  people.example: { url: "https://calendar.people.example/{local}.ics", token: { secret: calendars } }',
      'users:',
      '  nora@people.example: { file: calendars/nora.ics }',
      '  omar@people.example: { enabled: false }',
      'refresh: 10m',
      'subjects: false',
      '',
    ].join('\n'),
  });
  const { calendars } = home.people;
  assert.deepEqual(calendars?.domains.get('people.example'), {
    url: 'https://calendar.people.example/{local}.ics',
    token: 'calendars',
    privateAddress: false,
  });
  assert.deepEqual(calendars?.users.get('nora@people.example'), { file: 'calendars/nora.ics', privateAddress: false });
  assert.ok(calendars?.users.has('omar@people.example') && calendars.users.get('omar@people.example') === undefined);
  assert.deepEqual([calendars?.refreshMs, calendars?.keepMs, calendars?.subjects], [600_000, 43_200_000, false]);
  assert.match(notices.map(showFinding).join('\n'), /secrets\/calendars is not there/);
  assert.equal(good({ 'people/calendars.yaml': 'enabled: false\n' }).home.people.calendars, undefined);
});

for (const [title, text, told] of [
  [
    'an address without TLS',
    'users:\n  nora@people.example: { url: "http://a.example/x" }\n',
    /calendars\.yaml:2:\d+.*without TLS.*https:/s,
  ],
  [
    'an unknown word in braces',
    'users:\n  nora@people.example: { url: "https://a.example/{mail}" }\n',
    /only \{local\}, \{domain\} and \{address\}/,
  ],
  ['a password in the address', 'users:\n  nora@people.example: { url: "https://a:b@a.example/x" }\n', /without a password/],
  ['neither url nor file', 'users:\n  nora@people.example: {}\n', /neither url nor file/],
  ['both', 'users:\n  nora@people.example: { url: "https://a.example/x", file: x }\n', /url and file/],
  [
    'a user without a password',
    'users:\n  nora@people.example: { url: "https://a.example/x", user: n }\n',
    /one of user and password alone/,
  ],
  [
    'one calendar for a domain',
    'domains:\n  people.example: { url: "https://a.example/x.ics" }\n',
    /one calendar for everybody.*\{local\}/s,
  ],
  [
    'a domain that the core does not serve',
    'domains:\n  corp.example: { url: "https://a.example/{local}" }\n',
    /corp\.example is not served: core/,
  ],
  ['a user of such a domain', 'users:\n  ann@corp.example: { file: x }\n', /ann@corp\.example is of no domain/],
  ['looking too often', 'refresh: 1s\n', /at least 1m/],
  ['forgetting before looking again', 'keep: 1m\n', /at least as long as refresh/],
] as const)
  test(`calendars: ${title} is a fault`, () => assert.match(faults({ 'people/calendars.yaml': text }), told));

test('a stray file in people/ is told, with the name that may be meant', () => {
  assert.match(faults({ 'people/acces.yaml': '' }), /people\/acces\.yaml.*access\.yaml/s);
});

test('a group of the directory has the members that the last round found', () => {
  const { table } = good({
    'routes/policy.yaml': 'groups:\n  board: { ldap: "(memberOf=cn=board)" }\n',
    'people/directory.yaml': 'ldap: { url: ldaps://a.example, base: dc=a }\n',
    [DIRECTORY_GROUPS]: '{ "board": ["nora@people.example"] }',
  });
  assert.deepEqual([...(table.policy.groups.get('board') ?? [])], ['nora@people.example']);
  assert.equal(table.policy.ldapGroups?.get('board'), '(memberOf=cn=board)');
});

test('a group of a directory that has never been asked is empty, and check says so', () => {
  const { table, notices } = good({
    'routes/policy.yaml': 'groups:\n  board: { ldap: "(memberOf=cn=board)" }\n',
    'people/directory.yaml': 'ldap: { url: ldaps://a.example, base: dc=a }\n',
  });
  assert.equal(table.policy.groups.get('board')?.size, 0);
  assert.match(notices.map(showFinding).join('\n'), /policy\.yaml:2:3: warning: nobody is in this group yet.*user import --ldap/);
});

const ACCESS = [
  'everyone: { xmpp: false }',
  'domains:',
  '  corp.example: { partners: false }',
  'groups:',
  '  traders: { xmpp: true }',
  '  interns: { partners: false }',
  'users:',
  '  li@people.example: { partners: true }',
  '',
].join('\n');

test('access: the most special entry counts, and a refusal names its line', () => {
  const { table } = good({ 'people/access.yaml': ACCESS });
  const address = (text: string): Address => ({ local: text.split('@')[0]!, domain: text.split('@')[1]! });
  const word = (who: string, partner: string): string => {
    const { messages, theySee, weSee } = effective(table, partnerOf(partner, table)!, address(who), { local: 'x', domain: partner });
    const open = messages.value !== 'none';
    assert.equal(weSee.value, open);
    assert.equal(theySee.value.length > 0, open);
    return open ? 'yes' : `${messages.where.file}:${messages.where.line} ${messages.where.key}`;
  };
  for (const [who, partner, expected] of [
    ['nora@people.example', 'bank.example', 'yes'], // a trader may by XMPP
    ['zed@people.example', 'bank.example', 'people/access.yaml:1 /everyone/xmpp'],
    ['zed@people.example', 'shop.example', 'yes'],
    ['omar@people.example', 'shop.example', 'people/access.yaml:6 /groups/interns/partners'],
    ['li@people.example', 'shop.example', 'yes'], // themselves beats their group
    ['li@people.example', 'bank.example', 'people/access.yaml:1 /everyone/xmpp'],
    ['any@corp.example', 'shop.example', 'people/access.yaml:3 /domains/corp.example/partners'],
  ] as const) {
    assert.equal(word(who, partner), expected, `${who} to ${partner}`);
  }
});

for (const [title, text, told] of [
  ['a group that is not there', 'groups:\n  trader: { sip: false }\n', /:2:3.*no group "trader".*traders/s],
  ['a user of a domain that is not ours', 'users:\n  li@bank.example: { sip: false }\n', /:2:3.*bank\.example is no domain of ours/s],
  ['a word that is none', 'everyone: { partner: false }\n', /unknown key "partner".*partners/s],
] as const) {
  test(`access: ${title} is a fault`, () => assert.match(faults({ 'people/access.yaml': text }), told));
}

test('plan tells what changes in people/, in force at once', async () => {
  const { compareSets, showChange } = await import('../../src/config/compare.ts');
  const before = good({ 'people/states.yaml': 'states:\n  home: { class: available, words: Working from home }\n' });
  const after = good({
    'people/states.yaml': 'states:\n  home: { class: available, words: { de: Zuhause } }\n',
    'people/directory.yaml': 'ldap: { url: ldaps://a.example, base: dc=a }\n',
    'people/access.yaml': 'everyone: { xmpp: false }\n',
  });
  const told = compareSets(before, after).map(showChange).join('\n');
  assert.match(told, /\+ rule \{ who: everyone, with: xmpp, messages: none.*people\/access\.yaml:1/);
  assert.match(
    told,
    /people: state home: \{ class: available, words: Working from home \}.*-> \{ class: available, words: \{ de: Zuhause \} \}/,
  );
  assert.match(told, /people: directory: none -> \{ url: \[ldaps:\/\/a\.example:636\], base: dc=a/);
  assert.doesNotMatch(told, /isthmus\.yaml|next start/);
});

test('no custom state is called like a built-in one', async () => {
  const { CHOICES, STATES } = await import('../../src/core/presence/states.ts');
  for (const id of [...CHOICES, ...Object.keys(STATES)])
    assert.match(faults({ 'people/states.yaml': `states:\n  ${id}: { class: busy, words: x }\n` }), /is a built-in state/, id);
});
