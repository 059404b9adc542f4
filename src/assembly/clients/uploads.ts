// Files that users of the core share, put together: the table, the folder uploads/ of the data folder, the row of the XMPP face that
// gives places, the route of the web door, and who removes what is too old.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Home } from '../../config/home.ts';
import { webOrigin } from '../../config/web-origin.ts';
import type { Log } from '../../log.ts';
import type { SecretStore } from '../../model/outbox-store.ts';
import type { PeopleStore } from '../../model/people.ts';
import type { Clock, Timer } from '../../model/ports.ts';
import type { UploadFiles, UploadStore } from '../../model/uploads.ts';
import type { WebRoute } from '../../model/web-route.ts';
import type { IqHandler } from '../../protocols/xmpp/clients/iq-table.ts';
import { uploadRoute } from '../../protocols/xmpp/clients/uploads/routes.ts';
import { SLOT_MS, uploadSlots } from '../../protocols/xmpp/clients/uploads/slots.ts';
import { uploadFiles } from '../../store/upload-files.ts';

export interface UploadGroundOf {
  readonly home: Pick<Home, 'edge' | 'clients' | 'data' | 'retention'>;
  readonly store: { readonly uploads: UploadStore; readonly people: Pick<PeopleStore, 'get'>; readonly secrets: SecretStore };
  readonly clock: Clock;
  readonly log: Log;
}

export interface Uploads {
  readonly handlers: readonly IqHandler[];
  readonly routes: readonly WebRoute[];
  readonly listeners: readonly [];
  /** Nothing is removed any more. */
  drain(): Promise<void>;
}

/** After a start there are better things to do first, ms. */
const SETTLE_MS = 5000;
/** How often what is too old is looked for, ms. */
const SWEEP_MS = 10 * 60_000;
/** Removed at once. */
const STEP = 200;

/** Rejects when the store cannot be written. Nothing is offered without a listener of `clients.web`. */
export async function sharedFiles({ home, store, clock, log }: UploadGroundOf): Promise<Uploads> {
  const files = uploadFiles(join(home.data, 'uploads'));
  await store.uploads.restart();
  await files.restart();
  const stop = sweep(store.uploads, files, home.retention.uploadsMs, clock, log);
  const ends = { listeners: [], drain: async () => stop() } as const;
  const origin = webOrigin(home);
  const bounds = home.clients.uploads;
  if (origin === undefined || bounds.sizeBytes === 0) return { handlers: [], routes: [], ...ends };
  const ground = { store: store.uploads, files, clock, bounds, key: await keyOf(store.secrets) };
  return {
    handlers: [uploadSlots(ground, origin)],
    routes: [uploadRoute({ ...ground, people: store.people, keptMs: home.retention.uploadsMs })],
    ...ends,
  };
}

/** Removes files that are too old, places that nobody came for, and what users left who are gone; also where no file is taken any more. */
function sweep(store: UploadStore, files: UploadFiles, keptMs: number, clock: Clock, log: Log): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  let first = true;
  const remove = async (): Promise<void> => {
    if (first) {
      await files.tidy(async (id) => (await store.get(id)) !== undefined);
      first = false;
    }
    const now = clock.now();
    for (let found = STEP; found === STEP && !stopped; ) {
      const ids = await store.expired({ kept: now - keptMs, slot: now - 2 * SLOT_MS }, STEP);
      for (const id of ids) await files.remove(id);
      await store.remove(ids);
      found = ids.length;
    }
  };
  const look = (): void => {
    remove()
      .catch((error: unknown) =>
        stopped ? undefined : log.error({ event: 'uploads.failed', err: error }, 'old files could not be removed; it is tried again'),
      )
      .finally(() => {
        if (!stopped) timer = clock.after(SWEEP_MS, look);
      });
  };
  timer = clock.after(SETTLE_MS, look);
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

/** One for each home: a place that was given before a restart is good after it. */
async function keyOf(secrets: SecretStore): Promise<Uint8Array> {
  const known = await secrets.get('uploads');
  if (known !== undefined) return known;
  const made = randomBytes(32);
  await secrets.put('uploads', made);
  return made;
}
