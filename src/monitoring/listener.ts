// `metrics:` of isthmus.yaml: a listener of its own for who watches and never acts. GET only, nothing to log in to, so it
// belongs on loopback or a management network; `check` warns where it does not stand there.

import fastify, { type FastifyInstance } from 'fastify';

export interface MonitoringParts {
  readonly scrape: () => Promise<{ readonly text: string; readonly type: string }>;
  /** Undefined: ready. Else why not, one sentence. */
  readonly notReady: () => string | undefined;
  readonly page: () => string;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 200;

/** Answers /metrics, /healthz, /readyz and / (the page). @param address `*` is every address. Rejects when it cannot listen. */
export async function openMonitoring(
  at: { readonly address: string; readonly port: number },
  parts: MonitoringParts,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = fastify({ requestTimeout: REQUEST_TIMEOUT_MS, connectionTimeout: REQUEST_TIMEOUT_MS, bodyLimit: 1024 });
  server.server.maxConnections = MAX_CONNECTIONS;
  routes(server, parts);
  await server.listen({ host: at.address === '*' ? '::' : at.address, port: at.port });
  const address = server.server.address();
  return { port: address !== null && typeof address === 'object' ? address.port : at.port, close: () => server.close() };
}

function routes(server: FastifyInstance, { scrape, notReady, page }: MonitoringParts): void {
  server.addHook('onSend', async (_, reply) => {
    void reply.headers({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });
  server.get('/metrics', async (_, reply) => {
    const { text, type } = await scrape();
    return reply.type(type).send(text);
  });
  // Alive: the event loop turns. Ready: what comes is taken and kept.
  server.get('/healthz', async (_, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', async (_, reply) => {
    const why = notReady();
    return reply
      .code(why === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${why ?? 'ready'}\n`);
  });
  server.get('/', async (_, reply) => reply.type('text/html; charset=utf-8').send(page()));
}
