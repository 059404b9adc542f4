// The watch on what ends soon, tied: ours, partners' as last seen on the wire, roots of ours.

import { join } from 'node:path';
import { authoritiesIn } from '../certificates/authorities.ts';
import { ExpiryWatch, type Watched } from '../certificates/expiry.ts';
import type { OwnCertificates } from '../edge/own-certificates.ts';
import type { Log } from '../log.ts';
import type { PassportStore } from '../model/passport.ts';
import type { Clock } from '../model/ports.ts';

export interface ExpiryParts {
  /** The home's folder. */
  readonly dir: string;
  readonly own: Pick<OwnCertificates, 'all'>;
  readonly passports: Pick<PassportStore, 'all'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tells in the log what ends soon: ours, partners' as last seen, roots of ours. */
export function watchExpiry({ dir, own, passports, clock, log }: ExpiryParts): ExpiryWatch {
  const everything = async (): Promise<Watched[]> => [
    ...own.all.map((pair): Watched => {
      const notAfter = Math.min(...pair.chain.map((one) => one.validToDate.getTime()));
      return { role: 'own', name: pair.name, fingerprint: pair.fingerprint, notAfter };
    }),
    ...(await passports.all()).flatMap(({ domain, protocol, direction, chain }): Watched[] => {
      const [leaf] = chain;
      if (leaf === undefined) return [];
      const notAfter = Math.min(...chain.map((one) => one.notAfter));
      return [{ role: 'partner', name: `${domain} (${protocol} ${direction})`, fingerprint: leaf.fingerprint, notAfter }];
    }),
    ...authoritiesIn(join(dir, 'certs')).flatMap(({ file, certificates }) =>
      certificates.map(({ fingerprint, notAfter }): Watched => ({ role: 'ca', name: file, fingerprint, notAfter })),
    ),
  ];
  return new ExpiryWatch({ clock, log, everything });
}
