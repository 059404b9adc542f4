// Who is told of a change at a node, and what was published last to who has just come (XEP-0163 §4.3, XEP-0060 §7): the owner's
// own clients and those of contacts that see the owner's presence, where they have asked for the node with `+notify`; and who
// has subscribed by name.

import { type Address, bare, bareKey, fromBareKey } from '../../../../model/address.ts';
import type { Core, Relation } from '../../../../model/core.ts';
import type { PersonalItem, PersonalNode, PersonalStore } from '../../../../model/personal.ts';
import type { Ids } from '../../../../model/ports.ts';
import { type Element, element } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import { blocks } from '../contacts.ts';
import type { Asker } from '../iq-table.ts';
import { keepsFrom } from './access.ts';
import type { Interests } from './interests.ts';
import { configForm, usualConfig } from './node-config.ts';
import { readPayload } from './payloads.ts';

export interface NoticeGround {
  readonly store: PersonalStore;
  readonly core: Core;
  readonly ids: Pick<Ids, 'token'>;
  readonly interests: Interests;
  /** The XMPP clients of a user. */
  readonly clientsOf: (user: Address) => readonly Asker[];
  /** What of an item somebody sees. */
  readonly shown: (owner: Address, node: string, item: PersonalItem, relation: Relation) => Promise<PersonalItem | undefined>;
  /** What is there though nothing is published. */
  readonly made: (owner: Address, node: string) => Promise<readonly PersonalItem[]>;
  /** Nodes that `made` may have something for. */
  readonly makes: ReadonlySet<string>;
  readonly failed: (what: string, error: unknown) => void;
}

/** Contacts that are looked through before others get a turn. */
const STEP = 50;

export class Notices {
  readonly #ground: NoticeGround;

  constructor(ground: NoticeGround) {
    this.#ground = ground;
  }

  published(owner: Address, node: PersonalNode, items: readonly PersonalItem[]): void {
    if (!node.config.deliverNotifications) return;
    this.#tell('published', owner, node, async (relation) => {
      const shown: Element[] = [];
      for (const item of items) {
        const seen = await this.#ground.shown(owner, node.name, item, relation);
        if (seen !== undefined) shown.push(itemElement(seen, NS.pubsubEvent, node.config.deliverPayloads));
      }
      return shown.length === 0 ? undefined : element('items', NS.pubsubEvent, { node: node.name }, shown);
    });
  }
  retracted(owner: Address, node: PersonalNode, ids: readonly string[]): void {
    const gone = ids.map((id) => element('retract', NS.pubsubEvent, { id }));
    this.#tell('retracted', owner, node, async () => element('items', NS.pubsubEvent, { node: node.name }, gone));
  }
  purged(owner: Address, node: PersonalNode): void {
    this.#tell('purged', owner, node, async () => element('purge', NS.pubsubEvent, { node: node.name }));
  }
  deleted(owner: Address, node: PersonalNode, subscribers: readonly string[]): void {
    this.#tell('deleted', owner, node, async () => element('delete', NS.pubsubEvent, { node: node.name }), subscribers);
  }
  configured(owner: Address, node: PersonalNode): void {
    const form = node.config.deliverPayloads ? [configForm(node.config, 'result')] : [];
    this.#tell('configured', owner, node, async () => element('configuration', NS.pubsubEvent, { node: node.name }, form));
  }

  /** A client has come, or wants more: what its user and their contacts published last (XEP-0163 §4.3.4). */
  async welcome(client: Asker, names: ReadonlySet<string>): Promise<void> {
    await this.#last(client, client.user, names);
    const [{ contacts }, blocked] = [await client.session.contacts(), await client.session.blocked()];
    const seen = contacts.filter(({ subscription, address }) => {
      return (subscription === 'to' || subscription === 'both') && !blocks(blocked, address);
    });
    for (const [index, { address }] of seen.entries()) {
      await this.#last(client, address, names);
      if (index % STEP === STEP - 1) await new Promise((turn) => setImmediate(turn));
    }
  }

  /** The user of a client may see a contact from now on. */
  async met(client: Asker, contact: Address): Promise<void> {
    await this.#last(client, contact, this.#ground.interests.of(client));
  }

  /** One node's last item for whoever has just subscribed (XEP-0060 §6.1.7). */
  async lastOf(client: Asker, owner: Address, node: PersonalNode, relation: Relation): Promise<void> {
    const item = this.#ground.store.latest(bareKey(owner), node.name);
    if (item !== undefined && node.config.sendLast !== 'never') await this.#sendLast(client, owner, node, item, relation);
  }

  async #last(client: Asker, owner: Address, names: ReadonlySet<string>): Promise<void> {
    if (names.size === 0) return;
    const { store, core, made, makes } = this.#ground;
    const nodes = (await store.nodes(bareKey(owner))).filter(({ name }) => names.has(name));
    const unwritten = [...makes].filter((name) => names.has(name) && !nodes.some((node) => node.name === name));
    let relation: Relation | undefined;
    for (const node of [...nodes, ...unwritten.map((name) => ({ name, config: usualConfig(name) }))]) {
      const { name, config } = node;
      if (config.sendLast !== 'on_sub_and_presence' || !config.deliverNotifications) continue;
      const item = store.latest(bareKey(owner), name) ?? (await made(owner, name)).at(-1);
      if (item === undefined) continue;
      relation ??= await core.relation(owner, client.user);
      if (relation === undefined) return;
      if (keepsFrom(name, config, bareKey(client.user), relation) === undefined) await this.#sendLast(client, owner, node, item, relation);
    }
  }

  async #sendLast(client: Asker, owner: Address, node: PersonalNode, item: PersonalItem, relation: Relation): Promise<void> {
    const seen = await this.#ground.shown(owner, node.name, item, relation);
    if (seen === undefined) return;
    const items = element('items', NS.pubsubEvent, { node: node.name }, [itemElement(seen, NS.pubsubEvent, node.config.deliverPayloads)]);
    // XEP-0203: it was said before the client came.
    const from = toJid(owner);
    if (typeof from === 'string')
      this.#send(client, from, node, items, element('delay', NS.delay, { from, stamp: new Date(item.at).toISOString() }));
  }

  #tell(
    what: string,
    owner: Address,
    node: PersonalNode,
    make: (relation: Relation) => Promise<Element | undefined>,
    subscribers?: readonly string[],
  ): void {
    this.#tellAll(owner, node, make, subscribers).catch((error: unknown) => this.#ground.failed(what, error));
  }

  async #tellAll(
    owner: Address,
    node: PersonalNode,
    make: (relation: Relation) => Promise<Element | undefined>,
    known: readonly string[] | undefined,
  ): Promise<void> {
    const { store, core, clientsOf, interests } = this.#ground;
    const from = toJid(owner);
    if (typeof from !== 'string') return;
    const told = new Set<Asker>();
    const tell = async (user: Address, wanted: (client: Asker) => boolean): Promise<void> => {
      const clients = clientsOf(user).filter((client) => !told.has(client) && wanted(client));
      if (clients.length === 0) return;
      const relation = await core.relation(owner, user);
      if (relation === undefined || keepsFrom(node.name, node.config, bareKey(user), relation) !== undefined) return;
      const event = await make(relation);
      if (event === undefined) return;
      for (const client of clients) {
        told.add(client);
        this.#send(client, from, node, event);
      }
    };
    const interested = (client: Asker): boolean => interests.of(client).has(node.name);
    await tell(owner, interested);
    for (const watcher of await core.watchers(owner)) await tell(watcher, interested);
    for (const subscriber of known ?? (await store.subscribers(bareKey(owner), node.name))) {
      const address = subscriberOf(subscriber);
      const [first] = clientsOf(bare(address));
      // XEP-0191 §3.3: nothing arrives from who is blocked; contacts are looked at in `watchers`.
      if (first === undefined || blocks(await first.session.blocked(), owner)) continue;
      const jid = address.resource === undefined ? undefined : toJid(address);
      await tell(bare(address), (client) => interests.available(client) && (jid === undefined || jid === client.jid));
    }
  }

  #send(client: Asker, from: string, { config }: PersonalNode, inner: Element, ...more: readonly Element[]): void {
    const id = this.#ground.ids.token(6);
    // XEP-0163 §4.3: a headline, so that it is never kept for later.
    const attrs = { from, to: client.jid, type: config.headline ? 'headline' : undefined, id };
    client.send(printElement(element('message', NS.server, attrs, [element('event', NS.pubsubEvent, {}, [inner]), ...more])));
  }
}

/** The key of a subscription: a bare key, and the resource behind a line feed, which neither can have. */
export function subscriberKey(address: Address): string {
  const key = bareKey(bare(address));
  return address.resource === undefined ? key : `${key}\n${address.resource}`;
}

/** The other way. */
export function subscriberOf(subscriber: string): Address {
  const [key = '', resource] = subscriber.split('\n');
  return { ...fromBareKey(key), ...(resource !== undefined && { resource }) };
}

/** `<item/>` as it is shown. */
export function itemElement({ id, payload }: PersonalItem, ns: string, withPayload = true): Element {
  const inner = withPayload ? readPayload(payload) : undefined;
  return element('item', ns, { id }, inner === undefined ? [] : [inner]);
}
