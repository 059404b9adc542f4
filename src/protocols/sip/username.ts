// The case-mapped form of a user's name, by which users are told apart. RFC 8265 §3.3 UsernameCaseMapped over the
// IdentifierClass of RFC 8264 §4.2. ASCII punctuation and inner spaces stay, because addresses are held decoded and
// XEP-0106 can carry them. Of the rules that look at neighbours (RFC 5892 appendix A) only that on Arabic digits is applied;
// the other characters concerned are refused.

/** Letters, digits and marks (RFC 8264 §9.1), and the exceptions that are allowed (§9.6). */
const ALLOWED = /^[\x20-\x7e\p{Ll}\p{Lu}\p{Lo}\p{Lm}\p{Nd}\p{Mn}\p{Mc}\u06fd\u06fe\u0f0b\u3007]*$/u;
/** RFC 8264 §9.6 (the exceptions that are not allowed), §9.9 OldHangulJamo, §9.13 PrecisIgnorableProperties. */
const NEVER = /[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\p{Default_Ignorable_Code_Point}]/u;
/** Without U+FFE3, which NFKC would turn into a space and a mark. */
const FULL_OR_HALF_WIDTH = /[\uff01-\uffe2\uffe4-\uffef]/g;
const RIGHT_TO_LEFT = String.raw`[\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Samaritan}\p{sc=Mandaic}\p{sc=Adlam}]`;
const HAS_RTL = new RegExp(RIGHT_TO_LEFT, 'u');
const RTL_NAME = new RegExp(String.raw`^${RIGHT_TO_LEFT}(?:.*(?:${RIGHT_TO_LEFT}|\p{Nd}))?\p{Mn}*$`, 'u');
const LTR_LETTER = new RegExp(String.raw`(?!${RIGHT_TO_LEFT})\p{L}`, 'u');

/** Width-mapped, lower-case, NFC; undefined when the name holds a character no user name may have, or mixes directions. */
export function caseMapped(name: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  if (!name.isWellFormed()) return undefined;
  // RFC 8265 §3.3.1: width mapping, case mapping, normalization, directionality, in this order.
  const mapped = name
    .replace(FULL_OR_HALF_WIDTH, (char) => char.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  if (!ALLOWED.test(mapped) || NEVER.test(mapped)) return undefined;
  // RFC 8264 §9.17 HasCompat: what NFKC would change is refused, not changed.
  if (mapped.normalize('NFKC') !== mapped) return undefined;
  // RFC 5892 appendix A.8, A.9: the two rows of Arabic digits do not mix.
  if (/[\u0660-\u0669]/.test(mapped) && /[\u06f0-\u06f9]/.test(mapped)) return undefined;
  // RFC 5893 §2, by scripts: a right-to-left name begins and ends so and holds no left-to-right letter.
  if (HAS_RTL.test(mapped) && (!RTL_NAME.test(mapped) || LTR_LETTER.test(mapped))) return undefined;
  return mapped;
}
