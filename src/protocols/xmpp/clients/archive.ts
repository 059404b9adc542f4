// A client and the archive of its user (XEP-0313, urn:xmpp:mam:2): what was said comes as forwarded messages, then the answer
// says which part of the whole that was. Only the own archive can be asked.

import { type Address, bareKey } from '../../../model/address.ts';
import type { HistoryFilter, HistoryLine, HistoryPage, HistoryStore } from '../../../model/history.ts';
import type { PeopleStore } from '../../../model/people.ts';
import { type Element, element } from '../element.ts';
import { toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { escapeAttribute, printElement } from '../print.ts';
import { type ArchiveQuery, archiveForm, readArchiveQuery } from './archive-query.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from './iq-table.ts';
import { printForwarded } from './messages.ts';

export interface ArchiveParts {
  readonly histories: Pick<HistoryStore, 'page' | 'named' | 'count'>;
  /** Whoever had the address before is somebody else: lines older than the user are not theirs. */
  readonly people: Pick<PeopleStore, 'get'>;
}

/** The row of the table of requests. */
export function archive(parts: ArchiveParts): IqHandler {
  return {
    ns: NS.mam,
    targets: ['account'],
    // XEP-0359 §6: ids given by us can be relied on.
    // Its place is the account (XEP-0313 §3); Profanity 0.13 looks at the domain alone.
    features: { account: [NS.mam, NS.mamExtended, NS.stanzaIds], server: [NS.mam] },
    async get({ asker, payload }) {
      switch (payload.name) {
        case 'query':
          return [element('query', NS.mam, {}, [archiveForm()])];
        case 'prefs':
          return [element('prefs', NS.mam, { default: 'always' }, [element('always', NS.mam), element('never', NS.mam)])];
        case 'metadata':
          return [await metadata(parts, bareKey(asker.user))];
        default:
          return refuse('bad-request', 'modify');
      }
    },
    async set(request) {
      // XEP-0441 §3: what is archived is for the organisation to say.
      if (request.payload.name === 'prefs') return refuse('not-allowed', 'cancel', 'every message is archived');
      return request.payload.name === 'query' ? answer(parts, request) : refuse('bad-request', 'modify');
    },
  };
}

/** What a client is told when it binds along with its sign-in (XEP-0386 §3.2). */
export function boundArchive(parts: ArchiveParts): (user: Address) => Promise<readonly Element[]> {
  return async (user) => [await metadata(parts, bareKey(user))];
}

async function answer(parts: ArchiveParts, { asker, payload }: IqRequest): Promise<IqAnswer> {
  const query = readArchiveQuery(payload);
  if ('error' in query) return query;
  const owner = bareKey(asker.user);
  const filter = await ownOnly(parts, owner, query.filter);
  const page =
    query.ids === undefined ? await parts.histories.page(owner, filter, query.cut) : await named(parts, owner, query.ids, filter);
  // XEP-0313 §4.1.4: an id that is not there.
  if (page === undefined) return refuse('item-not-found', 'cancel');
  const own = toJid(asker.user);
  for (const line of query.flip ? [...page.lines].reverse() : page.lines) {
    const text = typeof own === 'string' ? printLine(line, own, asker.jid, payload.attrs.queryid) : undefined;
    if (text !== undefined) asker.send(text);
  }
  const count = query.ids === undefined ? await parts.histories.count(owner, filter) : page.lines.length;
  return [fin(page, count, query)];
}

async function ownOnly({ people }: ArchiveParts, owner: string, filter: HistoryFilter): Promise<HistoryFilter> {
  const person = await people.get(owner);
  return person === undefined ? filter : { ...filter, since: Math.max(filter.since ?? 0, person.createdAt) };
}

/** Lines by their ids; undefined: one is not there. */
async function named(
  { histories }: ArchiveParts,
  owner: string,
  ids: readonly string[],
  { peer, since = 0, until = Number.POSITIVE_INFINITY }: HistoryFilter,
): Promise<HistoryPage | undefined> {
  const lines = await histories.named(owner, ids);
  const fitting = lines?.filter((line) => line.at >= since && line.at <= until && (peer === undefined || line.peer === peer));
  return fitting && { lines: fitting, complete: true };
}

/** XEP-0313 §4.2; undefined: it cannot be read any more. */
function printLine({ id, at, said }: HistoryLine, own: string, to: string, queryid: string | undefined): string | undefined {
  const inner = said && printForwarded(said);
  if (inner === undefined) return undefined;
  const asked = queryid === undefined ? '' : ` queryid='${escapeAttribute(queryid)}'`;
  const delay = printElement(element('delay', NS.delay, { stamp: new Date(at).toISOString() }));
  return (
    `<message from='${escapeAttribute(own)}' to='${escapeAttribute(to)}'><result xmlns='${NS.mam}'${asked} id='${escapeAttribute(id)}'>` +
    `<forwarded xmlns='${NS.forward}'>${delay}${inner}</forwarded></result></message>`
  );
}

/** XEP-0313 §4.3, XEP-0059 §2.6: ids in the order of time, however the page was sent. */
function fin({ lines, complete }: HistoryPage, count: number, { cut }: ArchiveQuery): Element {
  const [first, last] = [lines[0], lines.at(-1)];
  const set = [element('count', NS.rsm, {}, [String(count)])];
  if (first !== undefined && last !== undefined)
    set.unshift(element('first', NS.rsm, {}, [first.id]), element('last', NS.rsm, {}, [last.id]));
  const whole = cut.limit === 0 ? count === 0 : complete;
  return element('fin', NS.mam, { complete: whole ? 'true' : undefined }, [element('set', NS.rsm, {}, set)]);
}

/** XEP-0313 §5: where the archive begins and ends. */
async function metadata(parts: ArchiveParts, owner: string): Promise<Element> {
  const filter = await ownOnly(parts, owner, {});
  const edges = await Promise.all([false, true].map((fromEnd) => parts.histories.page(owner, filter, { limit: 1, fromEnd })));
  const marks = edges.flatMap((page, i) => {
    const line = page?.lines[0];
    return line === undefined
      ? []
      : [element(i === 0 ? 'start' : 'end', NS.mam, { id: line.id, timestamp: new Date(line.at).toISOString() })];
  });
  return element('metadata', NS.mam, {}, marks);
}
