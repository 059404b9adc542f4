// Nasty content and false names through the whole running edge, both ways: what the other side gets is the content and nothing more,
// and what a peer may not say is never said.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RawPeer } from '../support/raw-peer.ts';
import type { RawStream } from '../support/raw-stream.ts';
import { ask } from '../support/sip-exchange.ts';
import { header, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import { child, escapeXml } from '../support/xml-stream.ts';
import { streamHeader } from '../support/xmpp-peer.ts';
import { CONTOSO, CORP, FABRIKAM, PARTNER, WOODGROVE } from './names.ts';
import { RunningEdge } from './running-edge.ts';

const BODIES: Readonly<Record<string, string>> = {
  'the end of a stanza': '</body></message><message from="boss@contoso.example"><body>evil',
  'a whole request': 'x\r\n\r\nMESSAGE sip:boss@contoso.example SIP/2.0\r\nContent-Length: 0\r\n\r\n',
  'a header': '\r\nX-Evil: 1\r\n',
  'the end of CDATA': ']]><!-- x --><?x?>',
  references: '&lt;b&gt; &#0; &evil; &amp;amp;',
  'bidi controls': 'invoice\u202efdp.exe\u202c \u2066x\u2069',
  confusables: 'раураl.example раѕѕword',
  'an emoji of many parts': '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f1e9}\u{1f1ea}',
  'every kind of line': 'a\nb\r\nc\rd\u0085e\u2028f\u2029g\th',
};

describe('nasty content through the running edge', () => {
  let edge: RunningEdge;
  let peer: RawPeer;
  let stream: RawStream;
  before(async () => {
    edge = await RunningEdge.open();
    [peer, stream] = await Promise.all([edge.sip(), edge.xmpp()]);
  });
  after(() => edge[Symbol.asyncDispose]());

  for (const [what, body] of Object.entries(BODIES)) {
    test(`${what}, from SIP to XMPP`, async () => {
      const { stanzas } = edge.around.insideXmpp;
      const mark = stanzas.length;
      peer.send(ask('MESSAGE', { 'Content-Type': 'text/plain;charset=utf-8', Subject: 'lunch?' }, body));
      assert.equal(status(await peer.next()), 200);
      assert.equal(stanzas.length, mark + 1);
      const stanza = stanzas[mark]!;
      assert.deepEqual(
        stanza.children.map(({ name }) => name),
        ['subject', 'body', 'thread', 'origin-id'],
      );
      assert.equal(child(stanza, 'body')?.text, body);
      assert.deepEqual(Object.keys(stanza.attrs).sort(), ['from', 'id', 'to']);
    });

    test(`${what}, from XMPP to SIP`, async () => {
      const { requests } = edge.around.insideSip;
      const mark = requests.length;
      stream.send(
        `<message from='li@${PARTNER}/pad' to='nora@${CORP}' id='${mark}'><subject>lunch?\r\nX-Evil: 1</subject><body>${escapeXml(body)}</body></message>`,
      );
      await until('the request inside', () => requests.length > mark);
      assert.equal(requests.length, mark + 1);
      const request = requests[mark]!;
      assert.deepEqual(
        request.headers.map(([name]) => name).filter((name) => !/^(Via|Max-Forwards|Contact|Date)$/.test(name)),
        ['From', 'To', 'Call-ID', 'CSeq', 'P-Asserted-Identity', 'Subject', 'Content-Type', 'Content-Length'],
      );
      assert.match(header(request, 'P-Asserted-Identity'), /^<sip:li@partner\.example>$/, 'ours, of the proven sender');
      assert.equal(header(request, 'Subject'), 'lunch? X-Evil: 1');
      // XML 1.0 §2.11: a line end that stands as it is in a stanza is read as LF.
      assert.equal(request.body, body.replace(/\r\n?/g, '\n'));
    });
  }

  test('a SIP body with every control character arrives with those that XML has no place for replaced', async () => {
    const { stanzas } = edge.around.insideXmpp;
    const all = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('');
    const mark = stanzas.length;
    peer.send(ask('MESSAGE', { 'Content-Type': 'text/plain' }, `<${all}>`));
    assert.equal(status(await peer.next()), 200);
    assert.equal(child(stanzas[mark], 'body')?.text, `<${all.replace(/[^\t\n\r]/g, '\ufffd')}>`);
  });

  const SPOOFED: readonly (readonly [what: string, from: string, to: string, condition: string])[] = [
    ['another partner', `boss@${WOODGROVE}`, `nora@${CORP}`, 'invalid-from'],
    ['a SIP partner', `boss@${FABRIKAM}`, `nora@${CORP}`, 'invalid-from'],
    ['a domain of ours', `omar@${CORP}`, `nora@${CORP}`, 'invalid-from'],
    ['our other domain', `omar@${CONTOSO}`, `nora@${CORP}`, 'invalid-from'],
    ['a sub-domain of its own', `boss@rooms.${PARTNER}`, `nora@${CORP}`, 'invalid-from'],
    ['a domain that looks like its own', 'boss@раrtner.example', `nora@${CORP}`, 'invalid-from'],
    ['its own, to another partner', `li@${PARTNER}`, `x@${FABRIKAM}`, 'host-unknown'],
  ];
  for (const [what, from, to, condition] of SPOOFED)
    test(`an XMPP partner that speaks for ${what} hears ${condition} and is closed, and nothing is delivered`, async () => {
      const mark = edge.around.insideSip.requests.length;
      const own = await edge.xmpp();
      own.send(`<message from='${from}' to='${to}'><body>evil</body></message>`);
      const error = await own.element('a stream error', ({ name }) => name === 'error');
      assert.equal(error.children[0]?.name, condition);
      await own.ended();
      assert.equal(edge.around.insideSip.requests.length, mark);
    });

  test('what is sent together with STARTTLS is not executed inside TLS', async () => {
    const mark = edge.around.insideSip.requests.length;
    const evil = `<message from='li@${PARTNER}' to='nora@${CORP}'><body>evil</body></message>`;
    const socket = await edge.tcp();
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    socket.write(streamHeader(PARTNER, CORP));
    await until('STARTTLS', () => said.includes('<starttls'));
    // In clear, behind STARTTLS, in one piece: a header, authentication and a message, as they would stand inside TLS.
    socket.write(
      `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${streamHeader(PARTNER, CORP)}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>${evil}`,
    );
    await until('the end or the go-ahead', () => socket.destroyed || said.includes('<proceed'));
    assert.doesNotMatch(said, /<success/);
    assert.equal(edge.around.insideSip.requests.length, mark);
    socket.destroy();
  });
});
