// The rows of the catalogue of diagnoses (diagnoses.ts): what would be right, the cause, the next step for us, and what to ask of
// the partner's administrator.

import { ERRORS } from '../errors.ts';
import type { FinerCode } from '../model/diagnosis.ts';
import type { ReasonCode } from '../model/reason.ts';
import type { Protocol } from '../model/table.ts';

export type DiagnosisCode = FinerCode | ReasonCode;

/** What a sentence for the partner is made of. */
export interface Facts {
  readonly theirDomain: string;
  readonly ourDomain: string;
  /** The name of our server. */
  readonly ourHost: string;
  readonly protocol: Protocol;
  /** host:port that was tried, or the domain when none was. */
  readonly target: string;
}

export interface Diagnosis {
  /** What would be right. */
  readonly expected: string;
  readonly cause: string;
  /** The next step for us. */
  readonly us: string;
  /** What to ask of the partner; absent when there is nothing for them to do. */
  readonly them?: (facts: Facts) => string;
}

/** One row. */
export const row = (expected: string, cause: string, us: string, them?: Diagnosis['them']): Diagnosis => ({
  expected,
  cause,
  us,
  ...(them !== undefined && { them }),
});

const SRV: Readonly<Record<Protocol, string>> = { sip: '_sipfederationtls._tcp', xmpp: '_xmpp-server._tcp' };
const PORT: Readonly<Record<Protocol, number>> = { sip: 5061, xmpp: 5269 };
/** The name of a protocol, for people. */
export const WORD: Readonly<Record<Protocol, string>> = { sip: 'SIP', xmpp: 'XMPP' };

const srvOf = ({ protocol, theirDomain }: Facts): string => `${SRV[protocol]}.${theirDomain}`;
const refusesUs = ({ ourDomain, protocol }: Facts): string =>
  `Please allow ${ourDomain} as a ${WORD[protocol]} federation partner on your server; its log says which rule refused us.`;
const ourCertificate = 'isthmus cert list shows our chain, its purposes and its dates';

export const FINER: Readonly<Record<FinerCode, Diagnosis>> = {
  DNS_SRV_NONE: row(
    'an SRV record that leads to a server of the domain, or hosts: in its file',
    'The domain publishes no SRV record for this protocol, and nothing answers at the domain itself.',
    'Ask the partner for a record, or write hosts: into its file. If they do not speak this protocol, say prefer: in its file.',
    (facts) =>
      `Please publish the DNS record ${srvOf(facts)} (SRV, port ${PORT[facts.protocol]}), or tell us host and port of your server.`,
  ),
  DNS_SRV_NOT_OFFERED: row(
    'an SRV record with the name of a server',
    'The SRV record has the target ".": the domain says in DNS that it does not offer this protocol.',
    'Ask the partner whether that is meant. If it is, say prefer: in its file, so that nobody waits for it.',
    (facts) =>
      `The target of ${srvOf(facts)} is ".", which says that you do not offer ${WORD[facts.protocol]} federation. If you do, please put the name of your server there.`,
  ),
  DNS_SRV_CNAME: row(
    'an SRV target that has addresses of its own (RFC 2782)',
    'The target of the SRV record is an alias (CNAME). Some servers follow it, others refuse; that is why it works for some partners only.',
    'Nothing: Isthmus follows the alias. Tell the partner, whose other partners may fail.',
    (facts) =>
      `The target of ${srvOf(facts)} is an alias (CNAME), which RFC 2782 forbids and some servers refuse. Please name the host that has the A and AAAA records.`,
  ),
  DNS_SRV_NO_ADDRESS: row(
    'an SRV target with an A or AAAA record',
    'The SRV record names a host that has no address in DNS.',
    'Ask the partner; until then hosts: in its file can name an address that they confirm.',
    (facts) =>
      `${srvOf(facts)} names a host that has no A or AAAA record when asked from the internet. Please add one, or correct the target.`,
  ),
  DNS_SRV_PRIVATE: row(
    'a public address',
    'The SRV record leads to a private, local or own address, where no partner on the internet can be.',
    'If the partner really is on a private network of yours, set allowPrivateAddresses: true in its file.',
    (facts) =>
      `The DNS records of ${facts.theirDomain} lead to a private address, which cannot be reached from the internet. Please publish the public address of your server.`,
  ),
  XMPPS_ON_STARTTLS_PORT: row(
    '_xmpps-server records only for ports where TLS begins with the first byte (XEP-0368)',
    'The _xmpps-server record, which promises direct TLS, points at a port that speaks XMPP with STARTTLS.',
    'Nothing: Isthmus goes on to the next record. Where there is no other record, hosts: in its file with that port helps at once.',
    (facts) =>
      `_xmpps-server._tcp.${facts.theirDomain} points at your STARTTLS port (usually 5269). Please point it at a port with direct TLS (usually 5270), or remove the record.`,
  ),
  OUR_SRV_NONE: row(
    'an SRV record of ours that leads to our edge',
    'DNS shows no record of our own domain for this protocol, and the partner has never come to us over it.',
    'isthmus domain dns prints the records to publish. A partner that lists our host by hand does not need them.',
  ),
  OUR_SRV_ELSEWHERE: row(
    'an SRV record of ours that leads to our edge',
    'The published record of our own domain names a host that is not edge.host of isthmus.yaml.',
    'If another program serves that record on purpose, all is well; else correct it: isthmus domain dns prints the right one.',
  ),
  WRONG_SERVICE_HTTP: row(
    'a SIP or XMPP server',
    'A web server answers on that port.',
    'Check the port in hosts: if it is ours; else ask the partner.',
    ({ target, protocol }) =>
      `A web server (HTTP) answers at ${target}. Please correct host and port of your ${WORD[protocol]} federation service, or the forwarding in your firewall.`,
  ),
  WRONG_SERVICE: row(
    'a SIP or XMPP server',
    'Something else than this protocol answers on that port.',
    'Check the port in hosts: if it is ours; else ask the partner.',
    ({ target, protocol }) =>
      `What answers at ${target} is no ${WORD[protocol]} server. Please check host and port of your federation service.`,
  ),
  TLS_NOT_SPOKEN: row(
    'TLS 1.2 or 1.3 from the first byte',
    'What answers on that port does not speak TLS.',
    'Check the port in hosts: if it is ours. Isthmus sends nothing without TLS.',
    ({ target }) => `${target} does not speak TLS. Please enable it there, or name the port that does.`,
  ),
  TLS_VERSION: row(
    'TLS 1.2 or 1.3',
    'The partner offers only TLS versions that are no longer secure, or fewer than its file here asks for.',
    'Isthmus does not go below TLS 1.2. tls: in its file may ask for 1.3; then 1.2 is refused.',
    ({ target }) => `${target} and we have no TLS version in common. Please enable TLS 1.2 and 1.3.`,
  ),
  TLS_NO_SHARED_CIPHER: row(
    'a cipher suite that both sides know',
    'The handshake ends without a common cipher suite, or the partner broke it off without saying why.',
    'Nothing here; the ciphers of Isthmus are those of a current OpenSSL.',
    ({ target }) =>
      `${target} ends our TLS handshake. Please enable ECDHE suites with AES-GCM or ChaCha20 (all TLS 1.3 suites will do), and look into your log.`,
  ),
  TLS_NAME_UNKNOWN: row(
    'a server that knows the name we ask for (SNI)',
    'The server does not serve the name that we ask for in the handshake.',
    'Check hosts: in its file; the server may belong to somebody else.',
    ({ target, theirDomain }) =>
      `${target} refuses the server name that we ask for (SNI). Please configure a certificate for ${theirDomain} there.`,
  ),
  TLS_CLOSED: row(
    'a finished TLS handshake',
    'The partner closed the connection in the middle of the handshake; some servers refuse a client certificate so.',
    ourCertificate,
    ({ target, ourDomain }) =>
      `${target} closes the connection in the middle of the TLS handshake. Your log should say why it refuses ${ourDomain}.`,
  ),
  TLS_SILENT: row(
    'a TLS handshake within 5 seconds',
    'The port accepts the connection and then says nothing: a firewall or load balancer with no server behind it is the usual cause.',
    'Try again in some minutes; the fault is behind their port.',
    ({ target }) =>
      `${target} accepts the connection and then does not answer the TLS handshake. Please check the server behind your firewall or load balancer.`,
  ),
  SILENT_AFTER_TLS: row(
    'an answer within 5 seconds',
    'TLS is made, and then the server says nothing. It may be overloaded, or wait for something that we do not send.',
    'Try again; if it stays, isthmus partner trace shows what we said.',
    ({ target, protocol, ourDomain }) =>
      `${target} finishes TLS with us and then does not answer (${protocol === 'sip' ? 'an OPTIONS request' : 'a stream header'} from ${ourDomain}). Please look whether your server hangs or drops us silently.`,
  ),
  OUR_CERT_PURPOSE_REFUSED: row(
    'a partner that takes a certificate for servers (serverAuth) in both directions',
    'The partner refuses our certificate as a client certificate: it lacks clientAuth, which public authorities no longer issue since 2026.',
    'Either the partner drops that check, or we use a certificate with clientAuth from a private authority that both trust.',
    ({ ourDomain }) =>
      `Your server refuses our certificate because it carries only the purpose serverAuth. Public authorities stopped issuing clientAuth in 2026; please switch the purpose check off for federation (ejabberd 25.08 and later, Prosody and current Kamailio settings accept it), for ${ourDomain} at least.`,
  ),
  OUR_CERT_UNTRUSTED: row(
    'a partner that trusts the authority of our certificate',
    'The partner does not trust the authority that issued our certificate, or misses an intermediate that we should send.',
    `${ourCertificate}; a missing intermediate is ours to add, another authority theirs.`,
    ({ ourDomain }) =>
      `Your server does not trust the authority of our certificate for ${ourDomain}. Please add its root to your trust store for federation; we send the whole chain.`,
  ),
  OUR_CERT_EXPIRED: row(
    'a valid certificate of ours',
    'The partner finds our certificate expired: it is, or their clock is wrong.',
    `${ourCertificate}; isthmus cert renew`,
  ),
  OUR_CERT_REVOKED: row(
    'a valid certificate of ours',
    'The partner finds our certificate revoked.',
    `Ask our authority why, then isthmus cert renew; ${ourCertificate}.`,
  ),
  OUR_CERT_REFUSED: row(
    'a partner that takes our certificate',
    'The partner refuses our certificate without saying which rule it breaks.',
    `${ourCertificate}; compare with what the partner asks for.`,
    ({ ourDomain }) =>
      `Your server refuses our certificate for ${ourDomain} in the TLS handshake. Your log should say which check fails; please tell us.`,
  ),
  OUR_CERT_NOT_SHOWN: row(
    'a certificate of ours in the handshake',
    'The partner wants a certificate of ours and did not get one that it counts.',
    `${ourCertificate}; there must be one for the domain we speak for (--as).`,
  ),
  CERT_PEER_WILDCARD: row(
    'the exact domain in subjectAltName; for XMPP a wildcard stands for one label, for SIP for none (RFC 5922, RFC 9525)',
    "The partner's certificate has a wildcard where the exact name is needed.",
    "If you know that host, list a name of the certificate in names: of the partner's file.",
    ({ target, theirDomain, protocol }) =>
      `The certificate at ${target} names ${theirDomain} only by a wildcard, which ${protocol === 'sip' ? 'SIP does not allow (RFC 5922 section 7.2)' : 'covers one label only (RFC 9525 section 6.3)'}. Please add ${theirDomain} itself to subjectAltName.`,
  ),
  CERT_PEER_CN_ONLY: row(
    'the domain in subjectAltName',
    "The partner's certificate has its name only in the common name (CN), which has not counted since RFC 9525.",
    'Nothing here: a common name is never accepted, by nobody current.',
    ({ target, theirDomain }) =>
      `The certificate at ${target} carries its name only as common name (CN). Please have it reissued with ${theirDomain} in subjectAltName.`,
  ),
  XMPP_STARTTLS_NOT_OFFERED: row(
    'STARTTLS in the stream features',
    'The server offers no TLS on that port. Isthmus sends nothing without TLS.',
    'Nothing here; if the server has direct TLS on another port (5270), name it in hosts:.',
    ({ target }) => `${target} does not offer STARTTLS. Please enable TLS for server-to-server connections.`,
  ),
  XMPP_EXTERNAL_NOT_OFFERED: row(
    'SASL EXTERNAL among the mechanisms',
    'The server does not offer SASL EXTERNAL to us, so it does not accept our certificate: wrong name, an authority it does not trust, or the purpose clientAuth missing.',
    `${ourCertificate}. If the partner knows dialback only, proof: dialback in its file allows that, and marks its sessions as unproven.`,
    ({ ourDomain }) =>
      `Your server does not offer SASL EXTERNAL to ${ourDomain}, so it does not accept our certificate. Please look in its log for the reason: the authority, or a missing clientAuth purpose (public authorities no longer issue it).`,
  ),
  XMPP_NOT_AUTHORIZED: row(
    'success of SASL EXTERNAL',
    'The server refuses to believe that we are who we say: it does not accept our certificate for our domain.',
    `${ourCertificate}; it must name the domain we speak for (--as).`,
    ({ ourDomain }) => `Your server answers not-authorized to ${ourDomain}. Please look in its log which check of our certificate fails.`,
  ),
  XMPP_HOST_UNKNOWN: row(
    'a server that serves the domain',
    'The server at the end of the DNS records does not serve that domain (host-unknown).',
    'Check the spelling of the domain and of hosts: in its file.',
    ({ target, theirDomain }) =>
      `${target} says that it does not serve ${theirDomain} (host-unknown). Please correct the SRV records or add the domain to that server.`,
  ),
  XMPP_POLICY_VIOLATION: row(
    'an open stream',
    "The partner's policy refuses us (policy-violation).",
    'Ask the partner; their rules decide.',
    refusesUs,
  ),
  XMPP_REMOTE_CONNECTION_FAILED: row(
    'a partner that can connect back to us',
    'The partner tried to reach us and could not (remote-connection-failed): our DNS records, our port 5269 or the firewalls between.',
    'isthmus domain dns checks our records; look at our firewall for port 5269 from their address.',
    ({ ourDomain, ourHost }) =>
      `Your server says that it cannot connect to ${ourDomain} (remote-connection-failed). Please try from there: host ${ourHost}, port 5269, and tell us what it answers.`,
  ),
  XMPP_DIALBACK_FALSE: row(
    'a dialback key that is confirmed',
    'The partner asked back whether our dialback key is genuine and was told no, or could not ask.',
    'All edges of a domain need the same dialback secret, and isthmus start must run while it is tested: only then somebody can confirm the key.',
    ({ ourDomain, ourHost }) =>
      `Your server refused our dialback key for ${ourDomain}. Please check which host it asked: our server is ${ourHost}, by the SRV record _xmpp-server._tcp.${ourDomain}.`,
  ),
  XMPP_DIALBACK_UNANSWERED: row(
    'an answer to our dialback key within 5 seconds',
    'The partner did not say whether it accepts our dialback key: it probably cannot reach us to ask.',
    'isthmus start must run while it is tested; isthmus domain dns checks the records it asks.',
    ({ ourDomain, ourHost }) =>
      `Your server does not answer our dialback key for ${ourDomain}. Please check that it can connect to ${ourHost}, port 5269.`,
  ),
  SIP_403_FORBIDDEN: row(
    '200 to OPTIONS',
    'The partner refuses us: we are not on its list, or its policy forbids it.',
    "Ask the partner's administrator to allow us.",
    refusesUs,
  ),
  SIP_404_NOT_FOUND: row(
    '200 to OPTIONS',
    'The server does not know the domain, or the user.',
    'Check the spelling of the domain and of hosts: in its file.',
    ({ target, theirDomain }) => `${target} answers 404 for ${theirDomain}. Please check that the domain is configured on that server.`,
  ),
  SIP_481_NO_DIALOG: row(
    '200 to OPTIONS',
    'The server treats a new request as part of a dialog that it does not know: usually a proxy in front that changes tags, or one of several servers without shared state.',
    'Nothing here; the partner looks at its load balancer.',
    ({ target }) =>
      `${target} answers 481 to a new request outside any dialog. Please check the proxy or load balancer in front of your servers.`,
  ),
  SIP_482_LOOP: row(
    '200 to OPTIONS',
    'The request came back to where it had been: two servers of the partner point at each other.',
    'Check that hosts: in its file does not lead to a server that sends back to us.',
    ({ target, theirDomain }) =>
      `${target} answers 482 (loop detected) for ${theirDomain}. Please check the next hops of your servers for that domain.`,
  ),
  SIP_483_TOO_MANY_HOPS: row(
    '200 to OPTIONS',
    'The request used up 70 hops: it circles between servers of the partner.',
    'Check that hosts: in its file does not lead to a server that sends back to us.',
    ({ target, theirDomain }) =>
      `${target} answers 483 (too many hops) although we allow 70. Please check the routing of ${theirDomain} for a loop.`,
  ),
  SIP_488_NOT_ACCEPTABLE: row(
    '200 to OPTIONS',
    'The server does not accept what we offer (text messages and presence).',
    'Nothing here; the partner may have a filter for calls only.',
    ({ target }) => `${target} answers 488 to our request. We send text messages and presence only; please allow MESSAGE and SUBSCRIBE.`,
  ),
  SIP_503_UNAVAILABLE: row(
    '200 to OPTIONS',
    'The server is overloaded, in maintenance, or has no working next hop; some edges answer so to partners they throttle.',
    'It is tried again by itself. If it stays for hours, ask.',
    ({ target, ourDomain }) =>
      `${target} answers 503 to ${ourDomain}. Please check its next hop, and whether you limit the rate of partners that are not on your allow list.`,
  ),
  SIP_504_TIMEOUT: row(
    '200 to OPTIONS',
    'The edge of the partner could not reach or agree with the next server: DNS, certificate or connection behind it.',
    'The ms-diagnostics code says which; the fault is behind their edge.',
    ({ target, ourDomain }) =>
      `${target} answers 504 to ${ourDomain}: your edge could not pass the request on. Please look at its log for the diagnostics code that it sent.`,
  ),
  SIP_ERROR: row(
    '200 to OPTIONS',
    'The server reports an error of its own.',
    'It is tried again by itself. If it stays, ask.',
    ({ target }) => `${target} answers our OPTIONS with an error; your log should say why.`,
  ),
  ONE_WAY_OUT_ONLY: row(
    'both directions',
    'We reach the partner; the partner does not get in to us.',
    'The reason of their last refused try stands above. Their messages to us are lost or wait on their side.',
    ({ ourDomain, ourHost }) =>
      `We reach you, but your connections to ${ourDomain} (${ourHost}) do not get in, so your users cannot write to ours. Please look into your log of outgoing connections.`,
  ),
  ONE_WAY_IN_ONLY: row(
    'both directions',
    'The partner reaches us; we do not reach the partner.',
    'Why we do not get through stands above. Our messages to them wait.',
    ({ theirDomain }) =>
      `Your server reaches us, but we do not reach ${theirDomain}, so our users cannot write to yours. Please check what others find when they connect to you.`,
  ),
};

/** Of the ReasonCodes those that a ladder can meet; the others read as errors.ts has them. */
export const COARSE: Readonly<Partial<Record<ReasonCode, Diagnosis>>> = {
  NET_DNS_NOT_FOUND: row(
    'a DNS record that leads to the domain',
    'DNS has no record that leads to the domain.',
    ERRORS.NET_DNS_NOT_FOUND.advice,
    (facts) => `Please publish ${srvOf(facts)} (SRV), or tell us host and port of your server.`,
  ),
  NET_DNS_FAILED: row(
    'an answer from DNS within 3 seconds',
    "DNS does not answer for the domain: our resolver, or the partner's name servers.",
    'If other domains work, the fault is theirs; else look at dns.servers of isthmus.yaml.',
    ({ theirDomain }) =>
      `Your name servers do not answer for ${theirDomain} (time-out or SERVFAIL). Please check them from outside, DNSSEC included.`,
  ),
  NET_ADDRESS_REFUSED: row(
    'a public address',
    ERRORS.NET_ADDRESS_REFUSED.meaning,
    ERRORS.NET_ADDRESS_REFUSED.advice,
    ({ theirDomain }) => `The DNS records of ${theirDomain} lead to a private address. Please publish a public one.`,
  ),
  NET_CONNECT_REFUSED: row(
    'a server that accepts connections',
    ERRORS.NET_CONNECT_REFUSED.meaning,
    'Check the port in hosts: if it is ours; else the partner must look.',
    ({ target }) => `Nothing accepts connections at ${target}. Please check that the service runs and that your firewall lets us in.`,
  ),
  NET_CONNECT_TIMEOUT: row(
    'a TCP connection within 3 seconds',
    'Nobody answers: a firewall that drops packets, on either side, is the usual cause.',
    'Check that our own firewall lets us out to that port.',
    ({ target }) =>
      `Connections to ${target} are not answered at all. Please check that your firewall lets us in and that the address is right.`,
  ),
  NET_TLS_FAILED: row(
    'a finished TLS handshake',
    ERRORS.NET_TLS_FAILED.meaning,
    ourCertificate,
    ({ target }) => `The TLS handshake with ${target} fails. Please check its certificate, TLS versions and log.`,
  ),
  NET_CLOSED: row(
    'an answer',
    'The partner closed the connection instead of answering.',
    'isthmus partner trace shows what was said; the log at the far end says why.',
    ({ target, ourDomain }) => `${target} closes the connection instead of answering. Your log should say why it refuses ${ourDomain}.`,
  ),
  NET_STREAM_FAILED: row(
    'an open stream',
    ERRORS.NET_STREAM_FAILED.meaning,
    'What they said stands above.',
    ({ target, ourDomain }) => `${target} ends the XMPP stream with an error. Your log should say why it refuses ${ourDomain}.`,
  ),
  PEER_TIMEOUT: row(
    'an answer within 5 seconds',
    ERRORS.PEER_TIMEOUT.meaning,
    ERRORS.PEER_TIMEOUT.advice,
    ({ target }) => `${target} accepts our connection and then does not answer in time. Please check that the server behind it is well.`,
  ),
  CERT_MISSING: row(
    'a certificate',
    ERRORS.CERT_MISSING.meaning,
    ERRORS.CERT_MISSING.advice,
    ({ protocol }) =>
      `Your server shows no certificate. Federation over ${WORD[protocol]} needs mutual TLS: please present one, as client too.`,
  ),
  CERT_PEER_EXPIRED: row(
    'a certificate that is valid today',
    ERRORS.CERT_PEER_EXPIRED.meaning,
    'Nothing here: an expired certificate is never accepted. Compare our clock if the time below looks wrong.',
    () => 'Please renew the certificate; your clients may not notice, federation does.',
  ),
  CERT_PEER_NOT_YET_VALID: row(
    'a certificate that is valid today',
    ERRORS.CERT_PEER_NOT_YET_VALID.meaning,
    'Compare our clock with the time; if it is right, the fault is theirs.',
    () => 'Please compare the clock of the machine that issued the certificate with the time, or wait until its first day.',
  ),
  CERT_PEER_UNTRUSTED: row(
    'a certificate of an authority in certs/trust/',
    ERRORS.CERT_PEER_UNTRUSTED.meaning,
    'If you trust its root for this partner, put it into certs/trust/partners/<domain>/ (isthmus cert trust).',
    () => 'Please use a certificate of a public authority, or send us the root of yours by a safe way (not in this mail).',
  ),
  CERT_PEER_SELF_SIGNED: row(
    'a certificate of an authority in certs/trust/',
    ERRORS.CERT_PEER_SELF_SIGNED.meaning,
    'If you have verified it by another way, put it into certs/trust/partners/<domain>/ (isthmus cert trust).',
    () => 'Please use a certificate of a public authority, or tell us its SHA-256 fingerprint by telephone.',
  ),
  CERT_PEER_CHAIN_INCOMPLETE: row(
    'the leaf and every intermediate',
    ERRORS.CERT_PEER_CHAIN_INCOMPLETE.meaning,
    'Nothing here: browsers guess the missing one, federation does not.',
    () => 'Please install the full chain (fullchain.pem instead of cert.pem); the missing issuer is named above.',
  ),
  CERT_PEER_CHAIN_INVALID: row(
    'a chain that follows RFC 5280',
    ERRORS.CERT_PEER_CHAIN_INVALID.meaning,
    ERRORS.CERT_PEER_CHAIN_INVALID.advice,
    () => 'Please have the certificate reissued; the rule it breaks is named above.',
  ),
  CERT_PEER_NAME_MISMATCH: row(
    "the domain, or a name of names: in the partner's file, in subjectAltName",
    ERRORS.CERT_PEER_NAME_MISMATCH.meaning,
    ERRORS.CERT_PEER_NAME_MISMATCH.advice,
    ({ theirDomain }) => `Please add ${theirDomain} to subjectAltName, or tell us which of these host names speaks for the domain.`,
  ),
  CERT_PEER_REVOCATION_UNKNOWN: row(
    'word from the authority that the certificate is not revoked',
    ERRORS.CERT_PEER_REVOCATION_UNKNOWN.meaning,
    "Let this machine reach the responder or list named above, over HTTP or outbound.httpProxy; or set revocation: soft in the partner's file.",
    () => 'Please let your server staple the status of its certificate (OCSP), or ask your authority why its responder does not answer.',
  ),
  CERT_PEER_REVOKED: row(
    'a certificate that is not revoked',
    ERRORS.CERT_PEER_REVOKED.meaning,
    'Nothing here; if the entry in certs/revoked/ is a mistake of ours, remove it.',
    () => 'Please replace the certificate: it has been revoked.',
  ),
  CERT_PEER_PIN_CHANGED: row(
    "the certificate that is pinned in the partner's file",
    ERRORS.CERT_PEER_PIN_CHANGED.meaning,
    'Ask the partner by telephone whether it is theirs, then isthmus cert pin.',
    () => 'Please confirm by telephone whether you changed your certificate, and its SHA-256 fingerprint.',
  ),
  CERT_PEER_EKU: row(
    'a certificate with the purpose serverAuth',
    ERRORS.CERT_PEER_EKU.meaning,
    ERRORS.CERT_PEER_EKU.advice,
    () => 'Please use a certificate with the purpose serverAuth.',
  ),
  AUTH_DOMAIN_NOT_PROVEN: row(
    'proof that they speak for the domain',
    ERRORS.AUTH_DOMAIN_NOT_PROVEN.meaning,
    ERRORS.AUTH_DOMAIN_NOT_PROVEN.advice,
    ({ theirDomain }) => `Please prove by your certificate that you speak for ${theirDomain}.`,
  ),
  PARTNER_PROOF_REFUSED: row(
    "a proof that the partner's file allows",
    ERRORS.PARTNER_PROOF_REFUSED.meaning,
    ERRORS.PARTNER_PROOF_REFUSED.advice,
    ({ theirDomain }) => `Please prove by a certificate that you speak for ${theirDomain}, over the TLS version named above.`,
  ),
  PEER_FORBIDDEN: row('an answer that lets us in', ERRORS.PEER_FORBIDDEN.meaning, ERRORS.PEER_FORBIDDEN.advice, refusesUs),
  PEER_BUSY: row(
    'an answer',
    ERRORS.PEER_BUSY.meaning,
    'It is tried again by itself. If it stays for hours, ask.',
    ({ target }) => `${target} says that it is overloaded. Please look at its load, or tell us the rate that you take.`,
  ),
  PEER_ERROR: row(
    'an answer without an error',
    ERRORS.PEER_ERROR.meaning,
    'It is tried again by itself. If it stays, ask.',
    ({ target }) => `${target} answers with an error of its own; your log should say why.`,
  ),
  PEER_UNKNOWN_USER: row(
    'a user who exists there',
    ERRORS.PEER_UNKNOWN_USER.meaning,
    'Check the spelling of the address.',
    ({ theirDomain }) =>
      `Your server does not know a user of ${theirDomain} whom our people were told to write to. Please check the spelling of the address.`,
  ),
  LIMIT_PARTNER_RATE: row(
    'messages within the limits',
    ERRORS.LIMIT_PARTNER_RATE.meaning,
    ERRORS.LIMIT_PARTNER_RATE.advice,
    ({ theirDomain }) =>
      `${theirDomain} sends more than we take at a time. Please look for a script or a loop, or tell us the rate that you need.`,
  ),
  LIMIT_TARGETS: row('messages within the limits', ERRORS.LIMIT_TARGETS.meaning, ERRORS.LIMIT_TARGETS.advice),
  XMPP_NO_RETURN_PATH: row(
    'a connection of theirs to us that answers our pings',
    ERRORS.XMPP_NO_RETURN_PATH.meaning,
    'isthmus domain dns checks our records; look at our firewall for port 5269 from their address.',
    ({ ourDomain, ourHost }) =>
      `Your server takes our stanzas but does not connect back to ${ourDomain}. Please check that it can reach ${ourHost}, port 5269, by the SRV record _xmpp-server._tcp.${ourDomain}.`,
  ),
};
