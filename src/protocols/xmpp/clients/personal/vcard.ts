// The card of a user (XEP-0054), own and of others: one truth with the node of XEP-0292 and the picture of XEP-0084, so that
// clients of every age show the same person (XEP-0398).

import { type Address, bare, bareKey } from '../../../../model/address.ts';
import type { Core, Relation } from '../../../../model/core.ts';
import type { PeopleStore } from '../../../../model/people.ts';
import type { PersonalItem, PersonalStore } from '../../../../model/personal.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';
import { keepsFrom, type Refusal } from './access.ts';
import { type Card, seenBy, withDirectory } from './card.ts';
import { printFour, readFour } from './card-four.ts';
import { photoElement, photoIn, printTemp, readTemp } from './card-temp.ts';
import { usualConfig } from './node-config.ts';
import type { Nodes } from './nodes.ts';
import { readPayload } from './payloads.ts';
import { asNodes, MOST_PICTURE_BYTES, noPicture, type Pictures } from './pictures.ts';

export interface CardGround {
  readonly store: PersonalStore;
  readonly people: Pick<PeopleStore, 'get'>;
  readonly core: Pick<Core, 'relation'>;
  readonly pictures: Pictures;
  readonly nodes: Nodes;
}

const CARD_ITEM = 'current';

export function vcard(ground: CardGround): IqHandler {
  return {
    ns: NS.vcardTemp,
    targets: ['account', 'user'],
    // XEP-0398 §4: and what we do with it.
    features: { account: [NS.vcardTemp, NS.pepVcard], user: [NS.vcardTemp], server: [NS.vcardTemp] },
    get: (request) => show(ground, request),
    set: async (request) => {
      if (request.target !== 'account') return refuse('forbidden', 'auth');
      return (await write(ground, request)) ?? [];
    },
  };
}

async function show(ground: CardGround, { to, asker }: IqRequest): Promise<IqAnswer> {
  const owner = bare(to);
  const relation = await ground.core.relation(owner, asker.user);
  // XEP-0191 §3.3, and DESIGN 7: who is blocked finds nobody.
  if (relation === undefined || relation.blocked) return refuse('service-unavailable', 'cancel');
  const card = await cardOf(ground, owner, asker.user, relation);
  const picture = await ground.pictures.seen(owner, asker.user, relation);
  return [printTemp(card, picture === undefined ? [] : [photoElement(picture.type, picture.base64)])];
}

/** What a watcher sees of the card of a user. */
async function cardOf({ store, people }: CardGround, owner: Address, watcher: Address, relation: Relation): Promise<Card> {
  const key = bareKey(owner);
  const config = (await store.node(key, NS.vcard4Node))?.config ?? usualConfig(NS.vcard4Node);
  const may = keepsFrom(NS.vcard4Node, config, bareKey(watcher), relation) === undefined;
  const written = may ? readCard(store.latest(key, NS.vcard4Node)) : [];
  const [person, jid] = [await people.get(key), toJid(owner)];
  const whole = person === undefined || typeof jid !== 'string' ? written : withDirectory(written, person, jid);
  return relation.own ? whole : seenBy(whole, relation.sees);
}

function readCard(item: PersonalItem | undefined): Card {
  const payload = readPayload(item?.payload);
  return payload?.name === 'vcard' && payload.ns === NS.vcard4 ? readFour(payload) : [];
}

async function write(ground: CardGround, { asker, payload }: IqRequest): Promise<Refusal | undefined> {
  const { people, nodes } = ground;
  const owner = bare(asker.user);
  const photo = photoIn(payload);
  if (photo === 'malformed') return refuse('bad-request', 'modify', 'the photo is not base64');
  if (typeof photo === 'object' && photo.data.length > MOST_PICTURE_BYTES)
    return refuse(
      'not-acceptable',
      'modify',
      `a photo has at most ${MOST_PICTURE_BYTES / 1024} KiB; this one has ${photo.data.length} bytes`,
    );
  const [person, jid] = [await people.get(bareKey(owner)), toJid(owner)];
  // What is the directory's comes back in every card that a client changes: it stays the directory's.
  const theirs = new Set(person === undefined || typeof jid !== 'string' ? [] : withDirectory([], person, jid).map(wordOf));
  const card = readTemp(payload).filter((one) => !theirs.has(wordOf(one)));
  const written = await nodes.publish(owner, NS.vcard4Node, [{ id: CARD_ITEM, payload: printElement(printFour(card), '') }]);
  if ('error' in written) return written;
  return writePhoto(ground, owner, photo);
}

function wordOf({ property, values }: Card[number]): string {
  return JSON.stringify([property, ...values]);
}

async function writePhoto(
  ground: CardGround,
  owner: Address,
  photo: Exclude<ReturnType<typeof photoIn>, 'malformed'>,
): Promise<Refusal | undefined> {
  const { store, nodes, pictures } = ground;
  const before = await pictures.hash(owner);
  const own = store.latest(bareKey(owner), NS.avatarMetadata) !== undefined;
  if (photo === undefined) {
    // A card replaces all of the one before (XEP-0054 §3.2): the photo that the user gave goes, that of the directory is not theirs to leave out.
    return own && before !== '' ? nodes.purge(owner, NS.avatarMetadata) : undefined;
  }
  if (photo === 'none') return before === '' ? undefined : failed(await nodes.publish(owner, NS.avatarMetadata, [noPicture(0)]));
  const made = asNodes(photo);
  if (made.id === before) return undefined;
  const data = await nodes.publish(owner, NS.avatarData, [{ id: made.id, payload: made.data }]);
  if ('error' in data) return data;
  return failed(await nodes.publish(owner, NS.avatarMetadata, [{ id: made.id, payload: made.metadata }]));
}

function failed(result: readonly string[] | Refusal): Refusal | undefined {
  return 'error' in result ? result : undefined;
}

/** The card that stands on its node while the user has written none. */
export async function madeCard({ people }: Pick<CardGround, 'people'>, owner: Address): Promise<readonly PersonalItem[]> {
  const [person, jid] = [await people.get(bareKey(owner)), toJid(owner)];
  if (person === undefined || typeof jid !== 'string') return [];
  return [{ id: CARD_ITEM, at: person.createdAt, payload: printElement(printFour(withDirectory([], person, jid)), '') }];
}

/** What somebody else sees of the card on its node. */
export async function shownCard(
  { people }: Pick<CardGround, 'people'>,
  owner: Address,
  item: PersonalItem,
  relation: Relation,
): Promise<PersonalItem> {
  const [person, jid] = [await people.get(bareKey(owner)), toJid(owner)];
  const written = readCard(item);
  const whole = person === undefined || typeof jid !== 'string' ? written : withDirectory(written, person, jid);
  return { ...item, payload: printElement(printFour(seenBy(whole, relation.sees)), '') };
}
