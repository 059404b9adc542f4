// Both error maps of RFC 7247 as total tables (sip-xmpp.md section 3): 22 conditions one way, 300-699 the other, and
// every reason code of ours both ways.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRORS, reason } from '../../src/errors.ts';
import type { ReasonCode } from '../../src/model/reason.ts';
import { CODE_TO_STATUS, CONDITION_TO_STATUS, replyTo } from '../../src/protocols/sip/replies.ts';
import { child, elements } from '../../src/protocols/xmpp/element.ts';
import { CODE_TO_CONDITION, CONDITIONS, conditionOfStatus, errorOf, stanzaError } from '../../src/protocols/xmpp/replies.ts';

const codes = Object.keys(ERRORS) as ReasonCode[]; // the keys of a Record<ReasonCode, ...>
const ours = { partner: false, endpoint: false, use6xx: false };

function statusOf(condition: string, asker: { partner: boolean; endpoint: boolean; use6xx: boolean }, newAddress?: string): number {
  const peer = { network: 'xmpp', condition, type: 'cancel', ...(newAddress !== undefined && { newAddress }) } as const;
  return replyTo({ kind: 'refused', reason: reason('PEER_ERROR', 'x', { peer }) }, asker).status;
}

describe('conditions to statuses (RFC 7247 Table 2)', () => {
  test('all 22 have a row and none becomes 503, 401 or 407', () => {
    assert.equal(CONDITIONS.length, 22);
    for (const condition of CONDITIONS) {
      assert.ok(CONDITION_TO_STATUS[condition], condition);
      for (const partner of [false, true])
        for (const endpoint of [false, true])
          for (const use6xx of [false, true]) {
            const status = statusOf(condition, { partner, endpoint, use6xx });
            assert.ok(status >= 300 && status < 700, condition);
            assert.ok(![503, 401, 407].includes(status), `${condition} -> ${status}`);
          }
    }
  });

  test('a bare address gives 6xx only where the partner wants it', () => {
    assert.equal(statusOf('item-not-found', { ...ours, endpoint: true }), 404);
    assert.equal(statusOf('item-not-found', ours), 404);
    assert.equal(statusOf('item-not-found', { ...ours, use6xx: true }), 604);
    assert.equal(statusOf('recipient-unavailable', ours), 480);
    assert.equal(statusOf('feature-not-implemented', { ...ours, endpoint: true }), 405);
    assert.equal(statusOf('feature-not-implemented', ours), 501);
  });

  test('gone with an address is 301 with Contact, without one 410', () => {
    assert.equal(statusOf('gone', ours), 410);
    const reply = replyTo(
      {
        kind: 'refused',
        reason: reason('PEER_GONE', 'x', {
          peer: { network: 'xmpp', condition: 'gone', type: 'cancel', newAddress: 'xmpp:li@new.example' },
        }),
      },
      ours,
    );
    assert.deepEqual([reply.status, reply.headers], [301, [['Contact', '<sip:li@new.example>']]]);
  });

  test('toward a partner, unknown, blocked and not permitted users answer the same', () => {
    const partner = { ...ours, partner: true };
    const answers = [
      reason('POLICY_BLOCKED', 'blocked', { file: 'routes/policy.yaml', key: '/blocked/0' }),
      reason('POLICY_MESSAGES_OFF', 'off'),
      reason('PEER_UNKNOWN_USER', 'unknown', {
        peer: { network: 'xmpp', condition: 'item-not-found', type: 'cancel', text: 'no such user' },
      }),
      reason('PEER_FORBIDDEN', 'no', { peer: { network: 'xmpp', condition: 'service-unavailable', type: 'cancel' } }),
      reason('POLICY_FIRST_CONTACT', 'waits'),
    ].map((why) => JSON.stringify(replyTo({ kind: 'refused', reason: why }, partner)));
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
  });
});

describe('statuses to conditions (RFC 7247 Table 3)', () => {
  test('every status from 300 to 699 has a condition', () => {
    for (let status = 300; status < 700; status++)
      assert.ok((CONDITIONS as readonly string[]).includes(conditionOfStatus(status)[0]), String(status));
  });

  const rows: readonly (readonly [number, string])[] = [
    [300, 'redirect'],
    [301, 'gone'],
    [302, 'redirect'],
    [380, 'not-acceptable'],
    [400, 'bad-request'],
    [401, 'not-authorized'],
    [402, 'bad-request'],
    [403, 'forbidden'],
    [404, 'item-not-found'],
    [405, 'feature-not-implemented'],
    [406, 'not-acceptable'],
    [407, 'registration-required'],
    [408, 'remote-server-timeout'],
    [410, 'gone'],
    [413, 'policy-violation'],
    [415, 'not-acceptable'],
    [420, 'feature-not-implemented'],
    [423, 'resource-constraint'],
    [430, 'recipient-unavailable'],
    [480, 'recipient-unavailable'],
    [481, 'item-not-found'],
    [482, 'not-acceptable'],
    [484, 'item-not-found'],
    [486, 'recipient-unavailable'],
    [488, 'not-acceptable'],
    [489, 'policy-violation'],
    [491, 'unexpected-request'],
    [493, 'bad-request'],
    [500, 'internal-server-error'],
    [501, 'feature-not-implemented'],
    [502, 'remote-server-not-found'],
    [503, 'internal-server-error'],
    [504, 'remote-server-timeout'],
    [505, 'not-acceptable'],
    [513, 'policy-violation'],
    [600, 'recipient-unavailable'],
    [603, 'recipient-unavailable'],
    [604, 'item-not-found'],
    [606, 'not-acceptable'],
    [699, 'recipient-unavailable'],
  ];
  for (const [status, condition] of rows) test(`${status} is ${condition}`, () => assert.equal(conditionOfStatus(status)[0], condition));

  test('toward a partner, unknown, blocked and not permitted users give the same bytes', () => {
    const answers = [
      reason('POLICY_BLOCKED', 'blocked'),
      reason('PEER_UNKNOWN_USER', 'x', { peer: { network: 'sip', status: 404, phrase: 'Not Found' } }),
      reason('PEER_FORBIDDEN', 'x', { peer: { network: 'sip', status: 403, phrase: 'Forbidden' } }),
      reason('POLICY_FIRST_CONTACT', 'waits'),
    ].map((why) => JSON.stringify(errorOf(why, true)));
    assert.deepEqual(new Set(answers), new Set([JSON.stringify(stanzaError('service-unavailable', 'cancel'))]));
  });

  test('our own users are told the peer status in words', () => {
    const error = errorOf(reason('PEER_UNKNOWN_USER', 'x', { peer: { network: 'sip', status: 404, phrase: 'Not Found' } }), false);
    assert.equal(elements(error)[0]?.name, 'item-not-found');
    assert.deepEqual(child(error, 'text', 'urn:ietf:params:xml:ns:xmpp-stanzas')?.children, ['404 Not Found']);
  });
});

test('every reason code has a status and a condition, and no status is 503', () => {
  for (const code of codes) {
    assert.ok(CODE_TO_STATUS[code] >= 400 && CODE_TO_STATUS[code] !== 503, code);
    assert.ok((CONDITIONS as readonly string[]).includes(CODE_TO_CONDITION[code][0]), code);
    assert.equal(replyTo({ kind: 'failed', reason: reason(code, 'x') }, ours).status, CODE_TO_STATUS[code]);
  }
});
