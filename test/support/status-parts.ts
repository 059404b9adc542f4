// Certificate status as authorities give it, right or wrong: OCSP responses (RFC 6960 §4.2.1), and the extensions of a
// certificate that say where its status is to be had.

import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { partsOf } from '../../src/edge/signed-data.ts';
import { extension, signed } from './certificate-builder.ts';
import { context, contextBytes, element, integer, octets, oid, sequence } from './der.ts';

/** What a certificate says about where to ask. */
export function statusExtensions(places: { readonly ocsp?: string; readonly list?: string; readonly mustStaple?: boolean }): Buffer[] {
  const url = (text: string): Buffer => contextBytes(6, Buffer.from(text));
  return [
    ...(places.ocsp === undefined ? [] : [extension('1.3.6.1.5.5.7.1.1', sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), url(places.ocsp))))]),
    ...(places.list === undefined ? [] : [extension('2.5.29.31', sequence(sequence(context(0, context(0, url(places.list))))))]),
    ...(places.mustStaple ? [extension('1.3.6.1.5.5.7.1.24', sequence(integer(5)))] : []),
  ];
}

export interface ResponseOptions {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  /** Who signs it, by default with `issuer`'s name. */
  readonly key: KeyObject;
  /** The certificate of a delegated responder, sent along; its name or key is given as the responder's. */
  readonly delegate?: X509Certificate;
  readonly responderByKey?: boolean;
  readonly status?: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate?: Date;
  /** `none`: left out. */
  readonly nextUpdate?: Date | 'none';
  /** The serial number that it is about, instead of the certificate's. */
  readonly serial?: string;
  /** The authority that it is about, instead of `issuer`. */
  readonly about?: X509Certificate;
  readonly hash?: 'sha1' | 'sha256' | 'md5';
  readonly code?: number;
  readonly critical?: boolean;
}

const HASH_OIDS = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', md5: '1.2.840.113549.2.5' };
const HOUR_MS = 3_600_000;

/** One OCSPResponse, DER. */
export function ocspResponse(options: ResponseOptions): Buffer {
  if (options.code !== undefined && options.code !== 0) return sequence(element(0x0a, Buffer.from([options.code])));
  const { certificate, issuer, delegate, key, status = 'good', hash = 'sha1' } = options;
  const about = partsOf(options.about ?? issuer);
  const digest = (bytes: Uint8Array): Buffer => octets(createHash(hash).update(bytes).digest());
  const certId = sequence(
    sequence(oid(HASH_OIDS[hash])),
    digest(about.subject),
    digest(about.publicKeyBits),
    integer(Buffer.from(options.serial ?? certificate.serialNumber, 'hex')),
  );
  const word = {
    good: contextBytes(0, Buffer.alloc(0)),
    revoked: context(1, generalized(new Date(Date.UTC(2026, 0, 2)))),
    unknown: contextBytes(2, Buffer.alloc(0)),
  }[status];
  const next = options.nextUpdate ?? new Date(Date.now() + 24 * HOUR_MS);
  const extensions = options.critical ? [context(1, sequence(extension('1.2.3.4', octets(Buffer.alloc(1)), true)))] : [];
  const single = sequence(
    certId,
    word,
    generalized(options.thisUpdate ?? new Date(Date.now() - HOUR_MS)),
    ...(next === 'none' ? [] : [context(0, generalized(next))]),
    ...extensions,
  );
  const responder = partsOf(delegate ?? issuer);
  const id = options.responderByKey
    ? context(2, octets(createHash('sha1').update(responder.publicKeyBits).digest()))
    : context(1, responder.subject);
  const body = sequence(id, generalized(new Date()), sequence(single));
  const basic = signed(body, key);
  const whole = delegate === undefined ? basic : withCertificate(basic, delegate);
  return sequence(element(0x0a, Buffer.from([0])), context(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(whole))));
}

/** BasicOCSPResponse with the responder's certificate behind its signature. */
function withCertificate(basic: Buffer, delegate: X509Certificate): Buffer {
  const head = basic[1]! < 0x80 ? 2 : 2 + (basic[1]! & 0x7f);
  return sequence(basic.subarray(head), context(0, sequence(delegate.raw)));
}

function generalized(at: Date): Buffer {
  return element(0x18, Buffer.from(`${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`));
}
