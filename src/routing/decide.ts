// May it, and to which shore? decide() is pure and refuses by default; its reason names the file and key that decided.
// The three gates stand in this order: the federation switch, the partner's entry (proof, protocol, pause), the users'
// rules. Blocked beats all. What depends on state (first contact, pins, limits) is handed in as facts.

import { reason } from '../errors.ts';
import { type Address, bare, show } from '../model/address.ts';
import type { Event } from '../model/event.ts';
import type { Hop } from '../model/ports.ts';
import { PRESENCE_DETAILS, type PresenceDetail } from '../model/presence.ts';
import type { Reason } from '../model/reason.ts';
import { type InCore, insideOf, type OwnDomain, type Partner, type Protocol, type Table, type Where } from '../model/table.ts';
import { partnerOf } from './partner.ts';
import { blockedBy, type Effective, effective } from './rules.ts';
import { insideHop, protocolFor, serverOf } from './way.ts';

/** What decide() cannot know from the event and the table. */
export interface Facts {
  /** Wall ms. */
  readonly nowMs: number;
  /** Has the user of ours invited, written to or approved the stranger before? Asked only where it matters. */
  readonly knows: boolean;
  /** The protocol a discovered partner has proven itself with. */
  readonly pinned?: Protocol;
  /** Which users of split domains live in the core; absent: not known. */
  readonly inCore?: InCore;
}

export type Decision =
  | {
      readonly kind: 'allow';
      readonly hop: Hop;
      readonly theySee: readonly PresenceDetail[];
      readonly because: Where;
      readonly paused?: 'hold';
    }
  /** A stranger's first contact: it waits for a decision of ours, and the stranger learns nothing. */
  | { readonly kind: 'hold'; readonly hop: Hop; readonly reason: Reason }
  | { readonly kind: 'refuse'; readonly reason: Reason };

/** Where a presence event's two people stand: who watches whom. */
function watcherIsSender(event: Event): boolean {
  switch (event.kind) {
    case 'presence.requested':
    case 'presence.probed':
    case 'presence.watcherOnline':
    case 'presence.watcherOffline':
      return true;
    case 'presence.ended':
      return event.by === 'watcher';
    default:
      return false;
  }
}

/** Decides one event. Pure: the same event, table and facts give the same answer. */
export function decide(event: Event, table: Table, facts: Facts): Decision {
  const fromDomain = table.domains.get(event.from.domain);
  const toDomain = table.domains.get(event.to.domain);
  const fromOurs = fromDomain && senderOf(event, fromDomain, facts.inCore);
  const toOurs = toDomain && serverOf(event.to, toDomain, facts.inCore);

  // DESIGN 2: our own domains are never accepted from outside.
  if (event.origin.side === 'edge' && fromOurs !== undefined)
    return refuse(
      'AUTH_LOCAL_DOMAIN_OUTSIDE',
      `${event.from.domain} is a domain of ours and arrived from outside, by ${event.origin.peer}`,
      fromOurs.where,
    );
  // In a split domain the internal system speaks for its own users only.
  if (event.origin.side === 'inside' && fromDomain?.otherwise !== undefined && fromOurs?.served === 'core')
    return refuse(
      'AUTH_NOT_AN_INSIDE_SERVER',
      `${show(event.from)} lives in the core, and nobody else may speak for them; ${event.origin.peer} did`,
      fromDomain.otherwise.where,
    );
  // DESIGN 2: partner to partner is never relayed.
  if (fromOurs === undefined && toOurs === undefined)
    return refuse('ROUTE_RELAY_REFUSED', `neither ${event.from.domain} nor ${event.to.domain} is a domain of ours`, {
      file: 'routes/domains.yaml',
      key: '/domains',
    });

  if (toOurs !== undefined && fromOurs !== undefined) return betweenOurs(event, fromOurs, toOurs);
  return toOurs === undefined
    ? outward(event, fromOurs as OwnDomain, table, facts) // exactly one side is ours here
    : inward(event, toOurs, table, facts);
}

/** What the sender speaks through. Where nothing is known of people, the connection says it. */
function senderOf({ from, origin }: Event, own: OwnDomain, inCore: InCore | undefined): OwnDomain {
  return inCore === undefined && origin.side === 'inside' ? insideOf(own) : serverOf(from, own, inCore);
}

function betweenOurs(event: Event, from: OwnDomain, to: OwnDomain): Decision {
  if (from.domain === to.domain && event.origin.side === 'inside' && to.served !== 'core') {
    // Whom neither the core nor the internal system of a split domain knows is nobody; nothing is ever sent back to where it came from.
    const nobody = `${show(event.to)} is no user of the core, and the internal system of ${to.domain} has sent it here`;
    if (to.where.key.endsWith('/otherwise')) return refuse('PEER_UNKNOWN_USER', nobody, to.where);
    return refuse('ROUTE_LOOP', `${to.domain} sent ${show(event.to)}, a user of its own, out to us`, to.where);
  }
  return arrive(event, to, from, to.where, PRESENCE_DETAILS);
}

function inward(event: Event, own: OwnDomain, table: Table, facts: Facts): Decision {
  const gate = partnerGate(event.from, event, table, facts);
  if ('reason' in gate) return { kind: 'refuse', reason: gate.reason };
  const { partner } = gate;

  if (event.origin.side === 'edge') {
    const spoken = event.origin.network as Protocol;
    if (!partner.prefer.includes(spoken))
      return refuse(
        'PARTNER_OTHER_PROTOCOL',
        `${partner.name} is a partner over ${partner.prefer.join(' and ')}, not ${spoken}`,
        partner.sources.get('prefer') ?? partner.where,
      );
    if (partner.discovered && facts.pinned !== undefined && facts.pinned !== spoken)
      return refuse(
        'PARTNER_OTHER_PROTOCOL',
        `${partner.name} has proven itself over ${facts.pinned}; ${spoken} is refused while that holds`,
        partner.where,
      );
    const proof = event.origin.proof;
    const wanted = spoken === 'sip' ? partner.sip.proof : partner.xmpp.proof;
    if (proof === 'none' || (proof === 'dialback' && wanted !== 'dialback'))
      return refuse(
        'PARTNER_PROOF_REFUSED',
        `${partner.name} was proven by ${proof}; ${wanted} is asked for`,
        partner.sources.get(`${spoken}.proof`) ?? partner.where,
      );
  }
  const rules = effective(table, partner, event.to, event.from, overOf(event));
  const refusal = directionGate(event, rules, 'fromThem');
  if (refusal !== undefined) return { kind: 'refuse', reason: refusal };

  const decision = arrive(event, own, undefined, allowedBy(event, rules, 'fromThem'), rules.theySee.value, partner);
  if (decision.kind !== 'allow') return decision;
  // DESIGN 7: unverified sources - a local user must invite first.
  const asks = event.kind === 'im.sent' || event.kind === 'presence.requested';
  const unproven = event.origin.proof === 'dialback';
  if (event.origin.side === 'edge' && asks && !facts.knows && (rules.firstContact.value === 'localUserInvites' || unproven)) {
    const where = rules.firstContact.where;
    const why =
      unproven && rules.firstContact.value === 'anyone' ? 'the partner is unproven (dialback)' : 'firstContact is localUserInvites';
    return {
      kind: 'hold',
      hop: decision.hop,
      reason: reason('POLICY_FIRST_CONTACT', `${show(event.from)} is a stranger to ${show(event.to)} and ${why}; it waits`, {
        file: where.file,
        key: where.key,
      }),
    };
  }
  return decision;
}

/** The protocol that a partner's event came by. */
function overOf({ origin }: Event): Protocol | undefined {
  return origin.side === 'edge' && (origin.network === 'sip' || origin.network === 'xmpp') ? origin.network : undefined;
}

function outward(event: Event, own: OwnDomain, table: Table, facts: Facts): Decision {
  const gate = partnerGate(event.to, event, table, facts);
  if ('reason' in gate) return { kind: 'refuse', reason: gate.reason };
  const { partner } = gate;
  const network = protocolFor(own, partner, facts.pinned);
  const rules = effective(table, partner, event.from, event.to, network);
  const refusal = directionGate(event, rules, 'toThem');
  if (refusal !== undefined) return { kind: 'refuse', reason: refusal };

  if (network === undefined)
    return refuse('ROUTE_SAME_PROTOCOL', `${own.domain} and ${partner.name} both speak ${own.served}; that pair does not cross here`, {
      ...own.where,
      key: `${own.where.key}/sameProtocol`,
    });
  const hop: Hop = { network, side: 'edge', ourDomain: event.from.domain, theirDomain: event.to.domain, partner };
  return {
    kind: 'allow',
    hop,
    theySee: rules.theySee.value,
    because: allowedBy(event, rules, 'toThem'),
    ...(partner.paused !== undefined && { paused: 'hold' as const }),
  };
}

/** The gates about the partner as a whole: switch, block list, listed or discovered, pause. `theirs` is the partner's user. */
function partnerGate(theirs: Address, event: Event, table: Table, facts: Facts): { partner: Partner } | { reason: Reason } {
  const { policy } = table;
  const block = blockedBy(policy, theirs, event.origin.address, facts.nowMs);
  if (block !== undefined)
    return { reason: reason('POLICY_BLOCKED', `${show(theirs)} is on the block list`, { file: block.where.file, key: block.where.key }) };
  const switchedOff = { file: policy.federationWhere.file, key: policy.federationWhere.key };
  if (policy.federation === 'off') return { reason: reason('POLICY_FEDERATION_OFF', 'federation is off', switchedOff) };
  const partner = partnerOf(theirs.domain, table);
  if (partner === undefined)
    return {
      reason: reason('POLICY_PARTNER_UNLISTED', `${theirs.domain} has no file in routes/partners/ and federation is closed`, switchedOff),
    };
  if (!partner.enabled)
    return {
      reason: reason('POLICY_PARTNER_UNLISTED', `${partner.name} is switched off (enabled: false)`, {
        file: partner.where.file,
        key: '/enabled',
      }),
    };
  const { paused } = partner;
  if (paused?.messages === 'refuse' && (paused.untilMs === undefined || paused.untilMs > facts.nowMs))
    return { reason: reason('PARTNER_PAUSED', `${partner.name} is paused`, { file: partner.where.file, key: '/paused', retry: 'never' }) };
  return { partner: paused !== undefined && paused.untilMs !== undefined && paused.untilMs <= facts.nowMs ? unpaused(partner) : partner };
}

function unpaused(partner: Partner): Partner {
  const { paused: _over, ...rest } = partner;
  return rest;
}

/** The users' gate: messages and presence in this direction. */
function directionGate(event: Event, rules: Effective, direction: 'fromThem' | 'toThem'): Reason | undefined {
  const [ours, theirs] = direction === 'toThem' ? [event.from, event.to] : [event.to, event.from];
  const deny = (code: 'POLICY_MESSAGES_OFF' | 'POLICY_PRESENCE_OFF', words: string, where: Where): Reason => {
    const access = where.file === 'people/access.yaml' ? `${show(bare(ours))} has no external access to ${theirs.domain}: ` : '';
    return reason(code, `${access}${words}`, { file: where.file, key: where.key });
  };
  switch (event.kind) {
    case 'im.sent':
    case 'im.composing':
      if (rules.messages.value !== 'both' && rules.messages.value !== direction)
        return deny(
          'POLICY_MESSAGES_OFF',
          `messages is ${rules.messages.value} between ${show(bare(event.from))} and ${show(bare(event.to))}`,
          rules.messages.where,
        );
      return undefined;
    case 'im.receipt':
      // A receipt answers a message that was allowed; only a complete ban stops it.
      return rules.messages.value === 'none' ? deny('POLICY_MESSAGES_OFF', 'messages is none', rules.messages.where) : undefined;
    case 'presence.denied':
    case 'presence.ended':
    case 'presence.watcherOffline':
      return undefined; // ending a view is always let through
    default: {
      const theyWatch = watcherIsSender(event) === (direction === 'fromThem');
      if (theyWatch && rules.theySee.value.length === 0)
        return deny(
          'POLICY_PRESENCE_OFF',
          `theySee is empty between ${show(bare(event.from))} and ${show(bare(event.to))}`,
          rules.theySee.where,
        );
      if (!theyWatch && !rules.weSee.value)
        return deny(
          'POLICY_PRESENCE_OFF',
          `weSee is false between ${show(bare(event.from))} and ${show(bare(event.to))}`,
          rules.weSee.where,
        );
      return undefined;
    }
  }
}

/** The key that let an event through: of messages, or of presence in the direction in which it is seen. */
function allowedBy(event: Event, rules: Effective, direction: 'fromThem' | 'toThem'): Where {
  if (!event.kind.startsWith('presence.')) return rules.messages.where;
  return watcherIsSender(event) === (direction === 'fromThem') ? rules.theySee.where : rules.weSee.where;
}

/** To a domain of ours: by what serves it. */
function arrive(
  event: Event,
  own: OwnDomain,
  from: OwnDomain | undefined,
  because: Where,
  theySee: readonly PresenceDetail[],
  partner?: Partner,
): Decision {
  const arrivedOver = from?.served ?? event.origin.network;
  if (event.origin.side !== 'local' && arrivedOver === own.served && !own.sameProtocol && from === undefined)
    return refuse('ROUTE_SAME_PROTOCOL', `${own.domain} is served: ${own.served}, and so was this; that pair does not cross here`, {
      ...own.where,
      key: `${own.where.key}/sameProtocol`,
    });
  const hop = insideHop(own, event.to.domain, partner);
  return { kind: 'allow', hop, theySee, because };
}

function refuse(code: Reason['code'], words: string, where: Where): Decision {
  return { kind: 'refuse', reason: reason(code, words, { file: where.file, key: where.key }) };
}
