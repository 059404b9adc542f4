import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, status } from '../../../support/sip-message.ts';
import { DOMAIN, FaceWorld, nora, omar } from './face-world.ts';

const CPIM = (body: string, more: readonly string[] = []): string =>
  [
    'From: <im:nora@people.example>',
    'To: <im:omar@people.example>',
    'NS: imdn <urn:ietf:params:imdn>',
    ...more,
    '',
    'Content-Type: text/plain;charset=UTF-8',
    '',
    body,
  ].join('\r\n');

test('who is away reads it when they register, with the time it was said', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  assert.equal(status(await one.message(`omar@${DOMAIN}`, 'are you there?')), 202);
  const two = await world.signIn('omar');
  const got = await two.messageFrom(`nora@${DOMAIN}`);
  assert.equal(got.body, 'are you there?');
  assert.equal(header(got, 'date'), new Date(world.clock.now()).toUTCString());
  one.close();
  two.close();
});

test('a message to somebody elsewhere leaves through the core, from the endpoint that wrote it', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  assert.equal(status(await one.message('li@xmpp.example', 'Hello, Li.', ['Subject: line 3', 'Content-Language: en'])), 200);
  const event = world.core.outside[0]?.event;
  assert.ok(event?.kind === 'im.sent');
  assert.deepEqual([event.body, event.subject, event.lang], ['Hello, Li.', 'line 3', 'en']);
  assert.deepEqual([event.origin.side, event.origin.proof, event.origin.network], ['local', 'account', 'sip']);
  assert.deepEqual(event.from, { ...nora, resource: world.core.open_[0]?.resource });
  // And back.
  const answer = { ...event, from: event.to, to: nora, body: 'Hello, Nora.', id: 'back' };
  assert.deepEqual(await world.core.hand(nora, { kind: 'said', event: answer }), [true]);
  assert.equal((await one.messageFrom('li@xmpp.example')).body, 'Hello, Nora.');
  one.close();
});

test('a refusal says why', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const answer = await one.message(`nobody@${DOMAIN}`, 'hello?');
  assert.equal(status(answer), 404);
  assert.match(header(answer, 'warning'), /PEER_UNKNOWN_USER: nobody@people\.example is no user here\./);
  assert.equal(status(await one.message(`omar@${DOMAIN}`, 'x'.repeat(73 * 1024))), 413);
  assert.equal(status(await one.message(`omar@${DOMAIN}`, '{}', [], { type: 'application/json' })), 415);
  one.close();
});

test('typing is seen, and ends by itself when it is not said again', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const two = await world.signIn('omar');
  const active = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><refresh>60</refresh></isComposing>';
  await one.message(`omar@${DOMAIN}`, active, [], { type: 'application/im-iscomposing+xml' });
  assert.match((await two.messageFrom(`nora@${DOMAIN}`)).body, /<state>active<\/state>/);
  await world.clock.pass(61_000);
  await two.messageFrom(`nora@${DOMAIN}`, (message) => /<state>idle<\/state>/.test(message.body));
  one.close();
  two.close();
});

test('that a chat window was opened or closed is not told as typing that has ended', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const origin = { network: 'core', side: 'local', peer: DOMAIN, connection: 'x', proof: 'account' } as const;
  for (const [id, state] of Object.entries({ a: 'active', b: 'composing', c: 'paused', d: 'inactive', e: 'gone' } as const))
    await world.core.hand(nora, { kind: 'said', event: { kind: 'im.composing', id, at: 1, origin, from: omar, to: nora, state } });
  const told = one.messages.waiting().map(({ body }) => /<state>(\w+)/.exec(body)?.[1]);
  assert.deepEqual(told, ['active', 'idle']);
  one.close();
});

test('receipts: asked for in CPIM, told in IMDN, to clients that know both', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const two = await world.signIn('omar');
  // omar's client shows that it knows CPIM; nora asks to be told.
  await two.message(
    `nora@${DOMAIN}`,
    CPIM('hi').replace(/nora|omar/g, (name) => (name === 'nora' ? 'omar' : 'nora')),
    [],
    { type: 'message/cpim' },
  );
  await one.messageFrom(`omar@${DOMAIN}`);
  const asked = CPIM('Line 3 is up.', ['imdn.Message-ID: m1', 'imdn.Disposition-Notification: positive-delivery, display']);
  assert.equal(status(await one.message(`omar@${DOMAIN}`, asked, [], { type: 'message/cpim' })), 200);
  const got = await two.messageFrom(`nora@${DOMAIN}`);
  assert.match(header(got, 'content-type'), /message\/cpim/);
  assert.match(got.body, /imdn\.Message-ID: m1\r\n/);
  assert.match(got.body, /imdn\.Disposition-Notification: positive-delivery, negative-delivery, display/);
  assert.match(got.body, /\r\n\r\nLine 3 is up\.$/);
  const imdn =
    '<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>m1</message-id><display-notification><status><displayed/></status></display-notification></imdn>';
  assert.equal(status(await two.message(`nora@${DOMAIN}`, imdn, [], { type: 'message/imdn+xml' })), 200);
  const told = await one.messageFrom(`omar@${DOMAIN}`);
  assert.match(told.body, /<message-id>m1<\/message-id>.*<displayed\/>/s);
  one.close();
  two.close();
});

test('a client that does not take CPIM after all gets the text, and counts as having it', async () => {
  await using world = await FaceWorld.open();
  const two = await world.signIn('omar');
  await two.message(`nora@${DOMAIN}`, 'x', ['Accept: text/plain, message/cpim']);
  two.answerMessagesWith = '415 Unsupported Media Type';
  const wants = { delivered: true, displayed: false };
  const origin = { network: 'xmpp', side: 'edge', peer: 'x', connection: 'c', proof: 'certificate' } as const;
  const event = {
    kind: 'im.sent',
    id: 'e1',
    at: 1,
    origin,
    from: { local: 'li', domain: 'xmpp.example' },
    to: omar,
    body: 'hi',
    style: 'chat',
    wants,
    ids: {},
  } as const;
  const taken = world.core.hand(omar, { kind: 'said', event });
  assert.match(header(await two.messageFrom('li@xmpp.example'), 'content-type'), /cpim/);
  assert.match(header(await two.messageFrom('li@xmpp.example'), 'content-type'), /text\/plain/);
  assert.deepEqual(await taken, [false], 'it refuses the plain text too, so it has nothing');
  two.answerMessagesWith = '200 OK';
  assert.deepEqual(await world.core.hand(omar, { kind: 'said', event }), [true]);
  assert.match(header(await two.messageFrom('li@xmpp.example'), 'content-type'), /text\/plain/);
  two.close();
});

test('who is outside carries the mark in the display name, and who asks says who vouches', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  await one.message('ann@other.example', 'hello');
  const event = world.core.outside[0]?.event;
  assert.ok(event?.kind === 'im.sent');
  const sender = { name: 'Ann "the" Lee (other.example, external)', vouched: 'other.example is a partner of ours.' };
  await world.core.hand(nora, { kind: 'said', event: { ...event, from: event.to, to: nora, id: 'back' }, sender });
  const got = await one.messageFrom('ann@other.example');
  assert.match(header(got, 'from'), /^"Ann \\"the\\" Lee \(other\.example, external\)" <sip:ann@other\.example>;tag=/);
  await world.core.hand(nora, { kind: 'subscription', verb: 'subscribe', from: event.to, message: 'it is me', sender });
  const asked = await one.messageFrom('ann@other.example');
  assert.match(asked.body, /^ann@other\.example asks to see .*\nother\.example is a partner of ours\.\nThey say: it is me$/);
  one.close();
});
