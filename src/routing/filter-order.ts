// Messages of one pair leave the filter in the order in which they came: each is asked about at once, and waits for those before
// it before it goes on.

export interface Place {
  /** Resolves when everything before it has gone. Never rejects. */
  readonly mine: Promise<void>;
  /** To be called once, whatever came of it. */
  done(): void;
}

export class FilterOrder {
  readonly #last = new Map<string, Promise<void>>();

  /** A place behind everything of the same key that has not gone yet. */
  take(key: string): Place {
    const before = this.#last.get(key) ?? Promise.resolve();
    const gone = Promise.withResolvers<void>();
    const mine = before;
    const tail = before.then(() => gone.promise);
    this.#last.set(key, tail);
    void tail.then(() => {
      if (this.#last.get(key) === tail) this.#last.delete(key);
    });
    return { mine, done: gone.resolve };
  }

  /** Keys with something on its way. */
  get size(): number {
    return this.#last.size;
  }
}
