// certs/acme.yaml: which certificates renew themselves, at which authorities, and how control over the names is shown.

import * as z from 'zod';
import { KEY_KINDS } from '../../model/acme.ts';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseDomain, parseDuration, parseHostPort, parseName, parseSchemeUrl, Wrong } from '../values.ts';

/** A DNS name of a certificate: a domain, or a whole left-most label as wildcard (RFC 9525 §6.3). */
function parseCertificateName(value: string): string | Wrong {
  const wild = value.startsWith('*.');
  const domain = parseDomain(wild ? value.slice(2) : value);
  if (domain instanceof Wrong) return new Wrong('a domain name such as corp.example, or *.corp.example');
  return wild ? `*.${domain}` : domain;
}

function parseDirectory(value: string): string | Wrong {
  const right = "the address of the CA's directory, such as https://acme-v02.api.letsencrypt.org/directory";
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // RFC 8555 §6.1: HTTPS only.
  if (url?.protocol === 'http:') return new Wrong(`${right}; ACME is HTTPS only`, value.replace(/^http:/, 'https:'));
  if (url?.protocol !== 'https:') return new Wrong(right);
  if (url.username !== '' || url.password !== '') return new Wrong(`${right}, without a user name or password in it`);
  return url.href;
}

function parseMail(value: string): string | Wrong {
  const plain = value.replace(/^mailto:/i, '');
  return /^[^\s@,?&]+@[^\s@,?&]+$/.test(plain) ? plain : new Wrong('a mail address such as hostmaster@corp.example');
}

const TERMS = "true, written by whoever has read the CA's terms of service";

const authority = entry({
  name: text(parseName, 'letsencrypt').optional().describe("Names the account's folder in var/acme/. Default: the directory's host."),
  directory: text(parseDirectory, 'https://acme-v02.api.letsencrypt.org/directory').describe("The CA's ACME directory."),
  contact: list(text(parseMail, 'hostmaster@corp.example')).optional().describe('Where the CA may write to.'),
  termsAgreed: z
    .boolean({ error: () => TERMS })
    .refine((agreed) => agreed, { error: () => TERMS })
    .describe("You have read the CA's terms of service and agree. There is no default."),
  externalAccount: entry({
    kid: z.string().min(1).max(512).describe('The key identifier that the CA gave you.'),
    hmac: secret().describe('The key beside it, as the CA wrote it (base64url), in a file of secrets/.'),
  })
    .optional()
    .describe('External account binding, where the CA asks for it.'),
  trust: z
    .string()
    .min(1)
    .optional()
    .describe(
      "PEM file (relative to the home) with the only roots believed for the CA's own HTTPS. Default: the system's and certs/trust/edge/.",
    ),
  profile: text(parseName, 'shortlived').optional().describe('A certificate profile of this CA. Default: its own default.'),
});

const dnsWait = text(parseDuration, '2m')
  .default(120_000)
  .describe('How long to wait at most until all name servers of the zone show the record. Default: 2m; at most 1h.');

const http01 = entry({
  type: z.literal('http-01'),
  listen: text((value) => parseSchemeUrl(value, { http: 80 }, 'bind'), 'http://*:80')
    .prefault('http://*:80')
    .describe('Opened while a certificate is being requested; the CA comes to port 80 of every name. Default: http://*:80.'),
});
const tlsAlpn01 = entry({
  type: z.literal('tls-alpn-01'),
  listen: text((value) => parseSchemeUrl(value, { tls: 443 }, 'bind'), 'tls://*:443')
    .prefault('tls://*:443')
    .describe('Opened while a certificate is being requested; the CA comes to port 443 of every name. Default: tls://*:443.'),
});
const dns01 = entry({
  type: z.literal('dns-01'),
  hook: list(z.string().min(1).max(4096))
    .optional()
    .describe('A program and its first arguments, run without a shell; then come: present or cleanup, the record name, its value.'),
  update: entry({
    server: text((value) => parseHostPort(value, 53), 'ns1.corp.example').describe('The primary name server of the zone.'),
    zone: text(parseDomain, 'corp.example').describe('The zone to write into; a CNAME at _acme-challenge that leads there is followed.'),
    key: text(parseDomain, 'isthmus').describe('Name of the TSIG key, as the name server knows it.'),
    algorithm: word(['hmac-sha256', 'hmac-sha384', 'hmac-sha512']).default('hmac-sha256'),
    secret: secret().describe('The TSIG key itself (base64), in a file of secrets/.'),
    ttl: text(parseDuration, '1m').default(60_000).describe('Of the record while it stands. Default: 1m.'),
  })
    .optional()
    .describe('Dynamic update (RFC 2136) signed with TSIG (RFC 8945).'),
  wait: dnsWait,
});

const certificate = entry({
  names: list(text(parseCertificateName, 'corp.example'))
    .optional()
    .describe('Default: what our domains need: each domain, sip.<domain>, and edge.host where isthmus.yaml sets it.'),
  key: word(KEY_KINDS).default('ecdsa-p256').describe('Default: ecdsa-p256.'),
  reuseKey: z
    .boolean()
    .default(false)
    .describe('true: renewals keep the key. false: each takes the one that was made ahead (next/key.pem). Default: false.'),
  challenge: z.discriminatedUnion('type', [http01, tlsAlpn01, dns01]).describe('How the CA sees that the names are ours.'),
  renewBefore: text(parseDuration, '30d')
    .optional()
    .describe('At the latest so long before the end. Default: a third of its life; a CA that names an earlier time (ARI) is obeyed.'),
});

export const acmeSection = entry({
  authorities: list(authority).describe('In this order: the first that issues wins, one that fails is left alone for a while.'),
  certificates: z.record(z.string(), certificate).describe('Each by its folder in certs/own/.'),
}).describe('certs/acme.yaml: which certificates renew themselves, and where.');
