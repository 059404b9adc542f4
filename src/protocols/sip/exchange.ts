// What the exchange layer (shore.ts) and the rooms behind it say to each other: requests that came in and were found in order,
// the replies to them, requests to be sent and what became of them. Types only.

import type { ProofWord, Side } from '../../model/event.ts';
import type { Peer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { NameAddr } from './headers/name-addr.ts';
import type { HeaderList, SipRequest, SipResponse } from './message.ts';
import type { SipUri } from './uri.ts';

/** A request that has passed intake.ts: readable, not looping, from a domain this connection has proven, for a domain of ours. */
export interface InboundRequest {
  readonly message: SipRequest;
  /** Id of the connection, as in the logs. */
  readonly connection: string;
  readonly side: Side;
  readonly peer: Peer;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly fromUri: SipUri;
  /** The Request-URI, read. */
  readonly uri: SipUri;
  /** Of the From URI, lower-case A-labels: the proven one. */
  readonly fromDomain: string;
  /** Of the Request-URI. In a dialog it may be our own host. */
  readonly toDomain: string;
  /** How `fromDomain` was proven. */
  readonly proof: ProofWord;
  readonly callId: string;
  readonly cseq: number;
  readonly fromTag: string;
  /** Present inside a dialog. */
  readonly toTag?: string;
  /** Top Via branch. */
  readonly branch: string;
  /** As received (70 when absent); what crosses the bridge to SIP carries one less. */
  readonly maxForwards: number;
}

/** The answer to a request. The shore adds Via, From, To (with a tag), Call-ID, CSeq and Record-Route. */
export interface OutgoingReply {
  readonly status: number;
  /** Default: the usual phrase. */
  readonly phrase?: string;
  readonly headers?: HeaderList;
  readonly body?: Uint8Array | string;
  /** The To tag when the reply founds a dialog; default: a fresh one. */
  readonly toTag?: string;
}

/** Answers within 32 s, or the answer is not sent any more (RFC 4320). A rejection is a defect of ours: 500. */
export type Handler = (request: InboundRequest) => Promise<OutgoingReply>;

/** Methods that have handlers; everything else is answered 405, OPTIONS by the shore itself. */
export type HandledMethod = 'MESSAGE' | 'SUBSCRIBE' | 'NOTIFY';

/** The connection a request is about to leave on, for headers that depend on it. */
export interface Route {
  readonly side: Side;
  readonly connection: string;
  readonly transport: 'TLS' | 'TCP';
  /** What Contact carries: `sip:[user@]host[:port];transport=...`, without brackets. */
  contactUri(user?: string): string;
}

export interface RequestOptions {
  /** For the whole exchange, fail-over included, in ms. Default and most: 32,000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Called once, when the bytes are first on a connection. */
  readonly written?: () => void;
  /** Default 70. */
  readonly maxForwards?: number;
}

/** Builds the request for one try. No Via, Max-Forwards, Route: the shore adds those. Call-ID, CSeq and From tag stay the same in every try. */
export type BuildRequest = (route: Route) => {
  readonly method: string;
  readonly uri: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string;
};

/** What became of a request of ours. */
export type SipAnswer =
  /** A final response, whatever it says. `tries` above 1: an earlier try may have arrived too, so a 482 can mean that it did. */
  | { readonly kind: 'response'; readonly response: SipResponse; readonly connection: string; readonly tries: number }
  /** No response: no way there, nobody proved to be the domain, the connection died, or time ran out. */
  | { readonly kind: 'failed'; readonly reason: Reason };
