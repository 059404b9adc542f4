import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Endpoint } from '../../../src/model/presence.ts';
import { event, li, nora, type Outgoing, PresenceWorld } from './presence-world.ts';

const header = (reply: { readonly headers?: readonly (readonly [string, string])[] }, name: string): string | undefined =>
  reply.headers?.find(([each]) => each === name)?.[1];
const end = (id: string, availability: Endpoint['availability'] = 'open'): Endpoint => ({ id, availability, notes: [], at: 1 });
const shown = (endpoints: readonly Endpoint[], to = nora) =>
  event(li, to, { kind: 'presence.notified', scope: 'full', document: { endpoints } });
const granted = event(li, nora, { kind: 'presence.granted' });
const denied = event(li, nora, { kind: 'presence.denied' });

function said(notify: Outgoing): string {
  assert.equal(notify.method, 'NOTIFY');
  const tuples = [...notify.body.matchAll(/<tuple id="ID-([^"]*)"><status><basic>(\w+)/g)].map(([, id, basic]) => `${id}:${basic}`);
  const state = (notify.header('Subscription-State') ?? '').replace(/expires=\d+/, 'expires=N');
  return `${state} ${notify.body === '' ? 'empty' : tuples.join(' ')}`;
}

/** A watcher whose subscription is accepted; the neck says nothing yet. */
async function subscribed(headers: Readonly<Record<string, string>> = {}): Promise<{ world: PresenceWorld; tag: string }> {
  const world = new PresenceWorld();
  const reply = await world.receive('SUBSCRIBE', headers);
  assert.equal(reply.status, 200);
  return { world, tag: reply.toTag ?? '' };
}
async function active(): Promise<{ world: PresenceWorld; tag: string }> {
  const { world, tag } = await subscribed();
  await world.last.answer(200);
  await world.deliver(granted);
  await world.last.answer(200);
  world.news();
  return { world, tag };
}
const inside = (tag: string, cseq: number, headers: Readonly<Record<string, string>> = {}) => ({
  To: `<sip:li@contoso.example>;tag=${tag}`,
  CSeq: `${cseq} SUBSCRIBE`,
  ...headers,
});

test('SUBSCRIBE: 200 with Expires and Contact, the neck is asked, an immediate NOTIFY says pending and nothing else', async () => {
  const { world } = await subscribed();
  assert.deepEqual(world.news(), ['requested']);
  assert.equal(world.out.length, 1);
  assert.equal(said(world.last), 'pending;expires=N empty');
  assert.equal(world.last.uri, 'sip:nora@pc.fabrikam.example');
  assert.equal(world.last.header('Event'), 'presence');
  assert.equal(world.last.header('To'), '<sip:nora@fabrikam.example>;tag=n0ra');
  assert.deepEqual(
    [world.last.hop.side, world.last.hop.ourDomain, world.last.hop.theirDomain],
    ['edge', 'contoso.example', 'fabrikam.example'],
  );
});

test('the reply says what is granted', async () => {
  const world = new PresenceWorld();
  const reply = await world.receive('SUBSCRIBE', { Expires: '9999' });
  assert.equal(header(reply, 'Expires'), '7200');
  assert.equal(header(reply, 'Contact'), '<sip:li@edge.contoso.example;transport=tls>');
});

test('a Lync partner may ask for eight hours and not for one minute', async () => {
  const world = new PresenceWorld();
  world.dialect = 'lync';
  world.start();
  assert.equal(header(await world.receive('SUBSCRIBE', { Expires: '28800' }), 'Expires'), '28800');
  assert.equal(header(await world.receive('SUBSCRIBE', { Expires: '60', 'Call-ID': 'other' }), 'Min-Expires'), '300');
});

const REFUSED: readonly (readonly [
  title: string,
  headers: Readonly<Record<string, string>>,
  status: number,
  name: string,
  value: string,
])[] = [
  ['another event package', { Event: 'dialog' }, 489, 'Allow-Events', 'presence'],
  ['winfo', { Event: 'presence.winfo' }, 489, 'Allow-Events', 'presence'],
  ['no event', { Event: '' }, 489, 'Allow-Events', 'presence'],
  ['documents we do not write', { Accept: 'application/xpidf+xml' }, 406, 'Accept', 'application/pidf+xml'],
  ['too brief', { Expires: '30' }, 423, 'Min-Expires', '60'],
  ['Expires that is none', { Expires: 'soon' }, 400, 'Warning', '399 isthmus "Expires is no number of seconds"'],
  ['no Contact', { Contact: '' }, 400, 'Warning', '399 isthmus "Contact is missing or holds no SIP URI"'],
];
for (const [title, headers, status, name, value] of REFUSED) {
  test(`refused: ${title}`, async () => {
    const world = new PresenceWorld();
    const reply = await world.receive('SUBSCRIBE', headers);
    assert.equal(reply.status, status);
    assert.equal(header(reply, name), value);
    assert.deepEqual(world.news(), []);
    assert.deepEqual(world.presence.size, { notifiers: 0, subscribers: 0 });
  });
}

for (const accept of ['', 'application/pidf+xml', 'text/plain, application/pidf+xml;q=0.5', 'application/*', '*/*']) {
  test(`taken: Accept ${accept === '' ? 'absent' : accept}`, async () => {
    await subscribed({ Accept: accept });
  });
}

test('granted before: the first NOTIFY is active and carries the document', async () => {
  const world = new PresenceWorld();
  world.neck = async () => {
    await world.deliver(granted);
    await world.deliver(shown([end('pad')]));
    return { kind: 'handedOver' };
  };
  await world.receive('SUBSCRIBE', {});
  assert.equal(world.out.length, 1);
  assert.equal(said(world.last), 'active;expires=N pad:open');
});

test('denied before: 200, then terminated;rejected', async () => {
  const world = new PresenceWorld();
  world.neck = async () => {
    await world.deliver(denied);
    return { kind: 'handedOver' };
  };
  assert.equal((await world.receive('SUBSCRIBE', {})).status, 200);
  assert.equal(said(world.last), 'terminated;reason=rejected empty');
  await world.last.answer(200);
  assert.equal(world.presence.size.notifiers, 0);
  assert.deepEqual(world.news(), ['requested']);
});

test('granted while pending, then presence, then presence unavailable: once closed, then omitted', async () => {
  const { world } = await subscribed();
  await world.last.answer(200);
  await world.deliver(granted);
  assert.equal(said(world.last), 'active;expires=N empty');
  await world.last.answer(200);
  await world.deliver(shown([end('pad'), end('desk')]));
  assert.equal(said(world.last), 'active;expires=N pad:open desk:open');
  await world.last.answer(200);
  await world.deliver(shown([end('pad'), end('desk', 'closed')]));
  assert.equal(said(world.last), 'active;expires=N pad:open desk:closed');
});

test('a document is shown to nobody but its watcher', async () => {
  const { world } = await active();
  const before = world.out.length;
  await world.deliver(shown([end('pad')], { local: 'eve', domain: 'fabrikam.example' }));
  assert.equal(world.out.length, before);
});

test('one document, two dialogs of the same watcher: both are told', async () => {
  const { world } = await active();
  await world.receive('SUBSCRIBE', { 'Call-ID': 'call-2', From: '<sip:nora@fabrikam.example>;tag=second' });
  await world.last.answer(200);
  await world.deliver(granted);
  await world.last.answer(200);
  const before = world.out.length;
  await world.deliver(shown([end('pad')]));
  assert.deepEqual(
    world.out.slice(before).map((one) => one.header('Call-ID')),
    ['call-1', 'call-2'],
  );
});

test("a partner's watcher who is refused waits, byte for byte as one who waits for an answer", async () => {
  const replies: string[] = [];
  for (const code of [undefined, 'POLICY_BLOCKED', 'POLICY_PRESENCE_OFF', 'POLICY_FIRST_CONTACT', 'PEER_UNKNOWN_USER'] as const) {
    const world = new PresenceWorld();
    world.neck = () => (code === undefined ? { kind: 'queued', answer: 202 } : { kind: 'refused', reason: reason(code, 'no') });
    const reply = await world.receive('SUBSCRIBE', {});
    const refresh = await world.receive('SUBSCRIBE', inside(reply.toTag ?? '', 2));
    replies.push(JSON.stringify([reply, refresh, world.out.map((one) => [one.uri, said(one)])]));
  }
  assert.equal(new Set(replies).size, 1, replies.join('\n'));
});

test('our own user who is refused is told why', async () => {
  const world = new PresenceWorld();
  world.side = 'inside';
  world.neck = () => ({ kind: 'refused', reason: reason('POLICY_PRESENCE_OFF', 'weSee is false') });
  const reply = await world.receive('SUBSCRIBE', {});
  assert.equal(reply.status, 403);
  assert.match(header(reply, 'Warning') ?? '', /POLICY_PRESENCE_OFF/);
  assert.equal(world.presence.size.notifiers, 0);
  assert.equal(world.out.length, 0);
});

test('too many requests is no secret: a partner is told to come later', async () => {
  const world = new PresenceWorld();
  world.neck = () => ({ kind: 'refused', reason: reason('LIMIT_PENDING', 'too many', { retry: 300_000 }) });
  const reply = await world.receive('SUBSCRIBE', {});
  assert.equal(reply.status, 486);
  assert.equal(header(reply, 'Retry-After'), '300');
});

test('a neck that thinks for longer than four seconds: 200 and pending meanwhile', async () => {
  const world = new PresenceWorld();
  let decide = (): void => {};
  world.neck = () => new Promise((resolve) => (decide = () => resolve({ kind: 'handedOver' })));
  assert.equal((await world.receive('SUBSCRIBE', {})).status, 200);
  assert.equal(said(world.last), 'pending;expires=N empty');
  await world.last.answer(200);
  decide();
  await world.pass(10);
  await world.deliver(granted);
  assert.equal(said(world.last), 'active;expires=N empty');
});

test('every SUBSCRIBE in the dialog is answered and followed by the full state', async () => {
  const { world, tag } = await active();
  await world.deliver(shown([end('pad')]));
  await world.last.answer(200);
  const reply = await world.receive('SUBSCRIBE', inside(tag, 2, { Expires: '600' }));
  assert.deepEqual([reply.status, header(reply, 'Expires')], [200, '600']);
  assert.equal(said(world.last), 'active;expires=N pad:open');
  assert.deepEqual(world.news(), ['watcherOnline']);
});

test('a refresh while pending asks the neck again: policy may have changed', async () => {
  const { world, tag } = await subscribed();
  await world.last.answer(200);
  world.news();
  await world.receive('SUBSCRIBE', inside(tag, 2));
  assert.deepEqual(world.news(), ['requested']);
  assert.equal(said(world.last), 'pending;expires=N empty');
});

const INSIDE: readonly (readonly [title: string, headers: Readonly<Record<string, string>>, status: number, domain?: string])[] = [
  ['an old CSeq', { CSeq: '1 SUBSCRIBE' }, 500],
  ['another From tag', { From: '<sip:nora@fabrikam.example>;tag=other' }, 481],
  ['another event id', { Event: 'presence;id=7' }, 481],
  ['another package', { Event: 'dialog' }, 489],
  ['too brief', { Expires: '5' }, 423],
  ['another domain that knows the tags', { From: '<sip:nora@evil.example>;tag=n0ra' }, 481],
  ['a Call-ID nobody has', { 'Call-ID': 'none' }, 481],
];
for (const [title, headers, status] of INSIDE) {
  test(`inside the dialog: ${title} is ${status}`, async () => {
    const { world, tag } = await active();
    const before = world.out.length;
    assert.equal((await world.receive('SUBSCRIBE', inside(tag, 2, headers))).status, status);
    assert.equal(world.out.length, before);
  });
}

test('the event id comes back in every NOTIFY', async () => {
  const { world } = await subscribed({ Event: 'presence;id=42' });
  assert.equal(world.last.header('Event'), 'presence;id=42');
});

test('Expires 0 in the dialog: 200, terminated;timeout with everything closed, the watcher is gone', async () => {
  const { world, tag } = await active();
  await world.deliver(shown([end('pad')]));
  await world.last.answer(200);
  const reply = await world.receive('SUBSCRIBE', inside(tag, 2, { Expires: '0' }));
  assert.deepEqual([reply.status, header(reply, 'Expires')], [200, '0']);
  assert.equal(said(world.last), 'terminated;reason=timeout pad:closed');
  assert.deepEqual(world.news(), ['watcherOffline']);
  await world.last.answer(200);
  assert.equal(world.presence.size.notifiers, 0);
  assert.equal(world.store.rows.size, 0);
});

test('of two dialogs of a watcher the end of one is not the end of the watcher', async () => {
  const { world, tag } = await active();
  await world.receive('SUBSCRIBE', { 'Call-ID': 'call-2', From: '<sip:nora@fabrikam.example>;tag=second' });
  await world.last.answer(200);
  world.news();
  await world.receive('SUBSCRIBE', inside(tag, 2, { Expires: '0' }));
  assert.deepEqual(world.news(), []);
});

test('a dialog nobody refreshes lapses 30 s after its time, in good order', async () => {
  const { world } = await active();
  await world.pass(3_629_000);
  assert.deepEqual(world.news(), []);
  await world.pass(1000);
  assert.equal(said(world.last), 'terminated;reason=timeout empty');
  assert.deepEqual(world.news(), ['watcherOffline']);
});

test('a wall clock that jumps by a year ends nothing', async () => {
  const { world } = await active();
  const before = world.out.length;
  const wall = world.clock.now();
  world.clock.now = () => wall + 365 * 86_400_000;
  await world.pass(3_000_000);
  assert.equal(world.out.length, before);
  assert.equal(world.presence.size.notifiers, 1);
});

test('a poll is answered from what is known, and leaves nothing behind', async () => {
  const world = new PresenceWorld();
  world.neck = async () => {
    await world.deliver(shown([end('pad')]));
    return { kind: 'handedOver' };
  };
  const reply = await world.receive('SUBSCRIBE', { Expires: '0' });
  assert.deepEqual([reply.status, header(reply, 'Expires')], [200, '0']);
  assert.deepEqual(world.news(), ['probed']);
  assert.equal(said(world.last), 'terminated;reason=timeout pad:open');
  await world.last.answer(200);
  assert.deepEqual(world.presence.size, { notifiers: 0, subscribers: 0 });
  assert.deepEqual(world.news(), []);
});

test('a poll waits five seconds for an answer, then says that nothing is known', async () => {
  const { world } = await subscribed({ Expires: '0' });
  assert.equal(world.out.length, 0);
  await world.pass(5000);
  assert.equal(said(world.last), 'terminated;reason=timeout empty');
});

test('a poll of somebody refused looks like one of a stranger, and takes no longer', async () => {
  const seen: string[] = [];
  for (const refusedByPolicy of [true, false]) {
    const world = new PresenceWorld();
    world.neck = async () => {
      if (refusedByPolicy) return { kind: 'refused', reason: reason('POLICY_BLOCKED', 'no') };
      await world.deliver(denied);
      return { kind: 'handedOver' };
    };
    const reply = await world.receive('SUBSCRIBE', { Expires: '0' });
    seen.push(JSON.stringify([reply, world.out.map(said)]));
  }
  assert.equal(seen[0], seen[1]);
});

test('who polls while a request waits learns nothing, and the request waits on', async () => {
  const { world } = await subscribed();
  await world.last.answer(200);
  world.neck = async () => {
    await world.deliver({ ...denied, origin: { ...denied.origin, side: 'local' } });
    return { kind: 'handedOver' };
  };
  await world.receive('SUBSCRIBE', { Expires: '0', 'Call-ID': 'a-poll', From: '<sip:nora@fabrikam.example>;tag=p0ll' });
  assert.deepEqual(world.out.slice(1).map(said), ['terminated;reason=timeout empty']);
  await world.last.answer(200);
  assert.equal(world.presence.size.notifiers, 1);
  await world.deliver(denied);
  assert.equal(said(world.last), 'terminated;reason=rejected empty');
});

test('NOTIFY answered 481: the dialog is gone and the watcher with it', async () => {
  const { world } = await active();
  await world.deliver(shown([end('pad')]));
  await world.last.answer(481);
  assert.deepEqual(world.news(), ['watcherOffline']);
  assert.deepEqual([world.presence.size.notifiers, world.store.rows.size], [0, 0]);
});

test('NOTIFY without an answer: the same', async () => {
  const { world } = await active();
  await world.deliver(shown([end('pad')]));
  await world.last.lose();
  assert.equal(world.presence.size.notifiers, 0);
});

test('while a NOTIFY is out nothing else is sent; then the latest', async () => {
  const { world } = await active();
  const before = world.out.length;
  await world.deliver(shown([end('a')]));
  await world.deliver(shown([end('b')]));
  await world.deliver(shown([end('c')]));
  assert.equal(world.out.length, before + 1);
  await world.last.answer(200);
  assert.equal(said(world.last), 'active;expires=N c:open');
  await world.last.answer(200);
  assert.equal(world.out.length, before + 2);
});

test('far server unreachable: terminated;probation with a time', async () => {
  const { world } = await subscribed();
  await world.last.answer(200);
  await world.deliver(event(li, nora, { kind: 'presence.ended', by: 'presentity', reason: 'probation', retry: { afterMs: 300_000 } }));
  assert.equal(said(world.last), 'terminated;reason=probation;retry-after=300 empty');
});

test('news for a watcher without a dialog is delivered: there is nobody to tell', async () => {
  const world = new PresenceWorld();
  assert.equal((await world.deliver(granted)).kind, 'delivered');
  assert.equal((await world.deliver(shown([end('pad')]))).kind, 'handedOver');
  assert.equal(world.out.length, 0);
});

test('after a restart the dialog lives on: nothing is said by itself, the neck is told, CSeq does not come twice', async () => {
  const { world, tag } = await active();
  const used = Number.parseInt(world.last.header('CSeq') ?? '', 10);
  world.start();
  assert.deepEqual(await world.presence.restore(), { notifiers: 1, subscribers: 0 });
  await world.pass(10_000);
  assert.deepEqual(world.news(), ['watcherOnline']);
  assert.equal(world.out.length, 0);
  await world.deliver(shown([end('pad')]));
  assert.equal(said(world.last), 'active;expires=N pad:open');
  assert.ok(Number.parseInt(world.last.header('CSeq') ?? '', 10) > used + 1);
  await world.last.answer(200);
  assert.equal((await world.receive('SUBSCRIBE', inside(tag, 2))).status, 200);
});

test('a dialog restored while pending stays pending and asks at its refresh', async () => {
  const { world, tag } = await subscribed();
  await world.last.answer(200);
  world.start();
  await world.presence.restore();
  await world.pass(10_000);
  assert.deepEqual(world.news(), []);
  await world.receive('SUBSCRIBE', inside(tag, 2));
  assert.deepEqual(world.news(), ['requested']);
});

test('a damaged row is dropped, the others are taken up', async () => {
  const { world } = await active();
  for (const [id, data] of [
    ['x', '{'],
    ['y', '{}'],
    ['z', '{"dialog":{"callId":"a"},"phase":"active","expiresS":1}'],
  ] as const) {
    await world.store.put({ id, role: 'notifier', watcher: 'a@b', presentity: 'c@d', data, expiresAt: 0 });
  }
  world.start();
  assert.equal((await world.presence.restore()).notifiers, 1);
  assert.equal(world.store.rows.size, 1);
});

test('one pair may have 32 dialogs, not more', async () => {
  const world = new PresenceWorld();
  const statuses = new Set<number>();
  for (let n = 0; n < 33; n++) {
    const reply = await world.receive('SUBSCRIBE', { 'Call-ID': `call-${n}` });
    if (n === 31) assert.equal(reply.status, 200);
    statuses.add(reply.status);
  }
  assert.deepEqual([...statuses], [200, 500]);
});
