// What users of the core keep here for their clients and publish to others, as the rooms see the tables: nodes with items
// (XEP-0060, of which XEP-0163 makes personal ones) and private elements (XEP-0049). Owners are bare keys (model/address.ts).

/** Who may read a node; the owner always may, and who is blocked never (XEP-0060 §4.5; `authorize` is not offered). */
export const ACCESS_MODELS = ['open', 'presence', 'roster', 'whitelist'] as const;
export type AccessModel = (typeof ACCESS_MODELS)[number];
/** When somebody is told what was published last without asking. */
export const SEND_LAST = ['never', 'on_sub', 'on_sub_and_presence'] as const;
export type SendLast = (typeof SEND_LAST)[number];

export interface NodeConfig {
  readonly accessModel: AccessModel;
  /** For `roster`: groups of the owner's contact list. */
  readonly rosterGroups: readonly string[];
  /** For `whitelist`: bare keys. */
  readonly members: readonly string[];
  /** Bare keys that may not read, whatever the access model says. */
  readonly outcasts: readonly string[];
  readonly persistItems: boolean;
  readonly maxItems: number;
  readonly sendLast: SendLast;
  readonly deliverPayloads: boolean;
  readonly deliverNotifications: boolean;
  readonly notifyRetract: boolean;
  readonly notifyDelete: boolean;
  readonly notifyConfig: boolean;
  readonly headline: boolean;
  readonly title?: string;
  readonly description?: string;
  /** A namespace that says what the payloads are. */
  readonly type?: string;
}

export interface PersonalNode {
  readonly name: string;
  readonly config: NodeConfig;
}

export interface PersonalItem {
  readonly id: string;
  /** Wall ms. */
  readonly at: number;
  /** One element as text; undefined: an item without payload. */
  readonly payload?: string;
}

export interface PersonalBounds {
  /** Nodes of one owner. */
  readonly nodes: number;
  /** Bytes of all items and private elements of one owner, sealed. */
  readonly bytes: number;
}

/** `full`: nothing was written, the owner has as much as may be kept. */
export type PersonalWritten = { readonly kind: 'written'; readonly dropped: readonly string[] } | { readonly kind: 'full' };

export interface PersonalStore {
  nodes(owner: string): Promise<readonly PersonalNode[]>;
  node(owner: string, name: string): Promise<PersonalNode | undefined>;
  /** Adds or replaces the node. */
  putNode(owner: string, node: PersonalNode, at: number, most: PersonalBounds): Promise<PersonalWritten>;
  /** With its items and subscriptions. False: it was not there. */
  removeNode(owner: string, name: string): Promise<boolean>;
  /** Writes the node and its items in one; what is over `maxItems` goes, oldest first. */
  publish(owner: string, node: PersonalNode, items: readonly PersonalItem[], most: PersonalBounds): Promise<PersonalWritten>;
  /** Ids with the time of their last word, oldest word first. */
  ids(owner: string, name: string): Promise<readonly Pick<PersonalItem, 'id' | 'at'>[]>;
  /** In the order of `ids`; those that are not there are left out. */
  items(owner: string, name: string, ids: readonly string[]): Promise<readonly PersonalItem[]>;
  /** What was published last. At once: it is asked with each presence of a client. */
  latest(owner: string, name: string): PersonalItem | undefined;
  /** @returns those that were there */
  retract(owner: string, name: string, ids: readonly string[]): Promise<readonly string[]>;
  /** All items; the node stays. */
  purge(owner: string, name: string): Promise<void>;

  /** Keys of who asked to be told of a node. */
  subscribers(owner: string, name: string): Promise<readonly string[]>;
  /** False: there are as many as may be. */
  subscribe(owner: string, name: string, subscriber: string, at: number, most: number): Promise<boolean>;
  unsubscribe(owner: string, name: string, subscriber: string): Promise<boolean>;

  /** The private element of that name, as text. */
  private(owner: string, name: string): Promise<string | undefined>;
  /** undefined: removes it. */
  putPrivate(owner: string, name: string, text: string | undefined, most: PersonalBounds): Promise<PersonalWritten>;
  /** Everything of somebody who is no user any more. */
  forget(owner: string): Promise<void>;
}
