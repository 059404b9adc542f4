// Which nodes each client wants to be told of: read from the hash in its presence (XEP-0115), asked for once when nobody has
// named that hash before (XEP-0163 §4.3.2). A client that says nothing of itself is told of nothing.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../../../model/at-most.ts';
import type { Clock, Ids, Timer } from '../../../../model/ports.ts';
import { child, type Element, element } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import type { Asker } from '../iq-table.ts';
import { type CapsMark, capsOf, capsVersion, interestsOf } from './caps.ts';

const NONE: ReadonlySet<string> = new Set();
/** Hashes that are remembered; there is one for each version and setting of a client program. */
const REMEMBERED = 2000;
/** Nodes that one client may want to be told of. */
const MOST_INTERESTS = 200;
const ANSWER_MS = 60_000;
/** Questions that wait at once, over all clients. */
const MOST_QUESTIONS = 5000;

interface Facts {
  available: boolean;
  /** The mark of the last presence, as one word. */
  mark: string;
  interests: ReadonlySet<string>;
}

export interface InterestParts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** A client is there, or has come to want more. */
  readonly wants: (client: Asker, nodes: ReadonlySet<string>) => void;
}

export class Interests {
  readonly #parts: InterestParts;
  readonly #facts = new WeakMap<Asker, Facts>();
  readonly #known = new LRUCache<string, ReadonlySet<string>>(atMost(REMEMBERED));
  /** By hash: who is asked just now. */
  readonly #asked = new Map<string, Promise<unknown>>();
  readonly #questions = new Map<string, { readonly answer: (query: Element | undefined) => void; readonly timer: Timer }>();

  constructor(parts: InterestParts) {
    this.#parts = parts;
  }

  /** Of a client that is available; nothing of one that is not. */
  of(client: Asker): ReadonlySet<string> {
    const facts = this.#facts.get(client);
    return facts?.available === true ? facts.interests : NONE;
  }
  available(client: Asker): boolean {
    return this.#facts.get(client)?.available === true;
  }

  /** A client has said to everybody that it is there, or that it is not. */
  presented(client: Asker, presence: Element): void {
    const facts = this.#facts.get(client) ?? { available: false, mark: '', interests: NONE };
    this.#facts.set(client, facts);
    const was = facts.available;
    facts.available = presence.attrs.type === undefined;
    if (!facts.available) return;
    const caps = capsOf(presence);
    const mark = caps === undefined ? '' : JSON.stringify(caps);
    if (mark === facts.mark) {
      if (!was && facts.interests.size > 0) this.#parts.wants(client, facts.interests);
      return;
    }
    facts.mark = mark;
    const before = was ? facts.interests : NONE;
    if (caps === undefined) {
      facts.interests = NONE;
      return;
    }
    void this.#find(client, caps, mark).then((found) => {
      if (facts.mark !== mark) return; // it has said something else meanwhile
      facts.interests = found;
      const news = new Set([...found].filter((node) => !before.has(node)));
      if (facts.available && news.size > 0) this.#parts.wants(client, news);
    });
  }

  /** An answer of a client that nobody else waits for. */
  answered(client: Asker, stanza: Element): void {
    const key = `${client.jid} ${stanza.attrs.id ?? ''}`;
    const question = this.#questions.get(key);
    if (question === undefined) return;
    this.#questions.delete(key);
    question.timer.cancel();
    question.answer(stanza.attrs.type === 'result' ? child(stanza, 'query', NS.discoInfo) : undefined);
  }

  async #find(client: Asker, caps: CapsMark, mark: string): Promise<ReadonlySet<string>> {
    const verifiable = caps.hash !== undefined;
    const known = verifiable ? this.#known.get(mark) : undefined;
    if (known !== undefined) return known;
    await this.#asked.get(mark);
    const meanwhile = verifiable ? this.#known.get(mark) : undefined;
    if (meanwhile !== undefined) return meanwhile;
    const asked = this.#ask(client, caps).then((query) => {
      if (query === undefined) return NONE;
      const interests = interestsOf(query, MOST_INTERESTS);
      // XEP-0115 §5.4: an answer that does not fit its hash is believed of this client alone.
      if (caps.hash !== undefined && capsVersion(query, caps.hash) === caps.ver) this.#known.set(mark, interests);
      return interests;
    });
    this.#asked.set(mark, asked);
    const found = await asked;
    if (this.#asked.get(mark) === asked) this.#asked.delete(mark);
    return found;
  }

  #ask(client: Asker, { node, ver, hash }: CapsMark): Promise<Element | undefined> {
    const from = toJid(client.user);
    if (this.#questions.size >= MOST_QUESTIONS || typeof from !== 'string') return Promise.resolve(undefined);
    const { clock, ids } = this.#parts;
    const id = `caps-${ids.token(6)}`;
    const key = `${client.jid} ${id}`;
    const query = element('query', NS.discoInfo, { node: hash === undefined ? undefined : `${node}#${ver}` });
    return new Promise((answer) => {
      const timer = clock.after(ANSWER_MS, () => {
        this.#questions.delete(key);
        answer(undefined);
      });
      this.#questions.set(key, { answer, timer });
      client.send(printElement(element('iq', NS.server, { type: 'get', id, from, to: client.jid }, [query])));
    });
  }
}
