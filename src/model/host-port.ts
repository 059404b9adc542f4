// A host and a port as text, the way URIs write them (RFC 3986 §3.2.2: an IPv6 address stands in brackets).

import type { HostPort } from './table.ts';

/** `host:port`, `[address]:port`. */
export function hostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
