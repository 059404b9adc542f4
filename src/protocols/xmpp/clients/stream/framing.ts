// What a client's stream stands on. How elements are framed on the wire is decided here and nowhere else: octets of one document
// on a TCP connection (RFC 6120), or messages of a WebSocket (RFC 7395, websocket.ts). stream.ts is the same for both.

import type { Clock, Link, TlsUpgrade } from '../../../../model/ports.ts';
import type { SessionNotes } from '../../../../model/sessions.ts';
import { type ConnectionOwner, XmlConnection } from '../../connection.ts';
import { NS } from '../../names.ts';
import { printStreamOpen, type StreamHeader } from '../../print.ts';
import type { StreamLimits } from '../../stream-limits.ts';
import type { StreamSettings } from '../limits.ts';
import { type BindingName, bindingsOf } from '../sign-in/channel-binding.ts';

export interface ClientConnection {
  readonly id: string;
  readonly address: string;
  /** TLS stands. */
  readonly secure: boolean;
  readonly notes: SessionNotes;
  /** Monotonic ms of the last octet received. */
  readonly lastReceivedAt: number;
  /** What a sign-in can be bound to, the best first. */
  bindings(): ReadonlyMap<BindingName, Buffer>;
  /** Writes our header. */
  open(header: StreamHeader): void;
  /** Writes one element, printed as it stands in a stream whose stanzas are `jabber:client`. */
  write(text: string): void;
  /** RFC 6120 §4.3.3: what comes next is a new stream. */
  restart(limits: StreamLimits): void;
  /** Other limits within the same stream. */
  relax(limits: StreamLimits): void;
  /** Puts TLS under it. Rejects with ConnectError. */
  startTls(domain: string): Promise<void>;
  /** Writes the last element, if any, and our end of the stream. */
  close(lastWords?: string): void;
  destroy(): void;
}

/** Makes the connection of a stream, which is its owner. */
export type Framing = (owner: ConnectionOwner) => ClientConnection;

export interface FramingGround {
  readonly clock: Clock;
  readonly settings: Pick<StreamSettings, 'before' | 'connection'>;
}

/** One document on a connection. */
export function octets(link: Link, tlsUpgrade: TlsUpgrade, { clock, settings }: FramingGround): Framing {
  return (owner) => {
    const connection = new XmlConnection(link, owner, clock, settings.connection, settings.before, NS.client);
    return {
      get id() {
        return connection.link.id;
      },
      get address() {
        return connection.link.peer.address;
      },
      get secure() {
        return connection.link.secure;
      },
      get notes() {
        return connection.link.notes;
      },
      get lastReceivedAt() {
        return connection.lastReceivedAt;
      },
      bindings: () => bindingsOf(connection.link),
      open: (header) => connection.write(printStreamOpen(header, NS.client)),
      write: (text) => connection.write(text),
      restart: (limits) => connection.restart(limits),
      relax: (limits) => connection.relax(limits),
      startTls: (domain) => connection.upgrade((before) => tlsUpgrade.asServer(before, { domain, protocol: 'xmpp' })),
      close: (lastWords) => connection.close(lastWords),
      destroy: () => connection.destroy(),
    };
  };
}
