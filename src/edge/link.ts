// An open connection as the shores see it (model/ports.ts Link).

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Side } from '../model/event.ts';
import type { Ids, Link } from '../model/ports.ts';
import { plainAddress } from './address-ranges.ts';
import { type Handshaken, shownCertificates } from './handshake.ts';
import { type OwnCertificates, shows } from './own-certificates.ts';
import { type Judges, PeerIdentity } from './peer-identity.ts';

/** Everything the edge's rooms share: one object, made once. */
export interface Edge extends Judges {
  readonly own: OwnCertificates;
  readonly ids: Ids;
}
interface LinkFacts {
  readonly side: Side;
  readonly direction: 'in' | 'out';
  /** Out: the host we dialled. */
  readonly host?: string;
  /** An upgraded link keeps its id. */
  readonly id?: string;
}

/** A connection without TLS: nobody is proven by certificate on it. */
export function plainLink(socket: Socket, facts: LinkFacts, edge: Edge): Link {
  const ends = endsOf(socket);
  return {
    id: facts.id ?? edge.ids.token(),
    socket,
    peer: new PeerIdentity({ ...farFacts(facts), ...ends.far }, edge),
    direction: facts.direction,
    secure: false,
    local: ends.local,
    showsOurs: () => true,
  };
}

/** A connection whose TLS handshake is done. Its peer is asked, not judged here. */
export function secureLink(done: Handshaken, facts: LinkFacts, edge: Edge): Link {
  const { socket, own, serverName } = done;
  const ends = endsOf(socket);
  const shown = shownCertificates(socket);
  const version = socket.getProtocol() ?? 'unknown';
  return {
    id: facts.id ?? edge.ids.token(),
    socket,
    peer: new PeerIdentity({ ...farFacts(facts), ...ends.far, tlsVersion: version, ...(shown ? { shown } : {}) }, edge),
    direction: facts.direction,
    secure: true,
    local: ends.local,
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    tls: { version, cipher: socket.getCipher().standardName },
    ...(serverName === undefined ? {} : { serverName }),
    // A domain for which we have no better certificate loses nothing by this one; otherwise it must be named (DESIGN 6).
    showsOurs: (domain, protocol) => shows(own, domain, protocol) || edge.own.choose(domain, protocol)?.fingerprint === own.fingerprint,
  };
}

function farFacts(facts: LinkFacts): { side: Side; direction: 'in' | 'out'; host?: string } {
  return { side: facts.side, direction: facts.direction, ...(facts.host === undefined ? {} : { host: facts.host }) };
}

function endsOf(socket: Socket | TLSSocket): { far: { address: string; port: number }; local: { address: string; port: number } } {
  return {
    far: { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
    local: { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 },
  };
}
