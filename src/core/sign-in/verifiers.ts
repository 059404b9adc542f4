// From a password to what is kept of it, one form for each mechanism, and back again to the question whether one fits.
// Nothing here keeps the password.

import { createHash, createHmac, pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { DigestVerifier, ScramHash, ScramKeys } from '../../model/core.ts';

/** RFC 7677 §4 asks for at least 4096; more costs phones their battery at each sign-in. */
export const SCRAM_ITERATIONS = 10_000;
const SALT_BYTES = 16;
/** 32 MiB and about 60 ms. Rows are sealed with the key of the home besides; SCRAM's own PBKDF2 is what a thief of both would try. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const SCRYPT_BYTES = 32;
/** What is kept for PLAIN: salt and key. */
export const SCRYPT_KEPT_BYTES = SALT_BYTES + SCRYPT_BYTES;

const DIGESTS = { 'SHA-1': 'sha1', 'SHA-256': 'sha256' } as const satisfies Record<ScramHash, string>;
const SIZES = { 'SHA-1': 20, 'SHA-256': 32 } as const satisfies Record<ScramHash, number>;
const derive = promisify(pbkdf2);
const stretch = promisify<string, Uint8Array, number, typeof SCRYPT, Buffer>(scrypt);

export function newSalt(): Uint8Array {
  return randomBytes(SALT_BYTES);
}

/** RFC 8265 OpaqueString, as far as a server can: NFC, every other space a plain one. */
export function prepared(password: string): string {
  return password.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC');
}

/** RFC 5802 §3: SaltedPassword, then StoredKey and ServerKey. */
export async function scramKeys(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
  const salted = await derive(prepared(password), salt, iterations, SIZES[hash], DIGESTS[hash]);
  const hmac = (words: string): Buffer => createHmac(DIGESTS[hash], salted).update(words).digest();
  return { storedKey: createHash(DIGESTS[hash]).update(hmac('Client Key')).digest(), serverKey: hmac('Server Key') };
}

/** RFC 7616 §3.4.2: A1 hashed. */
export function digestHa1(algorithm: DigestVerifier['algorithm'], username: string, realm: string, password: string): string {
  const hash = algorithm === 'MD5' ? 'md5' : 'sha256';
  return createHash(hash).update(`${username}:${realm}:${password}`).digest('hex');
}

/** scrypt with its salt before it. */
export async function scryptOf(password: string, salt: Uint8Array = newSalt()): Promise<Uint8Array> {
  return Buffer.concat([salt, await stretch(prepared(password), salt, SCRYPT_BYTES, SCRYPT)]);
}

/** Does the password fit? Takes as long when it does not. */
export async function scryptFits(password: string, kept: Uint8Array): Promise<boolean> {
  const again = await scryptOf(password, kept.subarray(0, SALT_BYTES));
  return again.length === kept.length && timingSafeEqual(again, kept);
}
