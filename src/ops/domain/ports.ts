// What `domain dns --check` asks of the world; made in assembly/domain-dns.ts, played by a DNS server of its own in tests.

import type { AddressAnswer, NaptrRecord, SrvAnswer } from '../../model/ports.ts';

/** DNS as the world sees it now: nothing is remembered from one question to the next. */
export interface DnsView {
  srv(name: string): Promise<SrvAnswer>;
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  addresses(host: string): Promise<AddressAnswer>;
  /** The name that `host` is only another name for; undefined: it is none. */
  alias(host: string): Promise<string | undefined>;
  /** Can partners on the internet reach it? Private, loopback, link-local and reserved addresses: no. */
  isPublic(address: string): boolean;
  /** Addresses of this machine's own interfaces, loopback left out. */
  ownAddresses(): readonly string[];
}
