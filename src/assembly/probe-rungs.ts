// What both climbers of `isthmus partner test` share (probe-sip.ts, probe-xmpp.ts): their parts, the TCP rung, and the words
// for what TLS and certificates showed.

import { ConnectError, type Hop, type Ids, type Link } from '../model/ports.ts';
import type { Partner, Protocol, Table } from '../model/table.ts';
import type { EdgeParts } from './edge.ts';

/** What both climbers need. */
export interface ProbeParts extends EdgeParts {
  readonly ids: Ids;
  readonly table: () => Table;
  /** The name we carry in Via. */
  readonly host: string;
  readonly partner: Partner;
  readonly hop: (network: Protocol) => Hop;
}

/** TCP alone, for either protocol. @returns the address that answered */
export async function tcpOnly(
  parts: ProbeParts,
  protocol: Protocol,
  at: { host: string; port: number },
  signal: AbortSignal,
): Promise<string> {
  const link = await parts.connector.connect(
    {
      side: 'edge',
      protocol,
      host: at.host,
      port: at.port,
      tls: 'none',
      identity: parts.hop(protocol).ourDomain,
      allowPrivateAddresses: parts.partner.allowPrivateAddresses,
    },
    signal,
  );
  link.socket.destroy();
  return `${link.peer.address} port ${at.port} answers`;
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
} as const;

/** Why connecting failed. Throws what is no ConnectError. */
export function failedWith(error: unknown): ConnectError['reason'] {
  if (error instanceof ConnectError) return error.reason;
  throw error;
}
