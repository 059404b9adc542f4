// A split domain whose other system is Prosody with the module of deploy/prosody: colleagues in the core and there write to each
// other and see each other, and a person who is at neither is nobody's.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { importPeople } from '../support/core-world.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { EDGE } from '../support/organisations.ts';
import { prosody } from '../support/peers/prosody.ts';
import { World } from '../support/world.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('a split domain with an internal Prosody', { skip: noWorld });
} else {
  describe('a split domain with an internal Prosody', async () => {
    const DOMAIN = 'people.test';
    const [CORE, INSIDE] = ['127.0.36.1', '127.0.36.2'];
    const COMPONENT = { name: `isthmus.${DOMAIN}`, secret: 'a long random text' };
    const world = await World.open({ hosts: { [DOMAIN]: CORE, [EDGE.host]: EDGE.address }, srv: [] });
    const certificate = world.certificate({ names: [DOMAIN, EDGE.host] });
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        clients: { host: DOMAIN, xmpp: `starttls://${CORE}:5222` },
      },
      domains: {
        [DOMAIN]: {
          served: 'core',
          otherwise: {
            served: 'xmpp',
            component: { name: COMPONENT.name, dial: `plain://${INSIDE}:5347`, secret: { secret: 'component' } },
          },
        },
      },
      partners: {},
      own: { people: certificate },
      trustEdge: { world: world.ca.rootPem },
      secrets: { component: COMPONENT.secret },
    });
    await importPeople(home, DOMAIN, { nora: 'n0ra-secret' });
    const isthmus = {
      component: COMPONENT.name,
      secret: COMPONENT.secret,
      moduleFolder: join(import.meta.dirname, '../../deploy/prosody'),
      split: true,
    };
    const inside = { domain: DOMAIN, address: INSIDE, users: { inge: '1nge-secret', otto: '0tto-secret' } };
    await world.start(prosody({ ...inside, folder: world.room('prosody'), certificate, rootsFile: world.rootsFile, isthmus }));
    await world.start(home.isthmus);
    await home.logged('component.opened');
    const nora = await XmppUser.signIn({ user: 'nora', domain: DOMAIN, password: 'n0ra-secret', address: CORE });
    const inge = await XmppUser.signIn({ user: 'inge', domain: DOMAIN, password: '1nge-secret', address: INSIDE });
    world.atEnd(() => Promise.all([nora.signOut(), inge.signOut()]));

    world.scene('colleagues write to each other, from either side', async () => {
      await nora.write(inge.jid, 'hello Inge');
      assert.equal((await inge.message(nora.jid)).getChildText('body'), 'hello Inge');
      await inge.write(nora.jid, 'hello Nora');
      assert.equal((await nora.message(inge.jid)).getChildText('body'), 'hello Nora');
    });

    world.scene('they see each other once both have said so', async () => {
      await inge.presence('subscribe', nora.jid);
      await nora.presenceOf(inge.jid, 'subscribe');
      await nora.presence('subscribed', inge.jid);
      await inge.presenceOf(nora.jid, 'subscribed');
      await nora.present('dnd');
      await inge.presenceOf(nora.jid, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
      await nora.presence('subscribe', inge.jid);
      await inge.presenceOf(nora.jid, 'subscribe');
      await inge.presence('subscribed', nora.jid);
      await nora.presenceOf(inge.jid, 'subscribed');
      await inge.present('away');
      await nora.presenceOf(inge.jid, 'available', (stanza) => stanza.getChildText('show') === 'away');
    });

    world.scene('users of the internal server reach each other without Isthmus', async () => {
      const otto = await XmppUser.signIn({ user: 'otto', domain: DOMAIN, password: '0tto-secret', address: INSIDE });
      await inge.write(otto.jid, 'between us');
      assert.equal((await otto.message(inge.jid)).getChildText('body'), 'between us');
      await otto.signOut();
    });

    world.scene('whom neither system knows nobody reaches, and nothing goes round in circles', async () => {
      const told = async (one: XmppUser): Promise<string | undefined> => {
        await one.write(`emil@${DOMAIN}`, 'anybody?');
        return conditionOf(await one.message(`emil@${DOMAIN}`, (stanza) => stanza.attrs.type === 'error'));
      };
      // Prosody answers service-unavailable for a user that is not there, which says no more than that it would not.
      assert.equal(await told(nora), 'forbidden');
      assert.equal(await told(inge), 'item-not-found');
    });
  });
}
