// A message's text as filters read it: what only hides a link or a name from them is undone. Case and width are mapped, invisible
// characters are left out, percent signs are read where that changes no meaning. Every character knows where it stood.

/** Unicode's Default_Ignorable_Code_Point, other format characters, and combining marks of which a chain breaks up a word. */
const INVISIBLE = /^[\p{DI}\p{Cf}]$/u;
/** UTS 46 maps these to a full stop; NFKC does not map the first. */
const STOPS = /[\u3002\uff61]/g;
/** RFC 3986 §2.3: percent-encoded octets of unreserved characters mean the characters themselves. */
const UNRESERVED = /^[A-Za-z0-9._~-]$/;

export interface FilterText {
  readonly original: string;
  /** Lower case; the same length as `original` when nothing was hidden. */
  readonly plain: string;
  /** Where in `original` the character at `index` of `plain` begins. The end of one is the end of the other. */
  at(index: number): number;
}

/** Reads a text. Linear in its length. */
export function filterText(original: string): FilterText {
  if (/^[\x00-\x24\x26-\x7f]*$/.test(original)) return { original, plain: original.toLowerCase(), at: (index) => index };
  const plain: string[] = [];
  const places: number[] = [];
  let at = 0;
  for (const char of original) {
    for (const unit of read(char)) {
      plain.push(unit);
      places.push(at);
    }
    if (plain.length >= 3 && plain[plain.length - 3] === '%') decodeLast(plain, places);
    at += char.length;
  }
  return { original, plain: plain.join(''), at: (index) => places[index] ?? original.length };
}

/** What characters read as: a language has few, so they are remembered. Bounded. */
const known = new Map<string, readonly string[]>();
const MAX_KNOWN = 4096;

/** One character alone: text is not composed across characters, so that places stay true. */
function read(char: string): readonly string[] {
  const before = known.get(char);
  if (before !== undefined) return before;
  const units = INVISIBLE.test(char) ? [] : mapped(char).split('');
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(char, units);
  return units;
}

function mapped(char: string): string {
  const plain = char.normalize('NFKC');
  // Whole sentences in one character hide no link and make eighteen of one.
  return (plain.length > MAX_MAPPED ? char : plain).toLowerCase().replace(STOPS, '.');
}
const MAX_MAPPED = 6;

/** The last three characters, if they are an encoded unreserved one, become that one. */
function decodeLast(plain: string[], places: number[]): void {
  const start = plain.length - 3;
  const char = decoded(plain.slice(start + 1).join(''));
  if (char === undefined || !UNRESERVED.test(char)) return;
  plain.length = places.length = start + 1;
  plain[start] = char.toLowerCase();
}

function decoded(hex: string): string | undefined {
  return /^[0-9a-f]{2}$/.test(hex) ? String.fromCharCode(Number.parseInt(hex, 16)) : undefined;
}

/** Undoes percent-encoding of ASCII, `times` over: what a server makes of a path. */
export function percentDecoded(text: string, times: number): string {
  let result = text;
  for (let time = 0; time < times && result.includes('%'); time += 1)
    result = result.replace(/%([0-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)).toLowerCase());
  return result;
}
