// The API, made when somebody first asks: reading every verb takes a few hundred milliseconds, which a start under load does
// not have. The socket is open from the beginning; the first call waits.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Api, ApiParts } from './api.ts';
import { bounded } from './bounds.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** @param makeServer as in ApiParts; the server is made now */
export function lazyApi(parts: Omit<ApiParts, 'server'>, makeServer: (handler: Handler) => Server): Pick<Api, 'server' | 'close'> {
  let handle: Handler | undefined;
  let made: Promise<Api> | undefined;
  const server = bounded(
    makeServer((request, response) => {
      if (handle !== undefined) return handle(request, response);
      made ??= make();
      made.then(
        () => handle?.(request, response),
        (error: unknown) => {
          parts.log.error({ event: 'us.bug', err: error }, 'the API could not be made');
          response.writeHead(500).end();
        },
      );
    }),
  );
  const make = async (): Promise<Api> => {
    const { makeApi } = await import('./api.ts');
    return makeApi({
      ...parts,
      server(handler) {
        handle = handler;
        return server;
      },
    });
  };
  return {
    server,
    async close(graceMs) {
      const api = await made?.catch(() => undefined);
      if (api !== undefined) return api.close(graceMs);
      const closed = new Promise<void>((done) => (server.listening ? server.close(() => done()) : done()));
      server.closeAllConnections();
      await closed;
    },
  };
}
