// Sign-in with the password of a directory: a client that sends it over TLS as it is (PLAIN) is checked by a bind. Mechanisms
// that prove a password without sending it need one that is kept here, which is one of a device.

import type { Log } from '../../log.ts';
import { type Address, bareKey } from '../../model/address.ts';
import type { DigestVerifier, ScramHash, ScramVerifier, SignedIn, SignIn, SignInFrom } from '../../model/core.ts';
import type { LockOut } from './lock-out.ts';

export interface DirectorySignInParts {
  /** What is kept here; has the last word about everybody. */
  readonly own: SignIn;
  /** The same that `own` has: who is locked out is not tried at the directory either. */
  readonly lockOut: LockOut;
  readonly log: Log;
  /** The entry of a user whose main password is the directory's; undefined: it is kept here. @param user bare key */
  dnOf(user: string): Promise<string | undefined>;
  /** Is that the password of the entry? Rejects when the directory cannot be asked. */
  fits(dn: string, password: string): Promise<boolean>;
}

export class DirectorySignIn implements SignIn {
  readonly #parts: DirectorySignInParts;

  constructor(parts: DirectorySignInParts) {
    this.#parts = parts;
  }

  scram(user: Address, hash: ScramHash): Promise<ScramVerifier> {
    return this.#parts.own.scram(user, hash);
  }

  digest(user: Address, realm: string, algorithm: DigestVerifier['algorithm']): Promise<DigestVerifier> {
    return this.#parts.own.digest(user, realm, algorithm);
  }

  finish(user: Address, proven: boolean, from: SignInFrom): Promise<SignedIn> {
    return this.#parts.own.finish(user, proven, from);
  }

  async password(user: Address, password: string, from: SignInFrom): Promise<SignedIn> {
    const { own, lockOut, log, dnOf, fits } = this.#parts;
    const dn = await dnOf(bareKey(user));
    if (dn === undefined || lockOut.waitMs(bareKey(user), from.address) > 0) return own.password(user, password, from);
    let fitting = false;
    try {
      fitting = await fits(dn, password);
    } catch (error) {
      log.warn({ event: 'directory.failed', err: error }, 'a password could not be checked; those of devices still sign in');
    }
    // Not the directory's: perhaps the one of a device.
    return fitting ? own.finish(user, true, from) : own.password(user, password, from);
  }
}
