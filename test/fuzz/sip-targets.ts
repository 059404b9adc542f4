// Fuzz targets of the SIP shore: framing with parse and checks, bodies of MESSAGE, presence documents, URIs.

import assert from 'node:assert/strict';
import type { Address } from '../../src/model/address.ts';
import { readAddress, toSipUri } from '../../src/protocols/sip/address.ts';
import { readRequest, readResponse } from '../../src/protocols/sip/check-request.ts';
import { parseCpim } from '../../src/protocols/sip/documents/cpim.ts';
import { parseImdn, printImdn } from '../../src/protocols/sip/documents/imdn.ts';
import { parseIsComposing } from '../../src/protocols/sip/documents/iscomposing.ts';
import { readPidf } from '../../src/protocols/sip/documents/pidf-reader.ts';
import { writePidf } from '../../src/protocols/sip/documents/pidf-writer.ts';
import { readXml } from '../../src/protocols/sip/documents/xml-reader.ts';
import { SipFramer } from '../../src/protocols/sip/framing.ts';
import { parseContentType } from '../../src/protocols/sip/headers/content-type.ts';
import { parseEvent } from '../../src/protocols/sip/headers/event.ts';
import { parseContacts, parseNameAddrs } from '../../src/protocols/sip/headers/name-addr.ts';
import { parseSubscriptionState } from '../../src/protocols/sip/headers/subscription-state.ts';
import { parseTokens } from '../../src/protocols/sip/headers/tokens.ts';
import { parseVias } from '../../src/protocols/sip/headers/via.ts';
import type { SipHeaders, SipRequest } from '../../src/protocols/sip/message.ts';
import { parseMessage } from '../../src/protocols/sip/parse.ts';
import { replyBytes } from '../../src/protocols/sip/responses.ts';
import { type MessageFacts, readMessage } from '../../src/protocols/sip/to-model/im.ts';
import { parseSipUri, printSipUri } from '../../src/protocols/sip/uri.ts';
import { writeMessage } from '../../src/protocols/xmpp/from-model/im.ts';
import { toAddress, toJid } from '../../src/protocols/xmpp/jid.ts';
import { parseElement } from '../../src/protocols/xmpp/parse.ts';
import { printElement } from '../../src/protocols/xmpp/print.ts';
import { LIMITS_AFTER_AUTH } from '../../src/protocols/xmpp/stream-limits.ts';
import { RFC4475 } from '../vectors/sip/rfc4475.ts';
import { RFC5118 } from '../vectors/sip/rfc5118.ts';
import type { Target } from './engine.ts';

const lines = (...all: readonly string[]): Buffer => Buffer.from(all.join('\r\n'));
const PEER = { address: '192.0.2.9', port: 5061 } as const;

const SUBSCRIBE = lines(
  'SUBSCRIBE sip:li@contoso.example SIP/2.0',
  'v: SIP/2.0/TLS edge.fabrikam.example:5061;branch=z9hG4bK1;rport;alias, SIP/2.0/TLS [2001:db8::9]:5061;received=[2001:db8::9];branch=z9hG4bK2',
  'Record-Route: <sip:edge.fabrikam.example;lr>, "quoted \\" name" <sip:a@b.example;x="y">',
  'f: "Nora \\"N\\"" <sip:nora@fabrikam.example;gr=urn:uuid:1>;tag=n0ra;epid=01',
  't: <sip:li@contoso.example>',
  'i: 71f0@edge.fabrikam.example',
  'CSeq: 1 SUBSCRIBE',
  'Max-Forwards: 70',
  'o: presence;id=7',
  'Expires: 3600',
  'm: <sip:nora@192.0.2.9;transport=tls>;expires=60;+sip.instance="<urn:uuid:2>"',
  'k: eventlist, ms-benotify',
  'Accept: application/pidf+xml, application/rlmi+xml;q=0.5',
  'Subscription-State: terminated;reason=probation;retry-after=60',
  'l: 0',
  '',
  '',
);

export const SIP: Target = {
  name: 'SIP: framing, parsing, checking, answering',
  seeds: [...RFC4475, ...RFC5118]
    .map(({ bytes }) => bytes)
    .concat(SUBSCRIBE, Buffer.concat([SUBSCRIBE, Buffer.from('\r\n\r\n'), SUBSCRIBE])),
  words: [
    'Content-Length: ',
    'l: 5',
    'Content-Length : 3',
    '\r\n\r\n',
    '\r\n ',
    'SIP/2.0',
    'SIP/2.0 200 OK\r\n',
    'Via: SIP/2.0/TLS a;branch=z9hG4bK',
    'From: <sip:a@b.example>;tag=1',
    'To:',
    'CSeq: 1 MESSAGE',
    'Call-ID: 1',
    ';lr',
    ';maddr=',
    ',',
    '"',
    '\\"',
    '<sip:',
    '>',
    '[::1]',
    '\t',
  ],
  run(input) {
    const whole = new SipFramer().push(input);
    const split = new SipFramer();
    const cut = input.length === 0 ? 0 : (input.length * 7919) % input.length;
    const parts = [...split.push(input.subarray(0, cut)), ...split.push(input.subarray(cut))];
    // RFC 3261 §18.3: where the pieces of a stream end means nothing.
    assert.equal(parts.map(outline).join(), whole.map(outline).join(), 'cut elsewhere, the same bytes are other frames');
    for (const frame of whole) {
      if (frame.kind !== 'message') continue;
      const message = parseMessage(frame.head, frame.body);
      if (message.kind === 'error') continue;
      const { headers } = message;
      headers.entries();
      readOthers(headers);
      const read = message.kind === 'request' ? readRequest(message) : readResponse(message);
      if (message.kind === 'request') answered(headers, read.kind === 'error' ? read.status : 200);
    }
  },
};

function outline(frame: ReturnType<SipFramer['push']>[number]): string {
  return frame.kind === 'message' ? `${frame.head.toString('latin1')}|${frame.body.toString('latin1')}|${frame.last}` : frame.kind;
}

/** A response can be built from whatever can be told apart, and it is one message. */
function answered(headers: SipHeaders, status: number): void {
  const bytes = replyBytes(headers, { status }, PEER, () => 'tag');
  if (bytes === undefined) return;
  const frames = new SipFramer().push(bytes);
  assert.equal(frames.length, 1, 'a response of ours is more or less than one message');
  assert.equal(frames[0]?.kind, 'message');
}

function readOthers(headers: SipHeaders): void {
  parseVias(headers.all('via'));
  parseContacts(headers.all('contact'));
  parseNameAddrs(headers.all('record-route'));
  parseTokens(headers.all('supported'));
  const event = headers.get('event');
  if (event !== undefined) parseEvent(event);
  const state = headers.get('subscription-state');
  if (state !== undefined) parseSubscriptionState(state);
}

const LI: Address = { local: 'li', domain: 'contoso.example' };
const NORA: Address = { local: 'nora', domain: 'fabrikam.example' };
const FACTS: MessageFacts = {
  id: 'event-1',
  at: 0,
  origin: { network: 'sip', side: 'edge', peer: 'fabrikam.example', connection: 'c1', proof: 'certificate' },
  from: NORA,
  to: LI,
  callId: 'call-1',
  cseq: 1,
  fromTag: 'tag',
  branch: 'z9hG4bK1',
  maxForwards: 70,
};

const IMDN = lines(
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>34jk324j</message-id><datetime>2026-04-04T12:16:49-05:00</datetime>',
  '<display-notification><status><displayed/></status></display-notification></imdn>',
);
const COMPOSING = lines(
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>',
);
const CPIM = lines(
  'From: Nora <im:nora@fabrikam.example>',
  'To: <im:li@contoso.example>',
  'DateTime: 2026-04-04T12:16:49Z',
  'Subject: lunch',
  'NS: imdn <urn:ietf:params:imdn>',
  'imdn.Message-ID: 34jk324j',
  'imdn.Disposition-Notification: positive-delivery, display',
  '',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hello \u{1f600}',
);
const MULTIPART = lines(
  '--b',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Hello <b>there</b> &amp; <a href="https://x.example/">here</a><br>&#32;&#x1F600;</p><script>x</script>',
  '--b',
  'Content-Type: text/plain',
  'Content-Transfer-Encoding: base64',
  '',
  'SGVsbG8=',
  '--b--',
  '',
);
const MARKUP = [
  '<',
  '>',
  '</',
  '/>',
  '<!--',
  '-->',
  '<!DOCTYPE a>',
  '<![CDATA[',
  ']]>',
  '&amp;',
  '&#9;',
  '&#xD800;',
  '&x;',
  ' xmlns="urn:x"',
  ' a="1"',
  '<?x ?>',
  '<b>',
  '</b>',
];

const typed = (type: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(`${type}\r\n`), body]);

export const BODIES: Target = {
  name: 'SIP: bodies of MESSAGE (text, HTML, CPIM, MIME multipart, iscomposing, IMDN), as far as the stanza they become',
  seeds: [
    typed('text/plain;charset=utf-8', Buffer.from('hello <&>"\' \u{1f600}')),
    typed('text/plain;charset=utf-16', Buffer.from('hello', 'utf16le')),
    typed('text/plain;charset=iso-8859-1', Buffer.from('h\xe9llo', 'latin1')),
    typed(
      'text/html',
      Buffer.from('<html><head><title>x</title></head><body><p class="a">Hi &nbsp; <a href=\'sip:x@y\'>x</a></p><ul><li>1<li>2</ul>'),
    ),
    typed('multipart/alternative;boundary=b', MULTIPART),
    typed('multipart/mixed; boundary="b"', MULTIPART),
    typed('message/cpim', CPIM),
    typed(
      'message/cpim',
      Buffer.concat([lines('NS: x <urn:ietf:params:imdn>', 'x.Message-ID: 1', '', 'Content-Type: message/imdn+xml', '', ''), IMDN]),
    ),
    typed('message/imdn+xml', IMDN),
    typed('application/im-iscomposing+xml', COMPOSING),
  ],
  words: [
    ...MARKUP,
    '--b',
    '--b--',
    '--b\r\n\r\n',
    ';boundary=b',
    ';charset=utf-16',
    'Content-Type: text/plain',
    'message/cpim',
    'From: ',
    'NS: ',
    '&#32;',
    '<br>',
    '<a href="',
    '="',
  ],
  run(input) {
    const end = input.indexOf('\r\n');
    const type = input.toString('utf8', 0, Math.max(0, Math.min(end, 1000)));
    const reading = readMessage(request(type, input.subarray(end === -1 ? 0 : end + 2)), FACTS);
    if (reading.kind !== 'event') return;
    const { event } = reading;
    const element = writeMessage(
      event,
      { stanzaId: 's1' },
      { from: 'nora@fabrikam.example', to: 'li@contoso.example', chat: true, partner: false },
    );
    const printed = printElement(element).replace('<body></body>', '<body/>');
    const back = parseElement(printed);
    // A stanza may be too large for a stream, and is refused there; what can be read must say the same.
    if (back !== undefined) assert.equal(printElement(back), printed, 'the stanza says something else than the event');
    else assert.ok(Buffer.byteLength(printed) > LIMITS_AFTER_AUTH.stanzaBytes, 'the stanza cannot be read');
  },
};

function request(type: string, body: Buffer): SipRequest {
  const headers = new Map([['content-type', type]]);
  return {
    kind: 'request',
    method: 'MESSAGE',
    uri: 'sip:li@contoso.example',
    body,
    headers: {
      get: (name) => headers.get(name),
      all: (name) => [headers.get(name)].filter((one) => one !== undefined),
      entries: () => [...headers],
    },
  };
}

export const CPIM_TARGET: Target = {
  name: 'SIP: CPIM and content types',
  seeds: [CPIM, Buffer.from('text/plain; charset="utf-8"; format=flowed')],
  words: ['From: ', 'NS: ', 'imdn.', '<urn:ietf:params:imdn>', ': ', '\r\n\r\n', '\n\n', '.', ';a=b', '="', '\\"'],
  run(input) {
    parseCpim(input);
    parseContentType(input.toString('utf8'));
  },
};

export const SMALL_XML: Target = {
  name: 'SIP: iscomposing, IMDN and the XML reader below them',
  seeds: [COMPOSING, IMDN],
  words: [...MARKUP, '<state>', 'idle', '<refresh>', '<message-id>', '<delivery-notification>', '<status>', '<failed/>', '\ufeff'],
  run(input) {
    const text = input.toString('utf8');
    readXml(text);
    parseIsComposing(text);
    const imdn = parseImdn(text);
    if (imdn !== undefined) assert.deepEqual(parseImdn(printImdn(imdn, 0)), imdn, 'written again, the notification says something else');
  },
};

const NAMESPACES =
  'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"';
export const PIDF: Target = {
  name: 'SIP: presence documents',
  seeds: [
    Buffer.from(
      `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence ${NAMESPACES} entity="pres:nora@fabrikam.example"><tuple id="t1"><status><basic>open</basic>` +
        '<show xmlns="jabber:client">dnd</show></status><contact priority="0.8">sip:nora@fabrikam.example;gr=pc</contact><note xml:lang="en">release call</note>' +
        '<timestamp>2026-02-03T11:24:55.5+01:00</timestamp></tuple><dm:person id="p1"><r:activities><r:busy/><r:on-the-phone/></r:activities>' +
        '<dm:note>in a call</dm:note></dm:person></presence>',
    ),
    Buffer.from(
      `<presence ${NAMESPACES} xmlns:z="urn:x" entity="sip:nora@fabrikam.example"><z:note mustUnderstand="1"/><note>gone</note><tuple id="a"><status><basic>closed</basic></status>` +
        '<r:user-input last-input="2026-02-03T11:24:55Z">idle</r:user-input></tuple></presence>',
    ),
  ],
  words: [
    ...MARKUP,
    '<tuple id="x">',
    '</tuple>',
    '<basic>open</basic>',
    '<r:away/>',
    'mustUnderstand="true"',
    'priority="9"',
    '<timestamp>',
    'xml:lang="x"',
    '<note>',
  ],
  run(input) {
    const reading = readPidf(input.toString('utf8'), { at: 0 });
    if (reading.kind === 'refused') return;
    const again = readPidf(writePidf(NORA, reading.document), { at: 0 });
    assert.equal(again.kind, 'document', 'what we write of it cannot be read');
    if (again.kind === 'document') assert.equal(again.document.endpoints.length > 0, reading.document.endpoints.length > 0);
  },
};

export const URIS: Target = {
  name: 'SIP: URIs and the people they mean',
  seeds: [
    'sip:nora@fabrikam.example',
    'sips:nora;x=y:pass@fabrikam.example:5061;transport=tls;lr;maddr=192.0.2.1?Subject=a&b=c',
    'sip:%C3%A9t%C3%A9%40home@xn--fiqs8s.example;gr=urn%3Auuid%3A1',
    'sip:[2001:db8::1]:5060',
    'im:nora@fabrikam.example',
    "pres:nora.o'neil@fabrikam.example?x",
    'tel:+1-555-0100;phone-context=x.example',
    'sip:c:\\net@x.example',
    'sip:a%20b%5c27@x.example;gr=%D7%90',
  ].map((text) => Buffer.from(text)),
  words: [
    'sip:',
    '@',
    ':',
    ';',
    '?',
    '%40',
    '%2F',
    '%5C',
    '%20',
    '%C3%A9',
    '%E2%80%AE',
    '%EF%BC%A1',
    ';gr=',
    ';gr',
    'xn--',
    '.',
    '[',
    ']',
    '&',
    '=',
  ],
  run(input) {
    const text = input.toString('utf8');
    const uri = parseSipUri(text);
    if (uri !== undefined) {
      const printed = printSipUri(uri);
      const again = parseSipUri(printed);
      assert.ok(again !== undefined, `printed, it is no URI: ${printed}`);
      assert.equal(printSipUri(again), printed, 'printed twice, it is another URI');
    }
    const reading = readAddress(text);
    if (reading.kind === 'address') sameOnBothShores(reading.address);
  },
};

export const JIDS: Target = {
  name: 'XMPP: JIDs and the people they mean',
  seeds: [
    'li@contoso.example',
    'li@contoso.example/Pad 7/x',
    'c\\3a\\5cnet@x.example',
    'été@中国.example/\u05d0',
    'contoso.example',
    '\\20x@x.example',
    'ＡＢＣ@x.example/ｱ',
    'a\\40b@[::1]',
  ].map((text) => Buffer.from(text)),
  words: [
    '@',
    '/',
    '\\',
    '\\20',
    '\\27',
    '\\5c',
    '\\40',
    '.',
    '..',
    'xn--',
    '\u200d',
    '\u00b7',
    '\u0301',
    '\u1e9e',
    '\u3002',
    ' ',
    '"',
    "'",
    '\u05d0',
    '\u0660',
  ],
  run(input) {
    const address = toAddress(input.toString('utf8'));
    if ('code' in address) return;
    const jid = toJid(address);
    if (typeof jid === 'string') {
      const again = toAddress(jid);
      assert.ok(!('code' in again), `printed, it is no JID: ${jid}`);
      assert.deepEqual(again, address, 'written again, it is somebody else');
    }
    sameOnBothShores(address);
  },
};

/** An address that either shore can write comes back as the same person. */
function sameOnBothShores(address: Address): void {
  const uri = toSipUri(address, { gr: true });
  const viaSip = readAddress(uri);
  if (viaSip.kind === 'address') assert.deepEqual(viaSip.address, address, `over SIP as ${uri} it is somebody else`);
  const jid = toJid(address);
  if (typeof jid !== 'string') return;
  const viaXmpp = toAddress(jid);
  assert.ok(!('code' in viaXmpp), `over XMPP as ${jid} it is nobody`);
  assert.deepEqual(viaXmpp, address, `over XMPP as ${jid} it is somebody else`);
}
