// Stream errors (RFC 6120 §4.9): the conditions, the element that carries one, and what a peer's error tells us.
// A stream error always ends the stream; whoever sends one closes it right after.

import type { FinerCode } from '../../model/diagnosis.ts';
import type { Reason } from '../../model/reason.ts';
import { type Element, element, elements, text } from './element.ts';
import { NS } from './names.ts';

/** RFC 6120 §4.9.3, in its order. */
const STREAM_ERROR_CONDITIONS = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const;
export type StreamErrorCondition = (typeof STREAM_ERROR_CONDITIONS)[number];

/** Why a stream ends with an error: what the peer is told. */
export interface StreamError {
  readonly condition: StreamErrorCondition;
  /** One English sentence for the other administrator. */
  readonly text?: string;
}

const KNOWN: ReadonlySet<string> = new Set(STREAM_ERROR_CONDITIONS);

/** The condition and what was said with it, for people. */
export function inWords(error: { readonly condition: string; readonly text?: string | undefined }): string {
  return error.text === undefined ? error.condition : `${error.condition} (${error.text})`;
}

/** The peer's stream error as a diagnosis; undefined for the conditions that are nobody's fault or tell nothing. */
export function finerOf({ condition, text: words }: StreamError): FinerCode | undefined {
  switch (condition) {
    case 'host-unknown':
    case 'host-gone':
      return 'XMPP_HOST_UNKNOWN';
    case 'not-authorized':
    case 'invalid-from':
      // Servers that insist on clientAuth say so in their text: "unsupported certificate purpose".
      return /purpose|unsupported certificate/i.test(words ?? '') ? 'OUR_CERT_PURPOSE_REFUSED' : 'XMPP_NOT_AUTHORIZED';
    case 'policy-violation':
      return 'XMPP_POLICY_VIOLATION';
    case 'remote-connection-failed':
      return 'XMPP_REMOTE_CONNECTION_FAILED';
    default:
      return undefined;
  }
}

/** What a stream that an operator ends, or a policy that no longer knows its partner, says last. The partner learns no more than that. */
export function goodbye(why: Reason): StreamError {
  if (why.code === 'SHUTTING_DOWN') return { condition: 'system-shutdown' };
  // RFC 6120 §4.9.3.14. Blocked, removed and not permitted read alike (DESIGN 7).
  if (why.blame === 'policy') return { condition: 'policy-violation', text: 'this server no longer exchanges messages with yours' };
  // RFC 6120 §4.9.3.16: come again, from the beginning.
  return { condition: 'reset', text: 'closed by the operator of this server' };
}

/** The `<stream:error/>` to send. */
export function streamErrorElement(error: StreamError): Element {
  const children: Element[] = [element(error.condition, NS.streamErrors)];
  if (error.text !== undefined) children.push(element('text', NS.streamErrors, { 'xml:lang': 'en' }, [error.text]));
  return element('error', NS.streams, {}, children);
}

/** Reads a peer's `<stream:error/>`; a condition that no RFC names reads as `undefined-condition` (RFC 6120 §4.9.3.21). */
export function readStreamError(received: Element): StreamError {
  let condition: StreamErrorCondition = 'undefined-condition';
  let words: string | undefined;
  for (const child of elements(received)) {
    if (child.ns !== NS.streamErrors) continue;
    if (child.name === 'text') words = text(child).slice(0, 500);
    else if (KNOWN.has(child.name)) condition = child.name as StreamErrorCondition; // the set was made from that type's members
  }
  return { condition, ...(words === undefined || words === '' ? {} : { text: words }) };
}
