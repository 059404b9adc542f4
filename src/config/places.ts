// Where a home keeps its data and its admin socket, read even while other files have faults: `status` must reach a running
// process most of all when somebody has just broken a file.

import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';

export interface Places {
  /** Absolute path of `data:`. */
  readonly data: string;
  /** Absolute path of the admin socket. */
  readonly socket: string;
}

/** @param dir the home. Never throws: what cannot be read has its default. */
export function placesOf(dir: string): Places {
  const keys = keysOf(join(dir, 'isthmus.yaml'));
  const data = under(dir, typeof keys.data === 'string' && keys.data !== '' ? keys.data : 'var');
  const admin = keys.admin !== null && typeof keys.admin === 'object' && 'listen' in keys.admin ? keys.admin.listen : keys.admin;
  const listed = (Array.isArray(admin) ? admin : [admin]).find((one) => typeof one === 'string' && one.startsWith('unix:'));
  return { data, socket: typeof listed === 'string' ? under(dir, listed.slice('unix:'.length)) : join(data, 'admin.sock') };
}

function keysOf(path: string): { readonly data?: unknown; readonly admin?: unknown } {
  try {
    const value: unknown = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function under(dir: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dir, path);
}
