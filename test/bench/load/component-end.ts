// A component behind ejabberd (XEP-0114), taking what comes from s2s: the place where a gateway would stand.

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { COMPONENT, COMPONENT_SECRET } from '../cast.ts';
import { StanzaLine, say } from './xmpp-end.ts';

export async function openComponent(port: number, onStanza: (stanza: string) => void): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => socket.destroy());
  const header = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${COMPONENT}'>`;
  const heard = await say(socket, header, /<stream:stream[^>]*>/);
  const id = /\sid=['"]([^'"]*)/.exec(heard)?.[1] ?? '';
  // XEP-0114 §3: SHA-1 of the stream's id and the secret.
  const proof = createHash('sha1').update(`${id}${COMPONENT_SECRET}`).digest('hex');
  await say(socket, `<handshake>${proof}</handshake>`, '<handshake');
  new StanzaLine(socket, onStanza);
}
