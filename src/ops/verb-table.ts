// Every verb by its words: the command line and the API read the same table. A file is read when its verb is used.

import type { Verb } from './verb.ts';

export interface VerbRow {
  readonly words: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbRow[] = [];
