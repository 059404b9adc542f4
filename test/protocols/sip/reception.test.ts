// Requests that come in over a real socket: what is checked before a handler sees them, and what goes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboundRequest } from '../../../src/protocols/sip/exchange.ts';
import { SipFramer } from '../../../src/protocols/sip/framing.ts';
import { ask, ExchangeWorld, outgoing, THEIRS } from '../../support/sip-exchange.ts';
import { header, headers, parameter, printSip, status } from '../../support/sip-message.ts';
import { ownDomain, partner, table } from '../../support/table.ts';
import { RFC4475 } from '../../vectors/sip/rfc4475.ts';
import { RFC5118 } from '../../vectors/sip/rfc5118.ts';

test('OPTIONS is answered with what we can do, whoever asks', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const peer = await world.arrive('edge', { proves: [] });
  peer.send(ask('OPTIONS', { uri: 'sip:edge.contoso.example:5061' }));
  const answer = await peer.next();
  assert.equal(status(answer), 200);
  assert.equal(header(answer, 'Allow'), 'MESSAGE, OPTIONS');
  assert.match(header(answer, 'Accept'), /text\/plain/);
  assert.notEqual(header(answer, 'Supported'), undefined);
});

test('a request reaches its handler with what is known of it, and the reply goes back with the lines that must be copied', async () => {
  await using world = await ExchangeWorld.open();
  const seen: InboundRequest[] = [];
  world.shore.handle('MESSAGE', async (request) => {
    seen.push(request);
    return { status: 202, headers: [['X-Note', 'kept']], body: 'ok' };
  });
  const peer = await world.arrive();
  peer.send(
    ask(
      'MESSAGE',
      {
        Via: [
          'SIP/2.0/TLS edge.fabrikam.example:5061;branch=z9hG4bKabc;rport',
          'SIP/2.0/TLS  pc.fabrikam.example ; branch=z9hG4bK1;ms-received-cid=2F00',
        ],
        'Record-Route': ['<sip:edge.fabrikam.example;lr;ms-route-sig=aaab>', '<sip:in.fabrikam.example;lr>'],
        'Max-Forwards': '12',
      },
      'hello',
    ),
  );
  const answer = await peer.next();
  assert.equal(answer.start, 'SIP/2.0 202 Accepted');
  const port = peer.socket.localPort;
  assert.deepEqual(headers(answer, 'Via'), [
    `SIP/2.0/TLS edge.fabrikam.example:5061;branch=z9hG4bKabc;rport=${port};received=127.0.0.1`,
    'SIP/2.0/TLS  pc.fabrikam.example ; branch=z9hG4bK1;ms-received-cid=2F00',
  ]);
  assert.deepEqual(headers(answer, 'Record-Route'), ['<sip:edge.fabrikam.example;lr;ms-route-sig=aaab>', '<sip:in.fabrikam.example;lr>']);
  assert.ok(parameter(header(answer, 'To'), 'tag'), 'a To tag is added');
  assert.equal(header(answer, 'X-Note'), 'kept');
  assert.equal(answer.body, 'ok');
  const [request] = seen;
  assert.equal(request?.fromDomain, THEIRS);
  assert.equal(request?.toDomain, 'contoso.example');
  assert.equal(request?.proof, 'certificate');
  assert.equal(request?.maxForwards, 12);
  assert.equal(request?.branch, 'z9hG4bKabc');
  assert.equal(Buffer.from(request?.message.body ?? []).toString(), 'hello');
  assert.deepEqual(world.seen, [THEIRS]);
});

const REFUSALS: readonly [string, string, number, RegExp?][] = [
  ['no hops left', ask('MESSAGE', { 'Max-Forwards': '0' }), 483],
  ['an extension we do not have', ask('MESSAGE', { Require: 'nothingSupportsThis, foo' }), 420],
  ['an extension asked of proxies', ask('SUBSCRIBE', { 'Proxy-Require': 'noProxies' }), 420],
  ['INVITE', ask('INVITE'), 405],
  ['SERVICE', ask('SERVICE'), 405],
  ['NEGOTIATE', ask('NEGOTIATE', { uri: 'sip:edge.contoso.example:5061' }), 405],
  ['BENOTIFY', ask('BENOTIFY'), 405],
  ['REGISTER', ask('REGISTER'), 405],
  ['PUBLISH', ask('PUBLISH'), 405],
  ['an unknown method', ask("!interesting-Method0123456789_*+`.%indeed'~"), 405],
  ['CANCEL of nothing', ask('CANCEL'), 481],
  ['a foreign scheme', ask('MESSAGE', { uri: 'nobodyKnowsThisScheme:totallyopaque' }), 416],
  ['another version', ask('MESSAGE').replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), 505],
  ['CSeq of another method', ask('MESSAGE', { CSeq: '1 NOTIFY' }), 400],
  ['a From of a domain that was not proven', ask('MESSAGE', { From: '<sip:eve@woodgrove.example>;tag=1' }), 403, /AUTH_DOMAIN_NOT_PROVEN/],
  ['a From of ours from outside', ask('MESSAGE', { From: '<sip:li@contoso.example>;tag=1' }), 403, /AUTH_LOCAL_DOMAIN_OUTSIDE/],
  ['a Request-URI that is not ours', ask('MESSAGE', { uri: 'sip:x@woodgrove.example' }), 404, /ROUTE_UNKNOWN_DOMAIN/],
  ['OPTIONS for somebody else', ask('OPTIONS', { uri: 'sip:woodgrove.example' }), 404],
  ['our own host outside a dialog', ask('MESSAGE', { uri: 'sip:li@edge.contoso.example' }), 404],
  ['a dialog nobody knows', ask('MESSAGE', { To: '<sip:li@contoso.example>;tag=old' }), 481],
  ['NOTIFY without a dialog', ask('NOTIFY'), 481],
  [
    'a request that has been here',
    ask('MESSAGE', { Via: ['SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKl1', 'SIP/2.0/TLS edge.contoso.example;branch=z9hG4bKl2'] }),
    482,
    /ROUTE_LOOP/,
  ],
];
test('what does not reach a handler, and why', async (t) => {
  await using world = await ExchangeWorld.open();
  let handled = 0;
  for (const method of ['MESSAGE', 'SUBSCRIBE', 'NOTIFY'] as const) {
    world.shore.handle(method, async () => {
      handled += 1;
      return { status: 200 };
    });
  }
  const peer = await world.arrive();
  for (const [what, text, expected, warning] of REFUSALS) {
    await t.test(`${what}: ${expected}`, async () => {
      peer.send(text);
      const answer = await peer.next();
      assert.equal(status(answer), expected);
      if (warning !== undefined) assert.match(header(answer, 'Warning'), warning);
      if (expected === 405) assert.equal(header(answer, 'Allow'), 'MESSAGE, SUBSCRIBE, NOTIFY, OPTIONS');
      assert.ok(parameter(header(answer, 'To'), 'tag'));
    });
  }
  assert.equal(handled, 0);
  assert.equal(world.connects, 0, 'nothing was forwarded anywhere');
});

test('420 names what is not supported, and ms-benotify is no reason for it', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('SUBSCRIBE', async () => ({ status: 200 }));
  const peer = await world.arrive();
  peer.send(ask('SUBSCRIBE', { Require: 'a, b' }));
  assert.equal(header(await peer.next(), 'Unsupported'), 'a, b');
  peer.send(ask('SUBSCRIBE', { 'Proxy-Require': 'ms-benotify' }));
  assert.equal(status(await peer.next()), 200);
});

test('Route headers and maddr of others are not followed: the request ends here', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const peer = await world.arrive();
  peer.send(ask('MESSAGE', { uri: 'sip:li@contoso.example;maddr=192.0.2.66', Route: '<sip:evil.example;lr>' }));
  assert.equal(status(await peer.next()), 200);
  assert.equal(world.connects, 0);
});

test('an inside server sends for our own domains and for nobody else', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async (request) => ({ status: 200, phrase: `${request.side} ${request.toDomain}` }));
  const peer = await world.arrive('inside', { proves: ['contoso.example'] });
  peer.send(ask('MESSAGE', { uri: 'sip:nora@fabrikam.example', From: '<sip:li@contoso.example>;tag=1' }));
  assert.equal((await peer.next()).start, 'SIP/2.0 200 inside fabrikam.example');
  peer.send(ask('MESSAGE', { uri: 'sip:li@contoso.example' }));
  const refused = await peer.next();
  assert.equal(status(refused), 403);
  assert.match(header(refused, 'Warning'), /AUTH_NOT_AN_INSIDE_SERVER/);
  const stranger = await world.arrive('inside', { proves: [] });
  stranger.send(ask('MESSAGE', { uri: 'sip:nora@fabrikam.example', From: '<sip:li@contoso.example>;tag=1' }));
  assert.equal(status(await stranger.next()), 403);
});

test('pipelined requests are handled in the order in which they came, also while the identity is being looked up', async () => {
  await using world = await ExchangeWorld.open();
  const order: string[] = [];
  world.shore.handle('MESSAGE', async (request) => {
    order.push(request.callId);
    return { status: 200 };
  });
  let found = () => {};
  const slowly = new Promise<void>((resolve) => {
    found = resolve;
  });
  const peer = await world.arrive('edge', { slowly });
  const ids = Array.from({ length: 200 }, (_, index) => `p-${index}`);
  peer.send(ids.map((id) => ask('MESSAGE', { 'Call-ID': id })).join(''));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(order, []);
  found();
  for (const id of ids) assert.equal(header(await peer.next(), 'Call-ID'), id);
  assert.deepEqual(order, ids);
});

test('a request cut anywhere is the same request', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async (request) => ({ status: 200, phrase: Buffer.from(request.message.body).toString() }));
  const peer = await world.arrive();
  for (const at of [1, 40, 150, 260, 330]) {
    const text = ask('MESSAGE', {}, `cut at ${at}`);
    peer.send(text.slice(0, at));
    await new Promise((resolve) => setTimeout(resolve, 3));
    peer.send(text.slice(at));
    assert.equal((await peer.next()).start, `SIP/2.0 200 cut at ${at}`);
  }
});

test('the same request again while we work is absorbed; a slow answer after 32 s is not sent', async () => {
  await using world = await ExchangeWorld.open();
  const answers: (() => void)[] = [];
  world.shore.handle('MESSAGE', () => new Promise((resolve) => answers.push(() => resolve({ status: 200 }))));
  const peer = await world.arrive();
  const text = ask('MESSAGE');
  peer.send(text + text);
  peer.send(ask('OPTIONS'));
  assert.equal(header(await peer.next(), 'CSeq'), '1 OPTIONS');
  assert.equal(answers.length, 1);
  answers[0]!();
  assert.equal(header(await peer.next(), 'CSeq'), '1 MESSAGE');

  peer.send(ask('MESSAGE'));
  peer.send(ask('OPTIONS'));
  await peer.next();
  await world.clock.pass(33_000, 3_000);
  answers[1]!();
  peer.send(ask('OPTIONS', { 'Call-ID': 'after' }));
  assert.equal(header(await peer.next(), 'Call-ID'), 'after');
  assert.equal(peer.messages.waiting.length, 0);
});

test('INVITE is refused, asked again refused again, and its ACK is swallowed', async () => {
  await using world = await ExchangeWorld.open();
  const peer = await world.arrive();
  const via = 'SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKinv';
  const invite = ask('INVITE', { Via: via, 'Call-ID': 'inv' });
  peer.send(invite);
  const refused = await peer.next();
  assert.equal(status(refused), 405);
  peer.send(invite);
  assert.deepEqual(await peer.next(), refused);
  peer.send(ask('ACK', { Via: via, 'Call-ID': 'inv', To: header(refused, 'To') }));
  peer.send(ask('OPTIONS'));
  assert.equal(header(await peer.next(), 'CSeq'), '1 OPTIONS');
});

test('the same SUBSCRIBE over two branches at once is answered 482 on the second', async () => {
  await using world = await ExchangeWorld.open();
  let finish = () => {};
  world.shore.handle(
    'SUBSCRIBE',
    () =>
      new Promise((resolve) => {
        finish = () => resolve({ status: 200 });
      }),
  );
  const peer = await world.arrive();
  const lines = { 'Call-ID': 'merged' };
  peer.send(ask('SUBSCRIBE', lines) + ask('SUBSCRIBE', lines));
  assert.equal(status(await peer.next()), 482);
  finish();
  assert.equal(status(await peer.next()), 200);
});

test('what we sent ourselves is not taken when it comes back, whatever became of its Via', async () => {
  await using world = await ExchangeWorld.open();
  world.table = table([ownDomain('contoso.example', 'sip')], [partner(THEIRS)]);
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const far = await world.farServer();
  const sent = world.shore.request(world.insideHop(far.at), outgoing('loop-1'));
  const server = await far.next();
  const request = await server.next();
  const inside = await world.arrive('inside');
  inside.send(
    ask('MESSAGE', {
      uri: 'sip:nora@fabrikam.example',
      From: header(request, 'From'),
      To: header(request, 'To'),
      'Call-ID': 'loop-1',
      CSeq: header(request, 'CSeq'),
    }),
  );
  assert.equal(status(await inside.next()), 482);
  server.answer(request, '200 OK');
  assert.equal((await sent).kind, 'response');
});

test('a handler that fails is a defect of ours: 500, and the connection lives', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => {
    throw new Error('a mistake');
  });
  const peer = await world.arrive();
  peer.send(ask('MESSAGE'));
  assert.equal(status(await peer.next()), 500);
  peer.send(ask('OPTIONS'));
  assert.equal(status(await peer.next()), 200);
});

test('requests inside a dialog reach the one who registered it, to our Contact host too', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('NOTIFY', async () => ({ status: 500 }));
  const release = world.shore.dialogs.register('d1', 'ours', async (request) => ({ status: 200, phrase: `dialog ${request.toTag}` }));
  const peer = await world.arrive();
  const lines = { uri: 'sip:edge.contoso.example;transport=tls', To: '<sip:li@contoso.example>;tag=ours', 'Call-ID': 'd1' };
  peer.send(ask('NOTIFY', lines));
  assert.equal((await peer.next()).start, 'SIP/2.0 200 dialog ours');
  const other = await world.arrive('edge', { proves: ['woodgrove.example'] });
  other.send(ask('NOTIFY', lines));
  assert.equal(status(await other.next()), 403, 'not from somebody else');
  release();
  peer.send(ask('NOTIFY', lines));
  assert.equal(status(await peer.next()), 481);
});

test('a response to nothing we asked is dropped, and nothing is sent by its Via', async () => {
  await using world = await ExchangeWorld.open();
  const peer = await world.arrive();
  peer.send(
    printSip('SIP/2.0 200 OK', [
      'Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23',
      'From: <sip:a@fabrikam.example>;tag=1',
      'To: <sip:b@contoso.example>;tag=2',
      'Call-ID: stray',
      'CSeq: 1 MESSAGE',
    ]),
  );
  peer.send(ask('OPTIONS'));
  assert.equal(header(await peer.next(), 'CSeq'), '1 OPTIONS');
  assert.equal(world.connects, 0);
});

test('what cannot be framed is answered when it can be, and the connection is closed', async () => {
  await using world = await ExchangeWorld.open();
  const peer = await world.arrive();
  peer.send(ask('MESSAGE').replace('Content-Length: 0', 'Content-Length: -1'));
  assert.equal(status(await peer.next()), 400);
  await peer.closed;
  assert.equal(world.shore.sessions().length, 0);
});

test('more open requests than allowed are put off with 500 and Retry-After, never 503', async () => {
  await using world = await ExchangeWorld.open({ connection: { maxOpenRequests: 2 } });
  world.shore.handle('MESSAGE', () => new Promise(() => {}));
  const peer = await world.arrive();
  peer.send(ask('MESSAGE') + ask('MESSAGE') + ask('MESSAGE'));
  const answer = await peer.next();
  assert.equal(status(answer), 500);
  assert.equal(header(answer, 'Retry-After'), '5');
});

test('torture messages of RFC 4475 and RFC 5118 over a connection: a right answer or none, and OPTIONS is answered afterwards', async (t) => {
  await using world = await ExchangeWorld.open();
  for (const method of ['MESSAGE', 'SUBSCRIBE', 'NOTIFY'] as const) {
    world.shore.handle(method, async (request) =>
      request.message.headers.get('content-type')?.startsWith('application/unknown')
        ? { status: 415, headers: [['Accept', 'text/plain']] }
        : { status: 200 },
    );
  }
  for (const each of [...RFC4475, ...RFC5118]) {
    await t.test(`§${each.section} ${each.name}: ${each.fact}`, async () => {
      const peer = await world.arrive('edge', { proves: [THEIRS, 'contoso.example'] });
      peer.send(each.bytes);
      const probe = ask('OPTIONS', { 'Call-ID': `probe-${each.name}` });
      const waits = each.codec === 'wait';
      const closes = new SipFramer().push(each.bytes).some((frame) => frame.kind === 'refused' || (frame.kind === 'message' && frame.last));
      if (!waits && !closes) peer.send(probe);
      else if (waits) await world.clock.pass(80_000, 5_000);
      const probed = (message: Parameters<typeof header>[0]) => header(message, 'Call-ID') === `probe-${each.name}`;
      if (waits || closes) await peer.closed;
      else assert.equal(status(await peer.next(probed)), 200, 'OPTIONS afterwards');
      const answers = peer.messages.waiting.filter((message) => !probed(message)).map(status);
      const fits = (code: number) =>
        each.expect.some((expected) => expected === code || (expected === 'ok' && code !== 400 && code !== 500));
      assert.ok(answers.every(fits), `answered ${answers.join(', ')}, expected ${each.expect.join(' or ')}`);
      const silence = each.expect.includes('drop') || each.expect.includes('wait');
      if (!silence) assert.ok(answers.length > 0, `no answer, expected ${each.expect.join(' or ')}`);
    });
  }
});
