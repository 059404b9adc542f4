// STARTTLS on an open link (RFC 6120 §5), both roles. What the peer sent together with its last plain words is thrown
// away: it must never be taken for something said inside TLS.

import { Socket } from 'node:net';
import { reason } from '../errors.ts';
import { ConnectError, type ConnectTarget, type Link, type TlsUpgrade } from '../model/ports.ts';
import { shakeAsClient, shakeAsServer } from './handshake.ts';
import { type Edge, noteRefusal, secureLink } from './link.ts';
import { HANDSHAKE_TIMEOUT_MS } from './tls-settings.ts';

/** Makes the port. The link that comes back has a new socket; the old one's `data` listeners are gone. */
export function makeTlsUpgrade(edge: Edge, timeoutMs: number = HANDSHAKE_TIMEOUT_MS): TlsUpgrade {
  const common = { own: edge.own, clock: edge.clock, timeoutMs, ...(edge.staples ? { staples: edge.staples } : {}) };
  return {
    async asServer(link, { domain, protocol }) {
      const done = await shakeAsServer(silenced(link), { ...common, domain, protocol, asks: link.peer.side !== 'local' });
      return secureLink(done, { protocol, side: link.peer.side, direction: link.direction, id: link.id, from: link.peer }, edge);
    },
    async asClient(link: Link, target: ConnectTarget) {
      const { protocol, identity, host } = target;
      const done = await shakeAsClient(silenced(link), {
        ...common,
        protocol,
        identity,
        name: `${host}:${target.port}`,
        ...(target.serverName === undefined ? {} : { serverName: target.serverName }),
        ...(target.alpn ? { alpn: target.alpn } : {}),
        ...(target.tlsAtLeast ? { atLeast: target.tlsAtLeast } : {}),
      }).catch((error: unknown) => {
        noteRefusal(error, target, edge);
        throw error;
      });
      return secureLink(done, { protocol, side: target.side, direction: link.direction, id: link.id, host }, edge);
    },
  };
}

// RFC 6120 §5.4.3.3: nothing that came before TLS counts after it.
function silenced(link: Link): Socket {
  const { socket } = link;
  if (!(socket instanceof Socket) || link.secure || socket.destroyed) {
    throw new ConnectError(reason('NET_TLS_FAILED', 'TLS was asked for on a connection that is closed or encrypted already.'));
  }
  socket.removeAllListeners('data').removeAllListeners('readable');
  socket.pause();
  while (socket.read() !== null);
  return socket;
}
