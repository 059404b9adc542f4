// The way to a domain, without asking whether it may be used: for last words (a view that policy has just taken back must
// still be seen to end), and for what a watcher may see of somebody. decide.ts asks the gates first.

import type { Address } from '../model/address.ts';
import type { Hop } from '../model/ports.ts';
import type { PresenceDetail } from '../model/presence.ts';
import { PRESENCE_DETAILS } from '../model/presence.ts';
import type { InCore, OwnDomain, Partner, Protocol, Table } from '../model/table.ts';
import { partnerOf } from './partner.ts';
import { blockedBy, effective } from './rules.ts';

/** What serves one address of a domain of ours. The domain itself, and everybody while nothing is known of people, are the core's. */
export function serverOf(address: Address, own: OwnDomain, inCore: InCore | undefined): OwnDomain {
  if (own.otherwise === undefined || address.local === '' || inCore === undefined) return own;
  return inCore({ local: address.local, domain: own.domain }) ? own : own.otherwise;
}

/** Which protocol carries a domain of ours to this partner: the partner's first that our side does not speak itself. */
export function protocolFor(own: OwnDomain, partner: Partner, pinned?: Protocol): Protocol | undefined {
  const choices = partner.discovered && pinned !== undefined ? [pinned] : partner.prefer;
  return choices.find((choice) => choice !== own.served || own.sameProtocol);
}

/** The hop to what serves a domain of ours: an internal server, or the core. */
export function insideHop(own: OwnDomain, domain: string, partner?: Partner): Hop {
  return {
    network: own.served,
    side: own.served === 'core' ? 'local' : 'inside',
    ourDomain: own.domain,
    theirDomain: domain,
    own,
    ...(partner !== undefined && { partner }),
  };
}

/** The hop to `to`, whatever policy says; undefined when there is none. */
export function wayTo(from: Address, to: Address, table: Table, inCore: InCore | undefined, pinned?: Protocol): Hop | undefined {
  const own = table.domains.get(to.domain);
  if (own !== undefined) return insideHop(serverOf(to, own, inCore), to.domain, table.partners.get(from.domain));
  const sender = table.domains.get(from.domain);
  const partner = table.partners.get(to.domain);
  if (sender === undefined || partner === undefined) return undefined;
  const network = protocolFor(serverOf(from, sender, inCore), partner, pinned);
  return network === undefined ? undefined : { network, side: 'edge', ourDomain: from.domain, theirDomain: to.domain, partner };
}

/** What `watcher` may see of `presentity` now (the ceiling); everything when both are ours or the presentity is the partner's. */
export function detailsFor(presentity: Address, watcher: Address, table: Table, nowMs: number): readonly PresenceDetail[] {
  const { domains, policy } = table;
  if (domains.has(watcher.domain) && domains.has(presentity.domain)) return PRESENCE_DETAILS;
  const watcherIsOurs = domains.has(watcher.domain);
  const theirs = watcherIsOurs ? presentity : watcher;
  const partner = partnerOf(theirs.domain, table);
  if (partner === undefined || !partner.enabled || policy.federation === 'off' || blockedBy(policy, theirs, undefined, nowMs) !== undefined)
    return [];
  const rules = effective(table, partner, watcherIsOurs ? watcher : presentity, theirs);
  if (!watcherIsOurs) return rules.theySee.value;
  return rules.weSee.value ? PRESENCE_DETAILS : [];
}
