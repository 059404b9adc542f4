// The intelligent filter at the border: what a message says, judged after policy and limits and before it is committed. Messages
// between domains of ours never come here. An event is a value: what is changed is a new one with the same id.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { bare, bareKey, show } from '../model/address.ts';
import type { ImSent } from '../model/event.ts';
import type { AskHook, Crossing, ExternalMark, Filters, HookAnswer, HookRule } from '../model/filters.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { ContactRequestStore } from '../model/stores.ts';
import type { OwnDomain, Partner, Table, Where } from '../model/table.ts';
import { type Talk, TalkMemory } from './filter-memory.ts';
import { FilterOrder } from './filter-order.ts';
import { filtersFor, judge, type Words } from './filter-rules.ts';
import { partnerOf } from './partner.ts';

export interface FilterDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly requests: Pick<ContactRequestStore, 'knows'>;
  readonly askHook: AskHook;
}

export type Passed =
  | { readonly refused: Reason }
  /** `by`: the keys that changed it. `undo`: it did not go after all. */
  | { readonly event: ImSent; readonly by: readonly Where[]; undo(): void };

/** What one message crosses, and under which rules. */
interface Crossed {
  readonly crossing: Crossing;
  readonly partner: Partner | undefined;
  readonly rules: Filters;
  readonly ours: (domain: string) => boolean;
}

export class BorderFilter {
  readonly #deps: FilterDeps;
  readonly #memory: TalkMemory;
  readonly #order = new FilterOrder();

  constructor(deps: FilterDeps) {
    this.#deps = deps;
    this.#memory = new TalkMemory(deps.clock);
  }

  /**
   * Would this message be refused for what it says? Asked whatever policy says about its people, so that the answer does not tell
   * who may be reached. The hook is not asked.
   */
  refusal(event: ImSent, table: Table): Reason | undefined {
    const crossed = crossedBy(event, table);
    if (crossed === undefined) return undefined;
    const judged = judge(wordsOf(event), crossed.rules, crossed.ours);
    return 'refused' in judged ? judged.refused : undefined;
  }

  /** The message as it may go on. Messages of one pair leave in the order in which they came, however long the hook takes. */
  async pass(event: ImSent, table: Table): Promise<Passed> {
    const crossed = crossedBy(event, table);
    if (crossed === undefined) return { event, by: [], undo() {} };
    const { hook, externalMark } = crossed.rules;
    // Nothing that takes its time: nothing can overtake.
    if (hook === undefined && externalMark?.notice === undefined) return this.#finish(event, event, [], crossed);
    const place = this.#order.take(`${bareKey(event.from)} ${bareKey(event.to)}`);
    try {
      const answer = hook === undefined ? ({ action: 'pass' } as const) : await this.#ask(hook, event, crossed);
      await place.mine;
      if ('refused' in answer) return answer;
      if (hook === undefined || answer.action !== 'replace') return await this.#finish(event, event, [], crossed);
      return await this.#finish(event, { ...event, body: answer.body }, [hook.where], crossed);
    } finally {
      place.done();
    }
  }

  /** The rules about the words, and what is said with them. */
  async #finish(original: ImSent, event: ImSent, hooked: readonly Where[], { rules, ours, crossing }: Crossed): Promise<Passed> {
    const judged = judge(wordsOf(event), rules, ours);
    if ('refused' in judged) {
      this.#tell(original, 'refuse', 'words'); // what the hook wrote is judged as well
      return judged;
    }
    const talk = this.#memory.talk(pairOf(original), rules.conversationPauseMs);
    const by = [...hooked];
    const said = hooked.length === 0 ? [] : [{ action: 'replace', what: 'hook' }];
    for (const { action, what, where } of judged.remarks) {
      by.push(where);
      said.push({ action, what });
    }
    const before = [...judged.lines];
    const { externalMark, disclaimer } = rules;
    if (externalMark !== undefined && isMarked(original, externalMark)) {
      const lines = await this.#marks(original, externalMark, talk);
      if (lines.length > 0) by.push(externalMark.where);
      before.unshift(...lines);
    }
    const after: string[] = [];
    if (disclaimer !== undefined && talk.once(`disclaimer ${crossing}`)) {
      after.push('', disclaimer.text);
      by.push(disclaimer.where);
      said.push({ action: 'add', what: 'disclaimer' });
    }
    for (const each of said) this.#tell(original, each.action, each.what);
    const prefix = externalMark?.prefix !== undefined && isMarked(original, externalMark) ? `${externalMark.prefix} ` : '';
    const body = [...before, prefix + judged.words.body, ...after].join('\n');
    const undo = (): void => talk.undo();
    if (body === original.body && judged.words.subject === original.subject) return { event: original, by, undo };
    return { event: { ...original, ...judged.words, body }, by, undo };
  }

  async #marks(event: ImSent, mark: ExternalMark, talk: Talk): Promise<string[]> {
    const lines: string[] = [];
    // Whom our user has written to, or asked for, is somebody they know.
    if (mark.notice !== undefined && talk.first('notice') && !(await this.#deps.requests.knows(bareKey(event.to), bareKey(event.from))))
      lines.push(mark.notice);
    if (mark.warning !== undefined && talk.once('warning')) lines.push(mark.warning);
    return lines;
  }

  async #ask(hook: HookRule, event: ImSent, { crossing, partner }: Crossed): Promise<HookAnswer | { readonly refused: Reason }> {
    const { id, at, from, to, origin, body, subject, lang } = event;
    const place = { file: hook.where.file, key: hook.where.key };
    try {
      const answer = await this.#deps.askHook(hook, {
        id,
        at,
        direction: crossing,
        from: show(bare(from)),
        to: show(bare(to)),
        partner: partner?.name ?? (crossing === 'toThem' ? to : from).domain,
        proof: origin.proof,
        body,
        ...(subject !== undefined && { subject }),
        ...(lang !== undefined && { lang }),
      });
      const most = partner?.limits.messageBytes ?? Number.POSITIVE_INFINITY;
      if (answer.action === 'replace' && Buffer.byteLength(answer.body) > most)
        throw new Error(`the hook wrote more than the ${most} bytes that are allowed`);
      if (answer.action !== 'refuse') return answer;
      this.#tell(event, 'refuse', 'hook');
      return { refused: reason('CONTENT_FILTERED', answer.reason ?? 'the filter hook refused the message', place) };
    } catch (error) {
      if (hook.onFailure === 'refuse') {
        const words = `the filter hook could not be asked: ${error instanceof Error ? error.message : String(error)}`;
        this.#deps.log.info({ event: 'message.filtered', id, ...people(event), action: 'refuse', what: 'hook' }, words);
        // Whose fault it is, is nobody's business but ours.
        return { refused: reason('CONTENT_UNCHECKED', 'the message cannot be checked at the moment', { ...place, retry: RETRY_MS }) };
      }
      this.#tell(event, 'passUnchecked', 'hook');
      return { action: 'pass' };
    }
  }

  #tell(event: ImSent, action: string, what: string): void {
    this.#deps.log.info(
      { event: 'message.filtered', id: event.id, ...people(event), action, what },
      'the filters changed or marked a message',
    );
  }
}

/** What a sender is told about when to try again, ms. */
const RETRY_MS = 30_000;

/** undefined: it does not cross the border, or nothing is filtered. */
function crossedBy(event: ImSent, table: Table): Crossed | undefined {
  const { filters, domains } = table;
  if (filters === undefined) return undefined;
  const fromOurs = domains.has(event.from.domain);
  if (fromOurs === domains.has(event.to.domain)) return undefined;
  const crossing = fromOurs ? 'toThem' : 'fromThem';
  const partner = partnerOf(fromOurs ? event.to.domain : event.from.domain, table);
  return { crossing, partner, rules: filtersFor(filters, partner, crossing), ours: (domain) => isOurs(domain, domains) };
}

/** One of our domains, or below one. At most as many steps as the name has labels. */
function isOurs(host: string, domains: ReadonlyMap<string, OwnDomain>): boolean {
  for (let name = host; ; ) {
    if (domains.has(name)) return true;
    const dot = name.indexOf('.');
    if (dot < 0) return false;
    name = name.slice(dot + 1);
  }
}

function isMarked(event: ImSent, mark: ExternalMark): boolean {
  return mark.who === 'everyone' || event.origin.proof === 'dialback';
}

function wordsOf({ body, subject }: ImSent): Words {
  return { body, ...(subject !== undefined && { subject }) };
}

function pairOf(event: ImSent): string {
  return [bareKey(event.from), bareKey(event.to)].sort().join(' ');
}

function people({ from, to }: ImSent): {
  readonly from: string;
  readonly to: string;
  readonly fromDomain: string;
  readonly toDomain: string;
} {
  return { from: show(from), to: show(to), fromDomain: from.domain, toDomain: to.domain };
}
