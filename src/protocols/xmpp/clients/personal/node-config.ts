// The settings of a node and their form (XEP-0060 §16.4.4): what clients really set. Pure.

import { bare, bareKey } from '../../../../model/address.ts';
import { ACCESS_MODELS, type NodeConfig, SEND_LAST } from '../../../../model/personal.ts';
import { type Element, element, elements, text } from '../../element.ts';
import { toAddress } from '../../jid.ts';
import { NS } from '../../names.ts';

/** What `max` stands for (XEP-0060 §16.4.4), and the most there is. */
export const MOST_ITEMS = 1000;
const LONGEST = 1023;
const MOST_GROUPS = 100;
/** Named on one node. */
export const MOST_MEMBERS = 1000;

/** XEP-0163 §3: of a node that comes into being with its first item. */
const USUAL: NodeConfig = {
  accessModel: 'presence',
  rosterGroups: [],
  members: [],
  outcasts: [],
  persistItems: true,
  maxItems: 1,
  sendLast: 'on_sub_and_presence',
  deliverPayloads: true,
  deliverNotifications: true,
  notifyRetract: true,
  notifyDelete: true,
  notifyConfig: false,
  headline: true,
};
/** Who sees a photo or a card is for the relationship levels to say (lync-features.md A2), so that the node itself need not. */
const BY_LEVEL: ReadonlySet<string> = new Set([NS.avatarData, NS.avatarMetadata, NS.vcard4Node]);

export function usualConfig(node: string): NodeConfig {
  return BY_LEVEL.has(node) ? { ...USUAL, accessModel: 'open' } : USUAL;
}

export type ConfigChange = Partial<NodeConfig>;

/**
 * Reads a form of `#node_config` or `#publish-options`. Fields that we have no setting for are passed over.
 * @returns in words: what cannot be set
 */
export function readConfig(form: Element | undefined): ConfigChange | string {
  let change: ConfigChange = {};
  for (const field of form === undefined ? [] : elements(form)) {
    if (field.name !== 'field' || field.ns !== NS.forms) continue;
    const { var: name = '' } = field.attrs;
    const values = elements(field).flatMap((part) => (part.name === 'value' ? [text(part).trim()] : []));
    const read = readField(name.replace(/^pubsub#/, ''), values);
    if (typeof read === 'string') return `${name.slice(0, 100)}: ${read}`;
    change = { ...change, ...read };
  }
  return change;
}

const FLAGS: Readonly<Record<string, keyof NodeConfig>> = {
  persist_items: 'persistItems',
  deliver_payloads: 'deliverPayloads',
  deliver_notifications: 'deliverNotifications',
  notify_retract: 'notifyRetract',
  notify_delete: 'notifyDelete',
  notify_config: 'notifyConfig',
};
const WORDS: Readonly<Record<string, keyof NodeConfig>> = { title: 'title', description: 'description', type: 'type' };

function readField(name: string, values: readonly string[]): ConfigChange | string {
  const [value = ''] = values;
  const flag = FLAGS[name];
  if (flag !== undefined) {
    // XEP-0004 §3.3: four spellings of a boolean.
    if (!['0', '1', 'true', 'false'].includes(value)) return 'is yes or no: 1 or 0';
    return { [flag]: value === '1' || value === 'true' };
  }
  const word = WORDS[name];
  if (word !== undefined) return value.length > LONGEST ? `has at most ${LONGEST} characters` : { [word]: value };
  switch (name) {
    case 'access_model': {
      const model = ACCESS_MODELS.find((one) => one === value);
      return model === undefined ? `one of ${ACCESS_MODELS.join(', ')}` : { accessModel: model };
    }
    case 'send_last_published_item': {
      const when = SEND_LAST.find((one) => one === value);
      return when === undefined ? `one of ${SEND_LAST.join(', ')}` : { sendLast: when };
    }
    case 'max_items':
      if (value === 'max') return { maxItems: MOST_ITEMS };
      return /^[1-9]\d{0,8}$/.test(value) ? { maxItems: Math.min(Number(value), MOST_ITEMS) } : 'is a number, or max';
    case 'notification_type':
      return value === 'headline' || value === 'normal' ? { headline: value === 'headline' } : 'headline or normal';
    case 'publish_model':
      return value === 'publishers' ? {} : 'only the owner publishes here: publishers';
    case 'roster_groups_allowed':
      if (values.some((value) => value.length > LONGEST)) return `a group has at most ${LONGEST} characters`;
      return values.length > MOST_GROUPS ? `at most ${MOST_GROUPS} groups` : { rosterGroups: values };
    case 'whitelist':
      if (values.length > MOST_MEMBERS) return `at most ${MOST_MEMBERS} addresses`;
      return { members: values.flatMap((jid) => keyOf(jid) ?? []) };
    default:
      return {};
  }
}

/** The bare key of a JID; undefined: it is none. */
export function keyOf(jid: string): string | undefined {
  const address = toAddress(jid);
  return 'code' in address ? undefined : bareKey(bare(address));
}

/** XEP-0060 §7.1.5: the settings that a publisher takes for granted are those of the node. @returns the first that is not */
export function unmet(config: NodeConfig, wanted: ConfigChange): string | undefined {
  return Object.entries(wanted).find(([key, value]) => {
    const have: unknown = Object.entries(config).find(([name]) => name === key)?.[1];
    return JSON.stringify(have ?? '') !== JSON.stringify(value);
  })?.[0];
}

/** The form of a node. @param type `form` to be filled in, `result` to be read */
export function configForm(config: NodeConfig, type: 'form' | 'result' = 'form'): Element {
  const flag = (value: boolean): string => (value ? '1' : '0');
  const row = (name: string, kind: string, values: readonly string[], options: readonly string[] = []): Element =>
    element('field', NS.forms, { var: `pubsub#${name}`, type: kind }, [
      ...values.map((value) => element('value', NS.forms, {}, [value])),
      ...options.map((option) => element('option', NS.forms, {}, [element('value', NS.forms, {}, [option])])),
    ]);
  return element('x', NS.forms, { type }, [
    formType(NS.pubsubConfig),
    row('title', 'text-single', [config.title ?? '']),
    row('description', 'text-single', [config.description ?? '']),
    row('type', 'text-single', [config.type ?? '']),
    row('access_model', 'list-single', [config.accessModel], ACCESS_MODELS),
    row('publish_model', 'list-single', ['publishers'], ['publishers']),
    row('roster_groups_allowed', 'text-multi', config.rosterGroups),
    row('persist_items', 'boolean', [flag(config.persistItems)]),
    row('max_items', 'text-single', [String(config.maxItems)]),
    row('send_last_published_item', 'list-single', [config.sendLast], SEND_LAST),
    row('deliver_payloads', 'boolean', [flag(config.deliverPayloads)]),
    row('deliver_notifications', 'boolean', [flag(config.deliverNotifications)]),
    row('notify_retract', 'boolean', [flag(config.notifyRetract)]),
    row('notify_delete', 'boolean', [flag(config.notifyDelete)]),
    row('notify_config', 'boolean', [flag(config.notifyConfig)]),
    row('notification_type', 'list-single', [config.headline ? 'headline' : 'normal'], ['headline', 'normal']),
  ]);
}

/** The hidden field that names a form (XEP-0068). */
export function formType(name: string): Element {
  return element('field', NS.forms, { var: 'FORM_TYPE', type: 'hidden' }, [element('value', NS.forms, {}, [name])]);
}
