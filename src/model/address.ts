// Addresses of people and domains as every room between the shores sees them.
// A local part is held decoded (no percent signs of SIP, no XEP-0106 escapes of XMPP) and case-mapped
// (RFC 8265 UsernameCaseMapped); a domain is held as lower-case A-labels. Each shore converts at its own door:
// protocols/sip/address.ts and protocols/xmpp/jid.ts. The sender's own spelling is kept by the AddressSpelling store.

/** A user at a domain, perhaps at one endpoint. `local` is empty for a domain itself. */
export interface Address {
  readonly local: string;
  readonly domain: string;
  /** XMPP resource or SIP `gr` value, decoded; absent for a bare address. */
  readonly resource?: string;
}

/** The same user without an endpoint. */
export function bare(address: Address): Address {
  return address.resource === undefined ? address : { local: address.local, domain: address.domain };
}

/** A map key for the bare address. Control characters are never legal in `local`, so it cannot collide. */
export function bareKey(address: Address): string {
  return `${address.local}@${address.domain}`;
}

/** The bare address of a key that `bareKey` made. */
export function fromBareKey(key: string): Address {
  const at = key.lastIndexOf('@');
  return { local: key.slice(0, at), domain: key.slice(at + 1) };
}

/** True when both name the same user, whatever the endpoint. */
export function sameBare(a: Address, b: Address): boolean {
  return a.local === b.local && a.domain === b.domain;
}

/** For logs, reasons and people: `local@domain/resource`. */
export function show(address: Address): string {
  const user = address.local === '' ? address.domain : `${address.local}@${address.domain}`;
  return address.resource === undefined ? user : `${user}/${address.resource}`;
}
