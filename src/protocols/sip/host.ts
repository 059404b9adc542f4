// Hosts as they stand in URIs and Via: names, IPv4, IPv6 in brackets; names with other letters become A-labels.
// RFC 3261 §25.1 (with the IPv6 repair of RFC 5954), RFC 5890.

import { isIPv6 as nodeIsIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** A label of letters, digits and hyphens; underscores are seen in the names of internal hosts. */
const LABELS = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** An IPv6 address as URIs may hold it, without brackets. */
export function isIPv6(text: string): boolean {
  // A zone (`%eth0`) means something on one machine only (RFC 5954 has no place for it).
  return !text.includes('%') && nodeIsIPv6(text);
}

/** host = hostname / IPv4address / IPv6reference, in ASCII. */
export function isHost(text: string): boolean {
  if (text.startsWith('[')) return text.endsWith(']') && isIPv6(text.slice(1, -1));
  if (text.length > 254 || !LABELS.test(text)) return false;
  // RFC 3261 §25.1: the top label begins with a letter, or the whole is an IPv4 address.
  return /(?:^|\.)[0-9]+\.?$/.test(text) ? isIPv4(text) : true;
}

function isIPv4(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return match?.slice(1).every((part) => Number(part) <= 255) ?? false;
}

/**
 * A host in the form hosts are compared in: lower-case, A-labels, no final dot, IPv6 in brackets.
 * @returns undefined for what cannot be a host
 */
export function canonicalHost(text: string): string | undefined {
  const ascii = /^[\x00-\x7f]*$/.test(text) ? text : toALabels(text);
  if (!isHost(ascii)) return undefined;
  const lower = ascii.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Only names with other letters come here; IDNA by URL rules would else read `0x7f.1` as an address. '' when it cannot be. */
function toALabels(name: string): string {
  if (/[\x00-\x2c/:-@[-^`{-\x7f]/.test(name)) return '';
  const labels = domainToASCII(name);
  // Full-width digits must not turn a name into an address.
  return /^[0-9.]*$/.test(labels) ? '' : labels;
}
