// `admin:` of isthmus.yaml: one listener as plain text, or an entry with listeners and who may use those on TCP.

import * as z from 'zod';
import { ROLES } from '../../model/audit.ts';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseFingerprint, parseName, parseSchemeUrl, Wrong } from '../values.ts';

const EXAMPLE = 'unix:var/admin.sock';

/** `unix:var/admin.sock`, `https://10.0.0.5:8443`. */
function parseAdmin(value: string) {
  const socket = /^unix:(.+)$/.exec(value);
  if (socket !== null) return { scheme: 'unix' as const, path: socket[1]! };
  const url = parseSchemeUrl(value, { https: 8443 }, 'bind');
  return url instanceof Wrong ? new Wrong(`${EXAMPLE} or https://10.0.0.5:8443`) : url;
}

const role = word(ROLES).describe(
  'viewer, helpdesk (metadata, never bodies), compliance, operator or admin; each may do what those before it may.',
);
const person = text(parseName, 'dashboard').describe('Stands in the audit log.');

const token = entry({
  name: person,
  role,
  secret: secret().describe('A file in secrets/ with at least 20 random characters, sent as Authorization: Bearer.'),
}).describe('Whoever sends this secret.');

const client = entry({
  name: person,
  role,
  fingerprint: text(parseFingerprint, 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9')
    .optional()
    .describe('SHA-256 of the certificate; needs no authority.'),
  subject: z
    .string()
    .min(3)
    .max(500)
    .optional()
    .describe('Its whole subject, such as "CN=olga, O=Corp"; from an authority in certs/trust/admin/.'),
  san: z
    .string()
    .min(3)
    .max(255)
    .optional()
    .describe('A DNS name or e-mail address in its subjectAltName; from an authority in certs/trust/admin/.'),
}).describe('Whoever shows this certificate: exactly one of fingerprint, subject, san.');

/** `https://id.corp.example/realms/staff`, as the issuer writes it in its tokens. */
function parseIssuer(value: string) {
  const right = 'an address such as https://id.corp.example/realms/staff, as it stands in `iss` of the tokens';
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || /[?#\s]/.test(value)) return new Wrong(right);
  if (url.protocol === 'https:') return value;
  // OpenID Connect Discovery 1.0 §3 asks for https; a process of this machine may do without.
  const here = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'http:' && here ? value : new Wrong(right);
}

const oidc = entry({
  issuer: text(parseIssuer, 'https://id.corp.example/realms/staff').describe(
    'The issuer, letter by letter as in its tokens; its keys are found below /.well-known/openid-configuration.',
  ),
  audience: list(z.string().min(1).max(500)).describe('A token must be for one of these (`aud`).'),
  rolesClaim: z
    .string()
    .regex(/^[^.\s]+(\.[^.\s]+)*$/, { error: () => 'the name of a claim such as roles or realm_access.roles' })
    .default('roles')
    .describe('The claim that holds roles: a list, or words with blanks between (scope). A dot leads into a claim. Default: roles.'),
  roles: z
    .record(z.string().min(1).max(200), role)
    .describe('What each value of that claim may do here: isthmus-operators: operator. Of several the highest counts.'),
  ca: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe(
      'A PEM file of the home whose authorities alone vouch for the issuer: certs/trust/inside/id.pem. Default: those of the system.',
    ),
}).describe('Whoever brings a token (JWT) of this OpenID issuer.');

const full = entry({
  listen: list(text(parseAdmin, EXAMPLE))
    .optional()
    .describe('unix:PATH for the admin socket (default unix:var/admin.sock, always open), https://ADDRESS:PORT for TCP.'),
  certificate: text(parseName, 'corp').optional().describe('certs/own/<name> shown on TCP. Default: as edge.identity.'),
  tokens: z.array(token).max(100).optional(),
  clients: z.array(client).max(1000).optional(),
  oidc: oidc.optional(),
});

/** Every way to write it. One value and a list are branches of their own, so that a fault is told about what was meant. */
export const adminSection = z
  .union([
    text(parseAdmin, EXAMPLE).transform((one): z.output<typeof full> => ({ listen: [one] })),
    z.array(text(parseAdmin, EXAMPLE)).transform((all): z.output<typeof full> => ({ listen: all })),
    full,
  ])
  .describe('Where the command line and the API reach this process. Default: unix:var/admin.sock.');
