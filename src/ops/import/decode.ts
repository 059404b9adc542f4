// The bytes of an exported file as text. Windows PowerShell writes UTF-16 with a byte order mark, PowerShell 7 and the
// servers on Linux write UTF-8; some tools leave the mark out.

/** A list of partners is small; what is larger is something else. */
export const MAX_IMPORT_BYTES = 16 * 1024 * 1024;

/** @returns the text without its byte order mark, or what is wrong as a sentence */
export function decodeText(bytes: Uint8Array): { readonly text: string } | string {
  if (bytes.length > MAX_IMPORT_BYTES) return `it has ${bytes.length} bytes; at most ${MAX_IMPORT_BYTES} are read`;
  const [first, second] = bytes;
  try {
    if (first === 0xff && second === 0xfe) return { text: decode('utf-16le', bytes) };
    if (first === 0xfe && second === 0xff) return { text: decode('utf-16be', bytes) };
    // Text of ASCII letters in UTF-16 has a zero in every other byte; UTF-8 has none at all.
    if (bytes.length >= 4 && bytes[1] === 0 && bytes[3] === 0) return { text: decode('utf-16le', bytes) };
    if (bytes.length >= 4 && bytes[0] === 0 && bytes[2] === 0) return { text: decode('utf-16be', bytes) };
    return { text: decode('utf-8', bytes) };
  } catch {
    // Older exports are in the code page of the machine; letters beyond ASCII stand in comments only.
    const text = new TextDecoder('windows-1252').decode(bytes);
    return text.includes('\0') ? 'it is not text' : { text };
  }
}

/** @throws TypeError for bytes that are not of this encoding */
function decode(encoding: 'utf-8' | 'utf-16le' | 'utf-16be', bytes: Uint8Array): string {
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}
