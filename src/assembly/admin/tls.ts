// The API on TCP: TLS 1.2 and up with a certificate of ours, and client certificates asked for. A renewed certificate and a
// changed authority are taken by the next connection.

import type { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { OwnCertificates } from '../../edge/own-certificates.ts';
import { HANDSHAKE_TIMEOUT_MS, NO_RESUMPTION } from '../../edge/tls-settings.ts';
import type { Log } from '../../log.ts';
import type { ShownClient } from '../../ops/api/access.ts';

export interface AdminTlsParts {
  /** The home's certs folder. */
  readonly certs: string;
  readonly own: OwnCertificates;
  /** certs/own/<name>; else the default pair. */
  readonly certificate?: string;
  readonly identity?: string;
  readonly log: Log;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Makes the server; it does not listen yet. @throws with a sentence when there is no certificate to show */
export function adminTlsServer(parts: AdminTlsParts, handler: Handler): Server {
  let seen = '';
  const settings = (): SecureContextOptions | undefined => {
    const found = filesOf(parts);
    if (found.mark === seen) return undefined;
    const made = {
      cert: readFileSync(found.chain, 'utf8'),
      key: readFileSync(found.key, 'utf8'),
      ca: found.roots.map((path) => readFileSync(path, 'utf8')),
      minVersion: 'TLSv1.2',
      ...NO_RESUMPTION,
    } as const;
    createSecureContext(made); // throws when key and chain do not belong together, as in the middle of a replacement
    seen = found.mark;
    return made;
  };
  const first = settings();
  const server = createServer({ ...first, requestCert: true, rejectUnauthorized: false, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, handler);
  server.prependListener('connection', () => {
    try {
      const fresh = settings();
      if (fresh !== undefined) server.setSecureContext(fresh);
    } catch (error) {
      parts.log.warn({ event: 'cert.rejected', err: error }, 'the API shows the certificate from before');
    }
  });
  // An HTTPS server does everything that the API asks of an HTTP server; their classes have no common ancestor.
  return server as unknown as Server;
}

/** What the caller has shown, if it has the key. */
export function shownClient(request: IncomingMessage): ShownClient | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : { certificate, trusted: socket.authorized };
}

function filesOf({ certs, own, certificate, identity }: AdminTlsParts) {
  const name = certificate ?? own.default(identity)?.name;
  if (name === undefined) throw new Error('admin: on TCP needs a certificate: put fullchain.pem and key.pem into certs/own/<name>/');
  const folder = join(certs, 'own', name);
  const [chain, key] = [join(folder, 'fullchain.pem'), join(folder, 'key.pem')];
  const trust = join(certs, 'trust/admin');
  const roots = listed(trust).filter((path) => path.endsWith('.pem'));
  const mark = [chain, key, ...roots].map((path) => `${path} ${changedAt(path)}`).join('\n');
  return { chain, key, roots, mark };
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return []; // no such folder: no authority
  }
}

function changedAt(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 'gone' : `${found.mtimeMs} ${found.ino} ${found.size}`;
}
