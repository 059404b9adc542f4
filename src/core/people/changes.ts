// Whom somebody has changed, in this process or another one: found by one cheap look at the table of people, by the clock and when
// asked. Who is no user any more, or disabled, is signed out.

import { reason } from '../../errors.ts';
import type { Address } from '../../model/address.ts';
import type { Timer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { Turns } from '../../model/turns.ts';
import type { OpenClient, OpenClients } from '../clients.ts';
import type { CoreParts } from '../ports.ts';

export interface PeopleChangesParts {
  readonly people: CoreParts['people'];
  readonly clock: CoreParts['clock'];
  readonly clients: OpenClients;
  /** Between two looks by the clock, ms. */
  readonly lookMs: number;
  /** Signs one client out. */
  end(one: OpenClient, why: Reason): void;
  /** Something is known of a user that was not. */
  changed(user: Address): void;
  /** Somebody is no user any more. @param key bare key */
  gone(key: string): Promise<void>;
  /** Runs what nobody waits for; a defect is logged. */
  light(work: () => Promise<unknown>): void;
}

/** Looks by the clock from now on. */
export class PeopleChanges {
  readonly #parts: PeopleChangesParts;
  /** One after the other: who asks for a look is told when those before it have ended what they found. */
  readonly #looks = new Turns();
  #version = 0;
  #timer: Timer | undefined;

  constructor(parts: PeopleChangesParts) {
    this.#parts = parts;
    this.#wait();
  }

  /** Resolves when what has changed so far is carried out. */
  look(): Promise<void> {
    return this.#looks.run('', () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    const { clock, lookMs, light } = this.#parts;
    this.#timer = clock.after(lookMs, () => {
      light(() => this.look());
      this.#wait();
    });
  }

  async #look(): Promise<void> {
    const { people, clients, end, changed, gone } = this.#parts;
    for (;;) {
      const { version, addresses } = await people.changedSince(this.#version);
      if (addresses.length === 0) return;
      this.#version = version;
      for (const key of addresses) {
        const person = await people.get(key);
        if (person !== undefined && !person.disabled) {
          changed(person.address);
          continue;
        }
        const text = `${key} is no user any more, or disabled.`;
        for (const one of [...clients.of(key).values()]) end(one, reason('AUTH_SIGN_IN_FAILED', text));
        if (person === undefined) await gone(key);
      }
    }
  }
}
