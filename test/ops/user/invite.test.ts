// Invitations as an operator makes, lists and revokes them.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stateOf, tokenHash } from '../../../src/model/invitation-link.ts';
import { PeopleHome } from './people-home.ts';

const NORA = 'nora@people.example';
interface Made {
  readonly id: string;
  readonly uri: string;
  readonly link?: string;
}

test('an invitation is printed once, as links and as a code; what is kept does not tell it', async () => {
  using home = new PeopleHome({ 'isthmus.yaml': 'clients: { host: chat.people.example, web: "https://127.0.0.1:8443" }\n' });
  const made = await home.run('user invite', { whom: 'Nora@OLD.example', days: '3' });
  assert.equal(made.exit, 0, made.text);
  const { uri, link, id } = made.json as Made;
  const token = uri.split('preauth=')[1] ?? '';
  assert.equal(uri, `xmpp:${NORA}?register;preauth=${token}`);
  assert.equal(link, `https://chat.people.example:8443/invite/${token}`);
  assert.match(made.text, /▀/);
  assert(made.text.includes(uri) && made.text.includes(link));
  const kept = await home.operations.records().invitations.byHash(tokenHash(token) ?? '');
  assert.deepEqual([kept?.id, kept?.address, kept?.uses], [id, NORA, 1]);
  const listed = await home.run('user invite', { list: true });
  assert.match(listed.text, new RegExp(`${id} +${NORA.replace('.', '\\.')} +open +0 of 1`));
  const lines = JSON.stringify([await home.operations.audit().list({ from: 1, limit: 10 }), listed.json]);
  assert(!lines.includes(token));
  assert.match(lines, new RegExp(`invitation ${id} for ${NORA}`));
});

test('one for a domain may be for several; it is revoked by its id, once', async () => {
  using home = new PeopleHome();
  const svg = join(home.dir, 'code.svg');
  const made = await home.run('user invite', { whom: 'people.example', uses: '3', group: ['traders'], svg });
  assert.equal(made.exit, 0, made.text);
  assert.match(made.text, /web +none: isthmus\.yaml has no clients\.web/);
  assert(existsSync(svg) && readFileSync(svg, 'utf8').startsWith('<svg'));
  assert.equal(statSync(svg).mode & 0o777, 0o600);
  const { id } = made.json as Made;
  assert.equal((await home.run('user invite', { revoke: id })).exit, 0);
  assert.equal((await home.run('user invite', { revoke: id })).status, 404);
  assert.match((await home.run('user invite', { list: true })).text, /revoked +0 of 3/);
});

test('who cannot be invited, and why', async () => {
  using home = new PeopleHome();
  const refusal = async (given: Readonly<Record<string, unknown>>): Promise<string> => {
    const { exit, text } = await home.run('user invite', given);
    assert.equal(exit, 2, text);
    return text;
  };
  await home.run('user add', { address: NORA, generate: true });
  assert.match(await refusal({ whom: NORA }), /has a password already; isthmus user password/);
  await home.run('user disable', { address: NORA });
  assert.match(await refusal({ whom: NORA }), /is disabled; isthmus user enable/);
  assert.match(await refusal({ whom: 'li@corp.example' }), /corp\.example is served: sip/);
  assert.match(await refusal({ whom: 'nowhere.example' }), /no domain of ours/);
  assert.match(await refusal({ whom: 'li@people.example', uses: '2' }), /used once/);
  assert.match(await refusal({}), /whom\?/);
});

test('an invitation is open, used, revoked or over', () => {
  const one = { used: 0, uses: 1, expiresAt: 10 };
  assert.deepEqual(
    [stateOf(one, 5), stateOf({ ...one, used: 1 }, 5), stateOf({ ...one, revokedAt: 1 }, 5), stateOf(one, 10)],
    ['open', 'used', 'revoked', 'over'],
  );
});
