// What to say to the partner's administrator: one sentence a code, ready to be sent. Our own next step stands in errors.ts.

import type { Reason, ReasonCode } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';

interface Facts {
  readonly theirDomain: string;
  readonly ourDomain: string;
  readonly protocol: Protocol;
  /** host:port that was tried last, if any was. */
  readonly target: string;
}

type Sentence = (facts: Facts) => string;

const SRV: Readonly<Record<Protocol, string>> = { sip: '_sipfederationtls._tcp', xmpp: '_xmpp-server._tcp' };
const WORD: Readonly<Record<Protocol, string>> = { sip: 'SIP', xmpp: 'XMPP' };

const SENTENCES: Readonly<Partial<Record<ReasonCode, Sentence>>> = {
  NET_DNS_NOT_FOUND: ({ theirDomain, protocol }) =>
    `${theirDomain} has no DNS record for ${WORD[protocol]} federation: please publish ${SRV[protocol]}.${theirDomain} (SRV), or tell us host and port.`,
  NET_DNS_FAILED: ({ theirDomain }) => `Your name servers did not answer for ${theirDomain}: please check them from outside.`,
  NET_ADDRESS_REFUSED: ({ theirDomain }) =>
    `The DNS records of ${theirDomain} lead to a private address, which cannot be reached from the internet: please publish a public one.`,
  NET_CONNECT_REFUSED: ({ target }) =>
    `Nothing accepts connections at ${target}: please check that the service runs and the firewall lets us in.`,
  NET_CONNECT_TIMEOUT: ({ target }) => `Connections to ${target} are not answered: a firewall on your side may drop them.`,
  NET_TLS_FAILED: ({ target }) => `The TLS handshake with ${target} fails: it must speak TLS 1.2 or 1.3 and accept our certificate.`,
  NET_CLOSED: ({ target, ourDomain }) => `${target} closes the connection: your log should say why it refuses ${ourDomain}.`,
  NET_STREAM_FAILED: ({ target, ourDomain }) =>
    `${target} ends the XMPP stream with an error: your log should say why it refuses ${ourDomain}.`,
  PEER_TIMEOUT: ({ target }) => `${target} accepts the connection and then does not answer in time.`,
  CERT_MISSING: ({ target }) => `${target} shows no certificate.`,
  CERT_PEER_EXPIRED: ({ target }) => `The certificate at ${target} has expired.`,
  CERT_PEER_NOT_YET_VALID: ({ target }) => `The certificate at ${target} is not valid yet: please compare your clock with the time.`,
  CERT_PEER_UNTRUSTED: ({ target }) =>
    `The certificate at ${target} comes from an authority that we do not know: please use a public one, or send us its root by a safe way.`,
  CERT_PEER_SELF_SIGNED: ({ target }) =>
    `The certificate at ${target} is self-signed: please use one from a public authority, or send it to us by a safe way.`,
  CERT_PEER_CHAIN_INCOMPLETE: ({ target }) => `${target} does not send its intermediate certificate: please install the full chain.`,
  CERT_PEER_CHAIN_INVALID: ({ target }) => `The certificate chain at ${target} breaks a rule of RFC 5280.`,
  CERT_PEER_NAME_MISMATCH: ({ target, theirDomain }) =>
    `The certificate at ${target} does not name ${theirDomain} in subjectAltName: please add it, or tell us which host name speaks for the domain.`,
  CERT_PEER_REVOKED: ({ target }) => `The certificate at ${target} has been revoked: please replace it.`,
  CERT_PEER_PIN_CHANGED: ({ target }) =>
    `${target} shows another certificate than the one we agreed on: please confirm the new fingerprint.`,
  CERT_PEER_EKU: ({ target }) => `The certificate at ${target} is not made for servers: please use one with the purpose serverAuth.`,
  AUTH_DOMAIN_NOT_PROVEN: ({ target, theirDomain }) => `${target} does not prove that it speaks for ${theirDomain}.`,
  PARTNER_PROOF_REFUSED: ({ target }) => `${target} must prove itself by a certificate over a newer TLS version; see our reason above.`,
  PEER_FORBIDDEN: ({ ourDomain, protocol }) => `Your server refuses ${ourDomain} over ${WORD[protocol]}: please allow us as a partner.`,
  PEER_BUSY: ({ target }) => `${target} says that it is overloaded.`,
  PEER_ERROR: ({ target }) => `${target} answers with an error of its own; your log should say why.`,
};

/** @returns undefined when there is nothing for the partner to do */
export function sentenceFor(why: Reason, facts: Facts): string | undefined {
  return SENTENCES[why.code]?.(facts);
}
