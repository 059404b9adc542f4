// What only the owner of a node may ask for (XEP-0060 §8): settings, deletion, purging, who may read it.

import { bare, bareKey, fromBareKey } from '../../../../model/address.ts';
import type { NodeConfig, PersonalStore } from '../../../../model/personal.ts';
import { child, type Element, element, elements } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';
import { NO_NODE } from './access.ts';
import { configForm, keyOf, MOST_MEMBERS, readConfig, usualConfig } from './node-config.ts';
import type { Nodes } from './nodes.ts';
import { subscriberOf } from './notices.ts';

export interface OwnerGround {
  readonly nodes: Nodes;
  readonly store: PersonalStore;
}

export function pubsubOwner({ nodes, store }: OwnerGround): IqHandler {
  const run = async (
    request: IqRequest,
    doing: (owner: IqRequest['to'], verb: Element, name: string) => Promise<IqAnswer>,
  ): Promise<IqAnswer> => {
    if (request.target !== 'account') return refuse('forbidden', 'auth');
    const [verb] = elements(request.payload);
    if (verb === undefined || verb.ns !== NS.pubsubOwner) return refuse('bad-request', 'modify');
    if (verb.name === 'default') return answer(element('default', NS.pubsubOwner, {}, [configForm(usualConfig(''))]));
    const { node } = verb.attrs;
    if (node === undefined) return NO_NODE;
    return doing(bare(request.asker.user), verb, node);
  };
  return {
    ns: NS.pubsubOwner,
    targets: ['account', 'user'],
    features: {},
    get: (request) =>
      run(request, async (owner, verb, name) => {
        const config = await nodes.config(owner, name);
        if (config === undefined) return refuse('item-not-found', 'cancel');
        switch (verb.name) {
          case 'configure':
            return answer(element('configure', NS.pubsubOwner, { node: name }, [configForm(config)]));
          case 'affiliations':
            return answer(element('affiliations', NS.pubsubOwner, { node: name }, affiliationsOf(owner, config)));
          case 'subscriptions': {
            const jids = (await store.subscribers(bareKey(owner), name)).map((subscriber) => toJid(subscriberOf(subscriber)));
            const found = jids.flatMap((jid) =>
              typeof jid === 'string' ? [element('subscription', NS.pubsubOwner, { jid, subscription: 'subscribed' })] : [],
            );
            return answer(element('subscriptions', NS.pubsubOwner, { node: name }, found));
          }
          default:
            return refuse('feature-not-implemented', 'cancel');
        }
      }),
    set: (request) =>
      run(request, async (owner, verb, name) => {
        switch (verb.name) {
          case 'configure':
            return (await configure(nodes, owner, name, verb)) ?? [];
          case 'delete':
            return (await nodes.remove(owner, name)) ?? [];
          case 'purge':
            return (await nodes.purge(owner, name)) ?? [];
          case 'affiliations':
            return affiliate(nodes, owner, name, verb);
          default:
            return refuse('feature-not-implemented', 'cancel');
        }
      }),
  };
}

function answer(inner: Element): readonly Element[] {
  return [element('pubsub', NS.pubsubOwner, {}, [inner])];
}

async function configure(nodes: Nodes, owner: IqRequest['to'], name: string, verb: Element) {
  const form = child(verb, 'x', NS.forms);
  if (form === undefined) return refuse('bad-request', 'modify', 'the form is missing');
  // §8.2.4: nothing changes.
  if (form.attrs.type === 'cancel') return undefined;
  const change = readConfig(form);
  return typeof change === 'string' ? refuse('not-acceptable', 'modify', change) : nodes.configure(owner, name, change);
}

function affiliationsOf(owner: IqRequest['to'], { members, outcasts }: NodeConfig): readonly Element[] {
  const row = (key: string, affiliation: string): readonly Element[] => {
    const jid = toJid(fromBareKey(key));
    return typeof jid === 'string' ? [element('affiliation', NS.pubsubOwner, { jid, affiliation })] : [];
  };
  return [
    ...row(bareKey(owner), 'owner'),
    ...members.flatMap((key) => row(key, 'member')),
    ...outcasts.flatMap((key) => row(key, 'outcast')),
  ];
}

async function affiliate(nodes: Nodes, owner: IqRequest['to'], name: string, verb: Element): Promise<IqAnswer> {
  const config = await nodes.config(owner, name);
  if (config === undefined) return refuse('item-not-found', 'cancel');
  const [members, outcasts] = [new Set(config.members), new Set(config.outcasts)];
  for (const { attrs } of elements(verb)) {
    const key = keyOf(attrs.jid ?? '');
    if (key === undefined) return refuse('jid-malformed', 'modify');
    if (key === bareKey(owner)) return refuse('not-acceptable', 'modify', 'a personal node has one owner');
    if (!['member', 'outcast', 'none'].includes(attrs.affiliation ?? ''))
      return refuse('not-acceptable', 'modify', 'member, outcast or none');
    members.delete(key);
    outcasts.delete(key);
    if (attrs.affiliation === 'member') members.add(key);
    if (attrs.affiliation === 'outcast') outcasts.add(key);
  }
  if (members.size + outcasts.size > MOST_MEMBERS) return refuse('resource-constraint', 'wait');
  return (await nodes.configure(owner, name, { members: [...members], outcasts: [...outcasts] })) ?? [];
}
