// What a person says about their presence beside the state they choose: notes, being out of the office, where they are, their
// time zone, who may see them (lync-features A1, A2). Kept over a restart; every client of theirs may change it.

import type { Level } from './core.ts';

/** The person's own words. */
export interface PersonalNote {
  readonly text: string;
  /** Wall ms. */
  readonly at: number;
}

export interface OutOfOffice {
  readonly text?: string;
  /** Wall ms. */
  readonly from: number;
  /** Wall ms; absent: until it is taken back. */
  readonly until?: number;
}

export interface PresenceSettings {
  /** Shown now; absent: none. */
  readonly note?: string;
  /** What was shown before and now, newest first; bounded. */
  readonly notes: readonly PersonalNote[];
  readonly outOfOffice?: OutOfOffice;
  /** In the person's own words: `Berlin`, `at home`. */
  readonly location?: string;
  /** A name of the IANA data base: `Europe/Berlin`. */
  readonly timeZone?: string;
  /** Privacy mode: who is not one of their own contacts sees nothing. */
  readonly contactsOnly: boolean;
  /** The person's own word about everybody of a domain. */
  readonly domains: Readonly<Record<string, Level>>;
}

export const NO_SETTINGS: PresenceSettings = { notes: [], contactsOnly: false, domains: {} };

/** What is left out stays as it is; null takes it away. */
export interface SettingsChange {
  readonly note?: string | null;
  readonly outOfOffice?: OutOfOffice | null;
  readonly location?: string | null;
  readonly timeZone?: string | null;
  readonly contactsOnly?: boolean;
  readonly domain?: { readonly name: string; readonly level: Level | null };
}

export interface PresenceSettingsStore {
  /** @param owner bare key */
  of(owner: string): Promise<PresenceSettings>;
  put(owner: string, settings: PresenceSettings): Promise<void>;
}

/** What the organisation has decided about presence (people/presence.yaml). */
export interface PresencePolicy {
  /** Privacy mode for everybody. */
  readonly contactsOnly: boolean;
  /** Ms without a touch until a person is inactive, and away. */
  readonly inactiveAfterMs: number;
  readonly awayAfterMs: number;
  /** May people choose to appear offline? */
  readonly appearOffline: boolean;
  /** How many notes are remembered. */
  readonly notes: number;
}

/** lync-features A1: 5 and 15 minutes, three notes. */
export const PRESENCE_POLICY: PresencePolicy = {
  contactsOnly: false,
  inactiveAfterMs: 5 * 60_000,
  awayAfterMs: 15 * 60_000,
  appearOffline: true,
  notes: 3,
};
