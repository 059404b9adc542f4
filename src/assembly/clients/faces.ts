// The faces of the core, one for each protocol that clients speak: how each is made with its listeners of `clients:`.

import type { Home } from '../../config/home.ts';
import { webOrigin } from '../../config/web-origin.ts';
import type { Edge } from '../../edge/link.ts';
import type { Listener } from '../../edge/listener.ts';
import type { Log } from '../../log.ts';
import type { Core } from '../../model/core.ts';
import type { InvitationDesk } from '../../model/invitations.ts';
import type { Clock, Ids, TlsUpgrade } from '../../model/ports.ts';
import type { DeviceTokens } from '../../model/sign-in-tokens.ts';
import type { Table } from '../../model/table.ts';
import type { WebRoute } from '../../model/web-route.ts';
import { invitePage } from '../../protocols/xmpp/clients/sign-in/invite-page.ts';
import { invitedDoor, ownAccount } from '../../protocols/xmpp/clients/sign-in/register.ts';
import { hostMeta } from '../../protocols/xmpp/clients/stream/host-meta.ts';
import type { Store } from '../../store/store.ts';
import type { Drains } from '../drain.ts';
import type { PersonalRoom } from './personal.ts';
import type { PushRoom } from './push.ts';
import { sipClientsFace } from './sip.ts';
import { sharedFiles } from './uploads.ts';
import { webClientsFace } from './web.ts';
import { xcapDocuments } from './xcap.ts';
import { XMPP_PATH, xmppClientsFace } from './xmpp.ts';

/** What a face is given. */
export interface FaceGround {
  readonly home: Home;
  readonly table: () => Table;
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly edge: Edge;
  readonly upgrade: TlsUpgrade;
  readonly store: Store;
  readonly version: string;
  /** Blocked by policy: closed without a word. */
  readonly refuses: (address: string) => boolean;
  /** What users publish and keep for their clients. */
  readonly personal: PersonalRoom;
  /** Push services of clients that are away. */
  readonly push: PushRoom;
  /** Tokens of devices. */
  readonly tokens: DeviceTokens;
  /** How somebody comes in with an invitation. */
  readonly invitations: InvitationDesk;
  /** Are users' main passwords a directory's? */
  readonly directoryPasswords: () => boolean;
}

export interface ClientFace extends Drains {
  /** To be opened with all others. */
  readonly listeners: readonly Listener[];
}

/** Makes every face; opens nothing. */
export async function clientFaces(ground: FaceGround): Promise<readonly ClientFace[]> {
  const { home } = ground;
  const { push, tokens, invitations, directoryPasswords } = ground;
  const uploads = await sharedFiles(ground);
  const xmpp = xmppClientsFace({
    ...ground,
    handlers: [push.handler, ownAccount(invitations), ...uploads.handlers],
    mobile: { push: push.news, tokens, invited: invitedDoor(invitations), directoryPasswords },
    personal: ground.personal,
  });
  push.see((user, resource) => xmpp.awake(user, resource));
  const origin = webOrigin(home);
  const host = home.clients.host ?? home.edge.host;
  const sip = home.clients.sip.find(({ transport }) => transport === 'tls');
  /** What the web door serves: each room hands in its routes here. */
  const routes: readonly WebRoute[] = [
    ...uploads.routes,
    invitePage({ desk: invitations, host, ...(sip !== undefined && { sip: sip.port === 5061 ? host : `${host}:${sip.port}` }) }),
    xcapDocuments(ground),
    ...(ground.personal.photos === undefined ? [] : [ground.personal.photos.route]),
    ...(origin === undefined ? [] : hostMeta(`${origin.replace('https:', 'wss:')}${XMPP_PATH}`)),
  ];
  return [sipClientsFace(ground), xmpp, webClientsFace(ground, routes, xmpp.sockets), uploads];
}
