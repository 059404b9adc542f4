// What a partner has shown of itself on the wire: its certificate, chain, names, key and TLS, each direction for itself.
// Kept so that an expiry, a new authority or a key change is seen before it hurts (operations.md §7.1).

import type { Protocol } from './table.ts';

/** One certificate of a chain that a partner sent. */
export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hex: the same after a renewal that keeps the key. */
  readonly keyFingerprint: string;
  readonly keyType: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The last thing seen of one partner domain on one road. */
export interface Passport {
  readonly domain: string;
  readonly protocol: Protocol;
  readonly direction: 'in' | 'out';
  /** Leaf first, as sent. */
  readonly chain: readonly ShownCertificate[];
  /** Names in the leaf, as people read them. */
  readonly names: readonly string[];
  /** Extended key usage: serverAuth, clientAuth, ...; empty: the extension is absent. */
  readonly eku: readonly string[];
  readonly tlsVersion: string;
  readonly cipher: string;
  /** Certificate types or authorities that the peer asked of us (CertificateRequest), as names; empty: it named none. */
  readonly acceptedAuthorities: readonly string[];
  /** Did it take our certificate? undefined: it was never asked, or the connection was refused for another reason. */
  readonly tookOurs?: boolean;
  /** Wall ms. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** A change between two sightings. */
export interface PassportChange {
  readonly at: number;
  readonly domain: string;
  readonly protocol: Protocol;
  readonly direction: 'in' | 'out';
  /** `renewed`: same key. `key`: another key. `authority`: another issuer. `names`, `eku`, `tls`. */
  readonly what: 'first' | 'renewed' | 'key' | 'authority' | 'names' | 'eku' | 'tls';
  /** One sentence. */
  readonly text: string;
}

export interface PassportStore {
  get(domain: string, protocol: Protocol, direction: 'in' | 'out'): Promise<Passport | undefined>;
  put(passport: Passport, changes: readonly PassportChange[]): Promise<void>;
  all(): Promise<readonly Passport[]>;
  changes(domain: string | undefined, sinceMs: number): Promise<readonly PassportChange[]>;
}
