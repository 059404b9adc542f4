// XML with what is secret overwritten octet by octet, so that lengths stay as they were on the wire. What is shown is listed;
// everything else is masked: bodies, notes, SASL, dialback keys, passwords, tokens, and whatever nobody has thought of.
// Works on text where one character is one octet (latin1), and on ill-formed text: what is not understood is masked.

/** Elements whose text is shown: states and identifiers. */
const TEXT_SHOWN: ReadonlySet<string> = new Set(
  'show priority thread mechanism basic state contenttype refresh lastactive timestamp'.split(' '),
);
/** Attributes whose value is shown. */
const ATTRIBUTES_SHOWN: ReadonlySet<string> = new Set(
  'from to id type xmlns xml:lang version mechanism node ver hash h var category stamp code jid affiliation role entity'.split(' '),
);
/** Namespaces of errors, whose texts are written by servers for administrators. */
const ERROR_NS = /^urn:ietf:params:xml:ns:xmpp-(?:stanzas|streams|sasl|tls)$/;
/** Never shown, not even with bodies. SASL (RFC 6120 §6), dialback (XEP-0220), components (XEP-0114), and names that say so. */
const SECRET =
  /^(?:auth|authenticate|response|challenge|success|abort|result|verify|handshake|initial-response|additional-data)$|pass|token|secret|key|credential|nonce|cookie|ticket|signature/i;
/** XEP-0198 §5: whoever knows the id of `<enabled/>` may take the stream over. */
const STREAM_SECRETS: ReadonlySet<string> = new Set(['enabled', 'resume', 'resumed']);

const X = 'x';

/** Puts x in place of every octet but white space. */
export function masked(text: string): string {
  return text.replaceAll(/\S/g, X);
}

/** @param bodies true: only what is secret by its name is masked */
export function maskXml(text: string, bodies: boolean): string {
  let out = '';
  let at = 0;
  const open: { readonly name: string; readonly shows: boolean }[] = [];
  const shows = (): boolean => open.at(-1)?.shows ?? false;
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const end = next === -1 ? text.length : next;
    const words = text.slice(at, end);
    out += shows() ? words : masked(words);
    if (next === -1) break;
    const tag = tagAt(text, next);
    at = tag.end;
    const raw = text.slice(next, tag.end);
    if (tag.kind === 'other') {
      // CDATA, comments, declarations. Nothing but the XML declaration is shown.
      out += /^<\?xml [^<>]{0,100}\?>$/.test(raw) ? raw : `${raw.slice(0, 2)}${masked(raw.slice(2, -1))}${raw.slice(-1)}`;
      continue;
    }
    if (tag.kind === 'close') {
      out += raw;
      open.pop();
      continue;
    }
    const name = tag.name.slice(tag.name.indexOf(':') + 1);
    const ns = /\sxmlns\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(raw);
    out += maskAttributes(raw, name, bodies);
    if (raw.endsWith('/>')) continue;
    const listed = TEXT_SHOWN.has(name) || (name === 'text' && ERROR_NS.test(ns?.[1] ?? ns?.[2] ?? ''));
    const secret = SECRET.test(name) || open.some((each) => SECRET.test(each.name));
    open.push({ name, shows: listed || (bodies && !secret) });
  }
  return out;
}

function maskAttributes(raw: string, element: string, bodies: boolean): string {
  return raw.replaceAll(
    /(\s)([^\s=<>"'/]+)(\s*=\s*)("[^"]*"|'[^']*')/g,
    (_, space: string, name: string, equals: string, value: string) => {
      const listed = ATTRIBUTES_SHOWN.has(name) || name.startsWith('xmlns:');
      const secret = SECRET.test(name) || (STREAM_SECRETS.has(element) && (name === 'id' || name === 'previd'));
      const shown = !secret && (listed || bodies);
      return `${space}${name}${equals}${shown ? value : `${value[0]}${masked(value.slice(1, -1))}${value.at(-1)}`}`;
    },
  );
}

export interface Tag {
  readonly kind: 'open' | 'close' | 'other';
  readonly name: string;
  /** Offset behind its `>`; the length of the text when it is not finished. */
  readonly end: number;
  readonly whole: boolean;
}

/** The markup that begins at `from`, where a `<` stands. */
export function tagAt(text: string, from: number): Tag {
  const until = (mark: string, skip: number): Tag => {
    const found = text.indexOf(mark, from + skip);
    const whole = found !== -1;
    return { kind: 'other', name: '', end: whole ? found + mark.length : text.length, whole };
  };
  if (text.startsWith('<!--', from)) return until('-->', 4);
  if (text.startsWith('<![CDATA[', from)) return until(']]>', 9);
  if (text.startsWith('<?', from)) return until('?>', 2);
  if (text.startsWith('<!', from)) return until('>', 2);
  const kind = text[from + 1] === '/' ? 'close' : 'open';
  const name = /^[^\s/>]*/.exec(text.slice(from + (kind === 'close' ? 2 : 1), from + 200))?.[0] ?? '';
  let quote = '';
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at];
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return { kind, name, end: at + 1, whole: true };
  }
  return { kind, name, end: text.length, whole: false };
}
