// Pebble, the ACME authority for tests: strict, refuses good nonces now and then, never reuses an authorization. Beside it
// pebble-challtestsrv, a DNS server whose records are set over HTTP.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { listens } from '../wait.ts';
import type { World } from '../world.ts';

export interface PebbleOptions {
  readonly name: string;
  /** A loopback address of its own. */
  readonly address: string;
  /** `127.0.0.54:53` */
  readonly dns: string;
  /** kid -> HMAC key, base64url: then no account is opened without one. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  readonly validitySeconds?: number;
}

/** Starts it. @returns its directory, and the process */
export async function startPebble(
  world: World,
  options: PebbleOptions,
): Promise<{ readonly directory: string; readonly process: PeerProcess }> {
  const { name, address, externalAccounts } = options;
  const folder = world.room(name);
  const web = world.certificate({ names: [`${name}.test`], ips: [address] });
  const config = {
    pebble: {
      listenAddress: `${address}:14000`,
      managementListenAddress: `${address}:15000`,
      certificate: web.chainFile,
      privateKey: web.keyFile,
      httpPort: 80,
      tlsPort: 443,
      ocspResponderURL: '',
      externalAccountBindingRequired: externalAccounts !== undefined,
      ...(externalAccounts !== undefined && { externalAccountMACKeys: externalAccounts }),
      ...(options.validitySeconds !== undefined && { certificateValidityPeriod: options.validitySeconds }),
    },
  };
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify(config));
  const process = new PeerProcess({
    name,
    command: 'pebble',
    args: ['-config', join(folder, 'pebble.json'), '-strict', '-dnsserver', options.dns],
    env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10', PEBBLE_AUTHZREUSE: '0' },
    logFile: join(folder, 'pebble.log'),
    ready: () => listens(address, 14000),
  });
  await world.start(process);
  return { directory: `https://${address}:14000/dir`, process };
}

/** A DNS server on `address` port 53 whose TXT records a hook sets at http://ADDRESS:8055. */
export async function startChallengeDns(world: World, address: string): Promise<PeerProcess> {
  const process = new PeerProcess({
    name: 'challtestsrv',
    command: 'pebble-challtestsrv',
    args: [
      '-dns01',
      `${address}:53`,
      '-management',
      `${address}:8055`,
      '-http01',
      '',
      '-https01',
      '',
      '-tlsalpn01',
      '',
      '-defaultIPv6',
      '',
    ],
    logFile: join(world.room('challtestsrv'), 'challtestsrv.log'),
    ready: () => listens(address, 8055),
  });
  return world.start(process);
}
