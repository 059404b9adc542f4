import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, headers, parameter, status } from '../../../support/sip-message.ts';
import { basicOf, pidf, type SipUa } from '../../../support/sip-ua.ts';
import { DOMAIN, FaceWorld, li, nora, omar } from './face-world.ts';
import { Hand } from './hand.ts';

const NORA = `nora@${DOMAIN}`;
const OMAR = `omar@${DOMAIN}`;

/** Both see each other. */
async function friends(world: FaceWorld): Promise<readonly [SipUa, SipUa]> {
  world.core.subscription(nora, 'subscribe', omar);
  world.core.subscription(omar, 'subscribed', nora);
  world.core.subscription(omar, 'subscribe', nora);
  world.core.subscription(nora, 'subscribed', omar);
  return [await world.signIn('nora'), await world.signIn('omar')];
}

test('a watcher waits until the other adds them too; then both see each other', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const two = await world.signIn('omar');
  assert.equal((await one.subscribe(OMAR)).status, 200);
  assert.equal((await one.notice(OMAR)).state, 'pending');
  const asked = await two.messageFrom(NORA);
  assert.match(asked.body, /^nora@people\.example asks to see when you are here\. To allow it, add/);
  assert.equal((await two.subscribe(NORA)).status, 200);
  const granted = await one.notice(OMAR, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
  assert.match(header(granted.message, 'event'), /^presence$/);
  // nora watches omar on this client already, so she lets him in.
  await two.notice(NORA, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
  one.close();
  two.close();
});

test('what is published is seen, and so is what follows it', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  await one.subscribe(OMAR);
  await one.notice(OMAR, (notice) => basicOf(notice.body) === 'open');
  await two.publish('open', { activity: 'meeting', note: 'until four' });
  const seen = await one.notice(OMAR, (notice) => notice.body.includes('until four'));
  assert.match(seen.body, /<r:meeting\/>/);
  await two.publish('open');
  await one.notice(OMAR, (notice) => basicOf(notice.body) === 'open' && !notice.body.includes('until four'));
  two.close();
  await one.notice(OMAR, (notice) => basicOf(notice.body) === 'closed');
  one.close();
});

test('the dialog: refreshed, ended, and known to its own client only', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  const { watch } = await one.subscribe(OMAR, 300);
  await one.notice(OMAR, (notice) => notice.state === 'active');
  assert.equal(header(await one.resubscribe(watch, 600), 'expires'), '600');
  await one.notice(OMAR, (notice) => notice.state === 'active');
  const stolen = { ...watch, cseq: 50 };
  assert.equal(status(await two.resubscribe(stolen, 0)), 481);
  assert.equal(status(await one.resubscribe(watch, 0)), 200);
  const last = await one.notice(OMAR, (notice) => notice.state === 'terminated');
  assert.equal(last.reason, 'timeout');
  assert.equal(status(await one.resubscribe(watch, 0)), 481);
  one.close();
  two.close();
});

test('a dialog that is not refreshed is over', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  await one.subscribe(OMAR, 60);
  await world.clock.pass(95_000, 5000);
  assert.equal((await one.notice(OMAR, (notice) => notice.state === 'terminated')).reason, 'timeout');
  one.close();
  two.close();
});

test('who may see no more is told so', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  await one.subscribe(OMAR);
  await one.notice(OMAR, (notice) => notice.state === 'active');
  world.core.subscription(omar, 'unsubscribed', nora);
  assert.equal((await one.notice(OMAR, (notice) => notice.state === 'terminated')).reason, 'rejected');
  one.close();
  two.close();
});

test('somebody elsewhere: pending until they grant it, and shown as the core shows them', async () => {
  await using world = await FaceWorld.open();
  const one = await world.signIn('nora');
  const far = { local: 'juliet', domain: 'xmpp.example' };
  assert.equal((await one.subscribe('juliet@xmpp.example')).status, 200);
  assert.equal((await one.notice('juliet@xmpp.example')).state, 'pending');
  await world.core.hand(nora, { kind: 'subscription', verb: 'subscribed', from: far });
  const document = { endpoints: [{ id: 'pad', availability: 'open', show: 'dnd', notes: [], at: 1 }] } as const;
  const presence = { availability: 'open', notes: [] } as const;
  const composed = { state: 'doNotDisturb', number: 9500, document };
  await world.core.hand(nora, { kind: 'presence', from: { ...far, resource: 'pad' }, presence, composed });
  const seen = await one.notice('juliet@xmpp.example', (notice) => notice.body.includes('<tuple id="ID-pad">'));
  assert.equal(seen.state, 'active');
  assert.match(seen.body, /<show xmlns="jabber:client">dnd<\/show>/);
  one.close();
});

test('refusals of SUBSCRIBE', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra');
  const own = [`Contact: ${hand.contact}`];
  const ask = async (to: string, lines: readonly string[]): Promise<readonly [number, string]> => {
    const answer = await hand.ask('SUBSCRIBE', { to, lines: [...own, ...lines] });
    return [status(answer), `${header(answer, 'allow-events')}${header(answer, 'min-expires')}${header(answer, 'accept')}`];
  };
  assert.deepEqual(await ask(OMAR, ['Event: dialog']), [489, 'presence, presence.winfo']);
  assert.deepEqual(await ask(OMAR, ['Event: presence', 'Expires: 5']), [423, '60']);
  assert.deepEqual(await ask(OMAR, ['Event: presence', 'Accept: text/plain']), [406, 'application/pidf+xml']);
  assert.deepEqual(await ask(OMAR, ['Event: presence.winfo']), [403, '']);
  assert.deepEqual(await ask(`nobody@${DOMAIN}`, ['Event: presence']), [404, '']);
  assert.deepEqual(await ask(OMAR, ['Event: presence', 'Expires: soon']), [400, '']);
  assert.equal(status(await hand.ask('SUBSCRIBE', { to: OMAR, lines: ['Event: presence'] })), 400, 'without a Contact');
  assert.equal(
    status(await hand.ask('SUBSCRIBE', { to: `<sip:${OMAR}>;tag=never`, uri: `sip:${OMAR}`, lines: [...own, 'Event: presence'] })),
    481,
  );
});

test('a poll is one answer and the end', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  await one.subscribe(OMAR, 0);
  const seen = await one.notice(OMAR);
  assert.deepEqual([seen.state, seen.reason, basicOf(seen.body)], ['terminated', 'timeout', 'open']);
  // Who may see nothing learns nothing.
  await one.subscribe(`li@${DOMAIN}`, 0);
  const nothing = await one.notice(`li@${DOMAIN}`);
  assert.deepEqual([nothing.state, nothing.body], ['terminated', '']);
  one.close();
  two.close();
});

test('winfo: who watches, and who would like to', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  one.close();
  await world.until('her to be gone', () => world.core.open_.length === 1);
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra');
  const lines = [`Contact: ${hand.contact}`, 'Event: presence.winfo', 'Expires: 600'];
  assert.equal(status(await hand.ask('SUBSCRIBE', { lines })), 200);
  const next = async (): Promise<string> => {
    const notify = await hand.peer.next((message) => message.start.startsWith('NOTIFY'));
    hand.peer.answer(notify, '200 OK');
    assert.equal(header(notify, 'event'), 'presence.winfo');
    assert.equal(header(notify, 'content-type'), 'application/watcherinfo+xml');
    const watchers = [...notify.body.matchAll(/status="(\w+)" event="(\w+)">([^<]*)</g)].map(
      ([, state, why, who]) => `${who} ${state} ${why}`,
    );
    return `${/version="(\d+)"/.exec(notify.body)?.[1]}: ${watchers.join(', ')}`;
  };
  assert.equal(await next(), `0: sip:${OMAR} active approved`);
  world.core.subscription(li, 'subscribe', nora);
  assert.equal(await next(), `1: sip:${OMAR} active approved, sip:li@${DOMAIN} pending subscribe`);
  two.close();
});

test('a contact list: the presence of all in one subscription', async () => {
  await using world = await FaceWorld.open();
  const [one, two] = await friends(world);
  one.close();
  world.core.subscription(nora, 'subscribe', li);
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra');
  const accept = 'Accept: application/pidf+xml, application/rlmi+xml, multipart/related';
  const lines = [`Contact: ${hand.contact}`, 'Event: presence', 'Expires: 600', 'Supported: eventlist', accept];
  const answer = await hand.ask('SUBSCRIBE', { lines });
  assert.deepEqual([status(answer), header(answer, 'require')], [200, 'eventlist']);
  const first = await hand.peer.next((message) => message.start.startsWith('NOTIFY'));
  hand.peer.answer(first, '200 OK');
  assert.deepEqual(headers(first, 'require'), ['eventlist']);
  assert.match(header(first, 'content-type'), /^multipart\/related;type="application\/rlmi\+xml"/);
  assert.match(first.body, /version="0" fullState="true"/);
  await two.publish('open', { note: 'here I am' });
  const second = await hand.peer.next((message) => message.body.includes('here I am'));
  const boundary = parameter(header(second, 'content-type'), 'boundary') ?? '';
  const parts = second.body.split(`--${boundary}`);
  assert.equal(parts.length, 4, 'before, the list, one document, the end');
  const cid =
    /<resource uri="sip:omar@people\.example"><instance id="1" state="active" cid="([^"]+)"\/>/.exec(parts[1] ?? '')?.[1] ?? 'none';
  assert.match(parts[1] ?? '', /<resource uri="sip:li@people\.example"><instance id="1" state="pending"\/>/);
  assert.ok(parts[2]?.includes(`Content-ID: <${cid}>`));
  assert.match(parts[2] ?? '', /entity="pres:omar@people\.example"/);
  two.close();
});

test('PUBLISH: tags, conditions and what cannot be published', async () => {
  await using world = await FaceWorld.open();
  const hand = new Hand(await world.raw(), 'nora');
  await hand.register('n0ra');
  const type = 'Content-Type: application/pidf+xml';
  const publish = async (lines: readonly string[], body = '', to = NORA): Promise<readonly [number, string]> => {
    const answer = await hand.ask('PUBLISH', { to, lines: ['Event: presence', ...lines], body });
    return [status(answer), header(answer, 'sip-etag')];
  };
  const shown = (): string => `${world.core.open_[0]?.presence?.availability} ${world.core.open_[0]?.presence?.notes[0]?.text ?? ''}`;
  assert.equal(shown(), 'open ');
  const [made, tag] = await publish([type], pidf(NORA, 'open', { note: 'first' }));
  assert.deepEqual([made, shown()], [200, 'open first']);
  const [kept, tag2] = await publish([`SIP-If-Match: ${tag}`]);
  assert.deepEqual([kept, shown(), tag2 !== tag], [200, 'open first', true]);
  assert.deepEqual(await publish([`SIP-If-Match: ${tag}`]), [412, '']);
  const [changed, tag3] = await publish([`SIP-If-Match: ${tag2}`, type], pidf(NORA, 'closed', { note: 'hidden' }));
  assert.deepEqual([changed, shown()], [200, 'closed hidden']);
  assert.equal((await publish([`SIP-If-Match: ${tag3}`, 'Expires: 0']))[0], 200);
  assert.equal(shown(), 'open ');
  assert.equal((await publish([type, 'Expires: 60'], pidf(NORA, 'open', { note: 'for a minute' })))[0], 200);
  assert.equal(shown(), 'open for a minute');
  await world.clock.pass(61_000, 10_000);
  assert.equal(shown(), 'open ', 'its time is over');
  assert.deepEqual(await publish([]), [400, '']);
  assert.deepEqual(await publish([type], '<presence'), [400, '']);
  assert.deepEqual(await publish(['Content-Type: text/plain'], 'x'), [415, '']);
  assert.deepEqual(await publish([type, 'Expires: 5'], pidf(NORA, 'open')), [423, '']);
  assert.deepEqual(await publish([type], pidf(NORA, 'open'), OMAR), [403, '']);
  assert.equal(status(await hand.ask('PUBLISH', { to: NORA, lines: ['Event: dialog', type], body: pidf(NORA, 'open') })), 489);
});
