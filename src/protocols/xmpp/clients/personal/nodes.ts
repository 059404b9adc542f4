// The nodes of users of the core (XEP-0163): who may do what, the bounds, and the tables. Knows no stanza; what is to be told of
// a change goes to notices.ts.

import { type Address, bareKey } from '../../../../model/address.ts';
import type { Core, Relation } from '../../../../model/core.ts';
import type { NodeConfig, PersonalBounds, PersonalItem, PersonalNode, PersonalStore } from '../../../../model/personal.ts';
import type { Clock, Ids } from '../../../../model/ports.ts';
import { refuse } from '../iq-table.ts';
import { keepsFrom, type Refusal, refuseNode } from './access.ts';
import { type ConfigChange, unmet, usualConfig } from './node-config.ts';

export interface NodeLimits extends PersonalBounds {
  /** Of one payload as text. */
  readonly itemBytes: number;
  readonly itemsAtOnce: number;
  readonly nameLength: number;
  readonly subscribers: number;
}
/** An encrypting client makes one node for each of its devices; a photo of 64 KiB is 88 KiB as text. */
export const NODE_LIMITS: NodeLimits = {
  nodes: 200,
  bytes: 8 * 1024 * 1024,
  itemBytes: 128 * 1024,
  itemsAtOnce: 50,
  nameLength: 1023,
  subscribers: 1000,
};

export interface NodeGround {
  readonly store: PersonalStore;
  readonly core: Core;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Pick<Ids, 'token'>;
  readonly limits: NodeLimits;
  readonly notices: {
    published(owner: Address, node: PersonalNode, items: readonly PersonalItem[]): void;
    retracted(owner: Address, node: PersonalNode, ids: readonly string[]): void;
    purged(owner: Address, node: PersonalNode): void;
    deleted(owner: Address, node: PersonalNode, subscribers: readonly string[]): void;
    configured(owner: Address, node: PersonalNode): void;
  };
  /** Something is published, or is not any more. */
  readonly changed: (owner: Address, node: PersonalNode) => void;
  /** What is there though its user has published nothing: the photo and the card of the directory. */
  readonly made: (owner: Address, node: string) => Promise<readonly PersonalItem[]>;
}

/** What a watcher found. */
export interface Opened {
  readonly node: PersonalNode;
  readonly relation: Relation;
  /** Made from the directory: nothing is published. */
  readonly made?: readonly PersonalItem[];
}

const NOT_FOUND = notFound();
const TOO_LONG = refuse('not-acceptable', 'modify', 'the name of a node or item is too long');

export class Nodes {
  readonly #ground: NodeGround;

  constructor(ground: NodeGround) {
    this.#ground = ground;
  }

  /** A node for somebody to read. */
  async open(owner: Address, name: string, watcher: Address): Promise<Opened | Refusal> {
    const { store, core, made } = this.#ground;
    const relation = await core.relation(owner, watcher);
    if (relation === undefined || relation.blocked) return refuse('service-unavailable', 'cancel');
    const known = await store.node(bareKey(owner), name);
    const node = known ?? { name, config: usualConfig(name) };
    const refusal = keepsFrom(name, node.config, bareKey(watcher), relation);
    if (refusal !== undefined) return refusal;
    if (known !== undefined && store.latest(bareKey(owner), name) !== undefined) return { node, relation };
    const items = await made(owner, name);
    if (items.length > 0) return { node, relation, made: items };
    return known === undefined ? NOT_FOUND : { node, relation };
  }

  /** Every node that somebody may read. */
  async visible(owner: Address, watcher: Address): Promise<readonly Opened[]> {
    const { store, core } = this.#ground;
    const relation = await core.relation(owner, watcher);
    if (relation === undefined || relation.blocked) return [];
    const nodes = await store.nodes(bareKey(owner));
    return nodes.flatMap((node) =>
      keepsFrom(node.name, node.config, bareKey(watcher), relation) === undefined ? [{ node, relation }] : [],
    );
  }

  /** XEP-0060 §7.1; the node comes into being with its first item (XEP-0163 §3). @returns the ids under which it stands */
  async publish(
    owner: Address,
    name: string,
    items: readonly { readonly id?: string; readonly payload?: string }[],
    wanted: ConfigChange = {},
  ): Promise<readonly string[] | Refusal> {
    const { store, clock, ids, limits, notices } = this.#ground;
    const key = bareKey(owner);
    if (name.length > limits.nameLength || items.some(({ id = '' }) => id.length > limits.nameLength)) return TOO_LONG;
    if (items.length === 0) return refuseNode('bad-request', 'modify', 'item-required');
    if (items.length > limits.itemsAtOnce)
      return refuseNode('not-allowed', 'cancel', 'max-items-exceeded', { words: `at most ${limits.itemsAtOnce} items at once` });
    for (const { payload } of items) {
      if (payload === undefined) return refuseNode('bad-request', 'modify', 'payload-required');
      if (Buffer.byteLength(payload) <= limits.itemBytes) continue;
      const words = `at most ${limits.itemBytes} bytes in one item`;
      return refuseNode('not-acceptable', 'modify', 'payload-too-big', { words });
    }
    const known = await store.node(key, name);
    const off = known && unmet(known.config, wanted);
    if (off !== undefined)
      return refuseNode('conflict', 'cancel', 'precondition-not-met', { words: `the node has another setting for ${off}` });
    const node = known ?? { name, config: { ...usualConfig(name), ...wanted } };
    const at = clock.now();
    const published = items.map(({ id, payload }) => ({ id: id ?? ids.token(8), at, ...(payload !== undefined && { payload }) }));
    const written = node.config.persistItems
      ? await store.publish(key, node, published, limits)
      : await store.putNode(key, node, at, limits);
    if (written.kind === 'full') return full(limits);
    notices.published(owner, node, published);
    this.#ground.changed(owner, node);
    return published.map(({ id }) => id);
  }

  async retract(owner: Address, name: string, ids: readonly string[], notify: boolean): Promise<undefined | Refusal> {
    const { store, notices } = this.#ground;
    const node = await store.node(bareKey(owner), name);
    if (node === undefined) return NOT_FOUND;
    const gone = await store.retract(bareKey(owner), name, ids);
    if (gone.length === 0) return NOT_FOUND;
    if (notify || node.config.notifyRetract) notices.retracted(owner, node, gone);
    this.#ground.changed(owner, node);
    return undefined;
  }

  async purge(owner: Address, name: string): Promise<undefined | Refusal> {
    const { store, notices } = this.#ground;
    const node = await store.node(bareKey(owner), name);
    if (node === undefined) return NOT_FOUND;
    await store.purge(bareKey(owner), name);
    if (node.config.notifyRetract) notices.purged(owner, node);
    this.#ground.changed(owner, node);
    return undefined;
  }

  async remove(owner: Address, name: string): Promise<undefined | Refusal> {
    const { store, notices } = this.#ground;
    const node = await store.node(bareKey(owner), name);
    if (node === undefined) return NOT_FOUND;
    const subscribers = await store.subscribers(bareKey(owner), name);
    await store.removeNode(bareKey(owner), name);
    if (node.config.notifyDelete) notices.deleted(owner, node, subscribers);
    this.#ground.changed(owner, node);
    return undefined;
  }

  async create(owner: Address, name: string, change: ConfigChange): Promise<undefined | Refusal> {
    const { store, clock, limits } = this.#ground;
    if (name.length > limits.nameLength) return TOO_LONG;
    // XEP-0060 §8.1.2: it is there already.
    if ((await store.node(bareKey(owner), name)) !== undefined) return refuse('conflict', 'cancel');
    const node = { name, config: { ...usualConfig(name), ...change } };
    return (await store.putNode(bareKey(owner), node, clock.now(), limits)).kind === 'full' ? full(limits) : undefined;
  }

  /** The owner's own view of the settings. */
  async config(owner: Address, name: string): Promise<NodeConfig | undefined> {
    return (await this.#ground.store.node(bareKey(owner), name))?.config;
  }

  async configure(owner: Address, name: string, change: ConfigChange): Promise<undefined | Refusal> {
    const { store, clock, limits, notices } = this.#ground;
    const known = await store.node(bareKey(owner), name);
    if (known === undefined) return NOT_FOUND;
    const node = { name, config: { ...known.config, ...change } };
    if ((await store.putNode(bareKey(owner), node, clock.now(), limits)).kind === 'full') return full(limits);
    if (node.config.notifyConfig) notices.configured(owner, node);
    return undefined;
  }
}

function full({ nodes, bytes }: PersonalBounds): Refusal {
  const words = `at most ${nodes} nodes and ${Math.floor(bytes / 1024 / 1024)} MiB are kept for one user`;
  return refuse('resource-constraint', 'wait', words);
}

/** XEP-0086 §3: with its old number, by which Profanity (0.13 to 0.15) knows that it is the first to publish. */
function notFound(): Refusal {
  const { error } = refuse('item-not-found', 'cancel');
  return { error: { ...error, attrs: { ...error.attrs, code: '404' } } };
}
