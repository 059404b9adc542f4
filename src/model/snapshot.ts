// What a backup needs of the databases of a home: a copy while they are written, and a look into a copy.

/** A copy of both databases, as of one moment each. */
export interface Snapshot {
  /** Shape of isthmus.db; 0: this home has never been started and there is none. */
  readonly shape: number;
  /** Hash of the last line of the audit log; absent when there is none. */
  readonly auditLast?: string;
}

/** What a copy holds. */
export interface Inspection {
  /** Shape of isthmus.db, and the newest that this version knows. */
  readonly shape: number;
  readonly newestShape: number;
  /** What SQLite found wrong; empty is good. */
  readonly damage: readonly string[];
  /** Rows by table, of the tables that hold any. */
  readonly rows: Readonly<Record<string, number>>;
  /** Messages that wait, and how many of them the key beside the database opens. */
  readonly waiting: number;
  readonly readable: number;
  readonly audit: { readonly lines: number; readonly broken?: string };
}

export interface Snapshots {
  /**
   * Copies isthmus.db and audit.db of `data` into the folder `to`, each as of one moment, while others write them.
   * @param progress pages copied, pages in all @throws StoreError
   */
  copy(data: string, to: string, progress: (done: number, all: number) => void, signal: AbortSignal): Promise<Snapshot>;
  /** Looks into the databases in `folder`, which nobody runs. */
  inspect(folder: string): Promise<Inspection>;
  /** Does a process run with this data folder? */
  held(data: string): boolean;
  /** Is the audit log in `data` whole, and does it hold the line with this hash? */
  continuesAudit(data: string, hash: string): Promise<boolean>;
}
