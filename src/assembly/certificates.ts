// Certificates of a home, tied: the desk that commands work at.

import { join } from 'node:path';
import type { CertificateDesk } from '../model/certificate-desk.ts';
import type { Clock } from '../model/ports.ts';

/** The desk for the certs/ of a home; its room is read when somebody comes. */
export async function certificateDesk(dir: string, clock: Pick<Clock, 'now'>): Promise<CertificateDesk> {
  const { makeDesk } = await import('../certificates/desk.ts');
  return makeDesk({ folder: join(dir, 'certs'), clock });
}
