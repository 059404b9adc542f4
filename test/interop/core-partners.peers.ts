// Users of the core with XMPP clients, and partners' users behind real servers: Kamailio (SIP) and Prosody (XMPP).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { xml } from '@xmpp/client';
import { importPeople } from '../support/core-world.ts';
import { messageScenes, xmppWatchesSip } from '../support/crossing-scenes.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { certificateOf, EDGE, organisation, records, sipUser, startKamailio, startProsody, xmppUser } from '../support/organisations.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { header, status } from '../support/sip-message.ts';
import { basicOf, SipUa } from '../support/sip-ua.ts';
import { World } from '../support/world.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('users of the core and partners', { skip: noWorld });
} else {
  describe('users of the core and partners', async () => {
    const PEOPLE = organisation('people.test', '127.0.9.1', 'juliet', 'li');
    const SIP = organisation('sip.test', '127.0.5.1', 'nora', 'omar');
    const JABBER = organisation('jabber.test', '127.0.4.1', 'romeo', 'kay');
    const world = await World.open(records([JABBER], [SIP], [PEOPLE.domain], [PEOPLE]));
    const shows = { theySee: ['availability', 'note', 'activity'] };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        outbound: { sourceAddress: EDGE.address }, // Kamailio makes an alias of the address that we come from
        clients: { host: PEOPLE.host, xmpp: [`starttls://${PEOPLE.address}:5222`], sip: `tls://${PEOPLE.address}:5061` },
      },
      domains: { [PEOPLE.domain]: { served: 'core' } },
      partners: {
        [SIP.domain]: { sip: { proof: 'certificate' }, allow: shows, allowPrivateAddresses: true },
        [JABBER.domain]: { xmpp: { proof: 'certificate' }, allow: shows, allowPrivateAddresses: true },
      },
      own: { people: world.certificate({ names: [PEOPLE.domain, PEOPLE.host, EDGE.host] }) },
      trustEdge: { world: world.ca.rootPem },
    });
    await importPeople(home, PEOPLE.domain, PEOPLE.users);

    const [kamailio] = await Promise.all([
      startKamailio(world, SIP, certificateOf(world, SIP), { kind: 'discovered' }, [PEOPLE.domain]),
      startProsody(world, JABBER, certificateOf(world, JABBER)),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, SIP, 'nora');
    const omar = await sipUser(world, SIP, 'omar');
    const romeo = await xmppUser(world, JABBER, 'romeo');
    const juliet = await xmppUser(world, PEOPLE, 'juliet');

    const cast = { label: 'the core and Kamailio', kamailio, sip: nora, other: omar, xmpp: juliet };
    messageScenes(world, cast);
    xmppWatchesSip(world, cast);

    world.scene('a SIP watcher is pending until the user grants, then sees what partners may see, and no note', async () => {
      await juliet.present();
      const { watch } = await nora.subscribe(juliet.jid);
      assert.equal((await nora.notice(juliet.jid)).state, 'pending');
      await juliet.presenceOf(nora.aor, 'subscribe');
      await juliet.presence('subscribed', nora.aor);
      await nora.notice(juliet.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      await juliet.present('dnd', 'in a meeting');
      const busy = await nora.notice(juliet.jid, (notice) => /<(\w+:)?busy\s*\/>/.test(notice.body));
      // Whoever is no more than external sees the state, not the words.
      assert.doesNotMatch(busy.body, /in a meeting/);
      await juliet.leave();
      await nora.notice(juliet.jid, (notice) => basicOf(notice.body) === 'closed');
      await juliet.present();
      await nora.notice(juliet.jid, (notice) => basicOf(notice.body) === 'open');
      assert.equal(status(await nora.resubscribe(watch, 0)), 200);
      nora.notices.clear();
      juliet.presences.clear();
      await nora.subscribe(juliet.jid);
      await nora.notice(juliet.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      assert.equal(juliet.presences.waiting().filter(({ attrs }) => attrs.type === 'subscribe').length, 0, 'nobody is asked again');
    });

    world.scene('the user takes the grant back, and refuses somebody else', async () => {
      await juliet.presence('unsubscribed', nora.aor);
      assert.equal((await nora.notice(juliet.jid, (notice) => notice.state === 'terminated')).reason, 'rejected');
      await omar.subscribe(juliet.jid);
      await juliet.presenceOf(omar.aor, 'subscribe');
      await juliet.presence('unsubscribed', omar.aor);
      assert.equal((await omar.notice(juliet.jid, (notice) => notice.state === 'terminated')).reason, 'rejected');
    });

    const li = new Slixmpp({
      ...{ jid: `li@${PEOPLE.domain}`, password: PEOPLE.users.li ?? '', address: PEOPLE.address, rootsFile: world.rootsFile },
    });
    world.atEnd(() => li.close());
    const LI = `li@${PEOPLE.domain}`;

    world.scene('slixmpp and a user behind Prosody: messages, typing and receipts both ways', async () => {
      await li.event('ready');
      const id = await li.ask(romeo.jid, 'hello Romeo');
      const got = await romeo.message(LI);
      assert.equal(got.getChildText('body'), 'hello Romeo');
      await romeo.signal(LI, xml('received', { xmlns: 'urn:xmpp:receipts', id: got.attrs.id ?? '' }));
      assert.equal((await li.event('receipt')).id, id);
      await romeo.signal(LI, xml('composing', { xmlns: 'http://jabber.org/protocol/chatstates' }));
      await li.event('typing', ({ state }) => state === 'composing');
      const asked = await romeo.write(LI, 'hello Li', { children: [xml('request', { xmlns: 'urn:xmpp:receipts' })] });
      await li.heard('hello Li');
      await romeo.message(LI, (stanza) => stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id === asked);
      li.do('type', romeo.jid, 'composing');
      await romeo.message(LI, (stanza) => stanza.getChild('composing') !== undefined);
    });

    world.scene('slixmpp and a user behind Prosody: presence both ways, and its end', async () => {
      li.presence('subscribe', romeo.jid);
      await romeo.presenceOf(LI, 'subscribe');
      await romeo.presence('subscribed', LI);
      await li.saw(romeo.jid, 'subscribed');
      await romeo.present('away', 'at the balcony');
      await li.saw(romeo.jid, 'away', ({ status: words }) => words === 'at the balcony');
      await romeo.presence('subscribe', LI);
      await li.saw(romeo.jid, 'subscribe');
      li.presence('subscribed', romeo.jid);
      await romeo.presenceOf(LI, 'subscribed');
      await romeo.presenceOf(LI, 'available');
      li.presence('', '', 'dnd', 'reading');
      const busy = await romeo.presenceOf(LI, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
      assert.equal(busy.getChildText('status'), null);
      li.presence('unsubscribed', romeo.jid);
      await romeo.presenceOf(LI, 'unsubscribed');
      li.presence('unsubscribe', romeo.jid);
      await romeo.presenceOf(LI, 'unsubscribe');
    });

    world.scene('slixmpp and a user behind Kamailio: messages and receipts', async () => {
      const id = await li.ask(nora.aor, 'hello Nora');
      const got = await nora.messageFrom(LI);
      assert.match(got.body, /hello Nora/);
      assert.equal(status(await nora.message(LI, 'hello Li')), 200);
      await li.heard('hello Li');
      if (/message\/cpim/i.test(header(got, 'content-type'))) assert.notEqual(id, undefined);
    });

    world.scene('who may not be written to, and who is not there, is said in words', async () => {
      li.write('ann@nowhere.example', 'hello?');
      const refused = await li.event('refused', ({ sender }) => sender === 'ann@nowhere.example');
      assert.match(String(refused.text), /nowhere\.example has no file in routes\/partners\//);
      li.write(`nobody@${JABBER.domain}`, 'hello?');
      const unknown = await li.event('refused', ({ sender }) => sender === `nobody@${JABBER.domain}`);
      assert.notEqual(unknown.text, '');
      li.write(`nobody@${SIP.domain}`, 'hello?');
      const absent = await li.event('refused', ({ sender }) => sender === `nobody@${SIP.domain}`);
      assert.notEqual(absent.text, '');
    });

    world.scene('a stranger is recognised on both kinds of client: by name, by a notice at first, and by a warning', async () => {
      home.file('routes/filters.yaml', 'externalMark:\n  notice: You have never written to this person.\n  warning: Not one of us.\n');
      await home.reload();
      const aor = `li@${PEOPLE.domain}`;
      const password = PEOPLE.users.li ?? '';
      const tls = { ca: world.ca.rootPem, servername: PEOPLE.host };
      const phone = await SipUa.signIn({ user: 'li', domain: PEOPLE.domain, password, address: PEOPLE.address, port: 5061, tls });
      const desk = await xmppUser(world, PEOPLE, 'li');
      const stranger = `kay@${JABBER.domain}`;
      const kay = await xmppUser(world, JABBER, 'kay');
      await kay.write(aor, 'hello Li');
      const marked = 'You have never written to this person.\nNot one of us.\nhello Li';
      const [seen, rung] = await Promise.all([desk.message(stranger), phone.messageFrom(stranger)]);
      assert.equal(seen.getChildText('body'), marked);
      assert.equal(seen.getChildText('nick', 'http://jabber.org/protocol/nick'), `kay (${JABBER.domain}, external)`);
      assert.equal(rung.body, marked);
      assert.match(header(rung, 'from'), new RegExp(`^"kay \\(${JABBER.domain}, external\\)" <sip:kay@`));
      await kay.write(aor, 'once more');
      assert.equal((await phone.messageFrom(stranger)).body, 'once more');
      await desk.write(juliet.jid, 'between us');
      assert.equal((await juliet.message(aor)).getChildText('body'), 'between us');
      phone.close();
      await Promise.all([desk.signOut(), kay.signOut()]);
    });
  });
}
