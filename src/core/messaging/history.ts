// Writes down what is said by and to users of ours: messages and receipts, in the history of each user they concern. The line is
// of the same commit as the message itself where both are written; its id is the event's own, known before anything is on disk.

import type { Log } from '../../log.ts';
import { type Address, bareKey } from '../../model/address.ts';
import type { HistoryStore } from '../../model/history.ts';
import type { Clock } from '../../model/ports.ts';
import type { History } from '../ports.ts';

export interface HistoryParts {
  readonly store: Pick<HistoryStore, 'append'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Is the address one of the core's? */
  readonly serves: (address: Address) => boolean;
  /** Of a domain of ours by any of its names: its own, so that one person has one history. */
  readonly mainDomain?: (domain: string) => string;
}

/** A line that could not be written is logged; what is said goes on. */
export function historyOf({ store, clock, log, serves, mainDomain = (domain) => domain }: HistoryParts): History {
  const keyOf = ({ local, domain }: Address): string => bareKey({ local, domain: mainDomain(domain) });
  return {
    note(owner, direction, { event, payload }) {
      if (event.kind === 'im.composing') return undefined;
      const peer = direction === 'in' ? event.from : event.to;
      const user = keyOf(owner);
      const written = store.append({
        owner: user,
        peer: keyOf(peer),
        direction,
        at: clock.now(),
        border: !serves(peer),
        said: { event, ...(payload !== undefined && { payload }) },
      });
      return {
        archiveId: event.id,
        written: written.catch((error: unknown) => {
          log.error({ event: 'core.failed', what: 'history', user, id: event.id, error: String(error) });
        }),
      };
    },
  };
}
