// The XMPP face of the core: every client that is signed in over XMPP, by user and resource, and the streams that are being
// negotiated. Put together here: the table of requests, the ground that clients share, the door for connections.

import type { Log } from '../../../log.ts';
import { type Address, bareKey } from '../../../model/address.ts';
import type { Core, Person } from '../../../model/core.ts';
import type { Clock, Ids, Link, TlsUpgrade } from '../../../model/ports.ts';
import type { PushNews } from '../../../model/push.ts';
import type { Reason } from '../../../model/reason.ts';
import type { DeviceTokens } from '../../../model/sign-in-tokens.ts';
import type { WebSocketLink } from '../../../model/web-route.ts';
import { type ClientGround, openClient, type XmppClient } from './client.ts';
import { adHoc } from './commands/adhoc.ts';
import { presenceCommands } from './commands/own-presence.ts';
import { BLOCKING, blocks, ROSTER } from './contacts.ts';
import { basics, discovery, serverCaps } from './handlers.ts';
import { type IqHandler, IqTable } from './iq-table.ts';
import { CLIENT_SETTINGS, type ClientSettings } from './limits.ts';
import { makePersonal, type PersonalParts } from './personal/personal.ts';
import type { Road } from './road/road.ts';
import type { InvitedDoor } from './sign-in/register.ts';
import { octets } from './stream/framing.ts';
import { ClientStream, type StreamOwner } from './stream/stream.ts';
import { messages } from './stream/websocket.ts';

export interface XmppClientsParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly tlsUpgrade: TlsUpgrade;
  /** The domain by any of its names, where its users are the core's; else undefined. */
  readonly serves: (domain: string) => string | undefined;
  /** Of this program (XEP-0092). */
  readonly version: string;
  /** Further rows of the table of requests. */
  readonly handlers?: readonly IqHandler[];
  /** Of devices that have signed in before (XEP-0484). */
  readonly tokens?: DeviceTokens;
  /** What a client is told of its account when it binds along with the sign-in (XEP-0386). */
  readonly greeting?: StreamOwner['greeting'];
  /** Told of clients that come and go (XEP-0357). */
  readonly push?: PushNews;
  /** For who comes with an invitation (XEP-0445). */
  readonly invited?: InvitedDoor;
  /** Are users' main passwords a directory's? */
  readonly directoryPasswords?: () => boolean;
  /** What users publish and keep; absent: nothing. */
  readonly personal?: PersonalParts;
  readonly settings?: Partial<ClientSettings>;
}

export class XmppClients {
  readonly #ground: ClientGround;
  readonly #owner: StreamOwner;
  readonly #users = new Map<string, Map<string, XmppClient>>();
  readonly #streams = new Set<ClientStream>();
  readonly #tlsUpgrade: TlsUpgrade;
  #draining = false;

  constructor(parts: XmppClientsParts) {
    const { core, clock, ids, log, tlsUpgrade, serves, version } = parts;
    const settings = { ...CLIENT_SETTINGS, ...parts.settings };
    this.#tlsUpgrade = tlsUpgrade;
    const commands = adHoc(
      presenceCommands(() => clock.now()),
      () => ids.token(8),
    );
    const clientsOf = (user: Address): readonly XmppClient[] => [...(this.#users.get(bareKey(user))?.values() ?? [])];
    const personal = parts.personal && makePersonal({ ...parts.personal, core, clock, ids, log, clientsOf });
    const table = new IqTable((made) => [
      ...discovery(made),
      ...basics(clock, version),
      ROSTER,
      BLOCKING,
      commands,
      ...(personal?.handlers ?? []),
      ...(parts.handlers ?? []),
    ]);
    this.#ground = {
      core,
      serves,
      clock,
      ids,
      log,
      table,
      resumeMs: settings.resumeMs,
      inHand: settings.inHand,
      push: parts.push,
      clientAt: (full) => this.#users.get(bareKey(full))?.get(full.resource ?? ''),
      clientsOf,
      personal,
      mayAsk: (asker, user) => this.#mayAsk(asker, user),
      gone: (client) => this.#gone(client),
    };
    this.#owner = {
      clock,
      log,
      settings,
      signIn: core.signIn,
      tokens: parts.tokens,
      greeting: parts.greeting,
      invited: parts.invited,
      directoryPasswords: parts.directoryPasswords,
      told: [serverCaps(table)],
      serves,
      bind: (road, person, resource) => this.#bind(road, person, resource),
      resumable: (person, previous) =>
        this.#ground.clientsOf(person.address).find(({ resumption }) => resumption !== undefined && resumption === previous),
      gone: (stream) => void this.#streams.delete(stream),
    };
  }

  /** A connection of a client; with TLS already, or before STARTTLS. */
  accept(link: Link): void {
    if (this.#draining) link.socket.destroy();
    else this.#streams.add(new ClientStream(this.#owner, octets(link, this.#tlsUpgrade, this.#owner)));
  }

  /** A WebSocket of a client (RFC 7395). */
  acceptWebSocket(link: WebSocketLink): void {
    if (this.#draining) link.destroy();
    else this.#streams.add(new ClientStream(this.#owner, messages(link, this.#owner)));
  }

  /** Has that client a connection now? @param user bare key */
  awake(user: string, resource: string): boolean {
    return this.#users.get(user)?.get(resource)?.awake === true;
  }

  /** Streams that are open or being negotiated. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Ends every stream with `system-shutdown`; the clients come back to whoever is there then. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#streams) stream.close({ condition: 'system-shutdown' });
  }

  #bind(road: Road, person: Person, resource: string | undefined): XmppClient | Reason {
    const key = bareKey(person.address);
    const mine = this.#users.get(key) ?? new Map<string, XmppClient>();
    const before = resource === undefined ? undefined : mine.get(resource);
    if (before !== undefined) before.replaced = true;
    const client = openClient(this.#ground, road, person, resource);
    if ('code' in client) return client;
    // The one before it is gone by now, and perhaps the map with it.
    const now = this.#users.get(key) ?? mine;
    now.set(client.resource, client);
    this.#users.set(key, now);
    return client;
  }

  #gone(client: XmppClient): void {
    const key = bareKey(client.user);
    const mine = this.#users.get(key);
    if (mine?.get(client.resource) !== client) return;
    mine.delete(client.resource);
    if (mine.size === 0) this.#users.delete(key);
  }

  /** RFC 6121 §8.5.3: whoever knows a full JID may ask there, unless its user has blocked them (XEP-0191). */
  async #mayAsk(asker: Address, user: Address): Promise<boolean> {
    const [client] = this.#ground.clientsOf(user);
    if (client === undefined) return false;
    return !blocks(await client.session.blocked(), asker);
  }
}
