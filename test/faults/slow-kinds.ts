// The kinds of peers that take a place and give nothing for it.

import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Callers } from '../hostile/callers.ts';
import { CORP, PARTNER } from '../hostile/names.ts';
import { ask } from '../support/sip-exchange.ts';
import { streamHeader } from '../support/xmpp-peer.ts';

export interface Kind {
  readonly what: string;
  readonly full: number;
  /** Connects and does what it does until it is closed. */
  readonly open: (edge: Callers, from: string) => Promise<Socket>;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  halfOpen: { what: 'no byte of TLS', full: 400, open: (edge, from) => edge.tcp(edge.at.ports.sip, from) },
  silentAfterTls: { what: 'TLS, then nothing', full: 400, open: (edge, from) => overTls(edge, from) },
  oneByteASecond: {
    what: 'a SIP head at one byte a second',
    full: 400,
    open: async (edge, from) => dripping(await overTls(edge, from), ask('OPTIONS')),
  },
  neverReads: {
    what: 'asks for large answers and reads none',
    full: 100,
    open: async (edge, from) => flooding(await overTls(edge, from)),
  },
  xmppSilent: {
    what: 'no byte of an XMPP stream',
    full: 400,
    open: async (edge, from) => (await edge.tcp(edge.at.ports.xmpp, from)).resume(),
  },
  xmppOneByteASecond: {
    what: 'an XMPP stream header at one byte a second',
    full: 400,
    open: async (edge, from) => dripping(await edge.tcp(edge.at.ports.xmpp, from), streamHeader(PARTNER, CORP)),
  },
};

async function overTls(edge: Callers, from: string): Promise<TLSSocket> {
  const { ports, fabrikam } = edge.at;
  const socket = connectTls({
    socket: await edge.tcp(ports.sip, from),
    rejectUnauthorized: false,
    cert: fabrikam.chainPem,
    key: fabrikam.keyPem,
  });
  socket.on('error', () => {});
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('close', reject));
  return socket;
}

function dripping(socket: Socket, text: string): Socket {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length]!), 1000);
  socket.on('error', () => {}).resume();
  return socket.once('close', () => clearInterval(timer));
}

/** Asks until neither side's buffers take more, then goes on asking once a second, and reads nothing. */
function flooding(socket: Socket): Socket {
  const via = `SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK;x=${'y'.repeat(16_000)}`;
  const some = (): void => {
    while (!socket.destroyed && socket.writableLength < 256 * 1024) socket.write(ask('OPTIONS', { Via: via }));
  };
  const timer = setInterval(some, 250);
  some();
  return socket
    .pause()
    .on('error', () => {})
    .once('close', () => clearInterval(timer));
}
