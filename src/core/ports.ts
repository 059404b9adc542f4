// What the core is given, and its limits.

import type { Log } from '../log.ts';
import type { Address } from '../model/address.ts';
import type { Capture } from '../model/archive.ts';
import type { Calendars } from '../model/calendar.ts';
import type { Outsider, Said, SignIn } from '../model/core.ts';
import type { BlockStore, ChosenStore, ContactStore, KeptBounds, KeptStore } from '../model/core-stores.ts';
import type { CustomState } from '../model/custom-state.ts';
import type { ImSent, ProofWord } from '../model/event.ts';
import type { MovedStore } from '../model/moves.ts';
import type { PeopleStore } from '../model/people.ts';
import type { Clock, Ids, Submit } from '../model/ports.ts';
import type { PresencePolicy, PresenceSettingsStore } from '../model/presence-settings.ts';
import type { Reason } from '../model/reason.ts';

/** Writes down what is said by and to users of ours. Absent: nothing is. */
export interface History {
  /**
   * One message or receipt in the history of one user.
   * @param owner bare @param direction seen from the owner
   * @returns the id under which it can be asked for, at once, and when it is on disk; undefined: this user's is not kept.
   *   `written` rejects where nothing may be said that cannot be archived
   */
  note(owner: Address, direction: 'in' | 'out', said: Said): { readonly archiveId?: string; readonly written: Promise<void> } | undefined;
}

/** Looks at what is said between users of ours (links, words, sizes): as it may go on, or why it may not. */
export type Filter = (event: ImSent) => ImSent | Reason;

export interface CoreLimits {
  /** Clients that one user may have open. */
  readonly clients: number;
  /** lync-features.md A3 (MaxContacts). */
  readonly contacts: number;
  /** Requests that wait for one user's answer (A1, MaxPromptedSubscriber). */
  readonly prompts: number;
  /** Messages that wait for one user. */
  readonly kept: KeptBounds;
  readonly blocked: number;
  /** Users whose lists are held in memory. */
  readonly profiles: number;
  /** How long after a start nobody is shown as gone, ms (sip-xmpp.md §5.8). */
  readonly graceMs: number;
  /** How often the people are looked at for who may not be signed in any more, ms. */
  readonly lookMs: number;
}
export const CORE_LIMITS: CoreLimits = {
  clients: 20,
  contacts: 1000,
  prompts: 200,
  kept: { items: 1000, bytes: 16 * 1024 * 1024 },
  blocked: 1000,
  profiles: 100_000,
  graceMs: 90_000,
  lookMs: 30_000,
};

export interface CoreParts {
  readonly people: PeopleStore;
  readonly signIn: SignIn;
  readonly contacts: ContactStore;
  readonly blocked: BlockStore;
  readonly chosen: ChosenStore;
  readonly presenceSettings: PresenceSettingsStore;
  readonly kept: KeptStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The neck: everything to and from who is no user of ours. */
  readonly submit: Submit;
  /** Is the address one of the core's: of a domain that is `served: core`, and in a split domain of somebody who lives here? */
  readonly serves: (address: Address) => boolean;
  /** The name of a domain of ours, of which it may be an alias; anybody else's as it is. */
  readonly mainDomain?: (domain: string) => string;
  /** Is the domain one of the same organisation, however it is served? */
  readonly isOurs: (domain: string) => boolean;
  /** States that an administrator has defined. */
  readonly states?: () => readonly CustomState[];
  /** Is the domain a partner with a file, or one found by DNS where that is allowed? Default: whoever the neck lets in. */
  readonly federated?: (domain: string) => boolean;
  /** What the organisation has decided about presence. Default: PRESENCE_POLICY. */
  readonly presencePolicy?: () => PresencePolicy;
  readonly calendars?: Calendars;
  /** A message has come for a user of ours. */
  readonly arrived?: (user: Address) => void;
  /** Somebody's name, photo or directory fields may be others than before. */
  readonly personChanged?: (user: Address) => void;
  /** Where the photo of a user can be fetched, for clients that are shown it so. Absent: nowhere. */
  readonly picture?: (user: Address) => Promise<string | undefined>;
  readonly history?: History;
  /** What is archived of messages between users of ours. Absent: nothing. */
  readonly capture?: Capture;
  readonly filter?: Filter;
  /** How somebody is shown who is not of the organisation; undefined: they are. Absent: nobody is marked. @param name what the user calls them */
  readonly outsider?: (
    from: Address,
    met: { readonly with: 'message' | 'request'; readonly name?: string; readonly proof?: ProofWord },
  ) => Outsider | undefined;
  /** Is another system known to serve the domain: one of ours that the core does not serve, a partner with a file? Default: none is. */
  readonly isElsewhere?: (domain: string) => boolean;
  /** Users of split domains who have moved to the internal system. Absent: none. */
  readonly moved?: Pick<MovedStore, 'has' | 'all'>;
  readonly limits?: Partial<CoreLimits>;
}
