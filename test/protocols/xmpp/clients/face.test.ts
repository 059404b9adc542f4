// The XMPP face of the core, socket to socket: signing in, messages, contact lists, copies, resumption, and hostile clients.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawStream } from '../../../support/raw-stream.ts';
import { base64, ClientWorld, DOMAIN, header } from './client-world.ts';

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const binding = (socket: import('node:tls').TLSSocket): Buffer =>
  socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));

test('signs in with every mechanism that is offered, bound to the connection or not', async () => {
  await using world = await ClientWorld.open();
  for (const [mechanism, gs2] of [
    ['SCRAM-SHA-256-PLUS', 'p=tls-exporter,,'],
    ['SCRAM-SHA-1-PLUS', 'p=tls-exporter,a=nora@people.example,'],
    ['SCRAM-SHA-256', 'n,,'],
    ['SCRAM-SHA-1', 'n,,'],
  ] as const) {
    const client = await world.secured();
    const offered = client.features.children.find(({ name }) => name === 'mechanisms')?.children.map(({ text }) => text) ?? [];
    assert(offered.includes(mechanism));
    const channel = gs2.startsWith('p') ? binding(client.socket) : Buffer.alloc(0);
    const verdict = await client.scram('nora', 'pencil', mechanism, gs2, channel);
    assert.equal(verdict.name, 'success', mechanism);
    client.stream.close();
  }
  const plain = await world.secured();
  plain.send(`<auth xmlns='${SASL}' mechanism='PLAIN'>${base64('\0nora\0pencil')}</auth>`);
  assert.equal((await plain.get('the verdict')).name, 'success');
  plain.stream.close();
});

test("where passwords are a directory's, clients are offered PLAIN alone, and a device that uses SCRAM all the same is taken", async () => {
  await using world = await ClientWorld.open({}, { directoryPasswords: () => true });
  const plain = await world.secured();
  const offered = plain.features.children.find(({ name }) => name === 'mechanisms')?.children.map(({ text }) => text);
  assert.deepEqual(offered, ['PLAIN']);
  await (await world.client('nora', 'pencil', 'desk')).stream.close();
  plain.stream.close();
});

test('a binding of another connection is refused, and so is a client from which our offer was hidden', async () => {
  await using world = await ClientWorld.open();
  const [one, other] = [await world.secured(), await world.secured()];
  const stolen = await one.scram('nora', 'pencil', 'SCRAM-SHA-256-PLUS', 'p=tls-exporter,,', binding(other.socket));
  assert.equal(stolen.children[0]?.name, 'not-authorized');
  const downgraded = await other.scram('nora', 'pencil', 'SCRAM-SHA-256', 'y,,');
  assert.equal(downgraded.children[0]?.name, 'not-authorized');
  one.stream.close();
  other.stream.close();
});

test('a wrong password and nobody at all are answered alike, and the fifth failure ends the stream', async () => {
  await using world = await ClientWorld.open();
  const client = await world.secured();
  const wrong = await client.scram('nora', 'wrong');
  const nobody = await client.scram('nobody', 'wrong');
  assert.deepEqual(nobody, wrong);
  for (let more = 0; more < 3; more++) await client.scram('nora', 'again');
  assert.equal((await client.get('the error', ({ name }) => name === 'error')).children[0]?.name, 'policy-violation');
  await client.stream.ended();
});

for (const [what, text, condition] of [
  ['a stanza before sign-in', "<message to='omar@people.example'><body>x</body></message>", 'not-authorized'],
  ['a second header', header(), 'not-well-formed'],
  ['an element over 10 KiB before sign-in', `<auth xmlns='${SASL}' mechanism='PLAIN'>${'A'.repeat(11_000)}</auth>`, 'policy-violation'],
] as const) {
  test(`ends the stream for ${what}`, async () => {
    await using world = await ClientWorld.open();
    const client = await world.secured();
    client.send(text);
    assert.equal((await client.get('the error', ({ name }) => name === 'error')).children[0]?.name, condition);
    await client.stream.ended();
  });
}

test('no sign-in without TLS, and no stream for a domain that is not ours', async () => {
  await using world = await ClientWorld.open();
  for (const [to, then, condition] of [
    [DOMAIN, `<auth xmlns='${SASL}' mechanism='PLAIN'>${base64('\0nora\0pencil')}</auth>`, 'policy-violation'],
    ['elsewhere.example', '', 'host-unknown'],
  ] as const) {
    const stream = await RawStream.connect('127.0.0.1', world.port, 'the face');
    stream.send(header(to));
    await stream.opened();
    stream.send(then);
    const error = await stream.element('the error', ({ name }) => name === 'error');
    assert.equal(error.children[0]?.name, condition);
    stream.close();
  }
});

test('a message comes as it was written, from the bound address, with an id of the archive', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  const omar = await world.client('omar', 'paper', 'phone');
  nora.send(
    "<message to='omar@people.example' id='m1' type='chat'><body>a &lt; b</body><reactions xmlns='urn:xmpp:reactions:0' id='q'/>" +
      "<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='omar@people.example'/></message>",
  );
  const got = await omar.get('the message', ({ name }) => name === 'message');
  assert.deepEqual(
    [got.attrs.from, got.attrs.to, got.attrs.id, got.ns],
    ['nora@people.example/desk', 'omar@people.example/phone', 'm1', 'jabber:client'],
  );
  assert.deepEqual(
    got.children.map(({ name }) => name),
    ['body', 'reactions', 'stanza-id'],
  );
  assert.equal(got.children[0]?.text, 'a < b');
  assert.notEqual(got.children[2]?.attrs.id, 'forged');
  nora.stream.close();
  omar.stream.close();
});

test('a forged sender ends the stream; elements that belong to streams are not passed on', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  nora.send("<message to='omar@people.example' id='m1'><db:x xmlns:db='jabber:server:dialback'/></message>");
  const refused = await nora.get('the refusal', ({ attrs }) => attrs.id === 'm1');
  assert.equal(refused.attrs.type, 'error');
  nora.send("<message from='omar@people.example' to='li@people.example'><body>x</body></message>");
  assert.equal(
    (await nora.get('the error', ({ ns, name }) => name === 'error' && ns.includes('etherx'))).children[0]?.name,
    'invalid-from',
  );
  await nora.stream.ended();
});

test('what partners cannot be told is refused with words; rooms are refused to everybody', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  const omar = await world.client('omar', 'paper', 'phone');
  const omemo = "<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>I sent you an OMEMO message</body>";
  nora.send(`<message to='omar@people.example' id='e1' type='chat'>${omemo}</message>`);
  assert.equal((await omar.get('the encrypted message', ({ name }) => name === 'message')).children[0]?.name, 'encrypted');
  nora.send(`<message to='pat@partner.example' id='e2' type='chat'>${omemo}</message>`);
  assert.equal((await nora.get('the refusal', ({ attrs }) => attrs.id === 'e2')).attrs.type, 'error');
  nora.send("<message to='omar@people.example' id='e3' type='groupchat'><body>x</body></message>");
  assert.equal((await nora.get('the refusal', ({ attrs }) => attrs.id === 'e3')).attrs.type, 'error');
  nora.stream.close();
  omar.stream.close();
});

test('whoever writes to what is no address is told so in an answer that every client can read', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  nora.send("<message to='@@' id='m1' type='chat'><body>x</body></message>");
  const refused = await nora.get('the refusal', ({ attrs }) => attrs.id === 'm1');
  assert.deepEqual([refused.attrs.type, refused.attrs.from], ['error', undefined]);
  assert.equal(refused.children[0]?.children[0]?.name, 'jid-malformed');
  nora.stream.close();
});

test('copies go to clients that asked for them, and not where the sender wants none', async () => {
  await using world = await ClientWorld.open();
  const desk = await world.client('nora', 'pencil', 'desk');
  const phone = await world.client('nora', 'pencil', 'phone');
  const omar = await world.client('omar', 'paper', 'x');
  assert.equal((await phone.ask('set', "<enable xmlns='urn:xmpp:carbons:2'/>")).attrs.type, 'result');
  desk.send("<message to='omar@people.example' type='chat'><body>secret</body><private xmlns='urn:xmpp:carbons:2'/></message>");
  desk.send("<message to='omar@people.example' type='chat'><body>open</body></message>");
  const copy = await phone.get('the copy', ({ name }) => name === 'message');
  const inner = copy.children[0]?.children[0]?.children[0];
  assert.deepEqual([copy.children[0]?.name, inner?.ns, inner?.attrs.from], ['sent', 'jabber:client', 'nora@people.example/desk']);
  assert.equal(inner?.children[0]?.text, 'open');
  for (const one of [desk, phone, omar]) one.stream.close();
});

test('the contact list: set, pushed to who asked, versioned, removed; mistakes are named', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  const list = await nora.ask('get', "<query xmlns='jabber:iq:roster'/>");
  assert.equal(list.children[0]?.children.length, 0);
  const set = "<query xmlns='jabber:iq:roster'><item jid='omar@people.example' name='Omar'><group>Work</group></item></query>";
  nora.send(`<iq type='set' id='r1'>${set}</iq>`);
  const push = await nora.get('the push', ({ name, attrs }) => name === 'iq' && attrs.type === 'set');
  assert.deepEqual({ ...push.children[0]?.children[0]?.attrs }, { jid: 'omar@people.example', name: 'Omar', subscription: 'none' });
  const ver = push.children[0]?.attrs.ver ?? '';
  assert.equal((await nora.ask('get', `<query xmlns='jabber:iq:roster' ver='${ver}'/>`)).children.length, 0);
  for (const bad of ["<item jid='nora@people.example'/>", "<item jid='@'/>", '', "<item jid='a@b.example'><group/></item>"])
    assert.equal((await nora.ask('set', `<query xmlns='jabber:iq:roster'>${bad}</query>`)).attrs.type, 'error', bad);
  nora.stream.close();
});

test('requests: disco, ping, version, time, blocking; another user only what contacts may know', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  const info = await nora.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", DOMAIN);
  const features = info.children[0]?.children.filter(({ name }) => name === 'feature').map(({ attrs }) => attrs.var);
  for (const wanted of ['urn:xmpp:ping', 'urn:xmpp:carbons:2', 'urn:xmpp:blocking']) assert(features?.includes(wanted), wanted);
  assert.equal((await nora.ask('get', "<ping xmlns='urn:xmpp:ping'/>", DOMAIN)).attrs.type, 'result');
  assert.equal((await nora.ask('get', "<query xmlns='jabber:iq:version'/>", DOMAIN)).children[0]?.children[0]?.text, 'Isthmus');
  assert.equal(
    (await nora.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", 'omar@people.example')).attrs.type,
    'error',
  );
  assert.equal((await nora.ask('get', "<vCard xmlns='vcard-temp'/>", 'pat@partner.example')).attrs.type, 'error');
  await nora.ask('set', "<block xmlns='urn:xmpp:blocking'><item jid='li@people.example'/></block>");
  const blocked = await nora.ask('get', "<blocklist xmlns='urn:xmpp:blocking'/>");
  assert.equal(blocked.children[0]?.children[0]?.attrs.jid, 'li@people.example');
  const li = await world.client('li', 'ink', 'x');
  assert.equal((await li.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", nora.jid)).attrs.type, 'error');
  const omar = await world.client('omar', 'paper', 'x');
  const asked = omar.ask('get', "<ping xmlns='urn:xmpp:ping'/>", nora.jid);
  const request = await nora.get('the forwarded request', ({ attrs }) => attrs.type === 'get');
  nora.send(`<iq type='result' id='${request.attrs.id}' to='${request.attrs.from}'/>`);
  assert.equal((await asked).attrs.from, nora.jid);
  for (const one of [nora, li, omar]) one.stream.close();
});

test('a client that lost its connection resumes, and gets what came meanwhile', async () => {
  await using world = await ClientWorld.open();
  const omar = await world.client('omar', 'paper', 'phone');
  omar.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  const enabled = await omar.get('enabled', ({ name }) => name === 'enabled');
  omar.stream.close();
  const nora = await world.client('nora', 'pencil', 'desk');
  nora.send("<message to='omar@people.example' type='chat'><body>while away</body></message>");
  await world.core.said.next('the message', () => true);
  const back = await world.secured();
  await back.signIn('omar', 'paper');
  back.send(`<resume xmlns='urn:xmpp:sm:3' previd='${enabled.attrs.id}' h='0'/>`);
  const resumed = await back.get('resumed', ({ name }) => name === 'resumed');
  assert.equal(resumed.attrs.h, '0');
  const message = await back.get('the message', ({ name }) => name === 'message');
  assert.equal(message.children[0]?.text, 'while away');
  back.send("<a xmlns='urn:xmpp:sm:3' h='1'/>");
  assert.equal(await world.core.taken.next('what was taken', () => true), true);
  for (const one of [back, nora]) one.stream.close();
});

test('who does not come back in time has not taken what waited; a session of somebody else is not resumed', async () => {
  await using world = await ClientWorld.open({ resumeMs: 150 });
  const omar = await world.client('omar', 'paper', 'phone');
  omar.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  const enabled = await omar.get('enabled', ({ name }) => name === 'enabled');
  const nora = await world.secured();
  await nora.signIn('nora', 'pencil');
  nora.send(`<resume xmlns='urn:xmpp:sm:3' previd='${enabled.attrs.id}' h='0'/>`);
  assert.equal((await nora.get('the refusal', ({ name }) => name === 'failed')).children[0]?.name, 'item-not-found');
  await nora.bind('desk');
  nora.send("<message to='omar@people.example' type='chat'><body>never seen</body></message>");
  await omar.get('the message', ({ name }) => name === 'message');
  omar.stream.close();
  assert.equal(await world.core.taken.next('what was taken', () => true), false);
  nora.stream.close();
});

test('an inactive client hears of presence when it looks again, and of messages at once', async () => {
  await using world = await ClientWorld.open();
  const nora = await world.client('nora', 'pencil', 'desk');
  nora.send("<inactive xmlns='urn:xmpp:csi:0'/><presence><status>one</status></presence><presence><status>two</status></presence>");
  const omar = await world.client('omar', 'paper', 'x');
  omar.send("<message to='nora@people.example' type='chat'><body>hello</body></message>");
  assert.equal((await nora.get('the first stanza')).name, 'message');
  nora.send("<active xmlns='urn:xmpp:csi:0'/>");
  assert.equal((await nora.get('the held presence')).children[0]?.text, 'two');
  for (const one of [nora, omar]) one.stream.close();
});

test('the same resource again ends the one before with a conflict', async () => {
  await using world = await ClientWorld.open();
  const first = await world.client('nora', 'pencil', 'desk');
  const second = await world.client('nora', 'pencil', 'desk');
  assert.equal((await first.get('the error', ({ name }) => name === 'error')).children[0]?.name, 'conflict');
  assert.equal((await second.ask('get', "<ping xmlns='urn:xmpp:ping'/>", DOMAIN)).attrs.type, 'result');
  second.stream.close();
});

test('an error that a client answers with brings no words along, and nothing to whoever has blocked its user', async () => {
  await using world = await ClientWorld.open();
  const [nora, omar] = [await world.client('nora', 'pencil', 'desk'), await world.client('omar', 'paper', 'phone')];
  const error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
  const say = (id: string, inner: string): void =>
    omar.send(`<message to='nora@${DOMAIN}/desk' type='error' id='${id}'>${inner}</message>`);
  say('words-alone', '<body>past the archive</body>');
  say('both', `<body>past the archive</body>${error}`);
  const came = await nora.get('the error', ({ name }) => name === 'message');
  assert.deepEqual([came.attrs.id, came.attrs.from, came.children.map(({ name }) => name)], ['both', `omar@${DOMAIN}/phone`, ['error']]);

  nora.send(`<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='omar@${DOMAIN}'/></block></iq>`);
  await nora.get('the answer', ({ attrs }) => attrs.id === 'b');
  say('blocked', error);
  omar.send(`<iq type='get' id='ping' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await omar.get('the answer', ({ attrs }) => attrs.id === 'ping');
  nora.send(`<iq type='get' id='ping' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>`);
  assert.equal((await nora.get('the next but the list', ({ name, attrs }) => name === 'message' || attrs.id === 'ping')).attrs.id, 'ping');
});
