// docs/what-crosses.md, row by row: what a partner does, what both users see. Never silence.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../src/model/address.ts';
import type { ImSent, Origin } from '../../src/model/event.ts';
import type { WireIds } from '../../src/model/ports.ts';
import { writeMessage as toSip } from '../../src/protocols/sip/from-model/im.ts';
import { parseMessage } from '../../src/protocols/sip/parse.ts';
import { readMessage as fromSip, type MessageFacts } from '../../src/protocols/sip/to-model/im.ts';
import { child, type Element, element, text } from '../../src/protocols/xmpp/element.ts';
import { writeMessage as toXmpp } from '../../src/protocols/xmpp/from-model/im.ts';
import { NS } from '../../src/protocols/xmpp/names.ts';
import { printElement } from '../../src/protocols/xmpp/print.ts';
import { readMessage as fromXmpp } from '../../src/protocols/xmpp/to-model/im.ts';

const li: Address = { local: 'li', domain: 'contoso.example', resource: 'pad' };
const nora: Address = { local: 'nora', domain: 'fabrikam.example' };
const origin: Origin = { network: 'xmpp', side: 'edge', peer: 'contoso.example', connection: 'c', proof: 'certificate' };
const wire: WireIds = { callId: 't-88', fromTag: '81aa', cseq: 7, stanzaId: 's1' };
const facts = { id: 'e1', at: 0, origin, from: li, to: nora };

function stanza(children: readonly Element[], attrs: Record<string, string> = {}): Element {
  return element(
    'message',
    NS.server,
    { from: 'li@contoso.example/pad', to: 'nora@fabrikam.example', type: 'chat', id: 'q17', ...attrs },
    children,
  );
}
const body = (words: string, lang?: string): Element => element('body', NS.server, { 'xml:lang': lang }, [words]);

/** What the SIP user reads of a stanza: the body of the MESSAGE, or of the notice when it was refused. */
function seenOverSip(message: Element): { sip: string | undefined; xmpp: string } {
  const reading = fromXmpp(message, facts);
  if (reading.kind === 'nothing') return { sip: undefined, xmpp: 'nothing' };
  if (reading.kind === 'refused') return { sip: reading.notice?.body, xmpp: reading.reason.code };
  return { sip: toSip(reading.event, wire, { gr: true, cpim: false })?.body, xmpp: reading.event.kind };
}

describe('an XMPP user does it, a SIP user is at the other end', () => {
  const rows: readonly (readonly [title: string, message: Element, sip: RegExp, xmpp: string])[] = [
    ['sends a message', stanza([body('Line 3 is down & staying down')]), /^Line 3 is down & staying down$/, 'im.sent'],
    ['edits a message', stanza([body('corrected'), element('replace', NS.correct, { id: 'q16' })]), /^\* corrected$/, 'im.sent'],
    [
      'reacts',
      stanza([element('reactions', NS.reactions, { id: 'x' }, [element('reaction', NS.reactions, {}, ['👍'])])]),
      /^\(reacted 👍 to a message\)$/,
      'im.sent',
    ],
    ['takes a reaction back', stanza([element('reactions', NS.reactions, { id: 'x' })]), /took back a reaction/, 'im.sent'],
    [
      'withdraws a message',
      stanza([element('retract', NS.retract, { id: 'x' }), body('unsupported by your client')]),
      /^\(withdrew an earlier message\)$/,
      'im.sent',
    ],
    ['asks for attention', stanza([element('attention', NS.attention)]), /attention/, 'im.sent'],
    [
      'shares a file by link',
      stanza([body('look'), element('x', NS.oob, {}, [element('url', NS.oob, {}, ['https://files.example/cat.png'])])]),
      /^look\nhttps:\/\/files\.example\/cat\.png$/,
      'im.sent',
    ],
    ['calls', stanza([element('propose', NS.jingleMessage, { id: 'x' })]), /tried to call you/, 'CONTENT_UNSUPPORTED'],
    [
      'sends an encrypted message',
      stanza([
        element('encrypted', NS.omemo),
        element('encryption', NS.encryption, { namespace: NS.omemo }),
        body('I sent you an OMEMO message'),
      ]),
      /encrypted message, which could not be shown/,
      'CONTENT_ENCRYPTED',
    ],
    [
      'invites to a room',
      stanza([element('x', NS.conference, { jid: 'room@conference.contoso.example' })]),
      /room@conference\.contoso\.example/,
      'CONTENT_UNSUPPORTED',
    ],
  ];
  for (const [title, message, sip, xmpp] of rows)
    test(title, () => {
      const seen = seenOverSip(message);
      assert.match(seen.sip ?? '', sip);
      assert.equal(seen.xmpp, xmpp);
    });

  test('the encrypted fallback body never reaches the other user', () => {
    const seen = seenOverSip(stanza([element('encrypted', NS.omemo2), body('SECRET FALLBACK')]));
    assert.doesNotMatch(seen.sip ?? '', /SECRET/);
  });

  test('writes as a room: refused with words', () =>
    assert.equal(seenOverSip(stanza([body('x')], { type: 'groupchat' })).xmpp, 'CONTENT_UNSUPPORTED'));

  test('is typing', () => assert.match(seenOverSip(stanza([element('composing', NS.chatStates)])).sip ?? '', /<state>active<\/state>/));
  test('stops typing', () => assert.match(seenOverSip(stanza([element('paused', NS.chatStates)])).sip ?? '', /<state>idle<\/state>/));

  test('language, thread, subject and endpoint travel', () => {
    const reading = fromXmpp(
      stanza([element('thread', NS.server, {}, ['t-88']), element('subject', NS.server, {}, ['two\r\nVia: lines']), body('ahoj', 'cs')]),
      facts,
    );
    assert.ok(reading.kind === 'event' && reading.event.kind === 'im.sent');
    assert.deepEqual([reading.event.lang, reading.event.thread, reading.event.style], ['cs', 't-88', 'chat']);
    const parts = toSip(reading.event, wire, { gr: true, cpim: false });
    const header = (name: string) => parts?.headers.find(([found]) => found === name)?.[1];
    assert.equal(header('From'), '<sip:li@contoso.example;gr=pad>;tag=81aa');
    assert.equal(header('Content-Language'), 'cs');
    assert.doesNotMatch(header('Subject') ?? '', /[\r\n]/);
  });

  test('asks for a receipt, and the SIP client knows CPIM', () => {
    const reading = fromXmpp(stanza([body('x'), element('request', NS.receipts), element('markable', NS.markers)]), facts);
    assert.ok(reading.kind === 'event');
    const parts = toSip(reading.event, wire, { gr: false, cpim: true });
    assert.match(
      parts?.body ?? '',
      /imdn\.Message-ID: s1\r\nimdn\.Disposition-Notification: positive-delivery, negative-delivery, display/,
    );
  });

  test('confirms receipt and display', () => {
    for (const [mark, status] of [
      [element('received', NS.receipts, { id: 'm1' }), 'delivered'],
      [element('displayed', NS.markers, { id: 'm1' }), 'displayed'],
    ] as const) {
      const reading = fromXmpp(stanza([mark]), facts);
      assert.ok(reading.kind === 'event' && reading.event.kind === 'im.receipt');
      assert.deepEqual([reading.event.about, reading.event.status], ['m1', status]);
      assert.match(
        toSip(reading.event, wire, { gr: false, cpim: true })?.body ?? '',
        new RegExp(`<message-id>m1</message-id>.*<${status}/>`, 's'),
      );
    }
  });
});

const sipFacts: MessageFacts = {
  ...facts,
  origin: { ...origin, network: 'sip', side: 'inside' },
  from: nora,
  to: { local: 'li', domain: 'contoso.example' },
  callId: 'call-1',
  cseq: 3,
  fromTag: 'tag1',
  branch: 'z9hG4bK1',
  maxForwards: 70,
};

function request(type: string, content: Buffer | string, more = ''): ReturnType<typeof fromSip> {
  const bytes = Buffer.from(content);
  const head = `MESSAGE sip:li@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nFrom: <sip:nora@fabrikam.example>;tag=tag1\r\nTo: <sip:li@contoso.example>\r\nCall-ID: call-1\r\nCSeq: 3 MESSAGE\r\n${more}Content-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  const parsed = parseMessage(Buffer.from(head), bytes);
  assert.ok(parsed.kind === 'request');
  return fromSip(parsed, sipFacts);
}
function seenOverXmpp(reading: ReturnType<typeof fromSip>): Element | string {
  if (reading.kind === 'refused') return `${reading.status}`;
  if (reading.kind === 'nothing') return 'nothing';
  return toXmpp(reading.event, wire, { from: 'nora@fabrikam.example', to: 'li@contoso.example', chat: false, partner: true });
}
const bodyOf = (seen: Element | string): string =>
  typeof seen === 'string' ? seen : text(child(seen, 'body', NS.server) ?? element('x', ''));

describe('a SIP user does it, an XMPP user is at the other end', () => {
  const cpim = (inner: string, from = '<sip:nora@fabrikam.example>'): string =>
    `From: ${from}\r\nTo: <sip:li@contoso.example>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m9\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\n${inner}`;
  const multipart = (parts: readonly string[]): string => `${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`;

  const rows: readonly (readonly [title: string, type: string, content: Buffer | string, seen: string])[] = [
    ['sends text', 'text/plain', 'hello', 'hello'],
    ['sends text in another charset', 'text/plain;charset=ISO-8859-2', Buffer.from([0xae, 0x6c, 0x75, 0xbb]), 'Žluť'],
    ['sends control characters', 'text/plain', 'a\u0000b\u001bc', 'a\uFFFDb\uFFFDc'],
    ['sends HTML', 'text/html', '<p>Hi <b>Li</b></p>', 'Hi Li'],
    [
      'sends multipart/alternative',
      'multipart/alternative;boundary=b',
      multipart(['Content-Type: text/html\r\n\r\n<b>x</b>', 'Content-Type: text/plain\r\n\r\nplain']),
      'plain',
    ],
    [
      'sends multipart with HTML alone',
      'multipart/alternative;boundary="b"',
      multipart(['Content-Type: text/html\r\n\r\n<b>bold</b>']),
      'bold',
    ],
    ['wraps it in CPIM', 'message/cpim', cpim('Content-Type: text/plain; charset=utf-8\r\n\r\nwrapped'), 'wrapped'],
    ['sends RTF', 'text/rtf', '{\\rtf1}', '415'],
    ['sends an image', 'image/png', 'x', '415'],
    ['sends a body that is not valid in its charset', 'text/plain;charset=utf-8', Buffer.from([0xc3, 0x28]), '400'],
    ['forges the From inside CPIM', 'message/cpim', cpim('Content-Type: text/plain\r\n\r\nx', '<sip:boss@fabrikam.example>'), '400'],
  ];
  for (const [title, type, content, seen] of rows) test(title, () => assert.equal(bodyOf(seenOverXmpp(request(type, content))), seen));

  test('asks for an IMDN: a receipt request and a marker', () => {
    const seen = seenOverXmpp(request('message/cpim', cpim('Content-Type: text/plain\r\n\r\nx')));
    assert.ok(
      typeof seen !== 'string' && child(seen, 'request', NS.receipts) !== undefined && child(seen, 'markable', NS.markers) !== undefined,
    );
  });

  test('is typing', () => {
    const seen = seenOverXmpp(
      request(
        'application/im-iscomposing+xml',
        '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>',
      ),
    );
    assert.ok(
      typeof seen !== 'string' && child(seen, 'composing', NS.chatStates) !== undefined && child(seen, 'no-store', NS.hints) !== undefined,
    );
  });

  test('language and thread travel, and no type means a single message (RFC 7572 §5)', () => {
    const seen = seenOverXmpp(request('text/plain', 'ahoj', 'Content-Language: cs\r\nSubject: plan\r\n'));
    assert.ok(typeof seen !== 'string');
    assert.deepEqual(
      [seen.attrs['xml:lang'], seen.attrs.type, text(child(seen, 'thread', NS.server) as Element)],
      ['cs', undefined, 'call-1'],
    );
  });

  test('nothing a body holds becomes an element', () => {
    const seen = seenOverXmpp(request('text/plain', '</body></message><presence type="subscribe"/>]]>&amp;'));
    assert.ok(typeof seen !== 'string');
    assert.equal(printElement(seen, NS.server).split('<presence').length, 1);
  });

  test('the same bytes sent again have the same dedup key, other bytes another', () => {
    const key = (reading: ReturnType<typeof fromSip>): string | undefined =>
      reading.kind === 'event' ? (reading.event as ImSent).ids.dedupKey : undefined;
    assert.equal(key(request('text/plain', 'a')), key(request('text/plain', 'a')));
    assert.notEqual(key(request('text/plain', 'a')), key(request('text/plain', 'b')));
  });
});
