// http-01 (RFC 8555 §8.3): the CA fetches http://NAME/.well-known/acme-challenge/TOKEN. The listener stands for one order
// only, answers these paths and nothing else, and keeps no connection.

import { createServer, type Server } from 'node:http';
import type { AcmeCode } from '../../model/acme.ts';
import type { Challenger, Proof } from './challenger.ts';
import { AcmeError } from './fault.ts';

const PREFIX = '/.well-known/acme-challenge/';
const MAX_CONNECTIONS = 100;

export function httpChallenger(bind: { readonly address: string; readonly port: number }): Challenger {
  const answers = new Map<string, string>();
  let server: Server | undefined;
  return {
    type: 'http-01',
    async present({ token, keyAuthorization }: Proof) {
      answers.set(token, keyAuthorization);
      server ??= await open(bind, answers);
    },
    settle: async () => {},
    async close() {
      answers.clear();
      const open = server;
      server = undefined;
      if (open === undefined) return;
      const closed = new Promise<void>((resolve) => open.close(() => resolve()));
      open.closeAllConnections();
      await closed;
    },
    advice: (name, code) => httpAdvice(name, code, bind),
  };
}

async function open(bind: { readonly address: string; readonly port: number }, answers: ReadonlyMap<string, string>): Promise<Server> {
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 }, (request, response) => {
    const path = request.url ?? '';
    const answer = path.startsWith(PREFIX) ? answers.get(path.slice(PREFIX.length)) : undefined;
    response.setHeader('connection', 'close');
    if (answer === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) response.writeHead(404).end();
    // RFC 8555 §8.3: the key authorization alone, application/octet-stream preferred.
    else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listenOn(server, bind, 'http');
  return server;
}

/** Listens, `*` on every address of both families. @throws AcmeError ACME_LISTEN */
export async function listenOn(
  server: {
    listen(options: { host: string; port: number }): unknown;
    once(event: string, run: (error: Error) => void): unknown;
    off(event: string, run: (error: Error) => void): unknown;
    on(event: string, run: () => void): unknown;
  },
  { address, port }: { readonly address: string; readonly port: number },
  scheme: string,
): Promise<void> {
  const listen = (host: string): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        server.off('error', reject);
        server.on('error', () => {}); // accepting may fail when descriptors run out; the CA then says that it was not reached
        resolve();
      });
      server.listen({ host, port });
    });
  try {
    await listen(address === '*' ? '::' : address).catch((error: unknown) => {
      if (address !== '*' || !/EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(error))) throw error;
      return listen('0.0.0.0'); // a machine without IPv6
    });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new AcmeError(
      'ACME_LISTEN',
      `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port} cannot be opened: ${said}`,
      { cause: error },
    );
  }
}

function httpAdvice(
  name: string,
  code: AcmeCode,
  { address, port }: { readonly address: string; readonly port: number },
): string | undefined {
  const here = `http://${address}:${port}`;
  const forward = port === 80 ? '' : ` and be handed on to ${here}`;
  if (code === 'ACME_NOT_REACHED')
    return `The CA fetches http://${name}${PREFIX}... from the internet: A and AAAA of ${name} must lead here, and port 80 must be open${forward}. Where that cannot be, use dns-01`;
  if (code === 'ACME_WRONG_ANSWER')
    return `Something else answered on port 80 of ${name}: see where its A and AAAA records lead, and let ${PREFIX} be handed on to ${here}. For a name that is a web server elsewhere, use dns-01`;
  if (code === 'ACME_DNS')
    return `${name} needs an A or AAAA record in public DNS for http-01; leave the name out under names:, or use dns-01`;
  return undefined;
}
