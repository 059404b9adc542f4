// What would change between two sets, key by key: partners, our domains, policy, and the process itself, whose listeners and
// places change with the next start only. Both sides carry the line that says so.

import { hostPort } from '../model/host-port.ts';
import { PRESENCE_POLICY } from '../model/presence-settings.ts';
import type { Block, OwnDomain, Policy, Rule, Table, Where, Who } from '../model/table.ts';
import { archiveFacts } from './archive.ts';
import { effectiveValues, isoTime, showValue } from './effective.ts';
import { filterFacts } from './filter-facts.ts';
import type { Home } from './home.ts';
import { DIRECTORY_FILE, STATES_FILE } from './people.ts';
import { CALENDARS_FILE, PRESENCE_FILE } from './people-presence.ts';
import { POLICY_FILE } from './policy.ts';

export interface Change {
  /** `partner partner.example`, `domain corp.example`, `policy`, `isthmus.yaml`. */
  readonly subject: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Of a changed subject: `allow.messages`. */
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
  /** Where the value that goes, and the one that comes, is written; without a line it is a default. */
  readonly whereFrom?: Where;
  readonly whereTo?: Where;
  /** The value that goes, the one that comes, is what holds where nothing is written. */
  readonly isDefault?: { readonly from: boolean; readonly to: boolean };
  /** When it is in force once the set is accepted. */
  readonly effect: 'atOnce' | 'nextStart';
}

/** One side of a comparison. */
export interface Side {
  readonly home: Home;
  readonly table: Table;
}

interface Fact {
  readonly value: string;
  readonly where: Where;
  /** What holds where nothing is written, if that is known. */
  readonly byDefault?: string;
}
type Facts = ReadonlyMap<string, Fact>;

/** All differences: partners first, then domains, policy and the process. @param before undefined: nothing is in force */
export function compareSets(before: Side | undefined, after: Side): Change[] {
  return [
    ...compareNamed('partner', partnersOf(before?.table), partnersOf(after.table)),
    ...compareNamed('domain', domainsOf(before?.table), domainsOf(after.table)),
    ...compareNamed('block', blocksOf(before?.table), blocksOf(after.table)),
    ...compareRules(before?.table.policy.rules ?? [], after.table.policy.rules),
    ...(before === undefined ? [] : compareFacts('filters', filterFacts(before.table.filters), filterFacts(after.table.filters), 'atOnce')),
    ...(before === undefined ? [] : compareFacts('policy', policyFacts(before.table.policy), policyFacts(after.table.policy), 'atOnce')),
    ...(before === undefined
      ? []
      : compareFacts('isthmus.yaml', homeFacts(before.home), homeFacts(after.home), 'nextStart').map(whoCountsAtOnce)),
    ...(before === undefined ? [] : compareFacts('people', peopleFacts(before.home), peopleFacts(after.home), 'atOnce')),
    ...(before === undefined ? [] : compareFacts('archive', archiveFacts(before.home.archive), archiveFacts(after.home.archive), 'atOnce')),
  ];
}

/** Addresses wait for the next start; who may call the API does not. */
function whoCountsAtOnce(change: Change): Change {
  return change.key === 'admin.https.tokens' || change.key === 'admin.https.clients' ? { ...change, effect: 'atOnce' } : change;
}

/** `same`: two of the same identity differ in nothing. */
type Named = ReadonlyMap<string, { readonly where: Where; readonly facts: () => Facts; readonly same?: object }>;

function compareNamed(word: string, before: Named, after: Named): Change[] {
  const changes: Change[] = [];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, now] = [before.get(name), after.get(name)];
    const subject = `${word} ${name}`;
    if (now === undefined && old !== undefined) changes.push({ subject, kind: 'removed', whereFrom: old.where, effect: 'atOnce' });
    else if (old === undefined && now !== undefined) changes.push({ subject, kind: 'added', whereTo: now.where, effect: 'atOnce' });
    else if (old !== undefined && now !== undefined && (old.same === undefined || old.same !== now.same))
      changes.push(...compareFacts(subject, old.facts(), now.facts(), 'atOnce'));
  }
  return changes;
}

function compareFacts(subject: string, before: Facts, after: Facts, effect: Change['effect']): Change[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key): Change[] => {
    const [old, now] = [before.get(key), after.get(key)];
    if (old?.value === now?.value) return [];
    return [
      {
        subject,
        kind: 'changed',
        key,
        from: old?.value ?? 'none',
        to: now?.value ?? 'none',
        ...(old !== undefined && { whereFrom: old.where }),
        ...(now !== undefined && { whereTo: now.where }),
        ...((isDefault(old) || isDefault(now)) && { isDefault: { from: isDefault(old), to: isDefault(now) } }),
        effect,
      },
    ];
  });
}

function isDefault(fact: Fact | undefined): boolean {
  return fact !== undefined && fact.where.line === undefined && fact.value === fact.byDefault;
}

function partnersOf(table: Table | undefined): Named {
  const partners = new Set(table?.partners.values());
  return new Map(
    [...partners].map((partner) => [
      partner.name,
      {
        where: partner.where,
        same: partner,
        facts: () => new Map(effectiveValues(partner).map(({ key, value, where }) => [key, { value, where }])),
      },
    ]),
  );
}

function domainsOf(table: Table | undefined): Named {
  const domains = new Set(table?.domains.values());
  return new Map([...domains].map((own) => [own.domain, { where: own.where, facts: () => domainFacts(own) }]));
}

/** What a split domain's other system has of its own; the rest is the domain's. */
const OTHERWISE_KEYS: ReadonlySet<string> = new Set(['served', 'nextHop', 'acceptFrom', 'component', 'gr']);

function domainFacts(own: OwnDomain): Facts {
  const { aliases, served, acceptFrom, component, gr, sameProtocol, certificate, where } = own;
  const nextHop = own.nextHop.map((hop) => `${hop.transport === 'tls' ? 'tls' : 'plain'}://${hostPort(hop)}`);
  const dialled = component?.dial === undefined ? component : { ...component, dial: hostPort(component.dial) };
  const values = { served, aliases, nextHop, acceptFrom, component: dialled, gr, sameProtocol, certificate };
  const facts = new Map<string, Fact>(
    Object.entries(values).map(([key, value]) => [key, { value: showValue(value), where: { ...where, key: `${where.key}/${key}` } }]),
  );
  if (own.otherwise !== undefined)
    for (const [key, fact] of domainFacts(own.otherwise)) if (OTHERWISE_KEYS.has(key)) facts.set(`otherwise.${key}`, fact);
  return facts;
}

function policyFacts(policy: Policy): Facts {
  const { discovered } = policy;
  const facts = new Map<string, Fact>([['federation', { value: policy.federation, where: policy.federationWhere }]]);
  const { protocols, allow, limits, where } = discovered;
  for (const [key, value] of Object.entries({ protocols, ...prefixed('allow', allow), ...prefixed('limits', limits) }))
    facts.set(`discovered.${key}`, { value: showValue(value), where });
  for (const [name, members] of policy.groups)
    facts.set(`groups.${name}`, { value: showValue([...members].sort()), where: { file: POLICY_FILE, key: `/groups/${name}` } });
  return facts;
}

function blocksOf(table: Table | undefined): Named {
  const until = ({ untilMs, where }: Block): Fact => ({ value: untilMs === undefined ? 'for good' : isoTime(untilMs), where });
  return new Map(
    (table?.policy.blocked ?? []).map((block) => [
      blockName(block),
      { where: block.where, facts: () => new Map([['until', until(block)]]) },
    ]),
  );
}

/** Rules by what they say, and their order where nothing else differs: it decides among those that meet. */
function compareRules(before: readonly Rule[], after: readonly Rule[]): Change[] {
  const named = (rules: readonly Rule[]): Named =>
    new Map(rules.map((rule) => [ruleValue(rule), { where: rule.where, facts: () => new Map() }]));
  const changes = compareNamed('rule', named(before), named(after));
  const order = (rules: readonly Rule[]): string => rules.map(ruleValue).join(' ');
  if (changes.length > 0 || order(before) === order(after)) return changes;
  const where = { file: POLICY_FILE, key: '/rules' };
  return [{ subject: 'policy', kind: 'changed', key: 'order of rules', whereFrom: where, whereTo: where, effect: 'atOnce' }];
}

function prefixed(prefix: string, values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}

export function blockName({ domain, user, address, subdomains }: Block): string {
  return `${subdomains ? '*.' : ''}${domain ?? user ?? address}`;
}

function whoWord(who: Who): string {
  return who.kind === 'everyone' ? 'everyone' : who.kind === 'group' ? `group:${who.group}` : who.kind === 'domain' ? who.domain : who.user;
}

function ruleValue(rule: Rule): string {
  const { with: theirs, except } = rule;
  const other =
    theirs.kind === 'domain'
      ? theirs.domain
      : theirs.kind === 'user'
        ? theirs.user
        : theirs.kind === 'protocol'
          ? theirs.protocol
          : theirs.kind;
  const { messages, theySee, weSee } = rule;
  return showValue({
    who: whoWord(rule.who),
    ...(except !== undefined && { except: except.map(whoWord) }),
    with: other,
    ...(messages !== undefined && { messages }),
    ...(theySee !== undefined && { theySee }),
    ...(weSee !== undefined && { weSee }),
  });
}

/** Every leaf of isthmus.yaml with its defaults; the folder itself is no key. */
function homeFacts(home: Home): Facts {
  const facts = new Map<string, Fact>();
  const walk = (value: unknown, path: readonly string[]): void => {
    const plain = value !== null && typeof value === 'object' && !Array.isArray(value);
    if (plain && !('where' in value)) {
      for (const [key, inner] of Object.entries(value))
        if (path.length > 0 || (key !== 'dir' && key !== 'people' && key !== 'archive')) walk(inner, [...path, key]);
    } else facts.set(path.join('.'), { value: showValue(bare(value)), where: { file: 'isthmus.yaml', key: `/${path.join('/')}` } });
  };
  walk(home, []);
  return facts;
}

/** The states and the directory of people/; access.yaml is rules. */
function peopleFacts({ people }: Home): Facts {
  const facts = new Map<string, Fact>();
  for (const { id, class: bound, words } of people.states)
    facts.set(`state ${id}`, {
      value: showValue({ class: bound, words: statesWords(words) }),
      where: { file: STATES_FILE, key: `/states/${id}` },
    });
  const usual = presenceFacts(PRESENCE_POLICY);
  for (const [key, value] of Object.entries(presenceFacts(people.presence)))
    facts.set(key, { value, where: { file: PRESENCE_FILE, key: `/${key}` }, ...(usual[key] !== undefined && { byDefault: usual[key] }) });
  for (const [key, { value, path }] of Object.entries(calendarFacts(people.calendars)))
    facts.set(key, { value, where: { file: CALENDARS_FILE, key: path } });
  const { directory } = people;
  if (directory === undefined) return facts;
  const { servers, signIn, refreshMs, domains, ...rest } = directory;
  const written = {
    url: servers.map(({ scheme, host, port }) => `${scheme}://${hostPort({ host, port })}`),
    ...rest,
    ...(domains.size > 0 && { domains: Object.fromEntries(domains) }),
    refresh: timeText(refreshMs),
  };
  facts.set('directory', { value: showValue(written), where: { file: DIRECTORY_FILE, key: '/ldap' } });
  facts.set('signIn', { value: signIn, where: { file: DIRECTORY_FILE, key: '/signIn' } });
  return facts;
}

function presenceFacts({
  contactsOnly,
  inactiveAfterMs,
  awayAfterMs,
  appearOffline,
  notes,
}: Home['people']['presence']): Record<string, string> {
  const times = { inactiveAfter: timeText(inactiveAfterMs), awayAfter: timeText(awayAfterMs) };
  return { contactsOnly: String(contactsOnly), ...times, appearOffline: String(appearOffline), notes: String(notes) };
}

function calendarFacts(calendars: Home['people']['calendars']): Record<string, { readonly value: string; readonly path: string }> {
  if (calendars === undefined) return {};
  const { domains, users, refreshMs, keepMs, subjects, freeBusy } = calendars;
  const places = [...[...domains].map((one) => ['domains', ...one] as const), ...[...users].map((one) => ['users', ...one] as const)];
  const named = places.map(([part, name, place]) => [`calendar ${name}`, { value: showValue(place ?? 'none'), path: `/${part}/${name}` }]);
  const values = { refresh: timeText(refreshMs), keep: timeText(keepMs), subjects, freeBusy };
  const rest = Object.entries(values).map(([key, value]) => [`calendars.${key}`, { value: String(value), path: `/${key}` }]);
  return Object.fromEntries([...named, ...rest]);
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** As an operator would write it: `5m`, `12h`. */
function timeText(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms > 0 && ms % one === 0) ?? (['s', 1000] as const);
  return `${ms / size}${unit}`;
}

/** As written: one text, or one for each language. */
function statesWords(words: Readonly<Record<string, string>>): unknown {
  const { '': rest, ...languages } = words;
  return Object.keys(languages).length === 0 ? rest : languages;
}

/** Without the places that listeners carry: a line that has moved is no change. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (key === 'where' ? [] : [[key, bare(inner)]])));
}

/** One line for people. */
export function showChange(change: Change): string {
  const at = (where: Where | undefined, usual = false): string => {
    if (where === undefined) return '';
    if (usual) return ' (default)';
    if (where.line !== undefined) return ` (${where.file}:${where.line})`;
    return change.subject.startsWith('partner ') ? ' (default)' : ` (${where.file}${where.key})`;
  };
  const { subject, kind, key, from, to, whereFrom, whereTo, isDefault, effect } = change;
  const later = effect === 'nextStart' ? '; with the next start' : '';
  if (kind === 'added') return `+ ${subject}${at(whereTo)}`;
  if (kind === 'removed') return `- ${subject}${at(whereFrom)}`;
  if (from === undefined || to === undefined) return `~ ${subject}: ${key}`;
  return `~ ${subject}: ${key}: ${from}${at(whereFrom, isDefault?.from)} -> ${to}${at(whereTo, isDefault?.to)}${later}`;
}
