// Revocation lists of certs/revoked/*.crl.pem (RFC 5280 §5). Soft: a list says something only about the certificates of
// its own issuer; where there is none, nothing is revoked. A list past its nextUpdate still counts: what was revoked stays so.

import type { X509Certificate } from 'node:crypto';
import { plainSerial } from './der-reader.ts';
import { listSignedBy, type RevocationList } from './revocation-list.ts';

export { type RevocationList, readRevocationList } from './revocation-list.ts';

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
    const genuine = known.get(issuer.fingerprint256) ?? (await listSignedBy(one, issuer, true));
    known.set(issuer.fingerprint256, genuine);
    return genuine;
  }
}
