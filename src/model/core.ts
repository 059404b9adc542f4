// The core as its faces see it (DESIGN 9): people who sign in, their contacts, what is said to them and about whom they see
// presence. A face (XMPP c2s, SIP registrar) opens a session for each client and speaks its own protocol on the other side;
// it knows no other face. A person who uses two faces is one person: what one client says the others hear.

import type { Address } from './address.ts';
import type { ImComposing, ImReceipt, ImSent } from './event.ts';
import type { Outcome } from './outcome.ts';
import type { Availability, Note, Show } from './presence.ts';
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
}

/** What only clients of one face understand, carried beside the event and never looked into by the core. */
export interface FacePayload {
  readonly face: 'xmpp' | 'sip';
  readonly text: string;
}

/** What is said: an event of the model, and the rest of it for clients of the same face. */
export interface Said {
  readonly event: ImSent | ImComposing | ImReceipt;
  readonly payload?: FacePayload;
  /** XEP-0359: the id under which the archive of the session's user has it; absent: not archived. */
  readonly archiveId?: string;
  /** XEP-0280: a copy of what another client of the same user sent, or was sent. */
  readonly copyOf?: 'sent' | 'received';
  /** Wall ms at which it was first said, when it comes late (XEP-0203). */
  readonly delayedSince?: number;
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

/** What the core hands to a client. */
export type Item =
  | ({ readonly kind: 'said' } & Said)
  /** One endpoint of somebody that this user may see changed, was asked for, or is gone (`availability: closed`). */
  | { readonly kind: 'presence'; readonly from: Address; readonly presence: OwnPresence }
  | { readonly kind: 'subscription'; readonly verb: SubscriptionVerb; readonly from: Address; readonly message?: string }
  /** The contact list changed; `removed`: the entry is gone. */
  | { readonly kind: 'contact'; readonly contact: Contact; readonly removed: boolean; readonly version: string };

/** One client of a user as the core sees it: made by a face. */
export interface Client {
  readonly face: 'xmpp' | 'sip';
  readonly connection: string;
  readonly address: string;
  /** Wants its contact list pushed, its copies, presence; a SIP binding that only takes messages wants none of them. */
  readonly wants: { readonly contacts: boolean; readonly copies: boolean; readonly presence: boolean };
  /** Resolves true once the client has it (an ack, a 2xx); false: it has not, and never will. Never rejects. */
  take(item: Item): Promise<boolean>;
  /** The core ends it: signed in elsewhere under the same resource, disabled, closed by an operator. */
  end(why: Reason): void;
}

/** What a client may do for its user. Every call checks nothing but what is said: the face has signed the user in. */
export interface Session {
  readonly user: Address;
  readonly resource: string;
  /** To anybody: another user of the core goes there directly, everybody else through routing and the outbox. */
  say(said: Said): Promise<Outcome>;
  /** This client's own presence to everybody who may see it; `closed` ends being seen through it. */
  present(presence: OwnPresence): void;
  /** To one address only (RFC 6121 §4.6). */
  presentTo(to: Address, presence: OwnPresence): void;
  subscription(verb: SubscriptionVerb, to: Address, message?: string): Promise<Outcome>;
  contacts(): Promise<{ readonly contacts: readonly Contact[]; readonly version: string }>;
  putContact(contact: Pick<Contact, 'address' | 'name' | 'groups'>): Promise<Outcome>;
  removeContact(address: Address): Promise<Outcome>;
  blocked(): Promise<readonly string[]>;
  block(addresses: readonly string[]): Promise<void>;
  unblock(addresses: readonly string[]): Promise<void>;
  /** The client is gone. @param present its last presence is taken back; a resumable stream calls it when its time is over */
  close(): void;
}

/** The core. */
export interface Core {
  readonly signIn: SignIn;
  isUser(address: Address): boolean;
  /** Binds a client. A resource of the same name that is open is ended with a conflict. @param resource wished for; undefined: one is made */
  open(user: Address, resource: string | undefined, client: Client): Session;
}
