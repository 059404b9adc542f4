// Dialback keys against the published vectors, and the four elements.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  answerResult,
  answerVerify,
  askResult,
  askVerify,
  dialbackKey,
  isOurKey,
  readDialback,
} from '../../../src/protocols/xmpp/dialback.ts';
import { element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { parseElement } from '../../../src/protocols/xmpp/parse.ts';
import { printElement } from '../../../src/protocols/xmpp/print.ts';

const SECRET = 's3cr3tf0rd14lb4ck';
const FACTS = { receiving: 'xmpp.example.com', originating: 'example.org', streamId: 'D60000229F' };

describe('dialback keys', () => {
  test('match the vectors of XEP-0185 and XEP-0220', () => {
    assert.equal(dialbackKey(SECRET, FACTS), '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643');
    assert.equal(
      dialbackKey(SECRET, { receiving: 'montague.example', originating: 'capulet.example', streamId: 'D60000229F' }),
      'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3',
    );
  });

  test('are ours only for the same secret, pair and stream', () => {
    const key = dialbackKey(SECRET, FACTS);
    assert(isOurKey(SECRET, FACTS, key));
    assert(!isOurKey('another', FACTS, key));
    assert(!isOurKey(SECRET, { ...FACTS, streamId: 'D60000229E' }, key));
    assert(!isOurKey(SECRET, { ...FACTS, originating: 'example.net' }, key));
    assert(!isOurKey(SECRET, { ...FACTS, receiving: FACTS.originating, originating: FACTS.receiving }, key));
    for (const wrong of ['', key.slice(1), `${key}0`, key.toUpperCase(), 'é'.repeat(32)]) assert(!isOurKey(SECRET, FACTS, wrong));
  });
});

describe('dialback elements', () => {
  const trip = (node: Parameters<typeof printElement>[0]): ReturnType<typeof readDialback> => {
    const text = printElement(node);
    assert(text.startsWith('<db:'), 'old peers accept only this prefix');
    const back = parseElement(text);
    return back === undefined ? undefined : readDialback(back);
  };

  test('are read as they were written', () => {
    assert.deepEqual(trip(askResult('a.example', 'b.example', 'k')), { kind: 'resultAsked', from: 'a.example', to: 'b.example', key: 'k' });
    assert.deepEqual(trip(askVerify('b.example', 'a.example', 'id', 'k')), {
      kind: 'verifyAsked',
      from: 'b.example',
      to: 'a.example',
      id: 'id',
      key: 'k',
    });
    assert.deepEqual(trip(answerVerify('a.example', 'b.example', 'id', { is: 'valid' })), {
      kind: 'verifyAnswered',
      from: 'a.example',
      to: 'b.example',
      id: 'id',
      verdict: { is: 'valid' },
    });
    const invalid = trip(answerResult('b.example', 'a.example', { is: 'invalid' }));
    assert(invalid?.kind === 'resultAnswered' && invalid.verdict.is === 'invalid');
    const error = trip(answerResult('b.example', 'a.example', { is: 'error', error: 'remote-server-not-found' }));
    assert(error?.kind === 'resultAnswered' && error.verdict.is === 'error');
    assert.equal(error.text, 'remote-server-not-found');
  });

  test('spell a domain in U-labels and read it in A-labels', () => {
    const back = trip(askResult('xn--bcher-kva.example', 'b.example', 'k'));
    assert(printElement(askResult('xn--bcher-kva.example', 'b.example', 'k')).includes("from='b\u00fccher.example'"));
    assert.equal(back?.from, 'xn--bcher-kva.example');
  });

  test('without addresses, without an id to verify, or of another name are none', () => {
    assert.equal(readDialback(element('result', NS.dialback, { from: 'a.example' }, ['k'])), undefined);
    assert.equal(readDialback(element('verify', NS.dialback, { from: 'a.example', to: 'b.example' }, ['k'])), undefined);
    assert.equal(readDialback(element('other', NS.dialback, { from: 'a.example', to: 'b.example', id: '1' })), undefined);
    assert.equal(readDialback(element('result', NS.server, { from: 'a.example', to: 'b.example' }, ['k'])), undefined);
    assert.equal(readDialback(element('result', NS.dialback, { from: 'a b', to: 'b.example' }, ['k'])), undefined);
  });
});
