// Every bound of a stream (security.md's table: XML stanza, XML bombs), in bytes or counts. A peer that passes one gets
// `policy-violation` and the end of its stream.

export interface StreamLimits {
  /** One first-level element, or the stream header. */
  readonly stanzaBytes: number;
  /** The stream itself counts as one. */
  readonly depth: number;
  readonly attributes: number;
  readonly attributeBytes: number;
  readonly nameBytes: number;
  /** Child elements of the stanza itself, and of each element below. */
  readonly children: number;
  readonly nestedChildren: number;
  /** White space between stanzas (RFC 6120 §4.6.1 keep-alives) in one window. */
  readonly whitespaceBytes: number;
  readonly whitespaceWindowMs: number;
}

export const LIMITS_BEFORE_AUTH: StreamLimits = {
  stanzaBytes: 10 * 1024,
  depth: 32,
  attributes: 64,
  attributeBytes: 8 * 1024,
  nameBytes: 256,
  children: 256,
  nestedChildren: 1024,
  whitespaceBytes: 256,
  whitespaceWindowMs: 60_000,
};
export const LIMITS_AFTER_AUTH: StreamLimits = { ...LIMITS_BEFORE_AUTH, stanzaBytes: 64 * 1024, whitespaceBytes: 1024 };
