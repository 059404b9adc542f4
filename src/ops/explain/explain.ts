// `isthmus explain`: by an identifier, or by two people. What is on record comes from the ledger and the decisions; what
// holds now from the queue, the roads and the rules, where a process runs that knows them.

import { ERRORS } from '../../errors.ts';
import type { LedgerEntry, LedgerStore } from '../../model/outbox-store.ts';
import type { AuthorizationStore, ContactRequestStore, DecisionRecord, DecisionStore, DialogStore } from '../../model/stores.ts';
import { isoTimes } from '../json-times.ts';
import type { Live } from '../live.ts';
import type { Report } from '../verb.ts';
import { moment } from '../words.ts';
import { isBad, lives, stamp } from './life.ts';
import type { PlaceWords } from './places.ts';
import { presenceNow } from './presence.ts';

/** What the rules in force say of one direction, were it to happen now. */
export interface RuleNow {
  readonly allowed: boolean;
  readonly code?: string;
  /** In words; when refused, why. */
  readonly because: string;
  readonly file?: string;
  readonly key?: string;
}

export interface ExplainDeps {
  readonly ledger: Pick<LedgerStore, 'find' | 'between'>;
  readonly decisions: Pick<DecisionStore, 'ofEvent' | 'between'>;
  readonly authorizations: Pick<AuthorizationStore, 'get'>;
  readonly requests: Pick<ContactRequestStore, 'knows'>;
  readonly dialogs: Pick<DialogStore, 'all'>;
  readonly place: PlaceWords;
  /** What would be decided now; undefined: the files have a fault. */
  readonly rule: (from: string, to: string) => { readonly message: RuleNow; readonly presence: RuleNow } | undefined;
  /** Is this a domain of ours? undefined: the files have a fault. */
  readonly isOurs: (domain: string) => boolean | undefined;
  /** What of one of ours is archived, in words; undefined: nothing is, and they are not held. */
  readonly archived?: (user: string) => string | undefined;
  /** Both are users of the core: what they write to each other leaves no line here. */
  readonly within?: boolean;
  /** The running process. */
  readonly live?: Pick<Live, 'queue' | 'health' | 'sight' | 'startedAt'>;
  /** Wall ms. */
  readonly now: number;
}

/** Lives shown of two people who write much. */
const SHOWN = 20;

/** One identifier. Exit 0 when everything found is well or on its way, 1 when something was refused, failed or is not known. */
export async function explainId(id: string, deps: ExplainDeps): Promise<Report> {
  const entries = await deps.ledger.find(id);
  const decisions = await decisionsOf(entries, await deps.decisions.ofEvent(id), deps);
  // A Call-ID of a subscription stands in no row; there may be many dialogs, so they are looked through only then.
  const found = entries.length > 0 ? [] : await deps.dialogs.all();
  const dialogs = found.filter((one) => one.id === id || one.id.startsWith(`${id} `));
  const parts = lives(entries, decisions, tellingOf(deps));
  for (const { role, watcher, presentity, expiresAt } of dialogs) {
    const who = role === 'notifier' ? `${watcher} watches ${presentity}` : `we watch ${presentity} for ${watcher}`;
    parts.push(
      `SIP subscription dialog: ${who}, until ${stamp(expiresAt)} unless it is refreshed\n  isthmus explain ${watcher} ${presentity} --presence says how that stands`,
    );
  }
  if (parts.length === 0) {
    const text = `Nothing here is called ${id}: it never arrived, or it is older than retention.ledger.\nTry: isthmus explain FROM TO`;
    return { text, json: { entries: [], decisions: [], dialogs: [] }, exit: 1 };
  }
  const json = { entries, decisions, dialogs: dialogs.map(({ data: _of, ...dialog }) => dialog) };
  return {
    text: [...parts, ...notRunningWords(entries, deps)].join('\n\n'),
    json: isoTimes(json),
    exit: isBad(entries, decisions) ? 1 : 0,
  };
}

/** What `from` sent `to` since then, why the last of it stands as it stands, and what would be decided now. */
export async function explainPair(from: string, to: string, since: number, deps: ExplainDeps): Promise<Report> {
  const isMessage = (one: { readonly kind: string }): boolean => !one.kind.startsWith('presence.');
  const entries = (await deps.ledger.between(from, to, since)).filter(isMessage);
  const decisions = await decisionsOf(entries, (await deps.decisions.between(from, to, since)).filter(isMessage), deps);
  const rules = await rulesNow(from, to, deps);
  const all = lives(entries, decisions, tellingOf(deps));
  const parts = all.slice(-SHOWN);
  if (all.length > SHOWN) parts.unshift(`${all.length - SHOWN} earlier ones are not shown; --json has all, --since begins later.`);
  const short = shortOf(entries, decisions, deps);
  if (parts.length === 0)
    parts.push(
      deps.within === true
        ? `What ${from} and ${to} write to each other does not pass the border and leaves no line here.\nTheir histories have it: isthmus user history ${from} --with ${to} --why TEXT`
        : `No message from ${from} to ${to} has reached us since ${stamp(since)}.\nLook the other way round too: isthmus explain ${to} ${from}`,
    );
  if (rules.length > 0) parts.push(['Rules as they are now', ...rules.map(({ words }) => `  ${words}`)].join('\n'));
  const archived = [from, to].flatMap((user) => {
    const words = deps.archived?.(user);
    return words === undefined ? [] : [{ user, words }];
  });
  if (archived.length > 0) parts.push(['Archived', ...archived.map(({ user, words }) => `  ${user}: ${words}`)].join('\n'));
  if (short !== undefined) parts.push(`In short: ${short}`);
  const json = {
    entries,
    decisions,
    rules: rules.map(({ words: _of, ...rule }) => rule),
    ...(archived.length > 0 && { archived }),
    ...(short !== undefined && { short }),
  };
  const bad = (entries.length + decisions.length === 0 && deps.within !== true) || isBad(entries, decisions);
  return { text: [...parts, ...notRunningWords(entries, deps)].join('\n\n'), json: isoTimes(json), exit: bad ? 1 : 0 };
}

/** Who asked to see whom, and why `from` sees of `to` what they see. */
export async function explainPresence(from: string, to: string, since: number, deps: ExplainDeps): Promise<Report> {
  const isPresence = (one: { readonly kind: string }): boolean => one.kind.startsWith('presence.');
  const roads = [
    [from, to],
    [to, from],
  ] as const;
  const entries: LedgerEntry[] = [];
  const found: DecisionRecord[] = [];
  for (const [one, other] of roads) {
    entries.push(...(await deps.ledger.between(one, other, since)).filter(isPresence));
    // A document a minute would bury the rest: what was decided about single ones is left out while it was allowed.
    found.push(
      ...(await deps.decisions.between(one, other, since)).filter(
        (each) => isPresence(each) && (!each.allowed || each.kind === 'presence.requested'),
      ),
    );
  }
  const decisions = await decisionsOf(entries, lastOfEach(found), deps);
  const state = await presenceNow(from, to, deps);
  const parts = lives(entries, decisions, tellingOf(deps));
  if (parts.length === 0) parts.push(`No subscription between ${from} and ${to} has reached us since ${stamp(since)}.`);
  parts.push(['As it stands', ...state.lines.map((line) => `  ${line}`)].join('\n'), `In short: ${state.short}`);
  const json = { entries, decisions, state: state.json, short: state.short };
  return { text: [...parts, ...notRunningWords(entries, deps)].join('\n\n'), json: isoTimes(json), exit: state.well ? 0 : 1 };
}

/** Refusals repeat: the last of each kind and code says enough. */
function lastOfEach(decisions: readonly DecisionRecord[]): DecisionRecord[] {
  return [...new Map(decisions.map((one) => [`${one.from} ${one.kind} ${one.code ?? ''} ${one.key ?? ''}`, one])).values()];
}

function tellingOf({ place, live, now }: ExplainDeps): Parameters<typeof lives>[2] {
  return { place, now, ...(live !== undefined && { queued: (id: string) => live.queue.rows({ id })[0] }) };
}

/** The decisions of everything found, each once: a search by Call-ID finds lines whose decisions are filed under our id. */
async function decisionsOf(
  entries: readonly LedgerEntry[],
  found: readonly DecisionRecord[],
  deps: ExplainDeps,
): Promise<readonly DecisionRecord[]> {
  const all = [...found];
  for (const { id } of entries) {
    if (!all.some((one) => one.eventId === id)) all.push(...(await deps.decisions.ofEvent(id)));
  }
  return all;
}

/** Both directions, as decided this moment. */
async function rulesNow(
  from: string,
  to: string,
  deps: ExplainDeps,
): Promise<(RuleNow & { readonly from: string; readonly to: string; readonly words: string })[]> {
  const said = [];
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    const rule = deps.rule(one, other)?.message;
    if (rule === undefined) continue;
    const known = rule.code === 'POLICY_FIRST_CONTACT' && (await deps.requests.knows(other, one));
    const where = rule.file === undefined ? '' : ` by ${deps.place(rule.file, rule.key)}`;
    const words = known
      ? `a message from ${one} to ${other} is allowed: ${other} has invited, written to or approved ${one}`
      : rule.allowed
        ? `a message from ${one} to ${other} is allowed${where}`
        : `a message from ${one} to ${other} is ${rule.code === 'POLICY_FIRST_CONTACT' ? 'held until somebody approves it' : 'refused'}${where}: ${rule.because.replace(/, routes\/\S+$/, '')}`;
    said.push({ ...rule, allowed: rule.allowed || known, from: one, to: other, words });
  }
  return said;
}

/** One sentence about the latest of it, for the help desk. */
function shortOf(entries: readonly LedgerEntry[], decisions: readonly DecisionRecord[], deps: ExplainDeps): string | undefined {
  const messages = entries.filter(({ kind }) => kind === 'im.sent');
  const last = messages.at(-1);
  const refused = decisions.findLast((one) => !one.allowed && one.kind === 'im.sent');
  if (refused !== undefined && (last === undefined || refused.at > last.acceptedAt)) {
    const code = Object.keys(ERRORS).find((known): known is keyof typeof ERRORS => known === refused.code);
    return `the last message was refused by ${deps.place(refused.file, refused.key)}${code === undefined ? '' : `: ${ERRORS[code].meaning}`}`;
  }
  if (last === undefined) return undefined;
  switch (last.state) {
    case 'delivered':
      return `the last message was delivered at ${moment(last.endedAt ?? last.acceptedAt, deps.now)}.`;
    case 'handedOver':
      return 'the last message was handed over; the far end never confirmed it.';
    case 'accepted':
    case 'written': {
      const row = deps.live?.queue.rows({ id: last.id })[0];
      const why = row?.why ?? last.reason;
      const next = row?.nextTryAt === undefined ? '' : `, and is tried again at ${moment(row.nextTryAt, deps.now)}`;
      const cause = why === undefined ? 'its turn has not come' : `${ERRORS[why.code].meaning.replace(/\.$/, '')} (${why.code})`;
      const behind = row?.behind === undefined ? '' : '; an earlier one of the same two people goes first';
      return `the last message waits for ${last.to.slice(last.to.lastIndexOf('@') + 1)} because of this: ${cause}${behind}${next}. Its sender need not do anything.`;
    }
    case 'withdrawn':
      return 'the last message could not be sent at once and was given back to its sender, as their file asks (queuedAnswer).';
    case 'refused':
    case 'expired':
      return `the last message was not delivered: ${last.reason === undefined ? 'the ledger has lost the reason' : `${ERRORS[last.reason.code].meaning} (${last.reason.code})`}`;
    default:
      return last.state satisfies never;
  }
}

function notRunningWords(entries: readonly LedgerEntry[], { live }: ExplainDeps): string[] {
  const waits = entries.some(({ state }) => state === 'accepted' || state === 'written');
  return live === undefined && waits ? ['Nothing runs with this home, so nothing is being tried. isthmus start takes up what waits.'] : [];
}
