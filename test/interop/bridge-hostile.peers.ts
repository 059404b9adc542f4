// Partners that lie, stumble or shout, played by hand at both doors of the edge: each hears the protocol's own error, nothing
// of theirs arrives, and the good partner beside them notices nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeCa } from '../support/ca.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { certificateOf, EDGE, INSIDE, organisation, records, sipUser, startKamailio } from '../support/organisations.ts';
import type { Credentials } from '../support/raw-stream.ts';
import { RawStream } from '../support/raw-stream.ts';
import { header, status } from '../support/sip-message.ts';
import { SipPeer } from '../support/sip-peer.ts';
import { World } from '../support/world.ts';
import { child } from '../support/xml-stream.ts';
import { external, mechanisms, openStream, streamHeader } from '../support/xmpp-peer.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('hostile partners', { skip: noWorld });
} else {
  describe('hostile partners', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora');
    const XMPP = organisation('partner.test', '127.0.3.1');
    const SIP = organisation('sip.test', '127.0.5.1');
    const world = await World.open(records([XMPP], [SIP], [CORP.domain], [CORP]));
    const stranger = makeCa('Nobody We Know');
    const listed = { allow: { theySee: ['availability'] }, allowPrivateAddresses: true };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
      },
      domains: {
        [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host, sameProtocol: true },
        'chat.test': { served: 'xmpp', component: { name: 'isthmus.chat.test', secret: { secret: 'chat-component' } } },
      },
      policy: { federation: 'closed' },
      partners: { [XMPP.domain]: { ...listed, prefer: 'xmpp' }, [SIP.domain]: { ...listed, prefer: 'sip' } },
      own: { corp: world.certificate({ names: [CORP.domain, EDGE.host, INSIDE.host, 'chat.test'] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
      secrets: { 'chat-component': 'not-used-here' },
    });
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    await Promise.all([startKamailio(world, CORP, certificateOf(world, CORP), through, [CORP.domain]), world.start(home.isthmus)]);
    const nora = await sipUser(world, CORP, 'nora');
    const good = world.certificate({ names: [XMPP.domain] });
    const goodSip = world.certificate({ names: [SIP.domain] });
    const to = { address: EDGE.address, to: CORP.domain };

    describe('at the XMPP door', () => {
      world.scene('nothing but STARTTLS is offered before TLS, and a stanza there ends the stream', async () => {
        const stream = await RawStream.connect(EDGE.address, 5269, 'a plain stream');
        stream.send(streamHeader(XMPP.domain, CORP.domain));
        const features = await stream.element('features');
        assert.deepEqual(
          features.children.map((one) => one.name),
          ['starttls'],
        );
        stream.send(message('li@partner.test', nora.aor));
        assert.equal((await stream.element('a stream error', isStreamError)).children[0]?.ns, 'urn:ietf:params:xml:ns:xmpp-streams');
        await stream.ended();
      });

      world.scene('EXTERNAL is offered to a good certificate and to one for servers only', async () => {
        for (const credentials of [good, world.certificate({ names: [XMPP.domain], eku: 'server' })]) {
          const { stream, features } = await openStream({ ...to, from: XMPP.domain, credentials });
          assert.deepEqual(mechanisms(features), ['EXTERNAL']);
          assert.equal(await external(stream, XMPP.domain, CORP.domain), 'success');
          stream.close();
        }
      });

      const wrong: Readonly<Record<string, Credentials | undefined>> = {
        none: undefined,
        'of another name': world.certificate({ names: ['elsewhere.test'] }),
        'of an unknown authority': stranger.issue({ names: [XMPP.domain] }),
        'for servers only, of an unknown authority': stranger.issue({ names: [XMPP.domain], eku: 'server' }),
        'with the name only as CN': world.certificate({ names: [], cn: XMPP.domain }),
      };
      for (const [what, credentials] of Object.entries(wrong)) {
        world.scene(`with a certificate ${what} it is not offered, and asked for all the same it fails`, async () => {
          const road = { ...to, from: XMPP.domain, ...(credentials === undefined ? {} : { credentials }) };
          const opened = await openStream(road).catch((error: Error) => error);
          if (opened instanceof Error) {
            assert.match(opened.message, /not-authorized|policy-violation/, 'an end with a stream error is as good');
            return;
          }
          assert.deepEqual(mechanisms(opened.features), []);
          assert.equal(child(opened.features, 'dialback'), undefined, 'dialback only where the file says so');
          const forced = external(opened.stream, XMPP.domain, CORP.domain);
          assert.notEqual(await forced.catch(() => 'closed'), 'success');
          opened.stream.close();
        });
      }

      world.scene('a stanza of a domain that the stream did not prove ends the stream; our own domain too', async () => {
        for (const from of ['eve@elsewhere.test', 'omar@corp.test', 'li@sub.partner.test']) {
          const stream = await proven();
          stream.send(message(from, nora.aor));
          const error = await stream.element('a stream error', isStreamError);
          assert.equal(error.children[0]?.name, 'invalid-from');
          await stream.ended();
        }
      });

      const broken: Readonly<Record<string, readonly [text: string, conditions: readonly string[]]>> = {
        'ill-formed XML': ['<message><body>no end</message>', ['not-well-formed', 'bad-format']],
        'a comment': ['<!-- hello -->', ['restricted-xml']],
        'a processing instruction': ['<?php echo 1 ?>', ['restricted-xml']],
        'a document type': ['<!DOCTYPE a [<!ENTITY b "c">]>', ['restricted-xml', 'not-well-formed']],
        'an entity of its own': ['<message><body>&lol;</body></message>', ['restricted-xml', 'not-well-formed']],
        'a stanza of a megabyte': [message('li@partner.test', nora.aor, 'x'.repeat(1 << 20)), ['policy-violation']],
        'a thousand levels': [`${'<a>'.repeat(1000)}`, ['policy-violation', 'restricted-xml', 'not-well-formed']],
        'an unknown element': ['<shout xmlns="jabber:server"/>', ['unsupported-stanza-type']],
      };
      for (const [what, [text, conditions]] of Object.entries(broken)) {
        world.scene(`${what} ends that stream with the right error, and only that`, async () => {
          const [victim, bystander] = [await proven(), await proven()];
          victim.send(text);
          const error = await victim.element('a stream error', isStreamError);
          const condition = error.children[0]?.name ?? '';
          assert.ok(conditions.includes(condition), condition);
          await victim.ended();
          bystander.send(message('li@partner.test', nora.aor, `after ${what}`));
          assert.equal((await nora.messageFrom('li@partner.test')).body, `after ${what}`);
          bystander.close();
        });
      }

      async function proven(): Promise<RawStream> {
        const { stream } = await openStream({ ...to, from: XMPP.domain, credentials: good });
        assert.equal(await external(stream, XMPP.domain, CORP.domain), 'success');
        return stream;
      }
    });

    describe('at the SIP door', () => {
      const text = { lines: ['Content-Type: text/plain'], body: 'let me in' };
      const person = 'li@sip.test';

      world.scene('a proven partner may ask OPTIONS, and is told what is not spoken here', async () => {
        const peer = await SipPeer.connect(EDGE.address, SIP.domain, goodSip);
        assert.equal(status(await peer.request('OPTIONS', person, CORP.domain)), 200);
        const invite = await peer.request('INVITE', person, nora.aor);
        assert.equal(status(invite), 405);
        assert.match(header(invite, 'allow'), /MESSAGE/);
        await nora.messageFrom(person, (message) => message.body.includes('tried to call you')); // never silence
        const required = await peer.request('MESSAGE', person, nora.aor, { ...text, lines: [...text.lines, 'Require: telepathy'] });
        assert.equal(status(required), 420);
        assert.equal(header(required, 'unsupported'), 'telepathy');
        const picture = await peer.request('MESSAGE', person, nora.aor, { lines: ['Content-Type: image/png'], body: 'x' });
        assert.equal(status(picture), 415);
        assert.match(header(picture, 'accept'), /text\/plain/);
        const event = await peer.request('SUBSCRIBE', person, nora.aor, { lines: ['Event: weather', 'Contact: <sip:li@peer.test>'] });
        assert.equal(status(event), 489);
        assert.match(header(event, 'allow-events'), /presence/);
        peer.close();
      });

      const wrong: Readonly<Record<string, Credentials | undefined>> = {
        'without a certificate': undefined,
        'with a certificate of another name': world.certificate({ names: ['elsewhere.test'] }),
        'with a wildcard certificate': world.certificate({ names: ['*.test'] }),
        'with a certificate of an unknown authority': stranger.issue({ names: [SIP.domain] }),
        'with a certificate that signed itself for servers only': stranger.root.issue({ names: [SIP.domain], eku: 'server' }),
      };
      for (const [what, credentials] of Object.entries(wrong)) {
        world.scene(`a peer ${what} is refused for every request`, async () => {
          const peer = await SipPeer.connect(EDGE.address, SIP.domain, credentials).catch(() => undefined);
          if (peer === undefined) return; // refused in the handshake
          for (const method of ['MESSAGE', 'SUBSCRIBE']) {
            const said: number | 'closed' = await peer.request(method, person, nora.aor, text).then(status, () => 'closed' as const);
            assert.ok(said === 'closed' || said === 403, String(said));
          }
          assert.ok(nora.messages.waiting().every((one) => one.body !== 'let me in'));
          peer.close();
        });
      }

      world.scene('a proven partner may not speak for others, nor for us', async () => {
        const peer = await SipPeer.connect(EDGE.address, SIP.domain, goodSip);
        for (const from of ['eve@elsewhere.test', 'omar@corp.test', 'li@partner.test']) {
          assert.equal(status(await peer.request('MESSAGE', from, nora.aor, text)), 403, from);
        }
        // 404, as for any domain that is not ours: who else federates with us is nobody's business
        assert.equal(status(await peer.request('MESSAGE', person, 'li@partner.test', text)), 404, 'no relay from partner to partner');
        peer.close();
      });

      world.scene('text that is not SIP, or too much of it, ends that connection and nothing else', async () => {
        const bystander = await SipPeer.connect(EDGE.address, SIP.domain, goodSip);
        const shouts = {
          http: 'GET / HTTP/1.1\r\nHost: corp.test\r\n\r\n',
          'no length': 'MESSAGE sip:nora@corp.test SIP/2.0\r\nContent-Length: -5\r\n\r\n',
          'a huge length': 'MESSAGE sip:nora@corp.test SIP/2.0\r\nContent-Length: 999999999\r\n\r\n',
          'headers without end': `MESSAGE sip:nora@corp.test SIP/2.0\r\n${'X-Noise: 1\r\n'.repeat(100_000)}`,
        };
        for (const [what, shout] of Object.entries(shouts)) {
          const peer = await SipPeer.connect(EDGE.address, SIP.domain, goodSip);
          peer.send(shout);
          await peer.received
            .next(`an error or the end after ${what}`, (one) => status(one) >= 400)
            .catch((error: Error) => {
              assert.equal(error.message, 'the connection was closed', what);
            });
          assert.equal(status(await bystander.request('MESSAGE', person, nora.aor, { ...text, body: `after ${what}` })), 200);
          assert.equal((await nora.messageFrom(person)).body, `after ${what}`);
          peer.close();
        }
        bystander.close();
      });
    });

    world.scene('the process is still the same one', async () => {
      assert.ok(home.isthmus.running);
      assert.deepEqual(
        home.log().filter((line) => line.level === 'fatal' || JSON.stringify(line).includes('US_BUG')),
        [],
      );
    });
  });
}

function message(from: string, to: string, body = 'let me in'): string {
  return `<message from="${from}" to="${to}" type="chat" id="${crypto.randomUUID()}"><body>${body}</body></message>`;
}

function isStreamError(stanza: { readonly name: string; readonly ns: string }): boolean {
  return stanza.name === 'error' && stanza.ns === 'http://etherx.jabber.org/streams';
}
