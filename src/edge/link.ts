// An open connection as the shores see it (model/ports.ts Link).

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Side } from '../model/event.ts';
import { ConnectError, type ConnectTarget, type Ids, type Link } from '../model/ports.ts';
import type { Spoken } from '../model/sessions.ts';
import { plainAddress } from './address-ranges.ts';
import { type Handshaken, shownCertificates } from './handshake.ts';
import { type OwnCertificates, shows } from './own-certificates.ts';
import type { OwnStaples } from './own-staples.ts';
import { fingerprintOf, type Judges, PeerIdentity } from './peer-identity.ts';
import type { SessionBook } from './sessions.ts';

/** Everything the edge's rooms share: one object, made once. */
export interface Edge extends Judges {
  readonly own: OwnCertificates;
  readonly ids: Ids;
  readonly sessions: SessionBook;
  /** Absent: nothing is stapled. */
  readonly staples?: OwnStaples;
  /** Told of each finished TLS handshake. */
  readonly shaken?: (protocol: Spoken, direction: 'in' | 'out', ms: number) => void;
}
interface LinkFacts {
  readonly protocol: Spoken;
  readonly side: Side;
  readonly direction: 'in' | 'out';
  /** Out: the host we dialled. */
  readonly host?: string;
  /** In: whose connection it is, when a load balancer brought it. */
  readonly from?: { readonly address: string; readonly port: number };
  /** An upgraded link keeps its id. */
  readonly id?: string;
}

/** A connection without TLS: nobody is proven by certificate on it. */
export function plainLink(socket: Socket, facts: LinkFacts, edge: Edge): Link {
  const ends = endsOf(socket, facts.from);
  const id = facts.id ?? edge.ids.token();
  const { protocol, side, direction } = facts;
  const notes = edge.sessions.opened({ id, protocol, side, direction, ...ends.far }, socket);
  return {
    id,
    socket,
    notes,
    peer: new PeerIdentity({ ...farFacts(facts), ...ends.far }, edge, notes),
    direction: facts.direction,
    secure: false,
    local: ends.local,
    showsOurs: () => true,
  };
}

/** A connection whose TLS handshake is done. Its peer is asked, not judged here. */
export function secureLink(done: Handshaken, facts: LinkFacts, edge: Edge): Link {
  const { socket, raw, own, serverName } = done;
  const ends = endsOf(socket, facts.from);
  const shown = shownCertificates(socket);
  const version = socket.getProtocol() ?? 'unknown';
  const tls = { version, cipher: socket.getCipher().standardName };
  const id = facts.id ?? edge.ids.token();
  const { protocol, side, direction } = facts;
  const security = { tls, ...(shown ? { fingerprint: fingerprintOf(shown[0]) } : {}) };
  edge.shaken?.(protocol, direction, done.ms);
  const notes = edge.sessions.secured({ id, protocol, side, direction, ...ends.far }, raw, security);
  const far = {
    ...farFacts(facts),
    ...ends.far,
    tlsVersion: version,
    cipher: tls.cipher,
    ...(done.asked === undefined ? {} : { asked: done.asked }),
    ...(done.staple === undefined ? {} : { staple: done.staple }),
    ...(shown ? { shown } : {}),
  };
  const peer = new PeerIdentity(far, edge, notes);
  if (direction === 'out' && done.asked === true) watchForRefusal(socket, peer, edge, protocol);
  return {
    id,
    socket,
    notes,
    peer,
    direction: facts.direction,
    secure: true,
    local: ends.local,
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    tls,
    ...(serverName === undefined ? {} : { serverName }),
    // A domain for which we have no better certificate loses nothing by this one; otherwise it must be named (DESIGN 6).
    showsOurs: (domain, protocol) => shows(own, domain, protocol) || edge.own.choose(domain, protocol)?.fingerprint === own.fingerprint,
  };
}

/** In TLS 1.3 the server judges our certificate when the handshake is over for us: an alert follows, or nothing does. */
const REFUSAL_COMES_MS = 5000;
const REFUSED = /ALERT_(UNKNOWN_CA|(BAD|NO|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED|REQUIRED)|ACCESS_DENIED)/;

/**
 * A handshake of ours has failed. In TLS 1.2 that is how a server refuses our certificate: its passport says so from now on.
 * @param error as shakeAsClient rejects
 */
export function noteRefusal(error: unknown, target: ConnectTarget, edge: Edge): void {
  const cause = error instanceof ConnectError ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (target.side === 'edge' && target.theirDomain !== undefined && REFUSED.test(code)) {
    edge.passports?.refusedOurs(target.theirDomain, target.protocol);
  }
}

function watchForRefusal(socket: TLSSocket, peer: PeerIdentity, edge: Edge, protocol: Spoken): void {
  // In XMPP the shore knows better: a server asks every client and says in SASL whether it believes it.
  const standing = protocol === 'sip' ? edge.clock.after(REFUSAL_COMES_MS, () => peer.noteOurs(true)) : undefined;
  socket
    .on('error', (error: NodeJS.ErrnoException) => {
      if (REFUSED.test(error.code ?? '')) peer.noteOurs(false);
    })
    .once('close', () => standing?.cancel());
}

function farFacts(facts: LinkFacts): { side: Side; direction: 'in' | 'out'; host?: string } {
  return { side: facts.side, direction: facts.direction, ...(facts.host === undefined ? {} : { host: facts.host }) };
}

function endsOf(
  socket: Socket | TLSSocket,
  from: LinkFacts['from'],
): { far: { address: string; port: number }; local: { address: string; port: number } } {
  return {
    far: from ?? { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
    local: { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 },
  };
}
