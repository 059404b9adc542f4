// routes/partners/<domain>.yaml: one partner, one file, both protocols.
// Where we connect (`hosts`) and who may speak for the domain (`names`) are two things.

import * as z from 'zod';
import { entry, list, text, word } from '../shape.ts';
import { parseDate, parseDomain, parseFingerprint, parseHostPort, parseTime } from '../values.ts';
import { allowSection, limitsSection } from './allow.ts';
import { partnerFiltersSection } from './filters.ts';

export const PROTOCOLS = ['sip', 'xmpp'] as const;

const face = (port: number) => ({
  hosts: list(text((value) => parseHostPort(value, port), `edge.partner.example:${port}`))
    .optional()
    .describe('Where we connect, in order. Default: what DNS says.'),
  names: list(text(parseDomain, 'edge.partner.example'))
    .optional()
    .describe("Certificate names besides the partner's own domains that may speak for it. Default: none."),
  tls: entry({ atLeast: word(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2') }).prefault({}),
  clientEku: word(['ignore', 'require-clientAuth', 'require-serverAuth'])
    .default('ignore')
    .describe("Which extended key usage the partner's certificate must have when it connects to us. Default: ignore."),
  revocation: word(['soft', 'hard', 'off'])
    .default('soft')
    .describe(
      "Is it asked (OCSP, revocation lists) whether the partner's certificate is revoked? soft: in the background, no word is fine; " +
        'hard: no word is a refusal; off: not asked, certs/revoked/ alone counts. Default: soft.',
    ),
  pins: list(text(parseFingerprint, 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'))
    .optional()
    .describe('SHA-256 fingerprints; only these certificates are accepted. Default: not pinned.'),
});

const sip = entry({
  dialect: word(['standard', 'lync']).default('standard'),
  queuedAnswer: z
    .union([z.literal(202), z.literal(200), z.literal(480)], { error: () => 'one of 202, 200, 480' })
    .optional()
    .describe('What a SIP sender hears while the message waits. Default: 202; 200 with dialect: lync.'),
  proof: word(['certificate']).default('certificate').describe('How the partner proves who it is. Default: certificate.'),
  gr: z.boolean().default(true).describe("Put the sender's device into From as gr (RFC 7572 section 4). Default: true."),
  use6xx: z.boolean().default(false).describe('Send 6xx answers where RFC 7247 has them. Default: false.'),
  ...face(5061),
});

const xmpp = entry({
  proof: word(['certificate', 'dialback'])
    .default('certificate')
    .describe('How the partner proves who it is. `dialback` must be written to be accepted; its sessions are marked unproven.'),
  posh: z
    .boolean()
    .default(false)
    .describe(
      'Also believe the certificate whose fingerprint the domain publishes at https://<domain>/.well-known/posh/ (RFC 7711). Default: false.',
    ),
  ...face(5269),
});

export const partnerSection = entry({
  domains: list(text(parseDomain, 'partner.example'))
    .optional()
    .describe("The partner's domains; the first is the file's name. XMPP rooms are a domain of their own. Default: the file's name."),
  prefer: list(word(PROTOCOLS))
    .optional()
    .describe(
      'The protocols to speak with this partner, in this order. Default: those that have a section here; without any, xmpp, then sip.',
    ),
  sip: sip.optional(),
  xmpp: xmpp.optional(),
  allow: allowSection.optional(),
  limits: limitsSection.optional(),
  filters: partnerFiltersSection.optional().describe('What differs from routes/filters.yaml for this partner.'),
  paused: entry({ until: text(parseTime, '2026-12-01T06:00:00Z').optional(), messages: word(['hold', 'refuse']) })
    .optional()
    .describe('Maintenance: hold or refuse messages, until a time or until this is removed.'),
  idleWatcherDays: z
    .int()
    .min(0)
    .max(3650)
    .default(7)
    .describe('After so many days without a sign of life from a watcher, presence is no longer refreshed for it. 0: never. Default: 7.'),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('DNS and hosts may lead to private, loopback and link-local addresses for this partner. Default: false.'),
  contact: z.string().optional().describe("The partner's administrator."),
  owner: z.string().optional().describe('Who answers for this partner at our side.'),
  reviewBefore: text(parseDate, '2027-06-01').optional().describe('check warns once the day has come.'),
}).describe('One partner: where we connect, who may speak for it, what is allowed, limits.');

export type PartnerInput = z.output<typeof partnerSection>;
export const sipDefaults = sip.parse({});
export const xmppDefaults = xmpp.parse({});
