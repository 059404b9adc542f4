// Requests of clients for nodes (XEP-0060 as XEP-0163 profiles it): the own account's, and those of other users that may be read
// or subscribed to.

import { bare, bareKey } from '../../../../model/address.ts';
import type { PersonalItem } from '../../../../model/personal.ts';
import { child, type Element, element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';
import { NO_NODE, type Refusal, refuseNode } from './access.ts';
import { configForm, readConfig, usualConfig } from './node-config.ts';
import type { Opened } from './nodes.ts';
import { itemElement } from './notices.ts';
import { printPayload } from './payloads.ts';
import { badPicture } from './pictures.ts';
import { disco, PEP, PUBSUB_FEATURES } from './pubsub-disco.ts';
import { affiliations, type SubscribeGround, subscribe, subscriptions, unsubscribe } from './pubsub-subscribe.ts';

export interface PubsubGround extends SubscribeGround {
  readonly shown: (
    owner: IqRequest['to'],
    node: string,
    item: PersonalItem,
    relation: Opened['relation'],
  ) => Promise<PersonalItem | undefined>;
}

/** Octets of items in one answer: the newest of what is asked for. */
const ANSWER_BYTES = 512 * 1024;

export function pubsub(ground: PubsubGround): IqHandler {
  return {
    ns: NS.pubsub,
    targets: ['account', 'user'],
    // The server says it too, as XEP-0163 had it before its version 1.1: Profanity looks for `publish-options` there alone.
    features: { account: PUBSUB_FEATURES, user: [], server: PUBSUB_FEATURES },
    // XEP-0163 §6.
    identities: { account: PEP, user: PEP, server: PEP },
    node: (request, what) => disco(ground, request, what),
    get: async (request) => {
      const [verb] = elements(request.payload);
      switch (verb?.ns === NS.pubsub ? verb.name : '') {
        case 'items':
          return items(ground, request, verb!); // named just above
        case 'subscriptions':
          return subscriptions(ground, request, verb?.attrs.node);
        case 'affiliations':
          return affiliations(ground, request);
        case 'default':
          return [element('pubsub', NS.pubsub, {}, [element('default', NS.pubsub, {}, [configForm(usualConfig(''))])])];
        default:
          return refuse('feature-not-implemented', 'cancel');
      }
    },
    set: async (request) => {
      const [verb] = elements(request.payload);
      if (verb === undefined || verb.ns !== NS.pubsub) return refuse('bad-request', 'modify');
      if (verb.name === 'subscribe') return subscribe(ground, request, verb);
      if (verb.name === 'unsubscribe') return unsubscribe(ground, request, verb);
      // Only the owner publishes.
      if (request.target !== 'account') return refuse('forbidden', 'auth');
      switch (verb.name) {
        case 'publish':
          return publish(ground, request, verb);
        case 'retract':
          return retract(ground, request, verb);
        case 'create':
          return create(ground, request, verb);
        default:
          return refuse('feature-not-implemented', 'cancel');
      }
    },
  };
}

async function items(ground: PubsubGround, { asker, to, payload }: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name } = verb.attrs;
  if (name === undefined) return NO_NODE;
  const owner = bare(to);
  const opened = await ground.nodes.open(owner, name, asker.user);
  if ('error' in opened) return opened;
  const key = bareKey(owner);
  const named = new Set(elements(verb).flatMap((part) => (part.name === 'item' && part.attrs.id !== undefined ? [part.attrs.id] : [])));
  const all = opened.made?.map(({ id }) => id) ?? (await ground.store.ids(key, name)).map(({ id }) => id);
  const cut = named.size > 0 ? { ids: all.filter((id) => named.has(id)) } : page(all, verb, child(payload, 'set', NS.rsm));
  if ('error' in cut) return cut;
  const found = opened.made?.filter(({ id }) => cut.ids.includes(id)) ?? (await ground.store.items(key, name, cut.ids));
  const printed: Element[] = [];
  let bytes = 0;
  for (const item of [...found].reverse()) {
    const seen = await ground.shown(owner, name, item, opened.relation);
    if (seen === undefined) continue;
    bytes += Buffer.byteLength(seen.payload ?? '');
    if (bytes > ANSWER_BYTES && printed.length > 0) break;
    printed.unshift(itemElement(seen, NS.pubsub));
  }
  const set = 'set' in cut && cut.set !== undefined ? [rsmOf(all, printed)] : [];
  return [element('pubsub', NS.pubsub, {}, [element('items', NS.pubsub, { node: name }, printed), ...set])];
}

/** Which ids are meant: `max_items` (XEP-0060 §6.5.7) counts from the newest; pages are those of XEP-0059. */
function page(all: readonly string[], { attrs }: Element, set: Element | undefined): { ids: readonly string[]; set?: Element } | Refusal {
  const newest = Number(attrs.max_items ?? all.length);
  if (!Number.isInteger(newest) || newest < 0) return refuse('bad-request', 'modify', 'max_items is a number');
  if (set === undefined) return { ids: newest === 0 ? [] : all.slice(-newest) };
  const word = (name: string): string | undefined => {
    const part = child(set, name, NS.rsm);
    return part && text(part);
  };
  const max = Number(word('max') ?? all.length);
  if (!Number.isInteger(max) || max < 0) return refuse('bad-request', 'modify', 'max is a number');
  const [after, before] = [word('after'), word('before')];
  const from = after === undefined ? 0 : all.indexOf(after) + 1;
  const to = before === undefined || before === '' ? all.length : all.indexOf(before);
  // XEP-0059 §2.3.
  if ((after !== undefined && from === 0) || to === -1) return refuse('item-not-found', 'cancel');
  const range = all.slice(from, to);
  const ids = max === 0 ? [] : before === undefined ? range.slice(0, max) : range.slice(-max);
  return { ids, set };
}

function rsmOf(all: readonly string[], printed: readonly Element[]): Element {
  const [first, last] = [printed[0]?.attrs.id, printed.at(-1)?.attrs.id];
  return element('set', NS.rsm, {}, [
    ...(first === undefined ? [] : [element('first', NS.rsm, { index: String(all.indexOf(first)) }, [first])]),
    ...(last === undefined ? [] : [element('last', NS.rsm, {}, [last])]),
    element('count', NS.rsm, {}, [String(all.length)]),
  ]);
}

async function publish(ground: PubsubGround, { asker, payload }: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name } = verb.attrs;
  if (name === undefined) return NO_NODE;
  const options = child(payload, 'publish-options', NS.pubsub);
  const wanted = readConfig(options && child(options, 'x', NS.forms));
  // XEP-0060 §7.1.5: what we cannot promise is a precondition that is not met.
  if (typeof wanted === 'string') return refuseNode('conflict', 'cancel', 'precondition-not-met', { words: wanted });
  const said = elements(verb).filter((part) => part.name === 'item' && part.ns === NS.pubsub);
  const read = said.map((item) => {
    const inner = elements(item);
    const id = item.attrs.id;
    return {
      count: inner.length,
      ...(id !== undefined && id !== '' && { id }),
      ...(inner[0] && { payload: printPayload(inner[0]) }),
    };
  });
  // §7.1.3.6: one payload in one item.
  if (read.some(({ count }) => count > 1)) return refuseNode('bad-request', 'modify', 'invalid-payload');
  for (const item of name === NS.avatarData ? said : []) {
    const bad = badPicture(elements(item)[0], item.attrs.id);
    if (bad !== undefined) return bad;
  }
  const ids = await ground.nodes.publish(bare(asker.user), name, read, wanted);
  if ('error' in ids) return ids;
  const published = ids.map((id) => element('item', NS.pubsub, { id }));
  return [element('pubsub', NS.pubsub, {}, [element('publish', NS.pubsub, { node: name }, published)])];
}

async function retract(ground: PubsubGround, { asker }: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name, notify } = verb.attrs;
  if (name === undefined) return NO_NODE;
  const ids = elements(verb).flatMap((part) => (part.name === 'item' && part.attrs.id !== undefined ? [part.attrs.id] : []));
  if (ids.length === 0) return refuseNode('bad-request', 'modify', 'item-required');
  return (await ground.nodes.retract(bare(asker.user), name, ids, notify === '1' || notify === 'true')) ?? [];
}

async function create(ground: PubsubGround, { asker, payload }: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name } = verb.attrs;
  // §8.1.4: names that we would make up are of no use to a personal service.
  if (name === undefined || name === '') return refuseNode('not-acceptable', 'modify', 'nodeid-required');
  const configure = child(payload, 'configure', NS.pubsub);
  const change = readConfig(configure && child(configure, 'x', NS.forms));
  if (typeof change === 'string') return refuse('not-acceptable', 'modify', change);
  const refusal = await ground.nodes.create(bare(asker.user), name, change);
  return refusal ?? [element('pubsub', NS.pubsub, {}, [element('create', NS.pubsub, { node: name })])];
}
