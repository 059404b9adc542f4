// What is served to clients of our users over HTTPS, on the listeners of `clients.web`: rooms hand in routes, assembly/clients/web.ts
// puts them on the doors. Nothing here knows which HTTP library stands behind it.

import type { Link } from './ports.ts';

export interface WebRequest {
  readonly method: string;
  /** As it came, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names; of a header that came twice the values, joined as RFC 9110 §5.3 has it. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** At most `bodyBytes` of the route come; more is answered with 413 before the route hears of it, or ends the iteration with an error. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The name that the client asked for (Host), lower case, without the port. */
  readonly host: string;
  /** The client's address, of which the listener's proxy protocol may have told. */
  readonly address: string;
  /** For the log. */
  readonly connection: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface WebAnswer {
  readonly status: number;
  /** Lower-case names. What a browser should not do with it is said by the door, unless it stands here. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

export interface WebRoute {
  /** A HEAD is answered by whoever answers GET, unless it is listed. */
  readonly methods: readonly string[];
  /** A path, or everything below it when it ends with a slash. The longest that fits is asked. */
  readonly path: string;
  /** The most that a body may have. */
  readonly bodyBytes: number;
  /** May scripts of any web site ask (CORS)? For what says by itself who may have it: no cookie of ours exists. Default: no. */
  readonly crossOrigin?: boolean;
  /** A defect (a rejection) is logged and answered with 500. */
  answer(request: WebRequest): WebAnswer | Promise<WebAnswer>;
}

/** A WebSocket that is open, as a protocol sees it (RFC 6455): messages, not octets. */
export interface WebSocketLink extends Omit<Link, 'socket'> {
  /** @returns how many octets wait to be written */
  send(text: string): number;
  close(): void;
  /** Closes without a farewell. */
  destroy(): void;
  onText(hear: (text: string) => void): void;
  onClosed(hear: () => void): void;
  /** The most octets that may come before a message is whole; whoever sends more is gone. At first: `messageBytes` of the route. */
  limit(bytes: number): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

export interface WebSocketRoute {
  readonly path: string;
  /** Of `Sec-WebSocket-Protocol`: without it the handshake is refused (RFC 7395 §3.1). */
  readonly protocol: string;
  readonly messageBytes: number;
  accept(link: WebSocketLink): void;
}
