// isthmus.yaml to the Home that assembly/ reads, every default filled in.

import { isAbsolute, resolve } from 'node:path';
import { PRESENCE_POLICY } from '../model/presence-settings.ts';
import type { HostPort } from '../model/table.ts';
import { adminOf } from './admin.ts';
import type { Home } from './home.ts';
import type { IsthmusInput, Listeners } from './listeners.ts';
import { notifySection } from './sections/notify.ts';

/** Fills in every default of isthmus.yaml. @param dir absolute path of the home */
export function homeOf(dir: string, input: IsthmusInput, listeners: Listeners, host: string): Home {
  const { edge, inside, clients, outbound, dns, retention } = input;
  const { httpProxy } = outbound ?? {};
  const [metrics] = listeners.metrics;
  const data = under(dir, input.data);
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
      ...(clients?.webUrl !== undefined && { webUrl: urlOf(clients.webUrl) }),
      uploads: uploadsOf(clients?.uploads),
      push: clients?.push ?? [],
    },
    people: { states: [], presence: PRESENCE_POLICY },
    outbound: {
      sourceAddress: outbound?.sourceAddress ?? [],
      ...(httpProxy !== undefined && { httpProxy: { host: httpProxy.host, port: httpProxy.port } }),
    },
    admin: adminOf(dir, data, input, listeners.adminHttps),
    ...(metrics !== undefined && { metrics }),
    notify: notifyOf(input.notify),
    dns: { servers: dns?.servers ?? [] },
    data,
    retention: {
      ledgerMs: retention.ledger,
      decisionsMs: retention.decisions,
      queuedMs: retention.queued,
      requestsMs: retention.requests,
      historyMs: retention.history,
      uploadsMs: retention.uploads,
    },
    reload: input.reload,
    log: { level: input.log.level },
  };
}

function urlOf({ host, port }: HostPort): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `https://${name}${port === 443 ? '' : `:${port}`}`;
}

const MIB = 1024 ** 2;

function uploadsOf(input: NonNullable<IsthmusInput['clients']>['uploads']): Home['clients']['uploads'] {
  if (input?.enabled === false) return { sizeBytes: 0, quotaBytes: 0 };
  return { sizeBytes: input?.size ?? 50 * MIB, quotaBytes: input?.quota ?? 1024 * MIB };
}

function notifyOf(input: IsthmusInput['notify']): Home['notify'] {
  const { mail, webhook, when } = input ?? notifySection.parse({});
  const on = <T extends { enabled?: boolean | undefined }>(entries: readonly T[] | undefined): readonly T[] =>
    input?.enabled === false ? [] : (entries ?? []).filter((one) => one.enabled !== false);
  return {
    mail: on(mail),
    webhook: on(webhook),
    when: { partnerDownMs: when.partnerDown, queueAgeMs: when.queueAge, certificateDays: when.certificateDays },
  };
}

function under(dir: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dir, path);
}
