// isthmus.yaml to the Home that assembly/ reads, every default filled in.

import { isAbsolute, resolve } from 'node:path';
import type { Home } from './home.ts';
import type { IsthmusInput, Listeners } from './listeners.ts';

/** Fills in every default of isthmus.yaml. @param dir absolute path of the home */
export function homeOf(dir: string, input: IsthmusInput, listeners: Listeners, host: string): Home {
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
  };
}

function under(dir: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dir, path);
}
