// What one presentity shows, in the model's words. Each shore degrades it by its own table (spec: RFC 8048 field map).

export type Availability = 'open' | 'closed';
/** RFC 6121 §4.7.2.1 words; absent means plainly available. */
export type Show = 'chat' | 'away' | 'xa' | 'dnd';

export interface Note {
  readonly text: string;
  readonly lang?: string;
}

/** One endpoint (XMPP resource, PIDF tuple) of a presentity. */
export interface Endpoint {
  /** The XMPP resource, or the decoded identifier of the tuple. */
  readonly id: string;
  readonly availability: Availability;
  readonly show?: Show;
  /** RPID activity word, e.g. `on-the-phone`. */
  readonly activity?: string;
  readonly notes: readonly Note[];
  /** XMPP priority, -128..127. */
  readonly priority?: number;
  /** Wall time in ms since which the person has been idle. */
  readonly idleSince?: number;
  /** Wall time in ms of this state. */
  readonly at: number;
}

/** Everything shown to one watcher at one moment: full state, best endpoint first. Empty: nothing is known or shown. */
export interface PresenceDocument {
  readonly endpoints: readonly Endpoint[];
}

/** The fields a ceiling (`allow.theySee`) may name. An empty list: no presence at all. */
export const PRESENCE_DETAILS = ['availability', 'note', 'activity', 'idle', 'device'] as const;
export type PresenceDetail = (typeof PRESENCE_DETAILS)[number];
