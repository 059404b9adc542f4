// The module for an internal Prosody, deploy/prosody/mod_isthmus_route.lua, with a component played by hand in Isthmus' place.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { enterNamespace } from '../support/namespace.ts';
import { prosody } from '../support/peers/prosody.ts';
import { World } from '../support/world.ts';
import { child } from '../support/xml-stream.ts';
import { XmppComponent } from '../support/xmpp-component.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('an internal Prosody with the isthmus_route module', { skip: noWorld });
} else {
  describe('an internal Prosody with the isthmus_route module', async () => {
    const CHAT = { address: '127.0.2.2', domain: 'chat.test', users: { juliet: 'capulet', tybalt: 'cat' } };
    const COMPONENT = { address: CHAT.address, name: 'isthmus.chat.test', secret: 's3cret "quoted"' };
    const world = await World.open({ hosts: {}, srv: [] });
    await world.start(
      prosody({
        ...CHAT,
        folder: world.room('prosody'),
        certificate: world.certificate({ names: ['chat.test'] }),
        rootsFile: world.rootsFile,
        isthmus: { component: COMPONENT.name, secret: COMPONENT.secret, moduleFolder: join(import.meta.dirname, '../../deploy/prosody') },
      }),
    );
    const juliet = await XmppUser.signIn({ user: 'juliet', password: 'capulet', ...CHAT });
    world.atEnd(() => juliet.signOut());

    world.scene('a message to a partner while nobody is connected comes back as an error', async () => {
      await juliet.write('omar@any.partner.test', 'anybody there?');
      const error = await juliet.message('omar@any.partner.test', (stanza) => stanza.attrs.type === 'error');
      assert.equal(conditionOf(error), 'remote-server-timeout');
    });

    world.scene('messages of any foreign domain travel through the component, addresses unchanged', async () => {
      const component = await XmppComponent.join(COMPONENT);
      for (const partner of ['omar@any.partner.test', 'nora@another.example']) {
        await juliet.write(partner, `to ${partner}`);
        const stanza = await component.stanza('the message', (one) => one.name === 'message' && one.attrs.to === partner);
        assert.equal(stanza.attrs.from, 'juliet@chat.test/desk');
        assert.equal(child(stanza, 'body')?.text, `to ${partner}`);
        component.send(`<message from="${partner}/pad" to="juliet@chat.test" type="chat" id="r1"><body>from ${partner}</body></message>`);
        assert.equal((await juliet.message(partner)).getChildText('body'), `from ${partner}`);
      }
      component.leave();
    });

    world.scene('subscriptions, presence and probes travel both ways', async () => {
      const component = await XmppComponent.join(COMPONENT);
      const omar = 'omar@any.partner.test';
      await juliet.presence('subscribe', omar);
      const request = await component.stanza('the request', (one) => one.name === 'presence' && one.attrs.type === 'subscribe');
      assert.deepEqual([request.attrs.from, request.attrs.to], ['juliet@chat.test', omar]);
      component.send(`<presence from="${omar}" to="juliet@chat.test" type="subscribed"/>`);
      await juliet.presenceOf(omar, 'subscribed');
      component.send(`<presence from="${omar}/pad" to="juliet@chat.test"><show>away</show></presence>`);
      assert.equal((await juliet.presenceOf(omar, 'available')).getChildText('show'), 'away');
      component.send(`<presence from="${omar}" to="juliet@chat.test" type="subscribe"/>`);
      await juliet.presenceOf(omar, 'subscribe');
      await juliet.presence('subscribed', omar);
      await component.stanza('the grant', (one) => one.name === 'presence' && one.attrs.type === 'subscribed');
      await component.stanza('her presence', (one) => one.name === 'presence' && one.attrs.type === undefined);
      await juliet.present('dnd', 'busy');
      const change = await component.stanza('the change', (one) => one.name === 'presence' && child(one, 'show')?.text === 'dnd');
      assert.equal(change.attrs.to, omar);
      component.leave();
    });

    world.scene('own users still reach each other without it', async () => {
      const tybalt = await XmppUser.signIn({ user: 'tybalt', password: 'cat', ...CHAT });
      await juliet.write(tybalt.jid, 'cousin');
      assert.equal((await tybalt.message(juliet.jid)).getChildText('body'), 'cousin');
      await tybalt.signOut();
    });
  });
}
