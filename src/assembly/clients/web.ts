// The web door of the core on the listeners of `clients.web`: HTTPS for browsers and for what other clients fetch, and WebSockets.
// What is served there is handed in as routes (model/web-route.ts); faces.ts has the list.

import type { Home } from '../../config/home.ts';
import { webOrigin } from '../../config/web-origin.ts';
import { Admission, type AdmissionLimits } from '../../edge/admission.ts';
import type { Edge } from '../../edge/link.ts';
import { Listener } from '../../edge/listener.ts';
import { WebDoor } from '../../edge/web-door.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { WebRoute, WebSocketRoute } from '../../model/web-route.ts';

export interface WebClientsGround {
  readonly home: Pick<Home, 'edge' | 'clients'>;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly log: Log;
  readonly edge: Edge;
  /** Blocked by policy: closed without a word. */
  readonly refuses: (address: string) => boolean;
}

export interface WebClientsFace {
  /** In the order of `clients.web`; to be opened by whoever opens the others. */
  readonly listeners: readonly Listener[];
  /** Lets answers that are on their way finish for at most so long, and closes. */
  drain(graceMs: number): Promise<void>;
}

/** A whole office may come from one address. */
const CLIENT_ADMISSION: AdmissionLimits = { perAddress: 2000, total: 20_000 };

/** Makes the door; opens nothing. */
export function webClientsFace(
  { home, table, clock, log, edge, refuses }: WebClientsGround,
  routes: readonly WebRoute[],
  sockets: readonly WebSocketRoute[],
): WebClientsFace {
  const told = webOrigin(home);
  const names = new Set([home.clients.host ?? home.edge.host, home.edge.host, ...(told === undefined ? [] : [new URL(told).hostname])]);
  const serves = (host: string): boolean => names.has(host) || table().domains.get(host)?.served === 'core';
  const door = new WebDoor({ routes, sockets, serves, clock, log });
  // The certificate for a client without SNI is the one that others are shown at this address.
  const identity = home.edge.identity === undefined ? {} : { identity: home.edge.identity };
  const common = { side: 'local', protocol: 'web', edge, admission: new Admission(CLIENT_ADMISSION), log, refuses, ...identity } as const;
  return {
    listeners: home.clients.web.map((bind) => new Listener({ ...common, alpn: ['http/1.1'], bind, onLink: (link) => door.accept(link) })),
    drain: (graceMs) => door.close(graceMs),
  };
}
