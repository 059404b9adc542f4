// Our organisation is an XMPP server (Prosody with the module of deploy/prosody, `served: xmpp`); the partner is a SIP system,
// Kamailio with mutual TLS, and some more whose certificate is not what it should be.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { messageScenes, sipWatchesXmpp, xmppWatchesSip } from '../support/crossing-scenes.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { certificateOf, EDGE, organisation, records, sipUser, startKamailio, startProsody, xmppUser } from '../support/organisations.ts';
import { header, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { external, openStream } from '../support/xmpp-peer.ts';
import { conditionOf } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('an XMPP server inside, a SIP partner outside', { skip: noWorld });
} else {
  describe('an XMPP server inside, a SIP partner outside', async () => {
    const CHAT = organisation('chat.test', '127.0.2.2', 'juliet', 'tybalt');
    const SIP = organisation('sip.test', '127.0.5.1', 'nora', 'omar');
    const REFUSED = organisation('refused.test', '127.0.5.2', 'rita');
    const WRONG = {
      otherName: organisation('othername.test', '127.0.5.5', 'olga'),
      untrusted: organisation('untrusted.test', '127.0.5.6', 'umar'),
      expired: organisation('expired.test', '127.0.5.8', 'eve'),
    } as const;
    const CODES = { otherName: 'CERT_PEER_NAME_MISMATCH', untrusted: 'CERT_PEER_UNTRUSTED', expired: 'CERT_PEER_EXPIRED' } as const;
    const SERVER_ONLY = organisation('serveronly.test', '127.0.5.9', 'sam');
    const PLAIN = organisation('plain.test', '127.0.5.3', 'pia');
    // Without a file, so found by DNS only; at an address that is neither private nor one of this machine's interfaces.
    const FOUND = organisation('found.test', '192.0.32.8', 'fay');
    spawnSync('ip', ['route', 'add', 'local', FOUND.address, 'dev', 'lo']);
    const COMPONENT = { name: 'isthmus.chat.test', secret: 'component-secret' };
    const partners = [SIP, REFUSED, SERVER_ONLY, PLAIN, ...Object.values(WRONG)];
    const world = await World.open(records([], [...partners, FOUND], [CHAT.domain], [CHAT]));
    const ours = world.certificate({ names: [CHAT.domain, EDGE.host] });

    const listed = { sip: { proof: 'certificate' }, allow: { theySee: ['availability', 'note', 'activity'] }, allowPrivateAddresses: true };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        outbound: { sourceAddress: EDGE.address }, // Kamailio makes an alias of the address that we come from
      },
      domains: {
        [CHAT.domain]: {
          served: 'xmpp',
          component: { name: COMPONENT.name, dial: `plain://${CHAT.address}:5347`, secret: { secret: 'chat-component' } },
        },
      },
      policy: { federation: 'discovered' },
      partners: {
        ...Object.fromEntries(partners.map((one) => [one.domain, listed])),
        [REFUSED.domain]: { ...listed, allow: { messages: 'none', theySee: [], weSee: false } },
      },
      own: { chat: ours },
      trustEdge: { world: world.ca.rootPem },
      secrets: { 'chat-component': COMPONENT.secret },
    });

    const discovered = { kind: 'discovered' } as const;
    const partner = (of: typeof SIP, kind: Parameters<typeof certificateOf>[2]) =>
      startKamailio(world, of, certificateOf(world, of, kind), discovered, [CHAT.domain]);
    const [kamailio, serverOnly, plain] = await Promise.all([
      partner(SIP, 'good'),
      partner(SERVER_ONLY, 'serverOnly'),
      startKamailio(world, PLAIN, certificateOf(world, PLAIN), discovered, [CHAT.domain], { aliases: false }),
      partner(REFUSED, 'good'),
      partner(FOUND, 'good'),
      ...Object.entries(WRONG).map(([kind, one]) => partner(one, kind as keyof typeof WRONG)),
      startProsody(world, CHAT, world.certificate({ names: [CHAT.domain] }), {
        isthmus: {
          component: COMPONENT.name,
          secret: COMPONENT.secret,
          moduleFolder: join(import.meta.dirname, '../../deploy/prosody'),
        },
      }),
    ]);
    await world.start(home.isthmus);
    let nora = await sipUser(world, SIP, 'nora');
    const omar = await sipUser(world, SIP, 'omar');
    const juliet = await xmppUser(world, CHAT, 'juliet');

    world.scene('a partner that reuses connections (RFC 5923) sends its NOTIFYs back on ours', async () => {
      const before = connectionsToUs();
      await watches(SERVER_ONLY, serverOnly, 'sam');
      assert.equal(connectionsToUs(), before);
    });

    world.scene('one that does not opens a connection to our Contact for them, and is accepted by its certificate', async () => {
      const before = connectionsToUs();
      await watches(PLAIN, plain, 'pia');
      assert.equal(connectionsToUs(), before + 1);
    });

    const cast = { label: 'Prosody and Kamailio', kamailio, sip: nora, other: omar, xmpp: juliet };
    messageScenes(world, cast);
    xmppWatchesSip(world, cast);
    sipWatchesXmpp(world, cast);

    world.scene('in-dialog requests follow the route set through the proxy of the partner', async () => {
      assert.ok(kamailio.saw('NOTIFY', juliet.jid, nora.aor).length > 0, 'its users are behind it, on connections only it has');
      const [first] = kamailio.saw('SUBSCRIBE', juliet.jid, nora.aor);
      assert.match(first ?? '', /by=tls:/);
    });

    world.scene('partner test climbs to OPTIONS with good partners, and says at which certificate it falls with others', async () => {
      for (const one of [SIP, SERVER_ONLY]) {
        const said = await home.command('partner', 'test', one.domain);
        assert.equal(said.code, 0, said.out);
        assert.match(said.out, /ok {4}OPTIONS/);
      }
      for (const [kind, one] of Object.entries(WRONG)) {
        const said = await home.command('partner', 'test', one.domain);
        assert.equal(said.code, 1, said.out);
        assert.match(said.out, new RegExp(`fell at \\w+: ${CODES[kind as keyof typeof CODES]}`));
      }
    });

    world.scene('a SIP partner learns nothing about an unknown XMPP user', async () => {
      const unknown = await nora.message('nobody@chat.test', 'hello?');
      assert.equal(status(unknown), 403);
    });

    world.scene('an XMPP user who writes to an unknown SIP user is told so', async () => {
      assert.equal(await refusal('nobody@sip.test'), 'item-not-found');
    });

    world.scene('an XMPP user who writes to an unknown domain is told so', async () => {
      assert.equal(await refusal('li@nowhere.test'), 'remote-server-not-found');
    });

    world.scene('a SIP partner without a file is found by DNS, and kept to the protocol that it proved first', async () => {
      const fay = await sipUser(world, FOUND, 'fay');
      await juliet.write(fay.aor, 'are you there?');
      assert.equal((await fay.messageFrom(juliet.jid)).body, 'are you there?');
      assert.ok(world.dns.queries().includes(`SRV _sipfederationtls._tcp.${FOUND.domain}`));
      assert.equal(status(await fay.message(juliet.jid, 'yes')), 200);
      assert.equal((await juliet.message(fay.aor)).getChildText('body'), 'yes');
      const credentials = world.certificate({ names: [FOUND.domain] });
      const { stream } = await openStream({ address: EDGE.address, from: FOUND.domain, to: CHAT.domain, credentials });
      assert.equal(await external(stream, FOUND.domain, CHAT.domain), 'success');
      stream.send(`<message from="${fay.aor}" to="${juliet.jid}" type="chat" id="x1"><body>over XMPP</body></message>`);
      await home.logged('decision.refused', 'PARTNER_OTHER_PROTOCOL', FOUND.domain);
      stream.close();
      assert.deepEqual(juliet.messages.waiting(), []);
    });

    world.scene('a partner whose file allows no messages is refused both ways', async () => {
      const rita = await sipUser(world, REFUSED, 'rita');
      assert.equal(status(await rita.message(juliet.jid, 'let me in')), 403);
      assert.ok(['not-allowed', 'forbidden', 'policy-violation'].includes(await refusal(rita.aor)));
      assert.deepEqual(rita.messages.waiting(), []);
    });

    world.scene('a partner whose certificate is for servers only is accepted both ways', async () => {
      const sam = await sipUser(world, SERVER_ONLY, 'sam');
      assert.equal(status(await sam.message(juliet.jid, 'from sam')), 200);
      await juliet.message(sam.aor);
      await juliet.write(sam.aor, 'to sam');
      assert.equal((await sam.messageFrom(juliet.jid)).body, 'to sam');
    });

    for (const [kind, of] of Object.entries(WRONG) as [keyof typeof WRONG, typeof SIP][]) {
      world.scene(`a partner whose certificate is wrong (${kind}) is refused both ways, with the reason in the log`, async () => {
        const person = await sipUser(world, of, Object.keys(of.users)[0] ?? '');
        assert.ok(status(await person.message(juliet.jid, 'let me in')) >= 400);
        await home.logged(CODES[kind], of.domain);
        await juliet.write(person.aor, 'must not arrive');
        await home.logged(CODES[kind], of.domain, 'out');
        assert.deepEqual(person.messages.waiting(), []);
        assert.ok(juliet.messages.waiting().every((stanza) => stanza.getChildText('body') !== 'let me in'));
      });
    }

    world.scene('what was written while the partner is down waits and arrives once, in order, when it is back', async () => {
      await kamailio.process.stop();
      const mark = home.isthmus.logSize();
      const ids = await Promise.all(['1', '2', '3'].map((number) => juliet.write(nora.aor, number)));
      await home.loggedSince(mark, 'outbox.waits', SIP.domain);
      await kamailio.process.start();
      nora = await sipUser(world, SIP, 'nora');
      // DESIGN 8: the back-off of a partner ends when it connects to us.
      assert.ok([200, 202].includes(status(await nora.message(juliet.jid, 'back again'))));
      await juliet.message(nora.aor);
      for (const number of ['1', '2', '3']) assert.equal((await nora.messageFrom(juliet.jid)).body, number);
      assert.deepEqual(nora.messages.waiting(), [], 'no copies');
      // DESIGN 8: marks of delivery are written within 50 ms; a kill before that makes copies.
      await until('the delivery to be on record', async () => (await home.command('explain', ids[2] ?? '')).out.includes('delivered'));
    });

    world.scene('what our users wrote survives kill -9 of Isthmus and arrives once', async () => {
      await kamailio.process.stop();
      const mark = home.isthmus.logSize();
      await juliet.write(nora.aor, 'before the kill');
      await home.loggedSince(mark, 'outbox.waits', SIP.domain);
      await home.isthmus.kill();
      await kamailio.process.start();
      nora = await sipUser(world, SIP, 'nora');
      await home.isthmus.start();
      assert.equal((await nora.messageFrom(juliet.jid, undefined, 90_000)).body, 'before the kill');
      await juliet.write(nora.aor, 'after it');
      assert.equal((await nora.messageFrom(juliet.jid)).body, 'after it');
      assert.deepEqual(nora.messages.waiting(), [], 'no copies');
    });

    world.scene('requests to a partner carry what RFC 3261 asks for', async () => {
      await juliet.write(nora.aor, 'look at the headers');
      const message = await nora.messageFrom(juliet.jid);
      assert.match(header(message, 'from'), /;tag=\S+/);
      assert.match(header(message, 'via'), /^SIP\/2\.0\//);
      assert.match(header(message, 'cseq'), /^\d+ MESSAGE$/);
    });

    /** Juliet asks to see somebody there, is granted it, and sees it. */
    async function watches(of: typeof SIP, server: typeof kamailio, user: string): Promise<void> {
      const person = await sipUser(world, of, user);
      await person.publish('open', { note: 'here' });
      await server.decide(user, juliet.jid, 'allow');
      await juliet.presence('subscribe', person.aor);
      await juliet.presenceOf(person.aor, 'subscribed');
      await juliet.presenceOf(person.aor, 'available');
    }

    /** Open connections that SIP partners have made to us. */
    function connectionsToUs(): number {
      const { stdout } = spawnSync('ss', ['-Htn', 'state', 'established', 'dst', `${EDGE.address}:5061`], { encoding: 'utf8' });
      return stdout.split('\n').filter((line) => line !== '').length;
    }

    /** What an XMPP user hears who writes there. */
    async function refusal(to: string): Promise<string> {
      await juliet.write(to, 'hello?');
      return conditionOf(await juliet.message(to, (stanza) => stanza.attrs.type === 'error', 60_000)) ?? '';
    }
  });
}
