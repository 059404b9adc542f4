// tls-alpn-01 (RFC 8737): the CA opens TLS to port 443 of the name with ALPN acme-tls/1 and looks at the certificate. It is
// made here, signed by itself, for one name and one order; whoever offers another protocol is sent away.

import tls, { createSecureContext, type SecureContext, type Server } from 'node:tls';
import type { AcmeCode } from '../../model/acme.ts';
import { listenOn } from './challenge-http.ts';
import type { Challenger, Proof } from './challenger.ts';
import { proofCertificate } from './x509.ts';

const ALPN = 'acme-tls/1';
const MAX_CONNECTIONS = 100;
const HANDSHAKE_MS = 5000;

export function tlsAlpnChallenger(bind: { readonly address: string; readonly port: number }): Challenger {
  const contexts = new Map<string, SecureContext>();
  let server: Server | undefined;
  const open = async (): Promise<Server> => {
    const made = tls.createServer({
      ALPNProtocols: [ALPN],
      handshakeTimeout: HANDSHAKE_MS,
      minVersion: 'TLSv1.2', // RFC 8737 §3
      SNICallback: (name, answer) => {
        const context = contexts.get(name.toLowerCase());
        if (context === undefined) answer(new Error('no such name'));
        else answer(null, context);
      },
    });
    made.maxConnections = MAX_CONNECTIONS;
    // RFC 8737 §3: no application data follows; the handshake is everything.
    made.on('secureConnection', (socket) => socket.on('error', () => {}).destroySoon());
    made.on('tlsClientError', (_error, socket) => socket.destroy());
    await listenOn(made, bind, 'tls');
    return made;
  };
  return {
    type: 'tls-alpn-01',
    async present({ name, keyAuthorization }: Proof) {
      const { certPem, keyPem } = await proofCertificate(name, keyAuthorization);
      contexts.set(name, createSecureContext({ cert: certPem, key: keyPem }));
      server ??= await open();
    },
    settle: async () => {},
    async close() {
      contexts.clear();
      const standing = server;
      server = undefined;
      if (standing !== undefined) await new Promise<void>((resolve) => standing.close(() => resolve()));
    },
    advice: (name, code) => alpnAdvice(name, code, bind.port),
  };
}

function alpnAdvice(name: string, code: AcmeCode, port: number): string | undefined {
  const forward = port === 443 ? '' : ` and be handed on, undecrypted, to port ${port} here`;
  if (code === 'ACME_NOT_REACHED' || code === 'ACME_WRONG_ANSWER') {
    return `The CA opens TLS to port 443 of ${name} with ALPN ${ALPN}: A and AAAA of ${name} must lead here, and port 443 must be open${forward}. A proxy that ends TLS in front cannot pass it on; use dns-01 there`;
  }
  if (code === 'ACME_DNS')
    return `${name} needs an A or AAAA record in public DNS for tls-alpn-01; leave the name out under names:, or use dns-01`;
  return undefined;
}
