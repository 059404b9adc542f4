// What disco tells of an account's nodes (XEP-0060 §5, XEP-0163 §6).

import { bare, bareKey } from '../../../../model/address.ts';
import type { PersonalStore } from '../../../../model/personal.ts';
import { type Element, element } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import type { IqAnswer, IqRequest } from '../iq-table.ts';
import { formType } from './node-config.ts';
import type { Nodes, Opened } from './nodes.ts';

export interface DiscoGround {
  readonly store: PersonalStore;
  readonly nodes: Nodes;
}

/** What an account says it can do; each of these is true of `pubsub` or `pubsubOwner`. */
export const PUBSUB_FEATURES: readonly string[] = [
  NS.pubsub,
  ...[
    'access-open',
    'access-presence',
    'access-roster',
    'access-whitelist',
    'auto-create',
    'auto-subscribe',
    'config-node',
    'config-node-max',
    'create-and-configure',
    'create-nodes',
    'delete-items',
    'delete-nodes',
    'filtered-notifications',
    'item-ids',
    'last-published',
    'member-affiliation',
    'meta-data',
    'modify-affiliations',
    'multi-items',
    'outcast-affiliation',
    'persistent-items',
    'presence-notifications',
    'presence-subscribe',
    'publish',
    'publish-options',
    'purge-nodes',
    'retract-items',
    'retrieve-affiliations',
    'retrieve-default',
    'retrieve-items',
    'retrieve-subscriptions',
    'rsm',
    'subscribe',
  ].map((feature) => `${NS.pubsub}#${feature}`),
];

export const PEP = { category: 'pubsub', type: 'pep' } as const;

/** The nodes of an account, and what one of them is (XEP-0060 §5.2 to §5.5). */
export async function disco(
  { nodes, store }: DiscoGround,
  { asker, to, payload }: IqRequest,
  what: 'info' | 'items',
): Promise<IqAnswer | undefined> {
  const { node: name } = payload.attrs;
  const owner = bare(to);
  const jid = toJid(owner);
  if (typeof jid !== 'string') return undefined;
  if (name === undefined) {
    const found = await nodes.visible(owner, asker.user);
    const rows = found.map(({ node }) => element('item', NS.discoItems, { jid, node: node.name, name: node.config.title }));
    return what === 'items' ? [element('query', NS.discoItems, {}, rows)] : undefined;
  }
  const opened = await nodes.open(owner, name, asker.user);
  if ('error' in opened) return undefined;
  if (what === 'info') return [nodeInfo(opened)];
  const ids = opened.made ?? (await store.ids(bareKey(owner), name));
  const rows = ids.map(({ id }) => element('item', NS.discoItems, { jid, name: id }));
  return [element('query', NS.discoItems, { node: name }, rows)];
}

/** What disco#info says of one node (XEP-0060 §5.3 and §5.4). */
function nodeInfo({ node: { name, config } }: Opened): Element {
  const field = (key: string, value: string): Element =>
    element('field', NS.forms, { var: `pubsub#${key}` }, [element('value', NS.forms, {}, [value])]);
  const form = element('x', NS.forms, { type: 'result' }, [
    formType(NS.pubsubMeta),
    field('title', config.title ?? ''),
    field('description', config.description ?? ''),
    field('type', config.type ?? ''),
    field('access_model', config.accessModel),
    field('max_items', String(config.maxItems)),
  ]);
  return element('query', NS.discoInfo, { node: name }, [
    element('identity', NS.discoInfo, { category: 'pubsub', type: 'leaf' }),
    element('feature', NS.discoInfo, { var: NS.pubsub }),
    form,
  ]);
}
