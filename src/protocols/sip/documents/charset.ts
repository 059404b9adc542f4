// Bytes of a body to text, whatever charset the sender named, and text that every XML stream can carry.

/** Decodes a body; undefined when the charset is unknown or the bytes are not valid in it. @param charset as in Content-Type, default UTF-8 */
export function decodeText(bytes: Uint8Array, charset = 'utf-8'): string | undefined {
  try {
    // The WHATWG decoder knows UTF-8, UTF-16 and the ISO-8859 and Windows families; `fatal` refuses broken sequences.
    return new TextDecoder(charset.trim(), { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The text with everything replaced that XML 1.0 cannot carry (C0 controls but TAB, LF and CR, lone surrogates,
 * U+FFFE, U+FFFF): one such character would end the whole s2s stream for everybody on it (sip-xmpp.md section 4).
 */
export function carriable(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD');
}
