// Fuzz target of the XMPP shore: streams as they come from a peer.

import assert from 'node:assert/strict';
import { elements } from '../../src/protocols/xmpp/element.ts';
import { type StreamFrame, XmlStreamReader } from '../../src/protocols/xmpp/framing.ts';
import { parseElement, parseStanza } from '../../src/protocols/xmpp/parse.ts';
import { printElement } from '../../src/protocols/xmpp/print.ts';
import { readMessage } from '../../src/protocols/xmpp/to-model/im.ts';
import { readPresence } from '../../src/protocols/xmpp/to-model/presence.ts';
import { BOMBS } from '../hostile/xml-bombs.ts';
import type { Target } from './engine.ts';

const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='a.example' to='b.example' version='1.0'>";
const ADDRESSES = "from='li@partner.example/pad' to='nora@corp.example'";
const STANZAS = [
  `<message ${ADDRESSES} id='m1' type='chat' xml:lang='en'><body>Hi &lt;there&gt; \u{1f600}</body><thread>t</thread><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`,
  `<message ${ADDRESSES}><body xml:lang='de'>a</body><body>b</body><x xmlns='jabber:x:oob'><url>https://x.example/</url></x><replace xmlns='urn:xmpp:message-correct:0' id='1'/></message>`,
  `<presence ${ADDRESSES}><show>dnd</show><status>in a call</status><priority>5</priority><delay xmlns='urn:xmpp:delay' stamp='2026-02-03T11:24:55Z'/></presence>`,
  `<presence ${ADDRESSES} type='subscribe'/>`,
  `<iq ${ADDRESSES} id='1' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>`,
  `<db:result from='a.example' to='b.example'>00ff</db:result>`,
  `<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>`,
];

export const XML: Target = {
  name: 'XMPP: streams and stanzas',
  seeds: [
    ...STANZAS.map((stanza) => Buffer.from(HEADER + stanza)),
    Buffer.from(`${HEADER}${STANZAS.join('\n')}</stream:stream>`),
    ...BOMBS.filter(({ bytes }) => bytes.length < 4096).map(({ bytes }) => Buffer.concat([Buffer.from(HEADER), Buffer.from(bytes)])),
  ],
  words: [
    '<',
    '>',
    '/>',
    '</message>',
    '<body>',
    '<!--',
    '<?x',
    '<!DOCTYPE',
    '<![CDATA[',
    ']]>',
    '&',
    '&#x0;',
    '&lt;',
    "='",
    "'",
    '"',
    " xmlns=''",
    " xmlns:x='urn:x'",
    'x:',
    'xml:',
    'xmlns',
    '</stream:stream>',
    HEADER,
    '\ufeff',
  ],
  run(input) {
    const whole = new XmlStreamReader().push(input);
    const reader = new XmlStreamReader();
    const cut = input.length === 0 ? 0 : (input.length * 7919) % input.length;
    const parts = [...reader.push(input.subarray(0, cut)), ...reader.push(input.subarray(cut))];
    // What is refused may be refused for another of its faults when it comes in other pieces; it is refused all the same.
    assert.equal(parts.map(outline).join(), whole.map(outline).join(), 'cut elsewhere, the same bytes are other elements');
    for (const frame of whole) {
      if (frame.kind !== 'element') continue;
      const { element } = frame;
      const printed = printElement(element);
      const back = parseElement(printed);
      assert.ok(back !== undefined, 'what was read cannot be written');
      assert.equal(printElement(back), printed, 'written again, it is another element');
      elements(element);
      parseStanza(element);
      const facts = { id: 'e', at: 0, origin: ORIGIN, from: LI, to: NORA };
      if (element.name === 'message') readMessage(element, facts);
      if (element.name === 'presence') readPresence(element, facts);
    }
  },
};

const ORIGIN = { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' } as const;
const LI = { local: 'li', domain: 'partner.example' };
const NORA = { local: 'nora', domain: 'corp.example' };

function outline(frame: StreamFrame): string {
  return frame.kind === 'element' ? printElement(frame.element) : frame.kind;
}
