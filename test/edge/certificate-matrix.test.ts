// The identities of a hostile and of an honest world, each over a real TLS handshake in both directions and judged for
// both protocols. A hole: proven and must not be. A lockout: refused and must be proven. Both counts must be 0.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { makeConnector } from '../../src/edge/connect.ts';
import type { Link, ProofResult } from '../../src/model/ports.ts';
import type { ReasonCode } from '../../src/model/reason.ts';
import type { Protocol } from '../../src/model/table.ts';
import { type Issued, issuedByLeaf, makeCa, selfSigned } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const DAY_MS = 86_400_000;
const D = 'partner.example';
const ca = makeCa('Public'); // stands for the system's roots
const foreign = makeCa('Unknown');
const otherLeaf = ca.issue({ names: ['other.example'] });
const revoked = ca.issue({ names: [D] });
const bound = ca.root.authority('Bound to other.example', { permitted: ['other.example'] });
const shut = ca.root.authority('Not for partner.example', { excluded: [D] });
const short = ca.root.authority('Short', { pathLength: 0 });
const withRoot = (issued: Issued, root: string): Issued => ({ ...issued, chainPem: issued.chainPem + root });

const withoutChain = (issued: Issued): Issued => ({ ...issued, chainPem: issued.certPem });

type Verdict = 'certificate' | 'namedServer' | 'discoveredServer' | ReasonCode;
interface Row {
  readonly shows: Issued;
  readonly domain?: string;
  readonly sip: Verdict;
  readonly xmpp: Verdict;
}
const both = (shows: Issued, verdict: Verdict, domain?: string): Row => ({
  shows,
  sip: verdict,
  xmpp: verdict,
  ...(domain ? { domain } : {}),
});

const identities: Readonly<Record<string, Row>> = {
  'good, both purposes': both(ca.issue({ names: [D] }), 'certificate'),
  'serverAuth only': both(ca.issue({ names: [D], eku: 'server' }), 'certificate'),
  'no purpose at all': both(ca.issue({ names: [D], eku: 'none' }), 'certificate'),
  'clientAuth only, public authority': both(ca.issue({ names: [D], eku: 'client' }), 'CERT_PEER_EKU'),
  'two domains in one': both(ca.issue({ names: ['other.example', D] }), 'certificate'),
  'root sent along': both(withRoot(ca.issue({ names: [D], eku: 'server' }), ca.rootPem), 'certificate'),
  expired: both(ca.issue({ names: [D], notAfter: new Date(Date.now() - 1000) }), 'CERT_PEER_EXPIRED'),
  'not yet valid': both(ca.issue({ names: [D], notBefore: new Date(Date.now() + DAY_MS) }), 'CERT_PEER_NOT_YET_VALID'),
  revoked: both(revoked, 'CERT_PEER_REVOKED'),
  'self-signed': both(selfSigned({ names: [D] }), 'CERT_PEER_SELF_SIGNED'),
  'self-signed, serverAuth only': both(selfSigned({ names: [D], eku: 'server' }), 'CERT_PEER_SELF_SIGNED'),
  'self-signed, says it is an authority': both(selfSigned({ names: [D], isCa: true }), 'CERT_PEER_SELF_SIGNED'),
  'unknown authority': both(foreign.issue({ names: [D] }), 'CERT_PEER_UNTRUSTED'),
  'unknown authority sent along': both(withRoot(foreign.issue({ names: [D] }), foreign.rootPem), 'CERT_PEER_UNTRUSTED'),
  'unknown authority sent along, serverAuth only': both(
    withRoot(foreign.issue({ names: [D], eku: 'server' }), foreign.rootPem),
    'CERT_PEER_UNTRUSTED',
  ),
  'authority with the name of a trusted one': both(
    (() => {
      const twin = makeCa('Public');
      return withRoot(twin.issue({ names: [D] }), twin.rootPem);
    })(),
    'CERT_PEER_UNTRUSTED',
  ),
  'missing intermediate': both(withoutChain(ca.issue({ names: [D] })), 'CERT_PEER_CHAIN_INCOMPLETE'),
  "another partner's leaf as authority": both(issuedByLeaf(otherLeaf, { names: [D] }), 'CERT_PEER_CHAIN_INVALID'),
  "another partner's leaf as authority, serverAuth only": both(
    issuedByLeaf(ca.issue({ names: ['other.example'], eku: 'server' }), { names: [D], eku: 'server' }),
    'CERT_PEER_CHAIN_INVALID',
  ),
  'authority without the right to be one': both(
    ca.root.authority('None', { notCa: true }).issue({ names: [D] }),
    'CERT_PEER_CHAIN_INVALID',
  ),
  'expired intermediate': both(
    ca.root.authority('Old', { notAfter: new Date(Date.now() - DAY_MS) }).issue({ names: [D] }),
    'CERT_PEER_EXPIRED',
  ),
  'name constraint violated': both(bound.issue({ names: [D] }), 'CERT_PEER_CHAIN_INVALID'),
  'name constraint violated by exclusion': both(shut.issue({ names: [D] }), 'CERT_PEER_CHAIN_INVALID'),
  'name constraint evaded by URI and SRV-ID': both(
    bound.issue({ uris: [`sip:${D}`], srvIds: [`_xmpp-server.${D}`], names: ['other.example'] }),
    'CERT_PEER_CHAIN_INVALID',
  ),
  'name constraint evaded by wildcard': {
    ...both(
      ca.root.authority('Not im', { excluded: ['im.partner.example'] }).issue({ names: ['*.partner.example'] }),
      'CERT_PEER_CHAIN_INVALID',
    ),
    domain: 'im.partner.example',
    sip: 'CERT_PEER_NAME_MISMATCH',
  },
  'constraints widened by a lower authority': both(
    bound.authority('Wider', { permitted: [D] }).issue({ names: [D] }),
    'CERT_PEER_CHAIN_INVALID',
  ),
  'path length violated': both(short.authority('Too deep').issue({ names: [D] }), 'CERT_PEER_CHAIN_INVALID'),
  'path length kept': both(short.issue({ names: [D] }), 'certificate'),
  'another domain': both(otherLeaf, 'CERT_PEER_NAME_MISMATCH'),
  'a sub-domain': both(ca.issue({ names: ['im.partner.example'] }), 'CERT_PEER_NAME_MISMATCH'),
  'a parent domain': both(ca.issue({ names: ['example'] }), 'CERT_PEER_NAME_MISMATCH'),
  'wildcard, for the parent': both(ca.issue({ names: ['*.partner.example'] }), 'CERT_PEER_NAME_MISMATCH'),
  'wildcard, for one label': {
    shows: ca.issue({ names: ['*.partner.example'] }),
    domain: 'im.partner.example',
    sip: 'CERT_PEER_NAME_MISMATCH',
    xmpp: 'certificate',
  },
  'partial wildcard': both(ca.issue({ names: ['i*.partner.example'] }), 'CERT_PEER_NAME_MISMATCH', 'im.partner.example'),
  'common name only': both(ca.issue({ cn: D }), 'CERT_PEER_NAME_MISMATCH'),
  'SIP URI': { shows: ca.issue({ uris: [`sip:${D}`], cn: 'x' }), sip: 'certificate', xmpp: 'CERT_PEER_NAME_MISMATCH' },
  'SIP URI with a user part': both(ca.issue({ uris: [`sip:nora@${D}`], cn: 'x' }), 'CERT_PEER_NAME_MISMATCH'),
  'SRV-ID': { shows: ca.issue({ srvIds: [`_xmpp-server.${D}`], cn: 'x' }), sip: 'CERT_PEER_NAME_MISMATCH', xmpp: 'certificate' },
  xmppAddr: both(ca.issue({ xmppAddrs: [D], cn: 'x' }), 'CERT_PEER_NAME_MISMATCH'),
  'sip.domain only, nothing else said': both(ca.issue({ names: ['sip.partner.example'] }), 'CERT_PEER_NAME_MISMATCH'),
  'sip.domain only, found by DNS inside the domain': {
    ...both(ca.issue({ names: ['sip.found.example'] }), 'CERT_PEER_NAME_MISMATCH', 'found.example'),
    sip: 'discoveredServer',
  },
  'a host elsewhere, named by DNS': both(ca.issue({ names: ['edge.provider.example'] }), 'CERT_PEER_NAME_MISMATCH', 'hosted.example'),
  "sip.domain only, named by the partner's file": both(ca.issue({ names: ['sip.named.example'] }), 'namedServer', 'named.example'),
  'NUL in the name': both(ca.issue({ names: [`${D}\0.evil.example`] }), 'CERT_PEER_NAME_MISMATCH'),
  'trailing dot in the name': both(ca.issue({ names: [`${D}.`] }), 'CERT_PEER_NAME_MISMATCH'),
  'IDN as A-label': both(ca.issue({ names: ['xn--bcher-kva.example'] }), 'certificate', 'xn--bcher-kva.example'),
  'IDN as U-label': both(ca.issue({ names: ['bücher.example'] }), 'CERT_PEER_NAME_MISMATCH', 'xn--bcher-kva.example'),
  'a domain of ours': both(ca.issue({ names: ['corp.example'] }), 'AUTH_LOCAL_DOMAIN_OUTSIDE', 'corp.example'),
};

describe('certificate matrix', () => {
  const world = new EdgeWorld({
    systemRoots: [ca.rootPem],
    files: { 'revoked/public.crl.pem': ca.crlPem([revoked]) },
    table: table(
      [ownDomain('corp.example', 'sip')],
      [
        partner(D),
        partner('named.example', {
          sip: { ...partner('x').sip, names: ['sip.named.example'] },
          xmpp: { ...partner('x').xmpp, names: ['sip.named.example'] },
        }),
      ],
    ),
  });
  world.resolver.services.set('_sipfederationtls._tcp.found.example', {
    kind: 'records',
    records: [{ target: 'sip.found.example', port: 5061, priority: 0, weight: 0 }],
  });
  world.resolver.services.set('_sipfederationtls._tcp.hosted.example', {
    kind: 'records',
    records: [{ target: 'edge.provider.example', port: 5061, priority: 0, weight: 0 }],
  });
  let inbound: Awaited<ReturnType<EdgeWorld['listen']>>;
  before(async () => {
    inbound = await world.listen('tls://127.0.0.1:0', { limits: { perAddress: 1000, total: 1000 } });
  });
  after(() => world[Symbol.asyncDispose]());

  it('has the thirty-three identities and more', () => assert.ok(Object.keys(identities).length >= 33));

  for (const [title, row] of Object.entries(identities)) {
    it(`as client: ${title}`, async () => {
      const socket = await dial(inbound.port, row.shows);
      const link = await inbound.next();
      await judge(link, row);
      socket.destroy();
    });
    it(`as server: ${title}`, async () => {
      const server = tls.createServer({ cert: row.shows.chainPem, key: row.shows.keyPem }, (socket) => socket.on('error', () => {}));
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const link = await makeConnector({ edge: world.edge }).connect(
        {
          side: 'edge',
          protocol: 'sip',
          host: '127.0.0.1',
          port: typeof address === 'object' && address ? address.port : 0,
          tls: 'direct',
          identity: 'corp.example',
          allowPrivateAddresses: true,
        },
        AbortSignal.timeout(5000),
      );
      await judge(link, row);
      link.socket.destroy();
      server.close();
    });
  }

  async function judge(link: Link, row: Row): Promise<void> {
    for (const protocol of ['sip', 'xmpp'] as const satisfies readonly Protocol[]) {
      const result = await link.peer.proves(row.domain ?? D, protocol);
      assert.equal(word(result), row[protocol], `${protocol}: ${result.proven ? 'a hole' : result.reason.text}`);
      assert.deepEqual(link.peer.provenAlready(row.domain ?? D, protocol), result);
    }
  }
});

function word(result: ProofResult): string {
  return result.proven ? result.how : result.reason.code;
}
