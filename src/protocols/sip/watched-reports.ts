// What the neck is told about a presentity we watch: grants, documents, refusals, and why a view ended. Events about one
// pair go one after the other, so that no document overtakes its grant.

import type { Log } from '../../log.ts';
import type { Origin, PresenceEvent } from '../../model/event.ts';
import type { Clock, Ids, Submit } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Action } from './subscription.ts';
import { type Line, originOfPeer, othersLive, takeDocument, type Watched } from './watched.ts';

export interface ReportPorts {
  readonly submit: Submit;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The neck shows the documents to nobody. */
  unwanted(of: Watched): void;
}

type Without<E> = E extends PresenceEvent ? Omit<E, 'id' | 'at' | 'origin' | 'from' | 'to'> : never;
/** A presence event without what every event has. */
type Said = Without<PresenceEvent>;

export class WatchedReports {
  readonly #ports: ReportPorts;

  constructor(ports: ReportPorts) {
    this.#ports = ports;
  }

  /** The whole of what all dialogs show now. */
  show(of: Watched, origin: Origin): void {
    this.#tell(of, { kind: 'presence.notified', scope: 'full', document: takeDocument(of, this.#ports.clock.now()) }, origin);
  }

  /** What the watcher ended has ended. */
  unsubscribed(of: Watched): void {
    this.#tell(of, { kind: 'presence.ended', by: 'presentity', reason: 'unsubscribed', retry: 'never' }, originOfPeer(of));
  }

  report(line: Line, what: Extract<Action, { do: 'tell' }>['what']): void {
    const { watched: of, origin } = line;
    if (what === 'granted') {
      this.#tell(of, { kind: 'presence.granted' }, origin);
      return;
    }
    if (what === 'unsubscribed' ? of.lines.size > 1 : othersLive(line)) return;
    // The peer's own status travels along, for the error tables.
    const cause = line.refusal === undefined ? {} : { cause: line.refusal };
    switch (what) {
      case 'denied':
        this.#tell(of, { kind: 'presence.denied', ...(isOwnWord(line.refusal) ? {} : cause) }, origin);
        return;
      case 'noresource':
        this.#tell(of, { kind: 'presence.ended', by: 'presentity', reason: 'noresource', retry: 'never', ...cause }, origin);
        return;
      case 'unreachable':
        this.#tell(of, { kind: 'presence.ended', by: 'presentity', reason: 'unreachable', retry: 'now', ...cause }, origin);
        return;
      case 'unsubscribed':
        this.unsubscribed(of);
        return;
    }
    what satisfies never;
  }

  #tell(of: Watched, said: Said, origin: Origin): void {
    const { ids, clock, submit, log } = this.#ports;
    const base = { id: ids.event(), at: clock.now(), from: of.presentity, to: of.watcher, origin };
    of.tail = of.tail.then(async () => {
      try {
        const outcome = await submit({ ...base, ...said } as PresenceEvent); // Said is an event without this base
        if (outcome.kind === 'refused' && said.kind === 'presence.notified') this.#ports.unwanted(of);
      } catch (error) {
        log.error({ event: 'presence.failed', id: base.id, kind: said.kind, error: String(error) });
      }
    });
  }
}

/** 603, 607 (RFC 8197) and `rejected` are the user's own word; 403 and 489 are the server's. */
function isOwnWord(why: Reason | undefined): boolean {
  return why?.peer?.network === 'sip' && (why.peer.status === 603 || why.peer.status === 607);
}
