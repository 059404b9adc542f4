// Reads DER (X.690 §10), strictly and without building a tree: for certificate status and revocation lists, which come from
// strangers and may have a hundred thousand entries. asn1js 4 refuses such lists (too many nodes), so they are walked here.
// Everything throws DerError on what is not DER; nothing is copied.

/** Not DER, or not what stood to be expected. */
export class DerError extends Error {}

/** One element. `content` and `whole` are views of the bytes it came from. */
export interface Der {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** The element at `offset`; definite, shortest lengths and one-byte tags only. */
export function derAt(bytes: Buffer, offset: number): Der {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('an element is cut off');
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4 || start + count > bytes.length) throw new DerError('a length is not DER');
    length = bytes.readUIntBE(start, count);
    start += count;
    if (length < 0x80 || (count > 1 && length < 2 ** (8 * (count - 1)))) throw new DerError('a length is not the shortest');
  }
  if (start + length > bytes.length) throw new DerError('an element is longer than what holds it');
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(offset, start + length) };
}

/** The one element that `bytes` are. */
export function onlyDer(bytes: Buffer, tag: number): Der {
  const only = derAt(bytes, 0);
  if (only.whole.length !== bytes.length) throw new DerError('something follows the end');
  return expectTag(only, tag);
}

/** What a constructed element holds. @param max more than so many are refused */
export function children(parent: Der, max = 64): readonly Der[] {
  const found: Der[] = [];
  for (const child of walk(parent)) {
    if (found.length >= max) throw new DerError(`more than ${max} elements`);
    found.push(child);
  }
  return found;
}

/** What a constructed element holds, one after the other. */
export function* walk(parent: Der): Generator<Der> {
  for (let offset = 0; offset < parent.content.length; ) {
    const child = derAt(parent.content, offset);
    yield child;
    offset += child.whole.length;
  }
}

export function expectTag(element: Der | undefined, tag: number): Der {
  if (element?.tag !== tag) throw new DerError(`an element 0x${tag.toString(16)} is missing`);
  return element;
}

/** The element inside an EXPLICIT tag. */
export function inside(wrapper: Der): Der {
  const only = derAt(wrapper.content, 0);
  if (only.whole.length !== wrapper.content.length) throw new DerError('more than one element inside a tag');
  return only;
}

/** Dotted text. */
export function oidOf(element: Der | undefined): string {
  const { content } = expectTag(element, TAG.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerError('an object identifier is too long');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first] = arcs;
  if (first === undefined) throw new DerError('an object identifier is empty');
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...arcs.slice(1)].join('.');
}

/** Upper-case hex without leading zeros: one spelling for a serial number, however it was encoded. */
export function serialOf(element: Der | undefined): string {
  return plainSerial(expectTag(element, TAG.integer).content.toString('hex'));
}

/** The same spelling for a serial number in hex. */
export function plainSerial(hex: string): string {
  const upper = hex.toUpperCase();
  return upper.startsWith('0') ? upper.replace(/^0+(?=.)/, '') : upper;
}

/** Wall ms of a UTCTime or GeneralizedTime in the only spelling that RFC 5280 §4.1.2.5 allows. */
export function timeOf(element: Der | undefined): number {
  const text = element?.content.toString('latin1') ?? '';
  const utc = element?.tag === TAG.utcTime && /^\d{12}Z$/.test(text);
  if (!utc && !(element?.tag === TAG.generalizedTime && /^\d{14}Z$/.test(text))) throw new DerError('a time is not one of RFC 5280');
  // §4.1.2.5.1: 50 to 99 are of the twentieth century.
  const full = utc ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text;
  const ms = Date.parse(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(ms)) throw new DerError('a time does not exist');
  return ms;
}

/** The bytes of a BIT STRING of whole bytes. */
export function bitsOf(element: Der | undefined): Buffer {
  const { content } = expectTag(element, TAG.bitString);
  if (content[0] !== 0) throw new DerError('a bit string is not one of whole bytes');
  return content.subarray(1);
}

/** An extension list (RFC 5280 §4.2): by dotted identifier. */
export function extensionList(list: Der): ReadonlyMap<string, { readonly critical: boolean; readonly value: Buffer }> {
  const found = new Map<string, { critical: boolean; value: Buffer }>();
  for (const one of children(expectTag(list, TAG.sequence))) {
    const [id, second, third] = children(expectTag(one, TAG.sequence), 3);
    const critical = second?.tag === TAG.boolean && second.content[0] !== 0;
    found.set(oidOf(id), { critical, value: expectTag(second?.tag === TAG.boolean ? third : second, TAG.octetString).content });
  }
  return found;
}
