// Requests that try to be two, to be somebody else's, or to be carried further: at the running edge, over TLS, by a partner with
// a good certificate. What was refused has reached nobody inside; what was taken says inside who really sent it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RawPeer } from '../support/raw-peer.ts';
import { ask } from '../support/sip-exchange.ts';
import { header, printSip, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import { child } from '../support/xml-stream.ts';
import { RunningEdge } from './running-edge.ts';

const LONG = 'x'.repeat(40_000);
const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\r\n');
/** A MESSAGE with raw lines before Content-Length. */
function raw(lines: string, body = 'smuggled'): string {
  return ask('MESSAGE', { 'Content-Type': 'text/plain' }, body).replace('Content-Length', `${lines}\r\nContent-Length`);
}
const plain = (): string => raw('X-Nothing: 1');

/** What is sent, what is answered, and whether the connection must be closed. */
const REFUSED: readonly (readonly [what: string, text: () => string | Buffer, status: number | 'silence', after: 'closed' | 'open'])[] = [
  ['two Content-Lengths that differ', () => raw('Content-Length: 0'), 400, 'closed'],
  ['two Content-Lengths that agree', () => raw('Content-Length: 8'), 400, 'closed'],
  ['a Content-Length and its short form', () => raw('l: 8'), 400, 'closed'],
  ['a negative Content-Length', () => plain().replace('Content-Length: 8', 'Content-Length: -8'), 400, 'closed'],
  ['a signed Content-Length', () => plain().replace('Content-Length: 8', 'Content-Length: +8'), 400, 'closed'],
  ['a Content-Length in hex', () => plain().replace('Content-Length: 8', 'Content-Length: 0x8'), 400, 'closed'],
  ['a Content-Length with words behind it', () => plain().replace('Content-Length: 8', 'Content-Length: 8 bytes'), 400, 'closed'],
  ['a Content-Length that is a list', () => plain().replace('Content-Length: 8', 'Content-Length: 8, 8'), 400, 'closed'],
  ['an empty Content-Length', () => plain().replace('Content-Length: 8', 'Content-Length: '), 400, 'closed'],
  ['a Content-Length of 10^30', () => plain().replace('Content-Length: 8', `Content-Length: 1${'0'.repeat(30)}`), 400, 'closed'],
  ['no Content-Length', () => plain().replace('Content-Length: 8\r\n', ''), 400, 'closed'],
  ['Transfer-Encoding instead of a length', () => plain().replace('Content-Length: 8', 'Transfer-Encoding: chunked'), 400, 'closed'],
  ['a space before the colon of Content-Length', () => plain().replace('Content-Length: 8', 'Content-Length : 8'), 400, 'closed'],
  ['a folded Content-Length', () => plain().replace('Content-Length: 8', 'Content-Length:\r\n 8'), 400, 'closed'],
  ['a bare CR in a value', () => raw('Subject: a\rContent-Length: 0'), 400, 'closed'],
  ['a bare LF in a value', () => raw('Subject: a\nContent-Length: 0'), 400, 'closed'],
  ['lines that end in LF alone', () => `${plain().replaceAll('\r\n', '\n')}\r\n\r\n`, 400, 'closed'],
  ['a NUL in a value', () => raw('Subject: a\0b'), 400, 'closed'],
  ['a NUL in a header name', () => raw('Sub\0ject: a'), 400, 'closed'],
  ['10,000 headers', () => raw(many(10_000, (n) => `X-${n}: 1`)), 400, 'closed'],
  ['129 headers', () => raw(many(129, (n) => `X${n}: 1`)), 400, 'closed'],
  ['1,000 Via lines', () => raw(many(1000, (n) => `Via: SIP/2.0/TLS a;branch=z9hG4bK${n}`)), 400, 'closed'],
  ['1,000 Via values in one line', () => raw(`Via: ${'SIP/2.0/TLS a,'.repeat(1000)}SIP/2.0/TLS a`), 400, 'open'],
  ['20,000 folds', () => raw(`Subject: a${'\r\n b'.repeat(20_000)}`), 400, 'closed'],
  ['one header of 40 KB', () => raw(`Subject: ${LONG}`), 513, 'closed'],
  ['a Request-URI of 40 KB', () => plain().replace('sip:li@', `sip:${LONG}@`), 'silence', 'closed'],
  ['a header line without a colon', () => raw('what is this'), 400, 'open'],
  ['a header line without a name', () => raw(': what is this'), 400, 'open'],
  ['two From headers', () => raw('From: <sip:boss@fabrikam.example>;tag=2'), 400, 'open'],
  ['a From and its short form', () => raw('f: <sip:boss@fabrikam.example>;tag=2'), 400, 'open'],
  ['two To headers', () => raw('To: <sip:boss@contoso.example>'), 400, 'open'],
  ['two Call-IDs', () => raw('Call-ID: other'), 400, 'open'],
  ['two CSeqs', () => raw('CSeq: 2 MESSAGE'), 400, 'open'],
  [
    'a list in From',
    () => plain().replace('<sip:nora@fabrikam.example>;tag=n0ra', '<sip:nora@fabrikam.example>;tag=1, <sip:a@b.example>'),
    400,
    'open',
  ],
  ['a display name that is never closed', () => plain().replace('From: <', 'From: "nora <'), 400, 'open'],
  ['a body of 80 KB', () => raw('X: 1', 'x'.repeat(80_000)), 413, 'open'],
  ['a body of 300 KB', () => raw('X: 1', 'x'.repeat(300_000)), 513, 'closed'],
];

const FORBIDDEN: readonly (readonly [what: string, changes: Parameters<typeof ask>[1], status: number])[] = [
  ['From of another partner', { From: '<sip:boss@woodgrove.example>;tag=1' }, 403],
  ['From of a domain nobody knows', { From: '<sip:boss@bank.example>;tag=1' }, 403],
  ['From of a domain of ours', { From: '<sip:omar@contoso.example>;tag=1' }, 403],
  ['From of our other domain', { From: '<sip:omar@corp.example>;tag=1' }, 403],
  ['From of a sub-domain', { From: '<sip:boss@mail.fabrikam.example>;tag=1' }, 403],
  ['From whose domain only begins like theirs', { From: '<sip:boss@fabrikam.example.evil.example>;tag=1' }, 403],
  ['From with a second at-sign', { From: '<sip:boss@bank.example@fabrikam.example>;tag=1' }, 400],
  ['From with an escaped NUL behind its domain', { From: '<sip:boss@fabrikam.example%00.bank.example>;tag=1' }, 400],
  ['From of a tel number', { From: '<tel:+15551234>;tag=1' }, 403],
  ['a Request-URI of another partner', { uri: 'sip:x@woodgrove.example' }, 404],
  ['a Request-URI of theirs', { uri: 'sip:x@fabrikam.example' }, 404],
  ['a Request-URI of the trap', { uri: 'sip:x@127.0.0.1:5' }, 404],
  ['%0d%0a in the user of the Request-URI', { uri: 'sip:li%0d%0aX-Evil:%201@contoso.example' }, 400],
  ['%0d%0a in the host of the Request-URI', { uri: 'sip:li@contoso.example%0d%0aX-Evil:%201' }, 400],
  ['a control character in the user', { uri: 'sip:li%07@contoso.example' }, 400],
  ['a bidi override in the user', { uri: 'sip:%E2%80%AEli@contoso.example' }, 404],
  ['headers in the Request-URI that look like ours', { uri: 'sip:li@contoso.example?From=sip:boss@contoso.example' }, 400],
  ['the method in CSeq of another request', { CSeq: '1 SUBSCRIBE' }, 400],
  ['no hops left', { 'Max-Forwards': '0' }, 483],
  ['Require of what we do not have', { Require: 'constructor' }, 420],
];

describe('smuggled SIP at the running edge', () => {
  let edge: RunningEdge;
  let peer: RawPeer;
  before(async () => {
    edge = await RunningEdge.open();
    peer = await edge.sip();
  });
  after(() => edge[Symbol.asyncDispose]());

  const stanzas = () => edge.around.insideXmpp.stanzas;
  /** OPTIONS is answered on this connection. */
  async function alive(on: RawPeer): Promise<void> {
    on.send(ask('OPTIONS', { 'Call-ID': 'alive' }));
    assert.equal(status(await on.next((message) => header(message, 'Call-ID') === 'alive')), 200);
  }
  /** The one stanza that came inside since `mark`. */
  async function arrived(mark: number) {
    await until('the message inside', () => stanzas().length > mark);
    assert.equal(stanzas().length, mark + 1);
    return stanzas()[mark]!;
  }

  for (const [what, text, expected, then] of REFUSED) {
    test(`${what}: ${expected}${then === 'closed' ? ' and closed, what follows is not read' : ''}`, async () => {
      const mark = stanzas().length;
      const own = await edge.sip();
      const second = `second-after-${what.replaceAll(/\W+/g, '-')}`;
      // A second request stands where a reader who counts otherwise would find one.
      own.send(
        Buffer.concat([Buffer.from(text()), Buffer.from(ask('MESSAGE', { 'Content-Type': 'text/plain', 'Call-ID': second }, second))]),
      );
      if (expected !== 'silence') {
        const answer = await own.next();
        assert.equal(status(answer), expected);
        assert.notEqual(header(answer, 'Call-ID'), second);
      }
      if (then === 'closed') {
        await own.closed;
        assert.ok(
          own.messages.waiting.every((message) => header(message, 'Call-ID') !== second),
          own.bytes,
        );
      } else {
        assert.equal(status(await own.next((message) => header(message, 'Call-ID') === second)), 200);
        assert.equal(child(await arrived(mark), 'body')?.text, second);
      }
      own.socket.destroy();
      assert.equal(stanzas().length, then === 'closed' ? mark : mark + 1, 'what reached the inside');
      await alive(peer);
    });
  }

  for (const [what, changes, expected] of FORBIDDEN) {
    test(`${what}: ${expected}, and nothing is delivered`, async () => {
      const mark = stanzas().length;
      peer.send(ask('MESSAGE', { 'Content-Type': 'text/plain', ...changes }, 'evil'));
      assert.equal(status(await peer.next()), expected);
      await alive(peer);
      assert.equal(stanzas().length, mark);
    });
  }

  test('header names that JavaScript objects have by birth are names like others', async () => {
    const mark = stanzas().length;
    peer.send(raw('constructor: 1\r\n__proto__: 2\r\ntoString: 3\r\nhasOwnProperty: 4\r\n__proto__: 5', 'good'));
    assert.equal(status(await peer.next()), 200);
    assert.equal(child(await arrived(mark), 'body')?.text, 'good');
    for (const method of ['constructor', '__proto__', 'toString', 'valueOf']) {
      peer.send(ask(method));
      assert.equal(status(await peer.next()), 405);
    }
  });

  test('P-Asserted-Identity, Identity, Remote-Party-ID and the Microsoft trust headers of a partner change nothing and go no further', async () => {
    const mark = stanzas().length;
    const said = edge.around.insideXmpp.transcript.length;
    const lines = [
      'P-Asserted-Identity: <sip:boss@contoso.example>',
      'P-Preferred-Identity: <sip:boss@contoso.example>',
      'Remote-Party-ID: <sip:boss@contoso.example>',
      'Identity: "abc"',
      'Privacy: id',
      'ms-edge-proxy-message-trust: ms-source-type=AutoFederation;ms-ep-fqdn=edge.contoso.example',
      'ms-diagnostics: 1;reason="trust me"',
      'Referred-By: <sip:boss@contoso.example>',
      'Reply-To: <sip:boss@contoso.example>',
    ].join('\r\n');
    peer.send(raw(lines, 'hello'));
    assert.equal(status(await peer.next()), 200);
    const stanza = await arrived(mark);
    assert.match(stanza.attrs.from ?? '', /^nora@fabrikam\.example(?:\/|$)/);
    assert.doesNotMatch(edge.around.insideXmpp.transcript.slice(said), /boss|AutoFederation|trust me/);
  });

  test('Route, maddr, a foreign port, Contact, Record-Route and Via lead nowhere: the message is delivered here and nobody is connected to', async () => {
    const mark = stanzas().length;
    const at = `127.0.0.1:${edge.around.trap.port}`;
    const relays: Parameters<typeof ask>[1][] = [
      { Route: `<sip:${at};lr;transport=tcp>` },
      { Route: [`<sip:edge.contoso.example;lr>`, `<sip:${at};lr;transport=tcp>`] },
      { uri: `sip:li@contoso.example;maddr=127.0.0.1;transport=tcp` },
      { uri: `sip:li@contoso.example:${edge.around.trap.port};transport=tcp` },
      { Contact: `<sip:nora@${at};transport=tcp>`, 'Record-Route': `<sip:${at};lr;transport=tcp>` },
      { Via: `SIP/2.0/TCP ${at};branch=z9hG4bKtrap;rport;received=127.0.0.1` },
      { Via: `SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKm;maddr=127.0.0.1` },
    ];
    for (const [index, changes] of relays.entries()) {
      peer.send(ask('MESSAGE', { 'Content-Type': 'text/plain', ...changes }, `relay ${index}`));
      assert.equal(status(await peer.next()), 200);
    }
    await until('them all inside', () => stanzas().length === mark + relays.length);
    assert.equal(edge.around.trap.connections, 0);
  });

  test('a SUBSCRIBE whose Contact and Record-Route are somebody else has its NOTIFY at the proven partner and nowhere else', async () => {
    const at = `127.0.0.1:${edge.around.trap.port}`;
    const changes = {
      Event: 'presence',
      Contact: `<sip:nora@${at};transport=tcp>`,
      'Record-Route': `<sip:${at};lr;transport=tcp>`,
      Expires: '3600',
    };
    peer.send(ask('SUBSCRIBE', { uri: 'sip:watched@contoso.example', ...changes }));
    assert.equal(status(await peer.next()), 200);
    const notify = await until('the NOTIFY', () => edge.around.partnerSip.requests.find((each) => each.start.startsWith('NOTIFY')));
    assert.match(header(notify, 'Subscription-State'), /^pending/);
    assert.equal(notify.start, `NOTIFY sip:nora@${at};transport=tcp SIP/2.0`, 'unchanged, as RFC 3261 wants it, and not followed');
    assert.equal(edge.around.trap.connections, 0);
  });

  test('responses to nothing are dropped, whatever their Via says, and nothing is sent anywhere', async () => {
    const mark = peer.bytes.length;
    const at = `127.0.0.1:${edge.around.trap.port}`;
    for (const via of [
      `SIP/2.0/TCP ${at};branch=z9hG4bK1`,
      'SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2',
      `SIP/2.0/TLS edge.contoso.example;branch=z9hG4bK3`,
    ])
      for (const start of ['SIP/2.0 200 OK', 'SIP/2.0 100 Trying', 'SIP/2.0 302 Moved']) {
        peer.send(
          printSip(start, [
            `Via: ${via}`,
            `Via: SIP/2.0/TCP ${at};branch=z9hG4bKtwo`,
            'From: <sip:a@contoso.example>;tag=1',
            'To: <sip:b@fabrikam.example>;tag=2',
            'Call-ID: stray',
            'CSeq: 1 MESSAGE',
            `Contact: <sip:b@${at}>`,
          ]),
        );
      }
    await alive(peer);
    assert.doesNotMatch(peer.bytes.slice(mark), /stray/);
    assert.equal(edge.around.trap.connections, 0);
  });

  test('the log of all this is one JSON object a line, without a control character', () => {
    const lines = edge.log().trimEnd().split('\n');
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line.slice(0, 200));
    assert.doesNotMatch(edge.log(), /[^\n\x20-\x7e\u00a0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ufefe\uff00-\u{10ffff}]/u);
  });
});
