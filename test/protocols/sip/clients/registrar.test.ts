import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, headers, status } from '../../../support/sip-message.ts';
import { DOMAIN, FaceWorld } from './face-world.ts';
import { Hand } from './hand.ts';

const INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-4000-8000-00000000000a>"';

test('every binding is told, with the time it has left; a fetch changes nothing', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const lines = ['Contact: <sip:nora@192.0.2.7:5060;transport=tls>;expires=400, <sip:nora@192.0.2.8>', 'Expires: 9999'];
  const answer = await hand.register('n0ra', lines);
  assert.deepEqual(headers(answer, 'contact'), [
    '<sip:nora@192.0.2.7:5060;transport=tls>;expires=400',
    '<sip:nora@192.0.2.8>;expires=7200',
  ]);
  world.clock.advance(100_000);
  const fetched = await hand.ask('REGISTER');
  assert.deepEqual(headers(fetched, 'contact'), [
    '<sip:nora@192.0.2.7:5060;transport=tls>;expires=300',
    '<sip:nora@192.0.2.8>;expires=7100',
  ]);
  assert.equal(world.core.open_.length, 2);
});

const REFUSED: readonly (readonly [what: string, lines: readonly string[], status: number])[] = [
  ['a time too brief', ['Contact: <sip:nora@192.0.2.7>;expires=60'], 423],
  ['a star that removes nothing', ['Contact: *', 'Expires: 60'], 400],
  ['a Contact that is no SIP URI', ['Contact: <mailto:nora@people.example>'], 400],
  ['an Expires that is no number', ['Contact: <sip:nora@192.0.2.7>', 'Expires: soon'], 400],
  ['more contacts than anybody has', [`Contact: ${Array.from({ length: 9 }, (_, i) => `<sip:nora@192.0.2.${i}>`).join(', ')}`], 400],
];
for (const [what, lines, code] of REFUSED)
  test(`refuses ${what}`, async () => {
    await using world = await FaceWorld.open();
    const answer = await new Hand(await world.raw(), 'nora').register('n0ra', lines);
    assert.equal(status(answer), code);
    if (code === 423) assert.equal(header(answer, 'min-expires'), '300');
    assert.equal(world.core.open_.length, 0);
  });

test('a client that says goodbye is gone, and so is one whose connection or time is over', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra');
  assert.equal(world.core.open_.length, 1);
  const bye = await hand.register('n0ra', [`Contact: ${hand.contact};expires=0`]);
  assert.deepEqual([status(bye), headers(bye, 'contact'), world.core.open_.length], [200, [], 0]);
  await hand.register('n0ra');
  assert.equal(status(await hand.register('n0ra', ['Contact: *', 'Expires: 0'])), 200);
  assert.equal(world.core.open_.length, 0);
  await hand.register('n0ra', [`Contact: ${hand.contact};expires=300`]);
  await world.clock.pass(320_000, 5000);
  assert.equal(world.core.open_.length, 0, 'its time is over');
  await hand.register('n0ra');
  hand.peer.socket.destroy();
  await world.until('the session to end', () => world.core.open_.length === 0);
});

test('an old REGISTER that comes late changes nothing', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra', [], { callId: 'one', cseq: 10 });
  assert.equal(status(await hand.ask('REGISTER', { callId: 'one', cseq: 9, lines: [`Contact: ${hand.contact};expires=0`] })), 500);
  assert.equal(world.core.open_.length, 1);
});

test('outbound: two flows of one device are one client, reached on the newest, and on the other when that is gone', async () => {
  await using world = await FaceWorld.open();
  const one = new Hand(await world.raw(), 'nora');
  const two = new Hand(await world.raw(), 'nora');
  const lines = (regId: number): string[] => [`Contact: ${one.contact};${INSTANCE};reg-id=${regId}`, 'Supported: outbound, gruu'];
  const first = await one.register('n0ra', lines(1));
  assert.deepEqual([header(first, 'require'), header(first, 'flow-timer')], ['outbound', '120']);
  await two.register('n0ra', lines(2));
  assert.equal(world.core.open_.length, 1);
  const omar = await world.signIn('omar');
  const send = async (text: string, to: Hand): Promise<void> => {
    const sent = omar.message(`nora@${DOMAIN}`, text);
    const got = await to.peer.next((message) => message.body === text);
    to.peer.answer(got, '200 OK');
    assert.equal(status(await sent), 200);
  };
  await send('to the newest', two);
  two.peer.socket.destroy();
  await world.until('the flow to be forgotten', async () => headers(await one.ask('REGISTER'), 'contact').length === 1);
  await send('to the other', one);
  assert.equal(world.core.open_.filter((one) => one.user.local === 'nora').length, 1, 'the session went on');
  omar.close();
});

test('the same device on a new connection takes the place of its old self', async () => {
  await using world = await FaceWorld.open();
  const lines = [`Contact: <sip:nora@192.0.2.7>;${INSTANCE};reg-id=1`, 'Supported: outbound'];
  await new Hand(await world.raw(), 'nora').register('n0ra', lines);
  const answer = await new Hand(await world.raw(), 'nora').register('n0ra', lines);
  assert.equal(headers(answer, 'contact').length, 1);
  assert.equal(world.core.open_.length, 1);
});

test('GRUU: a device has an address of its own, for clients that know what it is', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  const answer = await hand.register('n0ra', [`Contact: ${hand.contact};${INSTANCE}`, 'Supported: gruu']);
  const gruu = `sip:nora@${DOMAIN};gr=urn%3Auuid%3A00000000-0000-4000-8000-00000000000a`;
  assert.match(header(answer, 'contact'), new RegExp(`pub-gruu="${gruu.replaceAll('.', '\\.')}"`));
  assert.equal(world.core.open_[0]?.resource, 'urn:uuid:00000000-0000-4000-8000-00000000000a');
  assert.doesNotMatch(header(await hand.ask('REGISTER'), 'contact'), /gruu/);
});
