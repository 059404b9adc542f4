// Who gets in over TCP, and who does not.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { AdminClient, AdminToken } from '../../../src/config/admin.ts';
import { ROLES } from '../../../src/model/audit.ts';
import { networkOf } from '../../../src/model/network.ts';
import { type AccessParts, type BearerVerdict, type ShownClient, whoCalls } from '../../../src/ops/api/access.ts';
import { type Caller, mayUse } from '../../../src/ops/api/api.ts';
import { Throttle } from '../../../src/ops/api/throttle.ts';
import type { Verb } from '../../../src/ops/verb.ts';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { makeCa } from '../../support/ca.ts';

const SECRETS: Readonly<Record<string, string>> = {
  dash: 'a-long-random-dashboard-token',
  ops: 'another-long-random-token-1',
  short: 'tooshort',
};
const TOKENS: readonly AdminToken[] = [
  { name: 'dashboard', role: 'viewer', secret: 'dash' },
  { name: 'ops', role: 'operator', secret: 'ops' },
  { name: 'weak', role: 'admin', secret: 'short' },
  { name: 'lost', role: 'admin', secret: 'gone' },
];

function door(more: Partial<AccessParts> = {}) {
  const refused: string[] = [];
  let now = 0;
  const parts: AccessParts = {
    tokens: TOKENS,
    clients: [],
    secret(name) {
      const value = SECRETS[name];
      if (value === undefined) throw new Error('ENOENT');
      return value;
    },
    shown: () => undefined,
    now: () => Date.now(),
    throttle: new Throttle(() => now),
    refused: async (address, why) => void refused.push(`${address}: ${why}`),
    ...more,
  };
  const call = (authorization?: string, address = '192.0.2.7') =>
    // Nothing else of a request is looked at.
    whoCalls(parts, { headers: authorization === undefined ? {} : { authorization }, address } as unknown as Caller);
  return { call, refused, pass: (ms: number) => void (now += ms) };
}

test('a token that the home names is its name and role, from its address', async () => {
  const { call, refused } = door();
  assert.deepEqual(await call(`Bearer ${SECRETS.dash}`), { name: 'dashboard', role: 'viewer', via: 'api', address: '192.0.2.7' });
  assert.deepEqual(await call(`bearer  ${SECRETS.ops} `), { name: 'ops', role: 'operator', via: 'api', address: '192.0.2.7' });
  assert.deepEqual(refused, []);
});

test('a token of an OpenID issuer: who it is, what is refused, what cannot be judged now', async () => {
  const verdicts: Record<string, BearerVerdict | undefined> = {
    good: { name: 'oidc:olga', role: 'operator' },
    late: { refused: 'the token has expired' },
    norole: { refused: 'oidc:olga has no role here', known: true },
    down: { unavailable: 'https://id.example cannot be asked', retryAfterSeconds: 30 },
  };
  const { call, refused } = door({ issued: async (token) => verdicts[token] });
  assert.deepEqual(await call('Bearer good'), { name: 'oidc:olga', role: 'operator', via: 'api', address: '192.0.2.7' });
  const status = async (token: string): Promise<unknown> => {
    const answer = await call(`Bearer ${token}`);
    return 'status' in answer && [answer.status, answer.fault.text];
  };
  assert.deepEqual(await status('late'), [401, 'The token has expired.']);
  assert.deepEqual(await status('norole'), [403, 'oidc:olga has no role here.']);
  assert.deepEqual(await status('down'), [503, 'The token cannot be judged now: https://id.example cannot be asked.']);
  assert.deepEqual(refused, ['192.0.2.7: the token has expired', '192.0.2.7: oidc:olga has no role here']);
  // The home's own tokens go on counting, whatever the issuer does; good tokens without a role are no guesses.
  for (let count = 0; count < 20; count += 1) await call('Bearer norole');
  assert.equal(((await call(`Bearer ${SECRETS.ops}`)) as { name?: string }).name, 'ops');
});

test('anything else is 401 and is told to the audit log without what was sent', async () => {
  const { call, refused } = door();
  for (const wrong of [
    undefined,
    'Bearer',
    'Bearer x',
    `Basic ${SECRETS.dash}`,
    `Bearer ${SECRETS.short}`,
    'Bearer ',
    `Bearer ${SECRETS.dash}x`,
    `Bearer ${'x'.repeat(5000)}`,
  ]) {
    const answer = await call(wrong);
    assert.ok('fault' in answer && answer.status === 401, String(wrong));
  }
  assert.equal(refused.length, 8);
  assert.doesNotMatch(refused.join(), /tooshort|random/);
});

test('without tokens and clients nobody gets in, and it says so', async () => {
  const { call } = door({ tokens: [] });
  const answer = await call('Bearer ');
  assert.ok('fault' in answer && answer.status === 401 && answer.fault.text.startsWith('Nobody may use this'));
});

test('ten failures a minute from one address, then nothing is compared, the right token neither; others are not touched', async () => {
  const { call, refused, pass } = door();
  for (let i = 0; i < 10; i += 1) {
    await call('Bearer wrong');
    pass(1000);
  }
  const answer = await call(`Bearer ${SECRETS.ops}`);
  assert.ok('fault' in answer && answer.status === 429 && answer.retryAfterSeconds === 50);
  assert.ok('role' in (await call(`Bearer ${SECRETS.ops}`, '192.0.2.8')));
  assert.equal(refused.length, 10);
  pass(50_000);
  assert.ok('role' in (await call(`Bearer ${SECRETS.ops}`)));
});

test('addresses of one /64 count together', () => {
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(networkOf('2001:db8::6'), '2001:db8:0:0::/64');
  assert.equal(networkOf('::1'), '0:0:0:0::/64');
  assert.equal(networkOf('::ffff:192.0.2.1'), '::ffff:192.0.2.1');
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
});

const ca = makeCa('Admins');
const olga = new X509Certificate(ca.issue({ names: ['olga.corp.example'], cn: 'olga' }).certPem);
const late = new X509Certificate(ca.issue({ names: ['olga.corp.example'], cn: 'olga', notAfter: new Date(Date.now() - 1000) }).certPem);
const fingerprint = olga.fingerprint256.replaceAll(':', '').toLowerCase();
const as = (match: AdminClient['match']): AdminClient => ({ name: 'olga', role: 'operator', match });
const CLIENTS: readonly { title: string; match: AdminClient['match']; shown: ShownClient; in: boolean }[] = [
  { title: 'by fingerprint, whoever issued it', match: { fingerprint }, shown: { certificate: olga, trusted: false }, in: true },
  { title: 'by another fingerprint', match: { fingerprint: 'a'.repeat(64) }, shown: { certificate: olga, trusted: true }, in: false },
  { title: 'by subject', match: { subject: 'CN=olga' }, shown: { certificate: olga, trusted: true }, in: true },
  {
    title: 'by subject, from an authority that nobody trusts',
    match: { subject: 'CN=olga' },
    shown: { certificate: olga, trusted: false },
    in: false,
  },
  { title: 'by a part of the subject', match: { subject: 'CN=olg' }, shown: { certificate: olga, trusted: true }, in: false },
  { title: 'by a longer subject', match: { subject: 'CN=olga, O=Corp' }, shown: { certificate: olga, trusted: true }, in: false },
  { title: 'by name', match: { san: 'olga.corp.example' }, shown: { certificate: olga, trusted: true }, in: true },
  { title: 'by name, untrusted', match: { san: 'olga.corp.example' }, shown: { certificate: olga, trusted: false }, in: false },
  { title: 'by a name that only the CN has', match: { san: 'olga' }, shown: { certificate: olga, trusted: true }, in: false },
  { title: 'an expired one', match: { subject: 'CN=olga' }, shown: { certificate: late, trusted: true }, in: false },
];
for (const { title, match, shown, in: gets } of CLIENTS) {
  test(`a client certificate ${title} ${gets ? 'gets in' : 'does not get in'}`, async () => {
    const { call } = door({ clients: [as(match)], shown: () => shown });
    const answer = await call();
    assert.equal('role' in answer && answer.name === 'olga' && answer.role === 'operator', gets);
  });
}

/** Asked with POST because they take their time or are audited, not because they change anything. */
const LOOKS: ReadonlySet<string> = new Set(['partner trace', 'user export']);
/** What people said, and who may see it: for `compliance`, and not for who runs the edge. */
const CONTENT = /^(archive|hold|user (history|export|erase)\b)/;
/** Of those, what shows figures and no words. */
const FIGURES: ReadonlySet<string> = new Set(['archive status']);

test('every verb for every role: who looks changes nothing, and keys are for admins', async () => {
  const verbs = await Promise.all(VERBS.map((row) => row.load()));
  const may = (verb: Verb): string => ROLES.filter((role) => mayUse({ name: 'x', role, via: 'api' }, verb)).join(' ');
  for (const verb of verbs) {
    if (CONTENT.test(verb.words) && !FIGURES.has(verb.words)) {
      assert.equal(may(verb), 'compliance admin', verb.words);
      continue;
    }
    // A role may do what the roles before it may, for every other verb there is.
    assert.equal(may(verb), ROLES.slice(ROLES.indexOf(verb.role)).join(' '), verb.words);
    if (verb.http.method !== 'GET' && !LOOKS.has(verb.words))
      assert.match(may(verb), /^(operator )?admin$/, `${verb.words} changes something`);
  }
  const expected: Readonly<Record<string, string>> = {
    status: 'viewer helpdesk compliance operator admin',
    'request list': 'helpdesk compliance operator admin',
    explain: 'helpdesk compliance operator admin',
    'audit list': 'compliance operator admin',
    'audit verify': 'compliance operator admin',
    'audit export': 'compliance operator admin',
    'request approve': 'operator admin',
    'partner block': 'operator admin',
    drain: 'operator admin',
    backup: 'admin',
    'cert import': 'admin',
  };
  for (const [words, roles] of Object.entries(expected)) {
    const verb = verbs.find((one) => one.words === words);
    assert.equal(verb && may(verb), roles, words);
  }
});
