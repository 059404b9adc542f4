// multipart bodies (RFC 2046 §5.1): the part a person can read. Bounded: 16 parts, 4 KiB of part headers; linear.

/** One body part, its transfer encoding undone. */
export interface Part {
  readonly contentType: string;
  readonly content: Uint8Array;
}

const MAX_PARTS = 16;
const MAX_HEAD_BYTES = 4096;

/** The best text part: text/plain, else text/html; undefined when there is none. @param boundary of Content-Type */
export function textPart(body: Uint8Array, boundary: string | undefined): Part | undefined {
  // RFC 2046 §5.1.1: a boundary has 1 to 70 characters.
  if (boundary === undefined || boundary === '' || boundary.length > 70) return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`--${boundary}`);
  let html: Part | undefined;
  let at = bytes.indexOf(delimiter);
  for (let count = 0; at !== -1 && count < MAX_PARTS; count++) {
    const start = bytes.indexOf('\n', at);
    const next = bytes.indexOf(delimiter, at + delimiter.length);
    if (start === -1 || next === -1) break;
    const part = readPart(bytes.subarray(start + 1, next));
    const type = part?.contentType.toLowerCase() ?? '';
    if (type.startsWith('text/plain')) return part;
    if (type.startsWith('text/html')) html ??= part;
    at = next;
  }
  return html;
}

function readPart(bytes: Buffer): Part | undefined {
  const bare = bytes.subarray(0, 2).toString('latin1') === '\r\n'; // no part headers: text/plain by default
  const head = bare ? 0 : bytes.indexOf('\r\n\r\n');
  if (head === -1) return undefined;
  const lines = bytes.toString('utf8', 0, Math.min(head, MAX_HEAD_BYTES)).split('\r\n');
  const value = (name: string): string | undefined =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const end = bytes.length - (bytes.subarray(-2).toString('latin1') === '\r\n' ? 2 : 0);
  const content = undo(value('content-transfer-encoding')?.toLowerCase() ?? '8bit', bytes.subarray(head + (bare ? 2 : 4), end));
  return content === undefined ? undefined : { contentType: value('content-type') ?? 'text/plain', content };
}

/** RFC 2045 §6: undoes a transfer encoding. */
function undo(encoding: string, raw: Buffer): Uint8Array | undefined {
  switch (encoding) {
    case '7bit':
    case '8bit':
    case 'binary':
      return raw;
    case 'base64':
      return Buffer.from(raw.toString('latin1'), 'base64');
    case 'quoted-printable':
      return Buffer.from(
        raw
          .toString('latin1')
          .replace(/=[ \t]*\r?\n/g, '') // a soft line break (§6.7, rule 5)
          .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        'latin1',
      );
    default:
      return undefined;
  }
}
