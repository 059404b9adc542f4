// The faces of the core, one for each protocol that clients speak: how each is made. A listener of `clients:` whose protocol
// has no face here is not opened.

import type { Home } from '../config/home.ts';
import type { Log } from '../log.ts';
import type { Core } from '../model/core.ts';
import type { Clock, Ids, Link, TlsUpgrade } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';
import type { Drains } from './drain.ts';

/** What a face is given. */
export interface FaceGround {
  readonly home: Home;
  readonly table: () => Table;
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly upgrade: TlsUpgrade;
  readonly store: Store;
  readonly version: string;
}

export interface ClientFace extends Drains {
  /** Serves a connection of its listener, with TLS already or before STARTTLS. */
  accept(link: Link): void;
}

export interface ClientFaces {
  readonly sip?: (ground: FaceGround) => ClientFace;
  readonly xmpp?: (ground: FaceGround) => ClientFace;
}

export const CLIENT_FACES: ClientFaces = {};
