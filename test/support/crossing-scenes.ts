// The scenes that are the same whichever side is inside: messages both ways, and each side watching the other. `sip` and
// `other` are people at Kamailio, `xmpp` is at an XMPP server; between them stands Isthmus.

import assert from 'node:assert/strict';
import type { Kamailio } from './peers/kamailio.ts';
import { addressOf, header, status } from './sip-message.ts';
import { basicOf, type SipUa } from './sip-ua.ts';
import { until } from './wait.ts';
import type { World } from './world.ts';
import type { XmppUser } from './xmpp-user.ts';

export interface Cast {
  /** For the titles: which servers. */
  readonly label: string;
  readonly kamailio: Kamailio;
  readonly sip: SipUa;
  /** Somebody else at Kamailio, who refuses and is refused. */
  readonly other: SipUa;
  readonly xmpp: XmppUser;
}

export function messageScenes(world: World, cast: Cast): void {
  const { label, sip, xmpp } = cast;

  world.scene(`${label}: a SIP message reaches the XMPP user, and 200 says so`, async () => {
    const text = 'Grüße & <b>世界</b>\nzweite Zeile';
    assert.equal(status(await sip.message(xmpp.jid, text)), 200);
    const stanza = await xmpp.message(sip.aor);
    assert.equal(stanza.getChildText('body'), text);
    assert.equal(stanza.attrs.to?.split('/')[0], xmpp.jid);
  });

  world.scene(`${label}: an XMPP message reaches the SIP user`, async () => {
    const text = 'Antwort ✓ "quoted" & more';
    await xmpp.write(sip.aor, text);
    const message = await sip.messageFrom(xmpp.jid);
    assert.equal(message.body, text);
    assert.match(header(message, 'content-type'), /^text\/plain\s*;\s*charset=utf-8/i);
    assert.equal(addressOf(header(message, 'to')), sip.aor);
  });

  world.scene(`${label}: the answer in a thread stays in it`, async () => {
    const callId = crypto.randomUUID();
    assert.equal(status(await sip.message(xmpp.jid, 'question', [], { callId })), 200);
    const thread = (await xmpp.message(sip.aor)).getChildText('thread');
    assert.ok(thread, 'the stanza has a thread');
    await xmpp.write(sip.aor, 'answer', { thread });
    assert.equal(header(await sip.messageFrom(xmpp.jid), 'call-id'), callId);
  });

  world.scene(`${label}: ten messages each way arrive once each and in order`, async () => {
    const numbers = Array.from({ length: 10 }, (_, index) => String(index));
    const answers = numbers.map((number) => sip.message(xmpp.jid, number));
    for (const number of numbers) assert.equal((await xmpp.message(sip.aor)).getChildText('body'), number);
    // DESIGN 8: 200 when delivered within 4 s, and `queuedAnswer` (202) at once when another message is before it.
    for (const answer of await Promise.all(answers)) assert.ok([200, 202].includes(status(answer)), answer.start);
    for (const number of numbers) await xmpp.write(sip.aor, number);
    for (const number of numbers) assert.equal((await sip.messageFrom(xmpp.jid)).body, number);
    assert.deepEqual([xmpp.messages.waiting().length, sip.messages.waiting().length], [0, 0], 'no copies');
  });
}

export function xmppWatchesSip(world: World, cast: Cast): void {
  const { label, kamailio, sip, other, xmpp } = cast;
  const user = (ua: SipUa): string => ua.aor.split('@')[0] ?? '';

  world.scene(`${label}: an XMPP watcher sees nothing until the SIP user grants, then the present state`, async () => {
    await sip.publish('open', { note: 'at the desk' });
    await xmpp.presence('subscribe', sip.aor);
    await until('the watcher to be at Kamailio', () => kamailio.saw('SUBSCRIBE', xmpp.jid, sip.aor).length > 0);
    await crossed(cast);
    assert.deepEqual(seen(xmpp, sip.aor), [], 'nothing shown before the grant');
    await kamailio.decide(user(sip), xmpp.jid, 'allow');
    await xmpp.presenceOf(sip.aor, 'subscribed');
    const first = await xmpp.presenceOf(sip.aor, 'available');
    assert.equal(first.getChildText('status'), 'at the desk');
  });

  world.scene(`${label}: the XMPP watcher follows the SIP user's changes`, async () => {
    await sip.publish('open', { activity: 'busy' });
    await xmpp.presenceOf(sip.aor, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
    await sip.publish('closed');
    await xmpp.presenceOf(sip.aor, 'unavailable');
    await sip.publish('open');
    await xmpp.presenceOf(sip.aor, 'available', (stanza) => stanza.getChild('show') === undefined);
  });

  world.scene(`${label}: a SIP user who refuses is told as a refusal`, async () => {
    await kamailio.decide(user(other), xmpp.jid, 'block');
    await xmpp.presence('subscribe', other.aor);
    await xmpp.presenceOf(other.aor, 'unsubscribed');
  });

  world.scene(`${label}: an XMPP watcher who unsubscribes hears no more, and may come again`, async () => {
    const before = kamailio.saw('SUBSCRIBE', xmpp.jid, sip.aor).length;
    await xmpp.presence('unsubscribe', sip.aor);
    await until('the subscription to be ended at Kamailio', () =>
      kamailio
        .saw('SUBSCRIBE', xmpp.jid, sip.aor)
        .slice(before)
        .some((line) => line.includes('expires=0 ')),
    );
    await crossed(cast);
    xmpp.presences.clear();
    await sip.publish('open', { activity: 'away' });
    await crossed(cast);
    assert.deepEqual(
      seen(xmpp, sip.aor).filter((type) => type === 'available'),
      [],
    );
    await xmpp.presence('subscribe', sip.aor);
    await xmpp.presenceOf(sip.aor, 'available', (stanza) => stanza.getChildText('show') === 'away');
  });

  world.scene(`${label}: the SIP user takes the grant back, and is not asked again the same day`, async () => {
    xmpp.presences.clear();
    await kamailio.decide(user(sip), xmpp.jid, 'block');
    await xmpp.presenceOf(sip.aor, 'unsubscribed');
    xmpp.presences.clear();
    const before = kamailio.saw('SUBSCRIBE', xmpp.jid, sip.aor).length;
    await sip.publish('open', { activity: 'busy' });
    await xmpp.presence('subscribe', sip.aor);
    await xmpp.presenceOf(sip.aor, 'unsubscribed');
    await crossed(cast);
    assert.deepEqual(seen(xmpp, sip.aor), [], 'nothing shown after that');
    assert.equal(kamailio.saw('SUBSCRIBE', xmpp.jid, sip.aor).length, before);
  });
}

export function sipWatchesXmpp(world: World, cast: Cast): void {
  const { label, sip, other, xmpp } = cast;

  world.scene(`${label}: a SIP watcher is pending until the XMPP user grants, then sees them and their changes`, async () => {
    await xmpp.present();
    const { status: answer, watch } = await sip.subscribe(xmpp.jid);
    assert.equal(answer, 200);
    const pending = await sip.notice(xmpp.jid);
    assert.deepEqual([pending.state, pending.body], ['pending', '']);
    await xmpp.presenceOf(sip.aor, 'subscribe');
    await xmpp.presence('subscribed', sip.aor);
    await sip.notice(xmpp.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
    await xmpp.present('dnd', 'in a meeting');
    const busy = await sip.notice(xmpp.jid, (notice) => notice.body.includes('in a meeting'));
    assert.match(busy.body, /<(\w+:)?busy\s*\/>/);
    assert.match(busy.body, /<(\w+:)?show[^>]*>dnd</);
    await xmpp.leave();
    await sip.notice(xmpp.jid, (notice) => basicOf(notice.body) === 'closed');
    await xmpp.present();
    await sip.notice(xmpp.jid, (notice) => basicOf(notice.body) === 'open');

    sip.notices.clear();
    assert.equal(status(await sip.resubscribe(watch, 600)), 200, 'a refresh');
    assert.equal(basicOf((await sip.notice(xmpp.jid)).body), 'open', 'a refresh is answered with the full state');
    assert.equal(status(await sip.resubscribe(watch, 0)), 200, 'the end');
    assert.equal((await sip.notice(xmpp.jid)).state, 'terminated');
    await xmpp.present('away');
    await crossed(cast);
    assert.deepEqual(sip.notices.waiting(), [], 'nothing after the end');
    await xmpp.present();
  });

  world.scene(`${label}: a SIP watcher who comes again is not asked about again`, async () => {
    xmpp.presences.clear();
    await sip.subscribe(xmpp.jid);
    await sip.notice(xmpp.jid, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
    assert.deepEqual(
      seen(xmpp, sip.aor).filter((type) => type === 'subscribe'),
      [],
    );
  });

  world.scene(`${label}: the XMPP user takes the grant back`, async () => {
    await xmpp.presence('unsubscribed', sip.aor);
    const end = await sip.notice(xmpp.jid, (notice) => notice.state === 'terminated');
    assert.equal(end.reason, 'rejected');
  });

  world.scene(`${label}: an XMPP user who refuses is told as a refusal`, async () => {
    await other.subscribe(xmpp.jid);
    await other.notice(xmpp.jid, (notice) => notice.state === 'pending');
    await xmpp.presenceOf(other.aor, 'subscribe');
    await xmpp.presence('unsubscribed', other.aor);
    const end = await other.notice(xmpp.jid, (notice) => notice.state === 'terminated');
    assert.equal(end.reason, 'rejected');
  });
}

/** A message each way: what was sent before them on the same road has had its time. */
async function crossed(cast: Cast): Promise<void> {
  const mark = crypto.randomUUID();
  assert.equal(status(await cast.sip.message(cast.xmpp.jid, mark)), 200);
  await cast.xmpp.message(cast.sip.aor, (stanza) => stanza.getChildText('body') === mark);
  await cast.xmpp.write(cast.sip.aor, mark);
  await cast.sip.messageFrom(cast.xmpp.jid, (message) => message.body === mark);
}

/** The types of presence that waits from that address. */
function seen(user: XmppUser, from: string): string[] {
  return user.presences
    .waiting()
    .filter((stanza) => stanza.attrs.from?.split('/')[0] === from)
    .map((stanza) => stanza.attrs.type ?? 'available');
}
