import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../src/model/address.ts';
import type { Event, ImSent, Origin, PresenceRequested } from '../../src/model/event.ts';
import type { Table } from '../../src/model/table.ts';
import { decide, type Facts } from '../../src/routing/decide.ts';
import { ALLOW, ownDomain, partner, rule, table } from '../support/table.ts';

const nora: Address = { local: 'nora', domain: 'corp.example' };
const li: Address = { local: 'li', domain: 'partner.example' };
const facts: Facts = { nowMs: 1_000_000, knows: false };

const outside = (more: Partial<Origin> = {}): Origin => ({
  network: 'xmpp',
  side: 'edge',
  peer: 'partner.example',
  connection: 'c1',
  proof: 'certificate',
  ...more,
});
const inside: Origin = { network: 'sip', side: 'inside', peer: 'fe1.corp.example', connection: 'c2', proof: 'inside' };

function message(from: Address, to: Address, origin: Origin): ImSent {
  return {
    kind: 'im.sent',
    id: 'e1',
    at: 0,
    origin,
    from,
    to,
    body: 'hello',
    style: 'chat',
    wants: { delivered: false, displayed: false },
    ids: {},
  };
}
function asks(from: Address, to: Address, origin: Origin): PresenceRequested {
  return { kind: 'presence.requested', id: 'e2', at: 0, origin, from, to };
}
const corp = ownDomain('corp.example', 'sip');
const plain = table([corp], [partner('partner.example')]);

function verdict(event: Event, rules: Table, more: Partial<Facts> = {}): string {
  const decision = decide(event, rules, { ...facts, ...more });
  return decision.kind === 'allow'
    ? `allow ${decision.hop.network} ${decision.hop.side}`
    : `${decision.kind} ${decision.reason.code} ${decision.reason.file ?? ''}${decision.reason.key ?? ''}`;
}

describe('decide', () => {
  const rows: readonly (readonly [title: string, event: Event, rules: Table, expected: string, facts?: Partial<Facts>])[] = [
    ['a listed partner reaches a user of ours', message(li, nora, outside()), plain, 'allow sip inside'],
    ['a user of ours reaches a listed partner', message(nora, li, inside), plain, 'allow xmpp edge'],
    [
      'a sender outside who claims one of our domains is refused',
      message(nora, nora, outside()),
      plain,
      'refuse AUTH_LOCAL_DOMAIN_OUTSIDE routes/domains.yaml/domains/corp.example',
    ],
    [
      'partner to partner is never relayed',
      message(li, { local: 'eve', domain: 'other.example' }, outside()),
      plain,
      'refuse ROUTE_RELAY_REFUSED routes/domains.yaml/domains',
    ],
    [
      'a domain without a file is refused while federation is closed',
      message({ local: 'eve', domain: 'new.example' }, nora, outside({ peer: 'new.example' })),
      plain,
      'refuse POLICY_PARTNER_UNLISTED routes/policy.yaml/federation',
    ],
    [
      'a discovered stranger waits until a user of ours invites',
      message({ local: 'eve', domain: 'new.example' }, nora, outside({ peer: 'new.example' })),
      table([corp], [], { federation: 'discovered' }),
      'hold POLICY_FIRST_CONTACT routes/policy.yaml/discovered',
    ],
    [
      'a discovered contact that is known passes',
      message({ local: 'eve', domain: 'new.example' }, nora, outside({ peer: 'new.example' })),
      table([corp], [], { federation: 'discovered' }),
      'allow sip inside',
      { knows: true },
    ],
    [
      'a discovered domain pinned to the other protocol is refused',
      message({ local: 'eve', domain: 'new.example' }, nora, outside({ peer: 'new.example' })),
      table([corp], [], { federation: 'discovered' }),
      'refuse PARTNER_OTHER_PROTOCOL routes/policy.yaml/discovered',
      { pinned: 'sip' },
    ],
    [
      'federation off stops everything',
      message(li, nora, outside()),
      table([corp], [partner('partner.example')], { federation: 'off' }),
      'refuse POLICY_FEDERATION_OFF routes/policy.yaml/federation',
    ],
    [
      'blocked beats listed',
      message(li, nora, outside()),
      table([corp], [partner('partner.example')], {
        blocked: [{ domain: 'partner.example', subdomains: false, where: { file: 'routes/policy.yaml', key: '/blocked/0' } }],
      }),
      'refuse POLICY_BLOCKED routes/policy.yaml/blocked/0',
    ],
    [
      'a block that has run out blocks nobody',
      message(li, nora, outside()),
      table([corp], [partner('partner.example')], {
        blocked: [{ user: 'li@partner.example', subdomains: false, untilMs: 10, where: { file: 'routes/policy.yaml', key: '/blocked/0' } }],
      }),
      'allow sip inside',
    ],
    [
      'a blocked network blocks by the address of the connection',
      message(li, nora, outside({ address: '198.51.100.7' })),
      table([corp], [partner('partner.example')], {
        blocked: [{ address: '198.51.100.0/24', subdomains: false, where: { file: 'routes/policy.yaml', key: '/blocked/2' } }],
      }),
      'refuse POLICY_BLOCKED routes/policy.yaml/blocked/2',
    ],
    [
      'dialback is refused unless the partner asks for it',
      message(li, nora, outside({ proof: 'dialback' })),
      plain,
      'refuse PARTNER_PROOF_REFUSED routes/partners/partner.example.yaml',
    ],
    [
      'a dialback partner is a stranger until invited, whatever firstContact says',
      message(li, nora, outside({ proof: 'dialback' })),
      table([corp], [partner('partner.example', { xmpp: { ...partner('x').xmpp, proof: 'dialback' } })]),
      'hold POLICY_FIRST_CONTACT routes/partners/partner.example.yaml',
    ],
    [
      'an ethical wall beats the partner entry in both directions',
      message(nora, li, inside),
      table([corp], [partner('partner.example')], {
        groups: new Map([['traders', new Set(['nora@corp.example'])]]),
        rules: [rule({ who: { kind: 'group', group: 'traders' }, with: { kind: 'domain', domain: 'partner.example' }, messages: 'none' })],
      }),
      'refuse POLICY_MESSAGES_OFF routes/policy.yaml/rules/0/messages',
    ],
    [
      'presence toward a partner needs theySee',
      asks(li, nora, outside()),
      table([corp], [partner('partner.example', { allow: { ...ALLOW, theySee: [] } })]),
      'refuse POLICY_PRESENCE_OFF routes/partners/partner.example.yaml',
    ],
    [
      'presence of a partner needs weSee',
      asks(nora, li, inside),
      table([corp], [partner('partner.example', { allow: { ...ALLOW, weSee: false } })]),
      'refuse POLICY_PRESENCE_OFF routes/partners/partner.example.yaml',
    ],
    [
      'a SIP partner of a SIP-served domain does not cross here',
      message(li, nora, outside({ network: 'sip' })),
      plain,
      'refuse ROUTE_SAME_PROTOCOL routes/domains.yaml/domains/corp.example/sameProtocol',
    ],
    [
      'sameProtocol lets it cross',
      message(li, nora, outside({ network: 'sip' })),
      table([ownDomain('corp.example', 'sip', { sameProtocol: true })], [partner('partner.example')]),
      'allow sip inside',
    ],
    [
      'to users of the core over any protocol',
      message(li, nora, outside()),
      table([ownDomain('corp.example', 'core')], [partner('partner.example')]),
      'allow core local',
    ],
    [
      'the first preferred protocol that is not our own is used outward',
      message(nora, li, inside),
      table([corp], [partner('partner.example', { prefer: ['sip', 'xmpp'] })]),
      'allow xmpp edge',
    ],
    [
      'a partner paused with refuse is refused by its own file',
      message(nora, li, inside),
      table([corp], [partner('partner.example', { paused: { messages: 'refuse' } })]),
      'refuse PARTNER_PAUSED routes/partners/partner.example.yaml/paused',
    ],
    [
      'users of two domains of ours reach each other without a partner entry',
      message(nora, { local: 'omar', domain: 'chat.example' }, inside),
      table([corp, ownDomain('chat.example', 'xmpp')], []),
      'allow xmpp inside',
    ],
    [
      'an alias of ours is ours',
      message({ local: 'nora', domain: 'old-corp.example' }, nora, outside()),
      table([ownDomain('corp.example', 'sip', { aliases: ['old-corp.example'] })], [partner('partner.example')]),
      'refuse AUTH_LOCAL_DOMAIN_OUTSIDE routes/domains.yaml/domains/corp.example',
    ],
  ];
  for (const [title, event, rules, expected, more] of rows) test(title, () => assert.equal(verdict(event, rules, more), expected));

  test('ending a view is let through where a grant would not be', () => {
    const closed = table([corp], [partner('partner.example', { allow: { ...ALLOW, theySee: [], weSee: false } })]);
    const ended: Event = {
      kind: 'presence.ended',
      id: 'e',
      at: 0,
      origin: outside(),
      from: li,
      to: nora,
      by: 'watcher',
      reason: 'unsubscribed',
      retry: 'never',
    };
    assert.equal(verdict(ended, closed), 'allow sip inside');
  });

  test('a rule can narrow what the partner entry shows, never widen it', () => {
    const see = (theySee: readonly ('availability' | 'note')[]) =>
      table([corp], [partner('partner.example', { allow: { ...ALLOW, theySee: ['availability'] } })], { rules: [rule({ theySee })] });
    const shown = (rules: Table): readonly string[] => {
      const decision = decide(asks(li, nora, outside()), rules, facts);
      return decision.kind === 'allow' ? decision.theySee : [];
    };
    assert.deepEqual(shown(see(['availability', 'note'])), ['availability']);
    assert.deepEqual(shown(see([])), []);
  });
});
