// The string profiles a JID is made of (RFC 7622 §3): UsernameCaseMapped for the localpart (RFC 8265 §3.3), OpaqueString for
// the resource (§4.2), IDNA A-labels for the domain. The profiles are computed from Unicode properties of the runtime.

import { domainToASCII, domainToUnicode } from 'node:url';

const MAX_OCTETS = 1023;

// RFC 8264 §8 and §9.12: letters, digits, marks and printable ASCII; exceptions §9.6 that are valid.
const IDENTIFIER = /^[\u0021-\u007e\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}\u06fd\u06fe\u0f0b\u3007]+$/u;
// §9.9 OldHangulJamo, §9.13 PrecisIgnorable, §9.6 exceptions that are not: Arabic tatweel, N'Ko lajanyalan, kana repeat marks.
const NEVER = /[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb\u0640\u07fa\u3031-\u3035\u303b\p{Default_Ignorable_Code_Point}]/u;
// RFC 8264 §9.4 (appendix A.8, A.9): the two rows of Arabic digits do not mix.
const ARABIC_DIGITS = /[\u0660-\u0669]/u;
const EXTENDED_ARABIC_DIGITS = /[\u06f0-\u06f9]/u;
const WIDE = /[\uff01-\uff5e\uff61-\uffdc\uffe0-\uffee\u3000]/gu;
const RTL = /[\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Samaritan}\p{sc=Mandaic}\p{sc=Adlam}]/u;
const RTL_FIRST = new RegExp(`^${RTL.source}`, 'u');
const RTL_LAST = new RegExp(`(?:${RTL.source}|\\p{Nd})\\p{Mn}*$`, 'u');
const LTR_LETTER = new RegExp(`(?!${RTL.source})\\p{L}`, 'u');

/** Prepares a localpart that is not plain lower-case ASCII; undefined when it cannot be one. The input keeps its XEP-0106 escapes. */
export function prepareLocal(text: string): string | undefined {
  // RFC 8265 §3.3.2: width mapping, case mapping, NFC, directionality.
  const mapped = text
    .replace(WIDE, (char) => char.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  if (mapped === '' || octets(mapped) > MAX_OCTETS || !IDENTIFIER.test(mapped) || NEVER.test(mapped)) return undefined;
  // RFC 8264 §9.17 HasCompat: nothing that NFKC would turn into something else.
  if (mapped.normalize('NFKC') !== mapped) return undefined;
  if (ARABIC_DIGITS.test(mapped) && EXTENDED_ARABIC_DIGITS.test(mapped)) return undefined;
  // RFC 5893 §2 in the part that letters decide: a right-to-left name begins and ends so, and holds no left-to-right letter.
  if (RTL.test(mapped) && !(RTL_FIRST.test(mapped) && RTL_LAST.test(mapped) && !LTR_LETTER.test(mapped))) return undefined;
  return mapped;
}

/** Prepares a resource; undefined when it cannot be one. */
export function prepareResource(text: string): string | undefined {
  // RFC 8265 §4.2.2: other spaces become U+0020; NFC; no case mapping. U+200D and U+FE0F stay: clients name devices with emoji.
  const mapped = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  if (mapped === '' || octets(mapped) > MAX_OCTETS) return undefined;
  const rest = mapped.replace(/[\u200d\ufe0f]/gu, '');
  return /[\p{Cc}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/u.test(rest) || NEVER.test(rest) ? undefined : mapped;
}

// RFC 1035 §2.3.1 as everybody reads it, and no last label that a resolver would take for an IPv4 address.
const LABELS = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!(?:0x[0-9a-f]*|[0-9]+)$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
// What a URL parser would take as the end of the host or decode.
const NOT_IN_HOST = /[\u0000-\u0020\u007f!"#$%&'()*+,/:;<=>?@[\\\]^_`{|}~]/;

/** The domain as lower-case A-labels; undefined when it is no domain name. Address literals are refused. */
export function prepareDomain(text: string): string | undefined {
  // RFC 7622 §3.2: a trailing dot is stripped before anything else.
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  if (bare.length > 1023 || NOT_IN_HOST.test(bare)) return undefined;
  const plain = /^[\u0000-\u007f]*$/.test(bare);
  const lower = plain ? bare.toLowerCase() : domainToASCII(bare);
  if (!LABELS.test(lower)) return undefined;
  // A label that claims to be punycode must decode to something.
  if (lower.includes('xn--') && domainToASCII(domainToUnicode(lower)) !== lower) return undefined;
  if (/(?:^|\.)xn--/.test(lower) && /(?:^|\.)xn--/.test(domainToUnicode(lower))) return undefined;
  return lower;
}

/** The domain as people and stanzas spell it: lower-case U-labels (RFC 7622 §3.2). */
export function displayDomain(aLabels: string): string {
  return aLabels.includes('xn--') ? domainToUnicode(aLabels) : aLabels;
}

function octets(text: string): number {
  return Buffer.byteLength(text);
}
