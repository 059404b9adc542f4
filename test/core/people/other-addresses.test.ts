// Other addresses of a person: who writes to one is told where they are reached, if they may know it at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import type { Address } from '../../../src/model/address.ts';
import type { Event, ImSent } from '../../../src/model/event.ts';
import { type Outcome, refused } from '../../../src/model/outcome.ts';
import { replyTo } from '../../../src/protocols/sip/replies.ts';
import { printElement } from '../../../src/protocols/xmpp/print.ts';
import { errorOf } from '../../../src/protocols/xmpp/replies.ts';
import { Discovered } from '../../../src/routing/discovered.ts';
import { Dispatch } from '../../../src/routing/dispatch.ts';
import { Limits } from '../../../src/routing/limits.ts';
import { ALLOW, ownDomain, partner, rule, table } from '../../support/table.ts';
import { at, bob, type CoreWorld, coreWorld, HERE, message, nora, omar } from '../world.ts';

const MAIL = at('nora.berg', 'corp.example');
const OLD = at('berg');

async function known(): Promise<CoreWorld> {
  const world = await coreWorld({ isElsewhere: (domain) => domain === bob.domain });
  const person = { name: 'Nora Berg', disabled: false, groups: [], createdAt: 0 };
  await world.temp.store.people.put({
    ...person,
    address: nora,
    mail: 'Nora.Berg@Corp.example',
    addresses: ['berg@people.example', 'nora@partner.example', 'team@corp.example'],
  });
  await world.temp.store.people.put({ ...person, address: at('li'), addresses: ['team@corp.example'] });
  return world;
}
const hint = (outcome: Outcome): string | undefined =>
  outcome.kind === 'refused' && outcome.reason.newAddress !== undefined ? outcome.reason.text : undefined;
const SAYS = (to: string): string => `${to} is an other address of nora@people.example. Did you mean nora@people.example?`;

test('a colleague who writes to, asks, or adds a mail address or an old one is told the address', async () => {
  await using world = await known();
  const desk = await world.client(omar, 'desk');
  assert.equal(hint(await world.say(desk, MAIL, 'hello')), SAYS('nora.berg@corp.example'));
  assert.equal(hint(await world.say(desk, OLD, 'hello')), SAYS('berg@people.example'));
  assert.equal(hint(await desk.session.subscription('subscribe', MAIL)), SAYS('nora.berg@corp.example'));
  assert.equal(hint(await desk.session.putContact({ address: MAIL, groups: [] })), SAYS('nora.berg@corp.example'));
  assert.deepEqual([world.sent.length, (await desk.session.contacts()).contacts.length], [0, 0]);
});

test('an address of two people, one at a partner, and one of somebody who has blocked the asker mean nobody', async () => {
  await using world = await known();
  const desk = await world.client(omar, 'desk');
  assert.equal(hint(await world.say(desk, at('team', 'corp.example'), 'all')), undefined);
  assert.equal(hint(await world.say(desk, at('nora', bob.domain), 'is it you?')), undefined); // there may be such a user there
  assert.equal(world.sent.length, 2);
  const hers = await world.client(nora, 'desk');
  await hers.session.block(['omar@people.example']);
  assert.equal(hint(await world.say(desk, OLD, 'hello')), undefined);
  await hers.session.unblock([]);
  await world.temp.store.people.put({
    address: nora,
    name: 'Nora',
    disabled: true,
    groups: [],
    createdAt: 0,
    addresses: ['berg@people.example'],
  });
  assert.equal(hint(await world.say(desk, OLD, 'hello')), undefined);
});

test('a partner is told only where policy lets the stranger reach that user; all others are answered alike', async () => {
  await using world = await known();
  const { clock, store } = world.temp;
  const ask = async (allow: object, more: object = {}, from: Address = bob): Promise<Outcome> => {
    const rules = table([ownDomain(HERE, 'core')], [partner(bob.domain, { allow: { ...ALLOW, firstContact: 'anyone', ...allow } })], more);
    const dispatch = new Dispatch({
      ...{ table: () => rules, clock, log: SILENT, limits: new Limits(clock), requests: store.requests },
      ...{ decisions: store.decisions, sentIds: store.sentIds, discovered: new Discovered(store.discovered, clock, () => rules) },
      hold: async () => {},
      gateways: new Map(),
      reachedAt: (to, sender) => world.core.reachedAt(to, sender),
    });
    const taken = { submit: async (event: Event) => ({ kind: 'refused', outcome: await world.arrives(event) }) } as never; // as if the core answered at once
    dispatch.connect(taken, {} as never);
    const event: ImSent = { ...message(from, OLD, 'hello'), id: `ask-${Math.random()}` };
    return dispatch.submit(event);
  };
  const told = await ask({});
  assert.equal(hint(told), SAYS('berg@people.example'));
  const where = { file: 'routes/policy.yaml', key: '/rules/0' };
  const noraOff = rule({ who: { kind: 'user', user: 'nora@people.example' }, with: { kind: 'everyone' }, messages: 'none', where });
  const answers = [
    await ask({ firstContact: 'localUserInvites' }),
    await ask({ messages: 'none' }),
    await ask({}, { rules: [noraOff] }),
    refused(reason('PEER_UNKNOWN_USER', 'nobody')),
  ];
  const hers = await world.client(nora, 'desk');
  await hers.session.block(['bob@partner.example']);
  answers.push(await ask({}));
  const asked = { partner: true, endpoint: false, use6xx: false };
  for (const answer of answers) {
    assert.equal(hint(answer), undefined);
    assert.ok(answer.kind === 'refused');
    assert.deepEqual(replyTo(answer, asked), { status: 403, phrase: 'Forbidden', headers: [] });
  }
  assert.equal(new Set(answers.map((answer) => answer.kind === 'refused' && printElement(errorOf(answer.reason, true)))).size, 1);
});

test('in SIP it is 301 with the address as Contact, in XMPP gone with its URI', async () => {
  const why = reason('PEER_OTHER_ADDRESS', 'x is an other address', { newAddress: { local: "o'neil", domain: HERE } });
  const reply = replyTo(refused(why), { partner: false, endpoint: false, use6xx: false });
  assert.deepEqual([reply.status, reply.headers[0]], [301, ['Contact', "<sip:o'neil@people.example>"]]);
  assert.match(
    printElement(errorOf(why, false)),
    /type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:o(%5C|\\)27neil@people\.example<\/gone>/,
  );
});
