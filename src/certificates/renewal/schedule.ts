// When a certificate is renewed, and how long an authority is left alone after it failed. Pure; times are wall ms.

import type { X509Certificate } from 'node:crypto';
import type { AcmeCertificate, AcmeCode } from '../../model/acme.ts';
import type { RenewalInfo } from '../acme/ari.ts';
import { isLocalFault } from '../acme/fault.ts';

export interface Due {
  readonly at: number;
  readonly because: string;
}

const DAY_MS = 86_400_000;

/**
 * @param leaf the certificate in force, if there is one
 * @param renewedAt when it came from a CA by our own asking: a CA that hands out what it wants renewed at once must not be asked
 * for it for ever
 */
export function dueOf(
  wanted: Pick<AcmeCertificate, 'names' | 'renewBeforeMs'>,
  leaf: X509Certificate | undefined,
  info: RenewalInfo | undefined,
  now: number,
  renewedAt = Number.NEGATIVE_INFINITY,
): Due {
  if (leaf === undefined) return { at: now, because: 'there is no certificate yet' };
  const named = dnsNames(leaf);
  const missing = wanted.names.filter((name) => !named.has(name));
  if (missing.length > 0) return { at: now, because: `the one in force does not name ${missing.join(', ')}` };
  const begin = leaf.validFromDate.getTime();
  const end = leaf.validToDate.getTime();
  const { renewBeforeMs } = wanted;
  // A renewBefore longer than the whole life would renew for ever.
  const usable = renewBeforeMs !== undefined && renewBeforeMs < (end - begin) * 0.9;
  const earliest = renewedAt + Math.min(DAY_MS, (end - begin) / 4);
  const ours: Due = usable
    ? { at: Math.max(end - renewBeforeMs, earliest), because: `renewBefore: ${days(renewBeforeMs)} before its end` }
    : { at: Math.max(end - Math.floor((end - begin) / 3), earliest), because: 'a third of its life is left then' };
  if (info === undefined || info.renewAt >= ours.at) return ours;
  const why = info.explanation === undefined ? '' : ` (${info.explanation})`;
  return { at: Math.max(info.renewAt, earliest), because: `the CA asks for it then${why}` };
}

/** DNS names in subjectAltName, lower case. */
export function dnsNames(certificate: X509Certificate): ReadonlySet<string> {
  const entries = certificate.subjectAltName?.split(', ') ?? [];
  return new Set(entries.flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice(4).toLowerCase()] : [])));
}

function days(ms: number): string {
  return ms >= DAY_MS ? `${Math.round((ms / DAY_MS) * 10) / 10} days` : `${Math.round(ms / 360_000) / 10} hours`;
}

/**
 * Pauses after the first, second, ... failure in a row. Public CAs count failed checks by the hour and by the name (five an
 * hour at the largest), so the first three tries together stay below that, and a name that never works costs one try a day.
 */
const LADDER_MS = [15, 30, 60, 180, 360, 720, 1440].map((minutes) => minutes * 60_000);

/**
 * When an authority may be asked again.
 * @param failures in a row, this one counted
 * @param notBefore what the authority itself said
 * @param random in [0, 1): up to a tenth is added, so that many edges do not come together
 */
export function nextTry(failures: number, code: AcmeCode, notBefore: number | undefined, now: number, random: () => number): number {
  const rung = LADDER_MS[Math.min(Math.max(failures, 1), LADDER_MS.length) - 1]!; // the index stays inside
  // A limit is counted by the hour at least: coming back sooner is counted again.
  const pause = code === 'ACME_LIMITED' && notBefore === undefined ? Math.max(rung, 3_600_000) : rung;
  return Math.max(now + Math.floor(pause * (1 + random() / 10)), notBefore ?? 0);
}

/** Does another authority stand a better chance? Not where the fault is on our side. */
export function worthFallBack(code: AcmeCode): boolean {
  return !isLocalFault(code);
}
