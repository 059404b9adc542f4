// The small header values: each a table of what is read and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCallId } from '../../../../src/protocols/sip/headers/call-id.ts';
import { parseContentType } from '../../../../src/protocols/sip/headers/content-type.ts';
import { parseCSeq } from '../../../../src/protocols/sip/headers/cseq.ts';
import { parseEvent, printEvent } from '../../../../src/protocols/sip/headers/event.ts';
import { splitList } from '../../../../src/protocols/sip/headers/grammar.ts';
import { parseMaxForwards, parseRetryAfter, parseSeconds } from '../../../../src/protocols/sip/headers/seconds.ts';
import { parseSubscriptionState, printSubscriptionState } from '../../../../src/protocols/sip/headers/subscription-state.ts';
import { parseTokens, unknownTags } from '../../../../src/protocols/sip/headers/tokens.ts';
import { COMPACT_FORMS, longName, phraseOf } from '../../../../src/protocols/sip/names.ts';

test('CSeq', () => {
  assert.deepEqual(parseCSeq('0009  INVITE'), { number: 9, method: 'INVITE' });
  assert.deepEqual(parseCSeq("2147483647 X-.!%*_+`'~"), { number: 2147483647, method: "X-.!%*_+`'~" });
  for (const bad of ['', '1', 'INVITE', '1INVITE', '-1 INVITE', '1.5 INVITE', '2147483648 A', '1 A B', '1 A/B', `${'9'.repeat(70)} A`]) {
    assert.equal(parseCSeq(bad), undefined, bad);
  }
});

test('Content-Type', () => {
  const type = parseContentType('Text/Plain ; Charset="UTF-8" ;x=1');
  assert.deepEqual([type?.type, type?.subtype, type?.params.get('charset'), type?.params.get('x')], ['text', 'plain', 'UTF-8', '1']);
  assert.equal(parseContentType('multipart/mixed;boundary="a b"')?.params.get('boundary'), 'a b');
  for (const bad of ['', 'text', 'text/', '/plain', 'text/plain charset=x', 'text/plain;', 'text/plain;charset', 'a b/c'].filter(
    (each) => each !== 'text/plain;charset',
  )) {
    assert.equal(parseContentType(bad), undefined, bad);
  }
});

test('Event', () => {
  const event = parseEvent('Presence ; id=A1');
  assert.deepEqual([event?.name, event?.id], ['presence', 'A1']);
  assert.equal(parseEvent('PRESENCE;x=y;id=1')?.id, '1');
  assert.equal(printEvent('presence', 'x'), 'presence;id=x');
  for (const bad of ['', ';id=1', 'a b', 'presence;;', 'pres/ence']) assert.equal(parseEvent(bad), undefined, bad);
});

test('Subscription-State', () => {
  const state = parseSubscriptionState('Terminated;reason=Probation;retry-after=3600;x');
  assert.deepEqual([state?.state, state?.reason, state?.retryAfter, state?.expires], ['terminated', 'probation', 3600, undefined]);
  assert.equal(parseSubscriptionState('active;expires=3599')?.expires, 3599);
  assert.equal(parseSubscriptionState('active;expires=soon')?.expires, undefined);
  assert.equal(printSubscriptionState('terminated', { reason: 'timeout', retryAfter: 5 }), 'terminated;reason=timeout;retry-after=5');
  assert.equal(printSubscriptionState('active', { expires: 0 }), 'active;expires=0');
  for (const bad of ['', 'a b', 'active;', ';expires=1']) assert.equal(parseSubscriptionState(bad), undefined, bad);
});

test('seconds and hops', () => {
  for (const [text, seconds] of [
    ['0', 0],
    [' 0060 ', 60],
    ['4294967295', 4294967295],
    ['4294967296', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['9'.repeat(100), undefined],
  ] as const) {
    assert.equal(parseSeconds(text), seconds, text);
  }
  assert.equal(parseRetryAfter('120 (in a meeting);duration=60'), 120);
  assert.equal(parseRetryAfter('120;duration=60'), 120);
  assert.equal(parseRetryAfter('soon'), undefined);
  assert.deepEqual(
    ['0', '255', '256', ''].map((each) => parseMaxForwards(each)),
    [0, 255, undefined, undefined],
  );
});

test('token lists', () => {
  assert.deepEqual(parseTokens(['gruu, outbound', 'path']), ['gruu', 'outbound', 'path']);
  assert.deepEqual(parseTokens(['']), []);
  assert.deepEqual(parseTokens([]), []);
  for (const bad of [['a,,b'], ['a b'], ['a,'], ['"a"']]) assert.equal(parseTokens(bad), undefined, String(bad));
  assert.deepEqual(unknownTags(['Eventlist', 'magic'], ['eventlist']), ['magic']);
});

test('lists split at commas outside quotes and brackets, and are bounded', () => {
  assert.deepEqual(splitList(' a , "b,\\",c" , <d,e> ,f'), ['a', '"b,\\",c"', '<d,e>', 'f']);
  for (const bad of ['', ' ', 'a,', ',a', 'a,"b', 'a,<b']) assert.equal(splitList(bad), undefined, bad);
  assert.equal(splitList(Array.from({ length: 129 }, () => 'a').join(',')), undefined);
});

test('Call-ID', () => {
  for (const good of ['a', 'a@b', '<(x)>:{y}"\\[?]/@~', 'x'.repeat(512)]) assert.equal(isCallId(good), true, good);
  for (const bad of ['', '@', 'a@', 'a b', 'a@b@c', 'ü', 'a,b', 'a;b', 'x'.repeat(1100)]) assert.equal(isCallId(bad), false, bad);
});

test('compact forms and odd spellings have one long name', () => {
  for (const [letter, name] of COMPACT_FORMS)
    for (const each of [letter, letter.toUpperCase(), name, name.toUpperCase()]) assert.equal(longName(each), name);
  assert.equal(longName('cSEQ'), 'cseq');
  assert.equal(longName('X-Thing'), 'x-thing');
  assert.equal(longName('constructor'), 'constructor');
});

test('every status has a phrase', () => {
  assert.equal(phraseOf(481), 'Call/Transaction Does Not Exist');
  for (let status = 100; status < 700; status++) assert.notEqual(phraseOf(status), '');
});
