// A connection to the directory: the servers in order, TLS against our own roots, bound as who we are there. One connection
// for one piece of work; every wait is bounded.

import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client, InvalidCredentialsError } from 'ldapts';
import type { DirectorySettings } from '../model/directory.ts';

const CONNECT_MS = 5000;
/** For one operation; a page of a large directory takes a second. */
const OPERATION_MS = 20_000;

export interface Door {
  readonly settings: DirectorySettings;
  /** What `bindDn` signs in with. @throws what the file system says */
  password(): string | undefined;
  /** PEM of the roots that count here; none: no TLS server is believed. */
  roots(): readonly string[];
}

/** Nobody could be asked. `cause`: why the last server could not. */
class DirectoryError extends Error {}

/** Works with the first server that answers, signed in as ourselves. @throws DirectoryError */
export async function withDirectory<T>(door: Door, work: (client: Client) => Promise<T>): Promise<T> {
  return withServer(door, async (client) => {
    const { bindDn } = door.settings;
    if (bindDn !== undefined) await client.bind(bindDn, door.password() ?? '');
    return work(client);
  });
}

/**
 * Is that the password of this entry? False also where the directory keeps the account out.
 * @throws DirectoryError when nobody could be asked
 */
export async function fits(door: Door, dn: string, password: string): Promise<boolean> {
  // RFC 4513 §5.1.2: a bind with a name and no password succeeds, and proves nothing.
  if (dn === '' || password === '') return false;
  return withServer(door, async (client) => {
    try {
      await client.bind(dn, password);
      return true;
    } catch (error) {
      if (error instanceof InvalidCredentialsError) return false;
      throw error;
    }
  });
}

async function withServer<T>(door: Door, work: (client: Client) => Promise<T>): Promise<T> {
  let cause: unknown = new Error('no server is named');
  for (const { scheme, host, port } of door.settings.servers) {
    const name = host.includes(':') ? `[${host}]` : host;
    const tls: ConnectionOptions = {
      ca: [...door.roots()],
      minVersion: 'TLSv1.2',
      ...(isIP(host) === 0 && { servername: host }),
      host,
    };
    const client = new Client({
      url: `${scheme === 'ldaps' ? 'ldaps' : 'ldap'}://${name}:${port}`,
      connectTimeout: CONNECT_MS,
      timeout: OPERATION_MS,
      strictDN: false,
      ...(scheme === 'ldaps' && { tlsOptions: tls }),
    });
    try {
      if (scheme === 'ldap') await client.startTLS(tls);
      return await work(client);
    } catch (error) {
      cause = error;
    } finally {
      await client.unbind().catch(() => undefined);
    }
  }
  throw new DirectoryError(`the directory could not be asked: ${wordsOf(cause)}`, { cause });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message.split('\n')[0]?.slice(0, 200) || error.name}`;
}
