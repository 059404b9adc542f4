// What clients keep for themselves (XEP-0049), and bookmarks, which are the same whether they are kept there (XEP-0048) or as
// items of a node (XEP-0402 §6).

import { type Address, bare, bareKey } from '../../../../model/address.ts';
import type { PersonalStore } from '../../../../model/personal.ts';
import { type Element, element, elements } from '../../element.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import { type IqAnswer, type IqHandler, refuse } from '../iq-table.ts';
import type { Refusal } from './access.ts';
import { conferencesIn, printConferences } from './bookmarks.ts';
import { MOST_ITEMS, type readConfig } from './node-config.ts';
import type { NodeLimits, Nodes } from './nodes.ts';
import { printPayload, readPayload } from './payloads.ts';

export interface PrivateGround {
  readonly store: PersonalStore;
  readonly nodes: Nodes;
  readonly limits: NodeLimits;
}

export function privateStorage({ store, nodes, limits }: PrivateGround): IqHandler {
  const write = async (owner: Address, inner: Element): Promise<Refusal | undefined> => {
    if (isBookmarks(inner)) return writeBookmarks(owner, inner, store, nodes);
    const text = printPayload(inner);
    if (nameOf(inner).length > limits.nameLength) return refuse('not-acceptable', 'modify', 'the name is too long');
    if (Buffer.byteLength(text) > limits.itemBytes)
      return refuse('not-acceptable', 'modify', `at most ${limits.itemBytes} bytes in one element`);
    const written = await store.putPrivate(bareKey(owner), nameOf(inner), text, limits);
    return written.kind === 'full' ? refuse('resource-constraint', 'wait') : undefined;
  };
  return {
    ns: NS.private,
    targets: ['account'],
    features: { account: [NS.private, `${NS.bookmarks}#compat`], server: [NS.private] },
    async get({ asker, payload }): Promise<IqAnswer> {
      const [inner, ...more] = elements(payload);
      // XEP-0049 §2.2: one element, in a namespace of its own.
      if (inner === undefined || more.length > 0 || inner.ns === NS.private) return refuse('bad-request', 'modify');
      const owner = bare(asker.user);
      if (isBookmarks(inner)) return [element('query', NS.private, {}, [await readBookmarks(owner, store)])];
      const text = await store.private(bareKey(owner), nameOf(inner));
      const known = readPayload(text);
      return [element('query', NS.private, {}, [known ?? element(inner.name, inner.ns)])];
    },
    async set({ asker, payload }): Promise<IqAnswer> {
      const inner = elements(payload);
      if (inner.length === 0 || inner.length > limits.itemsAtOnce || inner.some(({ ns }) => ns === NS.private))
        return refuse('not-acceptable', 'modify', 'an element of a namespace of its own');
      for (const one of inner) {
        const refusal = await write(bare(asker.user), one);
        if (refusal !== undefined) return refusal;
      }
      return [];
    },
  };
}

function nameOf({ name, ns }: Element): string {
  return `{${ns}}${name}`;
}

function isBookmarks({ name, ns }: Element): boolean {
  return name === 'storage' && ns === NS.oldBookmarks;
}

/** What else stood in the old storage: bookmarks of pages (XEP-0048 §3). */
const REST = `{${NS.oldBookmarks}}storage`;

async function itemsOf(owner: Address, store: PersonalStore): Promise<ReadonlyMap<string, Element>> {
  const key = bareKey(owner);
  const ids = (await store.ids(key, NS.bookmarks)).map(({ id }) => id);
  const found = new Map<string, Element>();
  for (const { id, payload } of await store.items(key, NS.bookmarks, ids)) {
    const conference = readPayload(payload);
    if (conference?.name === 'conference') found.set(id, conference);
  }
  return found;
}

async function readBookmarks(owner: Address, store: PersonalStore): Promise<Element> {
  const rest = await store.private(bareKey(owner), REST);
  const pages = readPayload(rest);
  return printConferences(await itemsOf(owner, store), pages === undefined ? [] : elements(pages));
}

/** Room by room: what is new or has changed is published, what is not there any more is retracted. */
async function writeBookmarks(owner: Address, storage: Element, store: PersonalStore, nodes: Nodes): Promise<Refusal | undefined> {
  const known = await itemsOf(owner, store);
  const { wanted, rest } = conferencesIn(storage, known);
  if (wanted.size > MOST_ITEMS) return refuse('not-acceptable', 'modify', `at most ${MOST_ITEMS} bookmarks`);
  const changed = [...wanted].filter(([jid, conference]) => {
    const before = known.get(jid);
    return before === undefined || printElement(before, '') !== printElement(conference, '');
  });
  const change = (await store.node(bareKey(owner), NS.bookmarks)) === undefined ? BOOKMARKS : {};
  for (const [id, conference] of changed) {
    const published = await nodes.publish(owner, NS.bookmarks, [{ id, payload: printPayload(conference) }], change);
    if ('error' in published) return published;
  }
  const gone = [...known.keys()].filter((jid) => !wanted.has(jid));
  const refusal = gone.length === 0 ? undefined : await nodes.retract(owner, NS.bookmarks, gone, true);
  const text = rest.length === 0 ? undefined : printPayload(element('storage', NS.oldBookmarks, {}, rest));
  await store.putPrivate(bareKey(owner), REST, text, { nodes: 0, bytes: Number.POSITIVE_INFINITY });
  return refusal;
}

/** XEP-0402 §4: how a client sets the node up. */
const BOOKMARKS: Exclude<ReturnType<typeof readConfig>, string> = {
  accessModel: 'whitelist',
  persistItems: true,
  maxItems: MOST_ITEMS,
  sendLast: 'never',
};
