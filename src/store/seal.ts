// Bodies at rest: AES-256-GCM with a key of this home in var/store.key (0600), made at the first start.
// The label (which row, from whom, to whom) is bound to the text, so that damaged or swapped rows do not open.

import { createCipheriv, createDecipheriv, randomBytes, randomFillSync } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface Seal {
  /** iv, tag, ciphertext. */
  close(text: Uint8Array | string, label: string): Uint8Array;
  /** undefined when the seal is broken or of another key. */
  open(sealed: Uint8Array, label: string): Buffer | undefined;
}

/** @param key 32 bytes */
export function sealWith(key: Uint8Array): Seal {
  // Random bytes for initialization vectors are drawn in blocks; one call a message would cost as much as the cipher.
  const pool = new Uint8Array(IV_BYTES * 256);
  let used = pool.length;
  return {
    close(text, label) {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      const iv = pool.slice(used, (used += IV_BYTES));
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(label));
      const body = typeof text === 'string' ? cipher.update(text, 'utf8') : cipher.update(text);
      const rest = cipher.final();
      return Buffer.concat([iv, cipher.getAuthTag(), body, rest]);
    },
    open(sealed, label) {
      if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(label)).setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const body = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
      try {
        return Buffer.concat([body, decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}

export interface KeyFile {
  readonly key: Uint8Array;
  /** True when it was not there before. */
  readonly made: boolean;
  /** What was found and done, for the report of the start. */
  readonly remark?: string;
}

/**
 * Reads the key of a home, or makes one.
 * @throws StoreError when the file is there and is not a key: a new one would make every waiting message unreadable
 */
export function keyFile(path: string): KeyFile {
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      const key = randomBytes(KEY_BYTES);
      writeFileSync(file, key);
      fsyncSync(file);
      return { key, made: true };
    } catch (error) {
      rmSync(path, { force: true }); // half a key would keep every later start from making a whole one
      throw error;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new StoreError(reason('STORE_FULL', `the key ${path} could not be made: ${String(error)}`), { cause: error });
    }
  }
  let key: Buffer;
  try {
    key = readFileSync(path);
  } catch (error) {
    throw new StoreError(reason('STORE_FULL', `the key ${path} cannot be read: ${String(error)}`), { cause: error });
  }
  if (key.length !== KEY_BYTES) {
    const text = `${path} has ${key.length} bytes where a key has ${KEY_BYTES}; restore it from a backup, or remove it to give up what waits`;
    throw new StoreError(reason('US_BUG', text));
  }
  if ((statSync(path).mode & 0o077) === 0) return { key, made: false };
  chmodSync(path, 0o600);
  return { key, made: false, remark: `${path} could be read by others; its mode is 0600 now` };
}

/**
 * The seal of a key that is made when it is first needed; one that is there already is read at once.
 * @throws StoreError when the file is there and is not a key; `seal` throws it when the key cannot be made
 */
export function lazySeal(path: string): { readonly seal: () => Seal; readonly remark?: string } {
  const there = statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : keyFile(path);
  let seal = there && sealWith(there.key);
  return {
    seal: () => (seal ??= sealWith(keyFile(path).key)),
    ...(there?.remark !== undefined && { remark: there.remark }),
  };
}
