// The check of the test world itself, without Isthmus: real peers start, find each other by DNS, believe each other by
// certificate, and the scripted clients can drive them. When this fails, look here before looking at the bridge.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeCa } from '../support/ca.ts';
import { enterNamespace } from '../support/namespace.ts';
import { ejabberd, makeAccounts } from '../support/peers/ejabberd.ts';
import { Kamailio } from '../support/peers/kamailio.ts';
import { prosody } from '../support/peers/prosody.ts';
import { sipp } from '../support/peers/sipp.ts';
import { header, status } from '../support/sip-message.ts';
import { SipPeer } from '../support/sip-peer.ts';
import { basicOf, SipUa } from '../support/sip-ua.ts';
import { sipSrv, World, xmppSrv } from '../support/world.ts';
import { child } from '../support/xml-stream.ts';
import { external, mechanisms, openStream, XmppPeer } from '../support/xmpp-peer.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const OPTIONS_SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="OPTIONS">
  <send><![CDATA[

OPTIONS sip:[remote_ip]:[remote_port];transport=tcp SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:probe@[local_ip]>;tag=[call_number]
To: <sip:[remote_ip]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
`;

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('the world of real peers', { skip: noWorld });
} else {
  describe('the world of real peers', async () => {
    const PROSODY = { address: '127.0.3.1', domain: 'prosody.test', users: { juliet: 'capulet' } };
    const EJABBERD = { address: '127.0.4.1', domain: 'ejabberd.test', users: { romeo: 'montague' } };
    const KAMAILIO = { address: '127.0.2.1', domain: 'corp.test', users: { nora: 'n0ra', omar: '0mar' } };
    const FEDERATED = { address: '127.0.5.1', domain: 'sip.test', users: { sam: '5am' } };
    const HAND = '127.0.6.1';
    const world = await World.open({
      hosts: {
        'xmpp.prosody.test': PROSODY.address,
        'xmpp.ejabberd.test': EJABBERD.address,
        'sip.corp.test': KAMAILIO.address,
        'edge.sip.test': FEDERATED.address,
        'xmpp.hand.test': HAND,
      },
      srv: [
        ...xmppSrv(PROSODY.domain, 'xmpp.prosody.test'),
        ...xmppSrv(EJABBERD.domain, 'xmpp.ejabberd.test'),
        ...sipSrv(KAMAILIO.domain, 'sip.corp.test'),
        ...sipSrv(FEDERATED.domain, 'edge.sip.test'),
        ...xmppSrv('hand.test', 'xmpp.hand.test'),
      ],
    });
    const { rootsFile } = world;
    const kamailio = new Kamailio({
      ...KAMAILIO,
      folder: world.room('kamailio'),
      host: 'sip.corp.test',
      foreign: { kind: 'discovered' },
      trusts: ['sip.test'],
      certificate: world.certificate({ names: ['corp.test', 'sip.corp.test'] }),
      rootsFile,
    });
    const federated = new Kamailio({
      ...FEDERATED,
      folder: world.room('federated'),
      host: 'edge.sip.test',
      foreign: { kind: 'discovered' },
      trusts: ['corp.test'],
      certificate: world.certificate({ names: ['sip.test', 'edge.sip.test'] }),
      rootsFile,
    });
    const romeos = { ...EJABBERD, folder: world.room('ejabberd'), certificate: world.certificate({ names: ['ejabberd.test'] }), rootsFile };
    await Promise.all([
      world.start(
        prosody({ ...PROSODY, folder: world.room('prosody'), certificate: world.certificate({ names: ['prosody.test'] }), rootsFile }),
      ),
      world.start(ejabberd(romeos)),
      world.start(kamailio.process),
      world.start(federated.process),
    ]);
    await makeAccounts(romeos);
    const juliet = await XmppUser.signIn({ user: 'juliet', password: 'capulet', ...PROSODY });
    const romeo = await XmppUser.signIn({ user: 'romeo', password: 'montague', ...EJABBERD });
    const nora = await SipUa.signIn({ user: 'nora', password: 'n0ra', ...KAMAILIO });
    const omar = await SipUa.signIn({ user: 'omar', password: '0mar', ...KAMAILIO });
    const sam = await SipUa.signIn({ user: 'sam', password: '5am', ...FEDERATED });
    world.atEnd(() => Promise.all([juliet.signOut(), romeo.signOut(), nora.close(), omar.close(), sam.close()]));

    world.scene('the peers are up within seconds', async () => {
      const times = world.startTimes();
      console.log(`started in ms: ${JSON.stringify(times)}`);
      for (const [name, ms] of Object.entries(times)) assert.ok(ms < 20_000, `${name} took ${ms} ms`);
    });

    world.scene('unknown names do not exist, and nothing is asked outside', async () => {
      const { Resolver } = await import('node:dns/promises');
      const resolver = new Resolver();
      resolver.setServers(['127.0.0.53']);
      await assert.rejects(resolver.resolve4('nobody.test'), { code: 'ENOTFOUND' });
      assert.deepEqual((await resolver.resolveSrv('_xmpp-server._tcp.prosody.test'))[0]?.name, 'xmpp.prosody.test');
    });

    world.scene('Prosody and ejabberd exchange messages by SASL EXTERNAL', async () => {
      await juliet.write(romeo.jid, 'Good even to you');
      assert.equal((await romeo.message(juliet.jid)).getChildText('body'), 'Good even to you');
      await romeo.write(juliet.jid, 'Is the day so young?');
      assert.equal((await juliet.message(romeo.jid)).getChildText('body'), 'Is the day so young?');
      assert.ok(world.dns.queries().includes('SRV _xmpp-server._tcp.ejabberd.test'));
    });

    world.scene('a message to an unknown user comes back as an error, both ways', async () => {
      await juliet.write('nobody@ejabberd.test', 'hello?');
      assert.equal(
        conditionOf(await juliet.message('nobody@ejabberd.test', (stanza) => stanza.attrs.type === 'error')),
        'service-unavailable',
      );
      await romeo.write('nobody@prosody.test', 'hello?');
      assert.equal(
        conditionOf(await romeo.message('nobody@prosody.test', (stanza) => stanza.attrs.type === 'error')),
        'service-unavailable',
      );
    });

    world.scene('two users of Kamailio exchange messages', async () => {
      assert.equal(status(await nora.message(omar.aor, 'Grüße')), 200);
      const message = await omar.messageFrom(nora.aor);
      assert.equal(message.body, 'Grüße');
      assert.match(header(message, 'via'), /127\.0\.2\.1/);
      assert.equal(status(await nora.message('nobody@corp.test', 'hello?')), 404);
    });

    world.scene('Kamailio holds a watcher pending, grants, notifies changes, and takes it back', async () => {
      const { status: answer } = await nora.subscribe(omar.aor);
      assert.ok(answer === 200 || answer === 202, String(answer));
      assert.equal((await nora.notice(omar.aor)).state, 'pending');
      await omar.publish('open', { note: 'in' });
      await kamailio.decide('omar', nora.aor, 'allow');
      assert.equal(basicOf((await nora.notice(omar.aor, (notice) => notice.state === 'active' && notice.body !== '')).body), 'open');
      await omar.publish('closed');
      await nora.notice(omar.aor, (notice) => basicOf(notice.body) === 'closed');
      await kamailio.decide('omar', nora.aor, 'block');
      const end = await nora.notice(omar.aor, (notice) => notice.state === 'terminated');
      assert.equal(end.reason, 'rejected');
    });

    world.scene('two Kamailios federate by SRV and mutual TLS: messages, and a watcher on the other side', async () => {
      assert.equal(status(await nora.message(sam.aor, 'across')), 200);
      assert.equal((await sam.messageFrom(nora.aor)).body, 'across');
      assert.ok(world.dns.queries().includes('SRV _sipfederationtls._tcp.sip.test'));
      await kamailio.decide('nora', sam.aor, 'allow');
      const { watch } = await sam.subscribe(nora.aor);
      await sam.notice(nora.aor, (notice) => notice.state === 'active');
      await nora.publish('open', { activity: 'busy' });
      assert.match((await sam.notice(nora.aor, (notice) => notice.body !== '')).body, /busy/);
      assert.equal(status(await sam.resubscribe(watch, 0)), 200);
      await sam.notice(nora.aor, (notice) => notice.state === 'terminated');
    });

    world.scene('an XMPP server played by hand federates with Prosody, and not with a certificate of strangers', async () => {
      const credentials = world.certificate({ names: ['hand.test'] });
      const hand = await XmppPeer.listen(HAND, 'hand.test', credentials);
      const road = { address: PROSODY.address, from: 'hand.test', to: PROSODY.domain };
      const { stream, features } = await openStream({ ...road, credentials });
      assert.deepEqual(mechanisms(features), ['EXTERNAL']);
      assert.equal(await external(stream, road.from, road.to), 'success');
      stream.send(`<message from="li@hand.test" to="${juliet.jid}" type="chat"><body>by hand</body></message>`);
      assert.equal((await juliet.message('li@hand.test')).getChildText('body'), 'by hand');
      await juliet.write('li@hand.test', 'by machine');
      const stanza = await hand.stanzas.next('her answer', (one) => one.name === 'message');
      assert.equal(child(stanza, 'body')?.text, 'by machine');
      stream.close();
      hand.close();
      const strange = makeCa('Strangers').issue({ names: ['hand.test'] });
      await assert.rejects(openStream({ ...road, credentials: strange }), /certificate is not trusted/);
    });

    world.scene('a SIP server played by hand reaches Kamailio, and not without a certificate', async () => {
      const peer = await SipPeer.connect(KAMAILIO.address, 'sip.test', world.certificate({ names: ['sip.test'] }));
      const text = { lines: ['Content-Type: text/plain'], body: 'by hand' };
      assert.equal(status(await peer.request('MESSAGE', 'li@sip.test', nora.aor, text)), 200);
      assert.equal((await nora.messageFrom('li@sip.test')).body, 'by hand');
      assert.equal(status(await peer.request('MESSAGE', 'omar@corp.test', nora.aor, text)), 407, 'its own users must say who they are');
      peer.close();
      const nobody = await SipPeer.connect(KAMAILIO.address, 'sip.test', undefined).catch(() => undefined);
      if (nobody !== undefined) await assert.rejects(nobody.request('MESSAGE', 'li@sip.test', nora.aor, text), /closed/);
    });

    world.scene('SIPp plays a scenario over TCP', async () => {
      const { code, output } = await sipp({
        folder: world.room('sipp'),
        scenario: OPTIONS_SCENARIO,
        target: { address: KAMAILIO.address, port: 5060 },
        own: { address: '127.0.9.1', port: 5066 },
        calls: 20,
        perSecond: 50,
      });
      assert.equal(code, 0, output);
    });
  });
}
