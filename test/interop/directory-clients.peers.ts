// People of a directory (slapd) with a real client: they sign in with their password there, and are found by name, mail and number.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type XmppElement, xml } from '@xmpp/client';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { BASE, ROOT_DN, ROOT_PASSWORD, startSlapd } from '../support/peers/slapd.ts';
import { World } from '../support/world.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const DOMAIN = 'people.example';
const ADDRESS = '127.0.9.1';
const PEOPLE = `ou=People,${BASE}`;

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('people of a directory', { skip: noWorld });
} else {
  describe('people of a directory', async () => {
    const world = await World.open({ hosts: { [DOMAIN]: ADDRESS, 'edge.people.example': '127.0.1.1' }, srv: [] });
    const slapd = await startSlapd(
      world.room('slapd'),
      '127.0.9.2',
      world.certificate({ names: ['ldap.corp.example'], ips: ['127.0.9.2'] }),
    );
    world.adopt(slapd.process);
    await slapd.admin(async (client) => {
      await client.add(BASE, { objectClass: ['dcObject', 'organization'], dc: 'corp', o: 'Corp' });
      await client.add(PEOPLE, { objectClass: 'organizationalUnit', ou: 'People' });
      for (const [uid, cn, sn, telephoneNumber] of [
        ['vera', 'Vera Lind', 'Lind', '+49 30 77'],
        ['ivo', 'Ivo Kern', 'Kern', '+49 30 88'],
      ] as const)
        await client.add(`cn=${cn},${PEOPLE}`, {
          ...{ objectClass: 'inetOrgPerson', cn, sn, uid, telephoneNumber, mail: `${uid}@corp.example`, userPassword: `of ${uid}` },
        });
    });
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: 'edge.people.example', sip: 'tls://127.0.1.1:5061', xmpp: 'starttls://127.0.1.1:5269' },
        clients: { xmpp: [`starttls://${ADDRESS}:5222`] },
      },
      domains: { [DOMAIN]: { served: 'core' } },
      partners: {},
      own: { people: world.certificate({ names: [DOMAIN, 'edge.people.example'] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
      secrets: { directory: `${ROOT_PASSWORD}\n` },
    });
    home.file(
      'people/directory.yaml',
      [
        'ldap:',
        '  url: ldaps://127.0.9.2',
        `  bindDn: "${ROOT_DN}"`,
        '  password: { secret: directory }',
        `  base: "${PEOPLE}"`,
        `  domains: { corp.example: ${DOMAIN} }`,
        '  attributes: { address: uid }',
        'signIn: ldap',
        '',
      ].join('\n'),
    );
    await world.start(home.isthmus);
    await home.logged('directory.synced');

    world.scene('one signs in with the password of the directory, and finds the other by what the directory says', async () => {
      const vera = await XmppUser.signIn({ user: 'vera', domain: DOMAIN, password: 'of vera', address: ADDRESS });
      world.atEnd(() => vera.signOut());
      const find = async (name: string, value: string): Promise<string[]> => {
        const field = (of: string, words: string): XmppElement => xml('field', { var: of }, xml('value', {}, words));
        const form = xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, field('FORM_TYPE', 'jabber:iq:search'), field(name, value));
        const found = await vera.ask('set', xml('query', { xmlns: 'jabber:iq:search' }, form), `directory.${DOMAIN}`);
        return [...String(found).matchAll(/<item><field var="jid"><value>([^<]*)/g)].map((match) => match[1] ?? '');
      };
      for (const [name, value] of [
        ['name', 'kern'],
        ['email', 'ivo@corp.example'],
        ['phone', '30 88'],
        ['search', 'ivo'],
      ] as const)
        assert.deepEqual(await find(name, value), [`ivo@${DOMAIN}`], `${name} ${value}`);
      assert.deepEqual(await find('search', 'nobody of that name'), []);
    });

    world.scene('a wrong password is refused', async () => {
      await assert.rejects(XmppUser.signIn({ user: 'ivo', domain: DOMAIN, password: 'of vera', address: ADDRESS }));
    });
  });
}
