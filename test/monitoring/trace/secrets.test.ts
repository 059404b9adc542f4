// Twenty secrets, planted where real ones stand, cut into pieces at every place: none comes out of a trace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../../src/model/sessions.ts';
import type { TracedMessage } from '../../../src/model/trace.ts';
import { ConnectionListener } from '../../../src/monitoring/trace/listener.ts';

const SECRETS = Array.from({ length: 20 }, (_, index) => `s3cr3t${String(index).padStart(2, '0')}Ω`);
const [body, subject, note, password, digest, token, uriPassword, uriHeader, cpim, pidfNote] = SECRETS as [string, ...string[]] & string[];
const [im, status, dialback, sasl, challenge, smId, attribute, cdata, comment, nick] = SECRETS.slice(10) as [string, ...string[]] &
  string[];

const sip = (start: string, headers: readonly string[], text: string): string =>
  [start, ...headers, `Content-Length: ${Buffer.byteLength(text)}`, '', text].join('\r\n');
const ENDS = ['From: <sip:nora@partner.example>;tag=1', 'To: <sip:li@corp.example>', 'Call-ID: visible-call-id', 'CSeq: 1 MESSAGE'];

const SIP = [
  '\r\n\r\n',
  sip(
    `MESSAGE sip:li:${uriPassword}@corp.example?body=${uriHeader} SIP/2.0`,
    [...ENDS, `Subject: ${subject}`, 'Content-Type: text/plain'],
    body ?? '',
  ),
  sip('SIP/2.0 200 OK', [...ENDS, `Authentication-Info: nextnonce="${digest}"`], ''),
  sip(
    'SUBSCRIBE sip:li@corp.example SIP/2.0',
    [
      ...ENDS,
      `Proxy-Authorization: Digest username="nora",`,
      ` response="${password}"`,
      `Contact: <sip:nora@1.2.3.4;x-token=${token}>`,
      `x: ${digest}`,
      `X-Unknown: ${note}`,
    ],
    '',
  ),
  sip('MESSAGE sip:li@corp.example SIP/2.0', [...ENDS, 'c: message/cpim'], `From: x\r\n\r\n${cpim}`),
  sip(
    'NOTIFY sip:li@corp.example SIP/2.0',
    [...ENDS, 'Content-Type: application/pidf+xml'],
    `<presence entity="pres:nora@partner.example"><tuple id="a"><status><basic>open</basic></status><note>${pidfNote}</note></tuple></presence>`,
  ),
].join('');

const XMPP = [
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='partner.example' to='corp.example' version='1.0'>`,
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${sasl}</auth><challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${challenge}</challenge>`,
  `<db:result from='partner.example' to='corp.example'>${dialback}</db:result><db:verify id='stream-id' from='partner.example' to='corp.example'>${dialback}</db:verify>`,
  `<enabled xmlns='urn:xmpp:sm:3' id='${smId}' resume='true'/><resume xmlns='urn:xmpp:sm:3' previd='${smId}' h='1'/>`,
  `<message from='nora@partner.example/pad' to='li@corp.example' id='visible-id' type='chat'><subject>${subject}</subject><body>a &lt; ${im}</body><thread>visible-thread</thread>`,
  `<x xmlns='jabber:x:conference' jid='room@rooms.partner.example' password='${attribute}'/><html><body><p>${im}</p></body></html><a><![CDATA[${cdata} <b>${cdata}</b>]]></a><!-- ${comment} --></message>`,
  `<presence from='nora@partner.example/pad' to='li@corp.example'><show>away</show><status>${status}</status><nick xmlns='http://jabber.org/protocol/nick'>${nick}</nick></presence>`,
  `<iq from='partner.example' to='corp.example' id='q' type='set'><query xmlns='jabber:iq:register'><username>${note}</username><password>${password}</password></query></iq>`,
  ' \n',
].join('\n');

function session(protocol: 'sip' | 'xmpp', proven: readonly string[] = []): Session {
  return {
    id: 'c1',
    protocol,
    side: 'edge',
    direction: 'in',
    address: '192.0.2.7',
    port: 4711,
    since: 0,
    proven: new Map(proven.map((domain) => [domain, 'certificate'])),
    received: 0,
    sent: 0,
    bytesReceived: 0,
    bytesSent: 0,
  };
}

/** Everything that a trace gives out, as text. */
function traced(
  protocol: 'sip' | 'xmpp',
  wire: Buffer,
  cuts: readonly number[],
  bodies = false,
  proven?: readonly string[],
): { text: string; messages: TracedMessage[]; listener: ConnectionListener } {
  const messages: TracedMessage[] = [];
  const order = { domains: new Set(['partner.example']), bodies, now: () => 1, message: (one: TracedMessage) => void messages.push(one) };
  const listener = new ConnectionListener(session(protocol, proven), order);
  let from = 0;
  for (const cut of [...cuts, wire.length]) {
    listener.heard('in', wire.subarray(from, cut));
    from = cut;
  }
  const text = messages.map((one) => `${one.summary}\n${Buffer.from(one.bytes).toString('utf8')}`).join('\n');
  return { text, messages, listener };
}

function assertNoSecret(text: string, what: string): void {
  for (const secret of SECRETS) assert.ok(!text.includes(secret) && !text.includes(secret.slice(0, 8)), `${secret} leaks: ${what}`);
}

test('SIP: no secret comes out wherever the octets are cut, lengths stay, and what places a message is shown', () => {
  const wire = Buffer.from(SIP);
  const whole = traced('sip', wire, []);
  assert.equal(whole.messages.length, 5);
  assertNoSecret(whole.text, 'whole');
  assert.equal(Buffer.concat(whole.messages.map(({ bytes }) => bytes)).length, wire.length - 4, 'octet by octet, without the keep-alive');
  for (const kept of ['MESSAGE sip:li:', '@corp.example', 'visible-call-id', '<basic>open</basic>', 'CSeq 1 MESSAGE', '200 OK'])
    assert.ok(whole.text.includes(kept), kept);
  for (let cut = 1; cut < wire.length; cut += 1) {
    const { text } = traced('sip', wire, [cut]);
    assert.equal(text, whole.text, `cut at ${cut}`);
  }
  assert.equal(traced('sip', wire, [...wire.keys()]).text, whole.text, 'octet by octet');
});

test('XMPP: the same', () => {
  const wire = Buffer.from(XMPP);
  const whole = traced('xmpp', wire, []);
  assertNoSecret(whole.text, 'whole');
  for (const kept of [
    "from='nora@partner.example/pad'",
    'visible-id',
    'visible-thread',
    '<show>away</show>',
    "mechanism='EXTERNAL'",
    '<message>',
  ])
    assert.ok(whole.text.includes(kept), kept);
  for (let cut = 1; cut < wire.length; cut += 1) assert.equal(traced('xmpp', wire, [cut]).text, whole.text, `cut at ${cut}`);
  assert.equal(traced('xmpp', wire, [...wire.keys()]).text, whole.text, 'octet by octet');
});

test('a trace that begins in the middle of anything leaks nothing either', () => {
  for (const [protocol, text] of [
    ['sip', SIP],
    ['xmpp', XMPP],
  ] as const) {
    const wire = Buffer.from(text);
    for (let from = 0; from < wire.length; from += 3)
      for (const proven of [undefined, ['partner.example']])
        assertNoSecret(traced(protocol, wire.subarray(from), [], false, proven).text, `${protocol} from ${from}`);
  }
});

test('with bodies: texts are shown, passwords, keys and tokens never', () => {
  const shown = traced('sip', Buffer.from(SIP), [], true).text + traced('xmpp', Buffer.from(XMPP), [], true).text;
  for (const text of [body, cpim, pidfNote, im, status, subject]) assert.ok(shown.includes(text ?? ''), `shown: ${text}`);
  for (const secret of [password, digest, token, uriPassword, uriHeader, dialback, sasl, challenge, smId, attribute])
    assert.ok(!shown.includes(secret ?? ''), `masked: ${secret}`);
});

test('of a shared connection only the messages of the partner are given; one who is proven to be another is not heard', () => {
  const other = sip(
    'MESSAGE sip:li@corp.example SIP/2.0',
    ['From: <sip:x@other.example>;tag=1', 'To: <sip:li@corp.example>', 'Call-ID: other-call'],
    'text',
  );
  const wire = Buffer.from(other + SIP);
  const shared = traced('sip', wire, [], false, ['other.example', 'partner.example']);
  assert.equal(shared.messages.length, 5);
  assert.ok(!shared.text.includes('other-call') && shared.listener.leftOut > 0);
  assert.equal(traced('sip', wire, [], false, ['other.example']).messages.length, 0);
});

test('what comes before anybody is named is kept, given once the partner is named, and thrown away when it is somebody else', () => {
  const wire = Buffer.from(`<?xml version='1.0'?><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
  const { messages, listener } = traced('xmpp', wire, []);
  assert.equal(messages.length, 0);
  listener.proven('partner.example');
  assert.equal(messages.length, 2);
  const second = traced('xmpp', wire, []);
  second.listener.proven('other.example');
  assert.equal(second.messages.length, 0);
  assert.ok(second.listener.leftOut > 0);
});

test('a header hidden behind a bare line feed is masked with it', () => {
  const { text } = traced(
    'sip',
    Buffer.from(sip('OPTIONS sip:li@corp.example SIP/2.0', [...ENDS, `Via: SIP/2.0/TLS a\nAuthorization: ${token}`], '')),
    [],
  );
  assertNoSecret(text, 'bare LF');
});

test('a header made to be slow to read is masked, not searched', () => {
  const slow = ['sip:', ';key', 'x="', '<sip:a:'].map((piece) => `Contact: ${piece.repeat(15_000 / piece.length)}`);
  const wire = Buffer.from(sip('MESSAGE sip:li@corp.example SIP/2.0', [...ENDS, ...slow], '').repeat(20));
  const { messages, text } = traced('sip', wire, []);
  assert.equal(messages.length, 20);
  assert.doesNotMatch(text, /sip:sip:|;key;key|x="x="/);
});

test('what is neither SIP nor XML is left out and counted, and bounded', () => {
  const garbage = Buffer.alloc(3_000_000, 'a<b ');
  for (const protocol of ['sip', 'xmpp'] as const) {
    const { text, listener } = traced(protocol, garbage, [1000, 50_000, 2_000_000]);
    assert.ok(!text.includes('a<b a<b'));
    assert.ok(listener.leftOut > 1_000_000);
  }
});
