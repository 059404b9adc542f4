// One person of the core with an XMPP client and a SIP client at once (slixmpp and Linphone), and others who write to them and watch
// them over each protocol, on a real Isthmus.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { xml } from '@xmpp/client';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Linphone } from '../support/peers/linphone.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { status } from '../support/sip-message.ts';
import { basicOf, SipUa } from '../support/sip-ua.ts';
import { until } from '../support/wait.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const HOST = `clients.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const [NORA, OMAR, LI] = [`nora@${DOMAIN}`, `omar@${DOMAIN}`, `li@${DOMAIN}`];
const RECEIPTS = 'urn:xmpp:receipts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('one person on both faces', { skip: noWorld });
} else {
  describe('one person on both faces', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, xmpp: [`starttls://${ADDRESS}:5222`], sip: `tls://${ADDRESS}:5061` },
      srv: [
        { name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 },
        { name: `_sips._tcp.${DOMAIN}`, target: HOST, port: 5061 },
      ],
    });
    const { rootsFile } = world;
    await world.start(home.isthmus);
    // Linphone looks for an address of its own and for a way out, and takes loopback for neither.
    spawnSync('ip', ['addr', 'add', '192.0.2.7/24', 'dev', 'lo']);
    spawnSync('ip', ['route', 'add', 'default', 'dev', 'lo']);

    const omar = await XmppUser.signIn({ user: 'omar', domain: DOMAIN, password: PASSWORDS.omar, address: ADDRESS });
    const li = await SipUa.signIn({
      user: 'li',
      domain: DOMAIN,
      password: PASSWORDS.li,
      address: ADDRESS,
      port: 5061,
      tls: { servername: HOST },
    });
    const noraSip = new Linphone({
      ...{ user: 'nora', domain: DOMAIN, password: PASSWORDS.nora, server: `${HOST}:5061` },
      ...{ rootsFile, folder: world.room('nora') },
    });
    const noraXmpp = new Slixmpp({ jid: NORA, password: PASSWORDS.nora, address: ADDRESS, rootsFile });
    world.atEnd(() => Promise.all([omar.signOut(), li.close(), noraXmpp.close(), noraSip.close()]));
    /** What Linphone wrote into its own log holds each message that came. */
    const linphoneHas = (text: string) => until(`Linphone to have ${text}`, () => noraSip.ownLog().includes(text));

    world.scene('both sign in, and a message of somebody reaches both, over either protocol', async () => {
      await world.start(noraSip.process);
      await noraXmpp.event('ready');
      await omar.write(NORA, 'to both, from an XMPP client');
      assert.equal((await noraXmpp.event('message')).sender, OMAR);
      await linphoneHas('to both, from an XMPP client');
      assert.equal(status(await li.message(NORA, 'to both, from a SIP client')), 200);
      assert.equal((await noraXmpp.event('message')).sender, LI);
      await linphoneHas('to both, from a SIP client');
    });

    world.scene('what one writes reaches the other as a copy', async () => {
      await noraSip.message(OMAR, 'written with Linphone');
      assert.equal((await omar.message(NORA)).getChildText('body'), 'written with Linphone');
      const copy = await noraXmpp.event('copy');
      assert.deepEqual([copy.body, copy.to], ['written with Linphone', OMAR]);
      noraXmpp.write(LI, 'written with slixmpp');
      assert.equal((await li.messageFrom(NORA)).body, 'written with slixmpp');
    });

    world.scene('a receipt comes once from each person, not once from each client', async () => {
      const id = await omar.write(NORA, 'did you get this?', { children: [xml('request', { xmlns: RECEIPTS })] });
      const isReceipt = (stanza: {
        getChild(name: string, ns: string): { attrs: Readonly<Record<string, string>> } | undefined;
      }): boolean => stanza.getChild('received', RECEIPTS)?.attrs.id === id;
      await omar.message(NORA, isReceipt);
      await linphoneHas('did you get this?');
      await noraXmpp.heard('did you get this?');
      // Whatever either had to say of it has been said before this comes back.
      await noraSip.message(OMAR, 'mark of Linphone');
      await omar.message(NORA, (stanza) => stanza.getChildText('body') === 'mark of Linphone');
      noraXmpp.write(OMAR, 'mark of slixmpp');
      await omar.message(NORA, (stanza) => stanza.getChildText('body') === 'mark of slixmpp');
      assert.equal(omar.messages.waiting().filter(isReceipt).length, 0);
    });

    world.scene('who watches sees one person, and when one client goes the other is still seen', async () => {
      await omar.presence('subscribe', NORA);
      await noraXmpp.saw(OMAR, 'subscribe');
      noraXmpp.presence('subscribed', OMAR);
      await omar.presenceOf(NORA, 'subscribed');
      for (const _ of ['slixmpp', 'Linphone']) await omar.presenceOf(NORA, 'available');
      await li.subscribe(NORA);
      await noraXmpp.saw(LI, 'subscribe');
      noraXmpp.presence('subscribed', LI);
      await li.notice(NORA, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      noraXmpp.presence('', '', 'dnd', 'in court');
      await omar.presenceOf(NORA, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
      await li.notice(NORA, (notice) => notice.body.includes('in court'));
      li.notices.clear();
      await noraXmpp.close();
      await omar.presenceOf(NORA, 'unavailable');
      const last = await li.notice(NORA, (notice) => !notice.body.includes('in court'));
      assert.equal(basicOf(last.body), 'open');
      await omar.write(NORA, 'still there?');
      await linphoneHas('still there?');
      await noraSip.process.stop();
      await li.notice(NORA, (notice) => basicOf(notice.body) !== 'open');
      await omar.presenceOf(NORA, 'unavailable');
    });
  });
}
