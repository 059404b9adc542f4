// Our organisation is a SIP system (Kamailio with its presence server, `served: sip`); the partners are XMPP servers: Prosody
// and ejabberd, and some whose certificate is not what it should be. Isthmus runs as a process of its own between them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { messageScenes, sipWatchesXmpp, xmppWatchesSip } from '../support/crossing-scenes.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  INSIDE,
  organisation,
  records,
  sipUser,
  startEjabberd,
  startKamailio,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { status } from '../support/sip-message.ts';
import { basicOf } from '../support/sip-ua.ts';
import { World } from '../support/world.ts';
import { conditionOf, type XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('a SIP system inside, XMPP partners outside', { skip: noWorld });
} else {
  describe('a SIP system inside, XMPP partners outside', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora', 'omar', 'nina', 'otto', 'wim');
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'juliet');
    const EJABBERD = organisation('ejabberd.test', '127.0.4.1', 'romeo');
    const SERVER_ONLY = organisation('serveronly.test', '127.0.3.2', 'sam');
    const REFUSED = organisation('refused.test', '127.0.3.3', 'rita');
    const UNLISTED = organisation('unlisted.test', '127.0.3.4', 'uma');
    const WRONG = {
      otherName: organisation('othername.test', '127.0.3.5', 'olga'),
      untrusted: organisation('untrusted.test', '127.0.3.6', 'umar'),
      selfSigned: organisation('selfsigned.test', '127.0.3.7', 'sid'),
      expired: organisation('expired.test', '127.0.3.8', 'eve'),
    } as const;
    const partners = [PROSODY, EJABBERD, SERVER_ONLY, REFUSED, UNLISTED, ...Object.values(WRONG)];
    const world = await World.open(records(partners, [], [CORP.domain], [CORP]));
    const ours = world.certificate({ names: [CORP.domain, EDGE.host, INSIDE.host] });

    const listed = {
      xmpp: { proof: 'certificate' },
      allow: { theySee: ['availability', 'note', 'activity'] },
      allowPrivateAddresses: true,
    };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: {
          host: EDGE.host,
          sip: `tls://${EDGE.address}:5061`,
          xmpp: [`starttls://${EDGE.address}:5269`, `tls://${EDGE.address}:5270`],
        },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
      },
      domains: { [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host } },
      policy: { federation: 'closed' },
      partners: {
        ...Object.fromEntries(partners.filter((one) => one !== UNLISTED && one !== REFUSED).map((one) => [one.domain, listed])),
        [REFUSED.domain]: { ...listed, allow: { messages: 'none', theySee: [], weSee: false } },
      },
      own: { corp: ours },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
    });

    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    const [kamailio, prosody] = await Promise.all([
      startKamailio(world, CORP, certificateOf(world, CORP), through, [CORP.domain]),
      startProsody(world, PROSODY, certificateOf(world, PROSODY)),
      startEjabberd(world, EJABBERD, certificateOf(world, EJABBERD)),
      startProsody(world, SERVER_ONLY, certificateOf(world, SERVER_ONLY, 'serverOnly')),
      startProsody(world, REFUSED, certificateOf(world, REFUSED)),
      startProsody(world, UNLISTED, certificateOf(world, UNLISTED)),
      ...Object.entries(WRONG).map(([kind, one]) =>
        startProsody(world, one, certificateOf(world, one, kind as keyof typeof WRONG), {
          clientCertificate: certificateOf(world, one),
        }),
      ),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, CORP, 'nora');
    const [omar, nina, otto, wim] = await Promise.all(['omar', 'nina', 'otto', 'wim'].map((user) => sipUser(world, CORP, user)));
    assert.ok(omar !== undefined && nina !== undefined && otto !== undefined && wim !== undefined);
    let juliet = await xmppUser(world, PROSODY, 'juliet');
    const romeo = await xmppUser(world, EJABBERD, 'romeo');

    // The two play at the same time: presence is told at most once in 5 s to a pair, and half of this is waiting.
    describe('with both partners', { concurrency: 2 }, () => {
      for (const cast of [
        { label: 'Kamailio and Prosody', kamailio, sip: nora, other: omar, xmpp: juliet },
        { label: 'Kamailio and ejabberd', kamailio, sip: nina, other: otto, xmpp: romeo },
      ]) {
        const { label, sip, xmpp } = cast;
        describe(label, { concurrency: 1 }, () => {
          messageScenes(world, cast);
          xmppWatchesSip(world, cast);
          sipWatchesXmpp(world, cast);

          world.scene(`${label}: a SIP user who writes to an unknown XMPP user is told so`, async () => {
            const answer = await sip.message(`nobody@${xmpp.jid.split('@')[1]}`, 'hello?');
            assert.equal(status(answer), 403); // RFC 7247 Table 2: service-unavailable
          });

          world.scene(`${label}: an XMPP user who writes to an unknown SIP user learns no more than the protocol says`, async () => {
            await refused(xmpp, 'nobody@corp.test', 'service-unavailable');
          });
        });
      }
    });

    world.scene('an unknown domain is refused at once', async () => {
      assert.equal(status(await nora.message('li@nowhere.test', 'hello?')), 403);
    });

    world.scene('a partner whose file allows no messages is refused both ways, and an unlisted one too', async () => {
      for (const [partner, user] of [
        [REFUSED, 'rita'],
        [UNLISTED, 'uma'],
      ] as const) {
        assert.equal(status(await nora.message(`${user}@${partner.domain}`, 'hello?')), 403);
        const person = await xmppUser(world, partner, user);
        await refused(person, nora.aor);
        assert.deepEqual(person.messages.waiting(), [], 'nothing of nora arrived');
      }
    });

    world.scene('a partner whose certificate is for servers only is accepted both ways', async () => {
      const sam = await xmppUser(world, SERVER_ONLY, 'sam');
      await sam.write(nora.aor, 'from sam');
      assert.equal((await nora.messageFrom(sam.jid)).body, 'from sam');
      assert.equal(status(await nora.message(sam.jid, 'to sam')), 200);
      await sam.message(nora.aor);
    });

    const CODES = {
      otherName: 'CERT_PEER_NAME_MISMATCH',
      untrusted: 'CERT_PEER_UNTRUSTED',
      selfSigned: 'CERT_PEER_SELF_SIGNED',
      expired: 'CERT_PEER_EXPIRED',
    } as const;
    for (const [kind, partner] of Object.entries(WRONG) as [keyof typeof WRONG, (typeof WRONG)[keyof typeof WRONG]][]) {
      world.scene(`a partner whose certificate is wrong (${kind}) is refused both ways, with the reason in the log`, async () => {
        const user = Object.keys(partner.users)[0] ?? '';
        const person = await xmppUser(world, partner, user);
        await refused(person, nora.aor);
        await home.logged(CODES[kind], partner.domain);
        const answer = status(await nora.message(person.jid, 'must not arrive'));
        assert.equal(answer, 202, 'it waits: the partner may renew its certificate');
        assert.deepEqual(
          person.messages.waiting().filter((stanza) => stanza.getChildText('body') === 'must not arrive'),
          [],
        );
        assert.ok(nora.messages.waiting().every((message) => !message.body.includes('let me in')));
      });
    }

    world.scene('a message sent while the partner is down waits and arrives once, in order, when it is back', async () => {
      await prosody.stop();
      for (const number of ['1', '2', '3']) assert.equal(status(await nora.message(juliet.jid, number)), 202);
      await prosody.start();
      juliet = await xmppUser(world, PROSODY, 'juliet');
      for (const number of ['1', '2', '3']) assert.equal((await juliet.message(nora.aor, undefined, 90_000)).getChildText('body'), number);
      await juliet.write(nora.aor, 'back again');
      assert.equal((await nora.messageFrom(juliet.jid)).body, 'back again');
      assert.deepEqual(juliet.messages.waiting(), [], 'no copies');
    });

    world.scene('a granted SIP watcher sees the XMPP user again after the partner was restarted', async () => {
      await wim.subscribe(juliet.jid);
      await juliet.presenceOf(wim.aor, 'subscribe');
      await juliet.presence('subscribed', wim.aor);
      await wim.notice(juliet.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      await prosody.stop();
      await prosody.start();
      juliet = await xmppUser(world, PROSODY, 'juliet');
      await juliet.present('dnd', 'back at work');
      await wim.notice(juliet.jid, (notice) => notice.body.includes('back at work'), 90_000);
    });

    world.scene('what was accepted survives kill -9 and arrives once', async () => {
      await prosody.stop();
      assert.equal(status(await nora.message(juliet.jid, 'before the kill')), 202);
      await home.isthmus.kill();
      await prosody.start();
      juliet = await xmppUser(world, PROSODY, 'juliet');
      await home.isthmus.start();
      assert.equal((await juliet.message(nora.aor, undefined, 90_000)).getChildText('body'), 'before the kill');
      assert.equal(status(await nora.message(juliet.jid, 'after it')), 200);
      assert.equal((await juliet.message(nora.aor)).getChildText('body'), 'after it');
      assert.deepEqual(juliet.messages.waiting(), [], 'no copies');
    });

    world.scene('who watches whom survives kill -9, both ways, and nobody is shown as gone meanwhile', async () => {
      await wim.publish('open', { note: 'before' });
      await kamailio.decide('wim', juliet.jid, 'allow');
      await juliet.presence('subscribe', wim.aor);
      await juliet.presenceOf(wim.aor, 'available');
      juliet.presences.clear();
      wim.notices.clear();
      await home.isthmus.kill();
      await home.isthmus.start();
      await home.logged('dialogs.restored');
      await wim.publish('open', { activity: 'busy' });
      await juliet.presenceOf(wim.aor, 'available', (stanza) => stanza.getChildText('show') === 'dnd', 60_000);
      await juliet.present('away', 'after the kill');
      await wim.notice(juliet.jid, (notice) => notice.body.includes('after the kill'), 60_000);
      // An `error` is Prosody's own word about what it had on its stream when that broke.
      const gone = ['unavailable', 'unsubscribed'];
      const flaps = juliet.presences.waiting().filter(({ attrs }) => attrs.from?.startsWith(wim.aor) && gone.includes(attrs.type ?? ''));
      assert.deepEqual(flaps.map(String), []);
      const ends = wim.notices.waiting().filter((notice) => notice.state !== 'active' || basicOf(notice.body) === 'closed');
      assert.deepEqual(ends, []);
    });

    world.scene('SIGTERM ends it within seconds, with exit code 0', async () => {
      await home.isthmus.stop('SIGTERM', 20_000);
      assert.equal(home.isthmus.exitCode, 0);
    });

    /** Writes, and expects an error stanza and no delivery. */
    async function refused(person: XmppUser, to: string, condition?: string): Promise<void> {
      await person.write(to, 'let me in');
      const error = await person.message(to, (stanza) => stanza.attrs.type === 'error', 60_000);
      if (condition !== undefined) assert.equal(conditionOf(error), condition);
    }
  });
}
