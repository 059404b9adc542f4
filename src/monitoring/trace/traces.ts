// Traces of one partner (model/trace.ts): listens to its open connections, to those that come while it lasts, and ends by itself.

import type { Clock } from '../../model/ports.ts';
import type { Session, Sessions } from '../../model/sessions.ts';
import type { TraceEnd, TraceOrder, Traces } from '../../model/trace.ts';
import { ConnectionListener } from './listener.ts';

/** Connections that one trace listens to at once; more are not heard. */
const MAX_CONNECTIONS = 1000;

export interface TracesParts {
  readonly sessions: Sessions;
  readonly clock: Clock;
}

export function makeTraces({ sessions, clock }: TracesParts): Traces {
  return {
    run: (order) =>
      new Promise<TraceEnd>((ended) => {
        const listening = new Map<string, { readonly listener: ConnectionListener; readonly stop: () => void }>();
        const all = new Set<ConnectionListener>();
        let messages = 0;
        let octets = 0;
        let over = false;
        const end = (why: TraceEnd['why']): void => {
          if (over) return;
          over = true;
          timer.cancel();
          unwatch();
          order.signal.removeEventListener('abort', onAbort);
          for (const { stop } of listening.values()) stop();
          let leftOut = 0;
          let connections = 0;
          for (const listener of all) {
            leftOut += listener.leftOut;
            if (listener.shown > 0) connections += 1;
          }
          ended({ why, messages, octets, connections, leftOut });
        };
        const onAbort = (): void => end('stopped');
        const listen = (session: Session): void => {
          // Inside, our own servers speak for us; what they say there is not the partner's.
          if (session.side !== 'edge' || listening.size >= MAX_CONNECTIONS) return;
          const listener = new ConnectionListener(session, { ...lasting(order), now: () => clock.now(), message });
          const stop = sessions.tap(session.id, (direction, bytes) => listener.heard(direction, bytes));
          if (stop === undefined) return;
          listening.set(session.id, { listener, stop });
          all.add(listener);
        };
        const message: TraceOrder['message'] = (one) => {
          if (over) return;
          messages += 1;
          octets += one.bytes.length;
          order.message(one);
          if (octets >= order.maxBytes) end('size');
        };
        const unwatch = sessions.watch({
          opened: listen,
          proven: (id, domain) => listening.get(id)?.listener.proven(domain),
          closed: (id) => {
            const gone = listening.get(id);
            if (gone === undefined) return;
            listening.delete(id);
            if (gone.listener.shown === 0 && gone.listener.leftOut === 0) all.delete(gone.listener);
          },
        });
        const timer = clock.after(order.durationMs, () => end('time'));
        for (const session of sessions.list()) listen(session);
        order.signal.addEventListener('abort', onAbort, { once: true });
        if (order.signal.aborted) end('stopped');
      }),
  };
}

function lasting({ domains, bodies }: TraceOrder): Pick<TraceOrder, 'domains' | 'bodies'> {
  return { domains, bodies };
}
