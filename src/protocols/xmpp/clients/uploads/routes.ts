// Files that users share, on the web door: PUT once by whoever has the slot (XEP-0363 §6), GET by whoever knows the address.

import { timingSafeEqual } from 'node:crypto';
import type { PeopleStore } from '../../../../model/people.ts';
import type { Upload } from '../../../../model/uploads.ts';
import type { WebAnswer, WebRequest, WebRoute } from '../../../../model/web-route.ts';
import { partOf } from './ranges.ts';
import { mediaType, pathOf, SLOT_MS, tokenOf, UPLOAD_PATH, type UploadGround } from './slots.ts';

export interface UploadRouteParts extends UploadGround {
  readonly people: Pick<PeopleStore, 'get'>;
  /** Of isthmus.yaml: what is older is not handed out. */
  readonly keptMs: number;
}

/**
 * What a browser may show by itself: formats that carry no script. Everything else is saved, never opened (and SVG, HTML and XML
 * would run as pages of this host).
 */
const SHOWN =
  /^(image\/(png|jpeg|gif|webp|avif|bmp)|audio\/(mpeg|mp4|aac|ogg|opus|webm|wav|x-wav|flac|amr|3gpp)|video\/(mp4|webm|ogg|3gpp|quicktime))$/;

export function uploadRoute(parts: UploadRouteParts): WebRoute {
  return {
    methods: ['GET', 'PUT'],
    path: UPLOAD_PATH,
    bodyBytes: parts.bounds.sizeBytes,
    // Clients in browsers put and get across origins; the address says who may.
    crossOrigin: true,
    async answer(request) {
      const upload = await uploadAt(parts, request.path, request.method === 'PUT');
      if (upload === undefined) return NOT_FOUND;
      return request.method === 'PUT' ? put(parts, upload, request) : get(parts, upload, request);
    },
  };
}

/** Of a user who is gone, or who had the address before, nothing is there; who may not sign in any more puts nothing. */
async function uploadAt({ store, people }: UploadRouteParts, path: string, puts: boolean): Promise<Upload | undefined> {
  const [, id] = /^\/upload\/([A-Za-z0-9_-]{24})\//.exec(path) ?? [];
  const upload = id === undefined ? undefined : await store.get(id);
  if (upload === undefined || !isPathOf(upload, path)) return undefined;
  const owner = await people.get(upload.owner);
  return owner === undefined || owner.createdAt > upload.madeAt || (puts && owner.disabled) ? undefined : upload;
}

/** The name is a part of the address; how its characters are encoded is not. */
function isPathOf(upload: Upload, path: string): boolean {
  try {
    return decodeURIComponent(path) === decodeURIComponent(pathOf(upload));
  } catch {
    return false; // no percent-encoding
  }
}

async function put(
  { store, files, clock, key }: UploadRouteParts,
  upload: Upload,
  { query, headers, body }: WebRequest,
): Promise<WebAnswer> {
  if (!same(query.get('t') ?? '', tokenOf(upload, key))) return say(403, 'This is not the address to put it.');
  if (upload.state !== 'slot') return say(409, 'It is here, or on its way.');
  if (clock.now() > upload.madeAt + SLOT_MS) return say(410, 'The place is not kept any more: ask for another.');
  const { 'content-length': length, 'content-type': type } = headers;
  // §6: size and type are those that were asked for.
  if (length !== undefined && Number(length) !== upload.size) return say(400, `The place is for ${upload.size} octets.`);
  if (type !== undefined && mediaType(type) !== upload.type) return say(415, `The place is for ${upload.type}.`);
  if ((await files.room()) < upload.size) return say(507, 'The disk of this server is full.');
  if (!(await store.begin(upload.id))) return say(409, 'It is on its way.');
  let kept = false;
  try {
    const written = await files.write(upload.id, body, upload.size);
    if (written === 'diskFull') return say(507, 'The disk of this server is full.');
    if (written !== 'whole') return say(400, `The place is for ${upload.size} octets.`);
    await store.done(upload.id);
    kept = true;
    return { status: 201, headers: { location: pathOf(upload) } };
  } finally {
    if (!kept) await store.failed(upload.id);
  }
}

async function get({ files, clock, keptMs }: UploadRouteParts, upload: Upload, { headers }: WebRequest): Promise<WebAnswer> {
  const { id, size } = upload;
  if (upload.state !== 'kept' || clock.now() > upload.madeAt + keptMs || !(await files.has(id, size))) return NOT_FOUND;
  const etag = `"${id}"`;
  const always = {
    etag,
    'accept-ranges': 'bytes',
    // It never changes; what is between us and the reader need not know it.
    'cache-control': 'private, max-age=86400, immutable',
  };
  if (names(headers['if-none-match'], etag)) return { status: 304, headers: always };
  const fresh = headers['if-range'] === undefined || headers['if-range'] === etag;
  const part = fresh ? partOf(headers.range, size) : 'whole';
  if (part === 'beyond') return { ...say(416, 'It is not so long.'), headers: { ...always, 'content-range': `bytes */${size}` } };
  const { first, last } = part === 'whole' ? { first: 0, last: size - 1 } : part;
  return {
    status: part === 'whole' ? 200 : 206,
    headers: {
      ...always,
      ...shown(upload),
      'content-length': String(last - first + 1),
      ...(part !== 'whole' && { 'content-range': `bytes ${first}-${last}/${size}` }),
    },
    body: files.read(id, first, last),
  };
}

function shown({ name, type }: Upload): Record<string, string> {
  const open = SHOWN.test(type);
  // RFC 6266 §4.3, RFC 8187 §3.2: the name in characters that need no agreement.
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return {
    'content-type': type,
    'content-disposition': `${open ? 'inline' : 'attachment'}; filename*=UTF-8''${encoded}`,
    // Should a browser open it all the same, it runs nothing and is nobody.
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    // A client in a browser shows pictures of the server of others.
    'cross-origin-resource-policy': 'cross-origin',
  };
}

function names(written: string | undefined, etag: string): boolean {
  return (written ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
}

const NOT_FOUND: WebAnswer = say(404, 'Not found.');

function say(status: number, words: string): WebAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${words}\n` };
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
