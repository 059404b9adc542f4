// One SIP dialog: RFC 3261 §12, as RFC 6665 uses it. It holds identifiers, numbers and the route set, builds the requests inside
// it and judges those that come; what they mean is notifier.ts' and subscriber.ts' business. Values of others are kept as they
// were written and returned so (Request-URI, Route). A record survives a restart: local CSeq numbers are reserved in blocks, so
// that one is never used twice (§12.2.2 allows gaps).

import { splitLines } from './headers/grammar.ts';
import { parseNameAddr, printNameAddr } from './headers/name-addr.ts';
import type { HeaderList, SipRequest, SipResponse } from './message.ts';
import { parseSipUri } from './uri.ts';

const CSEQ_BLOCK = 1000;
/** Numbers left in the block when the record should be written again. */
const CSEQ_RESERVE = 200;

/** What is kept, as JSON. */
export interface DialogData {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To lines of our requests, without tags. */
  readonly local: string;
  readonly remote: string;
  /** The peer's Contact URI: the Request-URI of what we send. */
  readonly target: string;
  /** Route values in the order in which we send them. */
  readonly routes: readonly string[];
  /** Numbers up to this one may have been used. */
  readonly localCseq: number;
  readonly remoteCseq?: number;
}

/** A request inside the dialog; Via, Max-Forwards and Contact are still to be added. */
export interface DialogRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: HeaderList;
}

export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #routes: readonly string[];
  #target: string;
  #localCseq: number;
  #reservedCseq: number;
  #remoteCseq: number | undefined;

  private constructor(data: DialogData) {
    this.callId = data.callId;
    this.localTag = data.localTag;
    this.remoteTag = data.remoteTag;
    this.#local = data.local;
    this.#remote = data.remote;
    this.#routes = data.routes;
    this.#target = data.target;
    this.#localCseq = data.localCseq;
    this.#reservedCseq = data.localCseq;
    this.#remoteCseq = data.remoteCseq;
  }

  /**
   * The dialog that a request founds at the one who answers it (RFC 3261 §12.1.1).
   * @param localTag the To tag of our answer
   * @returns undefined when the request has no usable Contact
   */
  static asServer(request: SipRequest, localTag: string): Dialog | undefined {
    const headers = request.headers;
    const from = parseNameAddr(headers.get('from') ?? '');
    const to = parseNameAddr(headers.get('to') ?? '');
    const target = targetOf(headers.get('contact'));
    const routes = splitLines(headers.all('record-route'));
    const callId = headers.get('call-id');
    const remoteCseq = Number.parseInt(headers.get('cseq') ?? '', 10);
    if (from?.tag === undefined || to === undefined || target === undefined || routes === undefined || callId === undefined)
      return undefined;
    if (Number.isNaN(remoteCseq)) return undefined;
    const data = { callId, localTag, remoteTag: from.tag, local: line(to), remote: line(from), target, routes, localCseq: 0, remoteCseq };
    return new Dialog(data);
  }

  /**
   * The dialog that a request of ours founds (RFC 3261 §12.1.2), by its 2xx - or, as RFC 6665 §4.1.2.4 wants it, by the first
   * NOTIFY, which may overtake the 2xx: its From is the remote side then.
   * @param sent what we sent: Call-ID, From line without tag, From tag, To line, CSeq number
   */
  static asClient(
    sent: { readonly callId: string; readonly from: string; readonly fromTag: string; readonly to: string; readonly cseq: number },
    founder: SipResponse | SipRequest,
  ): Dialog | undefined {
    const headers = founder.headers;
    const remote = parseNameAddr(headers.get(founder.kind === 'response' ? 'to' : 'from') ?? '');
    const target = targetOf(headers.get('contact'));
    const recorded = splitLines(headers.all('record-route'));
    if (remote?.tag === undefined || target === undefined || recorded === undefined) return undefined;
    // §12.1.2: a response lists the hops in the request's order, we are at its other end; a NOTIFY is a request (§12.1.1).
    const routes = founder.kind === 'response' ? recorded.toReversed() : recorded;
    const { callId, fromTag, cseq } = sent;
    const remoteCseq = founder.kind === 'request' ? { remoteCseq: Number.parseInt(headers.get('cseq') ?? '0', 10) } : {};
    const data = {
      callId,
      localTag: fromTag,
      remoteTag: remote.tag,
      local: sent.from,
      remote: sent.to,
      target,
      routes,
      localCseq: cseq,
      ...remoteCseq,
    };
    return new Dialog(data);
  }

  static fromRecord(data: DialogData): Dialog {
    // A restart does not know how many of the reserved numbers were used: it begins behind them all, with none reserved.
    return new Dialog(data);
  }

  /** What to keep. Extends the reservation of CSeq numbers when it runs low, so the record must then be stored. */
  toRecord(): DialogData {
    if (this.#reservedCseq - this.#localCseq < CSEQ_RESERVE) this.#reservedCseq = this.#localCseq + CSEQ_BLOCK;
    return {
      callId: this.callId,
      localTag: this.localTag,
      remoteTag: this.remoteTag,
      local: this.#local,
      remote: this.#remote,
      target: this.#target,
      routes: this.#routes,
      localCseq: this.#reservedCseq,
      ...(this.#remoteCseq === undefined ? {} : { remoteCseq: this.#remoteCseq }),
    };
  }

  /** True when few reserved numbers are left, or none were reserved yet: store `toRecord()` before more are used. */
  get wantsSaving(): boolean {
    return this.#reservedCseq - this.#localCseq < CSEQ_RESERVE;
  }

  get id(): string {
    return `${this.callId} ${this.localTag} ${this.remoteTag}`;
  }

  get target(): string {
    return this.#target;
  }

  /**
   * The next request inside the dialog (RFC 3261 §12.2.1.1).
   * @param headers those of the request itself: Event, Subscription-State, Content-Type, ...
   */
  nextRequest(method: string, headers: HeaderList): DialogRequest {
    this.#localCseq += 1;
    if (this.#localCseq > this.#reservedCseq) this.#reservedCseq = this.#localCseq + CSEQ_BLOCK;
    const [first, ...rest] = this.#routes;
    // §12.2.1.1: a first hop without `lr` is a strict router of RFC 2543: it wants to be the Request-URI.
    const strict = first === undefined || isLoose(first) ? undefined : parseNameAddr(first)?.uri;
    const routes = strict === undefined ? this.#routes : [...rest, `<${this.#target}>`];
    return {
      method,
      uri: strict ?? this.#target,
      headers: [
        ...routes.map((route): readonly [string, string] => ['Route', route]),
        ['From', `${this.#local};tag=${this.localTag}`],
        ['To', `${this.#remote};tag=${this.remoteTag}`],
        ['Call-ID', this.callId],
        ['CSeq', `${this.#localCseq} ${method}`],
        ...headers,
      ],
    };
  }

  /**
   * Takes a request inside the dialog (RFC 3261 §12.2.2): numbers must grow, and a Contact refreshes the target.
   * @returns the status to refuse it with: 500 out of order, 481 another dialog; undefined when it is in order
   */
  receive(request: SipRequest): 481 | 500 | undefined {
    const from = parseNameAddr(request.headers.get('from') ?? '');
    if (request.headers.get('call-id') !== this.callId || from?.tag !== this.remoteTag) return 481;
    const cseq = Number.parseInt(request.headers.get('cseq') ?? '', 10);
    if (Number.isNaN(cseq) || (this.#remoteCseq !== undefined && cseq <= this.#remoteCseq)) return 500;
    this.#remoteCseq = cseq;
    this.refreshTarget(request);
    return undefined;
  }

  /** SUBSCRIBE, NOTIFY and their 2xx are target refreshes (RFC 6665 §4.4.1). The route set never changes. */
  refreshTarget(message: SipRequest | SipResponse): void {
    this.#target = targetOf(message.headers.get('contact')) ?? this.#target;
  }
}

/** The URI of a Contact that can be a Request-URI. */
function targetOf(contact: string | undefined): string | undefined {
  if (contact === undefined) return undefined;
  const uri = parseNameAddr(splitLines([contact])?.[0] ?? '')?.uri;
  const read = uri === undefined ? undefined : parseSipUri(uri);
  // RFC 3261 §19.1.1 table 1: no headers in a Request-URI.
  return read !== undefined && (read.scheme === 'sip' || read.scheme === 'sips') && read.headers === undefined ? uri : undefined;
}

function isLoose(route: string): boolean {
  const uri = parseNameAddr(route)?.uri;
  return uri === undefined || parseSipUri(uri)?.params.has('lr') !== false;
}

/** From and To of ours: name and URI, no parameters (§12.2.1.1 wants the URI, the tags are added). */
function line(address: { readonly uri: string; readonly displayName?: string }): string {
  return printNameAddr({ uri: address.uri, ...(address.displayName === undefined ? {} : { displayName: address.displayName }) });
}
