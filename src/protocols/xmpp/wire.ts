// What the streams of this shore share: the ports they use, their bounds, and the roads between them. Made once in shore.ts.

import type { Log } from '../../log.ts';
import type { Clock, Connector, Ids, Resolver, TlsUpgrade } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { ConnectionLimits } from './connection.ts';
import { CONNECTION_LIMITS } from './connection.ts';
import type { StanzaHandler } from './context.ts';
import type { Verdict } from './dialback.ts';
import type { Element } from './element.ts';
import { LIMITS_AFTER_AUTH, LIMITS_BEFORE_AUTH, type StreamLimits } from './stream-limits.ts';

export interface XmppSettings {
  /** From the first byte to a finished handshake. */
  readonly tlsMs: number;
  /** From a connection, or a restart, to the next stream header. */
  readonly headerMs: number;
  /** From a connection to an authenticated stream. */
  readonly negotiationMs: number;
  /** One call-back of dialback, connection included. */
  readonly dialbackMs: number;
  /** Silence after which an open road is pinged. */
  readonly keepAliveMs: number;
  /** A stream on which nothing of use was sent for so long is closed. */
  readonly idleMs: number;
  /** What waits for a connection and is not durable. */
  readonly waitingElements: number;
  readonly waitingMs: number;
  /** Stanzas of one stream that are being handled at once; beyond it the stream is not read. */
  readonly inHand: number;
  /** Proven streams that one partner may have open to us. */
  readonly streamsPerPartner: number;
  readonly before: StreamLimits;
  readonly after: StreamLimits;
  readonly connection: ConnectionLimits;
}

export const XMPP_SETTINGS: XmppSettings = {
  tlsMs: 5000,
  headerMs: 10_000,
  negotiationMs: 25_000,
  dialbackMs: 20_000,
  keepAliveMs: 120_000,
  idleMs: 30 * 60_000,
  waitingElements: 100,
  waitingMs: 30_000,
  inHand: 256,
  streamsPerPartner: 100,
  before: LIMITS_BEFORE_AUTH,
  after: LIMITS_AFTER_AUTH,
  connection: CONNECTION_LIMITS,
};

/** What shore.ts is wired with. */
export interface XmppPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly connector: Connector;
  readonly tlsUpgrade: TlsUpgrade;
  readonly resolver: Resolver;
  /** The table in effect now. */
  table(): Table;
  /** The secret behind our dialback keys; the same on every edge of a domain. */
  readonly dialbackSecret: string;
  /** Reads a secret of the home by name: the password of a component. */
  secret(name: string): string;
  /** In [0, 1): SRV weights, jitter. */
  random(): number;
  readonly settings?: Partial<XmppSettings>;
}

/** One dialback question: did `their` domain make this key for the stream that we gave that id? */
export interface KeyQuestion {
  readonly ourDomain: string;
  readonly theirDomain: string;
  readonly streamId: string;
  readonly key: string;
}

/** The ports and the roads between streams. */
export interface Wire extends Omit<XmppPorts, 'settings'> {
  readonly settings: XmppSettings;
  /** Whoever takes stanzas now. */
  readonly onStanza: StanzaHandler;
  /** Offers an iq answer to the ping barrier of a pair; true when it was waiting for it. */
  pingAnswered(ourDomain: string, theirDomain: string, id: string): boolean;
  /** A ping of ours was answered after one had been missing: what could not be confirmed may go again. */
  roadBack(ourDomain: string, theirDomain: string): void;
  /** Sends over the sending stream of the pair, not durable. */
  reply(ourDomain: string, theirDomain: string, element: Element): void;
  /** Asks the domain's own server, on a connection of its own. */
  verifyKey(question: KeyQuestion): Promise<Verdict>;
}
