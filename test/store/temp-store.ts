// A store in a temporary folder, and the same folder as a killed process would have left it.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';

export interface TempStore extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  store: Store;
  /** Closes and opens again. */
  reopen(options?: Partial<StoreOptions>): Store;
  /** Opens a copy of the files as they are on disk now; what is not written yet is gone, as after kill -9. */
  crash(): Store;
}

/** The file of a store that has only been opened and closed; to make its tables takes longer than most tests. */
const EMPTY = emptyDatabase();

function emptyDatabase(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-store-'));
  openStore({ folder, clock: new ManualClock(), mode: 'own' }).close();
  const bytes = readFileSync(join(folder, 'isthmus.db'));
  rmSync(folder, { recursive: true });
  return bytes;
}

export function tempStore(options: Partial<StoreOptions> = {}, clock = new ManualClock()): TempStore {
  const root = mkdtempSync(join(tmpdir(), 'isthmus-store-'));
  let folder = join(root, '0');
  let crashes = 0;
  const left: Store[] = [];
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'isthmus.db'), EMPTY);
  const open = (more: Partial<StoreOptions> = {}): Store => openStore({ folder, clock, mode: 'own', ...options, ...more });
  const temp: TempStore = {
    get folder() {
      return folder;
    },
    clock,
    store: open(),
    reopen(more) {
      temp.store.close();
      return (temp.store = open(more));
    },
    crash() {
      left.push(temp.store);
      const copy = join(root, String((crashes += 1)));
      for (const name of ['isthmus.db', 'isthmus.db-wal', 'store.key', 'archive.key']) {
        cpSync(join(folder, name), join(copy, name), { force: true, errorOnExist: false });
      }
      if (existsSync(join(folder, 'records.key'))) cpSync(join(folder, 'records.key'), join(copy, 'records.key'));
      folder = copy;
      return (temp.store = open());
    },
    async [Symbol.asyncDispose]() {
      for (const one of [temp.store, ...left]) one.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return temp;
}
