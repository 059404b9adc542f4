// What crosses is built from values, never from text: whatever a stranger writes into a body, a subject, a note, an id or an error
// arrives on the other side as what it is, and adds no header, no element and no second message. Through both writers and readers.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { reason } from '../../src/errors.ts';
import { openLog } from '../../src/log.ts';
import type { Address } from '../../src/model/address.ts';
import type { ImSent } from '../../src/model/event.ts';
import { refused } from '../../src/model/outcome.ts';
import { toSipUri } from '../../src/protocols/sip/address.ts';
import { parseCpim } from '../../src/protocols/sip/documents/cpim.ts';
import { parseImdn, printImdn } from '../../src/protocols/sip/documents/imdn.ts';
import { readPidf } from '../../src/protocols/sip/documents/pidf-reader.ts';
import { writePidf } from '../../src/protocols/sip/documents/pidf-writer.ts';
import { SipFramer } from '../../src/protocols/sip/framing.ts';
import * as sip from '../../src/protocols/sip/from-model/im.ts';
import { parseMessage } from '../../src/protocols/sip/parse.ts';
import { printRequest, printResponse, safeHeaderValue } from '../../src/protocols/sip/print.ts';
import { replyTo } from '../../src/protocols/sip/replies.ts';
import * as sipReading from '../../src/protocols/sip/to-model/im.ts';
import { type Element, element, elements, text } from '../../src/protocols/xmpp/element.ts';
import * as xmpp from '../../src/protocols/xmpp/from-model/im.ts';
import { toJid } from '../../src/protocols/xmpp/jid.ts';
import { NS } from '../../src/protocols/xmpp/names.ts';
import { parseElement } from '../../src/protocols/xmpp/parse.ts';
import { printable, printElement } from '../../src/protocols/xmpp/print.ts';
import { errorOf } from '../../src/protocols/xmpp/replies.ts';
import * as xmppReading from '../../src/protocols/xmpp/to-model/im.ts';
import { until } from '../support/wait.ts';

const LI: Address = { local: 'li', domain: 'contoso.example' };
const NORA: Address = { local: 'nora', domain: 'fabrikam.example' };
const ORIGIN = { network: 'sip', side: 'edge', peer: 'fabrikam.example', connection: 'c1', proof: 'certificate' } as const;
const FACTS = { id: 'e1', at: 0, origin: ORIGIN, from: NORA, to: LI };
const SIP_FACTS = { ...FACTS, callId: 'call-1', cseq: 1, fromTag: 't', branch: 'z9hG4bK1', maxForwards: 70 };

/** Pieces that would do something if they were taken for text of ours. */
const NASTY = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '\0',
  '\u0001',
  '\u001b[2J',
  '\u0085',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\ufeff',
  '\ufffe',
  '\uffff',
  '\ud800',
  '\udc00',
  '\u{1f600}',
  'pаypal.example',
  'X-Evil: 1',
  '\r\nX-Evil: 1\r\n\r\n',
  'Content-Length: 0\r\n\r\nMESSAGE sip:boss@contoso.example SIP/2.0\r\n',
  '</body><body>evil',
  '</body></message><message>',
  '</note></tuple>',
  ']]>',
  '<![CDATA[',
  '<!--',
  '<!DOCTYPE x>',
  '<?x?>',
  '&amp;',
  '&lt;',
  '&#0;',
  '&x;',
  '%0d%0a',
  "'",
  '"',
  '>',
  '\\',
  "' evil='1",
  '" evil="1',
  '>;evil="1"',
  '__proto__',
];
const unit = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)) },
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
);
const anything = fc.string({ unit, maxLength: 40 });
const RUNS = { numRuns: 400 };

/** The one message in bytes that must hold one. */
function oneMessage(bytes: Buffer) {
  const frames = new SipFramer().push(bytes);
  assert.equal(frames.length, 1, 'it is more or less than one message');
  const [frame] = frames;
  assert.ok(frame?.kind === 'message');
  const message = parseMessage(frame.head, frame.body);
  assert.ok(message.kind !== 'error', 'it cannot be read');
  return message;
}
const headerNames = (message: ReturnType<typeof oneMessage>): string[] => message.headers.entries().map(([name]) => name);
const childNames = (of: Element): string[] => elements(of).map(({ name, ns }) => `${name} ${ns}`);

function sentBySip(body: Buffer | string, subject?: string, contentType = 'text/plain;charset=UTF-8'): ImSent {
  const headers: (readonly [string, string])[] = [['Content-Type', contentType]];
  if (subject !== undefined) headers.push(['Subject', safeHeaderValue(subject, 1000)]);
  const request = oneMessage(printRequest({ method: 'MESSAGE', uri: 'sip:li@contoso.example', headers, body }));
  assert.ok(request.kind === 'request');
  const reading = sipReading.readMessage(request, SIP_FACTS);
  assert.ok(reading.kind === 'event' && reading.event.kind === 'im.sent');
  return reading.event;
}

/** The stanza as its reader has it. */
function stanzaOf(event: ImSent): Element {
  const written = xmpp.writeMessage(
    event,
    { stanzaId: 's1' },
    { from: 'nora@fabrikam.example', to: 'li@contoso.example', chat: false, partner: false },
  );
  const stanza = parseElement(printElement(written));
  assert.ok(stanza !== undefined, 'the stanza cannot be read');
  return stanza;
}

/** What a reader of XML makes of line ends is the writer's care: the body arrives with those it was sent with. */
const only = (stanza: Element, name: string): string => {
  const found = elements(stanza).filter((each) => each.name === name);
  assert.equal(found.length, 1, `there are ${found.length} of ${name}`);
  return text(found[0]!);
};

describe('SIP to XMPP', () => {
  const plain = (withSubject: boolean): string[] => [
    ...(withSubject ? [`subject ${NS.server}`] : []),
    `body ${NS.server}`,
    `thread ${NS.server}`,
    `origin-id ${NS.stanzaIds}`,
  ];

  test('any body arrives as it is, but for what XML cannot carry, and adds no element', () => {
    fc.assert(
      fc.property(anything, (body) => {
        fc.pre(body !== '');
        const stanza = stanzaOf(sentBySip(body));
        assert.deepEqual(childNames(stanza), plain(false));
        // TextDecoder takes a byte order mark at the start for what it is.
        assert.equal(only(stanza, 'body'), printable(body.toWellFormed().replace(/^\ufeff/, '')));
        assert.deepEqual(Object.keys(stanza.attrs).sort(), ['from', 'id', 'to']);
      }),
      RUNS,
    );
  });

  test('any bytes that are no UTF-8 are refused; those that are arrive', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
        const request = oneMessage(
          printRequest({ method: 'MESSAGE', uri: 'sip:li@contoso.example', headers: [['Content-Type', 'text/plain']], body: bytes }),
        );
        assert.ok(request.kind === 'request');
        const reading = sipReading.readMessage(request, SIP_FACTS);
        if (reading.kind === 'refused') return assert.equal(reading.status, 400);
        assert.ok(reading.kind === 'event' && reading.event.kind === 'im.sent');
        assert.deepEqual(childNames(stanzaOf(reading.event)), plain(false));
      }),
      RUNS,
    );
  });

  test('any subject is one subject', () => {
    fc.assert(
      fc.property(anything, (subject) => {
        const stanza = stanzaOf(sentBySip('hello', subject));
        assert.equal(only(stanza, 'body'), 'hello');
        assert.ok(elements(stanza).length <= plain(true).length);
      }),
      RUNS,
    );
  });

  for (const code of Array.from({ length: 32 }, (_, index) => index))
    test(`U+${code.toString(16).padStart(4, '0').toUpperCase()} in a body is ${[9, 10, 13].includes(code) ? 'kept' : 'replaced, never dropped'}`, () => {
      const char = String.fromCharCode(code);
      const kept = [9, 10, 13].includes(code) ? char : '\ufffd';
      assert.equal(only(stanzaOf(sentBySip(`a${char}b`)), 'body'), `a${kept}b`);
    });

  test('a reason phrase, a warning and a new address of a SIP peer make one error and no more', () => {
    fc.assert(
      fc.property(anything, anything, fc.constantFrom(301, 400, 404, 410, 480, 486, 500, 606), (phrase, contact, status) => {
        const why = reason('PEER_ERROR', phrase, { peer: { network: 'sip', status, phrase, contact } });
        for (const partner of [true, false]) {
          const error = parseElement(printElement(errorOf(why, partner)));
          assert.ok(error !== undefined);
          assert.ok(elements(error).length <= 2);
          assert.ok(elements(error).every((each) => elements(each).length === 0 && each.ns === 'urn:ietf:params:xml:ns:xmpp-stanzas'));
        }
      }),
      RUNS,
    );
  });
});

describe('XMPP to SIP', () => {
  const EXPECTED = ['From', 'To', 'Call-ID', 'CSeq', 'Content-Type', 'Content-Length'];
  const wire = { callId: 'c1', fromTag: 't1', cseq: 7, stanzaId: 's1' };

  function sentByXmpp(body: string, more: { subject?: string; thread?: string; lang?: string; id?: string } = {}): ImSent {
    const children = [element('body', NS.server, {}, [body]), element('request', NS.receipts)];
    if (more.subject !== undefined) children.push(element('subject', NS.server, {}, [more.subject]));
    if (more.thread !== undefined) children.push(element('thread', NS.server, {}, [more.thread]));
    const stanza = parseElement(printElement(element('message', NS.server, { id: more.id, 'xml:lang': more.lang }, children)));
    assert.ok(stanza !== undefined);
    const reading = xmppReading.readMessage(stanza, FACTS);
    assert.ok(reading.kind === 'event' && reading.event.kind === 'im.sent');
    return reading.event;
  }
  function requestOf(event: ImSent, cpim: boolean) {
    const parts = sip.writeMessage(event, wire, { gr: true, cpim });
    assert.ok(parts !== undefined);
    return oneMessage(printRequest({ method: 'MESSAGE', ...parts }));
  }

  test('any body arrives byte for byte, and adds no header and no second message', () => {
    fc.assert(
      fc.property(anything, anything, anything, anything, (body, subject, thread, id) => {
        const event = sentByXmpp(body, { subject, thread, id });
        const request = requestOf(event, false);
        const names = headerNames(request).filter((name) => name !== 'Subject');
        assert.deepEqual(names, EXPECTED);
        assert.equal(Buffer.from(request.body).toString('utf8'), printable(body));
        assert.doesNotMatch(request.headers.get('subject') ?? '', /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      }),
      RUNS,
    );
  });

  test('a language is a language tag or is left out', () => {
    fc.assert(
      fc.property(anything, (lang) => {
        const language = requestOf(sentByXmpp('x', { lang }), false).headers.get('content-language');
        assert.ok(language === undefined || /^[A-Za-z0-9-]{1,64}$/.test(language));
      }),
      RUNS,
    );
  });

  test('inside CPIM the same: its headers are ours, its content is the body', () => {
    fc.assert(
      fc.property(anything, anything, (body, subject) => {
        const cpim = parseCpim(requestOf(sentByXmpp(body, { subject }), true).body);
        assert.ok(cpim !== undefined);
        assert.deepEqual([...cpim.headers.keys()].sort(), [
          'datetime',
          'from',
          'imdn.disposition-notification',
          'imdn.message-id',
          'ns',
          'to',
        ]);
        assert.equal(cpim.contentType, 'text/plain; charset=UTF-8');
        assert.equal(Buffer.from(cpim.content).toString('utf8'), printable(body));
      }),
      RUNS,
    );
  });

  test('the id of a message comes back in a receipt as it was, or not at all', () => {
    fc.assert(
      fc.property(anything, (id) => {
        const back = parseImdn(printImdn({ messageId: id, status: 'displayed' }, 0));
        assert.ok(back === undefined || (back.status === 'displayed' && back.messageId.length <= 256));
      }),
      RUNS,
    );
  });

  test('the text and the new address of a stanza error make one response with no header of theirs', () => {
    fc.assert(
      fc.property(
        anything,
        anything,
        fc.constantFrom('gone', 'redirect', 'policy-violation', 'item-not-found', 'bad-request'),
        (said, newAddress, condition) => {
          const why = reason('PEER_ERROR', said, { peer: { network: 'xmpp', condition, type: 'cancel', text: said, newAddress } });
          for (const partner of [true, false]) {
            const { status, phrase, headers } = replyTo(refused(why), { partner, endpoint: false, use6xx: false });
            const response = oneMessage(printResponse({ status, phrase, headers }));
            assert.deepEqual(headerNames(response), [...headers.map(([name]) => name), 'Content-Length']);
            assert.doesNotMatch(phrase, /[\x00-\x1f\x7f-\x9f]/);
          }
        },
      ),
      RUNS,
    );
  });

  test('a person is one URI and one JID, whatever the name is made of', () => {
    fc.assert(
      fc.property(anything, anything, (local, resource) => {
        const address: Address = { local, domain: 'corp.example', resource };
        assert.match(toSipUri(address, { gr: true }), /^sip:[!-~]*$/);
        assert.doesNotMatch(toSipUri(address, { gr: true }), /[<>"\s\\]/);
        const jid = toJid(address);
        if (typeof jid === 'string')
          assert.ok(jid.indexOf('@') === jid.lastIndexOf('@', jid.indexOf('/') === -1 ? undefined : jid.indexOf('/')));
      }),
      RUNS,
    );
  });
});

describe('presence', () => {
  test('any note, tuple id and entity is one note in one tuple', () => {
    fc.assert(
      fc.property(anything, anything, anything, (note, id, local) => {
        fc.pre(note.trim() !== '');
        const endpoint = { id, availability: 'open', show: 'away', notes: [{ text: note }], at: 0 } as const;
        const xml = writePidf({ local, domain: 'corp.example' }, { endpoints: [endpoint] });
        const reading = readPidf(xml, { at: 0 });
        assert.ok(reading.kind === 'document', reading.kind === 'refused' ? reading.text : '');
        const { endpoints } = reading.document;
        assert.equal(endpoints.length, 1);
        assert.ok(endpoints[0]!.notes.length <= 1);
        assert.equal(endpoints[0]!.show, 'away');
        // Everything between the tags is what an empty document of the same shape has.
        const tags = (of: string): string[] => of.match(/<\/?[a-zA-Z:]+/g) ?? [];
        const calm = writePidf({ local: 'x', domain: 'corp.example' }, { endpoints: [{ ...endpoint, id: 'x', notes: [{ text: 'x' }] }] });
        assert.deepEqual(tags(xml), tags(calm));
      }),
      RUNS,
    );
  });
});

test('the log holds one line for each thing said, and nothing that a terminal would obey', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-log-'));
  const file = join(folder, 'log');
  const log = openLog('info', file);
  const said = [...NASTY, 'a\u009b31mb', '\u200fx', '\u061c'];
  for (const each of said) log.child({ peer: each }).info({ event: 'ready', text: each, deep: { [each]: each } }, each);
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await until('the whole log', () => read().split('\n').length > said.length);
  const written = read();
  rmSync(folder, { recursive: true });
  const lines = written.trimEnd().split('\n');
  assert.equal(lines.length, said.length);
  assert.doesNotMatch(written, /[^\n\x20-\x7e\u00a0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ufefe\uff00-\u{10ffff}]/u);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).text),
    said,
  );
});
