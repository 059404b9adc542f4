// Which of several targets is worth trying. RFC 3263 §4.3: after a transport failure, a time-out or a 503 the next one is next.
// At the edge a failed target rests, twice as long each time; inside it stays aside until a probe has succeeded three times in a
// row (domains.yaml `nextHop`). Nothing is ever forbidden: when all rest, they are tried all the same. Pure: time comes in.

import { type SipTarget, targetKey } from './locate.ts';

const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;
const GOOD_PROBES = 3;

interface Illness {
  restUntilMs: number;
  restMs: number;
  /** Inside: good probes so far; undefined where no probe decides. */
  good: number | undefined;
}

export class TargetHealth {
  readonly #ill = new Map<string, Illness>();

  /** @param probed a probe decides when it is well again, not time */
  failed(target: SipTarget, nowMs: number, probed: boolean, atLeastMs = 0): void {
    const before = this.#ill.get(targetKey(target));
    const restMs = Math.max(
      before === undefined ? FIRST_REST_MS : Math.min(before.restMs * 2, LONGEST_REST_MS),
      Math.min(atLeastMs, 300_000),
    );
    this.#ill.set(targetKey(target), { restMs, restUntilMs: nowMs + restMs, good: probed ? 0 : undefined });
  }

  /** A request succeeded there. Where probes decide, they go on deciding. */
  succeeded(target: SipTarget): void {
    const illness = this.#ill.get(targetKey(target));
    if (illness?.good === undefined) this.#ill.delete(targetKey(target));
  }

  /** @returns true when the target is well again */
  probed(target: SipTarget, good: boolean): boolean {
    const illness = this.#ill.get(targetKey(target));
    if (illness === undefined) return true;
    illness.good = good ? (illness.good ?? 0) + 1 : 0;
    if (illness.good < GOOD_PROBES) return false;
    this.#ill.delete(targetKey(target));
    return true;
  }

  forgive(target: SipTarget): void {
    this.#ill.delete(targetKey(target));
  }

  isWell(target: SipTarget, nowMs: number): boolean {
    const illness = this.#ill.get(targetKey(target));
    if (illness === undefined) return true;
    return illness.good === undefined && nowMs >= illness.restUntilMs;
  }

  /** The well ones in their order, then the others, the one whose rest ends first in front. */
  order(targets: readonly SipTarget[], nowMs: number): SipTarget[] {
    const rest = (target: SipTarget) => this.#ill.get(targetKey(target))?.restUntilMs ?? 0;
    const well = targets.filter((target) => this.isWell(target, nowMs));
    const ill = targets.filter((target) => !this.isWell(target, nowMs)).sort((a, b) => rest(a) - rest(b));
    return [...well, ...ill];
  }
}
