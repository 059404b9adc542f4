// The initiating side's steps by table.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../../../src/errors.ts';
import type { ProofResult } from '../../../../src/model/ports.ts';
import { type Element, element } from '../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../src/protocols/xmpp/names.ts';
import { type Features, featuresElement, NO_FEATURES, readFeatures } from '../../../../src/protocols/xmpp/negotiation/features.ts';
import {
  type InitiatorAction,
  type InitiatorInput,
  type InitiatorPlan,
  type InitiatorState,
  initiatorStart,
  initiatorStep,
} from '../../../../src/protocols/xmpp/negotiation/initiator.ts';
import { failureElement, SUCCESS } from '../../../../src/protocols/xmpp/negotiation/sasl-external.ts';

const PLAN: InitiatorPlan = {
  ourDomain: 'corp.example',
  theirDomain: 'partner.example',
  ourName: 'corp.example',
  dialback: false,
  purpose: 'send',
  bidi: true,
};
const DIALBACK: InitiatorPlan = { ...PLAN, dialback: true };
const PROVEN: InitiatorInput = { kind: 'judged', proof: { proven: true, how: 'certificate' } };
const lies: ProofResult = { proven: false, reason: reason('CERT_PEER_SELF_SIGNED', 'self-signed') };
const UNPROVEN: InitiatorInput = { kind: 'judged', proof: lies };
const header: InitiatorInput = { kind: 'header', header: { id: 's1', dialback: true } };
const says = (node: Element): InitiatorInput => ({ kind: 'element', element: node });
const features = (more: Partial<Features>): InitiatorInput => says(featuresElement({ ...NO_FEATURES, ...more }));
const EXTERNAL = { mechanisms: ['EXTERNAL'] };

function run(
  secure: boolean,
  inputs: readonly InitiatorInput[],
  plan = PLAN,
): { state: InitiatorState; actions: readonly InitiatorAction[]; did: string[] } {
  let [state, actions] = initiatorStart(secure);
  const did = actions.map(name);
  for (const input of inputs) {
    [state, actions] = initiatorStep(state, input, plan);
    did.push(...actions.map(name));
  }
  return { state, actions, did };
}
const name = (action: InitiatorAction): string => (action.do === 'send' ? `<${action.element.name}>` : action.do);
const failure = (actions: readonly InitiatorAction[]): string => {
  const last = actions.at(-1);
  return last?.do === 'fail' ? `${last.reason.code} ${last.reason.text}` : 'no failure';
};

describe('a stream of ours', () => {
  test('goes through STARTTLS, judges the certificate, then proves itself by EXTERNAL', () => {
    const inputs = [
      header,
      features({ starttls: 'required' }),
      says(element('proceed', NS.tls)),
      { kind: 'secured' },
      PROVEN,
      header,
      features(EXTERNAL),
      says(SUCCESS),
      header,
      features({}),
    ] satisfies InitiatorInput[];
    const { state, did, actions } = run(false, inputs);
    assert.deepEqual(did, [
      'sendHeader',
      '<starttls>',
      'startTls',
      'judge',
      'restart',
      'sendHeader',
      '<auth>',
      'restart',
      'sendHeader',
      'open',
    ]);
    assert.equal(state.is, 'open');
    assert.deepEqual(actions, [{ do: 'open', bidi: false, streamManagement: false, limits: {}, how: 'external' }]);
  });

  test('with direct TLS judges before it says a word', () => {
    assert.deepEqual(run(true, []).did, ['judge']);
    assert.deepEqual(run(true, [PROVEN]).did, ['judge', 'restart', 'sendHeader']);
  });

  test('sends its domain as authorization identity', () => {
    const { actions } = run(true, [PROVEN, header, features(EXTERNAL)]);
    const [auth] = actions;
    assert(auth?.do === 'send');
    assert.equal(auth.element.attrs.mechanism, 'EXTERNAL');
    assert.equal(Buffer.from(String(auth.element.children[0]), 'base64').toString(), 'corp.example');
  });

  test('asks for both directions before authentication, where they are offered', () => {
    const { did, state } = run(true, [PROVEN, header, features({ ...EXTERNAL, bidi: true }), says(SUCCESS), header, features({})]);
    assert.deepEqual(did.slice(3), ['<bidi>', '<auth>', 'restart', 'sendHeader', 'open']);
    assert(state.is === 'open' && state.bidi);
  });

  test('enables stream management where it is offered, and opens whether it is granted or not', () => {
    const start = [
      PROVEN,
      header,
      features(EXTERNAL),
      says(SUCCESS),
      header,
      features({ streamManagement: true, limits: { maxBytes: 20_000 } }),
    ];
    assert.equal(run(true, start).did.at(-1), '<enable>');
    for (const [answer, granted] of [
      ['enabled', true],
      ['failed', false],
    ] as const) {
      const { actions } = run(true, [...start, says(element(answer, NS.sm))]);
      assert.deepEqual(actions, [{ do: 'open', bidi: false, streamManagement: granted, limits: { maxBytes: 20_000 }, how: 'external' }]);
    }
  });

  test('says nothing to a server that is not who it called', () => {
    for (const secure of [true, false]) {
      const before: InitiatorInput[] = secure
        ? []
        : [header, features({ starttls: 'offered' }), says(element('proceed', NS.tls)), { kind: 'secured' }];
      const { did, actions } = run(secure, [...before, UNPROVEN]);
      assert.match(failure(actions), /^CERT_PEER_SELF_SIGNED/);
      assert(!did.includes('<auth>'));
    }
  });

  test('dials back where the file of the partner says so: no EXTERNAL offered, or refused', () => {
    const offered = features({ dialback: true });
    const first = run(true, [UNPROVEN, header, offered], DIALBACK);
    assert.deepEqual(first.actions, [{ do: 'sendKey', streamId: 's1' }]);
    const refused = run(
      true,
      [UNPROVEN, header, features({ ...EXTERNAL, dialback: true }), says(failureElement('not-authorized'))],
      DIALBACK,
    );
    assert.deepEqual(refused.actions, [{ do: 'sendKey', streamId: 's1' }]);
    // The header's declaration is the offer of old servers.
    assert.deepEqual(run(true, [UNPROVEN, header, features({})], DIALBACK).actions, [{ do: 'sendKey', streamId: 's1' }]);
    const open = run(true, [UNPROVEN, header, offered, { kind: 'dialbackAnswer', valid: true, text: 'valid' }], DIALBACK);
    assert.deepEqual(open.actions, [{ do: 'open', bidi: false, streamManagement: false, limits: {}, how: 'dialback' }]);
    const denied = run(
      true,
      [UNPROVEN, header, offered, { kind: 'dialbackAnswer', valid: false, text: 'remote-server-timeout' }],
      DIALBACK,
    );
    assert.match(failure(denied.actions), /remote-server-timeout/);
  });

  test('without that key in the file never dials back', () => {
    assert.match(failure(run(true, [PROVEN, header, features({ dialback: true })]).actions), /does not accept our certificate/);
    const refused = failureElement('not-authorized', 'unable to get local issuer certificate');
    assert.match(
      failure(run(true, [PROVEN, header, features({ ...EXTERNAL, dialback: true }), says(refused)]).actions),
      /not-authorized \(unable to get/,
    );
  });

  test('asks its one question as soon as the features are there', () => {
    const { actions } = run(true, [UNPROVEN, header, features(EXTERNAL)], { ...DIALBACK, purpose: 'verify' });
    assert.deepEqual(actions, [{ do: 'askVerdict' }]);
  });

  const failures: readonly [what: string, inputs: readonly InitiatorInput[], pattern: RegExp][] = [
    ['no STARTTLS', [header, features({ mechanisms: ['EXTERNAL'] })], /NET_TLS_FAILED .*does not offer STARTTLS/],
    ['a failure of STARTTLS', [header, features({ starttls: 'offered' }), says(element('failure', NS.tls))], /NET_TLS_FAILED/],
    ['a stanza instead of features', [header, says(element('message', NS.server))], /NET_STREAM_FAILED .*<message\/>.*awaitingFeatures/],
    ['features twice', [header, features({ starttls: 'offered' }), features({})], /awaitingProceed/],
    ['success out of turn', [header, says(SUCCESS)], /<success\/>.*awaitingFeatures/],
    ['a second header', [header, header], /header.*awaitingFeatures/],
  ];
  for (const [what, inputs, pattern] of failures)
    test(`fails on ${what}`, () => assert.match(failure(run(false, inputs).actions), pattern));
});

describe('features', () => {
  test('read as they were written', () => {
    const all: Features = {
      starttls: 'required',
      mechanisms: ['EXTERNAL', 'PLAIN'],
      dialback: true,
      bidi: true,
      streamManagement: true,
      limits: { maxBytes: 65_536, idleSeconds: 600 },
    };
    assert.deepEqual(readFeatures(featuresElement(all)), all);
    assert.deepEqual(readFeatures(featuresElement(NO_FEATURES)), NO_FEATURES);
  });

  test('ignore limits that make no sense', () => {
    const limits = (value: string): Features['limits'] =>
      readFeatures(element('features', NS.streams, {}, [element('limits', NS.limits, {}, [element('max-bytes', NS.limits, {}, [value])])]))
        .limits;
    for (const value of ['', '0', '-1', '1e9', '9999', '99999999999', 'x']) assert.deepEqual(limits(value), {}, value);
    assert.deepEqual(limits(' 10000 '), { maxBytes: 10_000 });
  });
});
