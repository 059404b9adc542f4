// Which names a certificate carries, and for which domains they speak. SIP: RFC 5922 §7.1; XMPP: RFC 6120 §13.7.1 and
// RFC 9525. The common name is never read (RFC 9525 §2), nor xmppAddr. Pure: no trust is judged here.

import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { BaseBlock } from 'asn1js';
import { Constructed, fromBER, IA5String, ObjectIdentifier, Primitive, Sequence } from 'asn1js';
import type { Protocol } from '../model/table.ts';
import { extensionsOf } from './certificate-extensions.ts';

/** What subjectAltName says, cleaned: lower-case A-labels, and only what could be a name at all. */
export interface CertificateNames {
  /** DNS names; the left-most label may be or hold a `*`. */
  readonly dns: readonly string[];
  /** Hosts of `sip:` URIs without a user part. */
  readonly sipHosts: readonly string[];
  /** Hosts of SRV-IDs for `_xmpp-server` (RFC 4985). */
  readonly xmppServers: readonly string[];
  /** Addresses as node prints them. */
  readonly addresses: readonly string[];
  /** Everything, as found, for people. */
  readonly shown: readonly string[];
}

const SUBJECT_ALT_NAME = '2.5.29.17';
const SRV_NAME = '1.3.6.1.5.5.7.8.7';
const MAX_NAMES = 1000;

/** Reads the names out of a certificate; one that cannot be read has none. Never throws. */
export function namesOf(certificate: X509Certificate): CertificateNames {
  const names = {
    dns: [] as string[],
    sipHosts: [] as string[],
    xmppServers: [] as string[],
    addresses: [] as string[],
    shown: [] as string[],
  };
  const value = extensionsOf(certificate).get(SUBJECT_ALT_NAME)?.value;
  const list = value && sequenceOf(value);
  if (!list) return names;
  for (const entry of list.valueBlock.value.slice(0, MAX_NAMES)) {
    const text = entry instanceof Primitive ? latin1(entry) : '';
    switch (entry.idBlock.tagNumber) {
      case 0:
        readOtherName(entry, names);
        break;
      case 2:
        names.shown.push(printable(text));
        push(names.dns, cleanHost(text, { wildcard: true }));
        break;
      case 6:
        names.shown.push(printable(text));
        push(names.sipHosts, sipHost(text));
        break;
      case 7:
        push(names.addresses, entry instanceof Primitive ? addressText(bytesOf(entry)) : undefined);
        push(names.shown, names.addresses.at(-1));
        break;
    }
  }
  return names;
}

/**
 * Does a certificate with these names speak for `domain`?
 * @param domain a domain in any spelling; compared as lower-case A-label
 */
export function speaksFor(names: CertificateNames, domain: string, protocol: Protocol): boolean {
  const wanted = normalDomain(domain);
  if (wanted === undefined) return false;
  if (protocol === 'sip') {
    // RFC 5922 §7.1: a DNS name counts if and only if there is no sip: URI identity; §7.2: exact, no wildcard of any form.
    return (names.sipHosts.length > 0 ? names.sipHosts : names.dns).includes(wanted);
  }
  return names.xmppServers.includes(wanted) || names.dns.some((name) => name === wanted || wildcardMatches(name, wanted));
}

/** Does it carry exactly this host (or address) as a DNS name, or as the host of a sip: URI? For hosts an operator or DNS named. */
export function carriesHost(names: CertificateNames, host: string): boolean {
  if (isIP(host) !== 0) return names.addresses.includes(canonicalAddress(host));
  const wanted = normalDomain(host);
  return wanted !== undefined && (names.dns.includes(wanted) || names.sipHosts.includes(wanted));
}

/** Lower-case A-label of a domain; undefined when it cannot be a domain (empty, an address, forbidden characters). */
export function normalDomain(domain: string): string | undefined {
  const ascii = /^[\x20-\x7e]*$/.test(domain) ? domain : domainToASCII(domain);
  return isIP(ascii) === 0 ? cleanHost(ascii, { wildcard: false }) : undefined;
}

// RFC 9525 §6.3: `*` as the whole left-most label stands for exactly one label. Two labels must follow it: nobody
// speaks for a whole top-level domain.
function wildcardMatches(pattern: string, wanted: string): boolean {
  if (!pattern.startsWith('*.')) return false;
  const rest = pattern.slice(1);
  return rest.indexOf('.', 1) > 0 && wanted.endsWith(rest) && !wanted.slice(0, -rest.length).includes('.') && wanted.length > rest.length;
}

// RFC 5280 §4.2.1.6: preferred name syntax in ASCII. A NUL, a trailing dot, an empty label, U-labels as UTF-8: no name.
function cleanHost(text: string, options: { readonly wildcard: boolean }): string | undefined {
  const host = text.toLowerCase();
  if (host.length === 0 || host.length > 253) return undefined;
  const labels = (options.wildcard && host.startsWith('*.') ? host.slice(2) : host).split('.');
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) ? host : undefined;
}

// RFC 5922 §7.1: scheme `sip` (not sips), no user part; port and parameters do not matter.
function sipHost(uri: string): string | undefined {
  const host = /^sip:([^@:;?]+)(?::[0-9]{1,5})?(?:;[^@?]*)?$/i.exec(uri)?.[1];
  return host === undefined || isIP(host) !== 0 ? undefined : cleanHost(host, { wildcard: false });
}

function readOtherName(entry: BaseBlock, names: { xmppServers: string[]; shown: string[] }): void {
  if (!(entry instanceof Constructed)) return;
  const [type, wrapped] = entry.valueBlock.value;
  if (!(type instanceof ObjectIdentifier) || type.valueBlock.toString() !== SRV_NAME || !(wrapped instanceof Constructed)) return;
  const [value] = wrapped.valueBlock.value;
  if (!(value instanceof IA5String)) return;
  const text = value.valueBlock.value;
  names.shown.push(printable(text));
  const service = '_xmpp-server.';
  if (text.toLowerCase().startsWith(service)) push(names.xmppServers, cleanHost(text.slice(service.length), { wildcard: false }));
}

function sequenceOf(der: Uint8Array<ArrayBuffer>): Sequence | undefined {
  try {
    const { result } = fromBER(der);
    return result instanceof Sequence ? result : undefined;
  } catch {
    return undefined; // nested beyond what the reader follows
  }
}
function bytesOf(entry: Primitive): Buffer {
  return Buffer.from(entry.valueBlock.valueHexView);
}
function latin1(entry: Primitive): string {
  return bytesOf(entry).toString('latin1');
}
/** Certificate text for logs and terminals: control and non-ASCII bytes shown as `\xNN`, length bounded. */
function printable(text: string): string {
  return text.slice(0, 255).replaceAll(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
function push(list: string[], value: string | undefined): void {
  if (value !== undefined) list.push(value);
}

function addressText(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return canonicalAddress(words.join(':'));
}

/** One spelling for each address (RFC 5952); other text unchanged. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const url = URL.parse(`http://[${address}]/`);
  return url ? url.hostname.slice(1, -1) : address;
}
