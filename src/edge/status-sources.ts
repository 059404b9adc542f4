// Where a certificate says that its status can be asked: OCSP responders (authority information access, RFC 5280 §4.2.2.1),
// revocation lists (§4.2.1.13), and whether it must come with its status stapled (RFC 7633).

import type { X509Certificate } from 'node:crypto';
import { extensionsOf } from './certificate-extensions.ts';
import { children, expectTag, oidOf, onlyDer, TAG } from './der-reader.ts';
import { urlsOfPoint } from './revocation-list.ts';

export interface StatusSources {
  readonly ocsp: readonly string[];
  readonly lists: readonly string[];
  readonly mustStaple: boolean;
}

const AUTHORITY_INFORMATION = '1.3.6.1.5.5.7.1.1';
const LIST_POINTS = '2.5.29.31';
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
const OCSP = '1.3.6.1.5.5.7.48.1';
const STATUS_REQUEST = 5; // the TLS extension status_request, RFC 6066 §8
const MAX_SOURCES = 3;

/** Reads them; what cannot be read is none. Never throws. */
export function statusSourcesOf(certificate: X509Certificate): StatusSources {
  const extensions = extensionsOf(certificate);
  const read = <T>(id: string, reader: (value: Buffer) => T, otherwise: T): T => {
    const value = extensions.get(id)?.value;
    try {
      return value === undefined ? otherwise : reader(Buffer.from(value));
    } catch {
      return otherwise;
    }
  };
  return {
    ocsp: read(AUTHORITY_INFORMATION, responders, []).filter(isHttp).slice(0, MAX_SOURCES),
    lists: read(LIST_POINTS, listUrls, []).filter(isHttp).slice(0, MAX_SOURCES),
    mustStaple: read(
      TLS_FEATURE,
      (value) => children(onlyDer(value, TAG.sequence), 16).some((one) => one.tag === TAG.integer && one.content[0] === STATUS_REQUEST),
      false,
    ),
  };
}

function responders(value: Buffer): readonly string[] {
  return children(onlyDer(value, TAG.sequence), 16).flatMap((access) => {
    const [method, location] = children(expectTag(access, TAG.sequence), 2);
    return oidOf(method) === OCSP && location?.tag === 0x86 ? [location.content.toString('latin1')] : [];
  });
}

function listUrls(value: Buffer): readonly string[] {
  return children(onlyDer(value, TAG.sequence), 16).flatMap((point) => {
    const parts = children(expectTag(point, TAG.sequence), 3);
    // [1] only some reasons, [2] another issuer: such a list alone tells nothing.
    if (parts.some((part) => part.tag !== 0xa0)) return [];
    return parts.flatMap(urlsOfPoint);
  });
}

function isHttp(url: string): boolean {
  return /^https?:\/\/[\x21-\x7e]{1,500}$/i.test(url);
}
