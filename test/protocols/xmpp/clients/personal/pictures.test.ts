// Pictures and cards: the directory's, the user's own, none at all; in nodes, in presence and in cards; by level.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WebAnswer } from '../../../../../src/model/web-route.ts';
import { type Card, kept, NAME_PARTS, PLAIN } from '../../../../../src/protocols/xmpp/clients/personal/card.ts';
import { printFour, readFour } from '../../../../../src/protocols/xmpp/clients/personal/card-four.ts';
import { printTemp, readTemp } from '../../../../../src/protocols/xmpp/clients/personal/card-temp.ts';
import { photoWeb } from '../../../../../src/protocols/xmpp/clients/personal/photo-web.ts';
import { Pictures } from '../../../../../src/protocols/xmpp/clients/personal/pictures.ts';
import { child, type Element, elements } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { li, nora, omar } from '../../../../core/world.ts';
import { at, idsOf, level, type PersonalWorld, personalWorld, read, type Screen } from './personal-world.ts';

const hashOf = (data: Uint8Array): string => createHash('sha1').update(data).digest('hex');
const photo = Buffer.from('\xff\xd8\xff of the directory', 'latin1');
const own = Buffer.from('\x89PNG\r\n\x1a\n of the user', 'latin1');

/** Nora of a directory, with a photo and every field. */
async function directoryWorld(): Promise<PersonalWorld> {
  const world = await personalWorld();
  const { people } = world.core.temp.store;
  await people.put({
    ...{ address: nora, name: 'Nora Jensen', disabled: false, groups: [], createdAt: 0 },
    ...{ mail: 'nora@corp.example', phone: '+4511', mobile: '+4522', title: 'Trader', company: 'Corp', office: 'C 12' },
  });
  await people.putPhoto('nora@people.example', { type: 'image/jpeg', hash: hashOf(photo), data: photo, changedAt: 5 });
  return world;
}
const card = async (screen: Screen, of = nora): Promise<Element> => {
  const found = await screen.ask('get', "<vCard xmlns='vcard-temp'/>", of);
  assert.ok(typeof found === 'object', String(found));
  return found;
};
const pictureIn = (vcard: Element): string => {
  const base64 = at(vcard, 'PHOTO', 'BINVAL');
  return base64 === undefined ? '' : hashOf(Buffer.from(base64, 'base64'));
};
const hashIn = (presence: Element | undefined): string | undefined => at(presence, 'x', 'photo');
const numbers = (vcard: Element): string[] => elements(vcard).flatMap((part) => (part.name === 'TEL' ? [at(part, 'NUMBER') ?? ''] : []));

test("a directory's photo is the picture until the user publishes one, or publishes that there is none", async () => {
  await using world = await directoryWorld();
  await world.entry(nora, omar, { seen: true });
  await world.entry(omar, nora, { sees: true });
  const [desk, omars] = [await world.screen(nora), await world.screen(omar)];
  assert.equal(hashIn(await desk.presence([])), hashOf(photo));
  await omars.presence([NS.avatarMetadata]);
  assert.deepEqual(omars.events(), [`${NS.avatarMetadata} ${hashOf(photo)}`]);
  assert.deepEqual(idsOf(await omars.items(nora, NS.avatarData)), [hashOf(photo)]);
  assert.equal(pictureIn(await card(omars)), hashOf(photo));

  // A client that knows cards alone gives a picture: it is on the nodes, in presence, and its contacts are told.
  const set = `<vCard xmlns='vcard-temp'><FN>x</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${own.toString('base64')}</BINVAL></PHOTO></vCard>`;
  await desk.ask('set', set);
  assert.equal(omars.events().at(-1), `${NS.avatarMetadata} ${hashOf(own)}`);
  assert.equal(hashIn(desk.got.find(({ name }) => name === 'presence')), hashOf(own));
  assert.equal(pictureIn(await card(omars)), hashOf(own));
  assert.equal(child(await card(omars), 'FN', NS.vcardTemp) && at(await card(omars), 'FN'), 'Nora Jensen');

  // XEP-0084 §4.2.2: no picture, that of the directory neither.
  await desk.publish(NS.avatarMetadata, `<metadata xmlns='${NS.avatarMetadata}'/>`);
  assert.equal(pictureIn(await card(omars)), '');
  assert.equal(hashIn(desk.got.filter(({ name }) => name === 'presence').at(-1)), '');
  // The node is deleted: what the directory has is shown again.
  await desk.ask('set', `<pubsub xmlns='${NS.pubsubOwner}'><delete node='${NS.avatarMetadata}'/></pubsub>`);
  assert.equal(pictureIn(await card(omars)), hashOf(photo));
});

test('a photo is fetched by who was told its address, until it is another one, or its user says who has it', async () => {
  await using world = await directoryWorld();
  const { people, personal } = world.core.temp.store;
  const pictures = new Pictures({ store: personal, people });
  const { address, route } = photoWeb({ people, pictures, origin: 'https://chat.people.example' });
  const fetched = async (): Promise<string> => {
    const url = await address(nora);
    if (url === undefined) return 'no address';
    const { status, headers, body } = await get(new URL(url).pathname);
    return `${status} ${headers?.['content-type']} ${body instanceof Uint8Array && hashOf(body)}`;
  };
  const get = async (path: string): Promise<WebAnswer> =>
    route.answer({
      ...{ method: 'GET', path, query: new URLSearchParams(), headers: {}, body: (async function* () {})(), host: 'chat.people.example' },
      ...{ address: '192.0.2.1', connection: 'c', signal: new AbortController().signal },
    });
  const first = (await address(nora)) ?? '';
  assert.equal(first, `https://chat.people.example/photo/nora%40people.example/${hashOf(photo)}`);
  assert.equal(await fetched(), `200 image/jpeg ${hashOf(photo)}`);
  const desk = await world.screen(nora);
  const set = `<vCard xmlns='vcard-temp'><PHOTO><TYPE>text/html</TYPE><BINVAL>${own.toString('base64')}</BINVAL></PHOTO></vCard>`;
  await desk.ask('set', set);
  assert.equal(await fetched(), `200 image/png ${hashOf(own)}`);
  for (const path of [new URL(first).pathname, '/photo/omar%40people.example/0', `/photo/%zz/${hashOf(own)}`])
    assert.equal((await get(path)).status, 404);
  await desk.ask(
    'set',
    `<pubsub xmlns='${NS.pubsubOwner}'><configure node='${NS.avatarData}'><x xmlns='jabber:x:data' type='submit'>` +
      `<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#node_config</value></field>` +
      `<field var='pubsub#access_model'><value>whitelist</value></field></x></configure></pubsub>`,
  );
  assert.equal(await fetched(), 'no address');
});

test('another photo in the directory is shown at once to who has seen the one before', async () => {
  await using world = await directoryWorld();
  await world.entry(nora, omar, { seen: true });
  await world.entry(omar, nora, { sees: true });
  const [desk, omars] = [await world.screen(nora), await world.screen(omar)];
  await desk.presence([]);
  await omars.presence([NS.avatarMetadata]);
  const { people } = world.core.temp.store;
  world.changed(nora); // nothing that anybody sees
  await people.putPhoto('nora@people.example', { type: 'image/png', hash: hashOf(own), data: own, changedAt: 6 });
  world.changed(nora);
  await world.settle();
  assert.deepEqual(omars.events(), [`${NS.avatarMetadata} ${hashOf(photo)}`, `${NS.avatarMetadata} ${hashOf(own)}`]);
  assert.deepEqual(
    desk.got.flatMap((stanza) => hashIn(stanza) ?? []),
    [hashOf(own)],
  );
  await people.putPhoto('nora@people.example', undefined);
  world.changed(nora);
  await world.settle();
  assert.equal(omars.events().at(-1), `${NS.avatarMetadata} current`);
});

test('a picture that is too large, or whose id is not its hash, is refused', async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  const data = (bytes: Buffer): string => `<data xmlns='${NS.avatarData}'>${bytes.toString('base64')}</data>`;
  assert.equal(await desk.publish(NS.avatarData, data(own), { id: '0'.repeat(40) }), 'bad-request');
  assert.equal(await desk.publish(NS.avatarData, data(Buffer.alloc(65 * 1024))), 'not-acceptable');
  const large = `<vCard xmlns='vcard-temp'><PHOTO><BINVAL>${Buffer.alloc(65 * 1024).toString('base64')}</BINVAL></PHOTO></vCard>`;
  assert.equal(await desk.ask('set', large), 'not-acceptable');
  assert.equal(await desk.ask('set', "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%%</BINVAL></PHOTO></vCard>"), 'bad-request');
});

test('what of a card somebody sees is for their level to say', async () => {
  await using world = await directoryWorld();
  const desk = await world.screen(nora);
  const home = '<TEL><HOME/><NUMBER>+4533</NUMBER></TEL><BDAY>1990-01-02</BDAY><EMAIL><HOME/><USERID>n@home.example</USERID></EMAIL>';
  await desk.ask('set', `<vCard xmlns='vcard-temp'><FN>Mine</FN><NICKNAME>Norrie</NICKNAME><TITLE>Boss</TITLE>${home}</vCard>`);
  const rows = [
    ['friends', ['+4511', '+4522', '+4533'], 'Trader', hashOf(photo), 'C 12'],
    ['workgroup', ['+4511', '+4522'], 'Trader', hashOf(photo), 'C 12'],
    ['colleagues', ['+4511'], 'Trader', hashOf(photo), 'C 12'],
    ['external', [], 'Trader', hashOf(photo), undefined],
    ['blocked', [], undefined, '', undefined],
  ] as const;
  for (const [of, tel, title, picture, office] of rows) {
    await using fresh = await world.at(omar, { seen: true, ...level(of) });
    const seen = await card(fresh.screen);
    assert.deepEqual([numbers(seen), at(seen, 'TITLE'), pictureIn(seen), at(seen, 'ADR', 'EXTADD')], [tel, title, picture, office], of);
    assert.deepEqual(
      [at(seen, 'FN'), at(seen, 'NICKNAME'), at(seen, 'EMAIL', 'USERID')],
      ['Nora Jensen', 'Norrie', 'nora@corp.example'],
      of,
    );
    assert.equal(at(seen, 'BDAY'), of === 'friends' ? '1990-01-02' : undefined, of);
    // The same on the node, in the other form.
    const four = await fresh.screen.items(nora, NS.vcard4Node);
    assert.equal(at(four, 'items', 'item', 'vcard', 'title', 'text'), title, of);
    const nodes = idsOf(await fresh.screen.items(nora, NS.avatarMetadata));
    assert.deepEqual(nodes, [of === 'blocked' ? 'forbidden' : hashOf(photo)], of);
  }
  // The user sees all, with the directory's word where it has one.
  const mine = await card(desk);
  assert.deepEqual([at(mine, 'FN'), at(mine, 'TITLE'), at(mine, 'BDAY')], ['Nora Jensen', 'Trader', '1990-01-02']);
});

test('somebody without a card or photo is their name and address', async () => {
  await using world = await personalWorld();
  const seen = await card(await world.screen(li));
  assert.deepEqual([at(seen, 'FN'), at(seen, 'JABBERID'), at(seen, 'PHOTO')], ['Nora Jensen', 'nora@people.example', undefined]);
});

test('both forms of a card say the same', () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9 +@.æø<&]{1,20}$/).map((said) => `a${said.trim()}`);
  const types = fc.constantFrom<readonly string[]>([], ['work'], ['home'], ['home', 'fax'], ['cell']);
  const line = fc.oneof(
    fc.record({ property: fc.constantFrom('email' as const, 'tel' as const), types, values: fc.tuple(word) }),
    fc.record({
      property: fc.constantFrom(...PLAIN.filter((one) => !['email', 'tel', 'impp'].includes(one))),
      types: fc.constant([]),
      values: fc.tuple(word),
    }),
    fc.record({ property: fc.constant('n' as const), types: fc.constant([]), values: fc.tuple(...NAME_PARTS.map(() => word)) }),
    fc.record({ property: fc.constant('org' as const), types: fc.constant([]), values: fc.array(word, { minLength: 1, maxLength: 3 }) }),
    fc.record({ property: fc.constant('impp' as const), types: fc.constant([]), values: fc.tuple(word.map((said) => `xmpp:${said}`)) }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const written: Card = kept(lines);
      assert.deepEqual(readTemp(printTemp(written)), written);
      assert.deepEqual(readFour(printFour(written)), written);
      assert.deepEqual(readTemp(printTemp(readFour(printFour(written)))), written);
    }),
    { numRuns: 60 },
  );
});

test('a card of a real client is read', () => {
  const written = readTemp(
    read(`<vCard xmlns='vcard-temp'><FN>Peter</FN><N><FAMILY>Saint</FAMILY><GIVEN>Peter</GIVEN><MIDDLE/></N><EMAIL><INTERNET/><PREF/>
      <USERID>p@x.example</USERID></EMAIL><TEL><WORK/><VOICE/><NUMBER>303</NUMBER></TEL><TEL><WORK/><FAX/><NUMBER/></TEL><ORG><ORGNAME>XSF</ORGNAME>
      <ORGUNIT/></ORG><UNKNOWN>x</UNKNOWN><JABBERID>p@x.example</JABBERID></vCard>`),
  );
  assert.deepEqual(written, [
    { property: 'fn', types: [], values: ['Peter'] },
    { property: 'n', types: [], values: ['Saint', 'Peter', '', '', ''] },
    { property: 'email', types: ['pref'], values: ['p@x.example'] },
    { property: 'tel', types: ['work', 'voice'], values: ['303'] },
    { property: 'org', types: [], values: ['XSF', ''] },
    { property: 'impp', types: [], values: ['xmpp:p@x.example'] },
  ]);
});
