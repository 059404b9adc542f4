// What a certificate is made for (extended key usage), against the partner's `clientEku` (spec sip-xmpp 9.1). Public
// authorities stopped issuing clientAuth in 2026, so serverAuth alone is good in both roles; clientAuth alone, from a
// public authority, comes from another population of certificates (people, devices) and is not.

import type { X509Certificate } from 'node:crypto';
import { reason } from '../errors.ts';
import type { Reason } from '../model/reason.ts';
import type { ClientEku, Protocol } from '../model/table.ts';
import { purposesOf } from './certificate-extensions.ts';

const SERVER = '1.3.6.1.5.5.7.3.1';
const CLIENT = '1.3.6.1.5.5.7.3.2';
const ANY = '2.5.29.37.0';
const SIP_DOMAIN = '1.3.6.1.5.5.7.3.20'; // RFC 5924

/**
 * @param fromPublicAuthority the path ends at a root that the system brought, not at one the operator put there
 * @param role what the peer was in this handshake; `require-clientAuth` asks something of clients only
 * @returns why it may not be used; undefined when it may
 */
export function purposeRefused(
  certificate: X509Certificate,
  facts: {
    readonly rule: ClientEku;
    readonly protocol: Protocol;
    readonly role: 'client' | 'server';
    readonly fromPublicAuthority: boolean;
  },
): Reason | undefined {
  const purposes = purposesOf(certificate);
  // RFC 5280 §4.2.1.12: no extension, or anyExtendedKeyUsage: any purpose.
  if (purposes === undefined || purposes.includes(ANY)) return undefined;
  const server = purposes.includes(SERVER);
  const client = purposes.includes(CLIENT);
  if (facts.rule === 'require-clientAuth' && facts.role === 'client' && !client) {
    return refused("is not made for TLS clients (no clientAuth), and clientEku of the partner's file is require-clientAuth");
  }
  if (facts.rule === 'require-serverAuth' && !server) {
    return refused("is not made for TLS servers (no serverAuth), and clientEku of the partner's file is require-serverAuth");
  }
  if (server || (facts.protocol === 'sip' && purposes.includes(SIP_DOMAIN))) return undefined;
  if (!client) return refused('is made for neither TLS servers nor TLS clients; serverAuth is needed');
  if (facts.fromPublicAuthority) return refused('is made for TLS clients only and comes from a public authority; serverAuth is needed');
  return undefined;
}

function refused(text: string): Reason {
  return reason('CERT_PEER_EKU', `The peer's certificate ${text}.`);
}
