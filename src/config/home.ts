// The home after validation: isthmus.yaml with every default filled in. routes/ becomes a Table (model/table.ts).
// assembly/ reads it to open listeners, the store and the log.

import type { AcmeSettings } from '../model/acme.ts';
import type { ArchiveSettings } from '../model/archive.ts';
import type { CalendarSettings } from '../model/calendar.ts';
import type { CustomState } from '../model/custom-state.ts';
import type { DirectorySettings } from '../model/directory.ts';
import type { NotifySettings } from '../model/notify.ts';
import type { PresencePolicy } from '../model/presence-settings.ts';
import type { HostPort, Where } from '../model/table.ts';
import type { AdminClient, AdminOidc, AdminToken } from './admin.ts';

/** One address to listen on; edge/bind.ts understands it as it is. */
export interface Bind<T extends string = 'tls' | 'starttls' | 'plain'> {
  /** `starttls`: plain at first, the protocol asks for TLS. */
  readonly transport: T;
  /** A literal address; `*` is every address, IPv6 and IPv4. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly where: Where;
}

export interface AdminHttps {
  readonly binds: readonly Bind<'https'>[];
  /** certs/own/<name> shown there; else the one of `edge.identity`. */
  readonly certificate?: string;
  readonly tokens: readonly AdminToken[];
  readonly clients: readonly AdminClient[];
  readonly oidc?: AdminOidc;
}

/** people/*.yaml but access.yaml, which becomes rules of the table. */
export interface PeopleSettings {
  readonly states: readonly CustomState[];
  readonly presence: PresencePolicy;
  readonly calendars?: CalendarSettings;
  readonly directory?: DirectorySettings;
}

export interface Home {
  /** Absolute path of the folder. */
  readonly dir: string;
  readonly edge: {
    /** What Via, Contact and Record-Route carry. */
    readonly host: string;
    /** certs/own/<name> shown to a peer that sends no SNI, when the operator chose one. */
    readonly identity?: string;
    readonly sip: readonly Bind[];
    readonly xmpp: readonly Bind[];
    /** CIDR ranges of load balancers that speak PROXY v2. */
    readonly proxyProtocolFrom: readonly string[];
  };
  readonly inside: {
    readonly host: string;
    readonly sip: readonly Bind[];
    readonly component: readonly Bind[];
  };
  /** Faces users of the core. */
  readonly clients: {
    readonly host?: string;
    readonly sip: readonly Bind[];
    readonly xmpp: readonly Bind[];
    readonly web: readonly Bind<'https'>[];
    /** What clients are told of `web`, where that is not its own port: `https://` and a host, without a slash at its end. */
    readonly webUrl?: string;
    /** Files that users share: one of them, and all of one user. 0: none may be. */
    readonly uploads: { readonly sizeBytes: number; readonly quotaBytes: number };
    /** Domains of push services that may be told that a message waits (XEP-0357). */
    readonly push: readonly string[];
  };
  /** people/: what the people of the core have and where they come from. */
  readonly people: PeopleSettings;
  readonly outbound: { readonly sourceAddress: readonly string[]; readonly httpProxy?: HostPort };
  readonly admin: {
    /** Absolute path of the admin socket; the command line uses it whatever else listens. */
    readonly socket: string;
    /** TCP, only where `admin:` says so. */
    readonly https?: AdminHttps;
  };
  readonly metrics?: Bind<'http'>;
  readonly notify: NotifySettings;
  /** records/archive.yaml, where there is one. */
  readonly archive?: ArchiveSettings;
  /** certs/acme.yaml, where there is one. */
  readonly acme?: AcmeSettings;
  /** Name servers to ask; empty: the system's. */
  readonly dns: { readonly servers: readonly HostPort[] };
  /** Absolute path of the folder for database and generated material. */
  readonly data: string;
  readonly retention: {
    readonly ledgerMs: number;
    readonly decisionsMs: number;
    readonly queuedMs: number;
    readonly requestsMs: number;
    readonly historyMs: number;
    readonly uploadsMs: number;
  };
  readonly reload: 'onApply' | 'onChange';
  readonly log: { readonly level: 'error' | 'warn' | 'info' | 'debug' };
}
