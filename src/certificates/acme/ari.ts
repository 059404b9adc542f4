// ACME Renewal Information (RFC 9773): the CA names the time in which a certificate should be renewed - earlier than we would,
// when it must revoke. The moment within the window is drawn once, so that not everybody comes at its beginning.

import type { X509Certificate } from 'node:crypto';
import { AuthorityKeyIdentifier } from 'pkijs';
import { extensionsOf } from '../../edge/certificate-extensions.ts';
import { record, text } from './client.ts';
import { oneLine } from './fault.ts';

/** What the CA said of one certificate. Times are wall ms. */
export interface RenewalInfo {
  readonly start: number;
  readonly end: number;
  /** Drawn within the window. */
  readonly renewAt: number;
  /** When to ask again. */
  readonly askAt: number;
  /** A page for people that says why. */
  readonly explanation?: string;
}

const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35';
/** RFC 9773 §4.3: without Retry-After, and after a failure, six hours; within these bounds the CA is believed. */
const ASK_EVERY_MS = 6 * 3_600_000;
const SHORTEST_MS = 60_000;
const LONGEST_MS = 86_400_000;

/** RFC 9773 §4.1: base64url(authority key identifier).base64url(serial number). Undefined: the certificate names no key of its issuer. */
export function renewalId(certificate: X509Certificate): string | undefined {
  const extension = extensionsOf(certificate).get(AUTHORITY_KEY_IDENTIFIER);
  if (extension === undefined) return undefined;
  const keyId = keyIdentifierOf(extension.value);
  if (keyId === undefined) return undefined;
  const hex = certificate.serialNumber.length % 2 === 0 ? certificate.serialNumber : `0${certificate.serialNumber}`;
  const serial = Buffer.from(hex, 'hex');
  // The bytes of the DER INTEGER: a positive number whose first bit is set has a zero byte in front.
  const der = serial.length > 0 && serial[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${keyId.toString('base64url')}.${der.toString('base64url')}`;
}

function keyIdentifierOf(der: Uint8Array<ArrayBuffer>): Buffer | undefined {
  try {
    const identifier = AuthorityKeyIdentifier.fromBER(der).keyIdentifier;
    return identifier === undefined ? undefined : Buffer.from(identifier.valueBlock.valueHexView);
  } catch {
    return undefined; // not an AuthorityKeyIdentifier
  }
}

/**
 * Reads an answer of the renewalInfo resource (RFC 9773 §4.2).
 * @param before what it said the last time: within an unchanged window the moment stays
 * @param random in [0, 1)
 * @returns undefined when it says nothing that could be used; ask again after `askAgainMs`
 */
export function readRenewalInfo(
  body: Readonly<Record<string, unknown>>,
  retryAfterMs: number | undefined,
  now: number,
  random: () => number,
  before?: RenewalInfo,
): RenewalInfo | undefined {
  const window = record(body.suggestedWindow);
  const start = Date.parse(text(window.start) ?? '');
  const end = Date.parse(text(window.end) ?? '');
  // §4.2: a window that ends before it starts is as if there were none.
  if (!Number.isFinite(start) || !Number.isFinite(end) || end <= start) return undefined;
  const explanation = text(body.explanationURL);
  const same = before !== undefined && before.renewAt >= start && before.renewAt <= end;
  return {
    start,
    end,
    renewAt: same ? before.renewAt : Math.floor(start + random() * (end - start)),
    askAt: now + askAgainMs(retryAfterMs),
    ...(explanation !== undefined && /^https:\/\//.test(explanation) && { explanation: oneLine(explanation).slice(0, 300) }),
  };
}

/** When to ask again: as the CA says, within bounds. */
export function askAgainMs(retryAfterMs: number | undefined): number {
  return Math.min(Math.max(retryAfterMs ?? ASK_EVERY_MS, SHORTEST_MS), LONGEST_MS);
}
