// Whose picture is which: what a user has published (XEP-0084), nothing where they have published that there is none, else the
// directory's photo. The same picture is in the card (XEP-0054), and its hash in presence (XEP-0153, XEP-0398).

import { createHash } from 'node:crypto';
import { type Address, bareKey } from '../../../../model/address.ts';
import type { Relation } from '../../../../model/core.ts';
import type { PeopleStore } from '../../../../model/people.ts';
import type { PersonalItem, PersonalStore } from '../../../../model/personal.ts';
import { child, type Element, element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import { refuse } from '../iq-table.ts';
import { keepsFrom, type Refusal } from './access.ts';
import { usualConfig } from './node-config.ts';
import { readPayload } from './payloads.ts';

/**
 * The most that a picture may have. Clients scale to 192 or 256 pixels, of which a PNG has up to 60 KiB; twice the 30 KiB of
 * lync-features.md A1 (MaxPhotoSizeKB), which counts JPEG alone.
 */
export const MOST_PICTURE_BYTES = 64 * 1024;

export interface PictureParts {
  readonly store: PersonalStore;
  readonly people: Pick<PeopleStore, 'photo' | 'photoMark'>;
}

export interface Picture {
  readonly type: string;
  readonly base64: string;
}

export class Pictures {
  readonly #parts: PictureParts;

  constructor(parts: PictureParts) {
    this.#parts = parts;
  }

  /** What stands on the two nodes while the user has published nothing there. */
  async made(owner: Address, node: string): Promise<readonly PersonalItem[]> {
    if (this.#published(bareKey(owner)) !== undefined) return [];
    const mark = await this.#parts.people.photoMark(bareKey(owner));
    if (mark === undefined) return [];
    const { hash: id, type, bytes, changedAt: at } = mark;
    if (node === NS.avatarData) {
      const data = (await this.#parts.people.photo(bareKey(owner)))?.data ?? Buffer.alloc(0);
      const payload = element('data', NS.avatarData, {}, [Buffer.from(data).toString('base64')]);
      return [{ id, at, payload: printElement(payload, '') }];
    }
    return [{ id, at, payload: printElement(metadata(id, type, bytes), '') }];
  }

  /** The hash for the presence of a user (XEP-0153 §3.1); empty: there is no picture. */
  async hash(owner: Address): Promise<string> {
    const published = this.#published(bareKey(owner));
    if (published !== undefined) return published.id ?? '';
    return (await this.#parts.people.photoMark(bareKey(owner)))?.hash ?? '';
  }

  /** For a card. undefined: none, or not for them. */
  async seen(owner: Address, watcher: Address, relation: Relation): Promise<Picture | undefined> {
    const { store, people } = this.#parts;
    const key = bareKey(owner);
    const published = this.#published(key);
    if (published === undefined) {
      const photo = relation.sees('photo') ? await people.photo(key) : undefined;
      return photo && { type: photo.type, base64: Buffer.from(photo.data).toString('base64') };
    }
    // XEP-0398 §5: the card gives away no more than the nodes do.
    const config = (await store.node(key, NS.avatarData))?.config ?? usualConfig(NS.avatarData);
    if (published.id === undefined || keepsFrom(NS.avatarData, config, bareKey(watcher), relation) !== undefined) return undefined;
    const [item] = await store.items(key, NS.avatarData, [published.id]);
    const data = readPayload(item?.payload);
    return data && { type: published.type, base64: text(data).replaceAll(/\s+/g, '') };
  }

  /** SHA-1 of the picture that everybody is shown who sees the user; undefined: there is none, or its user chooses who has it. */
  async shared(owner: Address): Promise<string | undefined> {
    const { store, people } = this.#parts;
    const key = bareKey(owner);
    const published = this.#published(key);
    if (published === undefined) return (await people.photoMark(key))?.hash;
    const { accessModel, outcasts } = (await store.node(key, NS.avatarData))?.config ?? usualConfig(NS.avatarData);
    const open = (accessModel === 'open' || accessModel === 'presence') && outcasts.length === 0;
    return open ? published.id : undefined;
  }

  /** @param id as `shared` told it */
  async sharedBytes(owner: Address, id: string): Promise<Uint8Array | undefined> {
    const { store, people } = this.#parts;
    const key = bareKey(owner);
    if (this.#published(key) === undefined) return (await people.photo(key))?.data;
    const [item] = await store.items(key, NS.avatarData, [id]);
    const data = readPayload(item?.payload);
    return data && Buffer.from(text(data), 'base64');
  }

  /** What the user's own metadata say: `id` undefined: that there is no picture. */
  #published(owner: string): { readonly id?: string; readonly type: string } | undefined {
    const latest = this.#parts.store.latest(owner, NS.avatarMetadata);
    if (latest === undefined) return undefined;
    const meta = readPayload(latest.payload);
    // XEP-0084 §4.2.1: one without a URL is on the data node.
    const info = (meta === undefined ? [] : elements(meta)).find(({ name, attrs }) => name === 'info' && attrs.url === undefined);
    const { id, type = 'image/png' } = info?.attrs ?? {};
    return { type, ...(id !== undefined && /^[0-9a-f]{40}$/i.test(id) && { id: id.toLowerCase() }) };
  }
}

/** XEP-0084 §4.2.2: there is no picture any more. */
export function noPicture(at: number): PersonalItem {
  return { id: 'current', at, payload: printElement(element('metadata', NS.avatarMetadata), '') };
}

function metadata(id: string, type: string, bytes: number): Element {
  return element('metadata', NS.avatarMetadata, {}, [element('info', NS.avatarMetadata, { id, type, bytes: String(bytes) })]);
}

/** A picture as the two nodes have it. @param type as it was said; what the bytes say counts more */
export function asNodes({ type, data }: { readonly type: string; readonly data: Buffer }): {
  readonly id: string;
  readonly data: string;
  readonly metadata: string;
} {
  const id = createHash('sha1').update(data).digest('hex');
  const payload = element('data', NS.avatarData, {}, [data.toString('base64')]);
  return { id, data: printElement(payload, ''), metadata: printElement(metadata(id, typeOf(data) ?? type, data.length), '') };
}

/** By its first bytes. */
export function typeOf(data: Uint8Array): string | undefined {
  const head = Buffer.from(data.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'image/webp' : undefined;
}

/** What is wrong with a payload for the data node (XEP-0084 §4.1); undefined: nothing. @param id of the item: the picture's hash */
export function badPicture(payload: Element | undefined, id: string | undefined): Refusal | undefined {
  if (payload?.name !== 'data' || payload.ns !== NS.avatarData) return refuse('bad-request', 'modify', 'a picture is a <data/> element');
  const base64 = text(payload).replaceAll(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return refuse('bad-request', 'modify', 'a picture is base64');
  const data = Buffer.from(base64, 'base64');
  if (data.length > MOST_PICTURE_BYTES)
    return refuse('not-acceptable', 'modify', `a picture has at most ${MOST_PICTURE_BYTES / 1024} KiB; this one has ${data.length} bytes`);
  if (id !== undefined && createHash('sha1').update(data).digest('hex') !== id.toLowerCase())
    return refuse('bad-request', 'modify', 'the id of a picture is its SHA-1');
  return undefined;
}

/** A presence with the hash of the picture in place of what the client said (XEP-0398 §3). */
export function withHash(presence: Element, hash: string): Element {
  const photo = element('photo', NS.vcardUpdate, {}, hash === '' ? [] : [hash]);
  const rest = presence.children.filter((part) => typeof part === 'string' || part.ns !== NS.vcardUpdate);
  return { ...presence, children: [...rest, element('x', NS.vcardUpdate, {}, [photo])] };
}

/** The same in a presence as text, which `withHash` had been through. */
export function rehashed(presence: string, hash: string): string {
  const at = presence.lastIndexOf(`<x xmlns='${NS.vcardUpdate}'>`);
  const end = presence.indexOf('</x>', at);
  if (at === -1 || end === -1) return presence;
  const photo = hash === '' ? '<photo/>' : `<photo>${hash}</photo>`;
  return `${presence.slice(0, at)}<x xmlns='${NS.vcardUpdate}'>${photo}${presence.slice(end)}`;
}

/** Had the client's presence this hash already? */
export function hashIn(presence: Element): string | undefined {
  const update = child(presence, 'x', NS.vcardUpdate);
  const photo = update && child(update, 'photo', NS.vcardUpdate);
  return photo && text(photo).trim();
}
