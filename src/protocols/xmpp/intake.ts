// Where every stanza of an open stream or component comes in: addresses, who may say so, pings, then the handler. It counts
// what has been handled, in order, so that XEP-0198 counts and answers to pings never run ahead of the stanzas before them.

import type { ProofWord, Side } from '../../model/event.ts';
import type { SessionNotes } from '../../model/sessions.ts';
import type { StanzaContext } from './context.ts';
import type { Element } from './element.ts';
import { NS } from './names.ts';
import { parseStanza, type Stanza } from './parse.ts';
import { isPing, pong } from './ping.ts';
import type { StreamError } from './stream-error.ts';
import type { Wire } from './wire.ts';

/** May this pair of domains stand on a stanza here? */
export type PairVerdict =
  | { readonly is: 'allowed'; readonly proof: ProofWord }
  | { readonly is: 'refused'; readonly error: StreamError }
  /** Not taken, but no reason to end the stream (inside). */
  | { readonly is: 'dropped'; readonly why: string };

export interface IntakeOwner {
  readonly side: Extract<Side, 'edge' | 'inside'>;
  readonly connection: string;
  readonly notes: Pick<SessionNotes, 'counted'>;
  /** Where the stream comes from, from outside. */
  readonly address?: string;
  /** For Origin. */
  peer(): string;
  judge(from: string, to: string): PairVerdict | Promise<PairVerdict>;
  /** Is a ping to this domain ours to answer? */
  answersFor(domain: string): boolean;
  /** Writes an element back to where the stanza came from. */
  reply(ourDomain: string, theirDomain: string, element: Element): void;
}

/** How long an answer to `<r/>` or a ping waits for stanzas that are still in hand. */
const HANDLED_WITHIN_MS = 10_000;

export class Intake {
  readonly #wire: Wire;
  readonly #owner: IntakeOwner;
  #received = 0;
  /** Everything up to this number is handled; `#ahead` are the handled ones after a gap. */
  #handled = 0;
  readonly #ahead = new Set<number>();
  #marks: { readonly upTo: number; run(): void }[] = [];
  #room: (() => void) | undefined;

  constructor(wire: Wire, owner: IntakeOwner) {
    this.#wire = wire;
    this.#owner = owner;
  }

  /** Stanzas taken so far, and how many of them, without a gap, are handled. */
  get received(): number {
    return this.#received;
  }
  get handled(): number {
    return this.#handled;
  }

  /** Takes one first-level element. Comes back with the stream error that it deserves, if any. */
  take(element: Element): StreamError | undefined | Promise<StreamError | undefined> {
    const stanza = parseStanza(element);
    if ('fault' in stanza) {
      if (stanza.fault === 'notAStanza') return { condition: 'unsupported-stanza-type', text: `<${element.name}/> is not known here` };
      return { condition: 'improper-addressing', text: stanza.reason?.text ?? `a stanza needs a ${stanza.which}` };
    }
    const verdict = this.#owner.judge(stanza.from.domain, stanza.to.domain);
    return verdict instanceof Promise ? verdict.then((judged) => this.#judged(stanza, judged)) : this.#judged(stanza, verdict);
  }

  /** Runs when everything received up to `upTo` is handled, or after ten seconds. */
  whenHandled(upTo: number, run: () => void): void {
    if (this.#handled >= upTo) {
      run();
      return;
    }
    let done = false;
    const once = (): void => {
      if (done) return;
      done = true;
      timer.cancel();
      this.#marks = this.#marks.filter((each) => each !== mark);
      run();
    };
    const mark = { upTo, run: once };
    const timer = this.#wire.clock.after(HANDLED_WITHIN_MS, once);
    this.#marks.push(mark);
  }

  #judged(stanza: Stanza, verdict: PairVerdict): StreamError | undefined | Promise<undefined> {
    if (verdict.is === 'refused') return verdict.error;
    const number = ++this.#received;
    if (verdict.is === 'dropped') {
      this.#wire.log.warn({ event: 'stanza.dropped', connection: this.#owner.connection, why: verdict.why }, 'stanza not taken');
      this.#done(number);
      return undefined;
    }
    if (this.#isAboutPing(stanza, number)) {
      this.#done(number);
      return undefined;
    }
    this.#hand(stanza, verdict.proof, number);
    if (this.#received - this.#handled <= this.#wire.settings.inHand) return undefined;
    // Enough in hand: the stream is not read until some of it is done.
    return new Promise((resolve) => {
      this.#room = () => resolve(undefined);
    });
  }

  #isAboutPing(stanza: Stanza, number: number): boolean {
    const { element, from, to, kind, type, id } = stanza;
    if (kind !== 'iq' || to.local !== '' || to.resource !== undefined) return false;
    const [ours, theirs] = this.#ends(stanza);
    if (isPing(element)) {
      if (!this.#owner.answersFor(to.domain)) return false;
      this.whenHandled(number - 1, () => this.#owner.reply(ours, theirs, pong(element)));
      return true;
    }
    const answers = (type === 'result' || type === 'error') && from.local === '' && id !== undefined;
    return answers && this.#wire.pingAnswered(to.domain, from.domain, id);
  }

  #ends(stanza: Stanza): readonly [ours: string, theirs: string] {
    return this.#owner.side === 'edge' ? [stanza.to.domain, stanza.from.domain] : [stanza.from.domain, stanza.to.domain];
  }

  #hand(stanza: Stanza, proof: ProofWord, number: number): void {
    if (stanza.kind !== 'iq') this.#owner.notes.counted('in');
    const [ourDomain, theirDomain] = this.#ends(stanza);
    const context: StanzaContext = {
      side: this.#owner.side,
      fromDomain: stanza.from.domain,
      toDomain: stanza.to.domain,
      ourDomain,
      theirDomain,
      peer: this.#owner.peer(),
      proof,
      connection: this.#owner.connection,
      ...(this.#owner.address !== undefined && { address: this.#owner.address }),
      stanza,
      reply: (element) => this.#owner.reply(ourDomain, theirDomain, element),
    };
    try {
      const work = this.#wire.onStanza(stanza.element, context);
      if (work === undefined) this.#done(number);
      else
        work.then(
          () => this.#done(number),
          (error: unknown) => this.#broken(error, number),
        );
    } catch (error) {
      this.#broken(error, number);
    }
  }

  #broken(error: unknown, number: number): void {
    this.#wire.log.error({ event: 'stanza.failed', connection: this.#owner.connection, err: error }, 'a stanza could not be handled');
    this.#done(number);
  }

  #done(number: number): void {
    if (number !== this.#handled + 1) {
      this.#ahead.add(number);
      return;
    }
    this.#handled = number;
    while (this.#ahead.delete(this.#handled + 1)) this.#handled++;
    if (this.#marks.length > 0) for (const mark of this.#marks.filter(({ upTo }) => upTo <= this.#handled)) mark.run();
    if (this.#room !== undefined && this.#received - this.#handled <= this.#wire.settings.inHand / 2) {
      this.#room();
      this.#room = undefined;
    }
  }
}

/** The same element with one namespace in place of another, all the way down: components speak `jabber:component:accept`. */
export function renamespaced(node: Element, from: string, to: string): Element {
  const children = node.children.map((inner) => (typeof inner === 'string' ? inner : renamespaced(inner, from, to)));
  return { ...node, ns: node.ns === from ? to : node.ns, children };
}

/** Is this element an error that ends the stream? */
export function isStreamError(node: Element): boolean {
  return node.ns === NS.streams && node.name === 'error';
}
