// People of the core with XMPP clients of their own: @xmpp/client and slixmpp, on a real Isthmus.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { BitlbeeUser, bitlbee } from '../support/peers/bitlbee.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const HOST = `xmpp.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const LI = `li@${DOMAIN}`;
type Name = keyof typeof PASSWORDS;

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('XMPP clients of people of the core', { skip: noWorld });
} else {
  describe('XMPP clients of people of the core', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, xmpp: [`starttls://${ADDRESS}:5222`, `tls://${ADDRESS}:5223`] },
      srv: [{ name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 }],
    });
    await world.start(home.isthmus);

    const signIn = (user: Name, resource = 'desk'): Promise<XmppUser> =>
      XmppUser.signIn({ user, domain: DOMAIN, password: PASSWORDS[user], resource, address: ADDRESS });
    const slixmpp = (user: Name, password: string = PASSWORDS[user]): Slixmpp => {
      const person = new Slixmpp({ jid: `${user}@${DOMAIN}`, password, address: ADDRESS, rootsFile: world.rootsFile });
      world.atEnd(() => person.close());
      return person;
    };
    const nora = await signIn('nora');
    const omar = await signIn('omar');
    world.atEnd(() => Promise.all([nora.signOut(), omar.signOut()]));

    world.scene('two people subscribe to each other, see each other, and write', async () => {
      await nora.presence('subscribe', omar.jid);
      await omar.presenceOf(nora.jid, 'subscribe');
      await omar.presence('subscribed', nora.jid);
      await nora.presenceOf(omar.jid, 'subscribed');
      await nora.presenceOf(omar.jid, 'available');
      await omar.present('away', 'at lunch');
      await nora.presenceOf(omar.jid, 'available', (stanza) => stanza.getChildText('status') === 'at lunch');
      await nora.write(omar.jid, 'hello Omar');
      const got = await omar.message(nora.jid);
      assert.equal(got.getChildText('body'), 'hello Omar');
      assert(got.attrs.from?.startsWith(`${nora.jid}/desk`) === true, `from ${got.attrs.from}`);
    });

    world.scene('slixmpp gets what was said before it came, with its time, and writes', async () => {
      await nora.write(`li@${DOMAIN}`, 'before you came');
      const li = slixmpp('li');
      const ready = await li.event('ready');
      // Under TLS 1.3 it binds to tls-unique, which is not there, and then claims that PLUS was not offered (`y`): RFC 5802 §6 has
      // that refused as a downgrade, which leaves it PLAIN inside TLS.
      assert.equal(ready.mechanism, 'PLAIN');
      assert.equal(ready.tls, 'TLSv1.3');
      assert.deepEqual(await li.event('message'), { event: 'message', sender: nora.jid, body: 'before you came', delayed: true });
      li.write(nora.jid, 'hello from slixmpp');
      assert.equal((await nora.message(`li@${DOMAIN}`)).getChildText('body'), 'hello from slixmpp');
      await nora.write(`li@${DOMAIN}`, 'and back');
      assert.equal((await li.event('message')).delayed, false);
      await li.close();
    });

    world.scene('what one client of a person writes the other one shows', async () => {
      const second = slixmpp('nora');
      await second.event('ready');
      await nora.write(omar.jid, 'from the desk');
      assert.equal((await second.event('copy')).body, 'from the desk');
      await second.close();
    });

    world.scene('slixmpp whose connection is cut comes back to its session, and nothing is lost or doubled', async () => {
      const li = slixmpp('li');
      await li.event('ready');
      await nora.write(LI, 'before the cut');
      await li.heard('before the cut');
      const mark = home.isthmus.logSize();
      li.do('cut');
      await li.event('disconnected');
      await home.loggedSince(mark, 'client.waits', LI);
      const texts = ['one', 'two', 'three'].map((text) => `${text} while it was away`);
      for (const text of texts) await nora.write(LI, text);
      li.do('connect');
      await li.event('resumed');
      for (const text of texts) assert.equal((await li.event('message')).body, text);
      li.write(nora.jid, 'back again');
      assert.equal((await nora.message(LI)).getChildText('body'), 'back again');
      await nora.write(LI, 'the last');
      assert.equal((await li.event('message')).body, 'the last');
      await li.close();
    });

    world.scene('slixmpp catches up from its archive, page by page, with what it has not seen', async () => {
      const li = slixmpp('li');
      await li.event('ready');
      li.do('archive', nora.jid, '');
      const { found } = (await li.event('archive')) as { found: [string, string][] };
      const texts = found.map(([, text]) => text);
      assert.deepEqual(texts.slice(-6), [
        'before the cut',
        ...['one', 'two', 'three'].map((text) => `${text} while it was away`),
        'back again',
        'the last',
      ]);
      li.do('archive', nora.jid, found.at(-3)?.[0]);
      assert.deepEqual((await li.event('archive')).found, found.slice(-2));
      await li.close();
    });

    world.scene('whom slixmpp blocks it does not hear, until it takes that back', async () => {
      const li = slixmpp('li');
      await li.event('ready');
      li.do('block', nora.jid);
      await li.event('blocked');
      await nora.write(LI, 'unheard');
      assert.equal(conditionOf(await nora.message(LI, (stanza) => stanza.attrs.type === 'error')), 'service-unavailable');
      li.do('unblock', nora.jid);
      await li.event('unblocked');
      await nora.write(LI, 'heard');
      assert.equal((await li.event('message')).body, 'heard');
      await li.close();
    });

    world.scene("libpurple's jabber signs in, shares a list, is seen and sees, writes and is written to", async () => {
      // It believes what stands in the system's folder, and finds the server by its SRV record.
      copyFileSync(world.rootsFile, join(world.room('roots'), 'world.pem'));
      spawnSync('mount', ['--bind', world.room('roots'), '/etc/ssl/certs']);
      await world.start(bitlbee(world.room('bitlbee'), '127.0.9.3'));
      const settings = { port: '5222', connection_security: 'require_tls' };
      const li = await BitlbeeUser.signIn('127.0.9.3', 'jabber', `${LI}/purple`, PASSWORDS.li, settings);
      world.atEnd(() => li.close());
      const opened = await home.logged('user.opened', LI, 'purple');
      assert.equal(opened.face, 'xmpp');
      await li.root(`add jabber ${nora.jid}`, /Adding `nora@/);
      await nora.presenceOf(LI, 'subscribe');
      await nora.presence('subscribed', LI);
      await li.lines.next('nora', (line) => line.startsWith(':nora!') && line.includes('JOIN'));
      await nora.present('away', 'at lunch');
      await li.lines.next('that nora is away', (line) => line.endsWith('MODE &bitlbee -v nora'));
      await nora.presence('subscribe', LI);
      await li.lines.next('the request', (line) => line.includes('nora@people.example wants to add you'));
      await li.root('yes', /Accepted: nora@/);
      await nora.presenceOf(LI, 'subscribed');
      await nora.presenceOf(LI, 'available');
      li.message('nora', 'hello from libpurple');
      assert.equal((await nora.message(LI)).getChildText('body'), 'hello from libpurple');
      await nora.write(LI, 'hello libpurple');
      await li.lines.next('what nora wrote', (line) => line.includes('hello libpurple'));
      li.close();
    });

    world.scene('a wrong password does not sign in', async () => {
      const wrong = slixmpp('li', 'not it');
      await wrong.event('failed');
      await home.logged('user.signInFailed', `li@${DOMAIN}`);
      await wrong.close();
    });
  });
}
