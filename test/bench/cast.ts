// Who is who in the bench, and what the runner tells the load process. Everything is on loopback, on free ports.

export const SIP_DOMAIN = 'fabrikam.example';
export const SIP_HOST = `sip.${SIP_DOMAIN}`;
export const XMPP_DOMAIN = 'contoso.example';
/** The gateway behind ejabberd: a component, as Isthmus would be one. */
export const COMPONENT = 'gateway.corp.example';
export const EJABBERD_DOMAIN = 'corp.example';
/** Its users live in Isthmus, with SIP clients. */
export const CORE_DOMAIN = 'people.example';
export const CORE_PASSWORD = 'every-day-the-same';
export const COMPONENT_SECRET = 'bench';

/** One certificate and key, and the root everybody believes. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Where the ends listen, and where they connect to. */
export interface Ports {
  /** The SIP end: next hop of Isthmus, target of the relay and of the bare pass-through. */
  readonly sipEnd: number;
  /** The XMPP end: s2s with STARTTLS and EXTERNAL. */
  readonly xmppEnd: number;
  /** The same as stanzas over bare TLS, for the pass-through. */
  readonly stanzaEnd: number;
  readonly isthmusSip: number;
  readonly isthmusXmpp: number;
  /** Where the core takes SIP clients; its edges, which nobody uses, have two more. */
  readonly coreSip: number;
  readonly coreEdgeSip: number;
  readonly coreEdgeXmpp: number;
  readonly bareSip: number;
  readonly bareStanzas: number;
  readonly kamailio: number;
  readonly ejabberdS2s: number;
  readonly ejabberdComponent: number;
}

/** One way through one subject. */
export const ROADS = {
  'isthmus sip-xmpp': { subject: 'isthmus', ends: 'sip-xmpp' },
  'isthmus xmpp-sip': { subject: 'isthmus', ends: 'xmpp-sip' },
  'bare sip-xmpp': { subject: 'bare', ends: 'sip-xmpp' },
  'bare xmpp-sip': { subject: 'bare', ends: 'xmpp-sip' },
  'kamailio relay': { subject: 'kamailio', ends: 'sip-sip' },
  'ejabberd s2s-component': { subject: 'ejabberd', ends: 'xmpp-component' },
} as const;
export type RoadName = keyof typeof ROADS;

export const FEEDS = {
  'isthmus notify-out': { subject: 'isthmus' },
  'isthmus notify-in': { subject: 'isthmus' },
  'core presence': { subject: 'core' },
  'kamailio presence': { subject: 'kamailio' },
  /** Every watcher has a connection of its own, as with the core. */
  'kamailio presence each': { subject: 'kamailio' },
} as const;
export type FeedName = keyof typeof FEEDS;

export type SubjectName = 'isthmus' | 'core' | 'bare' | 'kamailio' | 'ejabberd';

/** How messages are offered: always so many on their way, or so many a second whatever becomes of them. */
export type Pace = { readonly kind: 'inFlight'; readonly count: number } | { readonly kind: 'perSecond'; readonly count: number };

export type Order =
  | { readonly do: 'listen'; readonly ports: Ports; readonly sip: Credentials; readonly xmpp: Credentials }
  /** Opens what the road needs; to be done before the first run on it. */
  | { readonly do: 'open'; readonly road: RoadName }
  | { readonly do: 'run'; readonly road: RoadName; readonly pace: Pace; readonly ms: number }
  /** Makes the subscriptions of a presence feed. */
  | { readonly do: 'subscribe'; readonly feed: FeedName; readonly watchers: number; readonly presentities: number }
  /** Every presentity changes once; ends when every watcher has heard of it. */
  | { readonly do: 'change'; readonly feed: FeedName }
  /** Opens connections or streams that then do nothing, for the memory figures. */
  | { readonly do: 'idle'; readonly what: 'tls' | 's2s'; readonly count: number };

export interface RunResult {
  readonly messages: number;
  readonly failures: number;
  readonly ms: number;
  /** From sent to done, in ms; of messages only. */
  readonly medianMs?: number;
  readonly p99Ms?: number;
}

export type Report = { readonly ok: true; readonly result?: RunResult } | { readonly ok: false; readonly error: string };
