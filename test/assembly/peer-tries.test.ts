import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLine, watchPeerTries } from '../../src/assembly/peer-tries.ts';
import type { LogLine } from '../../src/log.ts';
import type { PeerTry } from '../../src/model/peer-try.ts';
import { ManualClock } from '../support/manual-clock.ts';

const line = (fields: LogLine['fields'], bound: Record<string, unknown> = {}, sentence?: string): LogLine => ({
  level: 'info',
  fields,
  bound,
  ...(sentence !== undefined && { sentence }),
});
const XMPP = { address: '192.0.2.7', direction: 'in', network: 'xmpp' };
const SIP = { peer: '192.0.2.7', direction: 'in' };

const LINES: readonly [string, LogLine, Partial<PeerTry> | undefined][] = [
  [
    'a stream that was not proven',
    line({ event: 'peer.refused', domain: 'partner.example', code: 'CERT_PEER_EXPIRED', reason: 'it expired' }, XMPP),
    { ok: false, protocol: 'xmpp', domain: 'partner.example', address: '192.0.2.7', code: 'CERT_PEER_EXPIRED', text: 'it expired' },
  ],
  [
    'a request that was not proven, by the domain of its From',
    line(
      { event: 'sip.request.refused', code: 'CERT_PEER_UNTRUSTED', from: 'sip:li@partner.example:5061;transport=tls' },
      SIP,
      'unknown root',
    ),
    { ok: false, protocol: 'sip', domain: 'partner.example', code: 'CERT_PEER_UNTRUSTED', text: 'unknown root' },
  ],
  [
    'a request to nobody of ours: not a matter of getting in',
    line({ event: 'sip.request.refused', code: 'ROUTE_UNKNOWN_DOMAIN', from: 'sip:li@partner.example' }, SIP),
    undefined,
  ],
  [
    'too much, over either protocol',
    line({ event: 'message.limited', code: 'LIMIT_PAIR_RATE', from: 'li@partner.example' }, {}, 'too much'),
    { ok: false, domain: 'partner.example', code: 'LIMIT_PAIR_RATE' },
  ],
  ['too large: no limit in time', line({ event: 'message.limited', code: 'CONTENT_TOO_LARGE', from: 'li@partner.example' }), undefined],
  [
    'TLS that failed, with what exactly it was',
    line({
      event: 'tls.failed',
      listener: 'tls://0.0.0.0:5061',
      address: '192.0.2.7',
      reason: 'The TLS handshake failed (tlsv1 alert unknown ca).',
    }),
    { ok: false, address: '192.0.2.7', code: 'NET_TLS_FAILED', finer: 'OUR_CERT_UNTRUSTED' },
  ],
  [
    'a partner that does not answer',
    line({ event: 'stream.silent', from: 'corp.example', to: 'partner.example' }),
    { ok: false, protocol: 'xmpp', domain: 'partner.example', code: 'XMPP_NO_RETURN_PATH' },
  ],
  [
    'a stream that came in',
    line({ event: 'stream.opened', from: 'partner.example', to: 'corp.example', proof: 'external' }, XMPP),
    { ok: true, protocol: 'xmpp', domain: 'partner.example' },
  ],
  ['a stream of ours', line({ event: 'stream.opened', from: 'corp.example' }, { ...XMPP, direction: 'out' }), undefined],
  [
    'a SIP connection that came in',
    line({ event: 'sip.peer.proven', side: 'edge', domain: 'partner.example', proof: 'certificate' }, SIP),
    { ok: true, protocol: 'sip', domain: 'partner.example' },
  ],
  ['an inside server', line({ event: 'sip.peer.proven', side: 'inside', domain: 'corp.example', proof: 'inside' }, SIP), undefined],
  ['anything else', line({ event: 'message.ended', id: 'x' }), undefined],
];
for (const [what, said, wanted] of LINES) {
  test(`the log line of ${what}`, () => {
    const read = readLine(said, 7);
    if (wanted === undefined) assert.equal(read, undefined);
    else assert.partialDeepStrictEqual(read, { at: 7, ...wanted });
    if (said.fields.event === 'message.limited' || said.fields.event === 'tls.failed') assert.equal(read?.protocol, undefined);
  });
}

test('the same refusal again within a minute is not written again; a success after it is, and a flood is sampled', () => {
  const clock = new ManualClock();
  const notes: PeerTry[] = [];
  const watch = watchPeerTries({ note: (one) => void notes.push(one), of: async () => [] }, clock);
  const refused = line({ event: 'peer.refused', domain: 'partner.example', code: 'CERT_PEER_EXPIRED', reason: 'x' }, XMPP);
  const opened = line({ event: 'stream.opened', from: 'partner.example', proof: 'external' }, XMPP);
  watch(refused);
  watch(refused);
  assert.equal(notes.length, 1);
  clock.advance(60_000);
  watch(refused);
  watch(opened);
  watch(opened);
  assert.deepEqual(
    notes.map((one) => one.ok),
    [false, false, true],
  );
  clock.advance(2000);
  for (let stranger = 0; stranger < 1000; stranger++) watch(line({ event: 'tls.failed', address: `192.0.2.${stranger}`, reason: 'x' }));
  assert.equal(notes.length, 3 + 20);
});
