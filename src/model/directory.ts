// A directory of people outside (LDAP, Active Directory), and what the sync of it remembers.

/** The entry that a person came from. */
export interface DirectoryEntry {
  /** Bare key of the person. */
  readonly address: string;
  readonly dn: string;
  /** The entry's own mark of its last change (whenChanged, modifyTimestamp); empty: it has none. */
  readonly stamp: string;
  /** The directory switched the person off, and may switch them on again. */
  readonly disabled: boolean;
  /** Wall ms at which it was last there. */
  readonly seenAt: number;
}

export interface DirectoryStore {
  /** @param address bare key */
  get(address: string): Promise<DirectoryEntry | undefined>;
  all(): Promise<readonly DirectoryEntry[]>;
  put(entry: DirectoryEntry): Promise<void>;
}

/** What one round did. */
export interface SyncResult {
  readonly entries: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Gone from the directory, or disabled there. */
  readonly disabled: readonly string[];
  readonly enabled: readonly string[];
  /** Left out, with why. */
  readonly skipped: readonly { readonly dn: string; readonly why: string }[];
}

/** Attributes of an entry by what they are to us; a list is tried in order. */
export interface DirectoryAttributes {
  /** The address, or its part before the @. */
  readonly address: readonly string[];
  readonly name: readonly string[];
  readonly mail: readonly string[];
  readonly phone: readonly string[];
  readonly mobile: readonly string[];
  readonly title: readonly string[];
  readonly company: readonly string[];
  readonly office: readonly string[];
  readonly groups: readonly string[];
  readonly addresses: readonly string[];
  readonly photo: readonly string[];
  /** The entry's own mark of its last change. */
  readonly changed: readonly string[];
}

/** people/directory.yaml, every default filled in. */
export interface DirectorySettings {
  /** `ldaps`: TLS from the first octet; `ldap`: STARTTLS, always; `plain`: no TLS. Tried in order. */
  readonly servers: readonly { readonly scheme: 'ldaps' | 'ldap' | 'plain'; readonly host: string; readonly port: number }[];
  /** Absent: anonymous. */
  readonly bindDn?: string;
  /** The name of a secret. */
  readonly password?: string;
  readonly base: string;
  readonly filter: string;
  readonly attributes: DirectoryAttributes;
  /** For addresses without a domain. */
  readonly domain?: string;
  /** Domains of the directory to ours. */
  readonly domains: ReadonlyMap<string, string>;
  readonly refreshMs: number;
  /** Whether the main password is the directory's. */
  readonly signIn: 'passwords' | 'ldap';
}
