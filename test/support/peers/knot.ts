// Knot DNS: the primary of a few zones, which takes dynamic updates (RFC 2136) from who has the key (RFC 8945). A plain
// process in a temporary folder.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { listens } from '../wait.ts';
import type { World } from '../world.ts';

export interface KnotOptions {
  /** A loopback address of its own; port 53. */
  readonly address: string;
  readonly key: { readonly name: string; readonly algorithm: string; readonly secret: string };
  /** Zone -> lines of records, names relative to the zone. SOA, NS and the address of ns1 are added. */
  readonly zones: Readonly<Record<string, readonly string[]>>;
  /** The zones that the key may write. */
  readonly writable: readonly string[];
}

export async function startKnot(world: World, { address, key, zones, writable }: KnotOptions): Promise<PeerProcess> {
  const folder = world.room('knot');
  for (const [zone, lines] of Object.entries(zones)) {
    const head = [`$ORIGIN ${zone}.`, '$TTL 1', '@ SOA ns1 hostmaster 1 60 60 600 1', '@ NS ns1', `ns1 A ${address}`];
    writeFileSync(join(folder, `${zone}.zone`), `${[...head, ...lines].join('\n')}\n`);
  }
  const config = [
    'server:',
    `  listen: ${address}@53`,
    `  rundir: ${folder}`,
    '  user: root:root',
    'log:',
    '  - target: stderr',
    '    any: info',
    'database:',
    `  storage: ${folder}`,
    '  journal-db-max-size: 16M',
    '  kasp-db-max-size: 8M',
    '  timer-db-max-size: 2M',
    'key:',
    `  - id: ${key.name}`,
    `    algorithm: ${key.algorithm}`,
    `    secret: ${key.secret}`,
    'acl:',
    '  - id: update',
    '    action: update',
    `    key: ${key.name}`,
    'template:',
    '  - id: default',
    `    storage: ${folder}`,
    '    file: "%s.zone"',
    'zone:',
    ...Object.keys(zones).flatMap((zone) => [`  - domain: ${zone}`, ...(writable.includes(zone) ? ['    acl: update'] : [])]),
  ];
  const file = join(folder, 'knot.conf');
  writeFileSync(file, `${config.join('\n')}\n`);
  const process = new PeerProcess({
    name: 'knot',
    command: 'knotd',
    args: ['-c', file],
    logFile: join(folder, 'knot.log'),
    ready: () => listens(address, 53),
  });
  return world.start(process);
}
