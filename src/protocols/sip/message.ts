// The SIP messages as the rest of this shore sees them. parse.ts makes them from frames without copying: header values
// are found on demand (DESIGN 12). print.ts makes bytes of the outgoing kind.

/** Header access, case-insensitive, compact forms resolved to the long lower-case name (RFC 3261 §7.3.3). */
export interface SipHeaders {
  /** The first value, unfolded and trimmed; undefined when absent. `name` is the long form in lower case. */
  get(name: string): string | undefined;
  /** Every header line of that name, unfolded, in order, not split at commas. */
  all(name: string): readonly string[];
  /** All header lines in order, with the name as received. */
  entries(): readonly (readonly [name: string, value: string])[];
}

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  /** Request-URI exactly as received. */
  readonly uri: string;
  readonly headers: SipHeaders;
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly phrase: string;
  readonly headers: SipHeaders;
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

/** Header lines to be printed in this order. Content-Length is added by print.ts. Values must hold no CR, LF or NUL. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface OutgoingRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string;
}

export interface OutgoingResponse {
  readonly status: number;
  readonly phrase: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string;
}
