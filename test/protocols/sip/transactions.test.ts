// RFC 3261 §17.1.2, §17.2.1, §17.2.2 as tables, and both shells under random input.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reason } from '../../../src/errors.ts';
import type { SipResponse } from '../../../src/protocols/sip/message.ts';
import {
  type ClientInput,
  type ClientResult,
  type ClientState,
  ClientTransactions,
  stepClient,
  TIMER_F_MS,
} from '../../../src/protocols/sip/transaction-client.ts';
import {
  SERVER_DEADLINE_MS,
  type ServerInput,
  type ServerState,
  ServerTransactions,
  serverKey,
  stepInviteServer,
  stepServer,
  type TransactionFacts,
} from '../../../src/protocols/sip/transaction-server.ts';

const response = (status: number): SipResponse => ({
  kind: 'response',
  status,
  phrase: '',
  headers: { get: () => undefined, all: () => [], entries: () => [] },
  body: new Uint8Array(),
});
const GONE = reason('NET_CLOSED', 'gone');

const CLIENT: readonly [ClientState, ClientInput, ClientState, string][] = [
  ['trying', { kind: 'response', status: 100 }, 'proceeding', 'ignore'],
  ['trying', { kind: 'response', status: 200 }, 'terminated', 'answer'],
  ['trying', { kind: 'response', status: 503 }, 'terminated', 'answer'],
  ['trying', { kind: 'timerF' }, 'terminated', 'tellTimeout'],
  ['trying', { kind: 'transportFailed' }, 'terminated', 'tellTransportFailed'],
  ['trying', { kind: 'abandoned' }, 'terminated', 'tellAbandoned'],
  ['proceeding', { kind: 'response', status: 180 }, 'proceeding', 'ignore'],
  ['proceeding', { kind: 'response', status: 604 }, 'terminated', 'answer'],
  ['proceeding', { kind: 'timerF' }, 'terminated', 'tellTimeout'],
  ['proceeding', { kind: 'transportFailed' }, 'terminated', 'tellTransportFailed'],
  ['terminated', { kind: 'response', status: 200 }, 'terminated', 'ignore'],
  ['terminated', { kind: 'timerF' }, 'terminated', 'ignore'],
  ['terminated', { kind: 'transportFailed' }, 'terminated', 'ignore'],
];
for (const [state, input, next, action] of CLIENT) {
  const what = input.kind === 'response' ? `${input.status}` : input.kind;
  test(`non-INVITE client: ${state} + ${what} -> ${next}, ${action}`, () => {
    assert.deepEqual(stepClient(state, input), [next, action]);
  });
}

const SERVER: readonly [typeof stepServer, ServerState, ServerInput, ServerState, string][] = [
  [stepServer, 'trying', { kind: 'request' }, 'trying', 'absorb'],
  [stepServer, 'trying', { kind: 'respond', status: 100 }, 'proceeding', 'send'],
  [stepServer, 'trying', { kind: 'respond', status: 200 }, 'terminated', 'send'],
  [stepServer, 'trying', { kind: 'deadline' }, 'terminated', 'none'],
  [stepServer, 'trying', { kind: 'ack' }, 'trying', 'none'],
  [stepServer, 'proceeding', { kind: 'request' }, 'proceeding', 'sendAgain'],
  [stepServer, 'proceeding', { kind: 'respond', status: 404 }, 'terminated', 'send'],
  [stepServer, 'proceeding', { kind: 'transportFailed' }, 'terminated', 'none'],
  [stepServer, 'terminated', { kind: 'respond', status: 200 }, 'terminated', 'dropLate'],
  [stepInviteServer, 'trying', { kind: 'request' }, 'trying', 'absorb'],
  [stepInviteServer, 'trying', { kind: 'respond', status: 405 }, 'completed', 'send'],
  [stepInviteServer, 'proceeding', { kind: 'request' }, 'proceeding', 'sendAgain'],
  [stepInviteServer, 'completed', { kind: 'request' }, 'completed', 'sendAgain'],
  [stepInviteServer, 'completed', { kind: 'respond', status: 405 }, 'completed', 'dropLate'],
  [stepInviteServer, 'completed', { kind: 'ack' }, 'terminated', 'none'],
  [stepInviteServer, 'completed', { kind: 'deadline' }, 'terminated', 'none'],
  [stepInviteServer, 'terminated', { kind: 'ack' }, 'terminated', 'none'],
  [stepInviteServer, 'terminated', { kind: 'respond', status: 405 }, 'terminated', 'dropLate'],
];
for (const [step, state, input, next, action] of SERVER) {
  test(`${step === stepServer ? 'non-INVITE' : 'INVITE'} server: ${state} + ${input.kind} -> ${next}, ${action}`, () => {
    assert.deepEqual(step(state, input), [next, action]);
  });
}

test('whatever happens in whatever order, the one who asked hears exactly once', () => {
  const input = fc.oneof(
    fc.record({ kind: fc.constant('response' as const), status: fc.integer({ min: 100, max: 699 }) }),
    fc.constantFrom({ kind: 'timerF' as const }, { kind: 'transportFailed' as const }, { kind: 'abandoned' as const }),
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 12 }), (inputs) => {
      const heard: ClientResult[] = [];
      const open = new ClientTransactions();
      open.start('z9hG4bKa', 'MESSAGE', 0, TIMER_F_MS, (result) => heard.push(result));
      for (const each of inputs) {
        if (each.kind === 'response') open.receive('z9hG4bKa', 'MESSAGE', response(each.status));
        else if (each.kind === 'timerF') open.sweep(TIMER_F_MS);
        else if (each.kind === 'transportFailed') open.transportFailed(GONE);
        else open.abandon('z9hG4bKa', 'MESSAGE');
      }
      const final = inputs.some((each) => each.kind !== 'response' || each.status >= 200);
      assert.equal(heard.length, final ? 1 : 0);
      assert.equal(open.size, final ? 0 : 1);
    }),
  );
});

test('whatever happens in whatever order, a server transaction sends one final answer at most, and an INVITE only copies of it', () => {
  const input = fc.constantFrom('request', 'ack', 'provisional', 'final', 'deadline', 'transportFailed');
  fc.assert(
    fc.property(fc.constantFrom('MESSAGE', 'INVITE'), fc.array(input, { maxLength: 12 }), (method, inputs) => {
      const sent: string[] = [];
      const open = new ServerTransactions((bytes) => sent.push(bytes.toString()));
      open.receive('k', method, 0);
      for (const each of inputs) {
        if (each === 'request' && open.size > 0) assert.notEqual(open.receive('k', method, 0), 'new');
        else if (each === 'ack') open.ack('k');
        else if (each === 'provisional') open.respond('k', 100, Buffer.from('100'));
        else if (each === 'final') open.respond('k', 405, Buffer.from('405'));
        else if (each === 'deadline') open.sweep(SERVER_DEADLINE_MS);
        else if (each === 'transportFailed') open.transportFailed();
      }
      const finals = sent.filter((each) => each === '405').length;
      if (method === 'MESSAGE') assert.ok(finals <= 1);
      assert.ok(
        !sent.slice(sent.indexOf('405') === -1 ? sent.length : sent.indexOf('405')).includes('100'),
        'nothing provisional after the final answer',
      );
    }),
  );
});

test('answers are matched by branch and method, and what matches nothing is said to be a stray', () => {
  const open = new ClientTransactions();
  const heard: ClientResult[] = [];
  open.start('z9hG4bKa', 'MESSAGE', 0, 1000, (result) => heard.push(result));
  assert.equal(open.receive('z9hG4bKb', 'MESSAGE', response(200)), false);
  assert.equal(open.receive('z9hG4bKa', 'CANCEL', response(200)), false);
  assert.equal(open.receive('z9hG4bKa', 'MESSAGE', response(200)), true);
  assert.equal(open.receive('z9hG4bKa', 'MESSAGE', response(200)), false);
  assert.equal(heard.length, 1);
});

test('Timer F fires for those that are due and leaves the others', () => {
  const open = new ClientTransactions();
  const heard: string[] = [];
  open.start('a', 'MESSAGE', 0, TIMER_F_MS, (result) => heard.push(`a ${result.kind}`));
  open.start('b', 'MESSAGE', 500, TIMER_F_MS, (result) => heard.push(`b ${result.kind}`));
  open.sweep(TIMER_F_MS - 1);
  assert.deepEqual(heard, []);
  open.sweep(TIMER_F_MS);
  assert.deepEqual(heard, ['a timeout']);
  assert.equal(open.oldestMs, 500);
});

const FACTS: TransactionFacts = {
  method: 'MESSAGE',
  branch: 'z9hG4bK776',
  sentBy: 'edge.fabrikam.example:',
  topVia: 'SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK776',
  uri: 'sip:li@contoso.example',
  callId: 'c1',
  cseq: 1,
  fromTag: 'n0ra',
};
const KEYS: readonly [string, Partial<TransactionFacts>, Partial<TransactionFacts>, boolean][] = [
  ['the same again', {}, {}, true],
  ['another branch', {}, { branch: 'z9hG4bK777' }, false],
  ['another sent-by', {}, { sentBy: 'other.example:' }, false],
  ['another method', {}, { method: 'OPTIONS' }, false],
  ['another Call-ID but the same branch', {}, { callId: 'c2' }, true],
  ['INVITE and its ACK', { method: 'INVITE' }, { method: 'ACK' }, true],
  ['RFC 2543: no branch, same identifiers', { branch: '' }, { branch: '' }, true],
  ['RFC 2543: no branch, another CSeq', { branch: '' }, { branch: '', cseq: 2 }, false],
  ['RFC 2543: no branch, another Via', { branch: '' }, { branch: '', topVia: 'SIP/2.0/TLS x' }, false],
  ['a branch that is only the cookie tells nothing', { branch: 'z9hG4bK' }, { branch: 'z9hG4bK', callId: 'c2' }, false],
];
for (const [what, a, b, same] of KEYS) {
  test(`server key: ${what}: ${same ? 'one transaction' : 'two'}`, () => {
    assert.equal(serverKey({ ...FACTS, ...a }) === serverKey({ ...FACTS, ...b }), same);
  });
}
