// What a client can do, in one hash (XEP-0115 §5): computed from its answer to disco#info, so that one answer serves all clients
// that name the same hash. Pure.

import { createHash } from 'node:crypto';
import { child, type Element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';

/** Names of the IANA registry that a `hash` may have, as node knows them. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-1', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-384', 'sha384'],
  ['sha-512', 'sha512'],
]);

/**
 * The verification string of XEP-0115 §5.1, hashed.
 * @param query `<query/>` of disco#info @param hash a name of the IANA registry
 * @returns undefined: a hash we do not know, or an answer that §5.4 calls ill-formed
 */
export function capsVersion(query: Element, hash: string): string | undefined {
  const algorithm = HASHES.get(hash);
  const words = algorithm === undefined ? undefined : verificationString(query);
  return algorithm === undefined || words === undefined ? undefined : createHash(algorithm).update(words).digest('base64');
}

function verificationString(query: Element): string | undefined {
  const identities: string[] = [];
  const features: string[] = [];
  const forms = new Map<string, string>();
  for (const part of elements(query)) {
    const { attrs } = part;
    if (part.name === 'identity') {
      const lang = attrs['xml:lang'] ?? '';
      identities.push(`${attrs.category ?? ''}/${attrs.type ?? ''}/${lang}/${attrs.name ?? ''}`);
    } else if (part.name === 'feature') features.push(attrs.var ?? '');
    else if (part.name === 'x' && part.ns === NS.forms) {
      const form = formWords(part);
      if (form === 'ill-formed') return undefined;
      if (form === undefined) continue;
      if (forms.has(form.type)) return undefined;
      forms.set(form.type, form.words);
    }
  }
  // §5.4, 3.3 and 3.4: the same thing twice.
  if (new Set(identities).size < identities.length || new Set(features).size < features.length) return undefined;
  const all = [...sorted(identities), ...sorted(features), ...sorted([...forms.keys()]).map((type) => forms.get(type) ?? '')];
  return `${all.join('<')}<`;
}

function formWords(form: Element): { readonly type: string; readonly words: string } | 'ill-formed' | undefined {
  let type: string | undefined;
  const fields = new Map<string, readonly string[]>();
  for (const field of elements(form)) {
    if (field.name !== 'field' || field.ns !== NS.forms) continue;
    const values = elements(field).flatMap((part) => (part.name === 'value' ? [text(part)] : []));
    if (field.attrs.var === 'FORM_TYPE') {
      // §5.4, 3.5 and 3.6: two different types are ill-formed, one that is not hidden does not count.
      if (new Set(values).size > 1) return 'ill-formed';
      if (field.attrs.type === 'hidden') type = values[0];
    } else fields.set(field.attrs.var ?? '', values);
  }
  if (type === undefined) return undefined;
  const words = sorted([...fields.keys()]).flatMap((name) => [name, ...sorted(fields.get(name) ?? [])]);
  return { type, words: [type, ...words].join('<') };
}

/** In the order of "i;octet" (RFC 4790 §9.3). */
function sorted(words: readonly string[]): readonly string[] {
  return [...words].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** What a presence says of its client: `<c/>` with its node, hash and version; undefined: nothing. */
export interface CapsMark {
  readonly node: string;
  /** Undefined: of the time before hashes, or of XEP-0390 alone; nothing can be verified. */
  readonly hash?: string;
  readonly ver: string;
}

const LONGEST = 512;

export function capsOf(presence: Element): CapsMark | undefined {
  const c = child(presence, 'c', NS.caps);
  if (c === undefined) return child(presence, 'c', 'urn:xmpp:caps') && { node: '', ver: '' };
  const { node = '', hash, ver = '' } = c.attrs;
  if (node.length > LONGEST || ver.length > LONGEST) return { node: '', ver: '' };
  return { node, ver, ...(hash !== undefined && { hash: hash.toLowerCase() }) };
}

/** The nodes that an answer to disco#info asks to be told of (XEP-0060 §9.2), at most so many. */
export function interestsOf(query: Element, most: number): ReadonlySet<string> {
  const found = elements(query).flatMap(({ name, attrs }) => {
    const feature = name === 'feature' ? (attrs.var ?? '') : '';
    return feature.endsWith('+notify') ? [feature.slice(0, -'+notify'.length)] : [];
  });
  return new Set(found.slice(0, most));
}
