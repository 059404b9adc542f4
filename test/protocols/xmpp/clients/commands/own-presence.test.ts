// Ad-hoc commands of an account: how clients find and run them (XEP-0050), and what each one does in a real core.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandResult } from '../../../../../src/protocols/xmpp/clients/commands/adhoc.ts';
import type { Field } from '../../../../../src/protocols/xmpp/clients/commands/data-form.ts';
import { presenceCommands } from '../../../../../src/protocols/xmpp/clients/commands/own-presence.ts';
import type { Asker } from '../../../../../src/protocols/xmpp/clients/iq-table.ts';
import { printPresence } from '../../../../../src/protocols/xmpp/clients/presence.ts';
import { type CoreWorld, coreWorld, type FakeClient, li, nora, omar } from '../../../../core/world.ts';
import type { Stanza } from '../../../../support/xml-stream.ts';
import { ClientWorld } from '../client-world.ts';

const NS = 'http://jabber.org/protocol/commands';
const STATE = 'urn:isthmus:presence:state';

test('a client finds the commands, asks for the form, fills it in, and may stop', async () => {
  await using world = await ClientWorld.open();
  const client = await world.client('nora', 'pencil', 'desk');
  const inside = (answer: Stanza): Stanza => answer.children[0]!; // an answer holds one element
  const info = inside(await client.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", 'nora@people.example'));
  assert.ok(info.children.some(({ attrs }) => attrs.var === NS));
  for (const entity of ['nora@people.example', 'people.example']) {
    const items = inside(await client.ask('get', `<query xmlns='http://jabber.org/protocol/disco#items' node='${NS}'/>`, entity));
    assert.deepEqual(items.children.find(({ attrs }) => attrs.node === STATE)?.attrs, { jid: entity, node: STATE, name: 'Set my state' });
  }
  const one = inside(await client.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info' node='${STATE}'/>`));
  assert.deepEqual(one.children[0]?.attrs, { category: 'automation', type: 'command-node', name: 'Set my state' });
  const none = await client.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info' node='other'/>");
  assert.equal(none.attrs.type, 'error');

  const run = async (attrs: string, form = ''): Promise<Stanza> => client.ask('set', `<command xmlns='${NS}' ${attrs}>${form}</command>`);
  const asked = inside(await run(`node='${STATE}' action='execute'`));
  assert.equal(asked.attrs.status, 'executing');
  assert.deepEqual(
    asked.children.map(({ name, attrs }) => [name, attrs.execute ?? attrs.type]),
    [
      ['actions', 'complete'],
      ['x', 'form'],
    ],
  );
  const submit = "<x xmlns='jabber:x:data' type='submit'><field var='state'><value></value></field></x>";
  const done = inside(await run(`node='${STATE}' sessionid='${asked.attrs.sessionid}'`, submit));
  assert.deepEqual([done.attrs.status, done.attrs.sessionid], ['completed', asked.attrs.sessionid]);
  const stopped = inside(await run(`node='${STATE}' action='cancel' sessionid='x'`));
  assert.deepEqual([stopped.attrs.status, stopped.children.length], ['canceled', 0]);
  for (const [attrs, condition] of [
    ["node='urn:nothing'", 'item-not-found'],
    [`node='${STATE}' action='prev'`, 'bad-request'],
  ] as const) {
    const refused = await run(attrs);
    assert.equal(refused.children.find(({ name }) => name === 'error')?.children[0]?.name, condition);
  }
  // Of somebody else nothing can be run.
  const theirs = await client.ask('set', `<command xmlns='${NS}' node='${STATE}'/>`, 'omar@people.example');
  assert.equal(theirs.attrs.type, 'error');
  client.stream.close();
});

/** Runs a command as one of a user's clients. */
async function run(
  world: CoreWorld,
  { session }: FakeClient,
  node: string,
  values: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  const command = presenceCommands(() => world.temp.clock.now()).find((one) => one.node === `urn:isthmus:presence:${node}`);
  assert.ok(command !== undefined);
  const asker = { session, user: session.user } as unknown as Asker; // what commands look at
  await command.form(asker);
  const result = await command.submit(asker, new Map(Object.entries(values)));
  await world.settle();
  return result;
}
async function formOf(world: CoreWorld, { session }: FakeClient, node: string, language?: string): Promise<readonly Field[]> {
  const command = presenceCommands(() => world.temp.clock.now()).find((one) => one.node === `urn:isthmus:presence:${node}`);
  const form = await command?.form({ session, user: session.user, language } as unknown as Asker);
  return form?.fields ?? [];
}

test("a state for a time, in the words of the client's language, and its end", async () => {
  const states = [{ id: 'court', class: 'busy', words: { en: 'In court', de: 'Vor Gericht', '': 'In court' } }] as const;
  await using world = await coreWorld({ states: () => states });
  const desk = await world.client(nora, 'desk');
  const [field] = await formOf(world, desk, 'state', 'de-AT');
  assert.deepEqual(field?.options?.at(-1), { value: 'court', label: 'Vor Gericht' });
  const done = await run(world, desk, 'state', { state: 'court', for: '30' });
  assert.match(done.words, /^You are In court, until \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)\.$/);
  assert.deepEqual(await desk.session.chosen(), { state: 'court', until: world.temp.clock.now() + 1_800_000 });
  assert.equal((await formOf(world, desk, 'state'))[0]?.value, 'court');
  const timed = await run(world, desk, 'state', { state: 'busy', until: '2030-01-01 09:00' });
  assert.equal(timed.kind, 'done');
  assert.equal((await desk.session.chosen())?.until, Date.parse('2030-01-01T09:00Z'));
  assert.match((await run(world, desk, 'state', { state: 'busy', until: 'noon' })).words, /"noon" is no time/);
  assert.match((await run(world, desk, 'state', { state: 'busy', until: '2001-01-01' })).words, /over already/);
  assert.match((await run(world, desk, 'state', { state: 'asleep' })).words, /asleep is no state.*court/);
  await run(world, desk, 'state', { state: '' });
  assert.equal(await desk.session.chosen(), undefined);
});

test('out of the office, in the time of the place where its user is', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await run(world, desk, 'note', { note: 'here', location: '', 'time-zone': 'Europe/Berlin' });
  const done = await run(world, desk, 'out-of-office', {
    away: '1',
    from: '2030-07-01 08:00',
    until: '2030-07-15',
    note: 'Ask Omar\nor Li',
  });
  assert.equal(done.words, 'You are out of the office from 2030-07-01 08:00 until 2030-07-15 00:00 (Europe/Berlin).');
  const { outOfOffice } = await desk.session.personal.settings();
  assert.deepEqual(outOfOffice, { text: 'Ask Omar\nor Li', from: Date.parse('2030-07-01T06:00Z'), until: Date.parse('2030-07-14T22:00Z') });
  const fields = await formOf(world, desk, 'out-of-office');
  assert.deepEqual(
    fields.map(({ value }) => value),
    ['1', '2030-07-01 08:00', '2030-07-15 00:00', 'Ask Omar\nor Li'],
  );
  assert.match((await run(world, desk, 'out-of-office', { away: '1', until: 'soon' })).words, /"soon" is no time/);
  await run(world, desk, 'out-of-office', { away: '0' });
  assert.equal((await desk.session.personal.settings()).outOfOffice, undefined);
});

test('levels of contacts and domains; who is no contact is told so', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await desk.session.putContact({ address: omar, name: 'Omar', groups: ['team'], favourite: true });
  assert.equal((await run(world, desk, 'levels', { who: 'omar@people.example', level: 'workgroup' })).kind, 'done');
  assert.equal((await run(world, desk, 'levels', { who: 'Partner.Example', level: 'blocked' })).kind, 'done');
  const [entry] = (await desk.session.contacts()).contacts;
  assert.deepEqual([entry?.level, entry?.name, entry?.groups, entry?.favourite], ['workgroup', 'Omar', ['team'], true]);
  assert.deepEqual((await desk.session.personal.settings()).domains, { 'partner.example': 'blocked' });
  const [now] = await formOf(world, desk, 'levels');
  assert.equal(now?.value, 'Now: omar@people.example: workgroup, partner.example: blocked');
  for (const who of ['omar@people.example', 'partner.example']) await run(world, desk, 'levels', { who, level: 'default' });
  assert.equal((await desk.session.contacts()).contacts[0]?.level, undefined);
  assert.deepEqual((await desk.session.personal.settings()).domains, {});
  assert.match((await run(world, desk, 'levels', { who: 'li@people.example', level: 'friends' })).words, /not in your contact list/);
  assert.match((await run(world, desk, 'levels', { who: 'a b@x', level: 'friends' })).words, /./);
  assert.match((await run(world, desk, 'levels', { who: 'omar@people.example', level: 'best' })).words, /no level/);
});

test('about a contact: what the level lets see, and when they are busy', async () => {
  const blocks = ['meeting', 'meeting', 'free', 'tentative'] as const;
  await using world = await coreWorld({ calendars: { at: () => ({ kind: 'free' }), blocks: () => blocks } });
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await phone.session.subscription('subscribe', nora);
  await desk.session.subscription('subscribed', omar);
  await run(world, desk, 'note', { note: 'at sea', location: 'Hamburg', 'time-zone': 'Europe/Berlin' });
  const told = async (): Promise<Readonly<Record<string, string | undefined>>> => {
    const done = await run(world, phone, 'about', { who: 'nora@people.example' });
    return done.kind === 'done' ? Object.fromEntries((done.fields ?? []).map(({ name, value }) => [name, value])) : {};
  };
  const { busy, ...facts } = await told();
  assert.deepEqual(facts, { state: 'available', note: 'at sea', location: 'Hamburg', 'time-zone': 'Europe/Berlin' });
  assert.match(busy ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d - \d\d:\d\d in a meeting\n.* tentative$/);
  await run(world, desk, 'levels', { who: 'omar@people.example', level: 'external' });
  assert.deepEqual(await told(), { state: 'available' });
  // Who shows nothing and who is not there are one.
  for (const who of [li, { local: 'nobody', domain: 'people.example' }]) {
    const refused = await run(world, phone, 'about', { who: `${who.local}@${who.domain}` });
    assert.deepEqual(refused, { kind: 'refused', words: `${who.local}@${who.domain} shows you nothing.` });
  }
});

test("what the core says otherwise takes the place of the client's own words; the rest of its stanza stays", () => {
  const payload = {
    face: 'xmpp',
    text: "<presence><show>chat</show><c xmlns='http://jabber.org/protocol/caps' ver='x'/></presence>",
    rest: "<presence><c xmlns='http://jabber.org/protocol/caps' ver='x'/></presence>",
  } as const;
  const notes = [
    { text: 'In court', lang: 'en' },
    { text: 'Vor <Gericht>', lang: 'de' },
  ];
  const presence = { availability: 'open', show: 'dnd', notes, payload, amended: true } as const;
  const print = (language?: string): string | undefined =>
    printPresence({ ...nora, resource: 'desk' }, presence, 'omar@people.example/phone', 0, language);
  const head =
    "<presence from='nora@people.example/desk' to='omar@people.example/phone'><c xmlns='http://jabber.org/protocol/caps' ver='x'/><show>dnd</show>";
  assert.equal(print('de-CH'), `${head}<status xml:lang='de'>Vor &lt;Gericht&gt;</status></presence>`);
  assert.equal(print('fr'), `${head}<status xml:lang='en'>In court</status></presence>`);
  assert.equal(print(), `${head}<status xml:lang='en'>In court</status><status xml:lang='de'>Vor &lt;Gericht&gt;</status></presence>`);
});
