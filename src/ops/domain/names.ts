// Which certificate of ours is shown for a domain, and what it names; and one spelling for addresses.

import { isIPv6 } from 'node:net';
import { readHomeFiles } from '../../config/files.ts';
import { Findings } from '../../config/finding.ts';
import { type OwnPair, ownPairs } from '../../config/own-pairs.ts';
import type { OwnDomain, Protocol } from '../../model/table.ts';

/** The valid pairs of certs/own. */
export function pairsOf(dir: string, nowMs: number): readonly OwnPair[] {
  return ownPairs(readHomeFiles(dir), nowMs, new Findings()).filter(({ valid }) => valid);
}

/** The pair that is shown for a domain: the one that the operator chose, else by its names, latest first. */
export function shownFor(domain: string, own: OwnDomain, pairs: readonly OwnPair[]): OwnPair | undefined {
  if (own.certificate !== undefined) return pairs.find(({ name }) => name === own.certificate);
  return pairs.filter(({ names }) => speaksFor(names, domain, 'xmpp')).sort((a, b) => b.notBeforeMs - a.notBeforeMs)[0];
}

/** RFC 9525 §6.3: for XMPP a wildcard counts as the whole left-most label; RFC 5922 §7.2: for SIP it never does. */
export function speaksFor(names: readonly string[], name: string, protocol: Protocol): boolean {
  if (names.includes(name)) return true;
  return protocol === 'xmpp' && names.includes(name.replace(/^[^.]+/, '*'));
}

/** One spelling for each address. */
export function plainName(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address.split('%')[0]}]`).hostname : address;
}
