// A stanza as clients of this face pass it to each other: everything but its addresses, as text that is put into their streams
// as it is (model/core.ts FacePayload). Only what stands here is ever written unparsed, and all of it was printed by print.ts.

import type { FacePayload } from '../../../model/core.ts';
import { type Element, elements } from '../element.ts';
import { NS } from '../names.ts';
import { escapeAttribute, printElement } from '../print.ts';

/** The stanza without its addresses. @param stanza in `jabber:client`, as it came */
export function payloadOf(stanza: Element, ourDomain: string): FacePayload {
  const { from: _from, to: _to, ...attrs } = stanza.attrs;
  const children = stanza.children.filter((part) => typeof part === 'string' || !isOurs(part, ourDomain));
  return { face: 'xmpp', text: printElement({ ...stanza, attrs, children }, NS.client) };
}

/** What only a server may say: XEP-0359 §5 rule 2 (a stanza-id that we did not give), and a delay in our name. */
function isOurs(part: Element, ourDomain: string): boolean {
  if (part.ns === NS.stanzaIds) return part.name === 'stanza-id';
  return part.ns === NS.delay && (part.attrs.from === undefined || part.attrs.from === ourDomain);
}

/**
 * The stanza again, between two addresses.
 * @param attrs `from` and `to`, and what else the stanza does not have yet
 * @param more children for its end, printed
 */
export function stanzaOf(payload: string, attrs: Readonly<Record<string, string | undefined>>, more = ''): string {
  const head = /^<[a-z]+/.exec(payload)?.[0] ?? '';
  let added = '';
  for (const [name, value] of Object.entries(attrs)) if (value !== undefined) added += ` ${name}='${escapeAttribute(value)}'`;
  const rest = payload.slice(head.length);
  if (more === '') return head + added + rest;
  const name = head.slice(1);
  const open = rest.endsWith(`</${name}>`) ? rest.slice(0, -(name.length + 3)) : `${rest.slice(0, -2)}>`;
  return `${head}${added}${open}${more}</${name}>`;
}

/** Has the stanza names that would be written with a prefix which a client's stream does not declare? */
export function breaksStreams(stanza: Element): boolean {
  return stanza.ns === NS.streams || stanza.ns === NS.dialback || elements(stanza).some(breaksStreams);
}
