// One passport made of one sighting, and what is different from the one before. Pure.

import { createHash, type X509Certificate } from 'node:crypto';
import type { Passport, PassportChange, ShownCertificate } from '../model/passport.ts';
import { utcDay } from '../model/utc.ts';
import { purposesOf } from './certificate-extensions.ts';
import { namesOf } from './certificate-names.ts';
import type { Sighting } from './passport-book.ts';

const MAX_CHAIN = 8;
const MAX_NAMES = 100;

/** @param before the one in force, if there is one @param now wall ms */
export function passportOf(sighting: Sighting, before: Passport | undefined, now: number): Passport {
  const { domain, protocol, direction, shown, tlsVersion, cipher } = sighting;
  const [leaf] = shown;
  const tookOurs = sighting.tookOurs ?? before?.tookOurs;
  return {
    domain,
    protocol,
    direction,
    chain: shown.slice(0, MAX_CHAIN).map(shownCertificate),
    names: namesOf(leaf).shown.slice(0, MAX_NAMES),
    eku: (purposesOf(leaf) ?? []).map((id) => PURPOSES[id] ?? id),
    tlsVersion,
    cipher,
    acceptedAuthorities: [], // node does not tell what a server's CertificateRequest names
    ...(tookOurs === undefined ? {} : { tookOurs }),
    firstSeen: before?.firstSeen ?? now,
    lastSeen: now,
  };
}

function shownCertificate(certificate: X509Certificate): ShownCertificate {
  const { publicKey } = certificate;
  const details = publicKey.asymmetricKeyDetails;
  const size = details?.modulusLength ?? details?.namedCurve;
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber,
    fingerprint: plainPrint(certificate),
    keyFingerprint: createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    keyType: `${publicKey.asymmetricKeyType ?? 'unknown'}${size === undefined ? '' : ` ${size}`}`,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

const WHICH_WAY = { in: 'when it connects to us', out: 'when we connect to it' } as const;

/** What is different, one row each, most telling first. */
export function changesBetween(before: Passport | undefined, after: Passport, at: number): readonly PassportChange[] {
  const { domain, protocol, direction } = after;
  const who = `${domain} (${protocol === 'sip' ? 'SIP' : 'XMPP'}, ${WHICH_WAY[direction]})`;
  const change = (what: PassportChange['what'], text: string): PassportChange => ({
    at,
    domain,
    protocol,
    direction,
    what,
    text: `${who} ${text}.`,
  });
  const now = after.chain[0];
  const then = before?.chain[0];
  if (now === undefined) return [];
  if (before === undefined || then === undefined) {
    return [
      change('first', `shows a certificate of "${short(now.issuer)}", valid until ${utcDay(now.notAfter)}, over ${after.tlsVersion}`),
    ];
  }
  const found: PassportChange[] = [];
  if (now.fingerprint !== then.fingerprint) {
    const until = `valid until ${utcDay(now.notAfter)}, the one before until ${utcDay(then.notAfter)}`;
    if (now.keyFingerprint !== then.keyFingerprint) found.push(change('key', `shows a certificate with another key, ${until}`));
    else found.push(change('renewed', `shows a renewed certificate with the same key, ${until}`));
    if (now.issuer !== then.issuer)
      found.push(change('authority', `has changed its authority from "${short(then.issuer)}" to "${short(now.issuer)}"`));
  }
  const gone = before.names.filter((name) => !after.names.includes(name));
  const added = after.names.filter((name) => !before.names.includes(name));
  if (gone.length + added.length > 0) {
    const words = [added.length > 0 ? `new: ${few(added)}` : '', gone.length > 0 ? `gone: ${few(gone)}` : ''].filter((part) => part !== '');
    found.push(change('names', `carries other names (${words.join('; ')})`));
  }
  if (before.eku.toSorted().join() !== after.eku.toSorted().join()) {
    found.push(change('eku', `is made for ${usesOf(after.eku)}, it was for ${usesOf(before.eku)}`));
  }
  if (before.tlsVersion !== after.tlsVersion) found.push(change('tls', `speaks ${after.tlsVersion}, it was ${before.tlsVersion}`));
  return found;
}

/** Extended key usages by the names that people use (RFC 5280 §4.2.1.12, RFC 5924). */
const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.20': 'sipDomain',
  '2.5.29.37.0': 'any',
};

function usesOf(eku: readonly string[]): string {
  return eku.length === 0 ? 'any use' : eku.join(' and ');
}
function few(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ', ...' : '');
}
function short(name: string): string {
  return /CN=([^,]*)/.exec(name)?.[1] ?? name;
}
function oneLine(name: string): string {
  return name
    .replaceAll('\n', ', ')
    .replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
    .slice(0, 300);
}
/** SHA-256, lower-case hex. */
export function plainPrint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
