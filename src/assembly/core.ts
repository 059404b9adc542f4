// The core, put together: its people, its engine on the stores, the gateway that routing sees, and the faces that clients
// connect to. It is always there and idle until a domain is `served: core`, so that a reload may bring one.

import { randomBytes } from 'node:crypto';
import { makeCore } from '../core/core.ts';
import type { CoreParts } from '../core/ports.ts';
import { PasswordSignIn } from '../core/sign-in.ts';
import { Admission, EDGE_LIMITS } from '../edge/admission.ts';
import type { Edge } from '../edge/link.ts';
import { Listener } from '../edge/listener.ts';
import type { ClientSights, Core } from '../model/core.ts';
import type { SecretStore } from '../model/outbox-store.ts';
import type { Gateway, Link } from '../model/ports.ts';
import { CLIENT_FACES, type ClientFace, type ClientFaces, type FaceGround } from './client-faces.ts';
import type { Drains } from './drain.ts';
import type { Ground } from './sip.ts';

/** Clients of people have fewer connections each than partners, and are more. */
const CLIENT_LIMITS = EDGE_LIMITS;

export interface CoreGround extends Ground, Omit<FaceGround, 'core'> {
  readonly edge: Edge;
  /** Blocked by policy: closed without a word. */
  readonly refuses: (address: string) => boolean;
  readonly faces?: ClientFaces;
  /** What else the core is given: history, filter. */
  readonly with?: Pick<CoreParts, 'history' | 'filter'>;
}

export interface CoreRoom extends Drains {
  readonly core: Core;
  readonly clients: ClientSights;
  readonly gateway: Gateway;
  /** Opens the listeners of `clients:`, or none: the first that fails closes the others. */
  open(): Promise<readonly Listener[]>;
}

/** Makes the core and its faces; opens nothing. */
export async function coreRoom(ground: CoreGround): Promise<CoreRoom> {
  const { store, table, clock, ids, log, submit } = ground;
  const { people, contacts, blocked, chosen, kept } = store;
  const signIn = new PasswordSignIn({ people, clock, log, secret: await signInSecret(store.secrets) });
  const core = makeCore({
    ...{ people, contacts, blocked, chosen, kept, signIn, clock, ids, log, submit },
    serves: (domain) => table().domains.get(domain)?.served === 'core',
    isOurs: (domain) => table().domains.has(domain),
    ...ground.with,
  });
  const makers = ground.faces ?? CLIENT_FACES;
  const given: FaceGround = { ...ground, core };
  const faces = { sip: makers.sip?.(given), xmpp: makers.xmpp?.(given) };
  return {
    core,
    clients: core.clients,
    gateway: core.gateway,
    open: () => openAll(listenersOf(ground, faces)),
    async drain(graceMs) {
      // The core ends the sessions first, so that each client is told why.
      await core.close();
      await Promise.all([faces.sip?.drain(graceMs), faces.xmpp?.drain(graceMs)]);
    },
  };
}

function listenersOf(
  ground: CoreGround,
  faces: { readonly sip: ClientFace | undefined; readonly xmpp: ClientFace | undefined },
): Listener[] {
  const { home, edge, log, refuses } = ground;
  const common = { side: 'local', edge, admission: new Admission(CLIENT_LIMITS), log, refuses } as const;
  const { sip, xmpp } = faces;
  const onSip =
    sip && home.clients.sip.map((bind) => new Listener({ ...common, protocol: 'sip', bind, onLink: (link: Link) => sip.accept(link) }));
  const onXmpp =
    xmpp &&
    home.clients.xmpp.map((bind) => {
      // XEP-0368 §2: direct TLS is offered with ALPN xmpp-client.
      const alpn = bind.transport === 'tls' ? { alpn: ['xmpp-client'] } : {};
      return new Listener({ ...common, ...alpn, protocol: 'xmpp', bind, onLink: (link: Link) => xmpp.accept(link) });
    });
  return [...(onSip ?? []), ...(onXmpp ?? [])];
}

async function openAll(wanted: readonly Listener[]): Promise<readonly Listener[]> {
  const open: Listener[] = [];
  try {
    for (const listener of wanted) {
      await listener.open();
      open.push(listener);
    }
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
  return open;
}

/** One for each home: challenges for users that are not there look the same after a restart (RFC 5802 §9). */
async function signInSecret(secrets: SecretStore): Promise<Uint8Array> {
  const known = await secrets.get('sign-in');
  if (known !== undefined) return known;
  const made = randomBytes(32);
  await secrets.put('sign-in', made);
  return made;
}
