// Coming in with an invitation: through a stream and through the page, once, in time, for the right domain and name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invitationDesk } from '../../../src/core/sign-in/invitations.ts';
import { SILENT } from '../../../src/log.ts';
import { makeToken, tokenHash } from '../../../src/model/invitation-link.ts';
import type { Invitation } from '../../../src/model/invitations.ts';
import type { WebAnswer, WebRequest } from '../../../src/model/web-route.ts';
import { passwordFault } from '../../../src/ops/user/password-rules.ts';
import { invitePage } from '../../../src/protocols/xmpp/clients/sign-in/invite-page.ts';
import { invitedDoor } from '../../../src/protocols/xmpp/clients/sign-in/register.ts';
import { child, type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { tempStore } from '../../store/temp-store.ts';

const HERE = 'people.example';
const LI = `li@${HERE}`;
const DAY = 86_400_000;
const FROM = { face: 'xmpp', address: '192.0.2.7', connection: 'c1' } as const;
const GOOD = 'a long pencil';

function world() {
  const temp = tempStore();
  const { clock, store } = temp;
  const audited: string[] = [];
  const state = { broken: false, elsewhere: false };
  const desk = invitationDesk({
    store: store.invitations,
    people: store.people,
    async setPassword({ address }, device, password) {
      if (state.broken) throw new Error('the disk is full');
      const made = { kind: 'scrypt', data: Buffer.from(password), madeAt: clock.now() } as const;
      await store.people.putCredentials(`${address.local}@${address.domain}`, device, [made]);
    },
    clock,
    log: SILENT,
    serves: (domain) => domain === HERE,
    passwordFault,
    elsewhere: async () => state.elsewhere,
    audit: async (act, user) => void audited.push(`${act} ${user}`),
  });
  const invite = async (more: Partial<Invitation> = {}): Promise<string> => {
    const token = makeToken();
    const hash = tokenHash(token) ?? '';
    const base = { id: hash.slice(0, 8), domain: HERE, groups: ['new'], uses: 1, used: 0, usedBy: [], madeBy: 'root' };
    await store.invitations.put(hash, { ...base, madeAt: clock.now(), expiresAt: clock.now() + DAY, ...more });
    return token;
  };
  return { temp, store, clock, desk, invite, audited, state, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

/** One stream of a newcomer. @returns the conditions of errors, or `result` */
function stream(one: ReturnType<typeof world>, domain = HERE) {
  const guest = invitedDoor(one.desk)(domain, FROM);
  return async (type: 'get' | 'set', payload: Element): Promise<string> => {
    const answer = await guest.answer(element('iq', NS.server, { type, id: 'x' }, [payload]));
    const error = child(answer, 'error', NS.server);
    const [condition] = error?.children ?? [];
    return condition === undefined || typeof condition === 'string' ? (answer.attrs.type ?? '') : condition.name;
  };
}
const preauth = (token: string): Element => element('preauth', NS.preAuth, { token });
const account = (name: string, password: string): Element =>
  element('query', NS.register, {}, [element('username', NS.register, {}, [name]), element('password', NS.register, {}, [password])]);

test('an invitation for a user is used once, by that name, with a password that will do', async () => {
  await using one = world();
  const token = await one.invite({ address: LI });
  const ask = stream(one);
  assert.equal(await ask('set', account('li', GOOD)), 'forbidden', 'nobody registers without one');
  assert.equal(await ask('set', preauth(token)), 'result');
  assert.equal(await ask('set', account('omar', GOOD)), 'conflict');
  assert.equal(await ask('set', account('li', 'short')), 'not-acceptable');
  assert.equal(await ask('set', element('query', NS.register, {}, [element('remove', NS.register)])), 'not-allowed');
  assert.equal(await ask('set', account('LI', GOOD)), 'result', 'names are prepared as everywhere');
  assert.deepEqual((await one.store.people.get(LI))?.groups, ['new']);
  assert.deepEqual(one.audited, [`user join ${LI}`]);
  const again = stream(one);
  assert.equal(await again('set', preauth(token)), 'item-not-found');
});

test('an invitation that was shown in time is good for its stream, unless it is used or revoked meanwhile', async () => {
  await using one = world();
  const [late, revoked] = [await one.invite(), await one.invite()];
  const [a, b, c] = [stream(one), stream(one), stream(one)];
  assert.equal(await a('set', preauth(late)), 'result');
  assert.equal(await b('set', preauth(late)), 'result');
  assert.equal(await c('set', preauth(revoked)), 'result');
  await one.store.invitations.revoke((tokenHash(revoked) ?? '').slice(0, 8), one.clock.now());
  one.clock.advance(2 * DAY);
  assert.equal(await a('set', account('ada', GOOD)), 'result');
  assert.equal(await b('set', account('bea', GOOD)), 'item-not-found');
  assert.equal(await c('set', account('cleo', GOOD)), 'item-not-found');
  assert.equal(await stream(one)('set', preauth(await one.invite({ expiresAt: one.clock.now() - 1 }))), 'item-not-found');
});

test('an invitation for another domain, and one for a name that is taken or kept for somebody else', async () => {
  await using one = world();
  await one.store.people.put({ address: { local: 'omar', domain: HERE }, name: 'Omar', disabled: false, groups: [], createdAt: 0 });
  await one.invite({ address: LI });
  const token = await one.invite({ uses: 3 });
  assert.equal(await stream(one, 'other.example')('set', preauth(token)), 'item-not-found');
  assert.equal(await stream(one)('set', preauth(await one.invite({ domain: 'gone.example' }))), 'item-not-found');
  const ask = stream(one);
  await ask('set', preauth(token));
  assert.equal(await ask('set', account('omar', GOOD)), 'conflict');
  assert.equal(await ask('set', account('li', GOOD)), 'conflict', 'XEP-0445 §6: the name is kept');
  assert.equal(await ask('set', account('x@y', GOOD)), 'not-acceptable');
});

test('one name asked for by two at once has one owner; what could not be written is given back', async () => {
  await using one = world();
  const token = await one.invite({ uses: 2 });
  const [a, b] = [stream(one), stream(one)];
  await a('set', preauth(token));
  await b('set', preauth(token));
  const both = await Promise.all([a('set', account('eve', GOOD)), b('set', account('eve', GOOD))]);
  assert.deepEqual(both.sort(), ['conflict', 'result']);
  one.state.broken = true;
  const seen = await one.desk.look(token, 'somewhere');
  assert(seen !== undefined);
  await assert.rejects(one.desk.join(seen, 'fay', GOOD, 'somewhere'));
  one.state.broken = false;
  assert.equal((await one.desk.look(token, 'somewhere'))?.used, 1);
});

test('who tries tokens out is heard no more, good ones or not', async () => {
  await using one = world();
  const token = await one.invite();
  for (let i = 0; i < 20; i++) assert.equal(await one.desk.look(makeToken(), '192.0.2.9'), undefined);
  assert.equal(await one.desk.look(token, '192.0.2.9'), undefined);
  assert((await one.desk.look(token, '192.0.2.10')) !== undefined);
  one.clock.advance(15 * 60_000);
  assert((await one.desk.look(token, '192.0.2.9')) !== undefined);
});

test("whose password is a directory's is given none here", async () => {
  await using one = world();
  await one.store.people.put({ address: { local: 'li', domain: HERE }, name: 'Li', disabled: false, groups: [], createdAt: 0 });
  const seen = await one.desk.look(await one.invite({ address: LI }), 'somewhere');
  one.state.elsewhere = true;
  assert(seen !== undefined);
  const joined = await one.desk.join(seen, undefined, GOOD, 'somewhere');
  assert(!joined.ok && joined.about === 'token');
});

test('who tries names out is heard no more', async () => {
  await using one = world();
  await one.store.people.put({ address: { local: 'omar', domain: HERE }, name: 'Omar', disabled: false, groups: [], createdAt: 0 });
  const seen = await one.desk.look(await one.invite(), 'somewhere');
  assert(seen !== undefined);
  const say = async (name: string): Promise<string> => {
    const joined = await one.desk.join(seen, name, GOOD, '192.0.2.9');
    return joined.ok ? 'joined' : joined.text;
  };
  for (let i = 0; i < 20; i++) assert.equal(await say('omar'), 'that name is taken');
  assert.match(await say('eve'), /too many tries/);
  one.clock.advance(15 * 60_000);
  assert.equal(await say('eve'), 'joined');
});

test('a password that is changed is held to the same rules; that of a directory is changed there', async () => {
  await using one = world();
  const li = { local: 'li', domain: HERE };
  await one.store.people.put({ address: li, name: 'Li', disabled: false, groups: [], createdAt: 0 });
  assert.equal((await one.desk.change(li, 'li'))?.kind, 'password');
  assert.equal(await one.desk.change(li, GOOD), undefined);
  assert.deepEqual(one.audited, [`user password ${LI}`]);
  one.state.elsewhere = true;
  assert.equal((await one.desk.change(li, GOOD))?.kind, 'elsewhere');
});

// --- the page -------------------------------------------------------------------------------------------------

async function visit(one: ReturnType<typeof world>, token: string, form?: string): Promise<WebAnswer & { readonly text: string }> {
  const route = invitePage({ desk: one.desk, host: 'chat.people.example', sip: 'chat.people.example:5063' });
  const request: WebRequest = {
    method: form === undefined ? 'GET' : 'POST',
    path: `${route.path}${token}`,
    query: new URLSearchParams(),
    headers: {},
    body: (async function* () {
      yield Buffer.from(form ?? '');
    })(),
    host: HERE,
    address: '192.0.2.20',
    connection: 'w1',
    signal: new AbortController().signal,
  };
  const answer = await route.answer(request);
  return { ...answer, text: String(answer.body) };
}

test('the page shows link and code without a script, is kept by nobody, and says nothing of tokens that are none', async () => {
  await using one = world();
  const token = await one.invite({ address: LI });
  const page = await visit(one, token);
  assert.equal(page.status, 200);
  assert.match(page.text, new RegExp(`href="xmpp:li@people.example\\?register;preauth=${token}"`));
  assert.match(page.text, /<svg /);
  assert(!/<script|javascript:| on\w+=/.test(page.text));
  assert.match(page.headers?.['content-security-policy'] ?? '', /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'/);
  assert.equal(page.headers?.['cache-control'], 'no-store');
  assert.equal(page.headers?.['referrer-policy'], 'no-referrer');
  const unknown = await visit(one, makeToken());
  const malformed = await visit(one, '../../etc/passwd');
  const over = await visit(one, await one.invite({ expiresAt: 0 }));
  assert.deepEqual([unknown.status, unknown.text], [404, over.text]);
  assert.equal(malformed.text, unknown.text);
});

test('the form sets a password; what is wrong is said, and what was typed is text', async () => {
  await using one = world();
  const token = await one.invite();
  const form = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();
  assert.match((await visit(one, token, form({ name: 'ann', password: GOOD, again: 'another' }))).text, /two passwords differ/);
  const hostile = await visit(one, token, form({ name: '"><script>', password: 'short', again: 'short' }));
  assert.equal(hostile.status, 422);
  assert(!hostile.text.includes('<script>'));
  const joined = await visit(one, token, form({ name: 'Ann', password: GOOD, again: GOOD }));
  assert.match(joined.text, /<code>chat\.people\.example:5063<\/code> as outbound proxy/);
  assert.match(joined.text, /ann@people\.example/);
  assert.equal((await visit(one, token)).status, 404);
});

test('with a person their invitations go, and their name goes from those that they came with', async () => {
  await using one = world();
  await one.invite({ address: LI });
  const token = await one.invite({ uses: 2 });
  const seen = await one.desk.look(token, 'somewhere');
  assert(seen !== undefined && (await one.desk.join(seen, 'ann', GOOD, 'somewhere')).ok);
  assert.deepEqual([await one.store.invitations.countOf(LI), await one.store.invitations.countOf(`ann@${HERE}`)], [1, 1]);
  await one.store.people.remove(LI);
  assert.equal(await one.store.invitations.countOf(LI), 0, 'nobody comes back by an old invitation');
  await one.store.invitations.forget(`ann@${HERE}`);
  assert.deepEqual([await one.store.invitations.countOf(`ann@${HERE}`), (await one.desk.look(token, 'somewhere'))?.used], [0, 1]);
});
