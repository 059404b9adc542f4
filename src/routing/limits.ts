// How much: token buckets per partner, per sender and per pair of users (DESIGN 7, security.md section 5).
// In memory only and bounded: the least recently used buckets are forgotten, which gives their owners a full one.

import { LRUCache } from 'lru-cache';
import { reason } from '../errors.ts';
import { bareKey, show } from '../model/address.ts';
import { atMost } from '../model/at-most.ts';
import type { ImSent } from '../model/event.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Partner } from '../model/table.ts';

interface Bucket {
  tokens: number;
  /** Monotonic ms of the last refill. */
  at: number;
}

/** Defaults of DESIGN 7, before a partner's file says otherwise. Bursts are counts of messages. */
export const LIMITS = {
  senderPerSecond: 10,
  senderBurst: 30,
  pairPerSecond: 5,
  pairBurst: 20,
  /** burst = rate × this, for a partner (discovered: 20/s, burst 60). */
  partnerBurstFactor: 3,
  /** A discovered partner is suspicious once this share of its last messages failed (at least `suspiciousAfter` of them). */
  suspiciousShare: 0.5,
  suspiciousAfter: 20,
  maxBuckets: 50_000,
} as const;

export class Limits {
  readonly #clock: Clock;
  readonly #buckets = new LRUCache<string, Bucket>(atMost(LIMITS.maxBuckets));
  readonly #failures = new LRUCache<string, { good: number; bad: number }>(atMost(LIMITS.maxBuckets));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one token from every bucket that this message counts against; undefined when it may pass. */
  admit(message: ImSent, partner: Partner | undefined): Reason | undefined {
    const sender = bareKey(message.from);
    const limits = partner?.limits;
    if (partner !== undefined && limits?.messagesPerSecond !== undefined) {
      const suspicious = limits.suspiciousMessagesPerSecond !== undefined && this.#isSuspicious(partner.name);
      const rate = suspicious ? limits.suspiciousMessagesPerSecond : limits.messagesPerSecond;
      const burst = suspicious ? rate : rate * LIMITS.partnerBurstFactor;
      // What we send to a partner and what it sends to us are counted apart.
      const direction = message.origin.side === 'edge' ? 'from' : 'to';
      if (!this.#take(`${direction} ${partner.name}${suspicious ? ' suspicious' : ''}`, rate, burst)) {
        const where = partner.sources.get('limits.messagesPerSecond') ?? partner.where;
        return reason('LIMIT_PARTNER_RATE', `${partner.name} is over ${rate} messages a second`, { file: where.file, key: where.key });
      }
    }
    const perSender = limits?.senderMessagesPerSecond ?? LIMITS.senderPerSecond;
    if (!this.#take(`sender ${sender}`, perSender, perSender * (LIMITS.senderBurst / LIMITS.senderPerSecond)))
      return reason('LIMIT_SENDER_RATE', `${show(message.from)} is over ${perSender} messages a second`);
    const perPair = limits?.pairMessagesPerSecond ?? LIMITS.pairPerSecond;
    if (!this.#take(`pair ${sender} ${bareKey(message.to)}`, perPair, perPair * (LIMITS.pairBurst / LIMITS.pairPerSecond)))
      return reason('LIMIT_PAIR_RATE', `${show(message.from)} to ${show(message.to)} is over ${perPair} messages a second`);
    return undefined;
  }

  /** Notes how a discovered partner's message ended, for the suspicious share. */
  note(partner: string, good: boolean): void {
    const seen = this.#failures.get(partner) ?? { good: 0, bad: 0 };
    if (good) seen.good += 1;
    else seen.bad += 1;
    if (seen.good + seen.bad > LIMITS.suspiciousAfter * 5) {
      seen.good = Math.floor(seen.good / 2);
      seen.bad = Math.floor(seen.bad / 2);
    }
    this.#failures.set(partner, seen);
  }

  #isSuspicious(partner: string): boolean {
    const seen = this.#failures.get(partner);
    if (seen === undefined) return false;
    const total = seen.good + seen.bad;
    return total >= LIMITS.suspiciousAfter && seen.bad / total >= LIMITS.suspiciousShare;
  }

  #take(key: string, perSecond: number, burst: number): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#buckets.set(key, { tokens: burst - 1, at: now });
      return burst >= 1;
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

/** Is the message longer than its partner may send or get? Told with the place of the limit. */
export function tooLarge(event: ImSent, partner: Partner | undefined): Reason | undefined {
  if (partner === undefined) return undefined;
  const max = partner.limits.messageBytes;
  const size = Buffer.byteLength(event.body);
  if (size <= max) return undefined;
  const { file, key } = partner.sources.get('limits.messageSize') ?? partner.where;
  return reason('CONTENT_TOO_LARGE', `the message has ${size} bytes; ${max} are allowed`, { file, key });
}
