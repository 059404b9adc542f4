// The SIP face of the core on the listeners of `clients.sip`: people's own clients, on TLS, and on plain TCP where it is written.

import type { Home } from '../../config/home.ts';
import { Admission, type AdmissionLimits } from '../../edge/admission.ts';
import type { Edge } from '../../edge/link.ts';
import { Listener } from '../../edge/listener.ts';
import type { Log } from '../../log.ts';
import type { Core } from '../../model/core.ts';
import type { Clock, Ids } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import { SipFace } from '../../protocols/sip/clients/face.ts';

export interface SipClientsGround {
  readonly home: Pick<Home, 'edge' | 'clients'>;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly edge: Edge;
  readonly core: Core;
  /** Blocked by policy: closed without a word. */
  readonly refuses: (address: string) => boolean;
}

export interface SipClientsFace {
  /** In the order of `clients.sip`; to be opened by whoever opens the others. */
  readonly listeners: readonly Listener[];
  /** Takes nothing new and closes every connection, when what is open is answered or after so long. */
  drain(graceMs: number): Promise<void>;
}

/** A whole office may come from one address. */
const CLIENT_ADMISSION: AdmissionLimits = { perAddress: 2000, total: 20_000 };

/** Makes the face; opens nothing. */
export function sipClientsFace(ground: SipClientsGround): SipClientsFace {
  const { home, table, clock, ids, log, edge, core, refuses } = ground;
  const host = home.clients.host ?? home.edge.host;
  const port = home.clients.sip[0]?.port;
  const face = new SipFace({
    ...{ core, clock, ids, log },
    // RFC 3261 §19.1.2: 5061 is what TLS means without a port.
    host: port === undefined || port === 5061 ? host : `${host}:${port}`,
    serves: (domain) => {
      const own = table().domains.get(domain);
      return own?.served === 'core' ? own.domain : undefined;
    },
  });
  // The certificate for a client without SNI is the one that others are shown at this address.
  const identity = home.edge.identity === undefined ? {} : { identity: home.edge.identity };
  const common = { side: 'local', protocol: 'sip', edge, admission: new Admission(CLIENT_ADMISSION), log, refuses, ...identity } as const;
  return {
    listeners: home.clients.sip.map((bind) => new Listener({ ...common, bind, onLink: (link) => face.accept(link) })),
    drain: (graceMs) => face.drain(graceMs),
  };
}
