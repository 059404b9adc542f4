// The zoo: partners as data. Each says how it is broken, or that it is good, and which findings a test of it must have, no more and
// no fewer. `serve` starts its server; what is not said is as it should be.

import type { Protocol } from '../../src/model/table.ts';
import type { DiagnosisCode } from '../../src/ops/diagnoses.ts';
import type { Ca, Issued, LeafOptions } from '../support/ca.ts';
import { selfSigned } from '../support/ca.ts';
import type { DnsServer } from '../support/dns.ts';
import { type Standing, silentServer, sipServer, webServer, type XmppScript, xmppServer } from './servers.ts';

/** Where an animal lives. */
export interface Stage {
  readonly domain: string;
  /** `server.<domain>`, the target of its SRV record. */
  readonly host: string;
  readonly address: string;
  /** Our edge. */
  readonly edge: string;
  readonly ca: Ca;
  readonly stranger: Ca;
  readonly dns: DnsServer;
  /** A leaf of the world's authority for domain and host, as changed. */
  readonly leaf: (changes?: LeafOptions) => Issued;
}

export interface Animal {
  readonly name: string;
  readonly protocol: Protocol;
  /** In words. */
  readonly how: string;
  /** Empty: a good one. */
  readonly expected: readonly DiagnosisCode[];
  /** Default: `<name>.test`. */
  readonly domain?: string;
  /** The domain of ours to test with. */
  readonly as?: string;
  /** More for its file; `undefined` as a value takes a line away. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Instead of one SRV record and one address. */
  readonly records?: (stage: Stage) => void;
  /** Its servers. A real one, which the suite starts, has none here. */
  readonly serve?: (stage: Stage) => Promise<Standing>;
  /** What has happened before the test. */
  readonly before?: 'expiredKnock' | 'goodKnock' | 'flood';
}

const DAY_MS = 86_400_000;
const day = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const VALID_ANSWER = '200 OK';

const sip = (name: string, how: string, expected: readonly DiagnosisCode[], more: Partial<Animal> = {}): Animal => ({
  name,
  protocol: 'sip',
  how,
  expected,
  serve: ({ address, leaf }) => sipServer(address, leaf(), { status: VALID_ANSWER }),
  ...more,
});
const xmpp = (
  name: string,
  how: string,
  expected: readonly DiagnosisCode[],
  script: XmppScript | undefined,
  more: Partial<Animal> = {},
): Animal => ({
  name,
  protocol: 'xmpp',
  how,
  expected,
  serve: ({ address, domain, edge, leaf }) => {
    const credentials = leaf();
    return xmppServer(address, domain, credentials, script ?? { answers: { edge, credentials } });
  },
  ...more,
});
/** A SIP server with this certificate. */
const certified = (issue: (stage: Stage) => Issued): Partial<Animal> => ({
  serve: (stage) => sipServer(stage.address, issue(stage), { status: VALID_ANSWER }),
});
/** A SIP server that answers so. */
const answering = (status: string | undefined, ...headers: readonly string[]): Partial<Animal> => ({
  serve: ({ address, leaf }) => sipServer(address, leaf(), { status, headers }),
});
const nobody: Partial<Animal> = { serve: async () => ({ close() {} }) };
const federation = (domain: string): string => `_sipfederationtls._tcp.${domain}`;

/** An address that drops what is sent to it; the suite makes it so. */
export const BLACK_HOLE = '10.77.0.2';

export const BROKEN: readonly Animal[] = [
  // --- DNS ---
  sip('nosrv', 'publishes nothing at all', ['DNS_SRV_NONE'], { ...nobody, records: () => {} }),
  xmpp('nosrvx', 'has an address and no SRV record, and nothing listens there', ['DNS_SRV_NONE'], undefined, {
    ...nobody,
    records: ({ dns, domain, address }) => dns.set(domain, { a: [address] }),
  }),
  sip('dot', 'its SRV target is "."', ['DNS_SRV_NOT_OFFERED'], {
    ...nobody,
    records: ({ dns, domain }) => dns.set(federation(domain), { srv: [{ target: '.', port: 0 }] }),
  }),
  sip('alias', 'its SRV target is a CNAME', ['DNS_SRV_CNAME'], {
    records: ({ dns, domain, host, address }) => {
      dns.set(federation(domain), { srv: [{ target: `edge.${domain}`, port: 5061 }] });
      dns.set(`edge.${domain}`, { cname: host });
      dns.set(host, { a: [address] });
    },
  }),
  sip('noaddress', 'its SRV target has no address', ['DNS_SRV_NO_ADDRESS'], {
    ...nobody,
    records: ({ dns, domain, host }) => dns.set(federation(domain), { srv: [{ target: host, port: 5061 }] }),
  }),
  sip('private', 'its SRV target has a private address', ['DNS_SRV_PRIVATE'], {
    ...nobody,
    file: { allowPrivateAddresses: undefined },
    records: ({ dns, domain, host }) => {
      dns.set(federation(domain), { srv: [{ target: host, port: 5061 }] });
      dns.set(host, { a: ['10.1.2.3'] });
    },
  }),
  xmpp('servfail', 'its name servers fail', ['NET_DNS_FAILED'], undefined, {
    ...nobody,
    records: ({ dns, domain }) => {
      for (const name of [domain, `_xmpp-server._tcp.${domain}`, `_xmpps-server._tcp.${domain}`]) dns.fail(name, 'SERVFAIL');
    },
  }),
  sip('dnssilent', 'its name servers do not answer', ['NET_DNS_FAILED'], {
    ...nobody,
    records: ({ dns, domain }) => {
      for (const name of [domain, federation(domain), `_sips._tcp.${domain}`]) dns.fail(name, 'silent');
    },
  }),
  xmpp('xmpps', 'its xmpps record points at the STARTTLS port', ['XMPPS_ON_STARTTLS_PORT'], undefined, {
    records: ({ dns, domain, host, address }) => {
      dns.set(`_xmpps-server._tcp.${domain}`, { srv: [{ target: host, port: 5269 }] });
      dns.set(host, { a: [address] });
    },
  }),
  // --- TCP, and what answers ---
  sip('refused', 'nothing listens', ['NET_CONNECT_REFUSED'], nobody),
  xmpp('blackhole', 'a firewall drops our packets', ['NET_CONNECT_TIMEOUT'], undefined, {
    ...nobody,
    records: ({ dns, domain, host }) => {
      dns.set(`_xmpp-server._tcp.${domain}`, { srv: [{ target: host, port: 5269 }] });
      dns.set(host, { a: [BLACK_HOLE] });
    },
  }),
  sip('web', 'a web server answers on 5061', ['WRONG_SERVICE_HTTP'], { serve: ({ address }) => webServer(address, 5061) }),
  xmpp('webx', 'a web server answers on 5269', ['WRONG_SERVICE_HTTP'], undefined, { serve: ({ address }) => webServer(address, 5269) }),
  sip('wrongkind', 'an XMPP server answers on 5061', ['WRONG_SERVICE'], {
    serve: async (stage) => {
      const { address, domain, leaf } = stage;
      return xmppServer(address, domain, leaf(), {}, 5061);
    },
  }),
  sip('mute', 'accepts and never answers TLS', ['TLS_SILENT'], { serve: ({ address }) => silentServer(address, 5061) }),
  // --- TLS ---
  sip('oldtls', 'TLS 1.0 and 1.1 only', ['TLS_VERSION'], {
    serve: ({ address, leaf }) =>
      sipServer(address, leaf(), { tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } }),
  }),
  sip('nocipher', 'no cipher in common', ['TLS_NO_SHARED_CIPHER'], {
    // Its key is ECDSA, and it allows suites for RSA keys only.
    serve: ({ address, leaf }) => sipServer(address, leaf(), { tls: { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } }),
  }),
  // --- its certificate ---
  sip(
    'leafonly',
    'does not send its intermediate',
    ['CERT_PEER_CHAIN_INCOMPLETE'],
    certified(({ leaf }) => {
      const one = leaf();
      return { ...one, chainPem: one.certPem };
    }),
  ),
  sip(
    'unknownroot',
    'an authority that nobody knows',
    ['CERT_PEER_UNTRUSTED'],
    certified(({ stranger, domain, host }) => stranger.issue({ names: [domain, host] })),
  ),
  sip(
    'selfsigned',
    'a self-signed certificate',
    ['CERT_PEER_SELF_SIGNED'],
    certified(({ domain, host }) => selfSigned({ names: [domain, host] })),
  ),
  sip(
    'expired',
    'its certificate has expired',
    ['CERT_PEER_EXPIRED'],
    certified(({ leaf }) => leaf({ notBefore: day(-90), notAfter: day(-1) })),
  ),
  sip(
    'future',
    'its certificate is not valid yet',
    ['CERT_PEER_NOT_YET_VALID'],
    certified(({ leaf }) => leaf({ notBefore: day(2), notAfter: day(90) })),
  ),
  sip(
    'othername',
    'its certificate names somebody else',
    ['CERT_PEER_NAME_MISMATCH'],
    certified(({ leaf }) => leaf({ names: ['somebody.example', 'else.example'] })),
  ),
  sip(
    'wildcard',
    'its certificate has a wildcard',
    ['CERT_PEER_WILDCARD'],
    certified(({ leaf }) => leaf({ names: ['*.test'] })),
  ),
  sip(
    'cnonly',
    'its certificate has a common name only',
    ['CERT_PEER_CN_ONLY'],
    certified(({ leaf, domain }) => leaf({ names: [], cn: domain })),
  ),
  sip(
    'revoked',
    'its certificate is on the revocation list',
    ['CERT_PEER_REVOKED'],
    certified(({ leaf }) => leaf()),
  ),
  sip('pinned', 'its certificate is not the pinned one', ['CERT_PEER_PIN_CHANGED'], { file: { sip: { pins: ['ab'.repeat(32)] } } }),
  // --- ours, as it judges it ---
  sip('purpose', 'Kamailio refuses our certificate for servers only', ['OUR_CERT_PURPOSE_REFUSED'], {
    ...nobody,
    domain: 'kamailio.test',
    as: 'old.test',
  }),
  xmpp('purposex', 'ejabberd refuses our certificate for servers only', ['OUR_CERT_PURPOSE_REFUSED'], undefined, {
    ...nobody,
    domain: 'ejabberd.test',
    as: 'oldsip.test',
  }),
  // --- XMPP ---
  xmpp('hostunknown', 'DNS leads to a Prosody that does not serve it', ['XMPP_HOST_UNKNOWN'], undefined, {
    ...nobody,
    records: ({ dns, domain }) => dns.set(`_xmpp-server._tcp.${domain}`, { srv: [{ target: 'server.prosody.test', port: 5269 }] }),
  }),
  xmpp('notauthorized', 'refuses SASL EXTERNAL', ['XMPP_NOT_AUTHORIZED'], { sasl: { condition: 'not-authorized', text: 'who are you?' } }),
  xmpp('noexternal', 'offers neither EXTERNAL nor anything else', ['XMPP_EXTERNAL_NOT_OFFERED'], { mechanisms: false }),
  xmpp('policyviolation', 'its policy refuses us', ['XMPP_POLICY_VIOLATION'], {
    errorAt: { when: 'afterAuth', condition: 'policy-violation' },
  }),
  xmpp('cannotreachus', 'says that it cannot connect to us', ['XMPP_REMOTE_CONNECTION_FAILED'], {
    errorAt: { when: 'afterTls', condition: 'remote-connection-failed' },
  }),
  xmpp('nostarttls', 'offers no STARTTLS', ['XMPP_STARTTLS_NOT_OFFERED'], { starttls: false }),
  xmpp(
    'dialbackfalse',
    'does not believe our dialback key',
    ['XMPP_DIALBACK_FALSE'],
    { dialback: 'invalid' },
    { file: { xmpp: { proof: 'dialback' } } },
  ),
  xmpp(
    'dialbackmute',
    'never answers our dialback key',
    ['XMPP_DIALBACK_UNANSWERED'],
    { dialback: 'never' },
    { file: { xmpp: { proof: 'dialback' } } },
  ),
  xmpp('silentx', 'says nothing after TLS', ['SILENT_AFTER_TLS'], { silentAfterTls: true }),
  xmpp('noreturn', 'takes our stanzas and never connects to us', ['XMPP_NO_RETURN_PATH', 'ONE_WAY_OUT_ONLY'], {}),
  // --- SIP ---
  sip(
    's403',
    'answers 403',
    ['SIP_403_FORBIDDEN'],
    answering('403 Forbidden', 'ms-diagnostics: 1002;reason="Not authorized";source="edge.s403.test"'),
  ),
  sip(
    's404',
    'its edge answers 404 with a diagnosis',
    ['SIP_404_NOT_FOUND'],
    answering('404 Not Found', 'ms-diagnostics: 1005;reason="Cannot route"'),
  ),
  sip('s481', 'answers 481 outside any dialog', ['SIP_481_NO_DIALOG'], answering('481 Call/Transaction Does Not Exist')),
  sip('s482', 'sees a loop', ['SIP_482_LOOP'], answering('482 Loop Detected')),
  sip('s483', 'uses up 70 hops', ['SIP_483_TOO_MANY_HOPS'], answering('483 Too Many Hops')),
  sip('s488', 'accepts calls only', ['SIP_488_NOT_ACCEPTABLE'], answering('488 Not Acceptable Here')),
  sip('s503', 'is throttling us', ['SIP_503_UNAVAILABLE'], answering('503 Service Unavailable', 'Retry-After: 30')),
  sip(
    's504',
    'its edge cannot go on',
    ['SIP_504_TIMEOUT'],
    answering('504 Server time-out', 'ms-diagnostics: 1047;reason="Failed to complete TLS negotiation"'),
  ),
  sip('s500', 'has an error of its own', ['SIP_ERROR'], answering('500 Server Internal Error')),
  sip('silent', 'says nothing after TLS', ['SILENT_AFTER_TLS'], answering(undefined)),
  // --- policy, limits, directions ---
  sip('walled', 'a rule of ours forbids everything', ['POLICY_MESSAGES_OFF']),
  sip('blocked', 'is on our block list', ['POLICY_BLOCKED']),
  xmpp('flooding', 'sends more than its limit', ['LIMIT_PARTNER_RATE'], undefined, {
    before: 'flood',
    file: { limits: { messagesPerSecond: 1 } },
  }),
  sip('outonly', 'shows an expired certificate when it comes to us', ['CERT_PEER_EXPIRED', 'ONE_WAY_OUT_ONLY'], { before: 'expiredKnock' }),
  sip('inonly', 'comes to us, and does not listen', ['NET_CONNECT_REFUSED', 'ONE_WAY_IN_ONLY'], { ...nobody, before: 'goodKnock' }),
];

/** The suite starts it and gives it its records. */
const real: Partial<Animal> = { ...nobody, records: () => {} };

export const GOOD: readonly Animal[] = [
  xmpp('prosody', 'Prosody', [], undefined, real),
  xmpp('direct', 'Prosody with direct TLS only', [], undefined, real),
  xmpp('dialback', 'Prosody, self-signed, by dialback as its file says', [], undefined, { ...real, file: { xmpp: { proof: 'dialback' } } }),
  xmpp('ejabberd', 'ejabberd', [], undefined, real),
  sip('kamailio', 'Kamailio', [], real),
  sip('plain', 'a SIP server', []),
  sip('listed', 'a SIP server that its file lists', [], {
    records: ({ dns, host, address }) => dns.set(host, { a: [address] }),
    file: { sip: { hosts: 'server.listed.test:5061' } },
  }),
  sip('nooptions', 'a SIP server that knows no OPTIONS', [], answering('405 Method Not Allowed')),
  sip('lync', 'an edge whose certificate names its host only', [], {
    serve: ({ address, leaf, host }) => sipServer(address, leaf({ names: [host] }), { status: VALID_ANSWER }),
  }),
  sip(
    'serveronly',
    'a certificate for servers only',
    [],
    certified(({ leaf }) => leaf({ eku: 'server' })),
  ),
  xmpp('scripted', 'an XMPP server', [], undefined),
  xmpp('addressonly', 'an XMPP server without SRV record', [], undefined, {
    records: ({ dns, domain, address }) => dns.set(domain, { a: [address] }),
  }),
];
