// Stream headers (RFC 6120 §4.7): what both roles must find in the other's before anything is said.

import type { StreamFrame } from '../framing.ts';
import { prepareDomain } from '../precis.ts';
import type { StreamError } from '../stream-error.ts';

/** A header as the steps see it: domains prepared, `undefined` where absent. */
export interface Header {
  readonly from?: string;
  readonly to?: string;
  readonly id?: string;
  /** Does it declare the dialback namespace? */
  readonly dialback: boolean;
}

/** Reads a header; a StreamError when it cannot be answered as a stream between servers of version 1.0. */
export function readHeader(frame: Extract<StreamFrame, { kind: 'open' }>): Header | StreamError {
  const { attrs, dialback } = frame;
  // RFC 6120 §4.7.5: no version means 0.9, which knows no features and so no TLS.
  const major = /^(\d{1,5})\.\d{1,5}$/.exec(attrs.version ?? '')?.[1];
  if (major === undefined || Number(major) < 1) return { condition: 'unsupported-version', text: 'version 1.0 or later is needed' };
  const from = attrs.from === undefined ? undefined : prepareDomain(attrs.from);
  const to = attrs.to === undefined ? undefined : prepareDomain(attrs.to);
  // RFC 6120 §4.9.3.9, §4.9.3.6: an address that no domain can have.
  if (attrs.from !== undefined && from === undefined) return { condition: 'invalid-from', text: 'from is not a domain' };
  if (attrs.to !== undefined && to === undefined) return { condition: 'host-unknown', text: 'to is not a domain' };
  const { id } = attrs;
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(id === undefined || id === '' ? {} : { id: id.slice(0, 256) }),
    dialback,
  };
}
