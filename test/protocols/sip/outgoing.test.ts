// Requests of ours: where they go, when the next host is tried, which connections are used again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SipAnswer } from '../../../src/protocols/sip/exchange.ts';
import { ask, ExchangeWorld, OURS, outgoing, THEIRS } from '../../support/sip-exchange.ts';
import { header, headers, method, parameter, type SipText, status } from '../../support/sip-message.ts';

const said = (answer: SipAnswer) => (answer.kind === 'response' ? answer.response.status : answer.reason.code);
const branchOf = (message: SipText) => parameter(header(message, 'Via'), 'branch');

test('a request leaves with Via, alias and Max-Forwards, and its answer comes back', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  let written = 0;
  const sent = world.shore.request(world.edgeHop(far.at), outgoing(), { written: () => (written += 1), maxForwards: 41 });
  const peer = await far.next();
  const request = await peer.next();
  assert.equal(request.start, 'MESSAGE sip:nora@fabrikam.example SIP/2.0');
  assert.match(header(request, 'Via'), /^SIP\/2\.0\/TLS edge\.contoso\.example;branch=z9hG4bK\w+;alias$/);
  assert.equal(header(request, 'Max-Forwards'), '41');
  assert.equal(request.body, 'hello');
  assert.equal(written, 1);
  peer.answer(request, '100 Trying');
  peer.answer(request, '202 Accepted');
  const answer = await sent;
  assert.equal(said(answer), 202);
  assert.equal(answer.kind === 'response' && answer.tries, 1);
  const [session] = world.shore.sessions();
  assert.deepEqual(session?.proven, [{ domain: THEIRS, proof: 'certificate' }]);
  assert.equal(session?.direction, 'out');
});

test('one connection carries many requests, and answers in any order find their way', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const hop = world.edgeHop(far.at);
  const sent = ['a', 'b', 'c'].map((id) => world.shore.request(hop, outgoing(id)));
  const peer = await far.next();
  const requests = [await peer.next(), await peer.next(), await peer.next()];
  for (const request of requests.toReversed()) peer.answer(request, `200 ${header(request, 'Call-ID')}`);
  const answers = await Promise.all(sent);
  assert.deepEqual(
    answers.map((answer) => answer.kind === 'response' && answer.response.phrase),
    ['a', 'b', 'c'],
  );
  assert.equal(world.connects, 1, 'concurrent callers share the attempt');
});

test('a busy connection is joined by others, up to the limit', async () => {
  await using world = await ExchangeWorld.open({ pool: { spreadAt: 2, maxConnections: 2 } });
  const far = await world.farServer();
  const hop = world.edgeHop(far.at);
  const sent = [world.shore.request(hop, outgoing('s0'))];
  const first = await far.next();
  await first.next();
  sent.push(world.shore.request(hop, outgoing('s1')), world.shore.request(hop, outgoing('s2')));
  await first.next();
  await first.next();
  const second = await far.next();
  while (world.shore.sessions().length < 2) await new Promise((resolve) => setImmediate(resolve));
  sent.push(world.shore.request(hop, outgoing('s3')), world.shore.request(hop, outgoing('s4')));
  await second.next();
  await second.next();
  assert.equal(world.connects, 2);
  first.socket.destroy();
  second.socket.destroy();
  await world.clock.pass(32_000, 4_000);
});

test('the peer must prove to be the domain after the connection stands, else it is closed with that reason', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  world.identities.set(far.port, { proves: ['other.example'] });
  const answer = await world.shore.request(world.edgeHop(far.at), outgoing());
  assert.equal(said(answer), 'CERT_PEER_NAME_MISMATCH');
  await (await far.next()).closed;
  assert.equal(world.shore.sessions().length, 0);
});

test('refused, unproven, 503: the next host of the list is tried, each time with a new branch and nothing else new', async () => {
  await using world = await ExchangeWorld.open();
  const [closed, wrong, busy, good] = [await world.farServer(), await world.farServer(), await world.farServer(), await world.farServer()];
  await closed.close();
  world.identities.set(wrong.port, { proves: [] });
  const sent = world.shore.request(world.edgeHop(closed.at, wrong.at, busy.at, good.at), outgoing('same', 7));
  const busyPeer = await busy.next();
  const first = await busyPeer.next();
  busyPeer.answer(first, '503 Service Unavailable', ['Retry-After: 60']);
  const goodPeer = await good.next();
  const second = await goodPeer.next();
  goodPeer.answer(second, '200 OK');
  const answer = await sent;
  assert.equal(said(answer), 200);
  assert.equal(answer.kind === 'response' && answer.tries, 2);
  assert.notEqual(branchOf(first), branchOf(second));
  const rest = (message: SipText) => message.headers.filter(([name]) => name !== 'Via');
  assert.deepEqual(rest(first), rest(second));
});

test('a host that failed rests, and is not asked first the next time', async () => {
  await using world = await ExchangeWorld.open();
  const [bad, good] = [await world.farServer(), await world.farServer()];
  const hop = world.edgeHop(bad.at, good.at);
  const once = world.shore.request(hop, outgoing('1'));
  const badPeer = await bad.next();
  badPeer.answer(await badPeer.next(), '503 Service Unavailable', ['Retry-After: 60']);
  const goodPeer = await good.next();
  goodPeer.answer(await goodPeer.next(), '200 OK');
  await once;
  const again = world.shore.request(hop, outgoing('2'));
  goodPeer.answer(await goodPeer.next(), '200 OK');
  await again;
  await world.clock.pass(61_000, 5_000);
  const later = world.shore.request(hop, outgoing('3'));
  badPeer.answer(await badPeer.next((message) => header(message, 'Call-ID') === '3'), '200 OK');
  assert.equal(said(await later), 200);
});

test('when every host says 503, the answer is that 503', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const sent = world.shore.request(world.edgeHop(far.at), outgoing());
  const peer = await far.next();
  peer.answer(await peer.next(), '503 Service Unavailable');
  assert.equal(said(await sent), 503);
});

test('of several failures the one about a certificate is told', async () => {
  await using world = await ExchangeWorld.open();
  const [wrong, closed] = [await world.farServer(), await world.farServer()];
  world.identities.set(wrong.port, { proves: [] });
  await closed.close();
  assert.equal(said(await world.shore.request(world.edgeHop(wrong.at, closed.at), outgoing())), 'CERT_PEER_NAME_MISMATCH');
});

test('a failure is given again within half a second and tried anew afterwards, or when the partner comes to us', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  world.identities.set(far.port, { proves: [] });
  const hop = world.edgeHop(far.at);
  const failing = () => world.shore.request(hop, outgoing()).then(said);
  assert.equal(await failing(), 'CERT_PEER_NAME_MISMATCH');
  assert.equal(await failing(), 'CERT_PEER_NAME_MISMATCH');
  assert.equal(world.connects, 1);
  world.clock.advance(501);
  assert.equal(await failing(), 'CERT_PEER_NAME_MISMATCH');
  assert.equal(world.connects, 2);
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const peer = await world.arrive();
  peer.send(ask('MESSAGE'));
  await peer.next();
  assert.equal(await failing(), 'CERT_PEER_NAME_MISMATCH');
  assert.equal(world.connects, 3);
});

test('no answer for 32 s is PEER_TIMEOUT, and a connection without a byte in that time is closed', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const sent = world.shore.request(world.edgeHop(far.at), outgoing());
  const peer = await far.next();
  await peer.next();
  await world.clock.pass(31_000, 1_000);
  assert.equal(await Promise.race([sent.then(() => 'over'), new Promise((resolve) => setImmediate(resolve, 'open'))]), 'open');
  await world.clock.pass(2_000, 500);
  assert.equal(said(await sent), 'PEER_TIMEOUT');
  await peer.closed;
});

test('a shorter deadline and an abort end the wait; the late answer is a stray', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const hop = world.edgeHop(far.at);
  const short = world.shore.request(hop, outgoing('short'), { deadlineMs: 2_000 });
  const peer = await far.next();
  const request = await peer.next();
  await world.clock.pass(3_000);
  assert.equal(said(await short), 'PEER_TIMEOUT');
  peer.answer(request, '200 OK');
  const stop = new AbortController();
  const given = world.shore.request(hop, outgoing('given up'), { signal: stop.signal });
  await peer.next((message) => header(message, 'Call-ID') === 'given up');
  stop.abort();
  assert.equal(said(await given), 'SHUTTING_DOWN');
  assert.equal(world.shore.sessions().length, 1, 'the connection lives');
});

test('a peer that dies in the middle is a failure at once, after one fresh connection to an idle one', async () => {
  await using world = await ExchangeWorld.open();
  const { far, hop, peer } = await world.metFarServer('1');
  const second = world.shore.request(hop, outgoing('2'));
  await peer.next();
  peer.socket.destroy();
  const again = await far.next();
  const request = await again.next();
  assert.equal(header(request, 'Call-ID'), '2');
  again.socket.destroy();
  assert.equal(said(await second), 'NET_CLOSED');
});

test('an inbound connection is used backwards when its Via says alias and both sides have shown who they are', async (t) => {
  const rows = [
    { what: 'alias, both shown', via: ';alias', showsOurs: [OURS], reused: true },
    { what: 'no alias', via: '', showsOurs: [OURS], reused: false },
    { what: 'we showed another certificate', via: ';alias', showsOurs: ['other.example'], reused: false },
  ];
  for (const { what, via, showsOurs, reused } of rows) {
    await t.test(what, async () => {
      await using world = await ExchangeWorld.open();
      world.shore.handle('MESSAGE', async () => ({ status: 200 }));
      const far = await world.farServer();
      const peer = await world.arrive('edge', { showsOurs });
      peer.send(ask('MESSAGE', { Via: `SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKal${via}` }));
      await peer.next();
      const sent = world.shore.request(world.edgeHop(far.at), outgoing());
      const used = reused ? peer : await far.next();
      used.answer(await used.next((message) => method(message) === 'MESSAGE'), '200 OK');
      assert.equal(said(await sent), 200);
      assert.equal(world.connects, reused ? 0 : 1);
    });
  }
});

test('an alias that dies is followed by a connection of our own', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const far = await world.farServer();
  const peer = await world.arrive();
  peer.send(ask('MESSAGE', { Via: 'SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKal;alias' }));
  await peer.next();
  const sent = world.shore.request(world.edgeHop(far.at), outgoing());
  await peer.next();
  peer.socket.destroy();
  const own = await far.next();
  own.answer(await own.next(), '200 OK');
  assert.equal(said(await sent), 200);
});

test('a peer may send its own requests on a connection that we opened', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const far = await world.farServer();
  const sent = world.shore.request(world.edgeHop(far.at), outgoing());
  const peer = await far.next();
  const request = await peer.next();
  peer.send(ask('MESSAGE', { 'Call-ID': 'theirs' }));
  assert.equal(status(await peer.next((message) => header(message, 'Call-ID') === 'theirs')), 200);
  peer.answer(request, '200 OK');
  await sent;
});

test('an inside next hop that failed gets traffic again after three good OPTIONS', async () => {
  await using world = await ExchangeWorld.open();
  const [first, second] = [await world.farServer(), await world.farServer()];
  const hop = world.insideHop(first.at, second.at);
  const send = (id: string) => world.shore.request(hop, outgoing(id));
  const one = send('1');
  const peer1 = await first.next();
  peer1.answer(await peer1.next(), '503 Service Unavailable');
  const peer2 = await second.next();
  peer2.answer(await peer2.next(), '200 OK');
  await one;
  for (let probes = 0; probes < 3; probes += 1) {
    const between = send(`between ${probes}`);
    peer2.answer(await peer2.next(), '200 OK');
    await between;
    await world.clock.pass(5_000);
    const probe = await peer1.next();
    assert.equal(method(probe), 'OPTIONS');
    peer1.answer(probe, '404 Not Found');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const back = send('back');
  peer1.answer(await peer1.next((message) => method(message) === 'MESSAGE'), '200 OK');
  assert.equal(said(await back), 200);
  await world.clock.pass(6_000);
  assert.equal(peer1.messages.waiting.length, 0, 'and the probing ends');
});

test('draining lets what is open finish and takes nothing new', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const hop = world.edgeHop(far.at);
  const sent = world.shore.request(hop, outgoing());
  const peer = await far.next();
  const request = await peer.next();
  const drained = world.shore.drain(5_000);
  assert.equal(said(await world.shore.request(hop, outgoing('late'))), 'SHUTTING_DOWN');
  peer.answer(request, '200 OK');
  assert.equal(said(await sent), 200);
  await peer.closed;
  await world.clock.pass(100, 50);
  await drained;
});

test('options() asks the far end for a sign of life', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const sent = world.shore.options(world.edgeHop(far.at));
  const peer = await far.next();
  const request = await peer.next();
  assert.equal(request.start, `OPTIONS sip:${THEIRS} SIP/2.0`);
  assert.equal(header(request, 'Contact'), '<sip:edge.contoso.example;transport=tls>');
  assert.equal(headers(request, 'Via').length, 1);
  peer.answer(request, '200 OK');
  assert.equal(said(await sent), 200);
});
