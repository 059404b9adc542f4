// Accounts over a stream: with an invitation before the sign-in, the own password after it; never another's, never away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InvitationDesk } from '../../../../../src/model/invitations.ts';
import { invitedDoor, ownAccount } from '../../../../../src/protocols/xmpp/clients/sign-in/register.ts';
import type { Stanza } from '../../../../support/xml-stream.ts';
import { ClientWorld, DOMAIN, type Played } from '../client-world.ts';

const REGISTER = 'jabber:iq:register';
const account = (name: string, password: string): string =>
  `<query xmlns='${REGISTER}'><username>${name}</username><password>${password}</password></query>`;
const conditionOf = (answer: Stanza): string | undefined => answer.children.find(({ name }) => name === 'error')?.children[0]?.name;

/** One invitation, `good`, that is asked for again and again. */
function desk(): InvitationDesk & { readonly changed: string[] } {
  const changed: string[] = [];
  const base = { id: '12345678', domain: DOMAIN, groups: [], uses: 1, used: 0, usedBy: [], madeBy: 'root', madeAt: 0, expiresAt: 1 };
  return {
    changed,
    look: async (token) => (token === 'good' ? base : undefined),
    join: async (_seen, local = '') => ({
      ok: true,
      added: true,
      person: { address: { local, domain: DOMAIN }, name: local, disabled: false, groups: [], createdAt: 0 },
    }),
    async change({ local }, password) {
      if (password === 'elsewhere') return { kind: 'elsewhere', text: 'it is changed in the directory' };
      if (password === 'short') return { kind: 'password', text: 'too short' };
      changed.push(`${local} ${password}`);
      return undefined;
    },
  };
}

async function ask(client: Played, payload: string): Promise<Stanza> {
  client.send(`<iq type='set' id='r' to='${DOMAIN}'>${payload}</iq>`);
  return client.get('the answer', ({ attrs }) => attrs.id === 'r');
}

test('a newcomer is heard with an invitation only, and then signs in on the same stream', async () => {
  await using world = await ClientWorld.open({}, { invited: invitedDoor(desk()) });
  const client = await world.secured();
  const offered = client.features.children.filter(({ name }) => name === 'register').map(({ ns }) => ns);
  assert.deepEqual(offered, ['urn:xmpp:ibr-token:0', 'http://jabber.org/features/iq-register']);
  assert.equal(conditionOf(await ask(client, account('nora', 'a long pencil'))), 'forbidden');
  assert.equal(conditionOf(await ask(client, "<preauth xmlns='urn:xmpp:pars:0' token='bad'/>")), 'item-not-found');
  assert.equal((await ask(client, "<preauth xmlns='urn:xmpp:pars:0' token='good'/>")).attrs.type, 'result');
  assert.equal((await ask(client, account('nora', 'a long pencil'))).attrs.type, 'result');
  assert.equal((await client.scram('nora', 'pencil')).name, 'success');
  client.stream.close();
});

test('where there are no invitations nobody is heard before the sign-in', async () => {
  await using world = await ClientWorld.open();
  const stranger = await world.secured();
  stranger.send(`<iq type='set' id='r'>${account('eve', 'a long pencil')}</iq>`);
  const error = await stranger.get('the error', ({ name }) => name === 'error');
  assert.equal(error.children[0]?.name, 'not-authorized');
});

test('a user changes the own password, and nothing else', async () => {
  const made = desk();
  await using world = await ClientWorld.open({}, { handlers: [ownAccount(made)] });
  const nora = await world.client('nora', 'pencil', 'desk');
  const shown = await nora.ask('get', `<query xmlns='${REGISTER}'/>`, DOMAIN);
  assert.deepEqual(
    shown.children[0]?.children.map(({ name, text }) => [name, text]),
    [
      ['registered', ''],
      ['username', 'nora'],
      ['password', ''],
    ],
  );
  const set = async (payload: string): Promise<string> => conditionOf(await nora.ask('set', payload, DOMAIN)) ?? 'result';
  assert.equal(await set(account('nora', 'a new pencil')), 'result');
  assert.equal(await set(account('omar', 'a new pencil')), 'not-allowed');
  assert.equal(await set(account('nora', 'short')), 'not-acceptable');
  assert.equal(await set(account('nora', 'elsewhere')), 'not-allowed');
  assert.equal(await set(`<query xmlns='${REGISTER}'><remove/></query>`), 'not-allowed');
  assert.equal(await set(`<query xmlns='${REGISTER}'/>`), 'bad-request');
  assert.deepEqual(made.changed, ['nora a new pencil']);
  nora.stream.close();
});
