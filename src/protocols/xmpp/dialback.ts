// Server dialback (XEP-0220): keys (XEP-0185), its four elements, and what an answer must match. Only over TLS and only where
// a partner's file asks for it; what it proves is marked `dialback` wherever it is shown. Pure; the secret comes in.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { child, type Element, element, elements, text } from './element.ts';
import { NS } from './names.ts';
import { displayDomain, prepareDomain } from './precis.ts';

/** Whom a key speaks for: `originating` asks to send to `receiving`, on the stream that `receiving` gave that id. */
export interface KeyFacts {
  readonly receiving: string;
  readonly originating: string;
  readonly streamId: string;
}

/** XEP-0185 §3: hex HMAC-SHA256 over "receiving originating id", keyed with the hex text of the secret's SHA-256. */
export function dialbackKey(secret: string, facts: KeyFacts): string {
  const key = createHash('sha256').update(secret).digest('hex');
  return createHmac('sha256', key).update(`${facts.receiving} ${facts.originating} ${facts.streamId}`).digest('hex');
}

/** Did we make this key for those facts? */
export function isOurKey(secret: string, facts: KeyFacts, key: string): boolean {
  const ours = Buffer.from(dialbackKey(secret, facts));
  const theirs = Buffer.from(key);
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/** XEP-0220 §2.5: why a key could be neither confirmed nor denied. */
export type DialbackError =
  | 'item-not-found'
  | 'not-acceptable'
  | 'not-authorized'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'remote-server-not-found'
  | 'remote-server-timeout'
  | 'resource-constraint';

export type Verdict = { readonly is: 'valid' } | { readonly is: 'invalid' } | { readonly is: 'error'; readonly error: DialbackError };

/** A dialback element of a peer, its addresses prepared. */
export type Dialback =
  | { readonly kind: 'resultAsked'; readonly from: string; readonly to: string; readonly key: string }
  | { readonly kind: 'resultAnswered'; readonly from: string; readonly to: string; readonly verdict: Verdict; readonly text: string }
  | { readonly kind: 'verifyAsked'; readonly from: string; readonly to: string; readonly id: string; readonly key: string }
  | { readonly kind: 'verifyAnswered'; readonly from: string; readonly to: string; readonly id: string; readonly verdict: Verdict };

/** Reads a `db:` element; undefined when it is none of the four. */
export function readDialback(received: Element): Dialback | undefined {
  if (received.ns !== NS.dialback) return undefined;
  const from = prepareDomain(received.attrs.from ?? '');
  const to = prepareDomain(received.attrs.to ?? '');
  const { id, type } = received.attrs;
  if (from === undefined || to === undefined) return undefined;
  const key = text(received).trim();
  if (received.name === 'result') {
    if (type === undefined) return { kind: 'resultAsked', from, to, key };
    const { verdict, words } = readVerdict(received, type);
    return { kind: 'resultAnswered', from, to, verdict, text: words };
  }
  if (received.name !== 'verify' || id === undefined) return undefined;
  if (type === undefined) return { kind: 'verifyAsked', from, to, id, key };
  return { kind: 'verifyAnswered', from, to, id, verdict: readVerdict(received, type).verdict };
}

function readVerdict(received: Element, type: string): { readonly verdict: Verdict; readonly words: string } {
  if (type === 'valid') return { verdict: { is: 'valid' }, words: 'valid' };
  if (type === 'invalid') return { verdict: { is: 'invalid' }, words: 'invalid' };
  const inner = child(received, 'error', NS.server);
  const condition = inner === undefined ? undefined : elements(inner).find((node) => node.ns === NS.stanzas && node.name !== 'text')?.name;
  return { verdict: { is: 'error', error: 'remote-server-timeout' }, words: condition ?? 'error without a condition' };
}

/** `<db:result>` with a key: we ask to send as `from`. */
export function askResult(from: string, to: string, key: string): Element {
  return element('result', NS.dialback, addresses(from, to), [key]);
}
/** `<db:verify>` with a key: we ask the domain's own server whether it made it. */
export function askVerify(from: string, to: string, id: string, key: string): Element {
  return element('verify', NS.dialback, { ...addresses(from, to), id }, [key]);
}
/** The answer to `<db:result>`. @param from the domain that was to receive */
export function answerResult(from: string, to: string, verdict: Verdict): Element {
  return element('result', NS.dialback, { ...addresses(from, to), type: verdict.is }, errorOf(verdict));
}
/** The answer to `<db:verify>`. */
export function answerVerify(from: string, to: string, id: string, verdict: Verdict): Element {
  return element('verify', NS.dialback, { ...addresses(from, to), id, type: verdict.is }, errorOf(verdict));
}

function addresses(from: string, to: string): { readonly from: string; readonly to: string } {
  return { from: displayDomain(from), to: displayDomain(to) };
}
function errorOf(verdict: Verdict): Element[] {
  if (verdict.is !== 'error') return [];
  return [element('error', NS.server, { type: 'cancel' }, [element(verdict.error, NS.stanzas)])];
}
