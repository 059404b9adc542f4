// SIP URI <-> the model's Address: the SIP half of the address rules between the networks. RFC 7247 §6, RFC 8265, RFC 5627.
// The XMPP half (XEP-0106) is protocols/xmpp/jid.ts; in between a local part is decoded and case-mapped.

import { reason } from '../../errors.ts';
import type { Address } from '../../model/address.ts';
import type { Reason } from '../../model/reason.ts';
import { parseSipUri, type SipUri, schemeOf } from './uri.ts';
import { caseMapped } from './username.ts';

export type AddressReading =
  | {
      readonly kind: 'address';
      readonly address: Address;
      /** The local part as its owner writes it: decoded, case kept. For the AddressSpelling store when it differs from `address.local`. */
      readonly spelling: string;
    }
  | {
      readonly kind: 'refused';
      readonly reason: Reason;
      /** What a request to this URI is answered with. */
      readonly status: 400 | 403 | 404 | 416;
    };

/** RFC 7622 §3.3, §3.4: localpart and resourcepart hold at most so many bytes. */
const MAX_PART_BYTES = 1023;

/** Reads a URI from text and says whom it means. */
export function readAddress(text: string): AddressReading {
  const uri = parseSipUri(text);
  if (uri !== undefined) return toAddress(uri);
  const scheme = schemeOf(text);
  const ours = scheme === undefined || ['sip', 'sips', 'tel', 'im', 'pres'].includes(scheme);
  return ours ? refuse(400, 'the URI is malformed') : refuse(416, 'the URI scheme is not sip, im or pres');
}

/** Whom a URI means, by the rules of RFC 7247 §6.4 and ours beside it. */
export function toAddress(uri: SipUri): AddressReading {
  // RFC 7247 §8: a sips: target must not cross, because the far side cannot promise TLS to the end.
  if (uri.scheme === 'sips')
    return refuse(403, 'a sips: address promises TLS end to end, which cannot be kept across the bridge; use sip:');
  if (uri.scheme === 'tel') return refuse(404, 'a tel: number names no domain; use sip:number@domain');
  if (uri.password !== undefined) return refuse(400, 'the URI holds a password');
  if (uri.host === '') return refuse(400, 'the URI has no host');
  const local = readLocal(uri.user ?? '');
  if (local.kind === 'refused') return local;
  const gr = uri.params.get('gr');
  const address = { local: local.mapped, domain: uri.host };
  if (gr === undefined) return { kind: 'address', address, spelling: local.spelling };
  // RFC 5627 §5.1: `gr` without a value is a temporary GRUU, made to hide whom it means.
  if (gr === '') return refuse(404, 'a temporary GRUU is nobody the other side could know');
  const resource = readResource(gr);
  if (resource === undefined) return refuse(400, 'the gr value is not UTF-8, holds controls or is too long');
  return { kind: 'address', address: { ...address, resource }, spelling: local.spelling };
}

type LocalReading =
  | { readonly kind: 'local'; readonly mapped: string; readonly spelling: string }
  | Extract<AddressReading, { kind: 'refused' }>;

// RFC 3261 §19.1.1: everything before the `@` is the user, semicolons included (RFC 4475 §3.1.1.9), so `a;x` and `a` are two people.
function readLocal(user: string): LocalReading {
  const spelling = percentDecoded(user);
  if (spelling === undefined) return refuse(400, 'the user part is not UTF-8');
  if (/[\x00-\x1f\x7f]/.test(spelling)) return refuse(400, 'the user part holds a control character');
  // XEP-0106 §4.2: an escaped space may be neither first nor last.
  if (spelling.startsWith(' ') || spelling.endsWith(' ')) return refuse(404, 'the user part begins or ends with a space');
  const mapped = caseMapped(spelling);
  if (mapped === undefined) return refuse(404, 'the user part holds a character no user name may have (RFC 8264)');
  if (Buffer.byteLength(mapped) > MAX_PART_BYTES) return refuse(404, `the user part is longer than ${MAX_PART_BYTES} bytes`);
  return { kind: 'local', mapped, spelling };
}

/** RFC 8265 §4.2 OpaqueString: no controls, other spaces become U+0020, NFC. */
function readResource(gr: string): string | undefined {
  const decoded = percentDecoded(gr);
  if (decoded === undefined || /[\p{Cc}\u2028\u2029]/u.test(decoded)) return undefined;
  const resource = decoded.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return resource === '' || Buffer.byteLength(resource) > MAX_PART_BYTES ? undefined : resource;
}

function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // not UTF-8, or a percent sign alone
  }
}

function refuse(status: 400 | 403 | 404 | 416, text: string): Extract<AddressReading, { kind: 'refused' }> {
  return { kind: 'refused', reason: reason('ADDRESS_MALFORMED', text), status };
}

export interface SipUriOptions {
  /** Add the resource as `gr`. It is part of the URI: print it inside angle brackets only. */
  readonly gr?: boolean;
  /** The local part as its owner writes it; used when it is the same user. */
  readonly spelling?: string;
}

/** The sip: URI of an address, RFC 7247 §6.3. */
export function toSipUri(address: Address, options: SipUriOptions = {}): string {
  const { gr = false, spelling } = options;
  const local = spelling !== undefined && caseMapped(spelling) === address.local ? spelling : address.local;
  const uri = local === '' ? `sip:${address.domain}` : `sip:${encoded(local, SIP_USER)}@${address.domain}`;
  return gr && address.resource !== undefined ? `${uri};gr=${encoded(address.resource, NOTHING_MORE)}` : uri;
}

/** The im: or pres: URI of an address, RFC 3860 and 3859. Dots stay: `im:jo%2Ew@x` breaks peers. */
export function toImUri(scheme: 'im' | 'pres', address: Address): string {
  return `${scheme}:${encoded(address.local, MAILBOX)}@${address.domain}`;
}

// What encodeURIComponent escapes although it may stand: user-unreserved of RFC 3261 §25.1; atext of RFC 5322 that a URI allows.
const SIP_USER = /%(?:24|26|2B|2C|2F|3B|3D|3F)/g;
const MAILBOX = /%(?:24|26|2B|2F|3D)/g;
const NOTHING_MORE = /(?!)/g;

function encoded(text: string, keep: RegExp): string {
  return encodeURIComponent(text.toWellFormed()).replace(keep, decodeURIComponent);
}
