// Events that presence makes itself, or passes on as the same: what they say and under which id.

import { reason } from '../errors.ts';
import { show } from '../model/address.ts';
import type { Origin, PresenceEnded, PresenceEvent } from '../model/event.ts';
import type { Reason } from '../model/reason.ts';

/** For what no shore has sent: answers from the record or the cache. */
export const LOCAL: Origin = { network: 'core', side: 'local', peer: 'presence', connection: '', proof: 'local' };

export type Base = Pick<PresenceEvent, 'id' | 'at' | 'origin' | 'from' | 'to'>;

const RETRY_LATER_MS = 300_000;

/** Policy that has just forbidden a pair must not hold back the news of it (spec 5.8: in the same second). */
export function isLastWord(event: PresenceEvent): boolean {
  if (event.kind === 'presence.notified') return event.document.endpoints.every((endpoint) => endpoint.availability === 'closed');
  return event.kind === 'presence.denied' || event.kind === 'presence.watcherOffline';
}

/** The event that goes on is the one that came: same id in every log line. */
export function traced(event: PresenceEvent | undefined): Partial<Pick<PresenceEvent, 'id' | 'at' | 'origin'>> {
  return event === undefined ? {} : { id: event.id, at: event.at, origin: event.origin };
}

/** What the watcher is told when a view ended. Without `cause` it is the end of something that was granted. */
export function failure(base: Base, event: PresenceEvent | undefined, first: boolean): PresenceEnded {
  const ended = event?.kind === 'presence.ended' ? event : undefined;
  const why = ended?.reason ?? 'noresource';
  const cause = ended?.cause ?? reason('PEER_UNKNOWN_USER', `${show(base.from)} is not known at its server.`);
  const said = { kind: 'presence.ended', by: 'presentity', reason: why, retry: ended?.retry ?? 'never' } as const;
  return { ...base, ...traced(event), ...said, ...(first ? { cause } : {}) };
}

/** What it means to the record that a request could not be delivered for good. */
export function verdictOn(base: Base, why: Reason): PresenceEvent {
  const passing = why.peer?.network === 'xmpp' && why.peer.condition.startsWith('remote-server');
  if (!passing && (why.code === 'PEER_FORBIDDEN' || why.blame === 'policy')) return { ...base, kind: 'presence.denied', cause: why };
  const gone = why.code === 'PEER_UNKNOWN_USER' || why.code === 'PEER_GONE' || why.code === 'ROUTE_UNKNOWN_DOMAIN';
  const said = { kind: 'presence.ended', by: 'presentity', cause: why } as const;
  if (gone) return { ...base, ...said, reason: 'noresource', retry: 'never' };
  return { ...base, ...said, reason: 'probation', retry: { afterMs: RETRY_LATER_MS } };
}

/** The refusal of one request more than may wait. */
export function tooManyPending(domain: string, waiting: number, allowed: number): Reason {
  return reason('LIMIT_PENDING', `${waiting} requests from ${domain} wait for an answer; ${allowed} may.`, { retry: RETRY_LATER_MS });
}
