// Isthmus as it always runs: `isthmus start` on a home, with policy, limits, dedup, the durable outbox with fsync, and its log at
// info in a file. Only the buckets for one sender and one pair are raised, because a few people here do the work of thousands.

import { join } from 'node:path';
import type { Issued } from '../../support/ca.ts';
import { Home } from '../../support/home.ts';
import { PeerProcess } from '../../support/peer-process.ts';
import { type Ports, SIP_DOMAIN, SIP_HOST, XMPP_DOMAIN } from '../cast.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');
const MANY = 1_000_000;

export interface IsthmusOptions {
  readonly folder: string;
  readonly ports: Ports;
  readonly own: Issued;
  readonly rootPem: string;
  /** For the engine, e.g. --cpu-prof. */
  readonly nodeArguments: readonly string[];
}

export function isthmus({ folder, ports, own, rootPem, nodeArguments }: IsthmusOptions): PeerProcess {
  const home = new Home(join(folder, 'home'), {
    isthmus: {
      edge: { host: `edge.${SIP_DOMAIN}`, xmpp: `starttls://127.0.0.1:${ports.isthmusXmpp}` },
      inside: { host: `edge-in.${SIP_DOMAIN}`, sip: `tls://127.0.0.1:${ports.isthmusSip}` },
      log: { level: 'info' },
    },
    domains: { [SIP_DOMAIN]: { served: 'sip', nextHop: `tls://127.0.0.1:${ports.sipEnd}`, acceptFrom: SIP_HOST } },
    policy: { federation: 'closed' },
    partners: {
      [XMPP_DOMAIN]: {
        prefer: 'xmpp',
        xmpp: { hosts: `127.0.0.1:${ports.xmppEnd}`, proof: 'certificate' },
        allow: { theySee: ['availability', 'note'] },
        limits: { messagesPerSecond: MANY, senderMessagesPerSecond: MANY, pairMessagesPerSecond: MANY },
        allowPrivateAddresses: true,
      },
    },
    own: { edge: own },
    trustEdge: { bench: rootPem },
    trustInside: { bench: rootPem },
  });
  const logFile = join(folder, 'isthmus.log');
  return new PeerProcess({
    name: 'isthmus',
    command: process.execPath,
    args: [...nodeArguments, MAIN, 'start', '--home', home.folder],
    logFile,
    ready: (said) => said().includes('"event":"ready"'),
  });
}
