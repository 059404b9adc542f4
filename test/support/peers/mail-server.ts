// aiosmtpd as a mail server: STARTTLS and a password are demanded, every mail is a file.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PeerProcess } from '../peer-process.ts';
import type { CertificateFiles } from '../world.ts';

const SCRIPT = fileURLToPath(new URL('mail-server.py', import.meta.url));

export interface MailServer {
  readonly process: PeerProcess;
  /** Every mail so far, in the order of arrival; the first line is the envelope. */
  mails(): readonly string[];
}

/** @param folder an empty one, for what it takes */
export function mailServer(
  folder: string,
  address: string,
  port: number,
  pair: CertificateFiles,
  user: string,
  password: string,
): MailServer {
  const taken = join(folder, 'mails');
  mkdirSync(taken);
  const process = new PeerProcess({
    name: 'mail server',
    command: '/usr/bin/python3',
    args: [SCRIPT, address, String(port), pair.chainFile, pair.keyFile, user, password, taken],
    logFile: join(folder, 'mail-server.log'),
    ready: (said) => said().includes('listening'),
  });
  const mails = (): readonly string[] =>
    readdirSync(taken)
      .filter((name) => name.endsWith('.eml'))
      .sort()
      .map((name) => readFileSync(join(taken, name), 'utf8'));
  return { process, mails };
}
