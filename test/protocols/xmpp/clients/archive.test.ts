// A client that pages through its user's archive (XEP-0313), played by hand against the table of requests and a real store.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, bareKey } from '../../../../src/model/address.ts';
import type { Session } from '../../../../src/model/core.ts';
import type { HistoryEntry } from '../../../../src/model/history.ts';
import { archive } from '../../../../src/protocols/xmpp/clients/archive.ts';
import { discovery } from '../../../../src/protocols/xmpp/clients/handlers.ts';
import { type Asker, IqTable, type Target } from '../../../../src/protocols/xmpp/clients/iq-table.ts';
import { child, type Element, elements, text } from '../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../src/protocols/xmpp/names.ts';
import { parseElement } from '../../../../src/protocols/xmpp/parse.ts';
import { im } from '../../../outbox/events.ts';
import { type TempStore, tempStore } from '../../../store/temp-store.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const nora: Address = { local: 'nora', domain: 'people.example' };

interface Answer {
  /** `id body` of the forwarded messages. */
  readonly told: readonly string[];
  readonly results: readonly Element[];
  readonly iq: Element;
}

interface World extends AsyncDisposable {
  readonly temp: TempStore;
  ask(xml: string, type?: 'get' | 'set', target?: Target): Promise<Answer>;
}

async function world(): Promise<World> {
  const temp = tempStore();
  const { histories, people } = temp.store;
  await people.put({ address: nora, name: 'Nora', disabled: false, groups: [], createdAt: NOON });
  const table = new IqTable((made) => [...discovery(made), archive({ histories, people })]);
  return {
    temp,
    async ask(xml, type = 'set', target = 'account') {
      const sent: string[] = [];
      const asker: Asker = {
        user: nora,
        jid: 'nora@people.example/desk',
        session: {} as Session, // the archive asks nothing of it
        carbons: false,
        interested: false,
        send: (line) => void sent.push(line),
        push: () => {},
        siblings: () => [],
      };
      const stanza = parseElement(`<iq type='${type}' id='q1' from='nora@people.example/desk'>${xml}</iq>`);
      assert.ok(stanza !== undefined, xml);
      const iq = await table.answer({ asker, type, stanza, target, to: nora });
      const results = sent.map((line) => {
        const message = parseElement(line, NS.client);
        assert.ok(message !== undefined, line);
        assert.deepEqual([message.attrs.from, message.attrs.to], ['nora@people.example', 'nora@people.example/desk']);
        const result = child(message, 'result', NS.mam);
        assert.ok(result !== undefined, line);
        return result;
      });
      return { told: results.map(inWords), results, iq };
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

function inWords(result: Element): string {
  const forwarded = child(result, 'forwarded', NS.forward)!;
  const message = child(forwarded, 'message', NS.client)!;
  const body = child(message, 'body', NS.client);
  return `${result.attrs.id} ${body === undefined ? '-' : text(body)}`;
}

const say = ({ temp }: World, id: string, at: number, more: Partial<HistoryEntry> = {}): Promise<void> =>
  temp.store.histories.append({
    ...{ owner: bareKey(nora), peer: 'omar@people.example', direction: 'in', at, border: false },
    said: { event: im(id, { body: `body ${id}`, pair: ['omar@people.example', 'nora@people.example'] }) },
    ...more,
  });

const query = (inner: string, attrs = ''): string => `<query xmlns='${NS.mam}'${attrs}>${inner}</query>`;
const set = (inner: string): string => `<set xmlns='${NS.rsm}'>${inner}</set>`;
const form = (fields: Readonly<Record<string, string | readonly string[]>>): string => {
  const rows = Object.entries({ FORM_TYPE: NS.mam, ...fields }).map(([name, value]) => {
    const values = (typeof value === 'string' ? [value] : value).map((one) => `<value>${one}</value>`);
    return `<field var='${name}'>${values.join('')}</field>`;
  });
  return `<x xmlns='${NS.forms}' type='submit'>${rows.join('')}</x>`;
};
const finOf = ({ iq }: Answer): Element => {
  const fin = child(iq, 'fin', NS.mam);
  assert.ok(fin !== undefined, JSON.stringify(iq));
  return fin;
};
const edges = (answer: Answer): readonly (string | undefined)[] => {
  const rsm = child(finOf(answer), 'set', NS.rsm)!;
  return ['first', 'last', 'count'].map((name) => {
    const found = child(rsm, name, NS.rsm);
    return found && text(found);
  });
};
const errorOf = ({ iq }: Answer): string | undefined => {
  const error = elements(iq).find(({ name }) => name === 'error');
  return error && elements(error)[0]?.name;
};

test('a client gets what was said as forwarded messages, with their ids and times', async () => {
  await using at = await world();
  await say(at, 'm1', NOON + 1000);
  const payload = { face: 'xmpp', text: "<message type='chat' id='w'><body>with &amp; more</body><x xmlns='urn:x'/></message>" } as const;
  const event = im('m2', { pair: ['nora@people.example', 'omar@people.example'] });
  await say(at, 'm2', NOON + 2000, { said: { event, payload }, direction: 'out' });
  const answer = await at.ask(query('', " queryid='f27'"));
  assert.deepEqual(answer.told, ['m1 body m1', 'm2 with & more']);
  for (const result of answer.results) assert.equal(result.attrs.queryid, 'f27');
  const forwarded = child(answer.results[1]!, 'forwarded', NS.forward)!;
  assert.equal(child(forwarded, 'delay', NS.delay)?.attrs.stamp, '2026-11-20T12:00:02.000Z');
  const message = child(forwarded, 'message', NS.client)!;
  assert.deepEqual([message.attrs.from, message.attrs.to], ['nora@people.example', 'omar@people.example']);
  assert.ok(child(message, 'x', 'urn:x') !== undefined, 'what only XMPP clients understand is still there');
  assert.equal(finOf(answer).attrs.complete, 'true');
  assert.deepEqual(edges(answer), ['m1', 'm2', '2']);
});

test('a client that pages forward, or back from the end, gets every message once', async () => {
  await using at = await world();
  const ids = Array.from({ length: 23 }, (_, i) => `m${String(i).padStart(2, '0')}`);
  for (const [i, id] of ids.entries()) await say(at, id, NOON + i * 1000);
  for (const max of [1, 5, 22, 23, 50]) {
    const forward: string[] = [];
    for (let after = ''; ; ) {
      const answer = await at.ask(query(set(`<max>${max}</max>${after === '' ? '' : `<after>${after}</after>`}`)));
      forward.push(...answer.told.map((one) => one.split(' ')[0]!));
      if (finOf(answer).attrs.complete === 'true') break;
      after = edges(answer)[1]!;
    }
    assert.deepEqual(forward, ids);
    const back: string[] = [];
    for (let before = ''; ; ) {
      const answer = await at.ask(query(`${set(`<max>${max}</max><before>${before}</before>`)}<flip-page/>`));
      back.push(...answer.told.map((one) => one.split(' ')[0]!));
      if (finOf(answer).attrs.complete === 'true') break;
      before = edges(answer)[0]!;
    }
    assert.deepEqual(back, [...ids].reverse());
  }
  assert.deepEqual(edges(await at.ask(query(set('<max>0</max>')))), [undefined, undefined, '23']);
});

test('by contact, by time, by ids, between ids', async () => {
  await using at = await world();
  await say(at, 'm1', NOON + 1000);
  await say(at, 'm2', NOON + 2000, { peer: 'bob@partner.example' });
  await say(at, 'm3', NOON + 3000);
  await say(at, 'm4', NOON + 4000);
  const told = async (fields: Parameters<typeof form>[0]): Promise<string[]> =>
    (await at.ask(query(form(fields)))).told.map((one) => one.split(' ')[0]!);
  assert.deepEqual(await told({ with: 'bob@partner.example' }), ['m2']);
  assert.deepEqual(await told({ with: 'Omar@people.example', start: '2026-11-20T12:00:02Z' }), ['m3', 'm4']);
  assert.deepEqual(await told({ start: '2026-11-20T13:00:02+01:00', end: '2026-11-20T12:00:03Z' }), ['m2', 'm3']);
  assert.deepEqual(await told({ 'after-id': 'm1', 'before-id': 'm4' }), ['m2', 'm3']);
  assert.deepEqual(await told({ ids: ['m4', 'm1'] }), ['m1', 'm4']);
  assert.deepEqual(await told({ start: '', with: '' }), ['m1', 'm2', 'm3', 'm4']);
});

test('Profanity, which names the last message it has without a set around it, is not given everything again', async () => {
  await using at = await world();
  await say(at, 'm1', NOON + 1000);
  await say(at, 'm2', NOON + 2000);
  assert.deepEqual(
    (await at.ask(query('<after>m1</after>'))).told.map((one) => one.split(' ')[0]),
    ['m2'],
  );
});

test('what cannot be answered is refused with the condition that clients know', async () => {
  await using at = await world();
  await say(at, 'm1', NOON + 1000);
  for (const [asked, condition] of [
    [query(set('<after>never</after>')), 'item-not-found'],
    [query(set('<before>never</before>')), 'item-not-found'],
    [query(form({ 'after-id': 'never' })), 'item-not-found'],
    [query(form({ ids: ['m1', 'never'] })), 'item-not-found'],
    [query(form({ with: 'a@@b@' })), 'jid-malformed'],
    [query(form({ start: 'yesterday' })), 'bad-request'],
    [query(form({ start: ['2026-11-20T12:00:02Z', '2026-11-20T12:00:02Z'] })), 'bad-request'],
    [query(form({ 'with-a-moon': 'full' })), 'feature-not-implemented'],
    [query(set('<max>many</max>')), 'bad-request'],
    [query(set('<max>5</max><index>3</index>')), 'feature-not-implemented'],
    [`<prefs xmlns='${NS.mam}' default='never'/>`, 'not-allowed'],
    [`<other xmlns='${NS.mam}'/>`, 'bad-request'],
  ] as const) {
    const answer = await at.ask(asked);
    assert.deepEqual([errorOf(answer), answer.told], [condition, []], asked);
  }
  for (const target of ['user', 'server'] as const) assert.equal(errorOf(await at.ask(query(''), 'set', target)), 'service-unavailable');
});

test('a client is told what it may ask, where the archive begins and ends, and that everything is kept', async () => {
  await using at = await world();
  const metadata = `<metadata xmlns='${NS.mam}'/>`;
  assert.deepEqual(elements(child((await at.ask(metadata, 'get')).iq, 'metadata', NS.mam)!), []);
  await say(at, 'm1', NOON + 1000);
  await say(at, 'm2', NOON + 2000);
  const marks = elements(child((await at.ask(metadata, 'get')).iq, 'metadata', NS.mam)!);
  assert.deepEqual(
    marks.map(({ name, attrs }) => [name, attrs.id, attrs.timestamp]),
    [
      ['start', 'm1', '2026-11-20T12:00:01.000Z'],
      ['end', 'm2', '2026-11-20T12:00:02.000Z'],
    ],
  );
  const shape = child(child((await at.ask(query(''), 'get')).iq, 'query', NS.mam)!, 'x', NS.forms)!;
  const fields = ['FORM_TYPE', 'with', 'start', 'end', 'before-id', 'after-id', 'ids'];
  assert.deepEqual(
    elements(shape).map(({ attrs }) => attrs.var),
    fields,
  );
  assert.equal(child((await at.ask(`<prefs xmlns='${NS.mam}'/>`, 'get')).iq, 'prefs', NS.mam)?.attrs.default, 'always');
  const info = child((await at.ask(`<query xmlns='${NS.discoInfo}'/>`, 'get')).iq, 'query', NS.discoInfo)!;
  const features = elements(info).map(({ attrs }) => attrs.var);
  for (const feature of [NS.mam, NS.mamExtended, NS.stanzaIds]) assert.ok(features.includes(feature), feature);
});

test('who gets an address that somebody had before does not see what was said to them', async () => {
  await using at = await world();
  await say(at, 'theirs', NOON - 1000);
  await say(at, 'mine', NOON + 1000);
  assert.deepEqual((await at.ask(query(''))).told, ['mine body mine']);
  assert.deepEqual((await at.ask(query(form({ ids: ['theirs'] })))).told, []);
});
