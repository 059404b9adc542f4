// What binds a sign-in to its TLS connection: RFC 9266 tls-exporter for TLS 1.3, RFC 5929 tls-unique for TLS 1.2, and
// tls-server-end-point for both. A password thief in the middle has another connection, and so another value.

import { createHash } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { Link } from '../../../../model/ports.ts';

export type BindingName = 'tls-exporter' | 'tls-unique' | 'tls-server-end-point';

/** The bindings that a connection has, the best first; none on a connection without TLS, or where another machine ends TLS. */
export function bindingsOf(link: Pick<Link, 'socket' | 'secure'>): ReadonlyMap<BindingName, Buffer> {
  const found = new Map<BindingName, Buffer>();
  const { socket } = link;
  if (!link.secure || !(socket instanceof TLSSocket)) return found;
  if (socket.getProtocol() === 'TLSv1.3') {
    // RFC 9266 §2: 32 octets, no context.
    found.set('tls-exporter', socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
  } else {
    // RFC 5929 §3.1: the first Finished of the handshake, which is the client's where nothing is resumed (edge/tls-settings.ts).
    const first = socket.getPeerFinished();
    if (first !== undefined) found.set('tls-unique', first);
  }
  const certificate = socket.getX509Certificate();
  if (certificate !== undefined) {
    // RFC 5929 §4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1.
    const [, bits] = /sha-?(384|512)/i.exec(certificate.signatureAlgorithm ?? '') ?? [];
    found.set(
      'tls-server-end-point',
      createHash(`sha${bits ?? '256'}`)
        .update(certificate.raw)
        .digest(),
    );
  }
  return found;
}
