// The core as its faces see it (DESIGN 9): people who sign in, their contacts, what is said to them and about whom they see
// presence. A face (XMPP c2s, SIP registrar) opens a session for each client and speaks its own protocol on the other side;
// it knows no other face. A person who uses two faces is one person: what one client says the others hear.

import type { Address } from './address.ts';
import type { BusyKind } from './calendar.ts';
import type { ImComposing, ImReceipt, ImSent } from './event.ts';
import type { Outcome } from './outcome.ts';
import type { Availability, Note, PresenceDocument, Show } from './presence.ts';
import type { PresenceSettings, SettingsChange } from './presence-settings.ts';
import type { Reason } from './reason.ts';

// --- people -------------------------------------------------------------------------------------------------

/** A user of the core. */
export interface Person {
  /** Bare. */
  readonly address: Address;
  /** What others read as their name; never empty. */
  readonly name: string;
  readonly disabled: boolean;
  /** Directory fields; absent: unknown. */
  readonly mail?: string;
  readonly phone?: string;
  readonly mobile?: string;
  readonly title?: string;
  readonly company?: string;
  readonly office?: string;
  /** Other addresses by which they are known (mail, old or other chat addresses): bare keys. Nothing is delivered to them. */
  readonly addresses?: readonly string[];
  /** Groups of the directory or of `user import`. */
  readonly groups: readonly string[];
  /** Wall ms. */
  readonly createdAt: number;
}

export type ScramHash = 'SHA-1' | 'SHA-256';
/** RFC 5802 §3: what a server keeps of a password. */
export interface ScramKeys {
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}
/** All passwords of a user (the main one, one for each device) share salt and iterations, so that any of them may fit. */
export interface ScramVerifier {
  readonly hash: ScramHash;
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly keys: readonly ScramKeys[];
}
/** RFC 7616 §3.4.2: H(username ":" realm ":" password), hex. */
export interface DigestVerifier {
  readonly algorithm: 'MD5' | 'SHA-256';
  readonly realm: string;
  /** One for each password of the user. */
  readonly ha1s: readonly string[];
}

/** Where a client signs in from, for lock-out, audit and `session list`. */
export interface SignInFrom {
  readonly face: 'xmpp' | 'sip' | 'web';
  readonly address: string;
  readonly connection: string;
}
export type SignedIn = { readonly ok: true; readonly person: Person } | { readonly ok: false; readonly reason: Reason };

/** How faces check who signs in. The mechanism's own arithmetic is the face's, what is kept is ours. */
export interface SignIn {
  /** Of users that are not there, or disabled, a verifier that no password fits and that is the same each time (RFC 5802 §9, enumeration). */
  scram(user: Address, hash: ScramHash): Promise<ScramVerifier>;
  /** The same for SIP digest. @param realm the domain */
  digest(user: Address, realm: string, algorithm: DigestVerifier['algorithm']): Promise<DigestVerifier>;
  /** PLAIN, over TLS only. */
  password(user: Address, password: string, from: SignInFrom): Promise<SignedIn>;
  /** After a challenge: counts failures and locks out, refuses disabled users. @param proven what the mechanism's arithmetic said */
  finish(user: Address, proven: boolean, from: SignInFrom): Promise<SignedIn>;
}

// --- one client ---------------------------------------------------------------------------------------------

/** What one client says of its user's presence; undefined `show`: plainly available. */
export interface OwnPresence {
  readonly availability: Availability;
  readonly show?: Show;
  readonly notes: readonly Note[];
  /** RPID activity. */
  readonly activity?: string;
  readonly priority?: number;
  /** Wall ms. */
  readonly idleSince?: number;
  /** The whole stanza's children as the face wrote them, for clients of the same face. */
  readonly payload?: FacePayload;
  /** Show, notes or idleness are not as the client said them: of the payload only `rest` holds. */
  readonly amended?: true;
}

/** What only clients of one face understand, carried beside the event and never looked into by the core. */
export interface FacePayload {
  readonly face: 'xmpp' | 'sip';
  readonly text: string;
  /** Of presence: the text without what the model carries (show, notes, idleness). */
  readonly rest?: string;
}

/** Somebody who is not of the organisation, as clients show them. */
export interface Outsider {
  /** In place of a name: `ann (other.example, external)`. */
  readonly name: string;
  /** Who vouches for where they are from: a sentence. */
  readonly vouched: string;
}

/**
 * What is said: an event of the model, and the rest of it for clients of the same face. A face gives `event.ids.wireId` (and
 * `messageId`) as its client wrote them; the core fills in `from`, `origin`, and before it reaches anybody `ids.messageId`: the id
 * under which its sender knows it. A face writes a message to its client under that id (stanza id, IMDN Message-ID), so that a
 * receipt of the client names it.
 */
export interface Said {
  readonly event: ImSent | ImComposing | ImReceipt;
  readonly payload?: FacePayload;
  /** XEP-0359: the id under which the archive of the user of the client that is handed it has it; absent: not archived. */
  readonly archiveId?: string;
  /** XEP-0280: a copy of what another client of the same user sent, or was sent. */
  readonly copyOf?: 'sent' | 'received';
  /** Wall ms at which it was first said, when it comes late (XEP-0203). */
  readonly delayedSince?: number;
  /** XEP-0334: its sender wants it in no history (`untilTaken`), or on no disk at all (`never`); absent: as usual. */
  readonly store?: 'untilTaken' | 'never';
  /** Present for a sender who is not of the organisation, where such people are marked. */
  readonly sender?: Outsider;
  /** It may have been handed over before: a crash came between. */
  readonly possibleCopy?: boolean;
}

export type SubscriptionState = 'none' | 'to' | 'from' | 'both';
/** One entry of a contact list (RFC 6121 §2). */
export interface Contact {
  /** Bare. */
  readonly address: Address;
  readonly name?: string;
  readonly groups: readonly string[];
  readonly subscription: SubscriptionState;
  /** A request of ours waits for an answer. */
  readonly ask: boolean;
  /** A later request of theirs is granted unseen (RFC 6121 §3.4). */
  readonly approved: boolean;
  readonly favourite: boolean;
  readonly level?: Level;
}
/** lync-features.md A2, most trusted first. */
export const LEVELS = ['friends', 'workgroup', 'colleagues', 'external', 'blocked'] as const;
export type Level = (typeof LEVELS)[number];

export type SubscriptionVerb = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** What a person shows to one watcher as a whole: every endpoint, the person's own choice and the calendar in one state. */
export interface Composed {
  /** A word of core/presence/states.ts: `inACall`, `doNotDisturb`, ... */
  readonly state: string;
  /** In an administrator's words; absent: the state says it. */
  readonly words?: string;
  /** As Lync-compatible clients number it: 3500 available ... 18500 offline. */
  readonly number: number;
  /** Best endpoint first; empty: offline, or nothing is shown. */
  readonly document: PresenceDocument;
}

/** What the core hands to a client. */
export type Item =
  | ({ readonly kind: 'said' } & Said)
  /** One endpoint of somebody that this user may see changed, was asked for, or is gone (`availability: closed`). */
  /** `composed`: the whole of `from` after this, for clients that show people and not endpoints. */
  | { readonly kind: 'presence'; readonly from: Address; readonly presence: OwnPresence; readonly composed?: Composed }
  | {
      readonly kind: 'subscription';
      readonly verb: SubscriptionVerb;
      readonly from: Address;
      readonly message?: string;
      readonly sender?: Outsider;
    }
  /** The contact list changed; `removed`: the entry is gone. */
  | { readonly kind: 'contact'; readonly contact: Contact; readonly removed: boolean; readonly version: string };

/** One client of a user as the core sees it: made by a face. */
export interface Client {
  readonly face: 'xmpp' | 'sip';
  readonly connection: string;
  readonly address: string;
  /** False: it has lost its connection and may come back. */
  readonly awake?: boolean;
  /**
   * Wants its contact list pushed, its copies, presence; a SIP binding that only takes messages wants none of them.
   * `messages`: what is addressed to the user, whatever it says of presence (a registration, RFC 3261 §10); absent: while it is
   * available with a priority that is not negative (RFC 6121 §8.5.2).
   */
  readonly wants: { readonly contacts: boolean; readonly copies: boolean; readonly presence: boolean; readonly messages?: boolean };
  /** Called in the order in which the items are meant to arrive, without waiting for the one before. Resolves true once the client has it (an ack, a 2xx); false: it has not, and never will. Never rejects. */
  take(item: Item): Promise<boolean>;
  /** The core ends it: signed in elsewhere under the same resource, disabled, closed by an operator. */
  end(why: Reason): void;
}

/** What a person says of themselves, whichever client they say it with: a word of CHOICES in core/presence/states.ts, or the id of a custom state. */
export interface Chosen {
  readonly state: string;
  /** Wall ms; absent: until it is reset. */
  readonly until?: number;
}

/** What a person says of their presence beside the state, and what others let them see. */
export interface Personal {
  settings(): Promise<PresenceSettings>;
  change(change: SettingsChange): Promise<Outcome>;
  /** States that may be chosen: those of every home, then those an administrator has defined, in words for a language. */
  states(language?: string): readonly { readonly state: string; readonly words: string }[];
  /** What somebody shows this user now; undefined: nothing, they may not see. The user themselves: everything. */
  about(who: Address): Promise<About | undefined>;
}

/** One person as one watcher may know them. */
export interface About {
  readonly composed: Composed;
  /** From the quarter of an hour that runs now on, one kind each; absent: unknown, or not for this watcher. */
  readonly blocks?: { readonly from: number; readonly kinds: readonly BusyKind[] };
}

/** A person's state for operators. */
export interface StateSight {
  readonly chosen?: Chosen;
  /** As the person's own clients see it. */
  readonly composed: Composed;
  readonly settings: PresenceSettings;
}
export interface StateDesk {
  of(user: Address): Promise<StateSight>;
  /** The same as Session.choose, by an operator. */
  choose(user: Address, chosen: Chosen | undefined): Promise<Outcome>;
  /** Words that `choose` takes. */
  states(): readonly string[];
}

/** What a client may do for its user. Every call checks nothing but what is said: the face has signed the user in. */
export interface Session {
  readonly user: Address;
  readonly resource: string;
  /** To anybody: another user of the core goes there directly, everybody else through routing and the outbox. */
  say(said: Said): Promise<Outcome>;
  /**
   * This client's own presence to everybody who may see it; `closed` ends being seen through it. From the first `open` with a
   * priority that is not negative on the client is given what is addressed to the user (RFC 6121 §8.5.2), and what was kept; a
   * SIP client is from the start. With the first `open` it is also given the presence of its contacts and the requests that wait.
   */
  present(presence: OwnPresence): void;
  /** To one address only (RFC 6121 §4.6). */
  presentTo(to: Address, presence: OwnPresence): void;
  /** Hands this client what `to` shows to its user now, as presence items; `closed` under the bare address where that is nothing (RFC 6121 §4.3). */
  probe(to: Address): Promise<void>;
  /** Until it is reset, and over a restart: `undefined` is a reset. */
  choose(chosen: Chosen | undefined): Promise<Outcome>;
  /** What the user has chosen. */
  chosen(): Promise<Chosen | undefined>;
  readonly personal: Personal;
  subscription(verb: SubscriptionVerb, to: Address, message?: string): Promise<Outcome>;
  contacts(): Promise<{ readonly contacts: readonly Contact[]; readonly version: string }>;
  /** Adds or changes an entry; what is left out of `favourite` and `level` stays, `level: null` goes back to the default. */
  putContact(
    contact: Pick<Contact, 'address' | 'name' | 'groups'> & { readonly favourite?: boolean; readonly level?: Level | null },
  ): Promise<Outcome>;
  removeContact(address: Address): Promise<Outcome>;
  blocked(): Promise<readonly string[]>;
  block(addresses: readonly string[]): Promise<void>;
  unblock(addresses: readonly string[]): Promise<void>;
  /** The client is gone: its last presence is taken back. A resumable stream calls it when its time is over. */
  close(): void;
}

/** A user's contact list, grants and block list without a client that is signed in: for requests that stand alone. */
export type ContactDesk = Pick<
  Session,
  'user' | 'contacts' | 'putContact' | 'removeContact' | 'subscription' | 'blocked' | 'block' | 'unblock'
>;

/** What a person shows besides presence, field by field (lync-features.md A2). */
export type PersonField =
  | 'name'
  | 'mail'
  | 'title'
  | 'company'
  | 'office'
  | 'workPhone'
  | 'mobilePhone'
  | 'otherPhones'
  | 'photo'
  | 'location';

/** How somebody stands to a user of the core who has something to show. */
export interface Relation {
  /** It is the user. */
  readonly own: boolean;
  /** As the user's contact list has it: `from` and `both` see the user's presence. */
  readonly subscription: SubscriptionState;
  /** In which groups the user has them. */
  readonly groups: readonly string[];
  /** On the user's block list: nothing is answered at all (XEP-0191 §3.3). */
  readonly blocked: boolean;
  /** May they have this field, by their level? */
  sees(field: PersonField): boolean;
}

/** A client that is signed in, for operators. */
export interface ClientSight {
  readonly user: Address;
  readonly resource: string;
  readonly face: Client['face'];
  readonly connection: string;
  readonly address: string;
  /** Wall ms. */
  readonly since: number;
  /** Undefined: it has said nothing of presence. */
  readonly availability?: Availability;
}
/** Who is signed in. */
export interface ClientSights {
  list(): readonly ClientSight[];
  /** Ends the clients of one user, or one of them. @param user bare key @returns how many */
  end(user: string, resource: string | undefined, why: Reason): number;
}

/** The core. */
export interface Core {
  readonly signIn: SignIn;
  isUser(address: Address): Promise<boolean>;
  /** Is it an address of the core's own, whether there is such a user or not? In a split domain only those who live here are. */
  serves(address: Address): boolean;
  /** @returns undefined when `of` is no user, or is switched off */
  relation(of: Address, watcher: Address): Promise<Relation | undefined>;
  /** Users of the core who see the presence of this one, and whom no block list keeps apart. */
  watchers(of: Address): Promise<readonly Address[]>;
  /**
   * Binds a client. A resource of the same name that is open is ended with a conflict.
   * @param resource wished for; undefined: one is made @returns a Reason when the user has too many clients open
   */
  open(user: Address, resource: string | undefined, client: Client): Session | Reason;
  /** @param user bare, and a user */
  desk(user: Address): ContactDesk;
  readonly clients: ClientSights;
}
