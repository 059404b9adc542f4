// Isthmus as the presence server of its own users, with SIP clients: the same work as Kamailio's presence server, and with sign-in,
// contact lists and levels, which that one does not ask about.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued } from '../../support/ca.ts';
import { Home } from '../../support/home.ts';
import { PeerProcess } from '../../support/peer-process.ts';
import { CORE_DOMAIN, CORE_PASSWORD, type Ports } from '../cast.ts';
import { type Settler, settle } from '../crowd/people.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');

export interface CoreOptions {
  readonly folder: string;
  readonly ports: Ports;
  readonly own: Issued;
  readonly rootPem: string;
  readonly nodeArguments: readonly string[];
  readonly people: Iterable<Settler>;
}

export async function core({ folder, ports, own, rootPem, nodeArguments, people }: CoreOptions): Promise<PeerProcess> {
  const home = new Home(join(folder, 'home'), {
    isthmus: {
      edge: {
        host: `edge.${CORE_DOMAIN}`,
        sip: `tls://127.0.0.1:${ports.coreEdgeSip}`,
        xmpp: `starttls://127.0.0.1:${ports.coreEdgeXmpp}`,
      },
      clients: { host: `edge.${CORE_DOMAIN}`, sip: `tls://127.0.0.1:${ports.coreSip}` },
      log: { level: 'info' },
    },
    domains: { [CORE_DOMAIN]: { served: 'core' } },
    policy: { federation: 'closed' },
    partners: {},
    own: { core: own },
    trustEdge: { bench: rootPem },
  });
  mkdirSync(join(home.folder, 'var'), { recursive: true });
  await settle(join(home.folder, 'var'), CORE_DOMAIN, CORE_PASSWORD, people);
  return new PeerProcess({
    name: 'isthmus core',
    command: process.execPath,
    args: [...nodeArguments, MAIN, 'start', '--home', home.folder],
    logFile: join(folder, 'core.log'),
    ready: (said) => said().includes('"event":"ready"'),
  });
}
