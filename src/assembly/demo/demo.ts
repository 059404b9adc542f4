// isthmus demo: a generated home, two small organisations on loopback, and Isthmus between them as it always runs. What the
// organisations did and saw is told as a timeline; how it crossed is read from the ledger afterwards.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadHome } from '../../config/load.ts';
import { play } from '../../demo/play.ts';
import { SipOrganisation } from '../../demo/sip-organisation.ts';
import { Timeline } from '../../demo/timeline.ts';
import { XmppOrganisation } from '../../demo/xmpp-organisation.ts';
import { makeIds } from '../../edge/ids.ts';
import { systemClock } from '../../edge/system-clock.ts';
import { openLog } from '../../log.ts';
import type { Partner, Table } from '../../model/table.ts';
import type { RunDemo } from '../../ops/demo.ts';
import { makeEdge } from '../edge.ts';
import { start } from '../start.ts';
import { developmentAuthority } from './development-certificates.ts';

const SIP_DOMAIN = 'fabrikam.example';
const XMPP_DOMAIN = 'contoso.example';

/** Plays the demo. Exit 0 only if everything crossed; without `once` it stays up until Ctrl-C. */
export const demo: RunDemo = async ({ once, json }, terminal) => {
  const timeline = new Timeline(json, terminal.out);
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-demo-'));
  const ends: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    timeline.title('two organisations and an isthmus between them, all on loopback');
    const authority = await developmentAuthority('Isthmus demo', Date.now());
    const [edge, system, server] = await Promise.all([
      authority.issue([SIP_DOMAIN, `edge.${SIP_DOMAIN}`, `edge-in.${SIP_DOMAIN}`]),
      authority.issue([`sip.${SIP_DOMAIN}`]),
      authority.issue([XMPP_DOMAIN]),
    ]);
    const write = writer(folder);

    // Contoso: an XMPP server of its own, a partner over the (loopback) internet.
    write('contoso/certs/own/contoso/fullchain.pem', server.chainPem);
    write('contoso/certs/own/contoso/key.pem', server.keyPem);
    write('contoso/certs/trust/edge/demo.pem', authority.certPem);
    const isthmus = { sipPort: await freePort(), xmppPort: await freePort() };
    const home = {
      dir: join(folder, 'contoso'),
      dns: { servers: [] },
      edge: { sip: [], xmpp: [] },
      inside: { sip: [] },
      outbound: { sourceAddress: [] },
    };
    const toIsthmus = (): Partner => partnerAt(SIP_DOMAIN, isthmus.xmppPort);
    const table = (): Table => tableOf(XMPP_DOMAIN, toIsthmus());
    const contoso = new XmppOrganisation({
      domain: XMPP_DOMAIN,
      user: 'li',
      partnerDomain: SIP_DOMAIN,
      parts: makeEdge(home, table, systemClock, makeIds(systemClock)),
      isthmus: toIsthmus,
      onStanza: (stanza) => timeline.stanza(stanza),
    });
    const contosoPort = await contoso.listen();
    ends.unshift(() => contoso.close());

    // Fabrikam: an internal SIP system; its border is Isthmus.
    const fabrikam = new SipOrganisation({
      domain: SIP_DOMAIN,
      user: 'nora',
      certificate: { certPem: system.chainPem, keyPem: system.keyPem, rootPem: authority.certPem },
      isthmus: () => ({ host: '127.0.0.1', port: isthmus.sipPort }),
      onRequest: (request) => timeline.request(request),
    });
    const fabrikamPort = await fabrikam.listen();
    ends.unshift(() => fabrikam.close());

    // Isthmus, with a home like any other.
    write('home/certs/own/edge/fullchain.pem', edge.chainPem);
    write('home/certs/own/edge/key.pem', edge.keyPem);
    write('home/certs/trust/inside/demo.pem', authority.certPem);
    write(`home/certs/trust/partners/${XMPP_DOMAIN}/demo.pem`, authority.certPem);
    for (const [path, text] of Object.entries(homeFiles(isthmus, fabrikamPort, contosoPort))) write(`home/${path}`, text);
    const loaded = loadHome(join(folder, 'home'));
    if (!loaded.ok) throw new Error(`the demo's own home is faulty: ${loaded.faults.map((fault) => fault.found).join('; ')}`);
    const ready = { home: loaded.home, table: loaded.table, reload: () => loadHome(join(folder, 'home')) };
    const running = await start(ready, openLog('info', join(folder, 'isthmus.log')));
    ends.unshift(() => running.drain(2000));

    timeline.facts([
      `${SIP_DOMAIN.padEnd(17)} nora, on SIP over mutual TLS   (port ${fabrikamPort}; Isthmus' inside listener ${isthmus.sipPort})`,
      `${XMPP_DOMAIN.padEnd(17)} li, on XMPP s2s with TLS        (port ${contosoPort}; Isthmus' edge listener ${isthmus.xmppPort})`,
      'certificates      of an authority made just now; every message below is committed to disk before anybody is told yes',
    ]);
    const good = await play({
      fabrikam,
      contoso,
      timeline,
      ledger: running.store.ledger,
      nora: `nora@${SIP_DOMAIN}`,
      li: `li@${XMPP_DOMAIN}`,
    });
    timeline.end(good, join(folder, 'isthmus.log'));
    if (!once) {
      timeline.note('Isthmus stays up. Ctrl-C ends it and removes everything it made.');
      await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
    }
    return good ? 0 : 1;
  } finally {
    for (const end of ends) await end();
  }
};

/** A port that nobody uses now: Via and Contact must name it before the listener is open. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo; // listening on TCP
      probe.close(() => resolve(port));
    });
  });
}

function writer(folder: string): (path: string, text: string) => void {
  return (path, text) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (path.endsWith('key.pem')) chmodSync(file, 0o600);
  };
}

function homeFiles(
  isthmus: { sipPort: number; xmppPort: number },
  fabrikamPort: number,
  contosoPort: number,
): Readonly<Record<string, string>> {
  return {
    'isthmus.yaml': `edge:\n  host: edge.${SIP_DOMAIN}\n  xmpp: starttls://127.0.0.1:${isthmus.xmppPort}\ninside:\n  host: edge-in.${SIP_DOMAIN}\n  sip: tls://127.0.0.1:${isthmus.sipPort}\n`,
    'routes/domains.yaml': `domains:\n  ${SIP_DOMAIN}:\n    served: sip\n    nextHop: tls://127.0.0.1:${fabrikamPort}\n    acceptFrom: sip.${SIP_DOMAIN}\n`,
    'routes/policy.yaml': 'federation: closed\n',
    [`routes/partners/${XMPP_DOMAIN}.yaml`]: `prefer: xmpp\nxmpp: { hosts: 127.0.0.1:${contosoPort}, proof: certificate }\nallow: { theySee: [availability, note] }\nallowPrivateAddresses: true\n`,
  };
}

/** What Contoso's server knows: its own domain, and where Isthmus is. */
function tableOf(domain: string, isthmus: Partner): Table {
  const where = { file: 'demo', key: '' };
  const allow = { messages: 'both', theySee: ['availability', 'note'], weSee: true, firstContact: 'anyone' } as const;
  const discovered = { protocols: [], allow, limits: { messageBytes: 65_536 }, where };
  const own = { domain, aliases: [], served: 'xmpp', nextHop: [], acceptFrom: [], gr: true, sameProtocol: true, where } as const;
  const policy = {
    federation: 'closed',
    federationWhere: where,
    blocked: [],
    discovered,
    groups: new Map(),
    rules: [],
    tests: [],
  } as const;
  return { generation: 1, domains: new Map([[domain, own]]), partners: new Map([[isthmus.name, isthmus]]), policy };
}

function partnerAt(domain: string, port: number): Partner {
  const where = { file: 'demo', key: '' };
  const face = {
    hosts: [{ host: '127.0.0.1', port }],
    names: [],
    clientEku: 'ignore',
    pins: [],
    tlsAtLeast: 'TLSv1.2',
    revocation: 'off',
    proof: 'certificate',
  } as const;
  return {
    name: domain,
    domains: [domain],
    enabled: true,
    prefer: ['xmpp'],
    sip: { ...face, dialect: 'standard', queuedAnswer: 202, gr: true, use6xx: false },
    xmpp: { ...face, posh: false },
    allow: { messages: 'both', theySee: ['availability', 'note'], weSee: true, firstContact: 'anyone' },
    limits: { messageBytes: 65_536 },
    idleWatcherDays: 7,
    allowPrivateAddresses: true,
    discovered: false,
    where,
    sources: new Map(),
  };
}
