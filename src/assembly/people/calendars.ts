// Calendars of people, tied: fetched over the one way out over HTTP or read from a file, and looked at for who is signed in.

import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { getCACertificates } from 'node:tls';
import type { Home } from '../../config/home.ts';
import { type Feeds, type Fetched, makeFeeds } from '../../directory/calendar-feeds.ts';
import { makeReader } from '../../directory/calendar-reader.ts';
import type { Web, WebRequest } from '../../edge/web.ts';
import type { Log } from '../../log.ts';
import { fromBareKey } from '../../model/address.ts';
import type { CalendarPlace } from '../../model/calendar.ts';
import { type Clock, ConnectError } from '../../model/ports.ts';
import { secretOf } from '../secrets.ts';
import { rootsIn } from './directory.ts';

export interface CalendarsGround {
  /** As of the set in force. */
  readonly home: () => Home;
  readonly web: Web;
  readonly clock: Clock;
  readonly log: Log;
  readonly users: () => Iterable<string>;
  readonly changed: (user: string) => void;
}

const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 15_000;

export function calendarFeeds({ home, web, clock, log, users, changed }: CalendarsGround): Feeds {
  return makeFeeds({
    settings: () => home().people.calendars,
    users,
    changed,
    reader: makeReader(clock),
    clock,
    log,
    random: Math.random,
    fetch: (place, user, mark) =>
      place.url === undefined
        ? fromFile(resolve(home().dir, filled(place.file ?? '', user, asName)), mark)
        : fromWeb(place, user, mark, home(), web),
  });
}

/** {local}, {domain} and {address} in place. */
function filled(pattern: string, user: string, safe: (text: string) => string): string {
  const { local, domain } = fromBareKey(user);
  const values: Readonly<Record<string, string>> = { local, domain, address: user };
  return pattern.replaceAll(/\{(local|domain|address)\}/g, (_, name: string) => safe(values[name] ?? ''));
}

/**
 * What is a part of a path stays one: no way up, no folder. Two names are two files: invited users choose theirs, and are not to choose
 * the calendar of somebody else.
 */
function asName(text: string): string {
  return text.replaceAll(/[%/\\\0]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`).replace(/^\./, '%2E');
}

async function fromFile(path: string, mark: string | undefined): Promise<Fetched> {
  try {
    const { size, mtimeMs } = await stat(path);
    if (size > MAX_BYTES) return { kind: 'failed', why: `${path} has more than ${MAX_BYTES} bytes` };
    const found = `${mtimeMs} ${size}`;
    return found === mark ? { kind: 'same' } : { kind: 'text', text: await readFile(path, 'utf8'), mark: found };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { kind: 'failed', why: `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}` };
  }
}

async function fromWeb(place: CalendarPlace, user: string, mark: string | undefined, { dir }: Home, web: Web): Promise<Fetched> {
  // An encoded dot is a dot to a URL.
  if (/^\.{1,2}$/.test(fromBareKey(user).local)) return { kind: 'failed', why: 'a name of dots alone can be no part of a URL' };
  const url = filled(place.url ?? '', user, encodeURIComponent);
  let authorization: string | undefined;
  try {
    if (place.token !== undefined) authorization = `Bearer ${secretOf(dir, place.token)}`;
    if (place.password !== undefined && place.user !== undefined) {
      const pair = `${filled(place.user, user, (text) => text)}:${secretOf(dir, place.password)}`;
      authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
  const inside = place.privateAddress ? rootsIn(resolve(dir, 'certs/trust/inside')) : [];
  const request: WebRequest = {
    headers: {
      accept: 'text/calendar',
      ...(authorization !== undefined && { authorization }),
      ...validators(mark),
    },
    maxBytes: MAX_BYTES,
    timeoutMs: TIMEOUT_MS,
    redirects: place.privateAddress ? 0 : 3,
    allowPrivateAddresses: place.privateAddress,
    // A server inside has a certificate of the inside, or a public one.
    ...(inside.length > 0 && { roots: [...inside, ...getCACertificates('system')] }),
  };
  try {
    const { status, headers, body } = await web.fetch(url, request);
    // RFC 9110 §15.4.5.
    if (status === 304 && mark !== undefined) return { kind: 'same' };
    if (status !== 200) return { kind: 'failed', why: `it answered ${status}` };
    const [etag, modified] = [headers.get('etag'), headers.get('last-modified')];
    const found = etag === undefined ? modified && `m${modified}` : `e${etag}`;
    return { kind: 'text', text: body.toString('utf8'), ...(found !== undefined && found.length < 1000 && { mark: found }) };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const { code, text } = error.reason;
    const more = code === 'NET_ADDRESS_REFUSED' && !place.privateAddress ? ' privateAddress: true in people/calendars.yaml allows it.' : '';
    return { kind: 'failed', why: `${text}${more}` };
  }
}

/** RFC 9110 §13.1.2, §13.1.3. */
function validators(mark: string | undefined): Readonly<Record<string, string>> {
  if (mark === undefined) return {};
  return mark.startsWith('e') ? { 'if-none-match': mark.slice(1) } : { 'if-modified-since': mark.slice(1) };
}
