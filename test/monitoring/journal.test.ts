// The journal mailbox: every archived line, once or as the same mail again, whatever the mail server does in between.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalDoor } from '../../src/assembly/journal.ts';
import { observed, SILENT } from '../../src/log.ts';
import type { JournalSettings } from '../../src/model/archive.ts';
import { type Journal, type JournalDoor, makeJournal } from '../../src/monitoring/journal.ts';
import { journalMail } from '../../src/monitoring/journal-mail.ts';
import type { Store } from '../../src/store/store.ts';
import { im } from '../outbox/events.ts';
import { tempStore } from '../store/temp-store.ts';
import { type PlayedMailServer, playMailServer } from '../support/mail-server.ts';
import type { ManualClock } from '../support/manual-clock.ts';

const MINUTE = 60_000;
const say = (store: Store, id: string, body = `words of ${id}`, at = 1000): Promise<void> => {
  const [from, to] = ['nora@people.example', 'bob@partner.example'];
  return store.archive.append({ id, at, scope: 'external', from, to, event: im(id, { body, at }) });
};

interface Scene {
  readonly journal: Journal;
  readonly logged: string[];
}

function scene(store: Store, clock: ManualClock, mail: PlayedMailServer | undefined, open?: () => JournalDoor): Scene {
  const logged: string[] = [];
  const settings: JournalSettings = {
    server: { scheme: 'plain', host: '127.0.0.1', port: mail?.port ?? 1 },
    from: 'isthmus@corp.example',
    to: ['journal@corp.example'],
  };
  const log = observed(SILENT, [({ fields }) => void logged.push(String(fields.event))]);
  const parts = { archive: store.archive, position: store.journal, clock, log, host: 'edge.corp.example', settings: () => settings };
  return { logged, journal: makeJournal({ ...parts, open: open ?? (() => journalDoor('/nowhere', settings)) }) };
}

const idsOf = (mails: readonly string[]): string[] => mails.map((mail) => /^X-Isthmus-Event: (.*)$/m.exec(mail)?.[1] ?? '');

test('what is archived from now on goes to the mailbox, in order, and after a restart only what is new', async () => {
  await using mail = await playMailServer();
  await using temp = tempStore();
  await say(temp.store, 'before');
  const first = scene(temp.store, temp.clock, mail);
  await first.journal.start();
  for (const id of ['a', 'b', 'c']) await say(temp.store, id);
  assert.equal(await first.journal.look(), true);
  assert.deepEqual(idsOf(mail.mails), ['a', 'b', 'c']);
  assert.deepEqual((await first.journal.state())?.waiting, 0);
  assert.ok(mail.heard.includes('MAIL FROM:<isthmus@corp.example>') && mail.heard.includes('RCPT TO:<journal@corp.example>'));
  assert.equal(mail.heard.filter((line) => line.startsWith('EHLO')).length, 1, 'one connection for all of them');
  await first.journal.drain(1000);
  const store = temp.crash();
  await say(store, 'd');
  const second = scene(store, temp.clock, mail);
  await second.journal.start();
  await second.journal.look();
  assert.deepEqual(idsOf(mail.mails), ['a', 'b', 'c', 'd']);
  await second.journal.drain(1000);
});

test('a mail server that goes away costs nothing; what was on its way may come again, as the same mail', async () => {
  await using temp = tempStore();
  const { store, clock } = temp;
  const taken: string[] = [];
  let left = 2;
  const door: JournalDoor = {
    async send(text) {
      if (left === 0) throw new Error('connection lost');
      left -= 1;
      taken.push(text);
    },
    close() {},
  };
  const { journal, logged } = scene(store, clock, undefined, () => door);
  await journal.look();
  for (const id of ['a', 'b', 'c', 'd']) await say(store, id, undefined, clock.now());
  assert.equal(await journal.look(), false);
  assert.equal(await journal.look(), false);
  const state = await journal.state();
  assert.deepEqual([state?.waiting, state?.sent, state?.failing?.text], [2, 2, 'connection lost']);
  assert.equal(await journal.alert(15 * MINUTE), undefined);
  clock.advance(16 * MINUTE);
  const alert = await journal.alert(15 * MINUTE);
  assert.match(alert?.text ?? '', /journal@corp\.example has not got about 2 archived messages, .*: connection lost$/);
  left = 10;
  assert.equal(await journal.look(), true);
  assert.deepEqual(idsOf(taken), ['a', 'b', 'c', 'd']);
  assert.equal(await journal.alert(15 * MINUTE), undefined);
  assert.deepEqual(
    logged.filter((event) => event !== 'journal.sent'),
    ['journal.failed', 'journal.resumed'],
  );
  // Killed after the mail server took it and before that was noted.
  await store.journal.put((await store.archive.last()) - 1);
  await journal.look();
  assert.equal(taken[4], taken[3]);
});

test('nothing is lost whenever the process is killed or a mail fails', async () => {
  await using temp = tempStore();
  let store = temp.store;
  const taken: string[] = [];
  let count = 0;
  const door: JournalDoor = {
    async send(text) {
      if ((count += 1) % 7 === 3) throw new Error('lost');
      taken.push(text);
    },
    close() {},
  };
  await scene(store, temp.clock, undefined, () => door).journal.look();
  const said: string[] = [];
  for (let round = 0; round < 12; round += 1) {
    for (let i = 0; i < 5; i += 1) {
      said.push(`m${round}-${i}`);
      await say(store, said.at(-1)!);
    }
    const { journal } = scene(store, temp.clock, undefined, () => door);
    const looking = journal.look();
    if (round % 3 === 0) store = temp.crash();
    await looking;
  }
  const { journal } = scene(store, temp.clock, undefined, () => door);
  while (!(await journal.look()));
  assert.deepEqual([...new Set(idsOf(taken))].sort(), said.sort());
});

test('it is tried again by itself, with growing pauses', async () => {
  await using temp = tempStore();
  const { clock, store } = temp;
  let tries = 0;
  const door: JournalDoor = {
    async send() {
      tries += 1;
      throw new Error('away');
    },
    close() {},
  };
  const { journal } = scene(store, clock, undefined, () => door);
  await journal.start();
  await say(store, 'a');
  await clock.pass(60 * MINUTE, 1000);
  await journal.drain(1000);
  assert.ok(tries >= 12 && tries <= 20, `${tries} tries in an hour`);
});

test('a mail that the server will never take is told of in its place, and the journal goes on', async () => {
  await using mail = await playMailServer();
  await using temp = tempStore();
  const { journal, logged } = scene(temp.store, temp.clock, mail);
  await journal.look();
  mail.answer = (at, text) => (at === 'mail' && text.includes('a virus') ? '554 not this one' : undefined);
  await say(temp.store, 'a', 'a virus');
  await say(temp.store, 'b');
  for (let i = 0; i < 4; i += 1) assert.equal(await journal.look(), false);
  assert.equal(await journal.look(), true);
  assert.deepEqual(idsOf(mail.mails), ['a', 'b']);
  assert.match(mail.mails[0]!.replaceAll('=\r\n', ''), /refused it for good: .*554 not this one.* stands in the archive as line 1/s);
  assert.ok(logged.includes('journal.refused'));
  // A mailbox that is not taken is another matter: nothing goes on.
  mail.answer = (at) => (at === 'rcpt' ? '550 no such mailbox' : undefined);
  await say(temp.store, 'c');
  for (let i = 0; i < 8; i += 1) assert.equal(await journal.look(), false);
  assert.equal(mail.mails.length, 2);
});

test('a mail says who wrote to whom and when, in ASCII, and carries everything for programs', () => {
  const event = im('0199a-b', { body: 'Grüße\n.\nFrom me', subject: 'Lieferung\r\nBcc: x@y.example', at: 0 });
  const line = {
    id: '0199a-b',
    number: 7,
    at: Date.UTC(2026, 10, 20, 12),
    scope: 'external' as const,
    from: 'nora@people.example',
    to: 'b ob@partner.example',
    event,
  };
  const text = journalMail(line, 'edge.corp.example');
  assert.match(text, /^From: <nora@people\.example>\r\nTo: <"b ob"@partner\.example>\r\nDate: Fri, 20 Nov 2026 12:00:00 \+0000\r\n/);
  assert.match(text, /\r\nSubject: Lieferung Bcc: x@y\.example\r\nMessage-ID: <0199a-b@edge\.corp\.example>\r\n/);
  assert.match(text, /\r\nX-Isthmus-Line: 7\r\nX-Isthmus-Scope: external\r\nX-Isthmus-Network: sip\r\n/);
  assert.match(text, /\r\n\r\nGr=C3=BC=C3=9Fe\r\n\.\r\nFrom me\r\n--isthmus-/);
  assert.match(text, /^[\x20-\x7e\r\n]*$/);
  assert.ok(text.split('\r\n').every((one) => one.length <= 998));
  const base64 = /base64\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(text)?.[1] ?? '';
  assert.deepEqual(JSON.parse(Buffer.from(base64, 'base64').toString()).event, JSON.parse(JSON.stringify(event)));
  const { event: _, ...unreadable } = line;
  assert.match(journalMail(unreadable, 'edge').replaceAll('=\r\n', ''), /not in the journal: its row is damaged/);
});
