// Requests of a client that we answer: a table of handlers by namespace. A new feature is one row; what it adds to disco#info
// stands in the row too.

import type { Address } from '../../../model/address.ts';
import type { Session } from '../../../model/core.ts';
import { type Element, element, elements } from '../element.ts';
import { iqError } from '../iq.ts';
import { NS } from '../names.ts';
import { type Condition, type ErrorType, stanzaError } from '../replies.ts';

/**
 * Who is asked: the user's own account (no `to`, or the own bare JID), our domain, the bare JID of another user of the core, or
 * `directory.` or `upload.` before our domain, where clients look for a directory (XEP-0055) and a place for files (XEP-0363).
 */
export type Target = 'account' | 'server' | 'user' | 'directory' | 'upload';

/** The client that asks, as far as handlers may know it. */
export interface Asker {
  readonly user: Address;
  /** Its full JID. */
  readonly jid: string;
  readonly session: Session;
  /** Wants copies of what its user's other clients send and are sent (XEP-0280). */
  carbons: boolean;
  /** Has asked for the contact list, and is told of its changes (RFC 6121 §2.2). */
  interested: boolean;
  /** Writes a stanza to it. */
  send(text: string): void;
  /** Sends it a request of ours that nobody waits for the answer of. */
  push(payload: Element): void;
  /** Of its stream; absent: it has not said. */
  readonly language?: string | undefined;
  /** The user's XMPP clients, this one among them. */
  siblings(): readonly Asker[];
}

export interface IqRequest {
  readonly asker: Asker;
  readonly type: 'get' | 'set';
  /** With its addresses; names in `jabber:server`. */
  readonly stanza: Element;
  readonly payload: Element;
  readonly target: Target;
  readonly to: Address;
}

/** Children of the result, or the error. */
export type IqAnswer = readonly Element[] | { readonly error: Element };

export interface IqHandler {
  readonly ns: string;
  readonly targets: readonly Target[];
  /** `var`s of disco#info, where the target has this. Default: the namespace, for each target. */
  readonly features?: Readonly<Partial<Record<Target, readonly string[]>>>;
  /** What the target is besides (XEP-0030 §3.1). */
  readonly identities?: Readonly<Partial<Record<Target, Readonly<Record<string, string>>>>>;
  /** What disco#info adds to the target: forms of XEP-0128. */
  readonly forms?: Readonly<Partial<Record<Target, readonly Element[]>>>;
  get?(request: IqRequest): IqAnswer | Promise<IqAnswer>;
  set?(request: IqRequest): IqAnswer | Promise<IqAnswer>;
  /** What disco tells of a node (XEP-0030 §3.2, §4.2); undefined: it is none of this handler's. */
  node?(request: IqRequest, what: 'info' | 'items'): IqAnswer | undefined | Promise<IqAnswer | undefined>;
}

/** A refusal. */
export function refuse(condition: Condition, type: ErrorType, words?: string): { readonly error: Element } {
  return { error: stanzaError(condition, type, words) };
}

export class IqTable {
  readonly #handlers = new Map<string, IqHandler>();

  /** @param make given the table, so that disco#info can tell what is in it */
  constructor(make: (table: IqTable) => readonly IqHandler[]) {
    for (const handler of make(this)) this.#handlers.set(handler.ns, handler);
  }

  /** What disco tells of a node: items of all who have some, or what the first says. */
  async node(request: IqRequest, what: 'info' | 'items'): Promise<IqAnswer | undefined> {
    let found: Element | undefined;
    for (const handler of this.#handlers.values()) {
      const answer = handler.targets.includes(request.target) ? await handler.node?.(request, what) : undefined;
      if (answer === undefined) continue;
      if (what === 'info' || 'error' in answer) return answer;
      for (const one of answer) found = found === undefined ? one : { ...found, children: [...found.children, ...one.children] };
    }
    return found && [found];
  }

  /** What disco#info names. */
  features(target: Target): readonly string[] {
    const found = [...this.#handlers.values()].flatMap(({ ns, targets, features }) =>
      features === undefined ? (targets.includes(target) ? [ns] : []) : (features[target] ?? []),
    );
    return [...new Set(found)].sort();
  }

  /** What the target is besides. */
  identities(target: Target): readonly Readonly<Record<string, string>>[] {
    return [...this.#handlers.values()].flatMap(({ identities }) => {
      const identity = identities?.[target];
      return identity === undefined ? [] : [identity];
    });
  }

  /** The forms of disco#info. */
  forms(target: Target): readonly Element[] {
    return [...this.#handlers.values()].flatMap(({ forms }) => forms?.[target] ?? []);
  }

  /** The answer to an iq of type get or set. */
  async answer(request: Omit<IqRequest, 'payload'>): Promise<Element> {
    const { stanza, type, target } = request;
    const [payload, ...more] = elements(stanza);
    // RFC 6120 §8.2.3: exactly one child.
    if (payload === undefined || more.length > 0) return iqError(stanza, stanzaError('bad-request', 'modify'));
    const handler = this.#handlers.get(payload.ns);
    const run = type === 'get' ? handler?.get : handler?.set;
    if (handler === undefined || run === undefined || !handler.targets.includes(target))
      return iqError(stanza, stanzaError('service-unavailable', 'cancel'));
    const answer = await run.call(handler, { ...request, payload });
    if ('error' in answer) return iqError(stanza, answer.error);
    const { from, to, id } = stanza.attrs;
    return element('iq', NS.server, { type: 'result', from: to, to: from, id }, answer);
  }
}
