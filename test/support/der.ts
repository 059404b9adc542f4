// A small DER writer (X.690): enough for certificates, revocation lists and signing requests of our own making.
// Writes only; reading other people's DER is done with asn1js (certificate-names.ts) and pkijs (path-validation.ts).

const UNIVERSAL = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, oid: 0x06, utf8: 0x0c } as const;

/** One element with an explicit tag byte. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = body.length.toString(16);
  const length = Buffer.from(size.length % 2 === 1 ? `0${size}` : size, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => element(0x30, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => element(0x31, ...content);
/** Context tag `n`, constructed (EXPLICIT, or IMPLICIT of a constructed type). */
export const context = (n: number, ...content: readonly Uint8Array[]): Buffer => element(0xa0 | n, ...content);
/** Context tag `n`, primitive (IMPLICIT of a primitive type). */
export const contextBytes = (n: number, content: Uint8Array): Buffer => element(0x80 | n, content);
export const octets = (content: Uint8Array): Buffer => element(UNIVERSAL.octetString, content);
export const bits = (content: Uint8Array, unused = 0): Buffer => element(UNIVERSAL.bitString, Buffer.from([unused]), content);
export const boolean = (value: boolean): Buffer => element(UNIVERSAL.boolean, Buffer.from([value ? 0xff : 0]));
export const utf8 = (text: string): Buffer => element(UNIVERSAL.utf8, Buffer.from(text));

/** A non-negative INTEGER from a number or from its big-endian bytes. */
export function integer(value: number | Uint8Array): Buffer {
  let bytes = Buffer.from(value instanceof Uint8Array ? value : bigEndian(value));
  while (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) bytes = bytes.subarray(1);
  return element(UNIVERSAL.integer, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** An OBJECT IDENTIFIER from its dotted text. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return element(UNIVERSAL.oid, Buffer.from(bytes));
}

/** A Time: UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function time(at: Date): Buffer {
  const text = `${at
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050 ? element(0x17, Buffer.from(text.slice(2))) : element(0x18, Buffer.from(text));
}

/** Text armour of RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function bigEndian(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex');
}
