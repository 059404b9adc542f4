// The XMPP face of the core on the listeners of `clients.xmpp`: people's own clients, on STARTTLS and direct TLS (XEP-0368).

import type { Home } from '../../config/home.ts';
import { Admission, type AdmissionLimits } from '../../edge/admission.ts';
import type { Edge } from '../../edge/link.ts';
import { Listener } from '../../edge/listener.ts';
import type { Log } from '../../log.ts';
import type { Core } from '../../model/core.ts';
import type { Clock, Ids, TlsUpgrade } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { WebSocketRoute } from '../../model/web-route.ts';
import { type ArchiveParts, archive, boundArchive } from '../../protocols/xmpp/clients/archive.ts';
import { XmppClients, type XmppClientsParts } from '../../protocols/xmpp/clients/clients.ts';
import { CLIENT_SETTINGS } from '../../protocols/xmpp/clients/limits.ts';
import { SUBPROTOCOL } from '../../protocols/xmpp/clients/stream/websocket.ts';
import { C2S_ALPN } from '../../protocols/xmpp/names.ts';

export interface XmppClientsGround {
  readonly home: Pick<Home, 'clients'>;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly edge: Edge;
  readonly upgrade: TlsUpgrade;
  readonly core: Core;
  readonly version: string;
  /** Blocked by policy: closed without a word. */
  readonly refuses: (address: string) => boolean;
  /** Where users' histories are, for their archives (XEP-0313). */
  readonly store?: ArchiveParts;
  /** Rows of other rooms in the table of requests. */
  readonly handlers?: XmppClientsParts['handlers'];
  /** Push services, tokens of devices, invitations, and whose passwords it is that users have. */
  readonly mobile?: Pick<XmppClientsParts, 'push' | 'tokens' | 'invited' | 'directoryPasswords'>;
  readonly personal?: XmppClientsParts['personal'];
}

export interface XmppClientsFace {
  /** In the order of `clients.xmpp`; to be opened by whoever opens the others. */
  readonly listeners: readonly Listener[];
  /** For the web door: XMPP over WebSocket (RFC 7395). */
  readonly sockets: readonly WebSocketRoute[];
  /** Has that client a connection now? @param user bare key */
  awake(user: string, resource: string): boolean;
  /** Ends every stream with system-shutdown, and waits for them at most so long. */
  drain(graceMs: number): Promise<void>;
}

/** Where browsers reach it on the web door. */
export const XMPP_PATH = '/xmpp-websocket';

/** A whole office may come from one address. */
const CLIENT_ADMISSION: AdmissionLimits = { perAddress: 2000, total: 20_000 };

/** Makes the face; opens nothing. */
export function xmppClientsFace(ground: XmppClientsGround): XmppClientsFace {
  const { home, table, clock, ids, log, edge, upgrade, core, version, refuses } = ground;
  const face = new XmppClients({
    core,
    clock,
    ids,
    log,
    tlsUpgrade: upgrade,
    version,
    ...ground.mobile,
    ...(ground.store !== undefined && { greeting: boundArchive(ground.store) }),
    ...(ground.personal !== undefined && { personal: ground.personal }),
    serves: (domain) => {
      const own = table().domains.get(domain);
      return own?.served === 'core' ? own.domain : undefined;
    },
    handlers: [...(ground.store === undefined ? [] : [archive(ground.store)]), ...(ground.handlers ?? [])],
  });
  const common = { side: 'local', protocol: 'xmpp', edge, admission: new Admission(CLIENT_ADMISSION), log, refuses } as const;
  const listeners = home.clients.xmpp.map((bind) => {
    const alpn = bind.transport === 'tls' ? { alpn: [C2S_ALPN] } : {};
    return new Listener({ ...common, ...alpn, bind, onLink: (link) => face.accept(link) });
  });
  return {
    listeners,
    sockets: [
      {
        path: XMPP_PATH,
        protocol: SUBPROTOCOL,
        // As on a connection: what is too large for its state is answered with a stream error, what is far too large is not read.
        messageBytes: 2 * CLIENT_SETTINGS.after.stanzaBytes,
        accept: (link) => face.acceptWebSocket(link),
      },
    ],
    awake: (user, resource) => face.awake(user, resource),
    async drain(graceMs) {
      face.drain();
      const until = clock.monotonic() + graceMs;
      while (face.streams > 0 && clock.monotonic() < until) await new Promise<void>((done) => clock.after(20, done));
    },
  };
}
