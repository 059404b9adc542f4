// Revocation lists of certs/revoked/*.crl.pem (RFC 5280 §5). Soft: a list says something only about the certificates of
// its own issuer; where there is none, nothing is revoked. A list past its nextUpdate still counts: what was revoked stays so.

import { verify, type X509Certificate } from 'node:crypto';
import { type Certificate, CertificateRevocationList } from 'pkijs';
import { pkiCertificate } from './certificate-extensions.ts';

export interface RevocationList {
  readonly list: CertificateRevocationList;
  /** Serial numbers, upper-case hex without leading zeros. */
  readonly serials: ReadonlySet<string>;
  readonly nextUpdate?: Date;
}

/** Reads one list. Throws an Error with what was wrong. */
export function readRevocationList(der: Uint8Array<ArrayBuffer>): RevocationList {
  const list = CertificateRevocationList.fromBER(der);
  const serials = (list.revokedCertificates ?? []).map((entry) =>
    plainSerial(Buffer.from(entry.userCertificate.valueBlock.valueHexView).toString('hex')),
  );
  return { list, serials: new Set(serials), ...(list.nextUpdate ? { nextUpdate: list.nextUpdate.value } : {}) };
}

/** Every list of one side, with the signatures already checked. */
export class RevocationLists {
  readonly #lists: readonly RevocationList[];
  readonly #genuine = new WeakMap<RevocationList, Map<string, boolean>>();

  constructor(lists: readonly RevocationList[]) {
    this.#lists = lists;
  }

  /** Does a list, signed by `issuer`, name `certificate`? */
  async revokes(certificate: X509Certificate, issuer: X509Certificate): Promise<boolean> {
    const serial = plainSerial(certificate.serialNumber);
    for (const one of this.#lists) {
      if (one.serials.has(serial) && (await this.#signedBy(one, issuer))) return true;
    }
    return false;
  }

  async #signedBy(one: RevocationList, issuer: X509Certificate): Promise<boolean> {
    const known = this.#genuine.get(one) ?? new Map<string, boolean>();
    this.#genuine.set(one, known);
    let genuine = known.get(issuer.fingerprint256);
    if (genuine === undefined) {
      const issuerCertificate = pkiCertificate(issuer);
      // RFC 5280 §6.3.3 (f): the list's issuer is the certificate's issuer, and its key signed the list.
      genuine =
        issuerCertificate !== undefined &&
        one.list.issuer.isEqual(issuerCertificate.subject) &&
        (await signatureHolds(one.list, issuer, issuerCertificate));
      known.set(issuer.fingerprint256, genuine);
    }
    return genuine;
  }
}

async function signatureHolds(list: CertificateRevocationList, issuer: X509Certificate, issuerCertificate: Certificate): Promise<boolean> {
  if (/^ed(25519|448)$/.test(issuer.publicKey.asymmetricKeyType ?? '')) {
    // pkijs 4.0.0 knows no Edwards curves.
    return verify(null, list.tbsView, issuer.publicKey, list.signatureValue.valueBlock.valueHexView);
  }
  return list.verify({ issuerCertificate }).catch(() => false);
}

function plainSerial(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}
