// people/directory.yaml: a directory (LDAP, Active Directory) that the people of the core come from.

import * as z from 'zod';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseDomain, parseDuration, parseSchemeUrl } from '../values.ts';

const attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9;-]{0,63}$/, { error: () => 'the name of an attribute, such as displayName' });
const dn = z
  .string()
  .min(3)
  .max(1000)
  .regex(/=/, { error: () => 'a distinguished name such as ou=People,dc=corp,dc=example' });
const filterText = z
  .string()
  .max(2000)
  .regex(/^\(.*\)$/s, { error: () => 'an LDAP filter in parentheses, such as (objectClass=person)' });

/** Active Directory's names first, then those of inetOrgPerson (RFC 2798). */
const attributes = entry({
  address: list(attribute)
    .default(['userPrincipalName', 'uid'])
    .describe('The address, or its part before the @ (then domain: is needed).'),
  name: list(attribute).default(['displayName', 'cn']),
  mail: list(attribute).default(['mail']),
  phone: list(attribute).default(['telephoneNumber']),
  mobile: list(attribute).default(['mobile']),
  title: list(attribute).default(['title']),
  company: list(attribute).default(['company', 'o']),
  office: list(attribute).default(['physicalDeliveryOfficeName']),
  groups: list(attribute)
    .default(['memberOf'])
    .describe('Names of groups, or their distinguished names; of these the first part is the name.'),
  addresses: list(attribute)
    .default(['proxyAddresses', 'msRTCSIP-PrimaryUserAddress', 'otherMailbox', 'mailAlternateAddress'])
    .describe('Other addresses they are known by; smtp:, sip:, im: and xmpp: before them are understood, others (x500:) left out.'),
  photo: list(attribute).default(['thumbnailPhoto', 'jpegPhoto']),
  changed: list(attribute).default(['whenChanged', 'modifyTimestamp']).describe("The entry's own mark of its last change."),
});

const server = text((value) => parseSchemeUrl(value, { ldaps: 636, ldap: 389, plain: 389 }, 'dial'), 'ldaps://dc1.corp.example:636');

const ldap = entry({
  url: list(server).describe(
    'ldaps:// is TLS, ldap:// is TLS too (STARTTLS), plain:// is none. Several are tried in order. Roots: certs/trust/inside.',
  ),
  bindDn: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('Who we are there; in Active Directory also a userPrincipalName. Default: nobody.'),
  password: secret().optional(),
  base: dn.describe('Below this entry.'),
  filter: filterText
    .default('(&(objectClass=person)(!(objectClass=computer)))')
    .describe('Which entries are users. Default: persons that are no computers.'),
  attributes: attributes.prefault({}),
  domain: text(parseDomain, 'people.example')
    .optional()
    .describe('For addresses without a domain. Default: the one domain that is served: core.'),
  domains: z
    .record(z.string(), text(parseDomain, 'people.example'))
    .default({})
    .describe("The directory's domains as ours: { corp.local: people.example }."),
  refresh: text(parseDuration, '30s')
    .default(30_000)
    .describe('How often it is looked at; who is gone or disabled is out then. Default: 30s.'),
});

export const directorySection = entry({
  ldap: ldap.optional(),
  signIn: word(['passwords', 'ldap'])
    .default('passwords')
    .describe(
      'ldap: the main password is the one of the directory, checked by a bind. Default: passwords, those that isthmus user password gives.',
    ),
}).describe('people/directory.yaml: where the people of the core come from.');

export type DirectoryInput = z.output<typeof directorySection>;
