// Connections of partners whom the rules in force no longer know: they end at once, not when they next say something.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Reason } from '../model/reason.ts';
import type { Session, Sessions } from '../model/sessions.ts';
import type { Table } from '../model/table.ts';
import { partnerOf } from '../routing/partner.ts';
import { blockedAddress, blockedBy } from '../routing/rules.ts';

/**
 * Ends every connection with the outside whose address is blocked, or that speaks for a domain which is blocked, switched off or not listed any more.
 * @returns how many ended
 */
export function endUnwelcome(sessions: Sessions, table: Table, nowMs: number, log: Log): number {
  let ended = 0;
  for (const session of sessions.list()) {
    const why = session.side === 'edge' ? unwelcome(session, table, nowMs) : undefined;
    if (why === undefined || !sessions.close(session.id, why)) continue;
    ended += 1;
    const { id: connection, direction, address } = session;
    const domains = [...session.proven.keys()].slice(0, 10);
    log.info({ event: 'session.ended', connection, direction, address, domains, code: why.code }, why.text);
  }
  return ended;
}

function unwelcome(session: Session, table: Table, nowMs: number): Reason | undefined {
  const { policy } = table;
  if (blockedAddress(policy, session.address, nowMs))
    return reason('POLICY_BLOCKED', `the address ${session.address} is on the block list`);
  for (const domain of session.proven.keys()) {
    const block = blockedBy(policy, { local: '', domain }, undefined, nowMs);
    if (block !== undefined)
      return reason('POLICY_BLOCKED', `${domain} is on the block list`, { file: block.where.file, key: block.where.key });
    if (policy.federation === 'off') return reason('POLICY_FEDERATION_OFF', 'federation is off', policy.federationWhere);
    if (partnerOf(domain, table)?.enabled !== true)
      return reason('POLICY_PARTNER_UNLISTED', `${domain} is not a partner any more, or is switched off`);
  }
  return undefined;
}
