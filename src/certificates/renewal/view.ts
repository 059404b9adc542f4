// How each certificate of certs/acme.yaml stands: the one in force, when it is due, who failed to renew it. Reads the files
// each time, because others write them too.

import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { readCertificates } from '../../edge/pem.ts';
import type { AcmeCertificate, AcmeSettings, RenewalState } from '../../model/acme.ts';
import type { Clock } from '../../model/ports.ts';
import { readIfThere } from '../pairs.ts';
import { type Due, dueOf } from './schedule.ts';
import type { RenewalMemory } from './state.ts';

export class RenewalView {
  readonly #certs: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #memory: RenewalMemory;

  /** @param certs the home's certs folder */
  constructor(certs: string, clock: Pick<Clock, 'now'>, memory: RenewalMemory) {
    this.#certs = certs;
    this.#clock = clock;
    this.#memory = memory;
  }

  stateOf(wanted: AcmeCertificate, settings: AcmeSettings, now = this.#clock.now()): RenewalState {
    const remembered = this.#memory.get(wanted.name);
    const leaf = this.#leaf(wanted.name);
    const known = leaf !== undefined && remembered.fingerprint === fingerprintOf(leaf);
    const due: Due = dueOf(wanted, leaf, known ? remembered.info : undefined, now, known ? remembered.renewedAt : undefined);
    const open = settings.authorities.map(({ name }) => remembered.tries[name]?.nextTryAt ?? 0);
    const tries = settings.authorities.flatMap(({ name }) => remembered.tries[name] ?? []);
    return {
      name: wanted.name,
      names: wanted.names,
      ...(leaf !== undefined && { notAfter: leaf.validToDate.getTime() }),
      ...(known && remembered.authority !== undefined && { authority: remembered.authority }),
      dueAt: due.at,
      because: due.because,
      nextTryAt: Math.max(due.at, Math.min(...open)),
      ...(remembered.renewedAt !== undefined && { lastRenewedAt: remembered.renewedAt }),
      failures: Math.max(0, ...tries.map(({ failures }) => failures)),
      faults: tries.flatMap(({ fault }) => fault ?? []),
    };
  }

  /** The certificate in force, with whoever issued it when it was us who asked. */
  issuer(wanted: AcmeCertificate): { readonly leaf?: X509Certificate; readonly authority?: string } {
    const leaf = this.#leaf(wanted.name);
    const { fingerprint, authority } = this.#memory.get(wanted.name);
    if (leaf === undefined) return {};
    return { leaf, ...(authority !== undefined && fingerprint === fingerprintOf(leaf) && { authority }) };
  }

  #leaf(name: string): X509Certificate | undefined {
    try {
      const pem = readIfThere(join(this.#certs, 'own', name, 'fullchain.pem'));
      const keyPem = readIfThere(join(this.#certs, 'own', name, 'key.pem'));
      if (pem === undefined || keyPem === undefined) return undefined;
      const [leaf] = readCertificates(pem);
      createPrivateKey(keyPem);
      return leaf;
    } catch {
      return undefined; // what cannot be read wants to be replaced
    }
  }
}

function fingerprintOf(leaf: X509Certificate): string {
  return leaf.fingerprint256.replaceAll(':', '').toLowerCase();
}
