// Somebody of the core with Profanity (libstrophe), and somebody else with another client, on a real Isthmus.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { xml } from '@xmpp/client';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Profanity } from '../support/peers/profanity.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const HOST = `xmpp.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const NORA = `nora@${DOMAIN}`;
const OMAR = `omar@${DOMAIN}`;
const RECEIPTS = 'urn:xmpp:receipts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('Profanity', { skip: noWorld });
} else {
  describe('Profanity', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, xmpp: [`starttls://${ADDRESS}:5222`] },
      srv: [{ name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 }],
    });
    await world.start(home.isthmus);

    const omar = await XmppUser.signIn({ user: 'omar', domain: DOMAIN, password: PASSWORDS.omar, address: ADDRESS });
    world.atEnd(() => omar.signOut());
    const nora = new Profanity({
      ...{ folder: world.room('nora'), jid: NORA, password: PASSWORDS.nora, resource: 'terminal' },
      ...{ address: ADDRESS, rootsFile: world.rootsFile },
    });
    world.atEnd(() => nora.close());

    world.scene('it signs in with SCRAM over STARTTLS', async () => {
      await nora.signIn();
      const opened = await home.logged('user.opened', NORA);
      assert.equal(opened.face, 'xmpp');
      assert.match(nora.screen(), /\[TLS\]/);
      assert.match(nora.ownLog(), /SASL SCRAM-SHA-256 auth successful/);
    });

    world.scene('it adds somebody, asks, is allowed, and allows in turn', async () => {
      nora.type(`/roster add ${OMAR} Omar`);
      await nora.shows(/Roster item added/);
      nora.type(`/sub request ${OMAR}`);
      await omar.presenceOf(NORA, 'subscribe');
      await omar.presence('subscribed', NORA);
      await nora.shows(/Omar \(desk\S*\) is online/);
      await omar.presence('subscribe', NORA);
      await nora.shows(/Received authorization request from omar/);
      nora.type(`/sub allow ${OMAR}`);
      await omar.presenceOf(NORA, 'subscribed');
      await omar.presenceOf(NORA, 'available');
      nora.type('/roster');
      await nora.shows(/omar@people\.example \(Omar\) - both/);
    });

    world.scene('states and notes go both ways', async () => {
      nora.type('/status set away "gone fishing"');
      await omar.presenceOf(
        NORA,
        'available',
        (one) => one.getChildText('show') === 'away' && one.getChildText('status') === 'gone fishing',
      );
      nora.type('/status set dnd "in court"');
      await omar.presenceOf(NORA, 'available', (one) => one.getChildText('show') === 'dnd' && one.getChildText('status') === 'in court');
      nora.type('/status set online');
      await omar.presenceOf(NORA, 'available', (one) => one.getChild('show') === undefined);
      await omar.present('xa', 'away until Monday');
      await nora.shows(/Omar \(desk\S*\) is xa, "away until Monday"/);
    });

    world.scene('messages, typing and receipts go both ways', async () => {
      for (const what of ['request', 'send']) nora.type(`/receipts ${what} on`);
      nora.type(`/msg ${OMAR} hello from Profanity`);
      const got = await omar.message(NORA);
      assert.equal(got.getChildText('body'), 'hello from Profanity');
      assert.notEqual(got.getChild('request', RECEIPTS), undefined);
      await omar.signal(NORA, xml('received', { xmlns: RECEIPTS, id: got.attrs.id ?? '' }));
      await nora.shows(/me: hello from Profanity/);
      const id = await omar.write(NORA, 'hello Profanity', { children: [xml('request', { xmlns: RECEIPTS })] });
      await nora.shows(/Omar\/desk\S*: hello Profanity/);
      await omar.message(NORA, (stanza) => stanza.getChild('received', RECEIPTS)?.attrs.id === id);
    });

    world.scene('what another client of the same person says and hears it shows once, and the other way round', async () => {
      const second = new Slixmpp({ jid: NORA, password: PASSWORDS.nora, address: ADDRESS, rootsFile: world.rootsFile });
      world.atEnd(() => second.close());
      await second.event('ready');
      second.write(OMAR, 'from the other client');
      await omar.message(NORA, (stanza) => stanza.getChildText('body') === 'from the other client');
      await nora.shows(/me: from the other client/);
      nora.type('and from the terminal');
      await omar.message(NORA, (stanza) => stanza.getChildText('body') === 'and from the terminal');
      assert.equal((await second.event('copy')).body, 'and from the terminal');
      await omar.write(`${NORA}/terminal`, 'for the terminal');
      await nora.shows(/Omar\/desk\S*: for the terminal/);
      assert.equal(nora.screen().split('from the other client').length, 2);
      await second.close();
    });

    world.scene('who is blocked is not heard, and heard again afterwards', async () => {
      nora.type('/win 1');
      nora.type(`/blocked add ${OMAR}`);
      await nora.shows(/User omar@people\.example successfully blocked/);
      await omar.presenceOf(NORA, 'unavailable');
      await omar.write(NORA, 'can you hear me?');
      const refused = await omar.message(NORA, (stanza) => stanza.attrs.type === 'error');
      assert.equal(conditionOf(refused), 'service-unavailable');
      nora.type(`/blocked remove ${OMAR}`);
      await nora.shows(/User omar@people\.example successfully unblocked/);
      await omar.write(NORA, 'and now?');
      nora.type('/win 2');
      const screen = await nora.shows(/Omar\/desk\S*: and now\?/);
      assert.doesNotMatch(screen, /can you hear me/);
    });

    world.scene('it finds what was said in the archive when its own memory is gone', async () => {
      const mark = home.isthmus.logSize();
      nora.type('/quit');
      await home.loggedSince(mark, 'user.left', NORA);
      const anew = new Profanity({
        ...{ folder: world.room('nora-anew'), jid: NORA, password: PASSWORDS.nora, resource: 'anew' },
        ...{ address: ADDRESS, rootsFile: world.rootsFile },
      });
      world.atEnd(() => anew.close());
      await anew.signIn();
      anew.type('/mam on');
      await anew.shows(/Message Archive Management enabled/);
      anew.type(`/msg ${OMAR}`);
      const screen = await anew.shows(/and now\?/);
      for (const text of ['hello from Profanity', 'hello Profanity', 'from the other client', 'and from the terminal'])
        assert.equal(screen.split(text).length, 2, `${text} stands once in\n${screen}`);
    });
  });
}
