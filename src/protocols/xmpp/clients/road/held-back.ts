// What a client need not hear at once while nobody looks at it (XEP-0352): of each contact's endpoint the last presence, and
// no typing at all.

import type { Address } from '../../../../model/address.ts';
import { show } from '../../../../model/address.ts';

/** Endpoints whose presence is held; more are written at once. */
const MOST = 1000;

export class HeldBack {
  #texts: Map<string, string> | undefined;

  get holds(): boolean {
    return this.#texts !== undefined;
  }

  begin(): void {
    this.#texts ??= new Map();
  }

  /** True: kept for later, in place of an older one. */
  hold(from: Address, text: string): boolean {
    const key = show(from);
    if (this.#texts === undefined || (this.#texts.size >= MOST && !this.#texts.has(key))) return false;
    this.#texts.delete(key);
    this.#texts.set(key, text);
    return true;
  }

  /** No more of it. @returns what was held, oldest first */
  end(): readonly string[] {
    const texts = [...(this.#texts?.values() ?? [])];
    this.#texts = undefined;
    return texts;
  }
}
