// The records by which people's own clients find a domain that is served: core, and what DNS cannot say. Pure, as sheet.ts.

import type { Home } from '../../config/home.ts';
import { webOrigin } from '../../config/web-origin.ts';
import type { OwnDomain } from '../../model/table.ts';
import type { NeededName, Service, SheetService } from './sheet.ts';

export interface ClientSheet {
  readonly services: readonly Omit<SheetService, 'name'>[];
  readonly needs: readonly NeededName[];
  readonly remarks: readonly string[];
}

const NOTHING: ClientSheet = { services: [], needs: [], remarks: [] };

/** @param fallback the host that XMPP partners are led to */
export function clientSheet(domain: string, own: OwnDomain, { edge, clients }: Home, fallback: string): ClientSheet {
  if (own.served !== 'core') return NOTHING;
  const host = clients.host ?? fallback;
  const ports = (binds: readonly { readonly transport: string; readonly port: number }[], transport: string): number[] => [
    ...new Set(binds.filter((bind) => bind.transport === transport).map(({ port }) => port)),
  ];
  const found: Omit<SheetService, 'name'>[] = [];
  const add = (service: Service, all: readonly number[], optional: boolean): void => {
    if (all.length > 0) found.push({ service, target: host, ports: all, optional, side: 'client' });
  };
  const starttls = ports(clients.xmpp, 'starttls');
  add('client', starttls, false);
  add('clientTls', ports(clients.xmpp, 'tls'), starttls.length > 0);
  const sip = ports(clients.sip, 'tls');
  // RFC 3263 §4.1 knows one name for partners and clients. Where partners are listened for, it is theirs.
  if (edge.sip.length === 0) add('sips', sip, false);
  add('sip', ports(clients.sip, 'plain'), true);
  const address = webOrigin({ clients: { ...clients, host }, edge });
  return {
    services: found,
    needs:
      host === domain || found.length + sip.length + clients.web.length === 0
        ? []
        : [{ name: host, why: 'clients that are given this host look for it: SIP clients, browsers' }],
    remarks: [
      ...(clients.xmpp.length + clients.sip.length + clients.web.length === 0
        ? ['isthmus.yaml has no clients: nobody can sign in at this domain']
        : []),
      ...(sip.length > 0 && edge.sip.length > 0
        ? [
            `no record leads SIP clients here: _sips._tcp.${domain} is for partners; give clients ${host}${sip[0] === 5061 ? '' : `:${sip[0]}`} (TLS) as outbound proxy`,
          ]
        : []),
      ...(address === undefined
        ? []
        : [
            `browsers ask https://${domain}/.well-known/host-meta where to connect: unless ${domain} itself leads to clients.web, let its web server redirect that path, and host-meta.json beside it, to ${address}`,
          ]),
    ],
  };
}
