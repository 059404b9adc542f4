// Pieces of a mail as text (RFC 5322, RFC 2045, RFC 2047): addresses, words, dates and bodies of which somebody else has chosen
// the content. Pure.

/** RFC 5322 §3.3. @param at wall ms */
export const mailDate = (at: number): string => new Date(at).toUTCString().replace('GMT', '+0000');

/** RFC 5322 §3.4.1; what is not ASCII stands as a name (RFC 2047) beside an address that says it cannot be written. */
export function mailbox(address: string): string {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (/^[\w!#$%&'*+/=?^`{|}~.-]+$/.test(local)) return `<${local}@${domain}>`;
  if (/^[\x20-\x7e]*$/.test(local)) return `<"${local.replaceAll(/["\\]/g, '\\$&')}"@${domain}>`;
  return `${encodedWord(address)} <unwritable@${/^[\x21-\x7e]+$/.test(domain) ? domain : 'invalid'}>`;
}

/** RFC 2047 §2: words of at most 75 characters. What is ASCII stands as it is, within the line of RFC 5322 §2.1.1. */
export function encodedWord(text: string): string {
  if (/^[\x20-\x7e]{0,900}$/.test(text)) return text;
  const pieces: string[] = [];
  let piece = '';
  for (const char of text) {
    if (Buffer.byteLength(piece + char) > 42) {
      pieces.push(piece);
      piece = '';
    }
    piece += char;
  }
  return [...pieces, piece].map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ');
}

/** RFC 2045 §6.7, one or more whole lines. */
export function quotedPrintable(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => {
      let out = '';
      let width = 0;
      const bytes = Buffer.from(line);
      for (const [i, byte] of bytes.entries()) {
        const isLastSpace = i === bytes.length - 1 && (byte === 0x20 || byte === 0x09);
        const plain = !isLastSpace && byte !== 0x3d && ((byte >= 0x20 && byte <= 0x7e) || byte === 0x09);
        const written = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
        if (width + written.length > 75) {
          out += '=\r\n';
          width = 0;
        }
        out += written;
        width += written.length;
      }
      return `${out}\r\n`;
    })
    .join('');
}
