// Presence in depth with real clients on a real Isthmus: a state chosen by an ad-hoc command of slixmpp, a meeting that begins, and
// watchers of three levels who see three different things, over XMPP and SIP.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { coreWorld, DOMAIN } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Profanity } from '../support/peers/profanity.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { basicOf, SipUa } from '../support/sip-ua.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const HOST = `clients.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const PASSWORDS = { nora: 'n0ra-secret', omar: '0mar-secret', li: 'l1-secret-too', uma: 'uma-secret-4', vera: 'v3ra-secret' } as const;
const [NORA, OMAR, LI, UMA, VERA] = [`nora@${DOMAIN}`, `omar@${DOMAIN}`, `li@${DOMAIN}`, `uma@${DOMAIN}`, `vera@${DOMAIN}`];
/** How long after the start the meeting begins. */
const MEETING_S = 12;

const noWorld = enterNamespace();

function stamp(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

if (noWorld !== undefined) {
  test('presence in depth', { skip: noWorld });
} else {
  describe('presence in depth', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, xmpp: [`starttls://${ADDRESS}:5222`], sip: `tls://${ADDRESS}:5061` },
      passwords: PASSWORDS,
      srv: [{ name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 }],
      files: {
        'people/states.yaml': 'states:\n  court: { class: busy, words: { en: In court, de: Vor Gericht } }\n',
        'people/calendars.yaml': `users:\n  ${NORA}: { file: calendars/nora.ics }\n`,
      },
    });
    const { rootsFile } = world;
    const begins = Date.now() + MEETING_S * 1000;
    const event = [
      ...['BEGIN:VEVENT', 'UID:review@people.example', 'DTSTAMP:20260101T000000Z', `DTSTART:${stamp(begins)}`, 'DURATION:PT1H'],
      ...['SUMMARY:Review of the harbour', 'LOCATION:Room 3', `ATTENDEE:mailto:${OMAR}`, 'END:VEVENT'],
    ];
    home.file('calendars/nora.ics', ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//', ...event, 'END:VCALENDAR', ''].join('\r\n'));
    await world.start(home.isthmus);

    const nora = new Slixmpp({ jid: NORA, password: PASSWORDS.nora, address: ADDRESS, rootsFile });
    await nora.event('ready');
    const sip = (user: 'li' | 'uma'): Promise<SipUa> =>
      SipUa.signIn({ user, domain: DOMAIN, password: PASSWORDS[user], address: ADDRESS, port: 5061, tls: { servername: HOST } });
    const [omar, li, uma] = [
      await XmppUser.signIn({ user: 'omar', domain: DOMAIN, password: PASSWORDS.omar, address: ADDRESS }),
      await sip('li'),
      await sip('uma'),
    ];
    world.atEnd(() => Promise.all([nora.close(), omar.signOut(), li.close(), uma.close()]));
    const command = async (node: string, values: Readonly<Record<string, string>>) => {
      nora.do('command', `urn:isthmus:presence:${node}`, values);
      return nora.event('command');
    };

    world.scene('slixmpp finds the commands of its account', async () => {
      nora.do('commands');
      const { names } = await nora.event('commands');
      assert.ok(names !== null && typeof names === 'object');
      const found = Object.values(names);
      for (const name of ['Set my state', 'Out of office', 'Who sees what', 'Privacy']) assert.ok(found.includes(name), name);
    });

    world.scene('three watch: a colleague over XMPP; over SIP one of the workgroup, and one as if from outside', async () => {
      await omar.presence('subscribe', NORA);
      for (const watcher of [li, uma]) await watcher.subscribe(NORA);
      for (const who of [OMAR, LI, UMA]) {
        await nora.saw(who, 'subscribe');
        nora.presence('subscribed', who);
      }
      await omar.presenceOf(NORA, 'available');
      for (const watcher of [li, uma]) await watcher.notice(NORA, ({ body }) => basicOf(body) === 'open');
      for (const [who, level] of [
        [LI, 'workgroup'],
        [UMA, 'external'],
      ] as const) {
        const done = await command('levels', { who, level });
        assert.deepEqual([done.status, String(done.words).startsWith(who)], ['completed', true]);
      }
    });

    world.scene('a meeting of her calendar begins: each sees what their level may', async () => {
      const colleague = await omar.presenceOf(NORA, 'available', (stanza) => stanza.getChildText('show') === 'dnd');
      assert.equal(colleague.getChildText('status'), 'In a meeting');
      const { body } = await li.notice(NORA, (notice) => notice.body.includes('Review of the harbour (Room 3)'));
      assert.match(body, /<r:activities until="[^"]+"><r:note>Review of the harbour \(Room 3\)<\/r:note><r:meeting\/><\/r:activities>/);
      const outside = await uma.notice(NORA, (notice) => notice.body.includes('dnd'));
      assert.doesNotMatch(outside.body, /meeting|harbour|<note/);
      assert.match(outside.body, /<r:busy\/>/);
    });

    world.scene('she chooses a state by an ad-hoc command: it is on every face at once, and operators see it', async () => {
      const done = await command('state', { state: 'court', for: '60' });
      assert.deepEqual([done.status, String(done.words).startsWith('You are In court, until ')], ['completed', true]);
      const words = (await omar.presenceOf(NORA, 'available', (stanza) => String(stanza).includes('In court'))).toString();
      assert.match(words, /<show>dnd<\/show>/);
      const { body } = await li.notice(NORA, (notice) => notice.body.includes('In court'));
      assert.match(body, /<r:other xml:lang="de">Vor Gericht<\/r:other>/);
      const shown = await home.command('user', 'show', NORA);
      assert.match(shown.out, /presence +busy \(In court\)\n +chosen +court, until /);
    });

    world.scene('an operator resets it; note, place and time zone reach who may know them', async () => {
      const reset = await home.command('user', 'state', NORA, '--set', 'available');
      assert.equal(reset.code, 0, reset.out + reset.err);
      await omar.presenceOf(NORA, 'available', (stanza) => stanza.getChild('show') === undefined);
      const done = await command('note', { note: 'back on Monday', location: 'Hamburg', 'time-zone': 'Europe/Berlin' });
      assert.equal(done.status, 'completed', String(done.words));
      const { body } = await li.notice(NORA, (notice) => notice.body.includes('back on Monday') && notice.body.includes('Hamburg'));
      assert.match(
        body,
        /<r:place-type><r:other>Hamburg<\/r:other><\/r:place-type><r:time-offset description="Europe\/Berlin">(?:60|120)</,
      );
      await omar.presenceOf(NORA, 'available', (stanza) => stanza.getChildText('status') === 'back on Monday');
      for (const { body: seen } of uma.notices.waiting()) assert.doesNotMatch(seen, /Monday|Hamburg|court/);
    });

    world.scene('out of the office, told to who is inside also while she is away', async () => {
      const done = await command('out-of-office', { away: '1', note: 'Ask Omar' });
      assert.equal(done.status, 'completed', String(done.words));
      const reset = await home.command('user', 'state', NORA, '--reset');
      assert.equal(reset.code, 0, reset.out + reset.err);
      await omar.presenceOf(NORA, 'available', (stanza) => stanza.getChildText('status') === 'Out of Office - Ask Omar - back on Monday');
      await nora.close();
      const gone = await omar.presenceOf(NORA, 'unavailable');
      assert.equal(gone.getChildText('status'), 'Ask Omar');
      await li.notice(NORA, ({ body }) => basicOf(body) === 'closed' && body.includes('<dm:note>Ask Omar</dm:note>'));
      for (const { body: seen } of uma.notices.waiting()) assert.doesNotMatch(seen, /Ask Omar/);
    });

    world.scene('the same with Profanity', async () => {
      const vera = new Profanity({
        ...{ folder: world.room('vera'), jid: VERA, password: PASSWORDS.vera, resource: 'terminal' },
        ...{ address: ADDRESS, rootsFile },
      });
      world.atEnd(() => vera.close());
      await vera.signIn();
      vera.type('/cmd list');
      await vera.shows(/urn:isthmus:presence:state/);
      vera.type('/cmd exec urn:isthmus:presence:state');
      await vera.shows(/What everybody sees/);
      vera.type('/field1 court');
      vera.type('/form submit');
      await vera.shows(/You are In court/);
      const shown = await home.command('user', 'show', VERA);
      assert.match(shown.out, /presence +busy \(In court\)/);
    });
  });
}
