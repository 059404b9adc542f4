// Which IP addresses a peer's DNS may not lead us to (SSRF, security.md 3), and matching addresses with an operator's
// lists. Everything is decided on the address itself, never on how it was spelled.

import { BlockList, isIP, isIPv4 } from 'node:net';
import { canonicalAddress } from './certificate-names.ts';

const FORBIDDEN = new BlockList();
const FORBIDDEN_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // "this host": unspecified
  ['10.0.0.0', 8], // private, RFC 1918
  ['100.64.0.0', 10], // shared between a provider and its customers, RFC 6598
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and where clouds keep their metadata
  ['172.16.0.0', 12],
  ['192.0.0.0', 24], // protocol assignments
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
];
const FORBIDDEN_V6: readonly (readonly [string, number])[] = [
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['64:ff9b:1::', 48], // local translation, RFC 8215
  ['100::', 64], // discard
  ['fc00::', 7], // unique local
  ['fe80::', 10], // link-local
  ['fec0::', 10], // site-local, as it once was
  ['ff00::', 8], // multicast
];
for (const [net, prefix] of FORBIDDEN_V4) FORBIDDEN.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of FORBIDDEN_V6) FORBIDDEN.addSubnet(net, prefix, 'ipv6');

/** True for private, loopback, link-local, multicast, unspecified and reserved addresses, also inside an IPv6 spelling. */
export function isForbiddenTarget(address: string): boolean {
  const plain = embeddedIpv4(address) ?? address;
  const family = isIP(plain);
  // What is not an address at all (a zone index, text) is not connected to either.
  return family === 0 || FORBIDDEN.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** The IPv4 address inside ::ffff:0:0/96 (mapped), 64:ff9b::/96 (NAT64) or 2002::/16 (6to4); undefined for others. */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const words = wordsOf(address);
  const prefix = words.slice(0, 6).join(':');
  if (prefix === '0:0:0:0:0:65535' || prefix === `${0x64}:${0xff9b}:0:0:0:0`) return dotted(words[6]!, words[7]!);
  return words[0] === 0x2002 ? dotted(words[1]!, words[2]!) : undefined;
}

/** One spelling for each address; IPv4 seen through an IPv6 socket becomes IPv4. */
export function plainAddress(address: string): string {
  const words = isIP(address) === 6 ? wordsOf(address) : [];
  return words.slice(0, 6).join(':') === '0:0:0:0:0:65535' ? dotted(words[6]!, words[7]!) : canonicalAddress(address);
}

/** Does an operator's entry (address or CIDR) cover this address? Names cover none. */
export function addressMatches(entry: string, address: string): boolean {
  const [net = '', prefix] = entry.split('/');
  const family = isIP(net);
  const plain = plainAddress(address);
  if (family === 0 || isIP(plain) !== family) return false;
  if (prefix === undefined) return plainAddress(net) === plain;
  const bits = Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || bits > (family === 4 ? 32 : 128)) return false;
  const range = new BlockList();
  const type = isIPv4(net) ? 'ipv4' : 'ipv6';
  range.addSubnet(net, bits, type);
  return range.check(plain, type);
}

function wordsOf(address: string): number[] {
  const canonical = canonicalAddress(address.split('%')[0]!);
  const [head = '', tail] = canonical.split('::');
  const words = (text: string): number[] => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)));
  const before = words(head);
  const after = tail === undefined ? [] : words(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
