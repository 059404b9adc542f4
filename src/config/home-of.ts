// isthmus.yaml and certs/revoked/refused.yaml to the Home that assembly/ reads, every default filled in.

import { isAbsolute, resolve } from 'node:path';
import type * as z from 'zod';
import type { Home, RefusedCertificate } from './home.ts';
import type { IsthmusInput, Listeners } from './listeners.ts';
import type { refusedSection } from './sections/later.ts';
import type { YamlSource } from './yaml-source.ts';

export const REFUSED_FILE = 'certs/revoked/refused.yaml';

/** Fills in every default of isthmus.yaml. @param dir absolute path of the home */
export function homeOf(
  dir: string,
  input: IsthmusInput,
  listeners: Listeners,
  host: string,
  refused: z.output<typeof refusedSection> | undefined,
  refusedFile: YamlSource | undefined,
): Home {
  const { edge, inside, clients, outbound, admin, dns, retention } = input;
  const { httpProxy } = outbound ?? {};
  const adminBind = listeners.adminHttps[0];
  const socket = admin?.scheme === 'unix' ? admin.path : 'var/admin.sock';
  const [metrics] = listeners.metrics;
  return {
    dir,
    edge: {
      host,
      ...(edge?.identity !== undefined && { identity: edge.identity }),
      sip: listeners.edgeSip,
      xmpp: listeners.edgeXmpp,
      proxyProtocolFrom: edge?.proxyProtocolFrom ?? [],
    },
    inside: { host: inside?.host ?? host, sip: listeners.insideSip, component: listeners.insideComponent },
    clients: {
      ...(clients?.host !== undefined && { host: clients.host }),
      sip: listeners.clientSip,
      xmpp: listeners.clientXmpp,
      web: listeners.clientWeb,
    },
    outbound: {
      sourceAddress: outbound?.sourceAddress ?? [],
      ...(httpProxy !== undefined && { httpProxy: { host: httpProxy.host, port: httpProxy.port } }),
    },
    admin: adminBind === undefined ? { kind: 'unix', path: under(dir, socket) } : { kind: 'https', bind: adminBind },
    ...(metrics !== undefined && { metrics }),
    dns: { servers: dns?.servers ?? [] },
    data: under(dir, input.data),
    retention: {
      ledgerMs: retention.ledger,
      decisionsMs: retention.decisions,
      queuedMs: retention.queued,
      requestsMs: retention.requests,
    },
    reload: input.reload,
    log: { level: input.log.level },
    refused: (refused?.refused ?? []).flatMap((entry, index) => (entry.enabled === false ? [] : [refusedOf(entry, index, refusedFile)])),
  };
}

function refusedOf(
  entry: z.output<typeof refusedSection>['refused'][number],
  index: number,
  source: YamlSource | undefined,
): RefusedCertificate {
  const { fingerprint, domain, reason } = entry;
  const where = { file: REFUSED_FILE, key: `/refused/${index}`, line: source?.place(['refused', index]).line ?? 1 };
  return { fingerprint, ...(domain !== undefined && { domain }), reason, where };
}

function under(dir: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dir, path);
}
