// How control over a name is shown (RFC 8555 §8), whichever way: what an order asks of a challenge.

import type { AcmeCode, ChallengeSettings } from '../../model/acme.ts';

/** What is to be shown for one name. */
export interface Proof {
  /** A-labels, without `*.`. */
  readonly name: string;
  /** base64url. */
  readonly token: string;
  /** RFC 8555 §8.1: `token.thumbprint`. */
  readonly keyAuthorization: string;
}

/** One kind of challenge, for one order. */
export interface Challenger {
  readonly type: ChallengeSettings['type'];
  /** Makes one proof visible. @throws AcmeError */
  present(proof: Proof): Promise<void>;
  /** After all of them: resolves when the CA may look. */
  settle(progress: (line: string) => void): Promise<void>;
  /** Takes everything down. Never throws. */
  close(): Promise<void>;
  /** What to do when the CA did not see it; undefined: the code's own advice. */
  advice?(name: string, code: AcmeCode): string | undefined;
}
