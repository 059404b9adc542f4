// The two ways in which a client signs in, as elements: RFC 6120 §6, and XEP-0388 with everything that is asked for along with
// it. The exchange itself is the same (sasl.ts).

import { child, type Element, element, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { type BindWish, readBindWish } from './bind2.ts';

/** What a client asks for along with its sign-in; carried out when that has succeeded (XEP-0388 §2.4). */
export interface Wish {
  /** Of the client's installation, the same each time (XEP-0388 §2.4); not shown to anybody. */
  readonly device?: string;
  /** XEP-0198: the session that it had. */
  readonly resume?: Element;
  readonly bind?: BindWish;
  /** XEP-0484: the mechanism of a token that it would like. */
  readonly token?: string;
  /** It signs in with such a token. */
  readonly fast?: { readonly count?: number; readonly invalidate: boolean };
}

/** What a mechanism says: words, or octets. */
export type SaslData = string | Buffer;

/** One try, as the client has begun it. */
export interface Opening {
  readonly mechanism: string;
  /** Undefined: none was sent. */
  readonly initial: Buffer | undefined;
  /** Present: by XEP-0388. */
  readonly wish?: Wish;
}

/** Reads `<auth/>` or `<authenticate/>`; undefined: it is neither; `incorrect-encoding` when the data is no base64. */
export function readOpening(received: Element): Opening | 'incorrect-encoding' | undefined {
  const mechanism = received.attrs.mechanism ?? '';
  if (received.ns === NS.sasl && received.name === 'auth') {
    const said = text(received).trim();
    // RFC 6120 §6.4.2: `=` is an empty response, nothing at all is none.
    const initial = said === '' ? undefined : readBase64(said === '=' ? '' : said);
    return initial === undefined && said !== '' ? 'incorrect-encoding' : { mechanism, initial };
  }
  if (received.ns !== NS.sasl2 || received.name !== 'authenticate') return undefined;
  const response = child(received, 'initial-response', NS.sasl2);
  // XEP-0388 §2.2: an empty element is an empty response.
  const initial = response === undefined ? undefined : readBase64(text(response).trim());
  if (response !== undefined && initial === undefined) return 'incorrect-encoding';
  return { mechanism, initial, wish: readWish(received) };
}

function readWish(received: Element): Wish {
  const id = child(received, 'user-agent', NS.sasl2)?.attrs.id ?? '';
  const resume = child(received, 'resume', NS.sm);
  const bind = child(received, 'bind', NS.bind2);
  const token = child(received, 'request-token', NS.fast)?.attrs.mechanism;
  const fast = child(received, 'fast', NS.fast);
  const count = /^\d{1,10}$/.test(fast?.attrs.count ?? '') ? Number(fast?.attrs.count) : undefined;
  return {
    // A UUID by the book; longer ones are nobody's.
    ...(/^[\x21-\x7e]{1,64}$/.test(id) && { device: id }),
    ...(resume !== undefined && { resume }),
    ...(bind !== undefined && { bind: readBindWish(bind) }),
    ...(token !== undefined && { token }),
    ...(fast !== undefined && { fast: { ...(count !== undefined && { count }), invalidate: isTrue(fast.attrs.invalidate) } }),
  };
}

/** Reads `<response/>`; undefined: it is none. */
export function readResponse(received: Element, wish: Wish | undefined): Buffer | 'incorrect-encoding' | undefined {
  if (received.ns !== nsOf(wish) || received.name !== 'response') return undefined;
  const said = text(received).trim();
  return readBase64(said === '=' && wish === undefined ? '' : said) ?? 'incorrect-encoding';
}

export function isAbort(received: Element): boolean {
  return (received.ns === NS.sasl || received.ns === NS.sasl2) && received.name === 'abort';
}

export function challengeElement(wish: Wish | undefined, data: SaslData): Element {
  return element('challenge', nsOf(wish), {}, base64(data));
}

/** RFC 6120 §6.5; XEP-0388 §2.6.2 has the same conditions in the same namespace. */
export function failureElement(wish: Wish | undefined, condition: string, words?: string): Element {
  const ns = nsOf(wish);
  const told = words === undefined ? [] : [element('text', ns, { 'xml:lang': 'en' }, [words])];
  return element('failure', ns, {}, [element(condition, NS.sasl), ...told]);
}

/** RFC 6120 §6.4.6. */
export function successElement(data: SaslData | undefined): Element {
  return element('success', NS.sasl, {}, data === undefined ? [] : base64(data));
}

/** XEP-0388 §2.6.1. @param jid full when a resource is bound @param more what became of the rest that was asked for */
export function sasl2Success(jid: string, data: SaslData | undefined, more: readonly Element[]): Element {
  const proof = data === undefined ? [] : [element('additional-data', NS.sasl2, {}, base64(data))];
  return element('success', NS.sasl2, {}, [...proof, element('authorization-identifier', NS.sasl2, {}, [jid]), ...more]);
}

/** XEP-0388 §2.1: what is offered, with what may be asked for inline. @param tokens mechanisms for tokens; empty: none are given */
export function authenticationFeature(mechanisms: readonly string[], tokens: readonly string[]): Element {
  const offered = (ns: string, names: readonly string[]): Element[] => names.map((name) => element('mechanism', ns, {}, [name]));
  const inBind = [NS.carbons, NS.csi, NS.sm].map((feature) => element('feature', NS.bind2, { var: feature }));
  const inline = [
    element('bind', NS.bind2, {}, [element('inline', NS.bind2, {}, inBind)]),
    element('sm', NS.sm),
    ...(tokens.length > 0 ? [element('fast', NS.fast, {}, offered(NS.fast, tokens))] : []),
  ];
  return element('authentication', NS.sasl2, {}, [...offered(NS.sasl2, mechanisms), element('inline', NS.sasl2, {}, inline)]);
}

function nsOf(wish: Wish | undefined): string {
  return wish === undefined ? NS.sasl : NS.sasl2;
}

function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}

function readBase64(said: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(said) ? Buffer.from(said, 'base64') : undefined;
}

function base64(data: SaslData): string[] {
  return data.length === 0 ? [] : [(typeof data === 'string' ? Buffer.from(data, 'utf8') : data).toString('base64')];
}
