// The secrets of a home, by name: $CREDENTIALS_DIRECTORY/<name> (systemd LoadCredential) where it is there, else secrets/<name>.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads one secret, without the white space around it.
 * @param credentials the folder that systemd made, if it did; it need not hold every secret
 * @throws what the file system says when neither file can be read
 */
export function secretOf(home: string, name: string, credentials = process.env.CREDENTIALS_DIRECTORY): string {
  const passed = credentials === undefined ? undefined : join(credentials, name);
  const path = passed !== undefined && existsSync(passed) ? passed : join(home, 'secrets', name);
  return readFileSync(path, 'utf8').trim();
}
