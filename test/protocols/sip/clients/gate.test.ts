import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, headers, type SipText, status } from '../../../support/sip-message.ts';
import { ALIAS, DOMAIN, FaceWorld, nora } from './face-world.ts';
import { answer, type Challenge, challenges, Hand } from './hand.ts';

const MESSAGE = { to: `omar@${DOMAIN}`, lines: ['Content-Type: text/plain'], body: 'hello' } as const;
/** What two answers have in common, without what must differ. */
function alike(response: SipText): string {
  const without = response.headers.filter(([name]) => !/^(via|from|to|call-id|cseq)$/i.test(name));
  return [response.start, ...without.map(([name, value]) => `${name}: ${value.replace(/nonce="[^"]*"/, 'nonce')}`)].join('\n');
}
function first(response: SipText): Challenge {
  const [one] = challenges(response);
  assert.ok(one !== undefined, `no challenge in ${response.start}`);
  return one;
}

test('both algorithms are offered, SHA-256 first, and either is taken', async () => {
  for (const algorithm of ['SHA-256', 'MD5']) {
    await using world = await FaceWorld.open();
    const hand = new Hand(await world.raw(), 'nora');
    const asked = await hand.ask('REGISTER');
    assert.equal(status(asked), 401);
    assert.deepEqual(
      challenges(asked).map((one) => [one.algorithm, one.realm, one.stale]),
      [
        ['SHA-256', DOMAIN, false],
        ['MD5', DOMAIN, false],
      ],
    );
    assert.equal(status(await hand.signed('REGISTER', { lines: [`Contact: ${hand.contact}`] }, 'n0ra', { algorithm })), 200);
    assert.deepEqual(world.core.finished, [{ user: `nora@${DOMAIN}`, proven: true }]);
  }
});

test('a wrong password, a user who is not there and one who is disabled look the same', async () => {
  await using world = await FaceWorld.open();
  const person = world.core.people.get(`li@${DOMAIN}`);
  assert.ok(person !== undefined);
  person.disabled = true;
  const answers: string[] = [];
  for (const [user, password] of [
    ['nora', 'wrong'],
    ['nobody', 'wrong'],
    ['li', 'l1'],
  ] as const)
    answers.push(alike(await new Hand(await world.raw(), user).register(password)));
  assert.match(answers[0] ?? '', /^SIP\/2\.0 401 /);
  assert.deepEqual(new Set(answers).size, 1, answers.join('\n\n'));
});

test('who has failed too often is told to wait, whoever they are, and five failures end a connection', async () => {
  await using world = await FaceWorld.open();
  world.core.failuresAllowed = 2;
  const hand = new Hand(await world.raw(), 'nora');
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) seen.push(status(await hand.register('wrong')));
  assert.deepEqual(seen, [401, 401, 403, 403, 403]);
  await hand.peer.closed;
});

test('credentials that were heard are worth nothing again: not twice, not elsewhere, not later', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const challenge = first(await hand.ask('REGISTER'));
  const line = answer(challenge, 'nora', 'n0ra', 'REGISTER', `sip:${DOMAIN}`);
  assert.equal(status(await hand.ask('REGISTER', { lines: [line] })), 200);
  const again = await hand.ask('REGISTER', { lines: [line] });
  assert.deepEqual([status(again), first(again).stale], [401, true]);
  const next = answer(challenge, 'nora', 'n0ra', 'REGISTER', `sip:${DOMAIN}`, '00000002');
  assert.equal(status(await hand.ask('REGISTER', { lines: [next] })), 200, 'the next count is fine');
  const other = new Hand(await world.raw(), 'nora');
  const third = answer(challenge, 'nora', 'n0ra', 'REGISTER', `sip:${DOMAIN}`, '00000003');
  assert.equal(status(await other.ask('REGISTER', { lines: [third] })), 401);
  world.clock.advance(5 * 60_000 + 1);
  const late = await hand.ask('REGISTER', { lines: [third] });
  assert.deepEqual([status(late), first(late).stale], [401, true]);
  assert.ok(
    world.core.finished.every(({ proven }) => proven),
    'none of that counts as a failed sign-in',
  );
});

test('a digest for another request, another realm or another scheme is none', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const challenge = first(await hand.ask('REGISTER'));
  const elsewhere = answer(challenge, 'nora', 'n0ra', 'REGISTER', 'sip:other.example');
  assert.equal(status(await hand.ask('REGISTER', { lines: [elsewhere] })), 400);
  const realm = answer({ ...challenge, realm: 'other.example' }, 'nora', 'n0ra', 'REGISTER', `sip:${DOMAIN}`);
  assert.equal(status(await hand.ask('REGISTER', { lines: [realm] })), 401);
  assert.equal(status(await hand.ask('REGISTER', { lines: ['Authorization: Basic bm9yYTpuMHJh'] })), 401);
  assert.equal(world.core.open_.length, 0);
});

test('a domain that is none of ours has no realm', async () => {
  await using world = await FaceWorld.open();
  const refused = await new Hand(await world.raw(), 'nora').ask('MESSAGE', { ...MESSAGE, from: 'nora@fabrikam.example' });
  assert.equal(status(refused), 403);
  assert.match(header(refused, 'warning'), /fabrikam\.example has no users here/);
});

test('inside TLS the connection that signed in speaks for its user, and for nobody else', async () => {
  await using world = await FaceWorld.open();
  const omar = await world.signIn('omar');
  const hand = new Hand(await world.raw(), 'nora');
  assert.equal(status(await hand.register('n0ra')), 200);
  assert.equal(status(await hand.ask('MESSAGE', MESSAGE)), 200);
  assert.equal(status(await hand.ask('MESSAGE', { ...MESSAGE, from: `li@${DOMAIN}` })), 407);
  const asserted = [...MESSAGE.lines, `P-Asserted-Identity: <sip:li@${DOMAIN}>`, `P-Preferred-Identity: <sip:li@${DOMAIN}>`];
  assert.equal(status(await hand.ask('MESSAGE', { ...MESSAGE, lines: asserted, body: 'as li?' })), 200);
  const got = await omar.messageFrom(`nora@${DOMAIN}`, (one) => one.body === 'as li?');
  assert.deepEqual(headers(got, 'p-asserted-identity'), []);
  omar.close();
});

test("with one's own password one is nobody else: not in From, not in To of a REGISTER", async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const forged = await hand.signed('MESSAGE', { ...MESSAGE, from: `li@${DOMAIN}` }, 'n0ra');
  assert.equal(status(forged), 403);
  const third = await hand.signed('REGISTER', { to: `li@${DOMAIN}`, lines: [`Contact: ${hand.contact}`] }, 'n0ra');
  assert.equal(status(third), 403);
  assert.match(header(third, 'warning'), new RegExp(`only nora@${DOMAIN} can be registered here`));
  assert.equal(world.core.open_.length, 0);
});

test('over plain TCP every request carries its password', async () => {
  await using world = await FaceWorld.open();
  world.secure = false;
  const hand = new Hand(await world.raw(), 'nora');
  assert.equal(status(await hand.register('n0ra')), 200);
  assert.equal(status(await hand.ask('MESSAGE', { ...MESSAGE, to: `li@${DOMAIN}` })), 407);
  assert.equal(status(await hand.signed('MESSAGE', { ...MESSAGE, to: `li@${DOMAIN}` }, 'n0ra')), 202);
});

test('a client that comes back without an answer is offered MD5 alone, and the next time at once', async () => {
  await using world = await FaceWorld.open();
  const asked = { callId: 'old', lines: ['User-Agent: Old 1.0'] };
  const hand = new Hand(await world.raw(), 'nora');
  assert.equal(challenges(await hand.ask('REGISTER', asked)).length, 2);
  const [only, ...more] = challenges(await hand.ask('REGISTER', asked));
  assert.deepEqual([only?.algorithm, more.length], ['MD5', 0]);
  assert.ok(only !== undefined);
  const line = answer(only, 'nora', 'n0ra', 'REGISTER', `sip:${DOMAIN}`);
  assert.equal(status(await hand.ask('REGISTER', { ...asked, lines: [...asked.lines, line] })), 200);
  const anew = new Hand(await world.raw(), 'nora');
  assert.equal(challenges(await anew.ask('REGISTER', { lines: asked.lines })).length, 1);
  const other = new Hand(await world.raw(), 'li');
  assert.equal(challenges(await other.ask('REGISTER', { lines: asked.lines })).length, 2, 'it is about this user');
});

test('baresip 1.0, which gives up at a second algorithm and comes back half a minute later, is offered MD5 at once', async () => {
  await using world = await FaceWorld.open();
  for (const [agent, offered] of [
    ['baresip v1.0.0 (x86_64/linux)', ['MD5']],
    ['baresip v3.9.0 (x86_64/linux)', ['SHA-256', 'MD5']],
  ] as const) {
    const asked = await new Hand(await world.raw(), 'nora').ask('REGISTER', { lines: [`User-Agent: ${agent}`] });
    assert.deepEqual(
      challenges(asked).map(({ algorithm }) => algorithm),
      offered,
    );
  }
});

test('whichever name of the domain a client uses, it is one user, and one password', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const own = { from: `nora@${ALIAS}`, to: `nora@${ALIAS}`, uri: `sip:${ALIAS}` };
  const asked = await hand.ask('REGISTER', own);
  assert.equal(first(asked).realm, DOMAIN);
  const line = answer(first(asked), 'nora', 'n0ra', 'REGISTER', own.uri);
  assert.equal(status(await hand.ask('REGISTER', { ...own, lines: [`Contact: ${hand.contact}`, line] })), 200);
  assert.deepEqual(world.core.finished, [{ user: `nora@${DOMAIN}`, proven: true }]);
  const published = await hand.ask('PUBLISH', { ...own, uri: `sip:nora@${ALIAS}`, lines: ['Event: presence', 'Expires: 600'] });
  assert.equal(status(published), 400, 'a document is missing, and nothing else');
  assert.equal(status(await hand.ask('MESSAGE', { ...MESSAGE, from: `nora@${ALIAS}` })), 202);
});

test('a disabled user is signed out: the connection proves nothing any more', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  assert.equal(status(await hand.register('n0ra')), 200);
  world.core.clients.end(`nora@${DOMAIN}`, undefined, { code: 'AUTH_SIGN_IN_FAILED', blame: 'policy', retry: 'never', text: 'disabled' });
  assert.equal(status(await hand.ask('MESSAGE', MESSAGE)), 407);
  assert.deepEqual(await world.core.hand(nora, { kind: 'subscription', verb: 'subscribe', from: nora }), []);
});

test('what needs nobody: OPTIONS, and words for what is not served', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const options = await hand.ask('OPTIONS', { uri: `sip:${DOMAIN}` });
  assert.equal(status(options), 200);
  assert.match(header(options, 'allow'), /REGISTER.*MESSAGE.*PUBLISH.*SUBSCRIBE/);
  const call = await hand.ask('INVITE', { to: `omar@${DOMAIN}` });
  assert.equal(status(call), 405);
  assert.match(header(call, 'warning'), /no calls here yet/);
  assert.equal(status(await hand.ask('MESSAGE', { ...MESSAGE, lines: ['Require: nothing-known'] })), 420);
  assert.equal(status(await hand.ask('CANCEL', { to: `omar@${DOMAIN}` })), 481);
});

test('a client in a loop is slowed down, and nobody else', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const answers = await Promise.all(Array.from({ length: 130 }, () => hand.ask('OPTIONS', { uri: `sip:${DOMAIN}` })));
  assert.deepEqual([answers.filter((one) => status(one) === 200).length, answers.filter((one) => status(one) === 500).length], [100, 30]);
  assert.equal(header(answers.at(-1) ?? answers[0]!, 'retry-after'), '5');
  assert.equal(status(await new Hand(await world.raw(), 'nora').ask('OPTIONS', { uri: `sip:${DOMAIN}` })), 200);
  world.clock.advance(1000);
  assert.equal(status(await hand.ask('OPTIONS', { uri: `sip:${DOMAIN}` })), 200);
});
