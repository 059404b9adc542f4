// SIP URIs: reading and printing them. RFC 3261 §19.1 and §25.1 (sip, sips), RFC 3966 (tel), RFC 3860 and 3859 (im, pres).
// What user they mean is address.ts' question.

import { NO_PARAMS, type Params } from './headers/grammar.ts';
import { canonicalHost, isHost } from './host.ts';

export type SipScheme = 'sip' | 'sips' | 'tel' | 'im' | 'pres';

export interface SipUri {
  readonly scheme: SipScheme;
  /** Still percent-encoded. For `tel` the number. Absent: the URI names a host only. */
  readonly user?: string;
  /** RFC 3261 §19.1.1 calls its use NOT RECOMMENDED; toAddress refuses it. */
  readonly password?: string;
  /** Lower-case A-labels, IPv6 in brackets; empty for `tel`. */
  readonly host: string;
  readonly port?: number;
  /** URI parameters, names in lower case, values still percent-encoded, '' for flags: `lr`, `gr`, `maddr`, `transport`. */
  readonly params: Params;
  /** Behind the `?`, as written. */
  readonly headers?: string;
}

// SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
// userinfo = ( user / telephone-subscriber ) [ ":" password ] "@" ; each class stands once, so that reading is linear.
const SIP = new RegExp(
  [
    "^(?:((?:[A-Za-z0-9\\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+)(?::((?:[A-Za-z0-9\\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*))?@)?",
    '(\\[[0-9A-Fa-f:.]{2,45}\\]|[A-Za-z0-9\\-._\\x80-\\uffff]{1,254})(?::(\\d{1,5}))?',
    '((?:;[^;?]*)*)(?:\\?(.*))?$',
  ].join(''),
);
// im-URI = "im:" [ to ] [ headers ] ; to = mailbox
const MAILBOX = /^((?:[A-Za-z0-9!#$&'*+\-/=?^_`{|}~.;,()]|%[0-9A-Fa-f]{2})+)@([A-Za-z0-9\-._\x80-\uffff]{1,254})(?:\?(.*))?$/;
// telephone-uri = "tel:" telephone-subscriber
const NUMBER = /^(\+?[0-9A-Fa-f*#\-.()]{1,64})((?:;[^;?]*)*)$/;
// uri-parameter: pname [ "=" pvalue ]; "=" and "," inside a value are seen from Microsoft peers.
const PARAM = /^([A-Za-z0-9\-_.!~*'()[\]/:&+$%]{1,1024})(?:=([A-Za-z0-9\-_.!~*'()[\]/:&+$%=,]*))?$/;
const HEADERS = /^[A-Za-z0-9\-_.!~*'()[\]/?:+$%=&,]+$/;

const MAX_URI_CHARS = 4096;
const MAX_PARAMS = 32;

/** The scheme before the first colon, lower-case; undefined when the text does not begin like a URI. */
export function schemeOf(text: string): string | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+\-.]{0,63}):/.exec(text);
  return match === null ? undefined : match[1]!.toLowerCase();
}

/** Reads a URI of one of our schemes; undefined when it is malformed or of another scheme (ask schemeOf which). */
export function parseSipUri(text: string): SipUri | undefined {
  if (text.length > MAX_URI_CHARS) return undefined;
  const scheme = schemeOf(text);
  if (scheme === undefined) return undefined;
  const rest = text.slice(scheme.length + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (scheme === 'im' || scheme === 'pres') return parseMailbox(scheme, rest);
  return scheme === 'tel' ? parseTel(rest) : undefined;
}

function parseSip(scheme: 'sip' | 'sips', rest: string): SipUri | undefined {
  const match = SIP.exec(rest);
  if (match === null) return undefined;
  const [, user, password, written, portText, paramText, headers] = match;
  const host = written!.startsWith('[') ? (isHost(written!) ? written!.toLowerCase() : undefined) : canonicalHost(written!);
  const port = portText === undefined ? undefined : Number(portText);
  const params = parseUriParams(paramText!);
  if (host === undefined || params === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  if (headers !== undefined && !HEADERS.test(headers)) return undefined;
  const uri: { -readonly [Key in keyof SipUri]: SipUri[Key] } = { scheme, host, params };
  if (user !== undefined) uri.user = user;
  if (password !== undefined) uri.password = password;
  if (port !== undefined) uri.port = port;
  if (headers !== undefined) uri.headers = headers;
  return uri;
}

function parseMailbox(scheme: 'im' | 'pres', rest: string): SipUri | undefined {
  const match = MAILBOX.exec(rest);
  const host = match === null ? undefined : canonicalHost(match[2]!);
  if (match === null || host === undefined) return undefined;
  const headers = match[3];
  if (headers !== undefined && !HEADERS.test(headers)) return undefined;
  return { scheme, user: match[1]!, host, params: NO_PARAMS, ...(headers !== undefined && { headers }) };
}

function parseTel(rest: string): SipUri | undefined {
  const match = NUMBER.exec(rest);
  const params = match === null ? undefined : parseUriParams(match[2]!);
  return match === null || params === undefined ? undefined : { scheme: 'tel', user: match[1]!, host: '', params };
}

/** `*( ";" uri-parameter)`. RFC 3261 §19.1.1: no name twice. */
function parseUriParams(text: string): Params | undefined {
  if (text === '') return NO_PARAMS;
  const params = new Map<string, string>();
  for (const each of text.slice(1).split(';', MAX_PARAMS + 1)) {
    const match = PARAM.exec(each);
    if (match === null || params.size === MAX_PARAMS) return undefined;
    const name = match[1]!.toLowerCase();
    if (params.has(name)) return undefined;
    params.set(name, match[2] ?? '');
  }
  return params;
}

/** The URI as text. Its parts are printed as they are: they came from parseSipUri or toSipUri, which let nothing else through. */
export function printSipUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) text += uri.user;
  if (uri.password !== undefined) text += `:${uri.password}`;
  if (uri.scheme !== 'tel') text += uri.user === undefined ? uri.host : `@${uri.host}`;
  if (uri.port !== undefined) text += `:${uri.port}`;
  for (const [name, value] of uri.params) text += value === '' ? `;${name}` : `;${name}=${value}`;
  return uri.headers === undefined ? text : `${text}?${uri.headers}`;
}
