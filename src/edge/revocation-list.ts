// One revocation list (RFC 5280 §5): what it says, about whom, for how long. Read once, kept as serial numbers.

import type { X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import { RelativeDistinguishedNames } from 'pkijs';
import { pkiCertificate } from './certificate-extensions.ts';
import {
  bitsOf,
  children,
  type Der,
  DerError,
  derAt,
  expectTag,
  extensionList,
  inside,
  onlyDer,
  serialOf,
  TAG,
  timeOf,
  walk,
} from './der-reader.ts';
import { partsOf, type Signed, signatureHolds } from './signed-data.ts';

export interface RevocationList extends Signed {
  /** The issuer's name, DER. */
  readonly issuer: Buffer;
  /** Serial numbers, upper-case hex without leading zeros. */
  readonly serials: ReadonlySet<string>;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  /** Why its silence says nothing: it covers only part of what its issuer revokes. Absent: it covers everything. */
  readonly partial?: string;
  /** URLs of the distribution point that it is for (RFC 5280 §5.2.5); absent: any. */
  readonly points?: readonly string[];
}

const MAX_ENTRIES = 1_000_000;
const ISSUING_POINT = '2.5.29.28';
const DELTA = '2.5.29.27';
// Number, authority key, freshest list: nothing that changes what the list says.
const HARMLESS = new Set(['2.5.29.20', '2.5.29.35', '2.5.29.46', '1.3.6.1.5.5.7.1.1']);

/** Reads one list. Throws DerError with what was wrong. */
export function readRevocationList(der: Uint8Array): RevocationList {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  const [body, algorithm, signature] = children(onlyDer(bytes, TAG.sequence), 3);
  const fields = [...walk(expectTag(body, TAG.sequence))];
  // version INTEGER OPTIONAL, signature, issuer, thisUpdate, nextUpdate OPTIONAL, revoked OPTIONAL, [0] extensions OPTIONAL
  let at = fields[0]?.tag === TAG.integer ? 1 : 0;
  at += 1; // the algorithm again
  const issuer = expectTag(fields[at++], TAG.sequence);
  const thisUpdate = timeOf(fields[at++]);
  const next = fields[at];
  const nextUpdate = next?.tag === TAG.utcTime || next?.tag === TAG.generalizedTime ? timeOf(fields[at++]) : undefined;
  const serials = fields[at]?.tag === TAG.sequence ? readSerials(fields[at++]!) : new Set<string>();
  const extensions = fields[at]?.tag === 0xa0 ? inside(fields[at]!) : undefined;
  return {
    issuer: issuer.whole,
    serials,
    thisUpdate: new Date(thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: new Date(nextUpdate) }),
    ...(extensions === undefined ? {} : scopeOf(extensions)),
    body: expectTag(body, TAG.sequence).whole,
    algorithm: expectTag(algorithm, TAG.sequence),
    signature: bitsOf(signature),
  };
}

function readSerials(revoked: Der): Set<string> {
  const serials = new Set<string>();
  const { content } = revoked;
  for (let offset = 0; offset < content.length; ) {
    if (serials.size >= MAX_ENTRIES) throw new DerError(`more than ${MAX_ENTRIES} entries`);
    const entry = expectTag(derAt(content, offset), TAG.sequence);
    serials.add(serialOf(derAt(entry.content, 0))); // date and reason do not change that it is revoked
    offset += entry.whole.length;
  }
  return serials;
}

// RFC 5280 §5.2: what a list leaves out stands in its critical extensions.
function scopeOf(list: Der): Pick<RevocationList, 'partial' | 'points'> {
  const extensions = extensionList(list);
  if (extensions.has(DELTA)) return { partial: 'it is a delta list' };
  for (const [id, { critical }] of extensions) {
    if (critical && id !== ISSUING_POINT && !HARMLESS.has(id)) return { partial: `it carries the critical extension ${id}` };
  }
  const point = extensions.get(ISSUING_POINT);
  if (point === undefined) return {};
  const points: string[] = [];
  // [0] distributionPoint, [1] only user certificates, [2] only authorities, [3] reasons, [4] indirect, [5] only attributes
  for (const part of children(onlyDer(point.value, TAG.sequence), 8)) {
    if (part.tag === 0xa0) points.push(...urlsOfPoint(part));
    else if (part.tag !== 0x81) return { partial: 'it is only for authorities, some reasons, attributes, or other issuers' };
  }
  return points.length > 0 ? { points } : {};
}

/** URLs of a DistributionPointName: `[0] fullName: GeneralNames`, of which [6] are URLs. @param wrapper the element around it */
export function urlsOfPoint(wrapper: Der): readonly string[] {
  return children(wrapper, 4).flatMap((name) =>
    name.tag === 0xa0
      ? children(name, 32)
          .filter((general) => general.tag === 0x86)
          .map((general) => general.content.toString('latin1'))
      : [],
  );
}

/** Is this list the word of `issuer` (RFC 5280 §6.3.3 (f), (g))? @param sha1 believe SHA-1 too: for lists the operator brought */
export async function listSignedBy(list: RevocationList, issuer: X509Certificate, sha1 = false): Promise<boolean> {
  try {
    if (!partsOf(issuer).subject.equals(list.issuer) && !sameName(list.issuer, issuer)) return false;
    return await signatureHolds(list, issuer.publicKey, sha1);
  } catch {
    return false;
  }
}

// The same name in another spelling (string types, case): RFC 5280 §7.1.
function sameName(name: Buffer, issuer: X509Certificate): boolean {
  const subject = pkiCertificate(issuer)?.subject;
  return subject?.isEqual(new RelativeDistinguishedNames({ schema: fromBER(new Uint8Array(name)).result })) === true;
}
