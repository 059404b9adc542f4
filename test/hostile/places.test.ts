// One partner, however many addresses it comes from, takes no more places than it is given: beyond them it is told and closed, and what
// it has goes on working.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Organisation } from '../protocols/xmpp/two-shores.ts';
import { ask, ExchangeWorld } from '../support/sip-exchange.ts';
import { header, status } from '../support/sip-message.ts';
import { external, openStream } from '../support/xmpp-peer.ts';

test('SIP: the connection too many is answered once and closed; the others and other partners are served', async () => {
  await using world = await ExchangeWorld.open({ connectionsPerPartner: 3 });
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const peers = [];
  for (let count = 0; count < 3; count++) {
    const peer = await world.arrive();
    peer.send(ask('MESSAGE'));
    assert.equal(status(await peer.next()), 200);
    peers.push(peer);
  }
  const fourth = await world.arrive();
  fourth.send(ask('MESSAGE'));
  assert.equal(status(await fourth.next()), 200, 'what it has asked is answered');
  await world.clock.pass(6000);
  await fourth.closed;
  for (const peer of peers) {
    peer.send(ask('MESSAGE', { 'Call-ID': 'again' }));
    assert.equal(header(await peer.next(), 'Call-ID'), 'again');
  }
  const other = await world.arrive('edge', { proves: ['woodgrove.example'] });
  other.send(ask('MESSAGE', { From: '<sip:x@woodgrove.example>;tag=1', 'Call-ID': 'other' }) + ask('OPTIONS', { 'Call-ID': 'alive' }));
  assert.equal(header(await other.next(), 'Call-ID') !== '', true);
  assert.equal(world.shore.sessions().length, 4);
});

test('XMPP: the stream too many hears resource-constraint; the others go on', async () => {
  await using corp = await new Organisation({ domains: ['corp.example'], settings: { streamsPerPartner: 2 } }).listen();
  await using partner = new Organisation({ domains: ['partner.example'] });
  corp.knows(partner);
  const open = async () => {
    const shown = partner.edge.ours;
    const { stream } = await openStream({
      address: '127.0.0.1',
      port: corp.port,
      from: 'partner.example',
      to: 'corp.example',
      credentials: shown,
    });
    return { stream, said: external(stream, 'partner.example', 'corp.example') };
  };
  const first = await open();
  const second = await open();
  assert.deepEqual([await first.said, await second.said], ['success', 'success']);
  const third = await open();
  await third.said.catch(() => {});
  const error = await third.stream.element('a stream error', ({ name }) => name === 'error').catch(() => undefined);
  assert.match(error === undefined ? third.stream.transcript : JSON.stringify(error), /resource-constraint/);
  await third.stream.ended().catch(() => {});
  first.stream.send(`<iq type='get' id='p' from='partner.example' to='corp.example'><ping xmlns='urn:xmpp:ping'/></iq>`);
  first.stream.send(`<message from='li@partner.example' to='nora@corp.example'><body>still here</body></message>`);
  const { element } = await corp.received('the message of the first');
  assert.match(JSON.stringify(element.children), /still here/);
  for (const { stream } of [first, second, third]) stream.close();
});
