// One thing after another for each key: what is said between two people never overtakes itself, different keys never wait.

export class Turns {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs `work` when everything queued before under `key` has ended, whether well or not. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const mine = before === undefined ? work() : before.then(work, work);
    const tail = mine.catch(() => {});
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return mine;
  }

  /** Resolves when nothing is queued. */
  async settled(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
