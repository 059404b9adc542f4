// What follows a sign-in by XEP-0388 at once: the session that the client had is resumed (XEP-0198), or a new one is bound with
// what it shall begin with (XEP-0386). One `<success/>` tells it all.

import { createHash, randomBytes } from 'node:crypto';
import type { Address } from '../../../../model/address.ts';
import type { Person } from '../../../../model/core.ts';
import type { Reason } from '../../../../model/reason.ts';
import type { DeviceTokens } from '../../../../model/sign-in-tokens.ts';
import { child, type Element, element, text } from '../../element.ts';
import { toAddress, toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import type { XmppClient } from '../client.ts';
import { type Road, smFailed } from '../road/road.ts';
import { openFeatures } from '../stream/features.ts';
import { type SaslData, sasl2Success, type Wish } from './sasl2.ts';

export interface BindWish {
  /** What software it is, in its own words; the start of the resource. */
  readonly tag?: string;
  /** XEP-0198 `<enable/>`. */
  readonly sm?: Element;
  readonly carbons: boolean;
  /** XEP-0352: nobody looks at it. */
  readonly inactive: boolean;
}

/** XEP-0386 §3.2. */
export function readBindWish(bind: Element): BindWish {
  const tag = child(bind, 'tag', NS.bind2);
  const words = tag === undefined ? '' : text(tag).replaceAll(/\s+/g, ' ').trim().slice(0, 64);
  const sm = child(bind, 'enable', NS.sm);
  return {
    ...(words !== '' && { tag: words }),
    ...(sm !== undefined && { sm }),
    carbons: child(bind, 'enable', NS.carbons) !== undefined,
    inactive: child(bind, 'inactive', NS.csi) !== undefined,
  };
}

/**
 * XEP-0386 §3.2.1: the tag, and what we make of the installation; the same installation has the same resource each time, and
 * so takes the place of its own earlier session. The installation's own id is not shown.
 */
function resourceFor(tag: string | undefined, user: string, device: string | undefined): string {
  const hash = device === undefined ? randomBytes(9) : createHash('sha256').update(`${user}\0${device}`).digest().subarray(0, 9);
  return `${tag === undefined ? '' : `${tag}/`}${hash.toString('base64url')}`;
}

export interface Welcoming {
  readonly road: Road;
  readonly person: Person;
  readonly wish: Wish;
  /** What the mechanism says last. */
  readonly data: SaslData | undefined;
  readonly tokens: DeviceTokens | undefined;
  /** What a client is told of its account when it is bound. */
  readonly greeting: ((user: Address) => Promise<readonly Element[]>) | undefined;
  /** Features of the stream for whoever has signed in, besides the usual. */
  readonly told?: readonly Element[] | undefined;
  resumable(person: Person, previous: string): XmppClient | undefined;
  bind(road: Road, person: Person, resource: string | undefined): XmppClient | Reason;
}

/** Tells the client that it is signed in, and does what it asked for. @returns its client when the stream is open with that; a Reason: no more of this user's may be opened */
export async function welcome(parts: Welcoming): Promise<XmppClient | Reason | undefined> {
  const { road, person, wish, data } = parts;
  const token = await tokenElements(parts);
  const succeed = (jid: string, more: readonly Element[]): void => road.write(printElement(sasl2Success(jid, data, [...more, ...token])));
  const waits = wish.resume === undefined ? undefined : parts.resumable(person, wish.resume.attrs.previd ?? '');
  // XEP-0386 §3.2: a resumption comes first, and makes the rest needless.
  const refused = waits?.resume(road, wish.resume?.attrs.h, (resumed) => {
    succeed(waits.jid, [resumed]);
    road.write(printElement(openFeatures(true, parts.told)));
  });
  if (waits !== undefined && refused === undefined) return waits;
  const failed = wish.resume === undefined ? [] : [smFailed('item-not-found')];
  const own = toJid(person.address);
  const bareJid = typeof own === 'string' ? own : '';
  if (wish.bind === undefined) {
    succeed(bareJid, failed);
    return undefined;
  }
  // XEP-0386 §3.2: where the archive ends; what comes after that comes to this client as well.
  const greeting = (await parts.greeting?.(person.address)) ?? [];
  const named = resourceFor(wish.bind.tag, bareJid, wish.device);
  // RFC 7622 §3.4: not every tag can stand in an address.
  const fits = !('code' in toAddress(`${bareJid}/${named}`));
  const client = parts.bind(road, person, fits ? named : resourceFor(undefined, bareJid, wish.device));
  if ('code' in client) return client;
  client.carbons = wish.bind.carbons;
  if (wish.bind.inactive) client.attend(false);
  const enabled = wish.bind.sm === undefined ? [] : [client.enable(wish.bind.sm)];
  // XEP-0386 §3.2 would have kept messages thrown away, because the archive has them. A client that asks no archive would lose
  // them; who does ask knows them again by their stanza-id.
  succeed(client.jid, [...failed, element('bound', NS.bind2, {}, [...greeting, ...enabled])]);
  road.write(printElement(openFeatures(wish.bind.sm !== undefined, parts.told)));
  return client;
}

/** XEP-0484 §3.3 and §3.5: a token that was asked for, or the next one of a client that signs in with an old one. */
async function tokenElements({ wish, person, tokens }: Welcoming): Promise<readonly Element[]> {
  const { device } = wish;
  if (tokens === undefined || device === undefined) return [];
  if (wish.token === undefined && (wish.fast === undefined || wish.fast.invalidate)) return [];
  const made = await tokens.give(person, device, wish.token);
  if (made === undefined) return [];
  return [element('token', NS.fast, { token: made.token, expiry: new Date(made.expiresAt).toISOString() })];
}
