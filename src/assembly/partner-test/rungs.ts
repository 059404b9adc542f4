// What both climbers of `isthmus partner test` share (sip.ts, xmpp.ts): their parts, the TCP rung, and the words
// for what TLS and certificates showed.

import { reason } from '../../errors.ts';
import { ConnectError, type Hop, type Ids, type Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Partner, Protocol, Table } from '../../model/table.ts';
import type { ProbeTarget } from '../../ops/partner-test/ports.ts';
import type { EdgeParts } from '../edge.ts';

/** So long a partner has for its answer once TLS is made, ms. */
export const ANSWER_MS = 5000;
/** So long DNS has for all of one ladder's questions, ms. */
export const DNS_MS = 3000;

/** What both climbers need. */
export interface ProbeParts extends Pick<EdgeParts, 'resolver' | 'connector' | 'upgrade'> {
  readonly ids: Ids;
  readonly table: () => Table;
  /** `dns.servers` of the home as node wants them; empty: the system's. */
  readonly dnsServers: readonly string[];
  /** The name we carry in Via. */
  readonly host: string;
  readonly partner: Partner;
  readonly hop: (network: Protocol) => Hop;
  /** The secret behind our dialback keys; only a running process can confirm one. */
  readonly dialbackSecret?: string;
}

/** How a target found without any record is called. */
export const NO_RECORD = 'no SRV record: the domain itself';

/** TCP alone, for either protocol. @returns the address that answered */
export async function tcpOnly(parts: ProbeParts, protocol: Protocol, at: ProbeTarget, signal: AbortSignal): Promise<string> {
  try {
    const link = await plainLink(parts, protocol, at, signal);
    link.socket.destroy();
    return `${link.peer.address} port ${at.port} answers`;
  } catch (error) {
    throw new ConnectError(finerTcp(failedWith(error), parts.hop(protocol).theirDomain, at), { cause: error });
  }
}

/** A connection without TLS. Rejects with ConnectError. */
export function plainLink(parts: ProbeParts, protocol: Protocol, at: ProbeTarget, signal: AbortSignal): Promise<Link> {
  const target = {
    side: 'edge',
    protocol,
    host: at.host,
    port: at.port,
    tls: 'none',
    identity: parts.hop(protocol).ourDomain,
    allowPrivateAddresses: parts.partner.allowPrivateAddresses,
  } as const;
  return parts.connector.connect(target, signal);
}

/** The same failure means something else where DNS led there. */
function finerTcp(why: Reason, domain: string, { host, found }: ProbeTarget): Reason {
  if (found === NO_RECORD) {
    return reason('NET_DNS_NOT_FOUND', `${domain} has no SRV record, and nothing answers at the domain itself: ${why.text}`, {
      finer: 'DNS_SRV_NONE',
    });
  }
  const byRecord = host !== domain && found.includes('SRV');
  if (why.code === 'NET_ADDRESS_REFUSED' && byRecord) return { ...why, finer: 'DNS_SRV_PRIVATE' };
  return why.code === 'NET_DNS_NOT_FOUND' ? { ...why, finer: 'DNS_SRV_NO_ADDRESS' } : why;
}

/** Version, cipher and the names in the certificate. */
export function tlsWords(link: Link): string {
  const { names } = link.peer;
  const shown = names.length === 0 ? 'no name' : names.slice(0, 8).join(', ');
  return `${link.tls?.version ?? 'TLS'}, ${link.tls?.cipher ?? 'cipher not known'}; its certificate carries ${shown}`;
}

/** How a domain was proven, in words; undefined for proofs that no certificate gave. */
export function proofWords(how: string): string | undefined {
  return how in PROOF_WORDS ? PROOF_WORDS[how as keyof typeof PROOF_WORDS] : undefined; // `in` says that it is a key
}
const PROOF_WORDS = {
  certificate: 'its certificate names the domain',
  namedServer: "its certificate has a name that the partner's file lists",
  discoveredServer: 'its certificate has a host name that DNS gives inside the domain',
  posh: 'the domain publishes the fingerprint of its certificate (POSH)',
} as const;

/** Why connecting failed. Throws what is no ConnectError. */
export function failedWith(error: unknown): ConnectError['reason'] {
  if (error instanceof ConnectError) return error.reason;
  throw error;
}
