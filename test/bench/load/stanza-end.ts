// The XMPP side of the bare pass-through: stanzas over TLS with no stream around them. What comes is read to the end, stanza by
// stanza, as a server would.

import { connect, createServer } from 'node:tls';
import type { Credentials } from '../cast.ts';
import { StanzaLine } from './xmpp-end.ts';

export function openStanzas(port: number, { cert, key, ca }: Credentials): Promise<void> {
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) => void new StanzaLine(socket));
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
}

export function connectStanzas(port: number, { cert, key, ca }: Credentials): Promise<StanzaLine> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, cert, key, ca, checkServerIdentity: () => undefined };
    const socket = connect(options, () => resolve(new StanzaLine(socket)));
    socket.once('error', reject);
  });
}
