// Split domains (`served: core` with `otherwise:`): each address is served where its user lives, and nobody else speaks for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Address, bareKey } from '../../src/model/address.ts';
import type { Event, ImSent, Origin } from '../../src/model/event.ts';
import type { OwnDomain } from '../../src/model/table.ts';
import { decide } from '../../src/routing/decide.ts';
import { judgeTest } from '../../src/routing/policy-test.ts';
import { wayTo } from '../../src/routing/way.ts';
import { ownDomain, partner, rule, table } from '../support/table.ts';

const at = (local: string, domain = 'people.example'): Address => ({ local, domain });
const nora = at('nora');
const omar = at('omar');
const inge = at('inge');
const emil = at('emil');
const ann = at('ann', 'partner.example');
const IN_CORE = new Set([nora, omar].map(bareKey));
const inCore = (address: Address): boolean => IN_CORE.has(bareKey(address));

function split(served: 'sip' | 'xmpp'): OwnDomain {
  const where = { file: 'routes/domains.yaml', key: '/domains/people.example/otherwise' };
  const otherwise = { ...ownDomain('people.example', served, { aliases: ['people-old.example'], sameProtocol: true, where }), served };
  return ownDomain('people.example', 'core', { aliases: ['people-old.example'], otherwise });
}
const rules = table([split('sip')], [partner('partner.example', { prefer: ['sip'] })]);

const CORE: Origin = { network: 'core', side: 'local', peer: 'people.example', connection: 'c', proof: 'account' };
const INSIDE: Origin = { network: 'sip', side: 'inside', peer: 'fe1.people.example', connection: 'c', proof: 'inside' };
const OUTSIDE: Origin = { network: 'sip', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' };
const says = (from: Address, to: Address, origin: Origin): ImSent => ({
  ...{ kind: 'im.sent', id: 'e', at: 0, origin, from, to, body: 'hello', style: 'chat', ids: {} },
  wants: { delivered: false, displayed: false },
});
const asks = (from: Address, to: Address, origin: Origin): Event => ({ kind: 'presence.requested', id: 'e', at: 0, origin, from, to });

function verdict(event: Event, set = rules): string {
  const decision = decide(event, set, { nowMs: 0, knows: false, inCore });
  if (decision.kind !== 'allow') return `${decision.kind} ${decision.reason.code}`;
  const { network, side, theirDomain } = decision.hop;
  return `${network} ${side} ${theirDomain}`;
}

describe('a split domain', () => {
  const rows: readonly (readonly [string, Event, string])[] = [
    ['a user of the core writes to one of the inside', says(nora, inge, CORE), 'sip inside people.example'],
    ['and back', says(inge, nora, INSIDE), 'core local people.example'],
    ['also under another name of the domain', says(inge, at('nora', 'people-old.example'), INSIDE), 'core local people-old.example'],
    ['presence goes the same ways', asks(nora, inge, CORE), 'sip inside people.example'],
    ['presence goes back the same way', asks(inge, nora, INSIDE), 'core local people.example'],
    ['a partner reaches who is in the core', says(ann, nora, OUTSIDE), 'core local people.example'],
    ['a partner of the same protocol reaches who is inside', says(ann, inge, OUTSIDE), 'sip inside people.example'],
    ['who is inside reaches a partner of the same protocol', says(inge, ann, INSIDE), 'sip edge partner.example'],
    ['the internal system does not speak for a user of the core', says(nora, ann, INSIDE), 'refuse AUTH_NOT_AN_INSIDE_SERVER'],
    ['not to colleagues either', says(omar, nora, INSIDE), 'refuse AUTH_NOT_AN_INSIDE_SERVER'],
    ['and does not ask for their presence', asks(nora, ann, INSIDE), 'refuse AUTH_NOT_AN_INSIDE_SERVER'],
    ['whom neither knows is nobody: what comes from inside is not sent back', says(inge, emil, INSIDE), 'refuse PEER_UNKNOWN_USER'],
    ['nor is a request for presence', asks(inge, emil, INSIDE), 'refuse PEER_UNKNOWN_USER'],
    ['nobody from outside claims to be of ours', says(nora, inge, OUTSIDE), 'refuse AUTH_LOCAL_DOMAIN_OUTSIDE'],
  ];
  for (const [title, event, expected] of rows) test(title, () => assert.equal(verdict(event), expected));

  test('colleagues of both systems meet no policy of the border', () => {
    const closed = table([split('sip')], [], {
      federation: 'off',
      rules: [rule({ who: { kind: 'everyone' }, with: { kind: 'everyone' }, messages: 'none', weSee: false, theySee: [] })],
    });
    assert.equal(verdict(says(nora, inge, CORE), closed), 'sip inside people.example');
    assert.equal(verdict(asks(inge, nora, INSIDE), closed), 'core local people.example');
    assert.equal(verdict(says(inge, ann, INSIDE), closed), 'refuse POLICY_FEDERATION_OFF');
  });

  test('with an internal XMPP server likewise', () => {
    const other = table([split('xmpp')], [partner('partner.example')]);
    assert.equal(verdict(says(nora, inge, CORE), other), 'xmpp inside people.example');
    assert.equal(verdict(says(inge, nora, { ...INSIDE, network: 'xmpp' }), other), 'core local people.example');
    assert.equal(verdict(says(ann, inge, { ...OUTSIDE, network: 'xmpp' }), other), 'xmpp inside people.example');
  });

  test('the way for last words knows it too', () => {
    assert.equal(wayTo(ann, inge, rules, inCore)?.network, 'sip');
    assert.equal(wayTo(ann, nora, rules, inCore)?.network, 'core');
  });

  test('tests: of the policy judge a user of the core by the core', () => {
    const test = { from: 'nora@people.example', to: 'ann@partner.example', where: { file: 'routes/policy.yaml', key: '/tests/0' } };
    assert.equal(judgeTest(rules, test, 0).message.allowed, true);
  });
});
