// Remembers what the last readings of the partners' files gave, so that a set of a thousand of them in which one line has
// changed costs one file. A file's text alone decides its value and its own faults, whatever stands in the others.

import type { Partner } from '../model/table.ts';
import type { Finding } from './finding.ts';
import type { PartnerInput } from './sections/partner.ts';
import type { YamlSource } from './yaml-source.ts';

/** What one file gave. */
export interface FileReading<Value> {
  readonly text: string;
  /** undefined: no YAML. */
  readonly source: YamlSource | undefined;
  /** undefined: it has a fault. */
  readonly value: Value | undefined;
  readonly findings: readonly Finding[];
}

/** What a partner's file means together with policy.yaml, whose `listed` fills what the file leaves out. */
export interface FilePartner {
  readonly partner: Partner | undefined;
  readonly findings: readonly Finding[];
}

export class FileMemory {
  /** Two sets back: an undo asks for what was just replaced. */
  #older = new Map<string, FileReading<PartnerInput>>();
  #last = new Map<string, FileReading<PartnerInput>>();
  #now = new Map<string, FileReading<PartnerInput>>();
  readonly #partners = new WeakMap<FileReading<PartnerInput>, { readonly policy: string | undefined; readonly made: FilePartner }>();

  /** @param read is asked only when the file is not as it was */
  reading(path: string, text: string, read: () => FileReading<PartnerInput>): FileReading<PartnerInput> {
    const known = [this.#last, this.#older].map((set) => set.get(path)).find((one) => one?.text === text);
    const reading = known ?? read();
    this.#now.set(path, reading);
    return reading;
  }

  /** The partner that a reading makes under a policy.yaml, with what was found about it. @param make is asked only for another one */
  partner(reading: FileReading<PartnerInput>, policy: string | undefined, make: () => FilePartner): FilePartner {
    const known = this.#partners.get(reading);
    if (known !== undefined && known.policy === policy) return known.made;
    const made = make();
    this.#partners.set(reading, { policy, made });
    return made;
  }

  /** A whole set was read: what was in none of the last ones is forgotten. */
  turn(): void {
    this.#older = this.#last;
    this.#last = this.#now;
    this.#now = new Map();
  }
}
