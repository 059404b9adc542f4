// The API on TCP, where `admin:` says so: one server for each address, and the question who calls.

import { join } from 'node:path';
import type { AdminOidc } from '../../config/admin.ts';
import type { Bind, Home } from '../../config/home.ts';
import { showBind } from '../../config/listeners.ts';
import type { OwnCertificates } from '../../edge/own-certificates.ts';
import type { Log } from '../../log.ts';
import type { Actor } from '../../model/audit.ts';
import type { Clock } from '../../model/ports.ts';
import { type AccessParts, whoCalls } from '../../ops/api/access.ts';
import type { Api, ApiParts } from '../../ops/api/api.ts';
import { lazyApi } from '../../ops/api/lazy.ts';
import { Throttle } from '../../ops/api/throttle.ts';
import { secretOf } from '../secrets.ts';
import type { OidcDesk } from './oidc.ts';
import { adminTlsServer, shownClient } from './tls.ts';

export interface DoorParts {
  /** What isthmus.yaml said when it was read last: tokens and clients count from then on; addresses stay. */
  home(): Home;
  readonly own: OwnCertificates;
  readonly clock: Clock;
  readonly log: Log;
  /** Tokens of an OpenID issuer. Absent: they are nobody's. */
  readonly oidc?: OidcDesk;
  /** For the audit log. */
  refused(address: string, why: string): Promise<void>;
}

export interface Doors {
  readonly apis: readonly Pick<Api, 'close'>[];
  /** The ports that are really open. */
  readonly ports: readonly number[];
}

/** Opens every listener on TCP. Rejects with a sentence when one cannot be opened; then none stays open. */
export async function openDoors(parts: DoorParts, common: Omit<ApiParts, 'server' | 'who'>): Promise<Doors> {
  const { https } = parts.home().admin;
  const throttle = new Throttle(() => parts.clock.monotonic());
  const who: ApiParts['who'] = (caller) => {
    const { dir, admin } = parts.home();
    return whoCalls(
      {
        tokens: admin.https?.tokens ?? [],
        clients: admin.https?.clients ?? [],
        secret: (name) => secretOf(dir, name),
        shown: ({ raw }) => shownClient(raw),
        now: () => parts.clock.now(),
        throttle,
        ...issuedBy(parts, admin.https?.oidc),
        refused: parts.refused,
      },
      caller,
    );
  };
  const apis: Pick<Api, 'close'>[] = [];
  const ports: number[] = [];
  try {
    for (const bind of https?.binds ?? []) {
      const api = lazyApi({ ...common, who }, (handler) => adminTlsServer(tlsOf(parts), handler));
      apis.push(api);
      ports.push(await listen(api, bind));
      parts.log.info({ event: 'admin.opened', address: showBind(bind) }, 'the API is open on TCP');
    }
  } catch (error) {
    await Promise.all(apis.map((api) => api.close(0)));
    throw error;
  }
  return { apis, ports };
}

function issuedBy({ oidc }: DoorParts, settings: AdminOidc | undefined): Pick<AccessParts, 'issued'> {
  return oidc === undefined || settings === undefined ? {} : { issued: (token) => oidc(token, settings) };
}

function tlsOf({ home, own, log }: DoorParts) {
  const { dir, edge, admin } = home();
  const certificate = admin.https?.certificate;
  return {
    certs: join(dir, 'certs'),
    own,
    log,
    ...(certificate !== undefined && { certificate }),
    ...(edge.identity !== undefined && { identity: edge.identity }),
  };
}

function listen({ server }: Pick<Api, 'server'>, bind: Bind<'https'>): Promise<number> {
  return new Promise((opened, failed) => {
    const refused = (error: Error): void =>
      failed(new Error(`admin: cannot listen on ${showBind(bind)}: ${error.message}`, { cause: error }));
    server.once('error', refused);
    server.listen({ port: bind.port, ...(bind.address !== '*' && { host: bind.address }) }, () => {
      server.removeListener('error', refused);
      const address = server.address();
      opened(typeof address === 'object' && address !== null ? address.port : bind.port);
    });
  });
}

/** Lines a minute that refused calls may add to the audit log; the flood itself is told once. */
const MAX_REFUSALS = 60;
const WINDOW_MS = 60_000;

/** Refused calls for the audit log, in bounded numbers: whoever has no access must not fill the disk. */
export function refusalNotes(
  clock: Clock,
  note: (actor: Actor, act: string, input: object) => Promise<void>,
): (address: string, why: string) => Promise<void> {
  let since = clock.monotonic();
  let count = 0;
  return async (address, why) => {
    if (clock.monotonic() - since >= WINDOW_MS) {
      since = clock.monotonic();
      count = 0;
    }
    count += 1;
    if (count > MAX_REFUSALS + 1) return;
    const actor: Actor = { name: 'unknown', role: 'viewer', via: 'api', address };
    await note(
      actor,
      'api refused',
      count > MAX_REFUSALS ? { why: 'more calls were refused within a minute; they are not listed' } : { why },
    );
  };
}
