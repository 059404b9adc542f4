// The catalogue of events: immutable values that cross the neck of land between the shores.
// An event is made once, in a shore's to-model/ room, and its `id` is in every log line afterwards.

import type { Address } from './address.ts';
import type { PresenceDocument } from './presence.ts';
import type { Reason } from './reason.ts';

export type Network = 'sip' | 'xmpp' | 'core';
export type Side = 'edge' | 'inside' | 'local';

/**
 * How a connection proved that it speaks for a domain.
 * `namedServer`: a certificate name that the partner's file lists. `discoveredServer`: a host that `_sipfederationtls._tcp`
 * inside the domain names. Both stand in for the domain's own name and are marked wherever a session is shown (DESIGN 6).
 * `posh`: a fingerprint that the domain publishes by HTTPS (RFC 7711), where the partner's file asks for it.
 */
export type ProofWord = 'certificate' | 'namedServer' | 'discoveredServer' | 'posh' | 'dialback' | 'inside' | 'account' | 'local' | 'none';

export interface Origin {
  readonly network: Network;
  readonly side: Side;
  /** The proven peer: a partner's domain, or the name of an inside server. */
  readonly peer: string;
  /** Id of the connection, as in the logs. */
  readonly connection: string;
  readonly proof: ProofWord;
  /** The peer's IP address, where there is a connection (`blocked: - { address: ... }`). */
  readonly address?: string;
}

interface EventBase {
  /** UUIDv7, minted at the border. */
  readonly id: string;
  /** Wall time in ms when it entered. */
  readonly at: number;
  readonly origin: Origin;
  readonly from: Address;
  readonly to: Address;
}

/** The identifiers the sender used on the wire: for dedup, receipts and `explain`. */
export interface SenderIds {
  /** XMPP stanza id or SIP transaction branch. */
  readonly wireId?: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** XEP-0359 origin-id, or IMDN Message-ID (RFC 5438). */
  readonly messageId?: string;
  /** The dedup key (DESIGN 8); absent: the sender gave nothing to tell copies apart. */
  readonly dedupKey?: string;
}

/**
 * The id under which its sender's client knows a message, for receipts and errors about it: on XMPP the stanza id (XEP-0184 §3,
 * RFC 6120 §8.3.1), on SIP the IMDN Message-ID (RFC 5438 §7.2.1.1). Where the client gave none, what comes nearest.
 * @param sender the network that the message came from
 */
export function knownAs(sender: Network, message: Pick<SenderIds, 'wireId' | 'messageId'> & { readonly id: string }): string {
  const { id, wireId, messageId } = message;
  return (sender === 'xmpp' ? (wireId ?? messageId) : (messageId ?? wireId)) ?? id;
}

export type ChatState = 'active' | 'composing' | 'paused' | 'inactive' | 'gone';

export interface ImSent extends EventBase {
  readonly kind: 'im.sent';
  readonly body: string;
  readonly lang?: string;
  readonly subject?: string;
  /** Conversation id as the sender wrote it: XMPP thread, or SIP Call-ID. */
  readonly thread?: string;
  /** `chat` when the sender's client meant a conversation window, `normal` for a single message. */
  readonly style: 'chat' | 'normal';
  /** Which receipts the sender asked for. */
  readonly wants: { readonly delivered: boolean; readonly displayed: boolean };
  readonly ids: SenderIds;
  /** SIP hops it may still take (Max-Forwards of the request, less one); absent when it came from elsewhere. */
  readonly hopsLeft?: number;
}

export interface ImComposing extends EventBase {
  readonly kind: 'im.composing';
  readonly state: ChatState;
  readonly thread?: string;
}

/** A receipt travels against the message it is about: `from` is who received that message. */
export interface ImReceipt extends EventBase {
  readonly kind: 'im.receipt';
  /** The id the original was sent under, as its sender will recognise it (their messageId or wireId). */
  readonly about: string;
  readonly status: 'delivered' | 'displayed' | 'failed';
  /** Why, for `failed`. */
  readonly reason?: Reason;
  readonly thread?: string;
}

/** A watcher asks to see a presentity (XMPP subscribe; a SIP SUBSCRIBE without a live authorization). */
export interface PresenceRequested extends EventBase {
  readonly kind: 'presence.requested';
  readonly message?: string;
}
/** `from` is the presentity, who lets `to` see it. */
export interface PresenceGranted extends EventBase {
  readonly kind: 'presence.granted';
}
/** `from` is the presentity, who refuses or withdraws. */
export interface PresenceDenied extends EventBase {
  readonly kind: 'presence.denied';
  /** Present when a server said no (SIP 403, a stanza error); absent when it is the presentity's own word. */
  readonly cause?: Reason;
}

/** Why a view of somebody's presence ended (RFC 6665 §4.1.3 reasons and our own). */
export type EndReason =
  | 'unsubscribed'
  | 'deactivated'
  | 'probation'
  | 'rejected'
  | 'timeout'
  | 'giveup'
  | 'noresource'
  | 'invariant'
  | 'unreachable';

/** The view ended, whether by the watcher (`by: 'watcher'`, `from` is the watcher) or by the presentity's side. */
export interface PresenceEnded extends EventBase {
  readonly kind: 'presence.ended';
  readonly by: 'watcher' | 'presentity';
  readonly reason: EndReason;
  /** When the asking shore may try again. */
  readonly retry: 'now' | 'never' | { readonly afterMs: number };
  readonly cause?: Reason;
}

/** `from` is the presentity, `to` the watcher the document was made for and nobody else. */
export interface PresenceNotified extends EventBase {
  readonly kind: 'presence.notified';
  /** `full`: the whole of what is shown. `partial`: only these endpoints changed (an XMPP stanza is about one resource). */
  readonly scope: 'full' | 'partial';
  readonly document: PresenceDocument;
  /** Ids of the endpoints that changed since the last document for this watcher; absent: take all as changed. */
  readonly changed?: readonly string[];
}
/** `from` is the watcher, who wants the present state now. */
export interface PresenceProbed extends EventBase {
  readonly kind: 'presence.probed';
}
/** The watcher has come online or a dialog of theirs lives. */
export interface PresenceWatcherOnline extends EventBase {
  readonly kind: 'presence.watcherOnline';
}
/** The watcher's last endpoint has left, or their dialog has lapsed. */
export interface PresenceWatcherOffline extends EventBase {
  readonly kind: 'presence.watcherOffline';
  /** Nothing is to be written to the presentity: the watcher's own presence says it, or the watcher only fell silent. */
  readonly quiet?: boolean;
}

export type PresenceEvent =
  | PresenceRequested
  | PresenceGranted
  | PresenceDenied
  | PresenceEnded
  | PresenceNotified
  | PresenceProbed
  | PresenceWatcherOnline
  | PresenceWatcherOffline;

export type Event = ImSent | ImComposing | ImReceipt | PresenceEvent;
