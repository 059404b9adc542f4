// What is kept of one person, thing by thing: each table that keeps something of people stands in one list (store/of-person.ts),
// so that who erases a person, or hands out what is kept of them, forgets nothing that was added later.

export interface KeptOfPerson {
  /** In the words of a report: `contact list`. */
  readonly what: string;
  /** How many things it is. @param owner bare key */
  count(owner: string): Promise<number>;
  /** Removes it. @param now wall ms @returns how many things stay because a hold keeps them */
  forget(owner: string, now: number): Promise<number>;
  /** The same as data for programs, without secrets (data portability). Absent: it is of no use to them, or exported otherwise. */
  readonly show?: {
    /** Its key in the export: `contactList`. */
    readonly key: string;
    /** @returns undefined: there is nothing */
    data(owner: string): Promise<unknown>;
  };
}
