// A WebSocket that is open, on the library `ws`: whole text messages, and whether the other end is still there.

import type { RawData, WebSocket } from 'ws';
import type { Clock, Link, Timer } from '../model/ports.ts';
import type { WebSocketLink } from '../model/web-route.ts';

/** RFC 6455 §7.4.1. */
const NORMAL = 1000;
const NOT_UNDERSTOOD = 1003;

export interface SocketBounds {
  /** Octets of one message, frames and all. */
  readonly messageBytes: number;
  /** How often it is asked whether it is there; silence over the next such time ends it. */
  readonly pingMs: number;
}

export function openSocket(ws: WebSocket, link: Link, clock: Clock, { messageBytes, pingMs }: SocketBounds): WebSocketLink {
  const { socket, ...rest } = link;
  let most = messageBytes;
  let partial = 0;
  // `ws` gathers the frames of a message up to one bound for all times; who has not signed in is to hold less. Pings count too.
  socket.on('data', (chunk: Uint8Array) => {
    partial += chunk.length;
    if (partial > most) ws.terminate();
  });
  let answered = true;
  let timer: Timer | undefined;
  const look = (): void => {
    timer = clock.after(pingMs, () => {
      if (!answered) return ws.terminate();
      answered = false;
      ws.ping();
      look();
    });
  };
  ws.on('pong', () => {
    answered = true;
  });
  ws.on('error', () => undefined); // `close` follows
  ws.once('close', () => timer?.cancel());
  look();
  return {
    ...rest,
    send(text) {
      if (ws.readyState === ws.OPEN) ws.send(text);
      return ws.bufferedAmount;
    },
    close: () => ws.close(NORMAL),
    destroy: () => ws.terminate(),
    onText(hear) {
      ws.on('message', (data: RawData, isBinary: boolean) => {
        answered = true;
        partial = 0;
        if (isBinary) ws.close(NOT_UNDERSTOOD, 'text only');
        else hear(textOf(data));
      });
    },
    onClosed(hear) {
      ws.once('close', hear);
    },
    limit(bytes) {
      most = bytes;
    },
    pause: () => ws.pause(),
    resume: () => ws.resume(),
  };
}

/** `ws` has checked that it is UTF-8 (RFC 6455 §8.1). */
function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data)).toString('utf8');
}
