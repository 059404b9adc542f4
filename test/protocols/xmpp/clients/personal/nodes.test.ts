// Nodes of users: publishing with what is taken for granted, who may read what, who is told, what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { bob, li, nora, omar } from '../../../../core/world.ts';
import { at, idsOf, PUBSUB, personalWorld, type Screen } from './personal-world.ts';

const TUNE = 'http://jabber.org/protocol/tune';
const tune = (title: string): string => `<tune xmlns='${TUNE}'><title>${title}</title></tune>`;
const owner = (inner: string): string => `<pubsub xmlns='${NS.pubsubOwner}'>${inner}</pubsub>`;
const form = (fields: Readonly<Record<string, string>>): string =>
  `<x xmlns='${NS.forms}' type='submit'>${Object.entries(fields)
    .map(([name, value]) => `<field var='pubsub#${name}'><value>${value}</value></field>`)
    .join('')}</x>`;

test('a first item makes the node with the options; later ones must find them so', async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  const options = { access_model: 'whitelist', max_items: 'max', send_last_published_item: 'never', persist_items: 'true' };
  assert.equal(
    typeof (await desk.publish('urn:xmpp:mds:displayed:0', '<displayed xmlns="urn:xmpp:mds:displayed:0"/>', { id: 'omar@x', options })),
    'object',
  );
  const again = { id: 'li@x', options };
  await desk.publish('urn:xmpp:mds:displayed:0', '<displayed xmlns="urn:xmpp:mds:displayed:0"/>', again);
  assert.deepEqual(idsOf(await desk.items(nora, 'urn:xmpp:mds:displayed:0')), ['omar@x', 'li@x']);
  const off = { ...again, options: { access_model: 'open' } };
  assert.equal(await desk.publish('urn:xmpp:mds:displayed:0', tune('x'), off), 'conflict precondition-not-met');
  // A setting that is not offered is never silently another one.
  assert.equal(await desk.publish(TUNE, tune('x'), { options: { access_model: 'authorize' } }), 'conflict precondition-not-met');
  assert.equal(await desk.items(nora, TUNE), 'item-not-found');
  // A field that nobody here knows does not stand in the way.
  assert.equal(typeof (await desk.publish(TUNE, tune('x'), { options: { item_expire: '3600' } })), 'object');
});

test('who may read a node, by its access model and by lists', async () => {
  await using world = await personalWorld();
  await world.entry(nora, omar, { seen: true, groups: ['team'] });
  const [desk, omars, lis] = [await world.screen(nora), await world.screen(omar), await world.screen(li)];
  const rows: readonly (readonly [model: string, omar: string, li: string])[] = [
    ['open', 'x', 'x'],
    ['presence', 'x', 'not-authorized presence-subscription-required'],
    ['roster', 'x', 'not-authorized not-in-roster-group'],
    ['whitelist', 'not-allowed closed-node', 'x'],
  ];
  for (const [model, forOmar, forLi] of rows) {
    await desk.publish(`n-${model}`, tune(model), { id: 'x', options: { access_model: model, roster_groups_allowed: 'team' } });
    if (model === 'whitelist') {
      const member = `<affiliations node='n-whitelist'><affiliation jid='li@people.example' affiliation='member'/></affiliations>`;
      assert.equal(typeof (await desk.ask('set', owner(member))), 'object');
    }
    assert.deepEqual(idsOf(await omars.items(nora, `n-${model}`)), [forOmar], `omar ${model}`);
    assert.deepEqual(idsOf(await lis.items(nora, `n-${model}`)), [forLi], `li ${model}`);
    assert.deepEqual(idsOf(await desk.items(nora, `n-${model}`)), ['x'], `nora ${model}`);
  }
  // Who is blocked learns nothing, not even that there is an open node.
  await desk.session.block(['omar@people.example']);
  assert.equal(await omars.items(nora, 'n-open'), 'service-unavailable');
  assert.equal(await omars.ask('get', "<vCard xmlns='vcard-temp'/>", nora), 'service-unavailable');
  // Nobody publishes or configures for somebody else, and who is no user has no nodes.
  const publish = `<pubsub ${PUBSUB}><publish node='n-open'><item>${tune('y')}</item></publish></pubsub>`;
  assert.equal(await lis.ask('set', publish, nora), 'forbidden');
  assert.equal(await lis.ask('set', owner("<delete node='n-open'/>"), nora), 'forbidden');
  assert.equal(await lis.items({ ...bob, domain: nora.domain }, 'n-open'), 'service-unavailable');
});

test('contacts that see the user and have asked are told, the own clients too; who comes later is told the last', async () => {
  await using world = await personalWorld();
  await world.entry(nora, omar, { seen: true });
  await world.entry(omar, nora, { sees: true });
  const [desk, phone] = [await world.screen(nora), await world.screen(nora, 'phone')];
  const [omars, lis] = [await world.screen(omar), await world.screen(li)];
  for (const screen of [desk, phone, omars, lis]) await screen.presence([TUNE]);
  await desk.publish(TUNE, tune('one'), { id: '1' });
  for (const [screen, heard] of [
    [desk, [`${TUNE} 1`]],
    [phone, [`${TUNE} 1`]],
    [omars, [`${TUNE} 1`]],
    [lis, []],
  ] as const)
    assert.deepEqual(screen.events(), heard, screen.jid);
  const [stanza] = omars.got;
  assert.deepEqual([stanza?.attrs.from, stanza?.attrs.to, stanza?.attrs.type], ['nora@people.example', omars.jid, 'headline']);

  const late = await world.screen(omar, 'late');
  await late.presence([TUNE]);
  assert.deepEqual(late.events(), [`${TUNE} 1`]);
  assert.ok(at(late.got[0], 'delay') !== undefined);
  // The same hash was asked for once, of whoever came first.
  assert.deepEqual(
    [desk, phone, omars, lis, late].map(({ asked }) => asked),
    [1, 0, 0, 0, 0],
  );
  // Who wants nothing, or is not there, is told nothing.
  await omars.presence([], 'unavailable');
  await late.presence([]);
  await desk.publish(TUNE, tune('two'), { id: '2' });
  assert.deepEqual([omars.events().length, late.events().length], [1, 1]);
  await late.presence([TUNE]);
  assert.deepEqual(late.events().at(-1), `${TUNE} 2`);
  // One item is kept: the one before is gone.
  assert.deepEqual(idsOf(await desk.items(nora, TUNE)), ['2']);
});

test('who may see somebody from now on is told what was published last', async () => {
  await using world = await personalWorld();
  await world.entry(nora, li, { seen: true });
  const [desk, lis] = [await world.screen(nora), await world.screen(li)];
  await desk.publish(TUNE, tune('one'), { id: '1' });
  await lis.presence([TUNE]);
  assert.deepEqual(lis.events(), []); // nora is not in li's list yet
  world.personal.met(lis, nora);
  await world.settle();
  assert.deepEqual(lis.events(), [`${TUNE} 1`]);
});

test('a place that a client publishes is the place of the person, in words, until it is taken back', async () => {
  await using world = await personalWorld();
  const [desk, lis] = [await world.screen(nora), await world.screen(li)];
  const geoloc = (inner: string): string => `<geoloc xmlns='${NS.geoloc}'>${inner}</geoloc>`;
  const place = async (): Promise<string | undefined> => (await desk.session.personal.settings()).location;
  await desk.publish(NS.geoloc, geoloc('<lat>55.7</lat><locality>Aarhus</locality><country>Denmark</country>'), {
    options: { access_model: 'open' },
  });
  assert.equal(await place(), 'Aarhus, Denmark');
  assert.equal(idsOf(await lis.items(nora, NS.geoloc)).length, 1);
  // An open node does not show it to who may not know the place.
  await desk.session.putContact({ address: li, groups: [], level: 'external' });
  assert.deepEqual(idsOf(await lis.items(nora, NS.geoloc)), ['forbidden']);
  await desk.publish(NS.geoloc, geoloc(''));
  assert.equal(await place(), undefined);
});

test('retracting, purging, deleting and subscribing by name', async () => {
  await using world = await personalWorld();
  const [desk, lis] = [await world.screen(nora), await world.screen(li)];
  await desk.presence(['list']);
  await lis.presence([]);
  const options = { access_model: 'open', max_items: '3' };
  for (const id of ['a', 'b', 'c', 'd']) await desk.publish('list', tune(id), { id, options });
  assert.deepEqual(idsOf(await desk.items(nora, 'list')), ['b', 'c', 'd']);
  const subscribe = `<pubsub ${PUBSUB}><subscribe node='list' jid='li@people.example'/></pubsub>`;
  assert.equal(typeof (await lis.ask('set', subscribe, nora)), 'object');
  assert.equal(await lis.ask('set', subscribe.replace('li@', 'omar@'), nora), 'bad-request invalid-jid');
  await lis.session.block(['nora@people.example']);
  await desk.publish('list', tune('unheard'), { id: 'e', options });
  await lis.session.unblock(['nora@people.example']);
  await desk.ask('set', `<pubsub ${PUBSUB}><retract node='list'><item id='c'/></retract></pubsub>`);
  assert.equal(await desk.ask('set', `<pubsub ${PUBSUB}><retract node='list'><item id='c'/></retract></pubsub>`), 'item-not-found');
  await desk.ask('set', owner("<purge node='list'/>"));
  assert.deepEqual(idsOf(await desk.items(nora, 'list')), []);
  await desk.ask('set', owner("<delete node='list'/>"));
  assert.deepEqual(lis.events(), ['list d', 'list -c', 'list purge', 'list delete']);
  // What is not there looks to strangers as what is not for them.
  assert.equal(await lis.items(nora, 'list'), 'not-authorized presence-subscription-required');
  assert.equal(await desk.items(nora, 'list'), 'item-not-found');
});

test('pages and counts of items', async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  for (const id of ['a', 'b', 'c', 'd']) await desk.publish('list', tune(id), { id, options: { max_items: 'max' } });
  const get = async (attrs: string, set = ''): Promise<string[]> =>
    idsOf(await desk.ask('get', `<pubsub ${PUBSUB}><items node='list'${attrs}/>${set && `<set xmlns='${NS.rsm}'>${set}</set>`}</pubsub>`));
  assert.deepEqual(await get(" max_items='2'"), ['c', 'd']);
  assert.deepEqual(await get('', '<max>2</max>'), ['a', 'b']);
  assert.deepEqual(await get('', '<max>2</max><after>b</after>'), ['c', 'd']);
  assert.deepEqual(await get('', '<max>1</max><before/>'), ['d']);
  assert.deepEqual(await get('', '<max>1</max><after>nobody</after>'), ['item-not-found']);
  assert.deepEqual(await get(" max_items='many'"), ['bad-request']);
});

test('there is an end to nodes, items and bytes, and it is named', async () => {
  await using world = await personalWorld({ nodes: 2, itemBytes: 2000, bytes: 5000 });
  const desk: Screen = await world.screen(nora);
  const big = (bytes: number): string => tune('x'.repeat(bytes));
  assert.equal(await desk.publish('one', big(2000)), 'not-acceptable payload-too-big');
  await desk.publish('one', big(1500), { id: '1', options: { max_items: '10' } });
  await desk.publish('one', big(1500), { id: '2' });
  await desk.publish('two', big(1500), { id: '1' });
  assert.equal(await desk.publish('one', big(1500), { id: '3' }), 'resource-constraint');
  // What it replaces makes room; what was refused left nothing behind.
  assert.equal(typeof (await desk.publish('one', big(1500), { id: '2' })), 'object');
  assert.deepEqual(idsOf(await desk.items(nora, 'one')), ['1', '2']);
  assert.equal(await desk.publish('three', tune('x')), 'resource-constraint');
  assert.equal(await desk.items(nora, 'three'), 'item-not-found');
  for (const [xml, error] of [
    ["<publish node='one'/>", 'bad-request item-required'],
    ["<publish node='one'><item/></publish>", 'bad-request payload-required'],
    [`<publish node='one'><item>${tune('a')}${tune('b')}</item></publish>`, 'bad-request invalid-payload'],
    ['<publish/>', 'bad-request nodeid-required'],
    [`<create node='one'/>`, 'conflict'],
  ] as const)
    assert.equal(await desk.ask('set', `<pubsub ${PUBSUB}>${xml}</pubsub>`), error, xml);
  const configure = owner(`<configure node='one'>${form({ access_model: 'authorize' })}</configure>`);
  assert.equal(await desk.ask('set', configure), 'not-acceptable');
});

test('nodes are there after a restart, and gone with their user', async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  await desk.publish(TUNE, tune('kept'), { id: '1' });
  await desk.ask('set', "<query xmlns='jabber:iq:private'><notes xmlns='urn:notes'>mine</notes></query>");
  const { temp } = world.core;
  temp.crash();
  assert.equal(temp.store.personal.latest('nora@people.example', TUNE)?.id, '1');
  await temp.store.people.remove('nora@people.example');
  assert.equal(temp.store.personal.latest('nora@people.example', TUNE), undefined);
  assert.deepEqual(await temp.store.personal.nodes('nora@people.example'), []);
  assert.equal(await temp.store.personal.private('nora@people.example', '{urn:notes}notes'), undefined);
});
