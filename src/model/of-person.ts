// What is kept of one person, thing by thing: each table that keeps something of people stands in one list (store/of-person.ts),
// so that who erases a person, or hands out what is kept of them, forgets nothing that was added later.

export interface KeptOfPerson {
  /** In the words of a report: `contact list`. */
  readonly what: string;
  /**
   * Removes it, in whatever process.
   * @param owner bare key @param now wall ms
   * @returns how many things went, and how many stay because a hold keeps them
   */
  forget(owner: string, now: number): Promise<Forgotten>;
  /** The same as data for programs, without secrets (data portability); undefined: there is nothing. Absent: it is exported otherwise. */
  show?(owner: string): Promise<unknown>;
}

export interface Forgotten {
  readonly removed: number;
  readonly held?: number;
}
