// Renewal of our own certificates by ACME (RFC 8555): what certs/acme.yaml asks for, with every default filled in, and the
// port through which commands see and drive it. config/ makes the settings, certificates/ obeys them.

import type { HostPort, Where } from './table.ts';

export const KEY_KINDS = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** One certificate authority, and who we are there. */
export interface AcmeAuthority {
  /** Names the account's folder in var/acme/ and stands in the log. */
  readonly name: string;
  /** Its directory (RFC 8555 §7.1.1), https. */
  readonly directory: string;
  /** mailto: addresses the CA may write to. */
  readonly contact: readonly string[];
  /** RFC 8555 §7.3.4: the account that the CA's customer desk handed out. `secret` names a file in secrets/ (base64url). */
  readonly externalAccount?: { readonly kid: string; readonly secret: string };
  /** PEM file, absolute: the only roots believed for its own HTTPS; absent: the system's and certs/trust/edge. */
  readonly trust?: string;
  /** Name of a certificate profile of this CA, such as `shortlived`. */
  readonly profile?: string;
  readonly where: Where;
}

export type TsigAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

/** RFC 2136: where records are written, and the key that permits it (RFC 8945). */
export interface DnsUpdateSettings {
  readonly server: HostPort;
  readonly zone: string;
  readonly key: { readonly name: string; readonly algorithm: TsigAlgorithm; readonly secret: string };
  readonly ttlSeconds: number;
}

/** How control over a name is shown. */
export type ChallengeSettings =
  | { readonly type: 'http-01' | 'tls-alpn-01'; readonly address: string; readonly port: number }
  | {
      readonly type: 'dns-01';
      readonly means:
        | { readonly kind: 'hook'; readonly command: readonly string[] }
        | { readonly kind: 'update'; readonly update: DnsUpdateSettings };
      /** At most so long until every name server of the zone shows the record; then the CA is asked all the same. */
      readonly waitMs: number;
    };

/** One pair in certs/own that renews itself. */
export interface AcmeCertificate {
  /** Folder in certs/own. */
  readonly name: string;
  /** A-labels; `*.` in front only with dns-01. */
  readonly names: readonly string[];
  readonly key: KeyKind;
  /** Keep the key at renewal (pins of partners stay good), or take the one that was made ahead. */
  readonly reuseKey: boolean;
  readonly challenge: ChallengeSettings;
  /** At the latest so long before its end. Absent: a third of its life. A CA that asks for an earlier time (ARI) is obeyed. */
  readonly renewBeforeMs?: number;
  readonly where: Where;
}

export interface AcmeSettings {
  /** In order: the first that issues wins. */
  readonly authorities: readonly AcmeAuthority[];
  readonly certificates: readonly AcmeCertificate[];
}

/** Why a renewal failed; each has one advice in certificates/acme/fault.ts. */
export type AcmeCode =
  | 'ACME_UNREACHABLE'
  | 'ACME_TLS'
  | 'ACME_ANSWER'
  | 'ACME_ACCOUNT'
  | 'ACME_TERMS'
  | 'ACME_EXTERNAL_ACCOUNT'
  | 'ACME_LIMITED'
  | 'ACME_NAME_REFUSED'
  | 'ACME_CAA'
  | 'ACME_NOT_REACHED'
  | 'ACME_WRONG_ANSWER'
  | 'ACME_DNS'
  | 'ACME_NO_CHALLENGE'
  | 'ACME_LISTEN'
  | 'ACME_HOOK'
  | 'ACME_UPDATE'
  | 'ACME_SECRET'
  | 'ACME_TIMEOUT'
  | 'ACME_PAIR'
  | 'ACME_BUSY'
  | 'ACME_STOPPED';

/** A failure in words, for people and programs. */
export interface RenewalFault {
  readonly code: AcmeCode;
  readonly authority?: string;
  /** What happened, with what the CA said. */
  readonly text: string;
  /** What to do. */
  readonly advice: string;
  /** Problem document type (RFC 8555 §6.7), without its URN prefix. */
  readonly problem?: string;
  /** The name it is about. */
  readonly about?: string;
  /** Wall ms: the CA answers earlier tries with a refusal. */
  readonly notBefore?: number;
}

/** How one certificate stands. Times are wall ms. */
export interface RenewalState {
  readonly name: string;
  readonly names: readonly string[];
  readonly notAfter?: number;
  /** Which authority issued the one in force, when it was us who asked. */
  readonly authority?: string;
  /** When it will be renewed, and why then. */
  readonly dueAt: number;
  readonly because: string;
  /** When it is tried next; later than `dueAt` while every authority is left alone after failures. */
  readonly nextTryAt: number;
  readonly lastRenewedAt?: number;
  /** Failures in a row. */
  readonly failures: number;
  /** The last failure of each authority that has not issued since. */
  readonly faults: readonly RenewalFault[];
}

export type RenewalResult =
  | { readonly kind: 'renewed'; readonly name: string; readonly authority: string; readonly notAfter: number; readonly fingerprint: string }
  | { readonly kind: 'tried'; readonly name: string; readonly authority: string }
  | { readonly kind: 'notDue'; readonly name: string; readonly dueAt: number; readonly because: string }
  | { readonly kind: 'failed'; readonly name: string; readonly faults: readonly RenewalFault[]; readonly nextTryAt: number };

export interface RenewOptions {
  /** Only this one; default: every certificate of certs/acme.yaml. */
  readonly name?: string;
  /** Also when it is not due, or an authority is left alone after failures. */
  readonly force: boolean;
  /** Account, order and challenges, and then no certificate: nothing in certs/ changes, no failure is counted. */
  readonly dryRun: boolean;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Renewal as commands and the API see it. */
export interface Renewals {
  /** Undefined: there is no certs/acme.yaml. */
  settings(): AcmeSettings | undefined;
  /** The same after the files have been read again; what has a fault leaves the old. */
  refreshed(): AcmeSettings | undefined;
  states(): readonly RenewalState[];
  /** One certificate after the other; never rejects for what a CA or a name server did. */
  renew(options: RenewOptions): Promise<readonly RenewalResult[]>;
}
