// Subscribing to a node by name (XEP-0060 §6), and what somebody is at the nodes of a user (§5.6, §5.7).

import { bare, bareKey, sameBare } from '../../../../model/address.ts';
import type { PersonalStore } from '../../../../model/personal.ts';
import { type Element, element } from '../../element.ts';
import { toAddress, toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { type IqAnswer, type IqRequest, refuse } from '../iq-table.ts';
import { NO_NODE, type Refusal, refuseNode } from './access.ts';
import type { Nodes } from './nodes.ts';
import { type Notices, subscriberKey, subscriberOf } from './notices.ts';

export interface SubscribeGround {
  readonly store: PersonalStore;
  readonly nodes: Nodes;
  readonly notices: Notices;
  readonly now: () => number;
  /** Subscribers of one node. */
  readonly subscribers: number;
}

/** Who is to be subscribed: only ever the one that asks (§6.1.3.1). */
function subscriberIn({ asker }: IqRequest, verb: Element): IqRequest['to'] | Refusal {
  const named = toAddress(verb.attrs.jid ?? '');
  if ('code' in named || !sameBare(named, asker.user)) return refuseNode('bad-request', 'modify', 'invalid-jid');
  return named;
}

export async function subscribe(ground: SubscribeGround, request: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name } = verb.attrs;
  if (name === undefined) return NO_NODE;
  const who = subscriberIn(request, verb);
  if ('error' in who) return who;
  const owner = bare(request.to);
  const opened = await ground.nodes.open(owner, name, request.asker.user);
  if ('error' in opened) return opened;
  const fits = await ground.store.subscribe(bareKey(owner), name, subscriberKey(who), ground.now(), ground.subscribers);
  if (!fits) return refuse('resource-constraint', 'wait', `at most ${ground.subscribers} subscribers at one node`);
  const answer = element('subscription', NS.pubsub, { node: name, jid: verb.attrs.jid, subscription: 'subscribed' });
  setImmediate(() => void ground.notices.lastOf(request.asker, owner, opened.node, opened.relation));
  return [element('pubsub', NS.pubsub, {}, [answer])];
}

export async function unsubscribe(ground: SubscribeGround, request: IqRequest, verb: Element): Promise<IqAnswer> {
  const { node: name } = verb.attrs;
  if (name === undefined) return NO_NODE;
  const who = subscriberIn(request, verb);
  if ('error' in who) return who;
  const was = await ground.store.unsubscribe(bareKey(bare(request.to)), name, subscriberKey(who));
  // §6.2.3.2.
  return was ? [] : refuseNode('unexpected-request', 'cancel', 'not-subscribed');
}

/** The asker's own subscriptions at this user's nodes. */
export async function subscriptions(ground: SubscribeGround, { asker, to }: IqRequest, only: string | undefined): Promise<IqAnswer> {
  const owner = bare(to);
  const found: Element[] = [];
  for (const { node } of await ground.nodes.visible(owner, asker.user)) {
    if (only !== undefined && node.name !== only) continue;
    for (const subscriber of await ground.store.subscribers(bareKey(owner), node.name)) {
      const address = subscriberOf(subscriber);
      const jid = toJid(address);
      if (sameBare(address, asker.user) && typeof jid === 'string')
        found.push(element('subscription', NS.pubsub, { node: node.name, jid, subscription: 'subscribed' }));
    }
  }
  return [element('pubsub', NS.pubsub, {}, [element('subscriptions', NS.pubsub, { node: only }, found)])];
}

/** The asker's own affiliations at this user's nodes (§5.7). */
export async function affiliations(ground: SubscribeGround, { asker, to }: IqRequest): Promise<IqAnswer> {
  const opened = await ground.nodes.visible(bare(to), asker.user);
  const key = bareKey(asker.user);
  const found = opened.flatMap(({ node, relation }) => {
    const affiliation = relation.own ? 'owner' : node.config.members.includes(key) ? 'member' : undefined;
    return affiliation === undefined ? [] : [element('affiliation', NS.pubsub, { node: node.name, affiliation })];
  });
  return [element('pubsub', NS.pubsub, {}, [element('affiliations', NS.pubsub, {}, found)])];
}
