// What is written down of a decision: a line for `explain`, and one in the log.

import type { Log } from '../log.ts';
import { bareKey, show } from '../model/address.ts';
import type { Event } from '../model/event.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason, ReasonCode } from '../model/reason.ts';
import type { DecisionStore } from '../model/stores.ts';
import type { Decision } from './decide.ts';

/** Where it is written. */
export interface Notebook {
  readonly clock: Clock;
  readonly decisions: DecisionStore;
  readonly log: Log;
}

/**
 * Writes one line of the decisions, and one of the log.
 * @param changed the code under which something that is allowed is marked as changed
 */
export function noteDecision({ clock, decisions, log }: Notebook, event: Event, decision: Decision, changed?: ReasonCode): void {
  const allowed = decision.kind === 'allow';
  const why = allowed ? decision.because : decision.reason;
  const { id, kind, origin } = event;
  decisions.note({
    at: clock.now(),
    eventId: id,
    kind,
    from: bareKey(event.from),
    to: bareKey(event.to),
    network: origin.network,
    proof: origin.proof,
    allowed,
    ...(!allowed && { code: decision.reason.code }),
    ...(changed !== undefined && { code: changed }),
    ...(why.file !== undefined && { file: why.file }),
    ...(why.key !== undefined && { key: why.key }),
    // What is allowed has a line in the ledger, which is found by all its names.
    ...(event.kind === 'im.sent' &&
      !allowed && {
        ids: [event.ids.wireId, event.ids.callId, event.ids.messageId].filter((one) => one !== undefined),
      }),
  });
  const fields = { id, kind, from: show(event.from), to: show(event.to), peer: origin.peer, proof: origin.proof };
  if (allowed) log.debug({ event: 'decision.allowed', ...fields });
  else {
    const { code, file, key, text } = decision.reason;
    log.info({ event: 'decision.refused', ...fields, code, file, key }, text);
  }
}

/** A line in the log for what is stopped for its size, its number or its words. */
export function logStopped(log: Log, event: Event, { code, text }: Reason): void {
  const { id, from, to } = event;
  const people = { from: show(from), to: show(to), fromDomain: from.domain, toDomain: to.domain };
  if (code === 'CONTENT_FILTERED') {
    log.info({ event: 'message.filtered', id, ...people, action: 'refuse', what: 'words' }, text);
  } else log.info({ event: 'message.limited', id, code, from: people.from }, text);
}
