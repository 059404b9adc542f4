// First-level elements -> stanzas: which kind, from whom to whom. Pure; the addresses are read, not yet believed.
// Also whole documents -> one Element, for XML that arrives elsewhere than on a stream.

import type { Reason } from '../../model/reason.ts';
import type { Element } from './element.ts';
import { XmlStreamReader } from './framing.ts';
import { type Jid, parseJid } from './jid.ts';
import { NS } from './names.ts';
import { escapeAttribute, STREAM_CLOSE } from './print.ts';
import { LIMITS_AFTER_AUTH } from './stream-limits.ts';

export type StanzaKind = 'message' | 'presence' | 'iq';

export interface Stanza {
  readonly kind: StanzaKind;
  readonly id?: string;
  readonly type?: string;
  readonly from: Jid;
  readonly to: Jid;
  readonly element: Element;
}

/** Why an element is no stanza that can be delivered; `what` says which stream error answers it. */
export type StanzaFault =
  /** RFC 6120 §4.9.3.24: the first-level element is none of the three. */
  | { readonly fault: 'notAStanza' }
  /** RFC 6120 §8.1.1.2: on s2s both `from` and `to` must be there and be JIDs. */
  | { readonly fault: 'addressing'; readonly which: 'from' | 'to'; readonly reason?: Reason };

const KINDS: ReadonlySet<string> = new Set(['message', 'presence', 'iq']);

/** Is it a message, presence or iq of that content namespace? */
export function isStanza(element: Element, contentNs: string = NS.server): boolean {
  return element.ns === contentNs && KINDS.has(element.name);
}

/** Reads kind and addresses of a first-level element. @param contentNs namespace of the stream it came on */
export function parseStanza(element: Element, contentNs: string = NS.server): Stanza | StanzaFault {
  if (!isStanza(element, contentNs)) return { fault: 'notAStanza' };
  const from = address(element, 'from');
  if ('fault' in from) return from;
  const to = address(element, 'to');
  if ('fault' in to) return to;
  const { id, type } = element.attrs;
  return {
    kind: element.name as StanzaKind, // isStanza looked it up
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type }),
    from,
    to,
    element,
  };
}

function address(element: Element, which: 'from' | 'to'): Jid | StanzaFault {
  const value = element.attrs[which];
  if (value === undefined) return { fault: 'addressing', which };
  const jid = parseJid(value);
  return 'code' in jid ? { fault: 'addressing', which, reason: jid } : jid;
}

/**
 * Reads one element that stands alone, under the same guard and limits as a stream.
 * @param defaultNs the namespace of names that declare none
 * @returns undefined when it is not exactly one well-formed element without comments, instructions and declarations
 */
export function parseElement(xml: string, defaultNs: string = NS.server, limits = LIMITS_AFTER_AUTH): Element | undefined {
  const reader = new XmlStreamReader(limits, defaultNs);
  const header = `<stream:stream xmlns='${escapeAttribute(defaultNs)}' xmlns:stream='${NS.streams}' xmlns:db='${NS.dialback}'>`;
  if (reader.push(Buffer.from(header))[0]?.kind !== 'open') return undefined;
  const [first, ...more] = reader.push(Buffer.from(xml));
  const [close] = reader.push(Buffer.from(STREAM_CLOSE));
  return first?.kind === 'element' && more.length === 0 && close?.kind === 'close' ? first.element : undefined;
}
