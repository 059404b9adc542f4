// What one caller may cost before anybody has asked who it is.

import type { Server } from 'node:http';

/** A request must have arrived whole within this time; how long the answer takes is the verb's own bound. */
const REQUEST_MS = 30_000;
const KEEP_ALIVE_MS = 5000;
const MAX_CONNECTIONS = 200;

/** Nobody holds a connection by sending slowly, or by many. */
export function bounded(server: Server): Server {
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS / 2;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
