// Where a partner's XMPP server is: the hosts of its file, else SRV of both services merged into one list (XEP-0368 §3), else
// - for listed partners only - the domain's own addresses on 5269 (RFC 6120 §3.2.2).

import { reason } from '../../errors.ts';
import type { Resolver, SrvAnswer, SrvRecord } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { orderSrv } from '../../model/srv.ts';
import type { Partner } from '../../model/table.ts';
import { S2S_PORT } from './names.ts';

/** What this shore needs of a partner's entry. */
export type PartnerRoute = Pick<Partner, 'xmpp' | 'allowPrivateAddresses' | 'discovered'>;

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'direct';
}
export type Located =
  | { readonly kind: 'targets'; readonly targets: readonly Target[] }
  | { readonly kind: 'failed'; readonly reason: Reason };

interface ServiceRecord extends SrvRecord {
  readonly tls: Target['tls'];
}

/** By convention of the servers there are, a file's host with this port is spoken to with TLS from the first byte. */
const DIRECT_TLS_PORT = 5270;

/**
 * Finds the targets to try, in order.
 * @param domain their domain, A-labels
 * @param random in [0, 1), for weights
 */
export async function locate(domain: string, partner: PartnerRoute, resolver: Resolver, random: () => number): Promise<Located> {
  if (partner.xmpp.hosts.length > 0) {
    const targets = partner.xmpp.hosts.map((at): Target => ({ ...at, tls: at.port === DIRECT_TLS_PORT ? 'direct' : 'starttls' }));
    return { kind: 'targets', targets };
  }
  const [starttls, direct] = await Promise.all([resolver.srv(`_xmpp-server._tcp.${domain}`), resolver.srv(`_xmpps-server._tcp.${domain}`)]);
  // One list for both services: priorities and weights compare across them.
  const records = [...tagged(starttls, 'starttls'), ...tagged(direct, 'direct')];
  if (records.length > 0) {
    return { kind: 'targets', targets: orderSrv(records, random).map(({ target, port, tls }) => ({ host: target, port, tls })) };
  }
  const both = [starttls, direct];
  // RFC 6120 §3.2.1: "." says that the service is not there; nothing else is tried. For _xmpps-server it speaks of direct TLS only.
  if (starttls.kind === 'notOffered') {
    return {
      kind: 'failed',
      reason: reason('NET_DNS_NOT_FOUND', `DNS says that ${domain} offers no XMPP federation (SRV target ".")`, {
        finer: 'DNS_SRV_NOT_OFFERED',
      }),
    };
  }
  const failure = both.find((answer) => answer.kind === 'failed');
  if (failure?.kind === 'failed') return { kind: 'failed', reason: failure.reason };
  if (partner.discovered) {
    const looked = `no SRV record _xmpp-server._tcp or _xmpps-server._tcp at ${domain}`;
    return { kind: 'failed', reason: reason('NET_DNS_NOT_FOUND', `there is ${looked}`, { retry: 'never', finer: 'DNS_SRV_NONE' }) };
  }
  return { kind: 'targets', targets: [{ host: domain, port: S2S_PORT, tls: 'starttls' }] };
}

function tagged(answer: SrvAnswer, tls: Target['tls']): ServiceRecord[] {
  return answer.kind === 'records'
    ? answer.records.filter(({ target }) => target !== '.' && target !== '').map((record) => ({ ...record, tls }))
    : [];
}
