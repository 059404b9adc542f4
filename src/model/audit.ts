// Every administrative act, in order, each line bound to the one before by its hash (`isthmus audit verify`).

/** Who did it. */
export interface Actor {
  /** A user of this machine, the name of a token, or the subject of a client certificate. */
  readonly name: string;
  readonly role: Role;
  readonly via: 'commandLine' | 'api' | 'process';
  readonly address?: string;
}

/** Least first. `helpdesk` sees metadata, never bodies; `compliance` reads archives; `operator` runs; `admin` also hands out access. */
export const ROLES = ['viewer', 'helpdesk', 'compliance', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** The name of whoever an OpenID issuer vouches for. Only `sub` is theirs alone; the other may be changed by themselves. */
export function issuedName(sub: string, shown: string | undefined): string {
  const plain = (text: string): string => text.replaceAll('(', '[').replaceAll(')', ']');
  return shown === undefined || shown === sub ? `oidc:${plain(sub)}` : `oidc:${plain(shown)} (${plain(sub)})`;
}

/** May two names be of one person? Also of one who is known under one of their names here and to an issuer. */
export function maybeSame(one: string, other: string): boolean {
  const of = (name: string): readonly string[] => {
    const [, shown = '', sub] = /^oidc:([^()]*?)(?: \(([^()]*)\))?$/s.exec(name.toLowerCase()) ?? [undefined, name.toLowerCase()];
    return sub === undefined ? [shown] : [shown, sub];
  };
  return of(one).some((name) => of(other).includes(name));
}

export interface AuditEntry {
  /** Wall ms. */
  readonly at: number;
  readonly actor: Actor;
  /** The command's words: `partner block`. */
  readonly act: string;
  /** What it was given, as JSON; secrets left out. */
  readonly input: string;
  /** 0: done. Else the exit status. */
  readonly exit: number;
  /** A unified diff of files, or one line of what changed. */
  readonly changes?: string;
  /** The reason that the actor gave. */
  readonly why?: string;
}

/** One line of the chain. */
export interface AuditLine extends AuditEntry {
  readonly number: number;
  /** SHA-256, lower-case hex, over the line before and this one. */
  readonly hash: string;
}

export type AuditVerdict =
  | { readonly whole: true; readonly lines: number; readonly last?: AuditLine }
  | { readonly whole: false; readonly lines: number; readonly brokenAt: number; readonly what: string };

export interface AuditLog {
  append(entry: AuditEntry): Promise<AuditLine>;
  /** Newest first; with `from`, a line number, oldest first beginning there. */
  list(options: {
    readonly sinceMs?: number;
    readonly act?: string;
    readonly from?: number;
    readonly limit: number;
  }): Promise<readonly AuditLine[]>;
  /** Walks the whole chain. @param expected a hash that a line must carry: cutting off the end breaks no chain */
  verify(expected?: string): Promise<AuditVerdict>;
  close(): void;
}
