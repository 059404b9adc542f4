// What our rules say about a partner, both ways: the same decide() that judges real traffic, with made-up people whom no rule
// about single users names. What first contact would hold is allowed here: it waits, it is not refused.

import { systemClock } from '../../edge/system-clock.ts';
import { type Address, fromBareKey } from '../../model/address.ts';
import type { Event, ImSent, Origin, PresenceRequested } from '../../model/event.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol, Table, Where } from '../../model/table.ts';
import type { PolicyWord } from '../../ops/partner-test/ports.ts';
import { decide } from '../../routing/decide.ts';
import { partnerOf } from '../../routing/partner.ts';
import { effective } from '../../routing/rules.ts';
import { protocolFor } from '../../routing/way.ts';

/** Four answers: messages and presence, to them and from them. */
export function policyWords(table: Table, ourDomain: string, theirDomain: string): readonly PolicyWord[] {
  const ours = fromBareKey(`anyone@${ourDomain}`);
  const theirs = fromBareKey(`anyone@${theirDomain}`);
  return (['toThem', 'fromThem'] as const).flatMap((direction) => {
    const [from, to] = direction === 'toThem' ? [ours, theirs] : [theirs, ours];
    const at = systemClock.now();
    const base = { id: 'partner-test', at, origin: originOf(table, ourDomain, theirDomain, direction), from, to };
    const message: ImSent = { ...base, kind: 'im.sent', body: '', style: 'normal', wants: { delivered: false, displayed: false }, ids: {} };
    const presence: PresenceRequested = { ...base, kind: 'presence.requested' };
    return [word(table, message, direction, 'message'), word(table, presence, direction, 'presence')];
  });
}

function word(
  table: Table,
  event: Event & { readonly from: Address },
  direction: PolicyWord['direction'],
  what: PolicyWord['what'],
): PolicyWord {
  const decision = decide(event, table, { nowMs: event.at, knows: false });
  if (decision.kind === 'allow') {
    const { file, key, line } = what === 'message' ? decision.because : (presencePlace(table, event, direction) ?? decision.because);
    const paused = decision.paused === 'hold';
    const because = paused ? 'allowed, and held while the partner is paused' : 'allowed';
    return {
      direction,
      what,
      allowed: true,
      because,
      ...(paused && { code: 'PARTNER_PAUSED' as const }),
      file,
      key,
      ...(line !== undefined && { line }),
    };
  }
  const { reason } = decision;
  const held = decision.kind === 'hold';
  return {
    direction,
    what,
    allowed: held,
    because: held ? `${reason.text} (isthmus request list)` : reason.text,
    code: reason.code,
    ...placeOf(table, reason),
  };
}

/** What lets presence pass is another key than what lets messages pass. */
function presencePlace(table: Table, { from, to }: Pick<Event, 'from' | 'to'>, direction: PolicyWord['direction']): Where | undefined {
  const [ours, theirs] = direction === 'toThem' ? [from, to] : [to, from];
  const partner = partnerOf(theirs.domain, table);
  if (partner === undefined) return undefined;
  const rules = effective(table, partner, ours, theirs);
  return direction === 'toThem' ? rules.weSee.where : rules.theySee.where;
}

/** The reason's file and key; with its line, where the table remembers it. */
function placeOf(table: Table, { file, key }: Reason): Pick<PolicyWord, 'file' | 'key' | 'line'> {
  if (file === undefined) return {};
  const { policy, partners, domains } = table;
  const places = [
    policy.federationWhere,
    policy.discovered.where,
    ...policy.blocked.map((one) => one.where),
    ...policy.rules.map((one) => one.where),
    ...[...partners.values()].flatMap((one) => [one.where, ...one.sources.values()]),
    ...[...domains.values()].map((one) => one.where),
  ].filter((where) => where.file === file && where.line !== undefined);
  // The key itself, else the nearest thing above it.
  const above = (where: { readonly key: string }): boolean => where.key === key || (key ?? '').startsWith(`${where.key}/`);
  const [best] = places.filter(above).sort((a, b) => b.key.length - a.key.length);
  return { file, ...(key !== undefined && { key }), ...(best?.line !== undefined && { line: best.line }) };
}

function originOf(table: Table, ourDomain: string, theirDomain: string, direction: PolicyWord['direction']): Origin {
  const own = table.domains.get(ourDomain);
  if (direction === 'toThem' && own !== undefined)
    return own.served === 'core'
      ? { network: 'core', side: 'local', peer: ourDomain, connection: 'partner-test', proof: 'account' }
      : { network: own.served, side: 'inside', peer: ourDomain, connection: 'partner-test', proof: 'inside' };
  const partner = partnerOf(theirDomain, table);
  const usual: Protocol = (own && partner && protocolFor(own, partner)) ?? 'xmpp';
  const proof = usual === 'xmpp' && partner?.xmpp.proof === 'dialback' ? 'dialback' : 'certificate';
  return { network: usual, side: 'edge', peer: theirDomain, connection: 'partner-test', proof };
}
