// Who may sign in (model/core.ts SignIn): verifiers for the mechanisms of the faces, and the last word about a sign-in.
// Whoever is not there looks like somebody whose password is wrong: the same challenge each time, the same answer.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type Address, bareKey } from '../../model/address.ts';
import type { DigestVerifier, Person, ScramHash, ScramKeys, ScramVerifier, SignedIn, SignIn, SignInFrom } from '../../model/core.ts';
import type { Credential, CredentialKind, PeopleStore } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import type { ReasonCode } from '../../model/reason.ts';
import { LockOut } from './lock-out.ts';
import { digestHa1, newSalt, SCRAM_ITERATIONS, SCRYPT_KEPT_BYTES, scramKeys, scryptFits, scryptOf } from './verifiers.ts';

export interface SignInParts {
  readonly people: PeopleStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Of this home; makes challenges for users that are not there. */
  readonly secret: Uint8Array;
  readonly lockOut?: LockOut;
}

const SIZES = { 'SHA-1': 20, 'SHA-256': 32 } as const satisfies Record<ScramHash, number>;

/** The sign-in of the core's own users. */
export class PasswordSignIn implements SignIn {
  readonly #parts: SignInParts;
  readonly #lockOut: LockOut;
  /** In place of a password that does not fit, and of who is not there: takes as long to check, and fits nothing. */
  readonly #decoy: Uint8Array = randomBytes(SCRYPT_KEPT_BYTES);

  constructor(parts: SignInParts) {
    this.#parts = parts;
    this.#lockOut = parts.lockOut ?? new LockOut(parts.clock);
  }

  async scram(user: Address, hash: ScramHash): Promise<ScramVerifier> {
    const kept = await this.#kept(user, `SCRAM-${hash}`);
    const [first] = kept;
    if (first === undefined) {
      const salt = this.#madeUp(`salt ${hash}`, user).subarray(0, 16);
      const fill = (what: string): Uint8Array => this.#madeUp(`${what} ${hash}`, user).subarray(0, SIZES[hash]);
      return { hash, salt, iterations: SCRAM_ITERATIONS, keys: [{ storedKey: fill('stored'), serverKey: fill('server') }] };
    }
    const { salt, iterations } = scramOf(first, hash);
    return { hash, salt, iterations, keys: kept.map((one) => scramOf(one, hash).keys) };
  }

  async digest(user: Address, realm: string, algorithm: DigestVerifier['algorithm']): Promise<DigestVerifier> {
    const kept = await this.#kept(user, `DIGEST-${algorithm}`);
    const ha1s = kept.flatMap(({ data }) => Buffer.from(data).toString('utf8').split('\n'));
    return { algorithm, realm, ha1s: ha1s.length > 0 ? ha1s : [Buffer.from(this.#madeUp(`digest ${algorithm}`, user)).toString('hex')] };
  }

  async password(user: Address, password: string, from: SignInFrom): Promise<SignedIn> {
    if (this.#lockOut.waitMs(bareKey(user), from.address) > 0) return this.finish(user, false, from);
    const device = await this.#deviceOf(user, password);
    const kept = (await this.#kept(user, 'scrypt')).find((one) => one.device === device);
    const fits = await scryptFits(password, kept?.data ?? this.#decoy);
    return this.finish(user, fits && kept !== undefined, from);
  }

  /**
   * Whose password of the user's devices it is, by the verifiers that share a salt: one derivation, so that a sign-in takes as long for
   * somebody with many devices as for somebody who is not there.
   */
  async #deviceOf(user: Address, password: string): Promise<string | undefined> {
    const { salt, iterations } = await this.scram(user, 'SHA-256');
    const { storedKey } = await scramKeys('SHA-256', password, salt, iterations);
    const kept = await this.#kept(user, 'SCRAM-SHA-256');
    return kept.find((one) => timingSafeEqual(scramOf(one, 'SHA-256').keys.storedKey, storedKey))?.device;
  }

  async finish(user: Address, proven: boolean, from: SignInFrom): Promise<SignedIn> {
    const key = bareKey(user);
    const waitMs = this.#lockOut.waitMs(key, from.address);
    if (waitMs > 0) return this.#no(user, from, 'LIMIT_SIGN_IN', `too many failed sign-ins; wait ${Math.ceil(waitMs / 60_000)} min`);
    const person = await this.#parts.people.get(key);
    if (!proven || person === undefined || person.disabled) {
      this.#lockOut.failed(key, from.address);
      return this.#no(user, from, 'AUTH_SIGN_IN_FAILED', 'the address or the password is wrong');
    }
    this.#lockOut.succeeded(key);
    this.#parts.people.noteSignIn(key, this.#parts.clock.now());
    this.#parts.log.info({ event: 'user.signedIn', user: key, face: from.face, address: from.address, connection: from.connection });
    return { ok: true, person };
  }

  #no(user: Address, from: SignInFrom, code: ReasonCode, words: string): SignedIn {
    const { face, address, connection } = from;
    this.#parts.log.info({ event: 'user.signInFailed', user: bareKey(user), face, address, connection, code }, words);
    return { ok: false, reason: reason(code, words) };
  }

  async #kept(user: Address, kind: CredentialKind): Promise<readonly Credential[]> {
    const person = await this.#parts.people.get(bareKey(user));
    if (person === undefined || person.disabled) return [];
    return (await this.#parts.people.credentials(bareKey(user))).filter((one) => one.kind === kind);
  }

  /** The same for the same user each time, and nothing that anybody could tell from a real one. */
  #madeUp(what: string, user: Address): Uint8Array {
    return createHmac('sha256', this.#parts.secret)
      .update(`${what} ${bareKey(user)}`)
      .digest();
  }
}

/** What is kept of a password, for every mechanism. @param salt that of the user's other passwords, where there are any */
export async function credentialsOf(
  person: Person,
  password: string,
  now: number,
  salts: Readonly<Partial<Record<ScramHash, Uint8Array>>> = {},
): Promise<readonly Omit<Credential, 'device'>[]> {
  const { local, domain } = person.address;
  const scram = async (hash: ScramHash): Promise<Omit<Credential, 'device'>> => {
    const salt = salts[hash] ?? newSalt();
    const { storedKey, serverKey } = await scramKeys(hash, password, salt, SCRAM_ITERATIONS);
    const iterations = Buffer.alloc(4);
    iterations.writeUInt32BE(SCRAM_ITERATIONS);
    return { kind: `SCRAM-${hash}`, data: Buffer.concat([iterations, salt, storedKey, serverKey]), madeAt: now };
  };
  const digest = (algorithm: DigestVerifier['algorithm']): Omit<Credential, 'device'> => ({
    kind: `DIGEST-${algorithm}`,
    // The name stands in the hash, and clients write it in either way.
    data: Buffer.from([local, `${local}@${domain}`].map((name) => digestHa1(algorithm, name, domain, password)).join('\n')),
    madeAt: now,
  });
  return [
    { kind: 'scrypt', data: await scryptOf(password), madeAt: now },
    await scram('SHA-1'),
    await scram('SHA-256'),
    digest('MD5'),
    digest('SHA-256'),
  ];
}

/** The salts of a user's passwords: a new one for a device must share them (model/core.ts ScramVerifier). */
export function saltsOf(kept: readonly Credential[]): Partial<Record<ScramHash, Uint8Array>> {
  const salts: Partial<Record<ScramHash, Uint8Array>> = {};
  for (const one of kept) {
    if (one.kind === 'SCRAM-SHA-1') salts['SHA-1'] = scramOf(one, 'SHA-1').salt;
    if (one.kind === 'SCRAM-SHA-256') salts['SHA-256'] = scramOf(one, 'SHA-256').salt;
  }
  return salts;
}

/** Iterations (4 octets), salt, StoredKey, ServerKey. */
function scramOf({ data }: Credential, hash: ScramHash): { salt: Uint8Array; iterations: number; keys: ScramKeys } {
  const size = SIZES[hash];
  const end = data.length;
  return {
    iterations: Buffer.from(data.subarray(0, 4)).readUInt32BE(),
    salt: data.subarray(4, end - 2 * size),
    keys: { storedKey: data.subarray(end - 2 * size, end - size), serverKey: data.subarray(end - size) },
  };
}
