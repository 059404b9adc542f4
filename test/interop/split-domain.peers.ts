// One domain, two systems: some people in the core with XMPP clients, the others at a real Kamailio, which is the internal
// system of the same domain (`otherwise:`). A Prosody partner reaches both. And people who move between the two.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { importPeople } from '../support/core-world.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  INSIDE,
  organisation,
  records,
  sipUser,
  startKamailio,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { status } from '../support/sip-message.ts';
import { basicOf } from '../support/sip-ua.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('a split domain', { skip: noWorld });
} else {
  describe('a split domain', async () => {
    const CLIENTS = '127.0.28.1';
    const SIP = organisation('people.test', '127.0.28.2', 'inge', 'otto', 'mia');
    const PARTNER = organisation('prosody.test', '127.0.28.3', 'juliet');
    const DOMAIN = SIP.domain;
    const HOST = `chat.${DOMAIN}`;
    const known = records([PARTNER], [], [DOMAIN], [SIP]);
    const world = await World.open({ ...known, hosts: { ...known.hosts, [HOST]: CLIENTS } });
    const ours = world.certificate({ names: [DOMAIN, HOST, EDGE.host, INSIDE.host] });
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
        clients: { host: HOST, xmpp: `starttls://${CLIENTS}:5222` },
      },
      domains: { [DOMAIN]: { served: 'core', otherwise: { served: 'sip', nextHop: `tls://${SIP.host}:5061`, acceptFrom: SIP.host } } },
      policy: { federation: 'closed' },
      partners: { [PARTNER.domain]: { xmpp: { proof: 'certificate' }, allow: { theySee: ['availability'] }, allowPrivateAddresses: true } },
      own: { people: ours },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
    });
    await importPeople(home, DOMAIN, { nora: 'n0ra-secret', omar: '0mar-secret' });
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    const [kamailio] = await Promise.all([
      startKamailio(world, SIP, certificateOf(world, SIP), through, [DOMAIN], { split: true }),
      startProsody(world, PARTNER, certificateOf(world, PARTNER)),
      world.start(home.isthmus),
    ]);
    const signIn = async (user: string, password: string): Promise<XmppUser> => {
      const person = await XmppUser.signIn({ user, domain: DOMAIN, password, resource: 'desk', address: CLIENTS });
      world.atEnd(() => person.signOut());
      return person;
    };
    const nora = await signIn('nora', 'n0ra-secret');
    const inge = await sipUser(world, SIP, 'inge');
    const juliet = await xmppUser(world, PARTNER, 'juliet');
    const nobody = `emil@${DOMAIN}`;

    world.scene('a user of the core and a user at Kamailio write to each other', async () => {
      await nora.write(inge.aor, 'hello Inge');
      assert.equal((await inge.messageFrom(nora.jid)).body, 'hello Inge');
      assert.equal(status(await inge.message(nora.jid, 'hello Nora')), 200);
      assert.equal((await nora.message(inge.aor)).getChildText('body'), 'hello Nora');
    });

    world.scene('slixmpp in the core gets what Kamailio users wrote before it came', async () => {
      assert.equal(status(await inge.message(`omar@${DOMAIN}`, 'before you came')), 200);
      const omar = new Slixmpp({ jid: `omar@${DOMAIN}`, password: '0mar-secret', address: CLIENTS, rootsFile: world.rootsFile });
      world.atEnd(() => omar.close());
      await omar.event('ready');
      const got = await omar.event('message');
      assert.deepEqual([got.sender, got.body], [inge.aor, 'before you came']);
      omar.write(inge.aor, 'here now');
      assert.equal((await inge.messageFrom(`omar@${DOMAIN}`)).body, 'here now');
      await omar.close();
    });

    world.scene('a partner writes to both, and both write to the partner', async () => {
      await juliet.write(nora.jid, 'to the core');
      const heard = await nora.message(juliet.jid);
      assert.equal(heard.getChildText('body'), 'to the core');
      assert.equal(
        heard.getChildText('nick', 'http://jabber.org/protocol/nick'),
        `${juliet.jid.split('@')[0]} (${PARTNER.domain}, external)`,
      );
      await juliet.write(inge.aor, 'to the inside');
      assert.equal((await inge.messageFrom(juliet.jid)).body, 'to the inside');
      await nora.write(juliet.jid, 'from the core');
      assert.equal((await juliet.message(nora.jid)).getChildText('body'), 'from the core');
      assert.equal(status(await inge.message(juliet.jid, 'from the inside')), 200);
      assert.equal((await juliet.message(inge.aor)).getChildText('body'), 'from the inside');
    });

    world.scene('who writes to an other address of somebody is told where they are; a connection shows whose it is', async () => {
      const changed = await home.command(
        'user',
        'change',
        `omar@${DOMAIN}`,
        '--mail',
        'omar.haddad@mail.test',
        '--other',
        `o.haddad@${DOMAIN}`,
      );
      assert.equal(changed.code, 0, changed.out + changed.err);
      for (const other of ['omar.haddad@mail.test', `o.haddad@${DOMAIN}`]) {
        await nora.write(other, 'are you there?');
        const error = await nora.message(other, (stanza) => stanza.attrs.type === 'error');
        assert.equal(conditionOf(error), 'gone');
        assert.equal(error.getChild('error')?.getChildText('gone'), `xmpp:omar@${DOMAIN}`);
      }
      assert.equal(status(await inge.message(`o.haddad@${DOMAIN}`, 'are you there?')), 301);
      const listed = await home.command('session', 'list');
      assert.match(listed.out, /^\S+ +nora@people\.test +account +xmpp +local/m);
    });

    world.scene('whom neither system knows nobody reaches, and nothing goes round in circles', async () => {
      const mark = kamailio.saw('MESSAGE', inge.aor, nobody).length;
      assert.equal(status(await inge.message(nobody, 'who?')), 404);
      assert.equal(kamailio.saw('MESSAGE', inge.aor, nobody).length, mark + 1); // never back from us
      await nora.write(nobody, 'who?');
      assert.equal(conditionOf(await nora.message(nobody, (stanza) => stanza.attrs.type === 'error')), 'item-not-found');
      assert.equal(kamailio.saw('MESSAGE', nora.jid, nobody).length, 1);
    });

    world.scene('a user of the core watches a user at Kamailio', async () => {
      await inge.publish('open', { activity: 'busy' });
      await nora.presence('subscribe', inge.aor);
      await until('the watcher to be at Kamailio', () => kamailio.saw('SUBSCRIBE', nora.jid, inge.aor).length > 0);
      await kamailio.decide('inge', nora.jid, 'allow');
      await nora.presenceOf(inge.aor, 'subscribed');
      await nora.presenceOf(inge.aor, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
      await inge.publish('open');
      await nora.presenceOf(inge.aor, 'available', (stanza) => stanza.getChild('show') === undefined);
    });

    world.scene('a user at Kamailio watches a user of the core', async () => {
      await nora.present();
      const { status: answer } = await inge.subscribe(nora.jid);
      assert.equal(answer, 200);
      await nora.presenceOf(inge.aor, 'subscribe');
      await nora.presence('subscribed', inge.aor);
      await inge.notice(nora.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      await nora.present('dnd');
      await inge.notice(nora.jid, (notice) => notice.body.includes('busy') || notice.body.includes('dnd'));
    });

    world.scene('the inside does not speak for a user of the core', async () => {
      const mia = await sipUser(world, SIP, 'mia');
      const moved = await home.command('user', 'move', `mia@${DOMAIN}`, '--to', 'core', '--generate');
      assert.equal(moved.code, 0, moved.out + moved.err);
      const password = /password: (\S+)/.exec(moved.out)?.[1] ?? '';
      const inCore = await signIn('mia', password);
      await inCore.present();
      await nora.write(inCore.jid, 'welcome');
      assert.equal((await inCore.message(nora.jid)).getChildText('body'), 'welcome');
      // Her old account is still there, and nobody hears it any more.
      assert.equal(status(await mia.message(nora.jid, 'from the old account')), 403);
      // To Kamailio's own users she is still the one it knows, until it is told: the account has to go there.
      assert.match(moved.out, /take the account mia@people\.test away/);
    });

    world.scene('a user moves inside: what waited is delivered there, and the partner sees them on', async () => {
      const otto = `otto@${DOMAIN}`;
      const added = await home.command('user', 'move', otto, '--to', 'core', '--generate');
      const password = /password: (\S+)/.exec(added.out)?.[1] ?? '';
      assert.equal(added.code, 0, added.out + added.err);
      const first = await signIn('otto', password);
      await first.present();
      await juliet.presence('subscribe', otto);
      await first.presenceOf(juliet.jid, 'subscribe');
      await first.presence('subscribed', juliet.jid);
      await juliet.presenceOf(otto, 'available');
      await first.signOut();
      await juliet.presenceOf(otto, 'unavailable');
      await nora.write(otto, 'for when you are back');
      const old = await sipUser(world, SIP, 'otto');
      await kamailio.decide('otto', juliet.jid, 'allow');
      await old.publish('open', { activity: 'away' });

      const dry = await home.command('user', 'move', otto, '--to', 'inside', '--dry-run');
      assert.match(dry.out, /would live in the internal SIP system.*nothing is written/);
      const file = `${home.folder}/otto.vcf`;
      const moved = await home.command('user', 'move', otto, '--to', 'inside', '--out', file);
      assert.equal(moved.code, 0, moved.out + moved.err);
      assert.match(readFileSync(file, 'utf8'), /IMPP:xmpp:juliet@prosody\.test/);
      assert.equal((await old.messageFrom(nora.jid)).body, 'for when you are back');
      await juliet.presenceOf(otto, 'available', (stanza) => stanza.getChildText('show') === 'away');
    });
  });
}
