// An entry of the directory as a person. Pure. Attribute names are those of Active Directory and inetOrgPerson (RFC 2798).

import { createHash } from 'node:crypto';
import type { Person } from '../model/core.ts';
import type { DirectoryAttributes, DirectorySettings } from '../model/directory.ts';
import type { Photo } from '../model/people.ts';

/** As ldapts hands them over. */
export type Entry = Readonly<Record<string, string | readonly string[] | Buffer | readonly Buffer[]>> & { readonly dn: string };

/** What every look asks for: who it is, whether they may, whether anything changed. */
export interface Sight {
  readonly dn: string;
  /** `user@domain`, the domain one that the core serves. */
  readonly address: string;
  readonly stamp: string;
  readonly disabled: boolean;
}
export interface Skipped {
  readonly dn: string;
  readonly why: string;
}

/** MS-ADTS 2.2.16, ADS_UF_ACCOUNTDISABLE. */
const ACCOUNT_DISABLED = 0x2;
const FLAGS = ['userAccountControl', 'nsAccountLock'] as const;
const MAX_TEXT = 200;
const MAX_GROUPS = 500;
const MAX_ADDRESSES = 50;
/** Active Directory's own bound for thumbnailPhoto. */
const MAX_PHOTO_BYTES = 100 * 1024;
const FIELDS = ['mail', 'phone', 'mobile', 'title', 'company', 'office'] as const;

export function sightAttributes(attributes: DirectoryAttributes): string[] {
  return [...attributes.address, ...attributes.changed, ...FLAGS];
}
export function allAttributes(attributes: DirectoryAttributes): string[] {
  return [...new Set([...Object.values(attributes).flat(), ...FLAGS])];
}

/** @param serves the core's own name of a domain, undefined where it serves none */
export function sightOf(entry: Entry, settings: DirectorySettings, serves: (domain: string) => string | undefined): Sight | Skipped {
  const { dn } = entry;
  const written = first(entry, settings.attributes.address);
  if (written === undefined) return { dn, why: `no ${settings.attributes.address.join(' or ')}` };
  const at = written.lastIndexOf('@');
  const theirs = at < 0 ? undefined : written.slice(at + 1).toLowerCase();
  const domain = theirs === undefined ? settings.domain : (settings.domains.get(theirs) ?? theirs);
  if (domain === undefined) return { dn, why: `"${written}" has no domain; domain: says which` };
  const ours = serves(domain);
  if (ours === undefined) return { dn, why: `${domain} is not served: core; domains: maps one to another` };
  // RFC 8265 UsernameCaseMapped, as everywhere (model/address.ts).
  const local = (at < 0 ? written : written.slice(0, at))
    .replace(/[\uff00-\uffef]/gu, (wide) => wide.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  if (local === '' || local.length > 256 || /[\s\p{Cc}@]/u.test(local)) return { dn, why: `"${written.slice(0, 80)}" is no address` };
  const control = Number.parseInt(first(entry, ['userAccountControl']) ?? '0', 10);
  const disabled = (control & ACCOUNT_DISABLED) !== 0 || /^true$/i.test(first(entry, ['nsAccountLock']) ?? '');
  return { dn, address: `${local}@${ours}`, stamp: first(entry, settings.attributes.changed) ?? '', disabled };
}

/** Active Directory writes `smtp:`, `SIP:`, `x500:` before them; those of a chat or of mail are kept. @param own bare key of the person */
function addressesOf(entry: Entry, names: readonly string[], own: string): readonly string[] {
  const found = names
    .flatMap((name) => texts(entry, name))
    .flatMap((text) => {
      const [, scheme = '', rest = ''] = /^(?:([A-Za-z][A-Za-z0-9.+-]*):)?(.*)$/s.exec(text) ?? [];
      if (scheme !== '' && !/^(?:smtp|mailto|sips?|im|xmpp|eum)$/i.test(scheme)) return [];
      const address = rest.toLowerCase();
      return /^[^@\s\p{Cc}]{1,256}@[^@\s\p{Cc}]{1,253}$/u.test(address) ? [address] : [];
    });
  return [...new Set(found)].filter((address) => address !== own).slice(0, MAX_ADDRESSES);
}

/** The fields of a person. `groups` of distinguished names are called by their first part. */
export function fieldsOf(
  entry: Entry,
  { attributes }: DirectorySettings,
  own: string,
): Pick<Person, 'name' | 'groups' | 'addresses' | (typeof FIELDS)[number]> {
  const fields = FIELDS.flatMap((field) => {
    const value = first(entry, attributes[field]);
    return value === undefined ? [] : [[field, value] as const];
  });
  const addresses = addressesOf(entry, attributes.addresses, own);
  const groups = attributes.groups.flatMap((name) => texts(entry, name)).map(groupName);
  return {
    name: first(entry, attributes.name) ?? own.slice(0, own.lastIndexOf('@')),
    groups: [...new Set(groups.filter((group) => group !== ''))].sort().slice(0, MAX_GROUPS),
    ...(addresses.length > 0 && { addresses }),
    ...Object.fromEntries(fields),
  };
}

/** The picture, where it is one that clients can show. @param now wall ms */
export function photoOf(entry: Entry, { attributes }: DirectorySettings, now: number): Photo | undefined {
  for (const name of attributes.photo) {
    const value = attributeOf(entry, name);
    const data = Array.isArray(value) ? value[0] : value;
    if (!Buffer.isBuffer(data) || data.length > MAX_PHOTO_BYTES) continue;
    const type = data.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))
      ? 'image/jpeg'
      : data.subarray(1, 4).toString('latin1') === 'PNG'
        ? 'image/png'
        : data.subarray(0, 4).toString('latin1') === 'GIF8'
          ? 'image/gif'
          : undefined;
    if (type !== undefined) return { type, hash: createHash('sha1').update(data).digest('hex'), data, changedAt: now };
  }
  return undefined;
}

/** RFC 4514 §2.3: the value of the first part; `\,` and `\2C` are a comma. */
function groupName(text: string): string {
  const rdn = /^[A-Za-z][A-Za-z0-9-]*=((?:\\.|[^,+\\])*)/s.exec(text);
  if (rdn === null) return text;
  // A run of hex pairs is octets of UTF-8.
  return rdn[1]!
    .replaceAll(/(?:\\[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'))
    .replaceAll(/\\(.)/gs, '$1')
    .trim();
}

function first(entry: Entry, names: readonly string[]): string | undefined {
  for (const name of names) {
    const [value] = texts(entry, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function texts(entry: Entry, name: string): string[] {
  const value = attributeOf(entry, name);
  const all: readonly (string | Buffer)[] =
    value === undefined ? [] : typeof value === 'string' || Buffer.isBuffer(value) ? [value] : value;
  return all.slice(0, 10_000).flatMap((one) => {
    const text = String(one)
      .normalize('NFC')
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim();
    return text === '' ? [] : [name.toLowerCase() === 'memberof' ? text.slice(0, 2000) : text.slice(0, MAX_TEXT)];
  });
}

/** Attribute names are compared without case (RFC 4512 §2.5). */
function attributeOf(entry: Entry, name: string): Entry[string] | undefined {
  const lower = name.toLowerCase();
  const key = Object.keys(entry).find((one) => one.toLowerCase() === lower || one.toLowerCase() === `${lower};binary`);
  return key === undefined || key === 'dn' ? undefined : entry[key];
}
