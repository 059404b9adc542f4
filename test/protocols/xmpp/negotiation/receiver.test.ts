// The receiving side's steps by table: what each state does with each thing a peer may say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../../../src/errors.ts';
import type { ProofResult } from '../../../../src/model/ports.ts';
import { type Element, element } from '../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../src/protocols/xmpp/names.ts';
import type { Header } from '../../../../src/protocols/xmpp/negotiation/header.ts';
import {
  type ReceiverAction,
  type ReceiverInput,
  type ReceiverRules,
  type ReceiverState,
  receiverStart,
  receiverStep,
} from '../../../../src/protocols/xmpp/negotiation/receiver.ts';

const rules: ReceiverRules = {
  ours: (domain) => domain === 'corp.example',
  dialback: (domain) => domain === 'old.example',
  limitsBefore: { maxBytes: 10_240 },
  limitsAfter: { maxBytes: 65_536 },
};
const PROVEN: ProofResult = { proven: true, how: 'certificate' };
const UNPROVEN: ProofResult = { proven: false, reason: reason('CERT_PEER_NAME_MISMATCH', 'the certificate names other.example') };
const starttls = element('starttls', NS.tls);
const message = element('message', NS.server, { from: 'a@partner.example', to: 'b@corp.example' });
const auth = (text: string, mechanism = 'EXTERNAL'): Element => element('auth', NS.sasl, { mechanism }, [text]);
const b64 = (text: string): string => Buffer.from(text).toString('base64');

const header = (more: Partial<Header> = {}): ReceiverInput => ({
  kind: 'header',
  header: { from: 'partner.example', to: 'corp.example', dialback: true, ...more },
});
const says = (node: Element): ReceiverInput => ({ kind: 'element', element: node });

/** Runs inputs from a start; the last state and its actions come back. */
function run(
  start: ReceiverState,
  inputs: readonly ReceiverInput[],
): { state: ReceiverState; actions: readonly ReceiverAction[]; all: readonly ReceiverAction[] } {
  let state = start;
  let actions: readonly ReceiverAction[] = [];
  const all: ReceiverAction[] = [];
  for (const input of inputs) {
    [state, actions] = receiverStep(state, input, rules);
    all.push(...actions);
  }
  return { state, actions, all };
}
const endsWith = (actions: readonly ReceiverAction[]): string | undefined => {
  const last = actions.at(-1);
  return last?.do === 'end' ? last.error.condition : undefined;
};

const PLAIN = receiverStart(false);
const SECURE = receiverStart(true);
const secured: ReceiverInput = { kind: 'secured' };
const toTls = [header(), says(starttls), secured];
const judged = (proof: ProofResult): ReceiverInput => ({ kind: 'judged', proof });
const proven = [header(), judged(PROVEN)];

describe('an incoming stream', () => {
  test('offers STARTTLS and nothing else before TLS', () => {
    const { state, actions } = run(PLAIN, [header()]);
    assert.equal(state.is, 'awaitingStarttls');
    const [reply, features] = actions;
    assert.deepEqual(reply, { do: 'sendHeader', from: 'corp.example', to: 'partner.example' });
    assert(features?.do === 'sendFeatures');
    const { starttls: tls, mechanisms, dialback, bidi, streamManagement } = features.features;
    assert.deepEqual([tls, mechanisms, dialback, bidi, streamManagement], ['required', [], false, false, false]);
  });

  test('proceeds to TLS, starts anew, and asks who it is only then', () => {
    const { state, all } = run(PLAIN, [...toTls, header()]);
    assert.equal(state.is, 'awaitingJudgement');
    assert.deepEqual(
      all.map((action) => action.do),
      ['sendHeader', 'sendFeatures', 'send', 'startTls', 'restart', 'sendHeader', 'judge'],
    );
  });

  test('offers EXTERNAL, bidi and limits to a domain that its certificate proves', () => {
    const { state, actions } = run(SECURE, proven);
    assert.equal(state.is, 'awaitingProof');
    const [features] = actions;
    assert(features?.do === 'sendFeatures');
    assert.deepEqual(features.features.mechanisms, ['EXTERNAL']);
    assert.deepEqual([features.features.bidi, features.features.dialback, features.features.limits], [true, false, { maxBytes: 10_240 }]);
  });

  test('does not offer EXTERNAL where it would fail, and says why', () => {
    const { actions } = run(SECURE, [header(), judged(UNPROVEN)]);
    const [end] = actions;
    assert(end?.do === 'end' && end.error.condition === 'not-authorized');
    assert.match(end.error.text ?? '', /names other\.example/);
  });

  test('offers dialback instead where the file of the partner allows it', () => {
    const { state, actions } = run(SECURE, [header({ from: 'old.example' }), judged(UNPROVEN)]);
    const [features] = actions;
    assert(features?.do === 'sendFeatures' && state.is === 'awaitingProof');
    assert.deepEqual([features.features.mechanisms, features.features.dialback], [[], true]);
  });

  for (const authzid of [b64('partner.example'), b64('Partner.Example'), '=', '']) {
    test(`accepts EXTERNAL with ${JSON.stringify(authzid)} and restarts`, () => {
      const { state, actions } = run(SECURE, [...proven, says(auth(authzid))]);
      assert.equal(state.is, 'awaitingRestart');
      assert.deepEqual(
        actions.map((action) => (action.do === 'send' ? action.element.name : action.do)),
        ['success', 'restart'],
      );
    });
  }

  const failures: readonly [what: string, node: Element, condition: string][] = [
    ['another domain', auth(b64('other.example')), 'invalid-authzid'],
    ['our own domain', auth(b64('corp.example')), 'invalid-authzid'],
    ['a user', auth(b64('a@partner.example')), 'invalid-authzid'],
    ['what is not base64', auth('!!!'), 'incorrect-encoding'],
    ['base64 with a space', auth('cGFy dG5l'), 'incorrect-encoding'],
    ['another mechanism', auth('', 'PLAIN'), 'invalid-mechanism'],
  ];
  for (const [what, node, condition] of failures) {
    test(`answers EXTERNAL for ${what} with ${condition} and ends`, () => {
      const { state, actions } = run(SECURE, [...proven, says(node)]);
      const [failure] = actions;
      assert(failure?.do === 'send' && failure.element.name === 'failure');
      assert.equal((failure.element.children[0] as Element).name, condition);
      assert.equal(state.is, 'ended');
      assert.equal(endsWith(actions), 'not-authorized');
    });
  }

  test('stays open for dialback after a failed EXTERNAL only where the file allows it', () => {
    const { state } = run(SECURE, [header({ from: 'old.example' }), judged(PROVEN), says(auth(b64('other.example')))]);
    assert(state.is === 'awaitingProof' && !state.external);
    assert.equal(run(state, [says(auth('='))]).state.is, 'awaitingProof');
  });

  test('is open after the restart, with stream management and larger limits', () => {
    const { state, actions } = run(SECURE, [...proven, says(auth('=')), header()]);
    assert.equal(state.is, 'open');
    const [, features, authenticate] = actions;
    assert(features?.do === 'sendFeatures' && features.features.streamManagement);
    assert.deepEqual(features.features.limits, { maxBytes: 65_536 });
    assert.deepEqual(authenticate, { do: 'authenticate', from: 'partner.example', to: 'corp.example', how: 'external', bidi: false });
  });

  test('remembers that both directions were asked for before authentication', () => {
    const { state } = run(SECURE, [...proven, says(element('bidi', NS.bidi)), says(auth('=')), header()]);
    assert(state.is === 'open' && state.bidi);
  });

  test('keeps the pair across the restart', () => {
    const restarting = [...proven, says(auth('='))];
    assert.equal(endsWith(run(SECURE, [...restarting, header({ from: 'other.example' })]).actions), 'invalid-from');
    assert.equal(endsWith(run(SECURE, [...restarting, header({ to: 'other.example' })]).actions), 'host-unknown');
    const { state } = run(SECURE, [...restarting, { kind: 'header', header: { dialback: false } }]);
    assert(state.is === 'open' && state.from === 'partner.example');
  });

  test('opens by dialback without a restart, for the pair that was proven', () => {
    const start = [header({ from: 'old.example' }), judged(UNPROVEN), says(element('bidi', NS.bidi))];
    const same = run(SECURE, [...start, { kind: 'proved', from: 'old.example', to: 'corp.example' }]);
    assert.deepEqual(same.actions, [{ do: 'authenticate', from: 'old.example', to: 'corp.example', how: 'dialback', bidi: true }]);
    const other = run(SECURE, [...start, { kind: 'proved', from: 'rooms.old.example', to: 'corp.example' }]);
    assert(other.state.is === 'open' && !other.state.bidi);
  });

  test('hands dialback on before it is open, stanzas only after', () => {
    const result = element('result', NS.dialback, { from: 'old.example', to: 'corp.example' }, ['k']);
    const waiting = [header({ from: 'old.example' }), judged(UNPROVEN)];
    assert.deepEqual(run(SECURE, [...waiting, says(result)]).actions, [{ do: 'take', element: result }]);
    assert.equal(endsWith(run(SECURE, [...waiting, says(message)]).actions), 'not-authorized');
    // A certificate that proves the domain needs no file for it (XEP-0344).
    assert.deepEqual(run(SECURE, [...proven, says(result)]).actions, [{ do: 'take', element: result }]);
    assert.deepEqual(run(SECURE, [...proven, says(auth('=')), header(), says(message)]).actions, [{ do: 'take', element: message }]);
  });

  const refused: readonly [what: string, start: ReceiverState, inputs: readonly ReceiverInput[], condition: string][] = [
    ['a domain that is not ours', PLAIN, [header({ to: 'other.example' })], 'host-unknown'],
    ['no to', PLAIN, [{ kind: 'header', header: { from: 'partner.example', dialback: false } }], 'improper-addressing'],
    ['no from inside TLS', SECURE, [{ kind: 'header', header: { to: 'corp.example', dialback: false } }], 'improper-addressing'],
    ['our own domain as from', PLAIN, [header({ from: 'corp.example' })], 'invalid-from'],
    ['a stanza before TLS', PLAIN, [header(), says(message)], 'not-authorized'],
    ['SASL before TLS', PLAIN, [header(), says(auth('='))], 'policy-violation'],
    ['dialback before TLS', PLAIN, [header(), says(element('result', NS.dialback))], 'policy-violation'],
    ['a stanza before authentication', SECURE, [...proven, says(message)], 'not-authorized'],
    ['a second header', PLAIN, [header(), header()], 'bad-format'],
    ['an unknown element', SECURE, [...proven, says(element('x', 'urn:x'))], 'policy-violation'],
    ['STARTTLS inside TLS', SECURE, [...proven, says(starttls)], 'policy-violation'],
    ['elements while TLS is being made', PLAIN, [header(), says(starttls), says(message)], 'not-authorized'],
    ['elements instead of the restart', SECURE, [...proven, says(auth('=')), says(message)], 'not-authorized'],
  ];
  for (const [what, start, inputs, condition] of refused) {
    test(`refuses ${what} with ${condition}`, () => {
      const { state, actions } = run(start, inputs);
      assert.equal(endsWith(actions), condition);
      assert.equal(state.is, 'ended');
    });
  }

  test('answers an unknown domain with a header that does not claim to be it', () => {
    const [reply] = run(PLAIN, [header({ to: 'other.example' })]).actions;
    assert.deepEqual(reply, { do: 'sendHeader', to: 'partner.example' });
  });

  test('says nothing once ended', () => {
    const { state } = run(PLAIN, [header({ to: 'other.example' })]);
    assert.deepEqual(run(state, [header(), says(message), secured]).all, []);
  });
});
