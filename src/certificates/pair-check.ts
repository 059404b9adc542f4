// May this chain with this key become one of our certificates? Everything that would make a partner refuse it is told at
// once, in words. Pure: nothing is read or written here.

import type { KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateNames, namesOf, speaksFor } from '../edge/certificate-names.ts';
import { type Anchors, isSelfSigned } from '../edge/path-building.ts';
import { nameOf, weakness } from '../edge/path-rules.ts';
import { expiryWarning } from '../model/expiry.ts';
import type { Protocol } from '../model/table.ts';
import { chainOf, isAuthority, leafOf, type MissingIssuer } from './chain.ts';

/** A chain and its key that belong together, ready to be written. */
export interface Pair {
  /** Leaf first, in the order it is sent. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly chainPem: string;
  /** PKCS#8, without a passphrase. */
  readonly keyPem: string;
}

export type PairFaultCode = 'key' | 'weak' | 'expired' | 'notYetValid' | 'authority' | 'purpose' | 'chain' | 'names';

export interface PairFault {
  readonly code: PairFaultCode;
  readonly text: string;
}

export interface PairNeeds {
  /** Wall ms. */
  readonly now: number;
  /** Roots that are known: the system's and those of certs/trust/edge. */
  readonly anchors: Anchors;
  /** Our domains, aliases too, and `edge.host` when it is set. Empty: names are not judged. */
  readonly domains: readonly string[];
  /** The valid certificate that it replaces. */
  readonly replaced?: X509Certificate;
  /** Our other valid certificates: a domain that one of them names is not lost. */
  readonly others: readonly X509Certificate[];
  /** The authority itself handed this chain out (ACME): its end is taken as complete when it holds an issuer. */
  readonly chainAsSent?: boolean;
}

export interface PairCheck {
  /** Absent: no certificate and key belong together. */
  readonly pair?: Pair;
  /** Empty: it may be used. */
  readonly faults: readonly PairFault[];
  /** What deserves a look all the same. */
  readonly warnings: readonly string[];
  readonly missing?: MissingIssuer;
}

/**
 * Puts the pair together out of a heap of certificates and judges it.
 * @param certificates in any order; the leaf is the one that `key` belongs to
 */
export function checkPair(certificates: readonly X509Certificate[], key: KeyObject, needs: PairNeeds): PairCheck {
  const leaf = leafOf(certificates, key);
  if (leaf === undefined) return { faults: [{ code: 'key', text: keyMismatch(certificates, key) }], warnings: [] };
  const faults: PairFault[] = [];
  const warnings: string[] = [];
  const fault = (code: PairFaultCode, text: string): void => void faults.push({ code, text });

  const { chain, missing } = chainOf(leaf, certificates, needs.anchors);
  if (missing !== undefined && !(needs.chainAsSent === true && chain.length > 1)) {
    fault('chain', incompleteChain(missing));
  }
  judgeLeaf(leaf, needs.now, fault, warnings);
  for (const one of chain.slice(1)) {
    if (one.validToDate.getTime() < needs.now)
      fault('expired', `the authority "${nameOf(one)}" in the chain expired on ${day(one.validToDate)}`);
    const weak = weakness(one);
    if (weak !== undefined) fault('weak', `the authority "${nameOf(one)}" in the chain ${weak}`);
  }
  judgeNames(leaf, needs, fault, warnings);
  const unused = certificates.filter((one) => !chain.some((used) => used.fingerprint256 === one.fingerprint256) && !isSelfSigned(one));
  if (unused.length > 0) warnings.push(`not part of the chain and left out: ${unused.map(nameOf).join(', ').slice(0, 300)}`);
  const pair = {
    chain,
    chainPem: chain.map((one) => one.toString()).join(''),
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  return { pair, faults, warnings, ...(missing !== undefined && { missing }) };
}

/** Which of `domains` a certificate with these names speaks for, to SIP and to XMPP partners. */
export function coverage(
  names: CertificateNames,
  domains: readonly string[],
): { readonly domain: string; readonly sip: boolean; readonly xmpp: boolean }[] {
  return domains.map((domain) => ({ domain, sip: speaksFor(names, domain, 'sip'), xmpp: speaksFor(names, domain, 'xmpp') }));
}

function judgeLeaf(leaf: X509Certificate, now: number, fault: (code: PairFaultCode, text: string) => void, warnings: string[]): void {
  if (leaf.validToDate.getTime() < now)
    fault('expired', `the certificate "${nameOf(leaf)}" expired on ${day(leaf.validToDate)}; ask for a renewed one`);
  else if (leaf.validFromDate.getTime() > now) {
    const text = `the certificate "${nameOf(leaf)}" is valid only from ${leaf.validFromDate.toISOString()}; now it is ${new Date(now).toISOString()} on this machine`;
    fault('notYetValid', text);
  } else {
    const soon = expiryWarning(leaf.validToDate.getTime(), now);
    if (soon !== undefined) warnings.push(`the certificate ${soon}`);
  }
  if (isAuthority(leaf)) {
    fault(
      'authority',
      `"${nameOf(leaf)}" is the certificate of an authority (CA:TRUE), not of a server; partners refuse it as ours. ${
        isSelfSigned(leaf)
          ? 'A self-signed one needs basicConstraints CA:FALSE'
          : 'Import the certificate that the authority issued for you'
      }`,
    );
  } else if (isSelfSigned(leaf)) {
    warnings.push('the certificate is signed by itself: only partners who pin it will accept it');
  }
  const weak = weakness(leaf);
  if (weak !== undefined) fault('weak', `the certificate "${nameOf(leaf)}" ${weak}`);
  if (/^ed(25519|448)$/.test(leaf.publicKey.asymmetricKeyType ?? '')) {
    warnings.push('Edwards keys are unknown to many peers, Lync and its family among them; RSA or ECDSA P-256 reaches everyone');
  }
  const purposes = leaf.keyUsage; // node's keyUsage is the extended one
  if (purposes !== undefined && !purposes.some((one) => one === SERVER_AUTH || one === ANY_PURPOSE)) {
    fault('purpose', `the certificate "${nameOf(leaf)}" is not made for servers (extended key usage without serverAuth)`);
  }
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_PURPOSE = '2.5.29.37.0';

function judgeNames(leaf: X509Certificate, needs: PairNeeds, fault: (code: PairFaultCode, text: string) => void, warnings: string[]): void {
  const { domains, replaced, others } = needs;
  const names = namesOf(leaf);
  const shown = names.shown.join(', ').slice(0, 300);
  if (names.shown.length === 0) fault('names', 'it has no name in subjectAltName; a common name counts for nobody');
  if (names.shown.length === 0 || domains.length === 0) return;
  const elsewhere = others.flatMap((other) => coverage(namesOf(other), domains));
  const kept = (domain: string, protocol: Protocol): boolean =>
    speaksFor(names, domain, protocol) || elsewhere.some((one) => one.domain === domain && one[protocol]);
  const before = replaced === undefined ? undefined : namesOf(replaced);
  const lost = coverage(before ?? names, domains)
    .filter((was) => (was.sip && !kept(was.domain, 'sip')) || (was.xmpp && !kept(was.domain, 'xmpp')))
    .map((was) => was.domain);
  const ours = (host: string): boolean => domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
  if (lost.length > 0) {
    const text = `it does not name ${lost.join(', ')}, which the certificate in force does; partners would no longer recognise us for it`;
    fault('names', `${text}. It names ${shown}`);
  } else if (before === undefined && ![...names.dns, ...names.sipHosts, ...names.xmppServers].some(ours)) {
    fault('names', `it names none of our domains (${domains.join(', ')}); it names ${shown}`);
  }
  const hosts = (before?.dns ?? []).filter((host) => ours(host) && !domains.includes(host) && !names.dns.includes(host));
  if (hosts.length > 0)
    warnings.push(`it no longer names the host ${hosts.join(', ')}; Lync and its family look for the host that DNS leads to`);
  const uncovered = domains.filter((domain) => !lost.includes(domain) && !kept(domain, 'sip') && !kept(domain, 'xmpp'));
  if (uncovered.length > 0) warnings.push(`no valid certificate of ours names ${uncovered.join(', ')}`);
  // RFC 5922 §7.2: SIP knows no wildcard of any form.
  const halved = domains.filter((domain) => speaksFor(names, domain, 'xmpp') && !kept(domain, 'sip'));
  if (halved.length > 0)
    warnings.push(`only XMPP partners will recognise us for ${halved.join(', ')}: a wildcard or an SRV name counts for nothing in SIP`);
}

function keyMismatch(certificates: readonly X509Certificate[], key: KeyObject): string {
  if (certificates.length === 0) return 'there is no certificate in it';
  const kind = key.asymmetricKeyType ?? 'unknown';
  const leaves = certificates.filter((one) => !isAuthority(one));
  const named = (leaves.length > 0 ? leaves : certificates).map(nameOf).join(', ').slice(0, 200);
  return `the private key (${kind}) belongs to none of the certificates: ${named}; import the certificate with the key that its request was made with`;
}

function incompleteChain({ issuer, below, url }: MissingIssuer): string {
  const where =
    url === undefined
      ? "ask the authority for its chain, or give its root's file in the same import"
      : `it can be had from ${url}; give both files in the same import`;
  return `the chain is incomplete: the certificate of the issuer "${issuer}", which issued "${below}", is missing. Partners can complete nothing themselves; ${where}`;
}

const day = (date: Date): string => date.toISOString().slice(0, 10);
