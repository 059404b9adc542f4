// Personal data of users, put together for the XMPP face: nodes, cards, pictures, private elements, the search for people. What
// clients say in presence passes here for two reasons: the hash of the picture is written into it, and it says what they want to hear.

import type { Log } from '../../../../log.ts';
import { type Address, bare, bareKey } from '../../../../model/address.ts';
import type { Core, Relation } from '../../../../model/core.ts';
import type { PeopleStore } from '../../../../model/people.ts';
import type { PersonalItem, PersonalNode, PersonalStore } from '../../../../model/personal.ts';
import type { Clock, Ids } from '../../../../model/ports.ts';
import { Turns } from '../../../../model/turns.ts';
import type { Element } from '../../element.ts';
import { NS } from '../../names.ts';
import type { Asker, IqHandler } from '../iq-table.ts';
import { Interests } from './interests.ts';
import { usualConfig } from './node-config.ts';
import { NODE_LIMITS, type NodeLimits, Nodes } from './nodes.ts';
import { Notices } from './notices.ts';
import { hashIn, noPicture, Pictures, rehashed, withHash } from './pictures.ts';
import { placeOf } from './place.ts';
import { privateStorage } from './private.ts';
import { pubsub } from './pubsub.ts';
import { pubsubOwner } from './pubsub-owner.ts';
import { search } from './search.ts';
import { madeCard, shownCard, vcard } from './vcard.ts';

/** What is kept. */
export interface PersonalParts {
  readonly store: PersonalStore;
  readonly people: Pick<PeopleStore, 'get' | 'find' | 'photo' | 'photoMark'>;
  readonly limits?: Partial<NodeLimits>;
  /** Who wants to hear of users whose photo in the directory may be another one. */
  readonly onChange?: (hear: (user: Address) => void) => void;
  /** A user has published another picture. */
  readonly pictured?: (user: Address) => void;
}
export interface PersonalGround extends PersonalParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly clientsOf: (user: Address) => readonly Asker[];
}

/** As the rooms of the face see it. */
export interface Personal {
  readonly handlers: readonly IqHandler[];
  /** A presence as it goes on, in the order in which they came. @param raw as the client wrote it */
  withPicture(client: Asker, raw: Element): Promise<Element>;
  /** A client has told everybody that it is there, or that it is not. @param again tells everybody the same again, with its text changed */
  presented(client: Asker, presence: Element, again: (change: (text: string) => string) => void): void;
  /** An answer to a request of ours. */
  answered(client: Asker, stanza: Element): void;
  /** The user of this client may see somebody from now on. */
  met(client: Asker, contact: Address): void;
}

export function makePersonal(ground: PersonalGround): Personal {
  const { store, people, core, clock, ids, log, clientsOf } = ground;
  const limits = { ...NODE_LIMITS, ...ground.limits };
  const failed = (what: string, error: unknown): void =>
    log.error({ event: 'stanza.failed', what, err: error }, 'contacts could not be told');
  const light = (what: string, work: Promise<unknown>): void => void work.catch((error: unknown) => failed(what, error));
  const pictures = new Pictures({ store, people });
  const made = async (owner: Address, node: string): Promise<readonly PersonalItem[]> => {
    if (node === NS.avatarData || node === NS.avatarMetadata) return pictures.made(owner, node);
    return node === NS.vcard4Node ? madeCard({ people }, owner) : [];
  };
  const shown = async (owner: Address, node: string, item: PersonalItem, relation: Relation): Promise<PersonalItem | undefined> =>
    node === NS.vcard4Node && !relation.own ? shownCard({ people }, owner, item, relation) : item;

  const interests = new Interests({
    clock,
    ids,
    wants: (client, nodes) => light('what was published last', welcome(client, nodes)),
  });
  const makes = new Set([NS.avatarMetadata]);
  const notices: Notices = new Notices({ store, core, ids, interests, clientsOf, shown, made, makes, failed });

  /** One at a time for each client, however often it comes and goes; what it wants meanwhile is told after. */
  const welcoming = new WeakMap<Asker, Set<string>>();
  const welcome = async (client: Asker, nodes: ReadonlySet<string>): Promise<void> => {
    const next = welcoming.get(client);
    if (next !== undefined) {
      for (const node of nodes) next.add(node);
      return;
    }
    const more = new Set<string>();
    welcoming.set(client, more);
    try {
      await notices.welcome(client, nodes);
    } finally {
      welcoming.delete(client);
    }
    if (more.size > 0 && interests.available(client)) await welcome(client, more);
  };

  /** Of each client that is there: how its presence is said again, and the hash that it had. */
  const last = new WeakMap<Asker, { readonly again: (change: (text: string) => string) => void; hash: string }>();
  const pictured = async (owner: Address): Promise<void> => {
    const hash = await pictures.hash(owner);
    for (const client of clientsOf(owner)) {
      const known = last.get(client);
      if (known === undefined || known.hash === hash || !interests.available(client)) continue;
      known.hash = hash;
      known.again((text) => rehashed(text, hash));
    }
  };
  /** Only what somebody online has shown before is news. */
  const directoryChanged = async (owner: Address): Promise<void> => {
    const shown = clientsOf(owner).flatMap((client) => last.get(client) ?? []);
    if (shown.length === 0 || store.latest(bareKey(owner), NS.avatarMetadata) !== undefined) return;
    const hash = await pictures.hash(owner);
    if (shown.every((one) => one.hash === hash)) return;
    const items = await made(owner, NS.avatarMetadata);
    notices.published(
      owner,
      { name: NS.avatarMetadata, config: usualConfig(NS.avatarMetadata) },
      items.length > 0 ? items : [noPicture(clock.now())],
    );
    await pictured(owner);
  };
  /** XEP-0398 §3: after the picture has changed, presence says so to who does not look at nodes. */
  const after = (owner: Address, { name }: PersonalNode): void => {
    if (name === NS.avatarMetadata) {
      ground.pictured?.(owner);
      light('presence with another picture', pictured(owner));
    }
    // Whoever publishes has a client that is signed in.
    const session = clientsOf(owner)[0]?.session;
    const place = name === NS.geoloc ? (placeOf(store.latest(bareKey(owner), name)) ?? null) : undefined;
    if (place !== undefined && session !== undefined) light('the place', session.personal.change({ location: place }));
  };
  const nodes = new Nodes({
    ...{ store, core, clock, ids, limits, made },
    notices,
    changed: after,
  });
  const turns = new Turns();
  ground.onChange?.((user) => light('another photo of the directory', directoryChanged(user)));

  return {
    handlers: [
      ...[
        pubsub({ store, nodes, notices, shown, now: () => clock.now(), subscribers: limits.subscribers }),
        pubsubOwner({ nodes, store }),
        vcard({ store, people, core, pictures, nodes }),
        privateStorage({ store, nodes, limits }),
      ].map((handler) => oneByOne(handler, turns)),
      search({ people, core }),
    ],
    withPicture: (client, raw) =>
      turns.run(`presence ${client.jid}`, async () =>
        raw.attrs.type === undefined ? withHash(raw, await pictures.hash(bare(client.user))) : raw,
      ),
    presented(client, presence, again) {
      interests.presented(client, presence);
      if (presence.attrs.type === undefined) last.set(client, { again, hash: hashIn(presence) ?? '' });
      else last.delete(client);
    },
    answered: (client, stanza) => interests.answered(client, stanza),
    met: (client, contact) => light(`what ${bareKey(contact)} published last`, notices.met(client, contact)),
  };
}

/** What one user writes is written in its order, so that none of it is lost to a neighbour that was read before it. */
function oneByOne(handler: IqHandler, turns: Turns): IqHandler {
  const { set } = handler;
  if (set === undefined) return handler;
  return { ...handler, set: (request) => turns.run(`write ${bareKey(request.asker.user)}`, async () => set.call(handler, request)) };
}
