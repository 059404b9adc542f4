// Files that users of the core share (XEP-0363): what is known of each, and where its octets are, as the rooms see them. Owners are
// bare keys (model/address.ts), times wall ms. Whoever knows a file's id has the file.

export interface Upload {
  /** 144 random bits, base64url; the octets are found by it alone. */
  readonly id: string;
  readonly owner: string;
  /** As others read it: the last step of an address, never of a path on this machine. */
  readonly name: string;
  /** A media type without parameters, lower case. */
  readonly type: string;
  readonly size: number;
  /** Of the slot. */
  readonly madeAt: number;
  /** slot: nothing has come yet; writing: it comes; kept: it is whole and on disk. */
  readonly state: 'slot' | 'writing' | 'kept';
}

export interface UploadStore {
  /** Keeps a place for a file, unless its owner would have more than `most.bytes`, or more than `most.slots` that wait. */
  reserve(
    upload: Omit<Upload, 'state'>,
    most: { readonly bytes: number; readonly slots: number },
  ): Promise<'reserved' | 'full' | 'tooMany'>;
  get(id: string): Promise<Upload | undefined>;
  /** Its octets come now. False: they have come already, or somebody else sends them. */
  begin(id: string): Promise<boolean>;
  /** They are on disk. */
  done(id: string): Promise<void>;
  /** They did not come whole: they may come again. */
  failed(id: string): Promise<void>;
  /** Octets that a user's files take, promised ones among them. */
  used(owner: string): Promise<number>;
  /** Ids of files older than `kept`, of slots older than `slot` on which nothing comes, and of who is no user any more, or had the address before. */
  expired(before: { readonly kept: number; readonly slot: number }, limit: number): Promise<readonly string[]>;
  remove(ids: readonly string[]): Promise<void>;
  /** After a start: nothing is being written. */
  restart(): Promise<void>;
}

/** What became of octets that were to be written. */
export type Written = 'whole' | 'short' | 'long' | 'diskFull';

export interface UploadFiles {
  /** Writes exactly `size` octets, or nothing. Rejects when they stop coming. */
  write(id: string, octets: AsyncIterable<Uint8Array>, size: number): Promise<Written>;
  /** Is it there, with that size? */
  has(id: string, size: number): Promise<boolean>;
  /** From `first` to `last`, both included; nothing is opened before it is asked for. */
  read(id: string, first: number, last: number): AsyncIterable<Uint8Array>;
  remove(id: string): Promise<void>;
  /** Octets that files may still take on this disk; what the rest of the process needs is not among them. */
  room(): Promise<number>;
  /** After a start: what was being written is gone. */
  restart(): Promise<void>;
  /** Removes files that `known` does not know, as after a restored backup. */
  tidy(known: (id: string) => Promise<boolean>): Promise<void>;
}
