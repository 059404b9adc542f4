// What the fuzzer has found, each input under the name of what went wrong; every run of the tests plays them again.

export interface Vector {
  readonly name: string;
  /** A target's name begins so. */
  readonly target: string;
  readonly input: Buffer;
}

export const VECTORS: readonly Vector[] = [];
