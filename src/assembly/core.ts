// The core, put together: its people, its engine on the stores, the gateway that routing sees, and the faces that clients
// connect to. It is always there and idle until a domain is `served: core`, so that a reload may bring one.

import { randomBytes } from 'node:crypto';
import type { Home } from '../config/home.ts';
import { webOrigin } from '../config/web-origin.ts';
import { makeCore, type RunningCore } from '../core/core.ts';
import { historyOf } from '../core/messaging/history.ts';
import type { CoreParts } from '../core/ports.ts';
import { type Listener, openAll } from '../edge/listener.ts';
import type { Web } from '../edge/web.ts';
import type { ClientSights, Core, StateDesk } from '../model/core.ts';
import type { SecretStore } from '../model/outbox-store.ts';
import type { Gateway } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import { outsiderOf } from '../routing/outsiders.ts';
import { partnerOf } from '../routing/partner.ts';
import { deviceTokensOf } from './clients/device-tokens.ts';
import { clientFaces, type FaceGround } from './clients/faces.ts';
import { invitationsOf } from './clients/invitations.ts';
import { personalRoom } from './clients/personal.ts';
import { pushRoom } from './clients/push.ts';
import type { Drains } from './drain.ts';
import { calendarFeeds } from './people/calendars.ts';
import type { CorePeople } from './people/core-people.ts';
import { signInOf } from './people/directory.ts';
import type { Ground } from './sip.ts';
import type { XmppParts } from './xmpp.ts';

export interface CoreGround
  extends Ground,
    Omit<FaceGround, 'core' | 'personal' | 'push' | 'tokens' | 'invitations' | 'directoryPasswords'> {
  /** Asks somebody elsewhere over XMPP. */
  readonly ask: XmppParts['ask'];
  /** isthmus.yaml and people/ as of the set in force. Default: those of the start. */
  readonly inForce?: () => Home;
  /** The one way out over HTTP. */
  readonly web: Web;
  /** Who lives in the core. */
  readonly people: Pick<CorePeople, 'serves'>;
  /** What else the core is given: history, filter. */
  readonly with?: Pick<CoreParts, 'history' | 'filter' | 'capture'>;
}

export interface CoreRoom extends Drains {
  readonly core: Core;
  readonly clients: ClientSights;
  readonly gateway: Gateway;
  /** What people are seen as, for operators. */
  readonly states: StateDesk;
  /** Another set of files is in force. */
  rulesChanged(): void;
  readonly moved: RunningCore['moved'];
  readonly reachedAt: RunningCore['reachedAt'];
  readonly erased: RunningCore['erased'];
  /** Looks at once at who was changed. */
  readonly peopleChanged: RunningCore['look'];
  /** Opens the listeners of `clients:`, or none: the first that fails closes the others. */
  open(): Promise<readonly Listener[]>;
}

/** People are looked at anew only when what the home says about presence has changed. */
function presenceRules(home: () => Home, changed: () => void): () => void {
  const said = (): string => JSON.stringify([home().people.presence, home().people.states]);
  let before = said();
  return () => {
    const now = said();
    if (now === before) return;
    before = now;
    changed();
  };
}

/** Makes the core and its faces; opens nothing. */
export async function coreRoom(ground: CoreGround): Promise<CoreRoom> {
  const { store, table, clock, ids, log, submit } = ground;
  const { people, contacts, blocked, chosen, presenceSettings, kept } = store;
  const home = ground.inForce ?? (() => ground.home);
  const signIn = signInOf({ home, store, clock, log, secret: await signInSecret(store.secrets) });
  const { serves } = ground.people;
  const mainDomain = (domain: string): string => table().domains.get(domain)?.domain ?? domain;
  const push = pushRoom(ground);
  const personal = personalRoom(store, webOrigin(ground.home), (user) => core.pictureChanged(user));
  const { photos } = personal;
  const feeds = calendarFeeds({
    ...{ home, clock, log, web: ground.web },
    users: () => core.signedIn(),
    changed: (user) => core.calendarChanged(user),
  });
  const presence = presenceRules(home, () => core.presenceChanged());
  const core = makeCore({
    ...{ people, contacts, blocked, chosen, presenceSettings, kept, signIn, clock, ids, log, submit, serves, mainDomain },
    moved: store.moved,
    isElsewhere: (domain) => isElsewhere(domain, table()),
    history: historyOf({ store: store.histories, clock, log, serves, mainDomain }),
    arrived: (user) => push.news.arrived(user),
    personChanged: (user) => personal.changed(user),
    ...(photos !== undefined && { picture: (user) => photos.address(user) }),
    isOurs: (domain) => table().domains.has(domain),
    outsider: (from, met) => outsiderOf(from, met, table()),
    states: () => home().people.states,
    presencePolicy: () => home().people.presence,
    calendars: feeds.calendars,
    federated: (domain) => partnerOf(domain, table()) !== undefined,
    ...ground.with,
  });
  const isCore = (domain: string): boolean => table().domains.get(domain)?.served === 'core';
  const invitations = invitationsOf({ home, store, clock, log, serves: isCore });
  const tokens = deviceTokensOf(home, store, clock);
  const directoryPasswords = (): boolean => home().people.directory?.signIn === 'ldap';
  const faces = await clientFaces({ ...ground, core, push, personal, tokens, invitations, directoryPasswords });
  return {
    core,
    clients: core.clients,
    states: core.states,
    rulesChanged: presence,
    gateway: core.gateway,
    reachedAt: core.reachedAt,
    moved: core.moved,
    erased: core.erased,
    peopleChanged: core.look,
    async open() {
      await core.look(); // who was removed meanwhile is forgotten before anybody signs in
      await core.forwardKept();
      feeds.start();
      return openAll(faces.flatMap((face) => face.listeners));
    },
    async drain(graceMs) {
      await feeds.stop();
      // The core ends the sessions first, so that each client is told why.
      await core.close();
      push.close();
      await Promise.all(faces.map((face) => face.drain(graceMs)));
    },
  };
}

/** One for each home: challenges for users that are not there look the same after a restart (RFC 5802 §9). */
async function signInSecret(secrets: SecretStore): Promise<Uint8Array> {
  const known = await secrets.get('sign-in');
  if (known !== undefined) return known;
  const made = randomBytes(32);
  await secrets.put('sign-in', made);
  return made;
}

/** Another system is known to serve it: one of ours beside the core, or a partner's. */
function isElsewhere(domain: string, { domains, partners }: Table): boolean {
  const own = domains.get(domain);
  return own === undefined ? partners.get(domain)?.enabled === true : own.served !== 'core';
}
