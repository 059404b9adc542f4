// The small values of the home's files, each from text to what the program uses: durations, sizes, domains, addresses,
// host and port, listeners, certificate fingerprints. A value that cannot be meant answers with what would be right.

import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** Not that; `right` says what would be, as the end of "right would be ...". */
export class Wrong {
  readonly right: string;
  readonly meant: string | undefined;
  constructor(right: string, meant?: string) {
    this.right = right;
    this.meant = meant;
  }
}

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `30s`, `14d` to ms. */
export function parseDuration(text: string): number | Wrong {
  const match = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text);
  if (match === null) return new Wrong('a number and a unit (ms, s, m, h, d, w), such as 30s or 14d');
  return Number(match[1]) * MS[match[2] as keyof typeof MS]; // the expression above admits these units only
}

/** `64KiB` to bytes. */
export function parseSize(text: string): number | Wrong {
  const match = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(text);
  if (match !== null) return Number(match[1]) * BYTES[match[2] as keyof typeof BYTES]; // as above
  const near = /^(\d{1,9}) ?([kKmMgG])i?[bB]?$/.exec(text);
  return new Wrong('a number and a unit (B, KiB, MiB), such as 64KiB', near === null ? undefined : `${near[1]}${near[2]!.toUpperCase()}iB`);
}

/** Any spelling of a domain to lower-case A-labels (RFC 5890). */
export function parseDomain(text: string): string | Wrong {
  const right = 'a domain name such as partner.example';
  if (isIP(text) !== 0) return new Wrong(`${right}, not an address`);
  const scheme = /^[a-z]+:(?:\/\/)?/i.exec(text);
  if (scheme !== null) return new Wrong(`${right}, without "${scheme[0]}"`);
  if (text.includes('@')) return new Wrong(`${right}, not a user's address`, text.slice(text.lastIndexOf('@') + 1));
  if (text.startsWith('*.')) return new Wrong(`${right}; a wildcard is not possible here`, text.slice(2));
  if (/[\s%/:?#[\]\\<>^|]/u.test(text)) return new Wrong(right);
  const ascii = domainToASCII(text).replace(/\.$/, '');
  if (ascii === '' || ascii.length > 253 || isIP(ascii) !== 0) return new Wrong(right);
  const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
  return ascii.split('.').every((part) => label.test(part)) ? ascii : new Wrong(`${right}: letters, digits and hyphens between dots`);
}

/** A host name or an IP address (IPv6 with or without brackets), normalised. */
export function parseHost(text: string): string | Wrong {
  const bracketed = /^\[(.*)\]$/.exec(text);
  const literal = bracketed === null ? text : bracketed[1]!;
  if (isIP(literal) !== 0) return literal.toLowerCase();
  const domain = parseDomain(text);
  return domain instanceof Wrong ? new Wrong('a host name or an address') : domain;
}

/** `host:port`, `[::1]:port` or `host` alone. */
export function parseHostPort(text: string, defaultPort: number): { host: string; port: number } | Wrong {
  const right = `a host and a port, such as edge.partner.example:${defaultPort}`;
  const scheme = /^[a-z]+:\/\//i.exec(text);
  if (scheme !== null) return new Wrong(`${right}, without "${scheme[0]}"`, text.slice(scheme[0].length));
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return new Wrong(right);
  const host = parseHost(match[1]!);
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
  if (host instanceof Wrong || port < 1 || port > 65535) return new Wrong(right);
  return { host, port };
}

export interface SchemeUrl<S extends string> {
  readonly scheme: S;
  /** Host name or address; `*` is every address, IPv6 and IPv4. */
  readonly host: string;
  readonly port: number;
}

/**
 * `tls://203.0.113.5:5061`, `starttls://*:5269`.
 * @param schemes the schemes that are possible here, each with its default port
 * @param hosts `bind`: an address or `*`; `dial`: a host name or an address
 */
export function parseSchemeUrl<S extends string>(
  text: string,
  schemes: Readonly<Record<S, number>>,
  hosts: 'bind' | 'dial',
): SchemeUrl<S> | Wrong {
  const names = Object.keys(schemes) as S[]; // the keys of a Record<S, ...> are its S
  const example = hosts === 'bind' ? '203.0.113.5' : 'server.corp.example';
  const right = `${names.map((name) => `${name}://${example}:${schemes[name]}`).join(' or ')}`;
  const match = /^([a-z]+):\/\/(\[[^\]]*\]|[^:/]*)(?::(\d{1,5}))?\/?$/i.exec(text);
  if (match === null) return new Wrong(right);
  const scheme = names.find((name) => name === match[1]!.toLowerCase());
  if (scheme === undefined) {
    const plain = names.find((name) => name === 'plain');
    const meant = match[1]!.toLowerCase() === 'tcp' && plain !== undefined ? text.replace(/^tcp/i, 'plain') : undefined;
    return new Wrong(right, meant);
  }
  const port = match[3] === undefined ? schemes[scheme] : Number(match[3]);
  const lowest = hosts === 'bind' ? 0 : 1; // port 0: any free one
  if (port < lowest || port > 65535) return new Wrong(`a port from ${lowest} to 65535`);
  if (hosts === 'bind' && match[2] === '*') return { scheme, host: '*', port };
  const host = parseHost(match[2]!);
  if (host instanceof Wrong) return new Wrong(right);
  if (hosts === 'bind' && isIP(host) === 0) return new Wrong(`an address of this machine, or * for every one: ${right}`);
  return { scheme, host, port };
}

/** RFC 8265 UsernameCaseMapped: width mapping, lower case, NFC. */
export function caseMapped(local: string): string {
  return local
    .replace(/[\uff00-\uffef]/gu, (wide) => wide.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
}

/** `user@domain`, both parts in the model's form. */
export function parseUser(text: string): string | Wrong {
  const right = 'an address such as nora@corp.example';
  const at = text.lastIndexOf('@');
  if (at < 1) return new Wrong(right);
  const scheme = /^(?:sip|sips|xmpp|im|pres|mailto):/i.exec(text);
  if (scheme !== null) return new Wrong(`${right}, without "${scheme[0]}"`, text.slice(scheme[0].length));
  const local = text.slice(0, at);
  if (local.length > 1023 || /[\s\p{Cc}]/u.test(local)) return new Wrong(right);
  const domain = parseDomain(text.slice(at + 1));
  return domain instanceof Wrong ? new Wrong(right) : `${caseMapped(local)}@${domain}`;
}

/** An IP address in lower case; anything else is wrong. */
export function parseAddress(text: string): string | Wrong {
  return isIP(text) === 0 ? new Wrong('an IP address such as 203.0.113.5 or 2001:db8::5') : text.toLowerCase();
}

/** `198.51.100.0/24`; an address alone is itself. The host bits must be zero. */
export function parseCidr(text: string): string | Wrong {
  const right = 'an address range such as 198.51.100.0/24 or 2001:db8::/32';
  const [address = '', length, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return new Wrong(right);
  const bits = family === 4 ? 32 : 128;
  if (length === undefined) return `${address.toLowerCase()}/${bits}`;
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return new Wrong(right);
  const list = new BlockList();
  list.addSubnet(address, Number(length), family === 4 ? 'ipv4' : 'ipv6');
  return `${address.toLowerCase()}/${Number(length)}`;
}

/** RFC 3339 time with a zone, to wall ms. */
export function parseTime(text: string): number | Wrong {
  const right = 'a time with its zone, such as 2026-12-01T06:00:00Z';
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return new Wrong(right);
  const at = Date.parse(text);
  return Number.isNaN(at) ? new Wrong(right) : at;
}

/** `2027-06-01`, to wall ms at its start (UTC). */
export function parseDate(text: string): number | Wrong {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  const same = !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
  return same ? at : new Wrong('a date such as 2027-06-01');
}

/** SHA-256 of a certificate, with or without colons, to lower-case hex. */
export function parseFingerprint(text: string): string | Wrong {
  const hex = text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : new Wrong('a SHA-256 fingerprint, 64 hex digits with or without colons');
}

/** A name of a file or folder that must stay inside its folder. */
export function parseName(text: string): string | Wrong {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text) ? text : new Wrong('a plain name of letters, digits, dots and hyphens');
}
