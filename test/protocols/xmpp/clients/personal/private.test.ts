// Private elements, bookmarks in their two forms, and the search for people.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capsVersion } from '../../../../../src/protocols/xmpp/clients/personal/caps.ts';
import { elements } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { li, nora, omar } from '../../../../core/world.ts';
import { at, idsOf, level, personalWorld, server } from './personal-world.ts';

const query = (inner: string): string => `<query xmlns='${NS.private}'>${inner}</query>`;
const storage = (inner: string): string => query(`<storage xmlns='${NS.oldBookmarks}'>${inner}</storage>`);

test('a private element is given back as it was, and nobody else has it', async () => {
  await using world = await personalWorld();
  const [desk, omars] = [await world.screen(nora), await world.screen(omar)];
  await desk.ask('set', query("<prefs xmlns='urn:my'><a b='1'>text &amp; <c/></a></prefs>"));
  const mine = await desk.ask('get', query("<prefs xmlns='urn:my'/>"));
  assert.equal(at(mine, 'prefs', 'a'), 'text & ');
  assert.equal(elements(typeof mine === 'string' ? assert.fail(mine) : mine)[0]?.ns, 'urn:my');
  assert.equal(at(await omars.ask('get', query("<prefs xmlns='urn:my'/>")), 'prefs', 'a'), undefined);
  assert.equal(await omars.ask('get', query("<prefs xmlns='urn:my'/>"), nora), 'service-unavailable');
  assert.equal(await desk.ask('get', query('')), 'bad-request');
  assert.equal(await desk.ask('set', query('')), 'not-acceptable');
});

test('bookmarks are the same in the old storage and on the node', async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  await desk.presence([NS.bookmarks]);
  const room = (jid: string, inner: string, attrs = ''): string => `<conference jid='${jid}' name='Room'${attrs}>${inner}</conference>`;
  await desk.ask('set', storage(`${room('a@rooms.example', '<nick>n</nick>', " autojoin='1'")}<url name='p' url='https://x.example'/>`));
  assert.deepEqual(idsOf(await desk.items(nora, NS.bookmarks)), ['a@rooms.example']);
  const published = `<conference xmlns='${NS.bookmarks}' autojoin='true'><nick>m</nick><extensions><x xmlns='urn:more'/></extensions></conference>`;
  await desk.publish(NS.bookmarks, published, { id: 'b@rooms.example' });
  const both = await desk.ask('get', storage(''));
  const rows = elements(typeof both === 'string' ? assert.fail(both) : elements(both)[0]!).map(({ name, attrs }) => [
    name,
    attrs.jid,
    attrs.autojoin,
  ]);
  assert.deepEqual(rows, [
    ['conference', 'a@rooms.example', 'true'],
    ['conference', 'b@rooms.example', 'true'],
    ['url', undefined, undefined],
  ]);
  // One goes, the other stays as it is, with what the old form cannot say.
  await desk.ask('set', storage("<conference jid='b@rooms.example' autojoin='true'><nick>k</nick></conference>"));
  assert.deepEqual(desk.events(), [
    `${NS.bookmarks} a@rooms.example`,
    `${NS.bookmarks} b@rooms.example`,
    `${NS.bookmarks} b@rooms.example`,
    `${NS.bookmarks} -a@rooms.example`,
  ]);
  const left = await desk.items(nora, NS.bookmarks);
  assert.equal(at(left, 'items', 'item', 'conference', 'nick'), 'k');
  assert.equal(at(left, 'items', 'item', 'conference', 'extensions', 'x'), '');
});

test("the server's mark in the features of a stream stands for what it answers, and an account tells what it can", async () => {
  await using world = await personalWorld();
  const desk = await world.screen(nora);
  const { node, ver, hash } = world.caps.attrs;
  const info = await desk.ask('get', `<query xmlns='${NS.discoInfo}' node='${node}#${ver}'/>`, server);
  assert.equal(capsVersion(typeof info === 'string' ? assert.fail(info) : info, hash ?? ''), ver);
  assert.equal(await desk.ask('get', `<query xmlns='${NS.discoInfo}' node='${node}#other'/>`, server), 'item-not-found');
  await desk.publish('urn:a', "<a xmlns='urn:a'/>", { id: '1' });
  const names = async (ns: string, more: string): Promise<(string | undefined)[]> => {
    const answer = await desk.ask('get', `<query xmlns='${ns}'${more}/>`);
    return elements(typeof answer === 'string' ? assert.fail(answer) : answer).map(
      ({ attrs }) => attrs.var ?? attrs.node ?? attrs.name ?? attrs.type,
    );
  };
  const account = await names(NS.discoInfo, '');
  for (const one of ['pep', `${NS.pubsub}#publish-options`, NS.pepVcard, NS.private, `${NS.bookmarks}#compat`])
    assert.ok(account.includes(one), one);
  assert.deepEqual(await names(NS.discoItems, ''), ['urn:a']);
  assert.deepEqual(await names(NS.discoItems, " node='urn:a'"), ['1']);
  assert.ok((await names(NS.discoInfo, " node='urn:a'")).includes('leaf'));
});

test('people are found by name, address, mail and number, but not by what the asker may not see', async () => {
  await using world = await personalWorld();
  const { people } = world.core.temp.store;
  const person = { address: nora, name: 'Nora Jensen', disabled: false, groups: [], createdAt: 0 };
  await people.put({ ...person, mail: 'nj@corp.example', phone: '+45 11', mobile: '+45 22', title: 'Trader' });
  await people.put({ ...person, address: { local: 'gone', domain: nora.domain }, name: 'Nora Gone', disabled: true });
  const lis = await world.screen(li);
  const find = async (fields: Readonly<Record<string, string>>): Promise<string[]> => {
    const rows = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`);
    const answer = await lis.ask(
      'set',
      `<query xmlns='${NS.search}'><x xmlns='${NS.forms}' type='submit'>${rows.join('')}</x></query>`,
      server,
    );
    if (typeof answer === 'string') return [answer];
    const form = elements(answer)[0];
    return elements(form!).flatMap((part) =>
      part.name === 'item'
        ? [
            elements(part)
              .map((field) => at(field, 'value'))
              .join('|'),
          ]
        : [],
    );
  };
  const row = 'nora@people.example|Nora Jensen|nj@corp.example|+45 11|Trader';
  assert.deepEqual(await find({ search: 'nora' }), [row]);
  assert.deepEqual(await find({ search: '*JENS*' }), [row]);
  assert.deepEqual(await find({ email: 'nj@' }), [row]);
  assert.deepEqual(await find({ phone: '+45 11', name: 'nora' }), [row]);
  assert.deepEqual(await find({ phone: '+45 22' }), []); // a colleague's mobile number
  assert.deepEqual(await find({ name: 'nora', email: 'other' }), []);
  assert.deepEqual(await find({ search: '*' }), ['not-acceptable']);
  assert.deepEqual(await find({}), ['not-acceptable']);
  const old = await lis.ask('set', `<query xmlns='${NS.search}'><last>Jensen</last></query>`, server);
  assert.deepEqual([at(old, 'item', 'first'), at(old, 'item', 'nick')], ['Nora', 'nora']);
  await using workgroup = await world.at(omar, level('workgroup'));
  const seen = await workgroup.screen.ask(
    'set',
    `<query xmlns='${NS.search}'><x xmlns='${NS.forms}' type='submit'><field var='phone'><value>+45 22</value></field></x></query>`,
    server,
  );
  assert.equal(at(seen, 'x', 'item', 'field', 'value'), 'nora@people.example');
  assert.match(JSON.stringify(await lis.ask('get', `<query xmlns='${NS.discoItems}'/>`, server)), /directory\.people\.example/);
});
