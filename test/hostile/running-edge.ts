// The whole edge as `isthmus start` puts it together, in this process and on loopback, between four parties played by hand: a
// SIP partner and an XMPP partner outside, a SIP system and an XMPP server inside. Its home is written to disk like any
// other; its log and everything that arrives anywhere are kept, so that "nothing was delivered" can be seen.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type Running, start } from '../../src/assembly/start.ts';
import { loadHome } from '../../src/config/load.ts';
import { openLog } from '../../src/log.ts';
import { type Ca, type Issued, makeCa } from '../support/ca.ts';
import { XmppPeer } from '../support/xmpp-peer.ts';
import { Callers } from './callers.ts';
import { Door, InsideXmpp, SipSystem } from './inside.ts';
import { CONTOSO, CORP, FABRIKAM, PARTNER, WOODGROVE } from './names.ts';

const COMPONENT = `isthmus.${CONTOSO}`;
export const LISTED = {
  allow: { theySee: ['availability', 'note'] },
  limits: { senderMessagesPerSecond: 1e6, pairMessagesPerSecond: 1e6 },
  allowPrivateAddresses: true,
};

export interface EdgeOptions {
  readonly policy?: object;
  /** More files of routes/partners/, by domain, or others than usual. */
  readonly partners?: Readonly<Record<string, object>>;
  /** Laid over isthmus.yaml. */
  readonly isthmus?: object;
  /** The other way round: the SIP system inside serves fabrikam.example, and contoso.example is a partner. */
  readonly mirrored?: true;
}

/** What is made before the edge is started. */
interface Around {
  readonly folder: string;
  readonly ca: Ca;
  readonly fabrikam: Issued;
  readonly partner: Issued;
  readonly insideSip: SipSystem;
  readonly insideXmpp: InsideXmpp;
  /** Accepts what goes out to the XMPP partner. */
  readonly partnerXmpp: XmppPeer;
  /** The same for the SIP partner. */
  readonly partnerSip: SipSystem;
  /** Listens where attackers want us to connect to. */
  readonly trap: Door;
  readonly ports: { readonly sip: number; readonly xmpp: number; readonly inside: number };
}

export class RunningEdge extends Callers implements AsyncDisposable {
  readonly around: Around;
  readonly running: Running;

  private constructor(around: Around, running: Running) {
    super(around);
    this.around = around;
    this.running = running;
  }

  /** Starts everything and waits until the inside XMPP server has us as its component. */
  static async open(options: EdgeOptions = {}): Promise<RunningEdge> {
    const ca = makeCa('Partners');
    const partner = ca.issue({ names: [PARTNER] });
    const fabrikam = ca.issue({ names: [FABRIKAM] });
    const [insideSip, partnerSip] = await Promise.all([SipSystem.open(), SipSystem.open(fabrikam)]);
    const [insideXmpp, trap] = await Promise.all([InsideXmpp.open(), Door.open(() => {})]);
    const [sip, xmpp, inside, outside] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const around: Around = {
      folder: mkdtempSync(join(tmpdir(), 'isthmus-hostile-')),
      ca,
      fabrikam,
      partner,
      insideSip,
      insideXmpp,
      partnerSip,
      partnerXmpp: await XmppPeer.listen('127.0.0.1', PARTNER, partner, outside),
      trap,
      ports: { sip, xmpp, inside },
    };
    writeHome(around, outside, options);
    const load = (): ReturnType<typeof loadHome> => loadHome(join(around.folder, 'home'));
    const loaded = load();
    if (!loaded.ok) throw new Error(`the test's home is faulty: ${JSON.stringify(loaded.faults)}`);
    const running = await start({ home: loaded.home, table: loaded.table, reload: load }, openLog('debug', join(around.folder, 'log')));
    await insideXmpp.joined;
    return new RunningEdge(around, running);
  }

  /** The log so far, as text. */
  log(): string {
    return readFileSync(join(this.around.folder, 'log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { insideSip, insideXmpp, partnerSip, partnerXmpp, trap, folder } = this.around;
    this.hangUp();
    partnerXmpp.close();
    await this.running.drain(0);
    await Promise.all([insideSip.door, insideXmpp.door, partnerSip.door, trap].map((door) => door[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A port that nobody uses now: Via and Contact must name it before the listener is open. */
export async function freePort(): Promise<number> {
  const door = await Door.open(() => {});
  await door[Symbol.asyncDispose]();
  return door.port;
}

function writeHome(around: Around, partnerPort: number, options: EdgeOptions): void {
  const write = (path: string, text: string, mode = 0o644): void => {
    const file = join(around.folder, 'home', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const yaml = (path: string, value: object): void => write(path, stringify(value, { aliasDuplicateObjects: false }));
  const { ports, insideSip, insideXmpp, ca } = around;
  yaml('isthmus.yaml', {
    edge: { host: `edge.${CONTOSO}`, sip: `tls://127.0.0.1:${ports.sip}`, xmpp: `starttls://127.0.0.1:${ports.xmpp}` },
    inside: { host: `edge-in.${CONTOSO}`, sip: `plain://127.0.0.1:${ports.inside}` },
    ...options.isthmus,
  });
  const component = { name: COMPONENT, dial: `plain://127.0.0.1:${insideXmpp.door.port}`, secret: { secret: 'component' } };
  const mirrored = options.mirrored === true;
  yaml('routes/domains.yaml', {
    domains: {
      [mirrored ? FABRIKAM : CORP]: { served: 'sip', nextHop: `plain://127.0.0.1:${insideSip.door.port}`, acceptFrom: '127.0.0.1' },
      [mirrored ? CORP : CONTOSO]: { served: 'xmpp', component },
    },
  });
  yaml('routes/policy.yaml', options.policy ?? { federation: 'closed' });
  const partners: Readonly<Record<string, object>> = {
    [mirrored ? CONTOSO : FABRIKAM]: {
      ...LISTED,
      prefer: mirrored ? 'xmpp' : 'sip',
      sip: { hosts: `127.0.0.1:${around.partnerSip.door.port}` },
      xmpp: { hosts: `127.0.0.1:${partnerPort}` },
    },
    [WOODGROVE]: { ...LISTED, prefer: 'sip', sip: { hosts: `127.0.0.1:${around.trap.port}` } },
    [PARTNER]: { ...LISTED, prefer: 'xmpp', xmpp: { hosts: `127.0.0.1:${partnerPort}` } },
    ...options.partners,
  };
  for (const [domain, partner] of Object.entries(partners)) yaml(`routes/partners/${domain}.yaml`, partner);
  const own = ca.issue({ names: [CONTOSO, CORP, FABRIKAM, `edge.${CONTOSO}`, `edge-in.${CONTOSO}`] });
  write('certs/own/edge/fullchain.pem', own.chainPem);
  write('certs/own/edge/key.pem', own.keyPem, 0o600);
  write('certs/trust/edge/partners.pem', ca.rootPem);
  write('secrets/component', 'between us', 0o600);
}
