// A place for a file that a user wants to share (XEP-0363): a client asks, and is told where to put the file and where others get it.
// Some clients look at the domain itself alone, others at its items alone (§4), so the service is both our domain and `upload.` before
// it; the second is a name within streams only and needs no DNS record and no certificate.

import { createHmac, randomBytes } from 'node:crypto';
import { bareKey } from '../../../../model/address.ts';
import type { Clock } from '../../../../model/ports.ts';
import type { Upload, UploadFiles, UploadStore } from '../../../../model/uploads.ts';
import { type Element, element } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { stanzaError } from '../../replies.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';

/** In front of every address of a file. */
export const UPLOAD_PATH = '/upload/';

export interface UploadBounds {
  /** One file, octets. */
  readonly sizeBytes: number;
  /** All files of one user. */
  readonly quotaBytes: number;
}

/** What slots and routes share. */
export interface UploadGround {
  readonly store: UploadStore;
  readonly files: UploadFiles;
  readonly clock: Pick<Clock, 'now'>;
  readonly bounds: UploadBounds;
  /** Signs what may be put: 32 bytes, the same after a restart. */
  readonly key: Uint8Array;
}

/** A client puts its file at once; a slot that waits holds a part of the quota. */
export const SLOT_MS = 15 * 60_000;
/** Slots of one user that wait. */
const MAX_SLOTS = 50;

/** Where files of a domain's users are given a place. */
export function uploadOf(domain: string): string {
  return `upload.${domain}`;
}

/** @param origin `https://` and host, without a slash at its end */
export function uploadSlots(ground: UploadGround, origin: string): IqHandler {
  return {
    ns: NS.upload,
    targets: ['server', 'upload'],
    forms: { server: [limits(ground.bounds)], upload: [limits(ground.bounds)] },
    node: ({ target, to, payload }, what) => {
      const jid = toJid({ local: '', domain: uploadOf(to.domain) });
      if (what !== 'items' || target !== 'server' || payload.attrs.node !== undefined || typeof jid !== 'string') return undefined;
      return [element('query', NS.discoItems, {}, [element('item', NS.discoItems, { jid, name: 'Shared files' })])];
    },
    get: (request) => slot(ground, origin, request),
  };
}

/** XEP-0363 §4: the largest file, in disco#info. */
function limits({ sizeBytes }: UploadBounds): Element {
  const field = (attrs: Readonly<Record<string, string>>, value: string): Element =>
    element('field', NS.forms, attrs, [element('value', NS.forms, {}, [value])]);
  return element('x', NS.forms, { type: 'result' }, [
    field({ var: 'FORM_TYPE', type: 'hidden' }, NS.upload),
    field({ var: 'max-file-size' }, String(sizeBytes)),
  ]);
}

async function slot({ store, files, clock, bounds, key }: UploadGround, origin: string, { asker, payload }: IqRequest): Promise<IqAnswer> {
  if (payload.name !== 'request') return refuse('bad-request', 'modify');
  const { filename, size: written = '', 'content-type': named } = payload.attrs;
  const size = /^[1-9]\d{0,15}$/.test(written) ? Number(written) : undefined;
  if (filename === undefined || filename === '' || size === undefined)
    return refuse('bad-request', 'modify', 'a file has a name, and a size of at least one octet');
  if (size > bounds.sizeBytes) return tooLarge(bounds.sizeBytes);
  const upload = {
    id: randomBytes(18).toString('base64url'),
    owner: bareKey(asker.user),
    name: plainName(filename),
    type: mediaType(named),
    size,
    madeAt: clock.now(),
  };
  // §5: what is full now may not be later.
  if ((await files.room()) < size) return refuse('resource-constraint', 'wait', 'the disk of this server is full');
  const found = await store.reserve(upload, { bytes: bounds.quotaBytes, slots: MAX_SLOTS });
  if (found === 'full')
    return refuse('resource-constraint', 'wait', `your files may take ${bounds.quotaBytes} octets together, and they do`);
  if (found === 'tooMany') return refuse('resource-constraint', 'wait', 'too many places wait for their files');
  const address = origin + pathOf(upload);
  // Old clients ignore the headers of a slot, so that what permits the writing stands in its address.
  const put = element('put', NS.upload, { url: `${address}?t=${tokenOf(upload, key)}` });
  return [element('slot', NS.upload, {}, [put, element('get', NS.upload, { url: address })])];
}

/** XEP-0363 §5. */
function tooLarge(most: number): IqAnswer {
  const error = stanzaError('not-acceptable', 'modify', `a file may have ${most} octets`);
  const size = element('max-file-size', NS.upload, {}, [String(most)]);
  return { error: { ...error, children: [...error.children, element('file-too-large', NS.upload, {}, [size])] } };
}

export function pathOf({ id, name }: Pick<Upload, 'id' | 'name'>): string {
  return `${UPLOAD_PATH}${id}/${encodeURIComponent(name)}`;
}

/** Permits to put this file, of this size and type, and no other. */
export function tokenOf({ id, size, type, madeAt }: Pick<Upload, 'id' | 'size' | 'type' | 'madeAt'>, key: Uint8Array): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([id, size, type, Math.round(madeAt)]))
    .digest('base64url');
}

/** The last step of whatever path the client named, without what could be read as something else. */
export function plainName(written: string): string {
  const last = written.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  // Control characters, those that turn the direction of text, and what is no character.
  const plain = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, '').replace(/^[\s.]+|\s+$/g, '');
  return [...plain].slice(0, 100).join('') || 'file';
}

/** RFC 6838 §4.2; a type that cannot be one is read as octets. */
export function mediaType(written: string | undefined): string {
  const type = (written ?? '').split(';')[0]!.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/.test(type) ? type : 'application/octet-stream';
}
