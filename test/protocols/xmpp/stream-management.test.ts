// XEP-0198 counts, without resumption.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { manage, StreamManagement } from '../../../src/protocols/xmpp/stream-management.ts';

const acks = (h: string): Element => element('a', NS.sm, { h });

describe('stream management', () => {
  test('counts from where it was enabled', () => {
    const management = new StreamManagement();
    management.noteSent();
    management.enable(7);
    management.noteSent();
    management.noteSent();
    assert.equal(management.sent, 2);
    assert.equal(management.answer(10).attrs.h, '3');
    assert.equal(management.take(acks('1')), undefined);
    assert.equal(management.acknowledged, 1);
    assert.equal(management.take(acks('2')), undefined);
    assert.equal(management.take(acks('2')), undefined);
    assert.equal(management.acknowledged, 2);
  });

  test('refuses a count of more than was sent, one that goes back, and what is no number', () => {
    const management = new StreamManagement();
    management.enable(0);
    management.noteSent();
    management.noteSent();
    assert.equal(management.take(acks('3'))?.condition, 'undefined-condition');
    management.take(acks('2'));
    assert.equal(management.take(acks('1'))?.condition, 'undefined-condition');
    for (const h of ['', '-1', 'x', '99999999999']) assert.equal(management.take(acks(h))?.condition, 'policy-violation', h);
  });

  test('answers enable once, resume never, and <r/> when what came before is handled', () => {
    const management = new StreamManagement();
    const written: Element[] = [];
    let handled = 4;
    let later: (() => void) | undefined;
    const intake = {
      get received() {
        return 5;
      },
      get handled() {
        return handled;
      },
      whenHandled: (upTo: number, run: () => void) => {
        assert.equal(upTo, 5);
        later = run;
      },
    };
    const say = (name: string): unknown => manage(element(name, NS.sm), management, intake, (node) => written.push(node));
    say('resume');
    say('enable');
    say('enable');
    say('r');
    assert.deepEqual(
      written.map((node) => node.name),
      ['failed', 'enabled', 'failed'],
    );
    handled = 9;
    later?.();
    assert.deepEqual([written.at(-1)?.name, written.at(-1)?.attrs.h], ['a', '4']);
    assert.deepEqual(say('nonsense'), { condition: 'unsupported-stanza-type', text: '<nonsense/> of stream management is not known' });
  });
});
