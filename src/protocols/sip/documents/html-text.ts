// text/html of SIP clients to plain text (RFC 7572 §5 lets a gateway choose; XHTML-IM is deprecated, so we send text).
// A whitelist stripper, one pass, linear: p br div li tr and headings break the line, `a` keeps its address, the content of
// script and style is dropped, everything else loses its tags.

const BREAKS = new Set(['p', 'br', 'div', 'li', 'tr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre', 'ul', 'ol', 'table']);
const DROPPED = new Set(['script', 'style', 'head', 'title']);
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** Plain text of an HTML body. */
export function htmlToText(html: string): string {
  let out = '';
  let at = 0;
  let dropUntil: string | undefined;
  let href: string | undefined;
  let linkStart = 0;
  const newline = (): void => {
    if (out !== '' && !out.endsWith('\n')) out += '\n';
  };
  while (at < html.length) {
    const open = html.indexOf('<', at);
    const piece = html.slice(at, open === -1 ? html.length : open);
    if (dropUntil === undefined) out += entities(piece.replace(/[\t\r\n ]+/g, ' '));
    if (open === -1) break;
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4);
      at = end === -1 ? html.length : end + 3;
      continue;
    }
    const close = html.indexOf('>', open);
    if (close === -1) {
      if (dropUntil === undefined) out += entities(html.slice(open)); // no tag after all: keep what was written
      break;
    }
    const tag = /^<(\/?)([a-zA-Z][a-zA-Z0-9]{0,15})/.exec(html.slice(open, Math.min(close + 1, open + 24)));
    at = close + 1;
    if (tag === null) continue;
    const name = (tag[2] ?? '').toLowerCase();
    const closing = tag[1] === '/';
    if (dropUntil !== undefined) {
      if (closing && name === dropUntil) dropUntil = undefined;
      continue;
    }
    if (DROPPED.has(name) && !closing) dropUntil = name;
    else if (name === 'a' && !closing) {
      const attribute = /\shref\s*=\s*(?:"([^"]{0,2048})"|'([^']{0,2048})'|([^\s>]{1,2048}))/i.exec(html.slice(open, close));
      href = attribute === null ? undefined : entities(attribute[1] ?? attribute[2] ?? attribute[3] ?? '');
      linkStart = out.length;
    } else if (name === 'a' && href !== undefined) {
      const shown = out.slice(linkStart).trim();
      if (/^(https?|ftp|mailto|xmpp|sip|sips|tel):/i.test(href) && shown !== href) out += ` <${href}>`;
      href = undefined;
    } else if (BREAKS.has(name)) newline();
  }
  return out.split('\n').map(withoutBlanks).join('\n').trim();
}

/** Blanks at both ends away. Not by an expression: one that looks for blanks before an end is quadratic in a long run of them. */
function withoutBlanks(line: string): string {
  let start = 0;
  let end = line.length;
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  return line.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

function entities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] as string) : whole;
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : '\uFFFD';
    },
  );
}
