// The desk where certificates are listed, asked for, brought in and judged, as commands see it (`isthmus cert ...`).
// certificates/desk.ts is behind it; it works on certs/ of one home and on nothing else.

import type { KeyKind } from './acme.ts';
import type { ShownCertificate } from './passport.ts';

/** What a certificate says. */
export interface CertificateFacts extends ShownCertificate {
  /** Names in subjectAltName, for people. */
  readonly names: readonly string[];
  /** Extended key usage: serverAuth, clientAuth, ...; empty: the extension is absent, any purpose. */
  readonly eku: readonly string[];
  readonly isAuthority: boolean;
  readonly selfSigned: boolean;
}

export interface Coverage {
  readonly domain: string;
  /** RFC 5922. */
  readonly sip: boolean;
  /** RFC 6120. */
  readonly xmpp: boolean;
}

export interface MissingIssuerFacts {
  readonly issuer: string;
  readonly below: string;
  /** Where the authority offers it. */
  readonly url?: string;
}

/** A key that waits for its certificate. */
export interface StagedKey {
  readonly keyFingerprint: string;
  readonly keyType: string;
  /** A request was made with it. */
  readonly requested: boolean;
}

/** One folder of certs/own. */
export interface OwnFacts {
  readonly name: string;
  /** Leaf first; empty: there is no pair yet, or it cannot be read. */
  readonly chain: readonly CertificateFacts[];
  readonly missing?: MissingIssuerFacts;
  readonly covers: readonly Coverage[];
  /** What keeps it from being used. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  readonly staged?: StagedKey;
  readonly previous?: CertificateFacts;
}

/** One file of roots. */
export interface AuthorityFacts {
  /** Path in the home. */
  readonly file: string;
  readonly side: 'edge' | 'inside' | 'partner';
  /** `side: partner`: whose. */
  readonly domain?: string;
  readonly certificates: readonly CertificateFacts[];
}

export interface RevocationListFacts {
  readonly file: string;
  readonly issuer: string;
  /** Wall ms. */
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
  readonly revoked: number;
}

export interface CertificateListing {
  readonly own: readonly OwnFacts[];
  readonly authorities: readonly AuthorityFacts[];
  readonly revocationLists: readonly RevocationListFacts[];
  readonly refused: readonly { readonly fingerprint: string; readonly reason: string }[];
  /** What is wrong in trust/ and revoked/. */
  readonly faults: readonly { readonly file: string; readonly text: string; readonly level: 'error' | 'warning' }[];
}

/** One file as it was given. */
export interface GivenFile {
  /** How it is called in sentences. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** What may become a certificate of ours. */
export interface Candidate {
  /** Folder in certs/own. */
  readonly name: string;
  readonly chain: readonly CertificateFacts[];
  /** The certificate that it would replace, if that one is still valid. */
  readonly replaces?: CertificateFacts;
  /** Where its key was found: in a given file, or the one made by `cert request`. */
  readonly keyFrom: 'file' | 'staged' | 'inForce';
  readonly covers: readonly Coverage[];
  readonly faults: readonly { readonly code: string; readonly text: string }[];
  readonly warnings: readonly string[];
  /**
   * Writes it into certs/own/<name>; what was there lies in previous/ afterwards.
   * @param acceptNames although it loses names: the running process is told that this is wanted
   */
  put(acceptNames: boolean): void;
}

export interface RequestFacts {
  /** PKCS#10 in PEM. */
  readonly pem: string;
  readonly keyFingerprint: string;
  readonly keyType: string;
  /** Path of the key in the home. */
  readonly keyFile: string;
  /** The key had been made before. */
  readonly keptKey: boolean;
}

/** Something given that is of no use, in words for whoever gave it. */
export class DeskError extends Error {}

export interface CertificateDesk {
  /** @param domains ours, aliases too */
  list(domains: readonly string[]): CertificateListing;
  /**
   * Makes a key, which stays, and a request for it.
   * @param names A-labels, a leading `*.` allowed; SRV-IDs as `_xmpp-server.corp.example`
   * @param newKey false: a key that waits already is used again
   * @throws DeskError
   */
  request(what: {
    readonly name: string;
    readonly names: readonly string[];
    readonly key: KeyKind;
    readonly newKey: boolean;
  }): RequestFacts;
  /**
   * Finds chain and key in files of any kind and judges them. Rejects with DeskError when there is none.
   * @param domains ours, aliases too, and the edge's host; empty: names are not judged
   */
  examine(
    files: readonly GivenFile[],
    options: { readonly name?: string; readonly password?: string; readonly domains: readonly string[] },
  ): Promise<Candidate>;
  /** The certificates of a file of any kind, with their PEM. Rejects with DeskError when there is none. */
  certificates(file: GivenFile, password?: string): Promise<readonly (CertificateFacts & { readonly pem: string })[]>;
  /** The revocation lists of a file, PEM or DER. Rejects with DeskError when there is none. */
  revocationLists(file: GivenFile): Promise<readonly (Omit<RevocationListFacts, 'file'> & { readonly pem: string })[]>;
}
