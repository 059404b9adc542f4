// Who may read a node (XEP-0060 §4.5, XEP-0163 §4), and what of an item: the node's own settings, the contact list, and for a
// photo, a card or a place the relationship level. Pure, but for what the core says of two people.

import type { PersonField, Relation } from '../../../../model/core.ts';
import type { NodeConfig } from '../../../../model/personal.ts';
import { element } from '../../element.ts';
import { NS } from '../../names.ts';
import { type Condition, type ErrorType, stanzaError } from '../../replies.ts';
import { refuse } from '../iq-table.ts';

export type Refusal = ReturnType<typeof refuse>;

/** A refusal with the condition of XEP-0060 beside that of RFC 6120. */
export function refuseNode(
  condition: Condition,
  type: ErrorType,
  own: string,
  { words, attrs = {} }: { readonly words?: string; readonly attrs?: Readonly<Record<string, string>> } = {},
): Refusal {
  const error = stanzaError(condition, type, words);
  return { error: { ...error, children: [...error.children, element(own, NS.pubsubErrors, attrs)] } };
}

/** Nodes of which the level says who sees them, whatever else does. */
const FIELD_OF: ReadonlyMap<string, PersonField> = new Map([
  [NS.avatarData, 'photo'],
  [NS.avatarMetadata, 'photo'],
  [NS.geoloc, 'location'],
]);

/** @param watcher bare key @returns undefined: they may */
export function keepsFrom(name: string, config: NodeConfig, watcher: string, relation: Relation): Refusal | undefined {
  if (relation.own) return undefined;
  // XEP-0191 §3.3.
  if (relation.blocked) return refuse('service-unavailable', 'cancel');
  if (config.outcasts.includes(watcher)) return refuse('forbidden', 'auth');
  const field = FIELD_OF.get(name);
  if (field !== undefined && !relation.sees(field)) return refuse('forbidden', 'auth');
  switch (config.accessModel) {
    case 'open':
      return undefined;
    case 'presence':
      if (relation.subscription === 'from' || relation.subscription === 'both') return undefined;
      return refuseNode('not-authorized', 'auth', 'presence-subscription-required');
    case 'roster':
      if (relation.groups.some((group) => config.rosterGroups.includes(group))) return undefined;
      return refuseNode('not-authorized', 'auth', 'not-in-roster-group');
    case 'whitelist':
      return config.members.includes(watcher) ? undefined : refuseNode('not-allowed', 'cancel', 'closed-node');
    default:
      return config.accessModel satisfies never;
  }
}

/** XEP-0060 §7.1.3.3: which node? */
export const NO_NODE = refuseNode('bad-request', 'modify', 'nodeid-required');
