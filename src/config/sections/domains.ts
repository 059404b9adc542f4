// routes/domains.yaml: the domains that are ours, and what serves each.

import * as z from 'zod';
import { entry, list, secret, text } from '../shape.ts';
import { parseDomain, parseHost, parseName, parseSchemeUrl } from '../values.ts';

const nextHop = list(text((value) => parseSchemeUrl(value, { tls: 5061, plain: 5060 }, 'dial'), 'tls://fe1.corp.example:5061'));

const everyDomain = {
  aliases: list(text(parseDomain, 'old-corp.example')).optional().describe('Other names of the same domain.'),
  sameProtocol: z
    .boolean()
    .default(false)
    .describe('Also carry partners that speak the protocol of the inside; usually the internal server itself does. Default: false.'),
  certificate: text(parseName, 'corp')
    .optional()
    .describe('The pair certs/own/<name> to show. Default: by the names inside, latest first.'),
};

const sipInside = {
  served: z.literal('sip'),
  nextHop: nextHop.describe('The internal SIP servers, in order: tls:// or plain:// (TCP).'),
  acceptFrom: list(text(parseHost, 'fe1.corp.example'))
    .optional()
    .describe('Who may send for the domain on the inside listener: certificate names, or addresses where the inside is plain.'),
  gr: z
    .boolean()
    .default(true)
    .describe('Name the sending device of an XMPP contact in From (RFC 7572, `gr`); false for servers that reject it. Default: true.'),
};

const xmppInside = {
  served: z.literal('xmpp'),
  component: entry({
    name: text(parseDomain, 'isthmus.chat.example').describe("The component's name at the internal server."),
    dial: text((value) => parseSchemeUrl(value, { plain: 5347 }, 'dial'), 'plain://10.0.0.30:5347')
      .optional()
      .describe('Where the internal server listens for components (XEP-0114).'),
    secret: secret(),
  }),
};

const servedSip = entry({ ...sipInside, ...everyDomain });
const servedXmpp = entry({ ...xmppInside, ...everyDomain });

const servedCore = entry({
  served: z.literal('core'),
  otherwise: z
    .discriminatedUnion('served', [entry(sipInside), entry(xmppInside)])
    .optional()
    .describe(
      'A split domain: users that are not in the core live at this internal system. `served: sip` or `served: xmpp`, with the keys of such a domain.',
    ),
  ...everyDomain,
});

const ownDomainSection = z.discriminatedUnion('served', [servedSip, servedXmpp, servedCore]);

export const domainsSection = entry({
  domains: z.record(z.string(), ownDomainSection).default({}).describe('Our domains, each with `served: sip | xmpp | core`.'),
}).describe('routes/domains.yaml: the domains that are ours. Nothing from outside may claim to come from one of them.');
