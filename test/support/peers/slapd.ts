// OpenLDAP's slapd with the attribute names of Active Directory beside those of inetOrgPerson: a plain process in a temporary
// folder, TLS and without, memberOf kept by its overlay.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'ldapts';
import type { Issued } from '../ca.ts';
import { PeerProcess } from '../peer-process.ts';

const SCHEMAS = '/etc/ldap/schema';
export const BASE = 'dc=corp,dc=example';
export const ROOT_DN = `cn=admin,${BASE}`;
export const ROOT_PASSWORD = 'of the directory';

export interface Slapd {
  readonly process: PeerProcess;
  /** Signed in as its administrator. */
  admin<T>(work: (client: Client) => Promise<T>): Promise<T>;
}

/** @param folder an empty one, for its files @param address of its ports 389 and 636 */
export async function startSlapd(folder: string, address: string, pair: Issued): Promise<Slapd> {
  mkdirSync(join(folder, 'db'));
  writeFileSync(join(folder, 'cert.pem'), pair.chainPem);
  writeFileSync(join(folder, 'key.pem'), pair.keyPem, { mode: 0o600 });
  // As it comes, its memberOf cannot be searched for.
  const microsoft = readFileSync(`${SCHEMAS}/msuser.schema`, 'utf8').replace(
    /(NAME 'memberOf'\n)/,
    '$1\tEQUALITY distinguishedNameMatch\n',
  );
  writeFileSync(join(folder, 'msuser.schema'), microsoft);
  const config = [
    ...['core', 'cosine', 'nis', 'inetorgperson'].map((name) => `include ${SCHEMAS}/${name}.schema`),
    `include ${join(folder, 'msuser.schema')}`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload memberof',
    `pidfile ${join(folder, 'pid')}`,
    `TLSCertificateFile ${join(folder, 'cert.pem')}`,
    `TLSCertificateKeyFile ${join(folder, 'key.pem')}`,
    'sizelimit unlimited',
    'database mdb',
    'maxsize 67108864',
    `suffix "${BASE}"`,
    `rootdn "${ROOT_DN}"`,
    `rootpw "${ROOT_PASSWORD}"`,
    `directory ${join(folder, 'db')}`,
    'dbnosync',
    'index objectClass eq',
    'overlay memberof',
    'memberof-refint TRUE',
  ];
  const file = join(folder, 'slapd.conf');
  writeFileSync(file, `${config.join('\n')}\n`);
  const admin = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ url: `ldap://${address}:389`, connectTimeout: 2000, timeout: 5000 });
    try {
      await client.bind(ROOT_DN, ROOT_PASSWORD);
      return await work(client);
    } finally {
      await client.unbind();
    }
  };
  const process = new PeerProcess({
    name: 'slapd',
    command: '/usr/sbin/slapd',
    args: ['-d', '0', '-f', file, '-h', `ldap://${address}:389 ldaps://${address}:636`],
    logFile: join(folder, 'slapd.log'),
    ready: () => admin(async () => true).catch(() => false),
  });
  await process.start();
  return { process, admin };
}
