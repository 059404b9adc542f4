// Signing in by XEP-0388 on real sockets: with what is asked for along with it, and what hostile clients make of it.

import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import type { DeviceToken, DeviceTokens } from '../../../../../src/model/sign-in-tokens.ts';
import { element } from '../../../../../src/protocols/xmpp/element.ts';
import type { Stanza } from '../../../../support/xml-stream.ts';
import { base64, ClientWorld, type Played } from '../client-world.ts';

const SASL2 = 'urn:xmpp:sasl:2';
const BIND2 = 'urn:xmpp:bind:0';
const SM = 'urn:xmpp:sm:3';
const DEVICE = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'><software>Test</software></user-agent>";

const named = (parent: Stanza | undefined, name: string, ns?: string): Stanza | undefined =>
  parent?.children.find((one) => one.name === name && (ns === undefined || one.ns === ns));

async function plain(client: Played, more: string, user = 'nora', password = 'pencil'): Promise<Stanza> {
  const initial = base64(`\0${user}\0${password}`);
  client.send(`<authenticate xmlns='${SASL2}' mechanism='PLAIN'><initial-response>${initial}</initial-response>${more}</authenticate>`);
  return client.get('the verdict', ({ ns }) => ns === SASL2);
}

test('what is offered inline is named in the features', async () => {
  await using world = await ClientWorld.open();
  const client = await world.secured();
  const offered = named(client.features, 'authentication', SASL2);
  const inline = named(offered, 'inline');
  assert.deepEqual(
    inline?.children.map(({ ns }) => ns),
    [BIND2, SM],
  );
  assert.deepEqual(
    named(named(inline, 'bind'), 'inline')?.children.map(({ attrs }) => attrs.var),
    ['urn:xmpp:carbons:2', 'urn:xmpp:csi:0', SM],
  );
  assert(offered?.children.some(({ text }) => text === 'SCRAM-SHA-256-PLUS'));
  assert.deepEqual(
    named(client.features, 'sasl-channel-binding')?.children.map(({ attrs }) => attrs.type),
    ['tls-exporter', 'tls-server-end-point'],
  );
  client.stream.close();
});

test('one request signs in, binds a resource with the tag, and begins with copies and stream management', async () => {
  await using world = await ClientWorld.open();
  const client = await world.secured();
  const wish = `<bind xmlns='${BIND2}'><tag>Test</tag><enable xmlns='${SM}' resume='true'/><enable xmlns='urn:xmpp:carbons:2'/></bind>`;
  const success = await plain(client, DEVICE + wish);
  assert.equal(success.name, 'success');
  const jid = named(success, 'authorization-identifier')?.text ?? '';
  assert.match(jid, /^nora@people\.example\/Test\/[\w-]{12}$/);
  assert(!jid.includes('d4565fa7'), 'the id of the installation is shown to nobody');
  const enabled = named(named(success, 'bound', BIND2), 'enabled', SM);
  assert.equal(enabled?.attrs.resume, 'true');
  const features = await client.get('the features');
  assert.deepEqual(
    features.children.map(({ name }) => name),
    ['csi', 'ver', 'c'],
  );
  client.send('<presence/>');
  const second = await world.client('nora', 'pencil', 'desk');
  second.send("<message to='omar@people.example' type='chat' id='m'><body>x</body></message>");
  const omar = await world.client('omar', 'paper', 'phone');
  second.send("<message to='omar@people.example' type='chat' id='m2'><body>x</body></message>");
  assert.equal((await client.get('the copy', ({ name }) => name === 'message')).children[0]?.name, 'sent');
  for (const one of [client, second, omar]) one.stream.close();
});

test('the same installation has the same resource, and takes the place of its earlier session', async () => {
  await using world = await ClientWorld.open();
  const wish = `${DEVICE}<bind xmlns='${BIND2}'><tag>Test</tag></bind>`;
  const [first, second] = [await world.secured(), await world.secured()];
  const jids = [await plain(first, wish), await plain(second, wish)].map((one) => named(one, 'authorization-identifier')?.text);
  assert.equal(jids[0], jids[1]);
  const error = await first.get('the end', ({ name }) => name === 'error');
  assert.equal(error.children[0]?.name, 'conflict');
  const odd = await world.secured();
  const nameless = await plain(odd, `<bind xmlns='${BIND2}'><tag>no\u0378body</tag></bind>`);
  assert.match(
    named(nameless, 'authorization-identifier')?.text ?? '',
    /^nora@people\.example\/[\w-]{12}$/,
    'a tag that no address can have',
  );
  odd.stream.close();
  const stranger = await world.secured();
  const other = await plain(stranger, `<bind xmlns='${BIND2}'><tag>Test</tag></bind>`);
  assert.notEqual(named(other, 'authorization-identifier')?.text, jids[0]);
  second.stream.close();
  stranger.stream.close();
});

test('a session is resumed along with the sign-in; then nothing is bound, and what came meanwhile follows', async () => {
  await using world = await ClientWorld.open();
  const bind = `<bind xmlns='${BIND2}'><enable xmlns='${SM}' resume='true'/></bind>`;
  const lost = await world.secured();
  const bound = await plain(lost, DEVICE + bind);
  const jid = named(bound, 'authorization-identifier')?.text;
  const previd = named(named(bound, 'bound'), 'enabled')?.attrs.id ?? '';
  lost.socket.destroy();
  const omar = await world.client('omar', 'paper', 'phone');
  omar.send("<message to='nora@people.example' type='chat' id='m1'><body>are you there?</body></message>");
  await world.core.said.next('the message', ({ event }) => event.kind === 'im.sent');
  const back = await world.secured();
  const success = await plain(back, `${DEVICE}<resume xmlns='${SM}' previd='${previd}' h='0'/>${bind}`);
  assert.deepEqual([named(success, 'resumed', SM)?.attrs.previd, named(success, 'bound')], [previd, undefined]);
  assert.equal(named(success, 'authorization-identifier')?.text, jid);
  assert.equal((await back.get('the features')).name, 'features');
  assert.equal(named(await back.get('the message', ({ name }) => name === 'message'), 'body')?.text, 'are you there?');
  omar.stream.close();
  back.stream.close();
});

test('who binds along with the sign-in is told what there is to know of the account', async () => {
  await using world = await ClientWorld.open({}, { greeting: async ({ local }) => [element('metadata', 'urn:xmpp:mam:2', { of: local })] });
  const client = await world.secured();
  const success = await plain(client, `<bind xmlns='${BIND2}'/>`);
  assert.equal(named(named(success, 'bound'), 'metadata', 'urn:xmpp:mam:2')?.attrs.of, 'nora');
  client.stream.close();
});

test('a session that is gone is said to be, and a new one is bound; without a bind the stream waits for one', async () => {
  await using world = await ClientWorld.open();
  const client = await world.secured();
  const success = await plain(client, `<resume xmlns='${SM}' previd='gone' h='3'/><bind xmlns='${BIND2}'/>`);
  assert.equal(named(named(success, 'failed', SM), 'item-not-found')?.name, 'item-not-found');
  assert(named(success, 'bound'));
  client.stream.close();
  const old = await world.secured();
  assert.equal(named(await plain(old, ''), 'authorization-identifier')?.text, 'nora@people.example');
  assert(named(await old.get('the features'), 'bind'));
  await old.bind('desk');
  assert.equal(old.jid, 'nora@people.example/desk');
  old.stream.close();
});

test('SCRAM says its last word in the success', async () => {
  await using world = await ClientWorld.open();
  const client = await world.secured();
  const bare = 'n=nora,r=clientnonce';
  const channel = client.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  const gs2 = 'p=tls-exporter,,';
  client.send(
    `<authenticate xmlns='${SASL2}' mechanism='SCRAM-SHA-256-PLUS'><initial-response>${base64(gs2 + bare)}</initial-response></authenticate>`,
  );
  const challenge = await client.get('the challenge', ({ ns }) => ns === SASL2);
  assert.equal(challenge.name, 'challenge');
  const first = Buffer.from(challenge.text, 'base64').toString('utf8');
  const [, nonce = '', salt = '', count = ''] = /^r=(.+),s=(.+),i=(\d+)$/.exec(first) ?? [];
  const salted = pbkdf2Sync('pencil', Buffer.from(salt, 'base64'), Number(count), 32, 'sha256');
  const hmac = (key: Buffer, words: string): Buffer => createHmac('sha256', key).update(words).digest();
  const clientKey = hmac(salted, 'Client Key');
  const without = `c=${Buffer.concat([Buffer.from(gs2), channel]).toString('base64')},r=${nonce}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${first},${without}`);
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
  client.send(`<response xmlns='${SASL2}'>${base64(`${without},p=${proof.toString('base64')}`)}</response>`);
  const success = await client.get('the verdict', ({ ns }) => ns === SASL2);
  const last = hmac(hmac(salted, 'Server Key'), `${bare},${first},${without}`).toString('base64');
  assert.equal(Buffer.from(named(success, 'additional-data')?.text ?? '', 'base64').toString('utf8'), `v=${last}`);
  client.stream.close();
});

test('refuses what is no sign-in, and the stream goes on', async () => {
  await using world = await ClientWorld.open();
  for (const [what, text, condition] of [
    [
      'a wrong password',
      `<authenticate xmlns='${SASL2}' mechanism='PLAIN'><initial-response>${base64('\0nora\0no')}</initial-response></authenticate>`,
      'not-authorized',
    ],
    ['a mechanism that is not offered', `<authenticate xmlns='${SASL2}' mechanism='ANONYMOUS'/>`, 'invalid-mechanism'],
    [
      'what is no base64',
      `<authenticate xmlns='${SASL2}' mechanism='PLAIN'><initial-response>***</initial-response></authenticate>`,
      'incorrect-encoding',
    ],
    ['an abort', `<abort xmlns='${SASL2}'/>`, 'aborted'],
    [
      'a token where there are none',
      `<authenticate xmlns='${SASL2}' mechanism='HT-SHA-256-NONE'><initial-response>${base64('nora\0x')}</initial-response>${DEVICE}<fast xmlns='urn:xmpp:fast:0'/></authenticate>`,
      'invalid-mechanism',
    ],
  ] as const) {
    const client = await world.secured();
    client.send(text);
    const failure = await client.get('the failure', ({ name }) => name === 'failure');
    const [why] = failure.children;
    assert.deepEqual([failure.ns, why?.name, why?.ns], [SASL2, condition, 'urn:ietf:params:xml:ns:xmpp-sasl'], what);
    assert.equal((await plain(client, '')).name, 'success', what);
    client.stream.close();
  }
});

test('a response of the other kind, or a second authenticate, ends the stream', async () => {
  await using world = await ClientWorld.open();
  const mixed = await world.secured();
  mixed.send(`<authenticate xmlns='${SASL2}' mechanism='PLAIN'/>`);
  await mixed.get('the challenge', ({ ns }) => ns === SASL2);
  mixed.send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AG5vcmEAcGVuY2ls</response>");
  assert.equal((await mixed.get('the error', ({ name }) => name === 'error')).children[0]?.name, 'policy-violation');
  const twice = await world.secured();
  await plain(twice, `<bind xmlns='${BIND2}'/>`);
  await twice.get('the features');
  twice.send(`<authenticate xmlns='${SASL2}' mechanism='PLAIN'/>`);
  assert.equal((await twice.get('the error', ({ name }) => name === 'error')).name, 'error');
});

// --- tokens ---------------------------------------------------------------------------------------------------

const FAST = 'urn:xmpp:fast:0';
const KIND = 'HT-SHA-256-EXPR';

/** Tokens in memory, of one user and one device. */
function memoryTokens(): DeviceTokens {
  let kept: { token: DeviceToken; mechanism: string; device: string }[] = [];
  return {
    of: async (_user, device, mechanism) =>
      kept.filter((one) => one.device === device && one.mechanism === mechanism).map(({ token }) => token),
    async used(_user, _device, token, count = 0, invalidate) {
      const known = kept.find((one) => one.token.number === token.number);
      if (known === undefined || (count > 0 && count <= known.token.count)) return false;
      known.token = { ...known.token, count };
      if (invalidate) kept = [];
      return true;
    },
    async give(_person, device, mechanism) {
      if (mechanism === undefined) return undefined;
      const made = { token: 'a token', expiresAt: Date.parse('2030-01-01T00:00:00Z') };
      kept.push({ token: { number: kept.length + 1, count: 0, ...made }, mechanism, device });
      return made;
    },
  };
}

/** The message of a client that has the token. */
function hashed(client: Played, token: string, mechanism = KIND, fast = '', device = DEVICE): string {
  const channel = client.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  const proof = createHmac('sha256', token).update('Initiator').update(channel).digest();
  const initial = Buffer.concat([Buffer.from('nora\0'), proof]).toString('base64');
  return (
    `<authenticate xmlns='${SASL2}' mechanism='${mechanism}'><initial-response>${initial}</initial-response>` +
    `${device}<fast xmlns='${FAST}'${fast}/><bind xmlns='${BIND2}'/></authenticate>`
  );
}

test('a token is given with the success, and signs in by one message that both sides prove', async () => {
  await using world = await ClientWorld.open({}, { tokens: memoryTokens() });
  const first = await world.secured();
  const offered = named(named(named(first.features, 'authentication'), 'inline'), 'fast', FAST);
  assert.deepEqual(
    offered?.children.map(({ text }) => text),
    [KIND, 'HT-SHA-256-ENDP', 'HT-SHA-256-NONE'],
  );
  const given = named(await plain(first, `${DEVICE}<request-token xmlns='${FAST}' mechanism='${KIND}'/>`), 'token', FAST);
  assert.deepEqual([given?.attrs.token, given?.attrs.expiry], ['a token', '2030-01-01T00:00:00.000Z']);
  const second = await world.secured();
  second.send(hashed(second, 'a token'));
  const success = await second.get('the verdict', ({ ns }) => ns === SASL2);
  assert.equal(success.name, 'success');
  const channel = second.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  const answer = createHmac('sha256', 'a token').update('Responder').update(channel).digest('base64');
  assert.equal(named(success, 'additional-data')?.text, answer);
  first.stream.close();
  second.stream.close();
});

test('no token signs in as a copy on another connection, for another device, another mechanism, or with a count again', async () => {
  await using world = await ClientWorld.open({}, { tokens: memoryTokens() });
  const first = await world.secured();
  await plain(first, `${DEVICE}<request-token xmlns='${FAST}' mechanism='${KIND}'/>`);
  const other = await world.secured();
  const refusal = async (text: string): Promise<string | undefined> => {
    const client = await world.secured();
    client.send(text !== '' ? text : hashed(client, 'a token', KIND, " count='7'"));
    const verdict = await client.get('the verdict', ({ ns }) => ns === SASL2);
    client.stream.close();
    return verdict.name === 'success' ? 'success' : verdict.children[0]?.name;
  };
  assert.equal(await refusal(hashed(other, 'a token')), 'credentials-expired', 'a copy from another connection');
  const stranger = DEVICE.replace('d4565fa7', '00000000');
  for (const [mechanism, device, token] of [
    [KIND, stranger, 'a token'],
    ['HT-SHA-256-NONE', DEVICE, 'a token'],
    [KIND, DEVICE, 'another token'],
  ] as const) {
    const client = await world.secured();
    client.send(hashed(client, token, mechanism, '', device));
    assert.equal((await client.get('the verdict', ({ ns }) => ns === SASL2)).children[0]?.name, 'credentials-expired');
    // The client goes on with its password.
    assert.equal((await plain(client, '')).name, 'success');
    client.stream.close();
  }
  assert.equal(await refusal(''), 'success');
  assert.equal(await refusal(''), 'credentials-expired', 'a count that was seen');
  first.stream.close();
  other.stream.close();
});
