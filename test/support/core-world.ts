// People of the core on a real Isthmus: one domain, `people.example`, with its names in DNS and the home that serves it.

import assert from 'node:assert/strict';
import { Home, type HomeContents } from './home.ts';
import type { SrvEntry } from './peers/dnsmasq.ts';
import { World } from './world.ts';

export const DOMAIN = 'people.example';
const EDGE_HOST = `edge.${DOMAIN}`;
const EDGE_ADDRESS = '127.0.1.1';

/** Passwords by user; most suites need no others. */
export const PASSWORDS = { nora: 'n0ra-secret', omar: '0mar-secret', li: 'l1-secret-too' } as const;

export interface CoreWorldOptions {
  /** Where clients come in. */
  readonly address: string;
  /** `clients:` of isthmus.yaml; its `host` gets a name in DNS and in the certificate. */
  readonly clients: { readonly host?: string; readonly [key: string]: unknown };
  readonly passwords?: Readonly<Record<string, string>>;
  /** SRV records, and more names by address. */
  readonly srv?: readonly SrvEntry[];
  readonly hosts?: Readonly<Record<string, string>>;
  /** Files of the home beside those that are always there. */
  readonly files?: Readonly<Record<string, string>>;
  readonly partners?: HomeContents['partners'];
  readonly secrets?: HomeContents['secrets'];
  readonly trustInside?: HomeContents['trustInside'];
}

/** The world and the home with its people in it. Isthmus is not started: `await world.start(home.isthmus)`. */
export async function coreWorld(options: CoreWorldOptions): Promise<{ readonly world: World; readonly home: Home }> {
  const { address, clients, passwords = PASSWORDS, srv = [], hosts = {}, files = {}, partners = {}, secrets, trustInside } = options;
  const named = clients.host === undefined ? [DOMAIN] : [DOMAIN, clients.host];
  const world = await World.open({
    hosts: { ...Object.fromEntries(named.map((name) => [name, address])), [EDGE_HOST]: EDGE_ADDRESS, ...hosts },
    srv: [...srv],
  });
  const home = new Home(world.room('home'), {
    isthmus: {
      edge: { host: EDGE_HOST, sip: `tls://${EDGE_ADDRESS}:5061`, xmpp: `starttls://${EDGE_ADDRESS}:5269` },
      clients,
    },
    domains: { [DOMAIN]: { served: 'core' } },
    partners,
    own: { people: world.certificate({ names: [...named, EDGE_HOST] }) },
    trustEdge: { world: world.ca.rootPem },
    ...(secrets !== undefined && { secrets }),
    ...(trustInside !== undefined && { trustInside }),
  });
  for (const [path, text] of Object.entries(files)) home.file(path, text);
  await importPeople(home, DOMAIN, passwords);
  return { world, home };
}

/** Makes users of the core as an operator would, from a table. @param passwords by user */
export async function importPeople(home: Home, domain: string, passwords: Readonly<Record<string, string>>): Promise<void> {
  const rows = Object.entries(passwords).map(([user, password]) => `${user}@${domain},${user},${password}`);
  home.file('people.csv', `address,name,password\n${rows.join('\n')}\n`);
  const imported = await home.command('user', 'import', `${home.folder}/people.csv`);
  assert.equal(imported.code, 0, imported.out + imported.err);
}
