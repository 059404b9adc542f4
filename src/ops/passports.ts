// One partner passport in words and as data, for every command that shows what a partner has shown of itself: `partner show`,
// `cert list`, `partner test`. Also what changed lately.

import { daysLeft } from '../model/expiry.ts';
import type { Passport, PassportChange } from '../model/passport.ts';

/** What a program reads: times as ISO strings, days as whole days, rounded down (negative: expired). */
export interface PassportView {
  readonly domain: string;
  readonly protocol: 'sip' | 'xmpp';
  readonly direction: 'in' | 'out';
  readonly names: readonly string[];
  readonly eku: readonly string[];
  readonly issuer: string;
  readonly fingerprint: string;
  readonly keyFingerprint: string;
  readonly keyType: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly chain: readonly { readonly subject: string; readonly issuer: string; readonly fingerprint: string; readonly notAfter: string }[];
  /** The certificate of the chain that ends first, and its days, when that is not the leaf. */
  readonly endsBefore?: { readonly subject: string; readonly daysLeft: number };
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly tookOurs: 'yes' | 'no' | 'notAsked';
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** @param now wall ms @returns undefined for a passport without a chain (there is none of those on the wire) */
export function viewPassport(passport: Passport, now: number): PassportView | undefined {
  const [leaf] = passport.chain;
  if (leaf === undefined) return undefined;
  const sooner = passport.chain.slice(1).filter((one) => one.notAfter < leaf.notAfter);
  const [first] = sooner.toSorted((a, b) => a.notAfter - b.notAfter);
  return {
    domain: passport.domain,
    protocol: passport.protocol,
    direction: passport.direction,
    names: passport.names,
    eku: passport.eku,
    issuer: leaf.issuer,
    fingerprint: leaf.fingerprint,
    keyFingerprint: leaf.keyFingerprint,
    keyType: leaf.keyType,
    notBefore: iso(leaf.notBefore),
    notAfter: iso(leaf.notAfter),
    daysLeft: daysLeft(leaf.notAfter, now),
    chain: passport.chain.map(({ subject, issuer, fingerprint, notAfter }) => ({ subject, issuer, fingerprint, notAfter: iso(notAfter) })),
    ...(first === undefined ? {} : { endsBefore: { subject: first.subject, daysLeft: daysLeft(first.notAfter, now) } }),
    tlsVersion: passport.tlsVersion,
    cipher: passport.cipher,
    tookOurs: passport.tookOurs === undefined ? 'notAsked' : passport.tookOurs ? 'yes' : 'no',
    firstSeen: iso(passport.firstSeen),
    lastSeen: iso(passport.lastSeen),
  };
}

/** The passport for people, without a final line end. */
export function passportText(passport: Passport, now: number): string {
  const view = viewPassport(passport, now);
  const road = `${passport.protocol.toUpperCase()}, ${passport.direction === 'in' ? 'when it connects to us' : 'when we connect to it'}`;
  if (view === undefined) return `${passport.domain} (${road}): no certificate seen`;
  const lines = [
    `${view.domain} (${road})`,
    `  names        ${view.names.join(', ') || 'none'}`,
    `  made for     ${view.eku.join(', ') || 'any use (no extended key usage)'}`,
    `  issued by    ${commonName(view.issuer)}`,
    `  valid        ${view.notBefore.slice(0, 10)} to ${view.notAfter.slice(0, 10)} (${daysInWords(view.daysLeft)})`,
    ...(view.endsBefore === undefined
      ? []
      : [`  but          its authority "${commonName(view.endsBefore.subject)}" ends first (${daysInWords(view.endsBefore.daysLeft)})`]),
    `  chain        ${view.chain.map((one) => commonName(one.subject)).join(' < ')}`,
    `  key          ${view.keyType}, SHA-256 ${view.keyFingerprint}`,
    `  fingerprint  ${view.fingerprint}`,
    `  TLS          ${view.tlsVersion}, ${view.cipher}`,
    `  our side     ${OURS[view.tookOurs]}`,
    `  seen         first ${minute(view.firstSeen)}, last ${minute(view.lastSeen)}`,
  ];
  return lines.join('\n');
}

const OURS = {
  yes: 'takes our certificate',
  no: 'REFUSES our certificate',
  notAsked: 'not known: it did not ask for our certificate, or has not said',
} as const;

/** One line each, oldest first. */
export function changesText(changes: readonly PassportChange[]): string {
  return changes.map((change) => `${minute(iso(change.at))}  ${change.text}`).join('\n');
}

function daysInWords(days: number): string {
  if (days < 0) return `EXPIRED ${plural(-days)} ago`;
  return days === 0 ? 'ends within a day' : `${plural(days)} left`;
}
function plural(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}
function commonName(name: string): string {
  return /(?:^|, )CN=([^,]*)/.exec(name)?.[1] ?? name;
}
function minute(text: string): string {
  return `${text.slice(0, 16).replace('T', ' ')} UTC`;
}
function iso(ms: number): string {
  return new Date(ms).toISOString();
}
