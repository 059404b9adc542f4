// A WebSocket that is open, on the library `ws`: whole text messages, and whether the other end is still there.

import type { RawData, WebSocket } from 'ws';
import type { Clock, Link, Timer } from '../model/ports.ts';
import type { WebSocketLink } from '../model/web-route.ts';

/** RFC 6455 §7.4.1. */
const NORMAL = 1000;
const NOT_UNDERSTOOD = 1003;

/** @param pingMs how often it is asked; silence over the next such time ends it */
export function openSocket(ws: WebSocket, link: Link, clock: Clock, pingMs: number): WebSocketLink {
  const { socket: _, ...rest } = link;
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
        if (isBinary) ws.close(NOT_UNDERSTOOD, 'text only');
        else hear(textOf(data));
      });
    },
    onClosed(hear) {
      ws.once('close', hear);
    },
    pause: () => ws.pause(),
    resume: () => ws.resume(),
  };
}

/** `ws` has checked that it is UTF-8 (RFC 6455 §8.1). */
function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data)).toString('utf8');
}
