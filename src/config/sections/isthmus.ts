// isthmus.yaml: what this process listens on and where it keeps things. Every key is optional.

import * as z from 'zod';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseAddress, parseCidr, parseDomain, parseDuration, parseHostPort, parseName, parseSchemeUrl, parseSize } from '../values.ts';
import { adminSection } from './admin.ts';
import { notifySection } from './notify.ts';

const bind = <S extends string>(schemes: Readonly<Record<S, number>>, example: string) =>
  list(text((value) => parseSchemeUrl(value, schemes, 'bind'), example));
const host = text(parseDomain, 'edge.corp.example');
const duration = (example: string) => text(parseDuration, example);

const edge = entry({
  host: host.optional().describe('What Via, Contact and Record-Route carry; must be a name in our certificate.'),
  identity: text(parseName, 'corp')
    .optional()
    .describe('certs/own/<name> shown when a peer sends no SNI. Default: the one that covers most of our domains.'),
  sip: bind({ tls: 5061 }, 'tls://203.0.113.5:5061').optional().describe('SIP federation, mutual TLS. tls://*:5061 means every address.'),
  xmpp: bind({ starttls: 5269, tls: 5270 }, 'starttls://203.0.113.5:5269')
    .optional()
    .describe('XMPP federation: starttls:// with STARTTLS, tls:// with direct TLS (XEP-0368).'),
  proxyProtocolFrom: list(text(parseCidr, '10.0.0.4'))
    .optional()
    .describe('Load balancers that speak PROXY v2 in front of these listeners.'),
}).describe('Faces the internet.');

const inside = entry({
  host: host.optional().describe('What Via, Contact and Record-Route carry toward our own servers. Default: edge.host.'),
  sip: bind({ tls: 5061, plain: 5060 }, 'tls://10.0.0.5:5061')
    .optional()
    .describe('Where our internal SIP servers send what goes outside.'),
  component: bind({ plain: 5347, tls: 5348 }, 'plain://10.0.0.5:5347')
    .optional()
    .describe('For internal XMPP servers that dial us; the usual way is that we dial them (component.dial in routes/domains.yaml).'),
}).describe('Faces our own servers; only those named in routes/domains.yaml get in.');

const clients = entry({
  host: host.optional(),
  sip: bind({ tls: 5061, plain: 5060 }, 'tls://203.0.113.6:5061').optional(),
  xmpp: bind({ starttls: 5222, tls: 5223 }, 'starttls://203.0.113.6:5222').optional(),
  web: bind({ https: 443 }, 'https://203.0.113.6:443')
    .optional()
    .describe('HTTPS: XMPP over WebSocket for browsers, shared files, and what clients look up.'),
  webUrl: text((value) => parseSchemeUrl(value, { https: 443 }, 'dial'), 'https://chat.people.example')
    .optional()
    .describe(
      'What clients are told of clients.web, where a firewall leads another port to it. Default: clients.host, port of clients.web.',
    ),
  uploads: entry({
    size: text(parseSize, '50MiB').optional().describe('The largest file that a user may share. Default: 50MiB.'),
    quota: text(parseSize, '1GiB').optional().describe('All files of one user. Default: 1GiB.'),
  })
    .optional()
    .describe('Files that users share (XEP-0363), over clients.web. They are kept in data: for retention.uploads.'),
  push: list(text(parseDomain, 'push.example'))
    .optional()
    .describe(
      'Domains of push services (XEP-0357) that may be told when a message waits for a phone; they learn whose, when and how many. Default: none.',
    ),
  drachtio: entry({ connect: text((value) => parseSchemeUrl(value, { tcp: 9022 }, 'dial'), 'tcp://127.0.0.1:9022'), secret: secret() })
    .optional()
    .describe("UDP and WebSocket clients through an operator's drachtio-server."),
}).describe('Faces users of the core and their own clients: sip, xmpp and web; drachtio is accepted and not yet spoken to.');

const outbound = entry({
  sourceAddress: list(text(parseAddress, '203.0.113.5'))
    .optional()
    .describe('The address connections to partners come from, one per family.'),
  httpProxy: text((value) => parseSchemeUrl(value, { http: 3128 }, 'dial'), 'http://10.0.0.9:3128').optional(),
}).describe('How we go out.');

export const isthmusSection = entry({
  edge: edge.optional(),
  inside: inside.optional(),
  clients: clients.optional(),
  outbound: outbound.optional(),
  admin: adminSection.optional(),
  metrics: text((value) => parseSchemeUrl(value, { http: 9090 }, 'bind'), 'http://127.0.0.1:9090').optional(),
  notify: notifySection.optional(),
  dns: entry({ servers: list(text((value) => parseHostPort(value, 53), '10.0.0.2')).optional() })
    .optional()
    .describe("Default: the system's resolver."),
  data: z.string().min(1).default('var').describe('Database and generated material, relative to the home. Default: var.'),
  retention: entry({
    ledger: duration('30d')
      .default(30 * 86_400_000)
      .describe('What became of each message; no bodies. Default: 30d.'),
    decisions: duration('14d')
      .default(14 * 86_400_000)
      .describe('What policy said to each. Default: 14d.'),
    queued: duration('24h').default(86_400_000).describe('How long a message waits for a partner before its sender is told. Default: 24h.'),
    requests: duration('14d')
      .default(14 * 86_400_000)
      .describe("How long a stranger's first contact waits for a decision. Default: 14d."),
    history: duration('365d')
      .default(365 * 86_400_000)
      .describe('What users of the core said and were told. Default: 365d.'),
    uploads: duration('30d')
      .default(30 * 86_400_000)
      .describe('Files that users shared. Default: 30d.'),
  }).prefault({}),
  reload: word(['onApply', 'onChange'])
    .default('onApply')
    .describe('When changed files take effect. Certificates are always taken at once.'),
  log: entry({ level: word(['error', 'warn', 'info', 'debug']).default('info') }).prefault({}),
}).describe('isthmus.yaml: what this process listens on and where it keeps things.');
