// The case-mapped form of a user's name, by which users are told apart. RFC 8265 §3.3 UsernameCaseMapped, with the
// IdentifierClass of RFC 8264 §4.2 for everything beyond ASCII. ASCII punctuation and inner spaces stay, because addresses
// are held decoded and XEP-0106 can carry them. Not applied: the context rules of RFC 5892 appendix A (such characters are
// refused) and the bidi rule.

/** RFC 8264 §9.6: allowed by name although their category would forbid it. */
const EXCEPTIONS = '\u00df\u03c2\u06fd\u06fe\u0f0b\u3007';
const LETTER_DIGIT = /^[\p{Ll}\p{Lu}\p{Lo}\p{Lm}\p{Nd}\p{Mn}\p{Mc}]$/u;
const IGNORABLE = /^\p{Default_Ignorable_Code_Point}$/u;
/** RFC 8264 §9.9. */
const OLD_HANGUL = /^[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]$/;
const FULL_OR_HALF_WIDTH = /[\uff01-\uffef]/g;

/** Lower-case, width-mapped, NFC; undefined when the name holds a character no user name may have. */
export function caseMapped(name: string): string | undefined {
  if (/[\x00-\x1f\x7f]/.test(name)) return undefined;
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  if (!name.isWellFormed()) return undefined;
  // RFC 8265 §3.3.1: width mapping, case mapping, normalization, in this order.
  const mapped = name
    .replace(FULL_OR_HALF_WIDTH, (char) => char.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  for (const char of mapped) if (char > '\x7e' && !isIdentifierChar(char)) return undefined;
  return mapped;
}

function isIdentifierChar(char: string): boolean {
  if (EXCEPTIONS.includes(char)) return true;
  // RFC 8264 §9.17 HasCompat: what NFKC would change is refused, not changed.
  return LETTER_DIGIT.test(char) && !IGNORABLE.test(char) && !OLD_HANGUL.test(char) && char.normalize('NFKC') === char;
}
