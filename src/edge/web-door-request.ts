// What a request is for: host, path and query, and its headers as routes see them.

import type { IncomingMessage } from 'node:http';
import type { WebRequest } from '../model/web-route.ts';

/** Undefined: it is for a host that is not served, or for no path. */
export function targetOf(
  { url = '', headers }: IncomingMessage,
  serves: (host: string) => boolean,
): Pick<WebRequest, 'path' | 'query' | 'host'> | undefined {
  // RFC 9112 §3.2.2: a client may write the whole address.
  const whole = /^https:\/\/([^/?#]*)(.*)$/is.exec(url);
  const host = hostOf(whole === null ? headers.host : whole[1]);
  const rest = whole === null ? url : whole[2] || '/';
  if (host === undefined || !serves(host) || !rest.startsWith('/')) return undefined;
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return { path, host, query: new URLSearchParams(mark < 0 ? '' : rest.slice(mark + 1)) };
}

/** The name without the port, lower case; undefined where it is none. */
function hostOf(written: string | undefined): string | undefined {
  return /^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.exec(written ?? '')?.[1]?.toLowerCase();
}

/** Of a header that came twice the values, joined. */
export function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const read: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) read[name] = Array.isArray(value) ? value.join(', ') : value;
  return read;
}
