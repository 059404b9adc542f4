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

/** What is true of the person and not of one endpoint (RFC 4479 §3.2, RFC 4480). Only what the watcher may see; stays among users of ours. */
export interface PersonFacts {
  /** RPID activities, or words of an organisation's own. */
  readonly activities: readonly ActivityWord[];
  /** The person's own words. */
  readonly notes: readonly Note[];
  readonly outOfOffice?: { readonly text?: string; readonly from: number; readonly until?: number };
  readonly location?: string;
  /** Name of the IANA data base, and minutes from UTC just now. */
  readonly timeZone?: { readonly name: string; readonly offsetMinutes: number };
  readonly meeting?: { readonly subject?: string; readonly place?: string; readonly until?: number };
  /** HTTPS address of the photo. */
  readonly picture?: string;
}
/** A word of RFC 4480 §3.2, or in a person's language what no word of it says. */
export type ActivityWord = { readonly rpid: string } | { readonly other: Note };

/** Everything shown to one watcher at one moment: full state, best endpoint first. Empty: nothing is known or shown. */
export interface PresenceDocument {
  readonly endpoints: readonly Endpoint[];
  readonly person?: PersonFacts;
}

/** The fields a ceiling (`allow.theySee`) may name. An empty list: no presence at all. */
export const PRESENCE_DETAILS = ['availability', 'note', 'activity', 'idle', 'device'] as const;
export type PresenceDetail = (typeof PRESENCE_DETAILS)[number];
