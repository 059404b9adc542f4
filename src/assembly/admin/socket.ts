// The admin socket as a file: opened with the mode it is to have, and never in place of one that somebody listens on.

import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** sockaddr_un of Linux has 108 octets, the last of them zero. */
const MAX_PATH_BYTES = 107;
/** Owner and group may connect. */
const UMASK = 0o117;

/** Opens `server` on `path`. @throws with a sentence for the operator */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH_BYTES) {
    throw new Error(
      `the path of the admin socket has ${length} octets, ${MAX_PATH_BYTES} are possible: ${path}\n  set admin: unix:/run/isthmus/admin.sock in isthmus.yaml`,
    );
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await removeStale(path);
  await new Promise<void>((opened, failed) => {
    server.once('error', failed);
    // The file is made inside listen(), before it returns, so that nobody can connect before its mode is right.
    const before = process.umask(UMASK);
    try {
      server.listen(path, () => {
        server.removeListener('error', failed);
        opened();
      });
    } finally {
      process.umask(before);
    }
  }).catch((error: unknown) => {
    throw new Error(`the admin socket ${path} cannot be opened: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
}

/** A file that a killed process left behind goes away; anything that answers, or is no socket, stays. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Error(`${path} is in the way of the admin socket and is no socket: remove it, or set another admin: in isthmus.yaml`);
  if (await answers(path)) throw new Error(`another process answers on ${path}: stop it, or set another admin: in isthmus.yaml`);
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    // Only "nobody listens" and "it is gone" are proof; a full queue or a forbidden file is somebody's.
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}
