// What the people at the border decide, on real traffic: strangers who wait (`isthmus request`), partners found by DNS and
// kept to one protocol, blocked ones, rules that change while it runs, and `isthmus explain` afterwards. With it the signs
// that go with messages: typing and receipts. Real Kamailio inside, real Prosody outside.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { xml } from '@xmpp/client';
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
import { header, type SipText, status } from '../support/sip-message.ts';
import { SipPeer } from '../support/sip-peer.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { conditionOf, type XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('policy, first contact and explain', { skip: noWorld });
} else {
  describe('policy, first contact and explain', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora', 'omar');
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'juliet');
    const STRANGE = organisation('strange.test', '127.0.3.2', 'uma', 'ugo', 'ulla');
    const BLOCKED = organisation('blocked.test', '127.0.3.3', 'bob');
    // A partner without a file may not be at a private address, nor at one of this machine's interfaces; this one exists in
    // our namespace only, by a route.
    const FOUND = organisation('found.test', '192.0.32.7', 'fay');
    spawnSync('ip', ['route', 'add', 'local', FOUND.address, 'dev', 'lo']);
    const partners = [PROSODY, STRANGE, BLOCKED, FOUND];
    const world = await World.open(records(partners, [], [CORP.domain], [CORP]));
    const good = (of: typeof CORP) => certificateOf(world, of);

    const listed = { prefer: 'xmpp', allow: { theySee: ['availability'] }, allowPrivateAddresses: true };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
      },
      domains: { [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host, sameProtocol: true } },
      policy: {
        federation: 'discovered',
        blocked: [{ domain: BLOCKED.domain, note: 'ticket 99' }],
        discovered: { protocols: ['xmpp', 'sip'], allow: { theySee: ['availability'], firstContact: 'localUserInvites' } },
      },
      partners: {
        [PROSODY.domain]: listed,
        [BLOCKED.domain]: listed,
        [STRANGE.domain]: { ...listed, allow: { ...listed.allow, firstContact: 'localUserInvites' } },
      },
      own: { corp: world.certificate({ names: [CORP.domain, EDGE.host, INSIDE.host] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
    });
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    const [kamailio] = await Promise.all([
      startKamailio(world, CORP, good(CORP), through, [CORP.domain]),
      ...partners.map((one) => startProsody(world, one, good(one))),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, CORP, 'nora');
    const omar = await sipUser(world, CORP, 'omar');
    const juliet = await xmppUser(world, PROSODY, 'juliet');
    const strangers = { uma: await xmppUser(world, STRANGE, 'uma'), ugo: await xmppUser(world, STRANGE, 'ugo') };

    describe('a stranger', () => {
      const { uma, ugo } = strangers;

      world.scene('waits and learns nothing; the operator sees who waits', async () => {
        const nobody = await refused(uma, 'nobody@corp.test');
        const held = await refused(uma, nora.aor);
        assert.equal(held, nobody, 'a user who is there and one who is not answer alike');
        assert.deepEqual(nora.messages.waiting(), []);
        const list = await home.command('request', 'list');
        assert.equal(list.code, 0, list.err);
        assert.match(list.out, new RegExp(`${uma.jid} wants to write to ${nora.aor}`));
      });

      world.scene('is let in by request approve: what waited arrives, and the next message at once', async () => {
        const approved = await home.command('request', 'approve', await waitingId(uma, nora.aor));
        assert.equal(approved.code, 0, approved.out);
        assert.equal((await nora.messageFrom(uma.jid)).body, 'let me in');
        await uma.write(nora.aor, 'thank you');
        assert.equal((await nora.messageFrom(uma.jid)).body, 'thank you');
      });

      world.scene('is turned away by request deny, and nobody sees what was written', async () => {
        await refused(ugo, nora.aor);
        const denied = await home.command('request', 'deny', await waitingId(ugo, nora.aor));
        assert.equal(denied.code, 0, denied.out);
        await until('nothing to wait', async () => !(await home.command('request', 'list')).out.includes(`${ugo.jid} wants to write`));
        assert.deepEqual(nora.messages.waiting(), []);
        const unknown = await home.command('request', 'approve', 'ffffffff');
        assert.equal(unknown.code, 1, unknown.out);
      });

      world.scene('who wants to see somebody waits too, and the request goes on after the approval', async () => {
        await ugo.presence('subscribe', omar.aor);
        const id = await waitingId(ugo, omar.aor);
        assert.deepEqual(kamailio.saw('SUBSCRIBE', ugo.jid, omar.aor), []);
        await kamailio.decide('omar', ugo.jid, 'allow');
        await home.command('request', 'approve', id);
        await ugo.presenceOf(omar.aor, 'subscribed');
        assert.equal(kamailio.saw('SUBSCRIBE', ugo.jid, omar.aor).length, 1);
      });

      world.scene('to whom a user of ours writes first is none', async () => {
        const ulla = await xmppUser(world, STRANGE, 'ulla');
        assert.equal(status(await nora.message(ulla.jid, 'good morning')), 200);
        await ulla.message(nora.aor);
        await ulla.write(nora.aor, 'good morning to you');
        assert.equal((await nora.messageFrom(ulla.jid)).body, 'good morning to you');
      });
    });

    world.scene('a partner without a file is found by DNS, and kept to the protocol that it proved first', async () => {
      const fay = await xmppUser(world, FOUND, 'fay');
      assert.equal(status(await nora.message(fay.jid, 'are you there?')), 200);
      await fay.message(nora.aor);
      assert.ok(world.dns.queries().includes(`SRV _xmpp-server._tcp.${FOUND.domain}`));
      await fay.write(nora.aor, 'yes');
      assert.equal((await nora.messageFrom(fay.jid)).body, 'yes');
      const peer = await SipPeer.connect(EDGE.address, FOUND.domain, world.certificate({ names: [FOUND.domain] }));
      const other = await peer.request('MESSAGE', fay.jid, nora.aor, { lines: ['Content-Type: text/plain'], body: 'over SIP' });
      assert.equal(status(other), 403);
      await home.logged('decision.refused', 'PARTNER_OTHER_PROTOCOL', FOUND.domain);
      peer.close();
      assert.deepEqual(nora.messages.waiting(), []);
    });

    world.scene('a domain that does not exist is told at once', async () => {
      assert.equal(status(await nora.message('li@nowhere.test', 'hello?')), 404);
    });

    world.scene('a blocked domain is refused both ways, and the log names file and key', async () => {
      const bob = await xmppUser(world, BLOCKED, 'bob');
      await refused(bob, nora.aor);
      assert.equal(status(await nora.message(bob.jid, 'hello?')), 403);
      const line = await home.logged('decision.refused', 'POLICY_BLOCKED', bob.jid);
      assert.deepEqual([line.file, line.key], ['routes/policy.yaml', '/blocked/0']);
      assert.deepEqual([nora.messages.waiting(), bob.messages.waiting()], [[], []]);
    });

    describe('signs that go with messages', () => {
      const composing = (state: string) =>
        `<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state><refresh>60</refresh></isComposing>`;
      const typing = (state: string) => nora.message(juliet.jid, composing(state), [], { type: 'application/im-iscomposing+xml' });
      const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
      const RECEIPTS = 'urn:xmpp:receipts';

      world.scene('the SIP user types, and the XMPP user sees it begin and end', async () => {
        assert.equal(status(await nora.message(juliet.jid, 'wait a moment')), 200);
        await juliet.message(nora.aor);
        assert.equal(status(await typing('active')), 200);
        await juliet.message(nora.aor, (stanza) => stanza.getChild('composing', CHAT_STATES) !== undefined);
        assert.equal(status(await typing('idle')), 200);
        await juliet.message(
          nora.aor,
          (stanza) => stanza.getChild('body') === undefined && ['active', 'paused'].some((state) => stanza.getChild(state, CHAT_STATES)),
        );
      });

      world.scene('the XMPP user types, and the SIP user sees it begin and end', async () => {
        await juliet.signal(nora.aor, xml('composing', { xmlns: CHAT_STATES }));
        await nora.messageFrom(juliet.jid, (message) => /<state>\s*active/.test(message.body));
        await juliet.signal(nora.aor, xml('paused', { xmlns: CHAT_STATES }));
        await nora.messageFrom(juliet.jid, (message) => /<state>\s*idle/.test(message.body));
      });

      world.scene('the SIP user asks for a receipt and gets the one that the XMPP client gave', async () => {
        const asked = await nora.message(juliet.jid, cpim(nora.aor, juliet.jid, 'imdn-77', 'please confirm'), [], { type: 'message/cpim' });
        assert.equal(status(asked), 200);
        const stanza = await juliet.message(nora.aor);
        assert.equal(stanza.getChildText('body'), 'please confirm');
        assert.ok(stanza.getChild('request', RECEIPTS), 'a receipt is asked for');
        await juliet.signal(nora.aor, xml('received', { xmlns: RECEIPTS, id: stanza.attrs.id ?? '' }));
        const receipt = await nora.messageFrom(juliet.jid, isImdn);
        assert.match(receipt.body, /<message-id>imdn-77<\/message-id>/);
        assert.match(receipt.body, /<delivered\s*\/>/);
      });

      world.scene('the XMPP user asks for a receipt and gets the one that the SIP client gave', async () => {
        const id = await juliet.write(nora.aor, 'confirm too', { children: [xml('request', { xmlns: RECEIPTS })] });
        const message = await nora.messageFrom(juliet.jid, (one) => one.body.includes('confirm too'));
        assert.match(header(message, 'content-type'), /^message\/cpim/i, 'this client has shown that it knows CPIM');
        const about = /imdn\.Message-ID:\s*(\S+)/i.exec(message.body)?.[1] ?? '';
        const imdn = `Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n<?xml version="1.0"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${about}</message-id><datetime>2026-01-01T00:00:00Z</datetime><delivery-notification><status><delivered/></status></delivery-notification></imdn>`;
        const head = `From: <sip:${nora.aor}>\r\nTo: <sip:${juliet.jid}>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: n1\r\n\r\n`;
        assert.ok(status(await nora.message(juliet.jid, head + imdn, [], { type: 'message/cpim' })) < 300);
        const receipt = await juliet.message(nora.aor, (stanza) => stanza.getChild('received', RECEIPTS) !== undefined);
        assert.equal(receipt.getChild('received', RECEIPTS)?.attrs.id, id);
      });
    });

    describe('explain', () => {
      world.scene('tells of a delivered message by Call-ID and by stanza id, and never its text', async () => {
        const callId = `${crypto.randomUUID()}@phone.corp.test`;
        assert.equal(status(await nora.message(juliet.jid, 'secret of the SIP user', [], { callId })), 200);
        await juliet.message(nora.aor);
        const stanzaId = await juliet.write(nora.aor, 'secret of the XMPP user');
        await nora.messageFrom(juliet.jid);
        for (const [id, from, to] of [
          [callId, nora.aor, juliet.jid],
          [stanzaId, juliet.jid, nora.aor],
        ] as const) {
          const said = await until(`explain ${id} to tell of a delivery`, async () => {
            const answer = await home.command('explain', id);
            return /delivered/.test(answer.out) ? answer : undefined;
          });
          assert.equal(said.code, 0, said.out);
          assert.ok(said.out.includes(from) && said.out.includes(to), said.out);
          assert.doesNotMatch(said.out, /secret/);
        }
      });

      world.scene('tells why a message was refused, with file and key, and knows when it knows nothing', async () => {
        const callId = crypto.randomUUID();
        assert.equal(status(await nora.message('bob@blocked.test', 'hello?', [], { callId })), 403);
        const said = await until('the refusal to be on record', async () => {
          const answer = await home.command('explain', callId);
          return answer.out.includes('POLICY_BLOCKED') ? answer : undefined;
        });
        assert.equal(said.code, 1);
        assert.match(said.out, /routes\/policy\.yaml/);
        assert.equal((await home.command('explain', 'never-heard-of')).code, 1);
        const pair = await home.command('explain', nora.aor, juliet.jid);
        assert.equal(pair.code, 0, pair.out);
      });
    });

    describe('rules that change while it runs', () => {
      world.scene('a file with a fault changes nothing, and the log says where and what would be right', async () => {
        const mark = home.isthmus.logSize();
        home.file(`routes/partners/${PROSODY.domain}.yaml`, 'allow: { mesages: none }\n');
        await home.reload();
        const line = await home.loggedSince(mark, 'rules.rejected', `${PROSODY.domain}.yaml:1:`);
        assert.match(String(line.fault), /messages/);
        assert.equal(status(await nora.message(juliet.jid, 'still here')), 200);
        await juliet.message(nora.aor);
      });

      world.scene('a good set takes effect for the next message', async () => {
        home.partner(PROSODY.domain, { ...listed, allow: { messages: 'none', theySee: [], weSee: false } });
        await home.reload();
        assert.equal(status(await nora.message(juliet.jid, 'not any more')), 403);
        await refused(juliet, nora.aor);
      });
    });

    /** Writes, expects no delivery and an error. @returns its condition */
    async function refused(person: XmppUser, to: string): Promise<string | undefined> {
      await person.write(to, 'let me in');
      return conditionOf(await person.message(to, (stanza) => stanza.attrs.type === 'error', 60_000));
    }

    /** The id under which a stranger waits. */
    async function waitingId(person: XmppUser, to: string): Promise<string> {
      return until(`${person.jid} to wait for ${to}`, async () => {
        const { code, out, err } = await home.command('request', 'list', '--json');
        assert.equal(code, 0, err);
        const rows = JSON.parse(out) as { id: string; from: string; to: string }[];
        return rows.find((row) => row.from === person.jid && row.to === to)?.id;
      });
    }
  });
}

function cpim(from: string, to: string, id: string, text: string): string {
  return `From: <sip:${from}>\r\nTo: <sip:${to}>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: ${id}\r\nDateTime: 2026-01-01T00:00:00Z\r\nimdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}`;
}

function isImdn(message: SipText): boolean {
  return message.body.includes('urn:ietf:params:xml:ns:imdn');
}
