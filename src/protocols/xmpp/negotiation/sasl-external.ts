// SASL EXTERNAL between servers (RFC 6120 §6, XEP-0178 §3): the certificate of the TLS layer is the credential.

import { type Element, element, elements, text } from '../element.ts';
import { NS } from '../names.ts';
import { prepareDomain } from '../precis.ts';

/** RFC 6120 §6.5. */
export type SaslFailure =
  | 'aborted'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized'
  | 'temporary-auth-failure';

/** `<auth/>` with our domain as authorization identity: XEP-0178 §3 step 8 for peers that need it. @param domain as in the stream's `from` */
export function authElement(domain: string): Element {
  return element('auth', NS.sasl, { mechanism: 'EXTERNAL' }, [Buffer.from(domain).toString('base64')]);
}

export const SUCCESS: Element = element('success', NS.sasl);

/** The `<failure/>` to send. @param words for the other administrator */
export function failureElement(condition: SaslFailure, words?: string): Element {
  const children: Element[] = [element(condition, NS.sasl)];
  if (words !== undefined) children.push(element('text', NS.sasl, { 'xml:lang': 'en' }, [words]));
  return element('failure', NS.sasl, {}, children);
}

/** A peer's `<failure/>`: its condition and text, for the reason. */
export function readFailure(received: Element): { readonly condition: string; readonly text?: string } {
  const inner = elements(received);
  const condition = inner.find((child) => child.name !== 'text')?.name ?? 'not-authorized';
  const words = inner.find((child) => child.name === 'text');
  return words === undefined ? { condition } : { condition, text: text(words).slice(0, 500) };
}

/**
 * Judges an `<auth/>`.
 * @param from the stream's `from`, proven by the certificate
 * @returns `ok`, or the failure to answer with
 */
export function judgeAuth(received: Element, from: string): 'ok' | SaslFailure {
  if (received.attrs.mechanism !== 'EXTERNAL') return 'invalid-mechanism';
  const initial = text(received).trim();
  // RFC 6120 §6.4.2: `=` is an empty response; none at all is taken the same way (XEP-0178 §3).
  if (initial === '' || initial === '=') return 'ok';
  // RFC 4648 §4, padded; anything else is not base64.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(initial)) return 'incorrect-encoding';
  // XEP-0178 §3 step 9: speaking for another domain than the stream's is not possible here.
  return prepareDomain(Buffer.from(initial, 'base64').toString('utf8')) === from ? 'ok' : 'invalid-authzid';
}
