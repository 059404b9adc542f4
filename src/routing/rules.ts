// What one user of ours and one user of a partner may do with each other: the partner's entry, narrowed by the rules of
// routes/policy.yaml. "Any `messages: none` beats every allow; otherwise, key by key, the first match."

import { type Address, bareKey } from '../model/address.ts';
import type { PresenceDetail } from '../model/presence.ts';
import type { Block, FirstContact, MessageDirections, Partner, Policy, Protocol, Rule, Table, Where, Who } from '../model/table.ts';

/** A value and the place in the home that decided it. */
export interface Decided<T> {
  readonly value: T;
  readonly where: Where;
}

export interface Effective {
  readonly messages: Decided<MessageDirections>;
  readonly theySee: Decided<readonly PresenceDetail[]>;
  readonly weSee: Decided<boolean>;
  readonly firstContact: Decided<FirstContact>;
}

/**
 * What holds between these two users. `ours` and `theirs` are bare.
 * @param over the protocol that is spoken with the partner; undefined: any that it has
 */
export function effective(
  { policy, domains }: Pick<Table, 'policy' | 'domains'>,
  partner: Partner,
  ours: Address,
  theirs: Address,
  over?: Protocol,
): Effective {
  const names = namesOf(ours, domains);
  let messages: Decided<MessageDirections> | undefined;
  let theySee: Decided<readonly PresenceDetail[]> | undefined;
  let weSee: Decided<boolean> | undefined;
  for (const rule of policy.rules) {
    if (!matchesOurs(rule, policy, names) || !matchesTheirs(rule, partner, theirs, over)) continue;
    // example-home/routes/policy.yaml: any `messages: none` beats every allow, wherever it stands in the list.
    if (rule.messages !== undefined && (messages === undefined || rule.messages === 'none'))
      messages = { value: rule.messages, where: at(rule, 'messages') };
    if (rule.theySee !== undefined && theySee === undefined) theySee = { value: rule.theySee, where: at(rule, 'theySee') };
    if (rule.weSee !== undefined && weSee === undefined) weSee = { value: rule.weSee, where: at(rule, 'weSee') };
  }
  const entry = <K extends keyof Partner['allow']>(key: K): Decided<Partner['allow'][K]> => ({
    value: partner.allow[key],
    where: partner.sources.get(`allow.${key}`) ?? partner.where,
  });
  // A rule narrows what the partner's entry allows; only the entry itself can widen it.
  return {
    messages: messages === undefined ? entry('messages') : narrower(messages, entry('messages')),
    theySee: theySee === undefined ? entry('theySee') : intersect(theySee, entry('theySee')),
    weSee: weSee === undefined ? entry('weSee') : weSee.value ? entry('weSee') : weSee,
    firstContact: entry('firstContact'),
  };
}

function at(rule: Rule, key: string): Where {
  return rule.whole === true ? rule.where : { ...rule.where, key: `${rule.where.key}/${key}` };
}

function narrower(rule: Decided<MessageDirections>, entry: Decided<MessageDirections>): Decided<MessageDirections> {
  if (rule.value === 'both' || entry.value === rule.value || entry.value === 'none') return entry;
  if (entry.value === 'both' || rule.value === 'none') return rule;
  return { value: 'none', where: rule.where }; // one says only out, the other only in
}

function intersect(
  rule: Decided<readonly PresenceDetail[]>,
  entry: Decided<readonly PresenceDetail[]>,
): Decided<readonly PresenceDetail[]> {
  const both = entry.value.filter((detail) => rule.value.includes(detail));
  return both.length === entry.value.length ? entry : { value: both, where: rule.where };
}

/** One of ours under every name of their domain: who writes as one of them is bound by what is said of another. */
function namesOf(ours: Address, domains: Table['domains']): readonly Address[] {
  const own = domains.get(ours.domain);
  if (own === undefined || own.aliases.length === 0) return [ours];
  return [own.domain, ...own.aliases].map((domain) => ({ local: ours.local, domain }));
}

function matchesOurs({ who, except }: Rule, policy: Policy, ours: readonly Address[]): boolean {
  return isOneOf(who, policy, ours) && except?.some((other) => isOneOf(other, policy, ours)) !== true;
}

function isOneOf(who: Who, policy: Policy, ours: readonly Address[]): boolean {
  switch (who.kind) {
    case 'everyone':
      return true;
    case 'user':
      return ours.some((name) => who.user === bareKey(name));
    case 'group':
      return ours.some((name) => policy.groups.get(who.group)?.has(bareKey(name)) === true);
    case 'domain':
      return ours.some(({ domain }) => who.domain === domain);
  }
}

function matchesTheirs(rule: Rule, partner: Partner, theirs: Address, over: Protocol | undefined): boolean {
  switch (rule.with.kind) {
    case 'everyone':
      return true;
    case 'listed':
      return !partner.discovered;
    case 'discovered':
      return partner.discovered;
    case 'protocol':
      return over === undefined ? partner.prefer.includes(rule.with.protocol) : over === rule.with.protocol;
    case 'domain':
      return partner.domains.includes(rule.with.domain) || theirs.domain === rule.with.domain;
    case 'user':
      return rule.with.user === bareKey(theirs);
  }
}

/** The block entry that hits this partner user or connection address, if one does. @param nowMs wall time */
export function blockedBy(policy: Policy, theirs: Address, address: string | undefined, nowMs: number): Block | undefined {
  return policy.blocked.find((block) => {
    if (block.untilMs !== undefined && block.untilMs <= nowMs) return false;
    if (block.domain !== undefined)
      return theirs.domain === block.domain || (block.subdomains && theirs.domain.endsWith(`.${block.domain}`));
    if (block.user !== undefined) return block.user === bareKey(theirs);
    return block.address !== undefined && address !== undefined && inNetwork(address, block.address);
  });
}

/** Is this address blocked as such? Asked before a connection says who it is. @param nowMs wall time */
export function blockedAddress(policy: Policy, address: string, nowMs: number): boolean {
  return policy.blocked.some(
    (block) => block.address !== undefined && (block.untilMs === undefined || block.untilMs > nowMs) && inNetwork(address, block.address),
  );
}

/** Is `address` inside `cidr` (or equal to it)? IPv4-mapped IPv6 addresses count as IPv4. */
export function inNetwork(address: string, cidr: string): boolean {
  const [network = '', length] = cidr.split('/');
  const bits = addressBits(address);
  const base = addressBits(network);
  if (bits === undefined || base === undefined || bits.length !== base.length) return false;
  const prefix = length === undefined ? bits.length : Number(length);
  return bits.slice(0, prefix) === base.slice(0, prefix);
}

function addressBits(address: string): string | undefined {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) {
    return plain
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  }
  if (!plain.includes(':')) return undefined;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  if (groups.length !== 8) return undefined;
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
