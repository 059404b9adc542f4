// pres-rules (RFC 5025 on RFC 4745): who may see the user, as a document. `allow` is a grant, `polite-block` a grant at the level
// that sees nothing, `block` the block list, `confirm` neither: the user is asked. What cannot be kept is refused, not stored. How much
// somebody is shown is for their level; transformations are stored and say nothing here.

import { bareKey, fromBareKey } from '../../../../model/address.ts';
import type { Contact, ContactDesk } from '../../../../model/core.ts';
import { toSipUri } from '../../address.ts';
import { escapeXml } from '../../documents/xml-reader.ts';
import { type Conflict, conflict } from './conflict.ts';
import { whom } from './lists.ts';
import { appended, attributeOf, childrenOf, prefixOf, readTree, rootOf, type Splice, spliced, type XmlElement } from './tree.ts';

export const POLICY_NS = 'urn:ietf:params:xml:ns:common-policy';
export const RULES_NS = 'urn:ietf:params:xml:ns:pres-rules';
const EMPTY = `<?xml version="1.0" encoding="UTF-8"?>\n<ruleset xmlns="${POLICY_NS}" xmlns:pr="${RULES_NS}"></ruleset>\n`;

/** RFC 5025 §3.2.1, in the order of their values: the highest of all rules that fit counts (RFC 4745 §10). */
const HANDLINGS = ['block', 'confirm', 'polite-block', 'allow'] as const;
type Handling = (typeof HANDLINGS)[number];

/** What the core says of everybody it knows something about. */
export interface Standing {
  readonly contacts: readonly Contact[];
  readonly blocked: readonly string[];
}

interface Rule {
  readonly element: XmlElement;
  readonly handling: Handling;
  /** `<one/>` with whom it means. */
  readonly ones: readonly { readonly element: XmlElement; readonly key: string | undefined }[];
  /** `<many domain/>` without exceptions, which can be blocked. */
  readonly domains: readonly { readonly element: XmlElement; readonly key: string }[];
}

const conditionsOf = (rule: XmlElement): readonly XmlElement[] => childrenOf(rule, 'conditions').flatMap(({ children }) => children);

function handlingOf(rule: XmlElement): Handling | undefined {
  const action = childrenOf(rule, 'actions').flatMap(({ children }) =>
    children.filter(({ ns, local }) => ns === RULES_NS && local === 'sub-handling'),
  )[0];
  return action === undefined ? 'confirm' : HANDLINGS.find((one) => one === action.text.trim());
}

function rulesIn(root: XmlElement): Rule[] {
  return childrenOf(root, 'rule').map((element) => {
    const identities = conditionsOf(element).filter(({ ns, local }) => ns === POLICY_NS && local === 'identity');
    const ones = identities.flatMap((identity) => childrenOf(identity, 'one'));
    const many = identities.flatMap((identity) => childrenOf(identity, 'many'));
    return {
      element,
      handling: handlingOf(element) ?? 'confirm',
      ones: ones.map((one) => {
        const address = whom(attributeOf(one, 'id') ?? '');
        return { element: one, key: address && bareKey(address) };
      }),
      domains: many.flatMap((one) => {
        const key = attributeOf(one, 'domain')?.toLowerCase();
        return key === undefined ? [] : [{ element: one, key }];
      }),
    };
  });
}

/** What the RFCs ask of a document, and that all it says can be kept here. */
export function checkRules(root: XmlElement): Conflict | undefined {
  if (root.local !== 'ruleset' || root.ns !== POLICY_NS) return conflict('schema-validation-error', 'the root element is ruleset');
  const ids = new Set<string>();
  for (const child of root.children) {
    if (child.ns !== POLICY_NS || child.local !== 'rule') return conflict('schema-validation-error', 'a ruleset holds rules');
    const id = attributeOf(child, 'id');
    if (id === undefined || id === '') return conflict('schema-validation-error', 'every rule has an id');
    if (ids.has(id)) return conflict('uniqueness-failure', `two rules are called ${id}`, { fields: [`rule[@id="${id}"]`] });
    ids.add(id);
    const wrong = checkRule(child, id);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkRule(rule: XmlElement, id: string): Conflict | undefined {
  const handling = handlingOf(rule);
  if (handling === undefined) return conflict('schema-validation-error', `sub-handling of rule ${id} is one of ${HANDLINGS.join(', ')}`);
  const conditions = conditionsOf(rule);
  const identities = conditions.filter(({ ns, local }) => ns === POLICY_NS && local === 'identity');
  if (handling === 'confirm') return undefined; // what is done anyway
  const others = conditions.filter((one) => !identities.includes(one));
  if (others.length > 0)
    return conflict('constraint-failure', `rule ${id}: conditions are identities; ${others[0]?.local} cannot be kept here`);
  if (identities.length !== 1)
    return conflict('constraint-failure', `rule ${id}: ${handling} for everybody cannot be kept here; name them`);
  for (const one of identities[0]?.children ?? []) {
    if (one.ns !== POLICY_NS) return conflict('constraint-failure', `rule ${id}: ${one.name} cannot be kept here`);
    if (one.local === 'one' && attributeOf(one, 'id') === undefined)
      return conflict('schema-validation-error', `rule ${id}: one has no id`);
    if (one.local === 'one') continue;
    const whole = one.local === 'many' && attributeOf(one, 'domain') !== undefined && childrenOf(one, 'except').length === 0;
    if (!whole || handling !== 'block')
      return conflict('constraint-failure', `rule ${id}: ${handling} for many cannot be kept here, but for a whole domain that is blocked`);
  }
  return undefined;
}

function saidBy(root: XmlElement | undefined): Map<string, Handling> {
  const said = new Map<string, Handling>();
  for (const { handling, ones, domains } of root === undefined ? [] : rulesIn(root))
    for (const { key } of [...ones, ...(handling === 'block' ? domains : [])]) {
      const known = key === undefined ? undefined : said.get(key);
      if (key !== undefined && (known === undefined || HANDLINGS.indexOf(handling) > HANDLINGS.indexOf(known))) said.set(key, handling);
    }
  return said;
}

const isGranted = ({ subscription, approved }: Contact): boolean => subscription === 'from' || subscription === 'both' || approved;

function standsBy({ contacts, blocked }: Standing): Map<string, Exclude<Handling, 'confirm'>> {
  const now = new Map<string, Exclude<Handling, 'confirm'>>();
  for (const contact of contacts)
    if (isGranted(contact)) now.set(bareKey(contact.address), contact.level === 'blocked' ? 'polite-block' : 'allow');
  for (const key of blocked) if (!key.includes('/')) now.set(key, 'block');
  return now;
}

/** The document as it is now; undefined: there is nothing to say. */
export function currentRules(stored: string | undefined, standing: Standing): string | undefined {
  const now = standsBy(standing);
  if (stored === undefined && now.size === 0) return undefined;
  let source = stored ?? EMPTY;
  const first = readTree(source);
  if ('fault' in first) return currentRules(undefined, standing);
  source = withoutWrong(source, first, now);
  const said = saidBy(rootOf(source));
  const missing = new Map<string, string[]>();
  for (const [key, handling] of now) if (said.get(key) !== handling) missing.set(handling, [...(missing.get(handling) ?? []), key]);
  for (const [handling, keys] of missing) source = spliced(source, [added(source, rootOf(source), handling, keys)]);
  return source;
}

function withoutWrong(source: string, root: XmlElement, now: ReadonlyMap<string, Handling>): string {
  const splices = rulesIn(root).flatMap(({ element, handling, ones, domains }): Splice[] => {
    if (handling === 'confirm') return [];
    const all = [...ones, ...domains];
    const wrong = all.filter(({ key }) => key !== undefined && now.get(key) !== handling);
    if (wrong.length === 0) return [];
    const gone = wrong.length === all.length ? [element] : wrong.map((one) => one.element);
    return gone.map(({ start, end }) => ({ start, end, text: '' }));
  });
  return spliced(source, splices);
}

/** Rules of ours, which clients may change like any other. */
function added(source: string, root: XmlElement, handling: string, keys: readonly string[]): Splice {
  const id = `isthmus-${handling}`;
  const prefix = prefixOf(root);
  const ones = keys.map((key) =>
    key.includes('@') ? `<${prefix}one id="${escapeXml(toSipUri(fromBareKey(key)))}"/>` : `<${prefix}many domain="${escapeXml(key)}"/>`,
  );
  const mine = childrenOf(root, 'rule').find((rule) => attributeOf(rule, 'id') === id);
  const identity = mine && conditionsOf(mine).find(({ ns, local }) => ns === POLICY_NS && local === 'identity');
  if (identity !== undefined && handlingOf(mine!) === handling) return appended(source, identity, ones.join(''));
  const taken = mine === undefined ? id : `${id}-${keys.length}-${root.children.length}`;
  const p = (name: string, inside: string): string => `<${prefix}${name}>${inside}</${prefix}${name}>`;
  const action = `<sub-handling xmlns="${RULES_NS}">${handling}</sub-handling>`;
  const inside = `${p('conditions', p('identity', ones.join('')))}${p('actions', action)}${p('transformations', '')}`;
  return appended(source, root, `\n  <${prefix}rule id="${taken}">${inside}</${prefix}rule>\n`);
}

/** Grants, takes back, blocks and unblocks until the core says what the document says. */
export async function applyRules(root: XmlElement | undefined, standing: Standing, desk: ContactDesk): Promise<Conflict | undefined> {
  const [said, blocked] = [saidBy(root), new Set(standing.blocked)];
  const contacts = new Map(standing.contacts.map((contact) => [bareKey(contact.address), contact]));
  const keys = new Set([...said.keys(), ...standsBy(standing).keys()]);
  const wanted = (key: string): Handling => said.get(key) ?? 'confirm';
  const [shut, opened] = [
    [...keys].filter((key) => wanted(key) === 'block' && !blocked.has(key)),
    [...keys].filter((key) => wanted(key) !== 'block' && blocked.has(key)),
  ];
  // The block list is written as a whole: once, however many there are. An empty word to unblock would mean everybody.
  if (shut.length > 0) await desk.block(shut);
  if (opened.length > 0) await desk.unblock(opened);
  for (const key of keys) {
    const handling = wanted(key);
    if (handling === 'block' || !key.includes('@')) continue;
    const wrong = await stand(key, handling, contacts.get(key), desk);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

async function stand(key: string, handling: Handling, known: Contact | undefined, desk: ContactDesk): Promise<Conflict | undefined> {
  const address = fromBareKey(key);
  const granted = known !== undefined && isGranted(known);
  if (handling === 'confirm') {
    if (granted) await desk.subscription('unsubscribed', address);
    return undefined;
  }
  const level = handling === 'polite-block' ? 'blocked' : known?.level === 'blocked' ? null : undefined;
  // The level first: nothing is shown in between.
  if (level !== undefined) {
    const { name, groups = [] } = known ?? {};
    const outcome = await desk.putContact({ address, groups, level, ...(name !== undefined && { name }) });
    if ('reason' in outcome) return conflict('constraint-failure', outcome.reason.text);
  }
  if (granted) return undefined;
  const outcome = await desk.subscription('subscribed', address);
  return 'reason' in outcome ? conflict('constraint-failure', outcome.reason.text) : undefined;
}
