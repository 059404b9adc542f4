// The harness's own ledger. Every message that a scripted sender sends stands here from its first byte on, with what its sender
// was answered and what arrived at the other end; at the end the books must balance: sent = delivered once + refused with a reason.

/** Which way: from our SIP side to the partner, or back. */
export type Road = 'sip-xmpp' | 'xmpp-sip';

interface Sent {
  readonly road: string;
  readonly body: string;
  readonly at: number;
  answer: 'none' | 'yes' | 'refused';
  /** Copies that arrived, by the id the far end knows them by. */
  readonly copies: Map<string, number>;
}

export interface Tally {
  readonly sent: number;
  /** Arrived at least once. */
  readonly delivered: number;
  /** Refused with a reason, and not delivered. */
  readonly refused: number;
  /** Neither delivered nor refused. */
  readonly lost: number;
  /** Arrived under more than one id: even a peer that compares ids shows it twice. */
  readonly doubled: number;
  /** Copies under the same id: a peer that compares ids shows one. */
  readonly copies: number;
  readonly outOfOrder: number;
  /** Bodies that are not what was sent. */
  readonly garbled: number;
  /** Told as failed, and delivered all the same. */
  readonly contradicted: number;
}

/** A harmless text with characters that each wire has to escape. */
const WORDS = 'Is line 3 up again? The night shift says it stopped at 4:10, and nobody wrote down why. <&> ';

export class Ledger {
  readonly #sent = new Map<string, Sent>();
  readonly #last = new Map<string, number>();
  /** What arrived after a later one of the same pair. */
  readonly overtaken: string[] = [];
  #garbled = 0;
  #refused = 0;
  #delivered = 0;
  /** When each message arrived first, and how long it took; performance.now() and ms. */
  readonly arrivals: { readonly at: number; readonly tookMs: number; readonly road: string }[] = [];
  /** Texts that arrived and are nobody's message: notices of failure. */
  readonly notices: string[] = [];

  /** Writes a message down that is about to be sent. @param bytes about how long */
  send(road: string, pair: number, number: number, bytes = 120): { readonly key: string; readonly body: string } {
    const key = `${road}.${pair}.${number}`;
    const body = `#${key}# ${WORDS.repeat(Math.max(1, Math.round(bytes / WORDS.length)))}#end`;
    this.#sent.set(key, { road: `${road}.${pair}`, body, at: performance.now(), answer: 'none', copies: new Map() });
    return { key, body };
  }

  answered(key: string, answer: 'yes' | 'refused'): void {
    const sent = this.#sent.get(key);
    if (sent === undefined || sent.answer === answer) return;
    if (sent.copies.size === 0 && answer === 'refused') this.#refused += 1;
    sent.answer = answer;
  }

  isRefused(key: string): boolean {
    return this.#sent.get(key)?.answer === 'refused';
  }

  /** Something arrived. @param id what the recipient would recognise a copy by */
  arrived(body: string, id: string): void {
    const key = /^#([\w.-]+)#/.exec(body)?.[1];
    const sent = key === undefined ? undefined : this.#sent.get(key);
    if (key === undefined || sent === undefined) {
      this.notices.push(body);
      return;
    }
    if (body !== sent.body) this.#garbled += 1;
    if (sent.copies.size === 0) this.#first(key, sent);
    sent.copies.set(id, (sent.copies.get(id) ?? 0) + 1);
  }

  #first(key: string, sent: Sent): void {
    const at = performance.now();
    const number = Number(key.slice(key.lastIndexOf('.') + 1));
    const last = this.#last.get(sent.road) ?? -1;
    if (number < last) this.overtaken.push(`${key} after ${last}`);
    else this.#last.set(sent.road, number);
    this.#delivered += 1;
    this.arrivals.push({ at, tookMs: at - sent.at, road: sent.road });
  }

  /** A notice told the sender that this one failed. */
  noticed(key: string): void {
    this.answered(key, 'refused');
  }

  get sent(): number {
    return this.#sent.size;
  }
  get delivered(): number {
    return this.#delivered;
  }
  /** How many are neither delivered nor refused. */
  get open(): number {
    return this.#sent.size - this.#delivered - this.#refused;
  }

  /** From `since` to the first message that arrived after it, ms; undefined when none did. */
  firstArrivalAfter(since: number): number | undefined {
    const found = this.arrivals.find(({ at }) => at > since);
    return found === undefined ? undefined : found.at - since;
  }
  lastArrivalAt(): number {
    return this.arrivals.at(-1)?.at ?? 0;
  }
  /** ms, of what arrived between two times (of one road). */
  percentile(share: number, from = 0, until = Number.POSITIVE_INFINITY, road = ''): number {
    const took = this.arrivals
      .filter((one) => one.at >= from && one.at < until && one.road.startsWith(road))
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b);
    return took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  }

  /** @param except roads that begin so are left out of what is counted message by message */
  tally(except?: string): Tally {
    let lost = 0;
    let doubled = 0;
    let copies = 0;
    let contradicted = 0;
    let refused = 0;
    let sent = 0;
    let delivered = 0;
    for (const one of this.#sent.values()) {
      if (except !== undefined && one.road.startsWith(except)) continue;
      const arrived = one.copies.size > 0;
      sent += 1;
      if (arrived) delivered += 1;
      if (one.answer === 'refused' && !arrived) refused += 1;
      if (one.answer === 'refused' && arrived) contradicted += 1;
      if (one.answer !== 'refused' && !arrived) lost += 1;
      if (one.copies.size > 1) doubled += 1;
      for (const count of one.copies.values()) copies += count - 1;
    }
    return { sent, delivered, refused, lost, doubled, copies, outOfOrder: this.overtaken.length, garbled: this.#garbled, contradicted };
  }

  /** The keys that are neither delivered nor refused, for an error message. */
  missing(): readonly string[] {
    return [...this.#sent]
      .filter(([, one]) => one.copies.size === 0 && one.answer !== 'refused')
      .map(([key, one]) => `${key} (${one.answer})`);
  }
}
