// For which domains a connection speaks: purposes, pins, a partner's own roots, servers that stand in for the domain,
// the inside, and when an answer is asked for again.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { type FarEnd, PeerIdentity } from '../../src/edge/peer-identity.ts';
import type { ProofResult } from '../../src/model/ports.ts';
import type { ClientEku, Partner, PartnerXmpp, Protocol } from '../../src/model/table.ts';
import { type Issued, makeCa, selfSigned } from '../support/ca.ts';
import { EdgeWorld, type EdgeWorldOptions } from '../support/edge-world.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const D = 'partner.example';
const ca = makeCa('Public');
const operators = makeCa('Operator');

function shown(issued: Issued): [X509Certificate, ...X509Certificate[]] {
  const [leaf, ...rest] = issued.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/).filter((pem) => pem !== '');
  return [new X509Certificate(leaf!), ...rest.map((pem) => new X509Certificate(pem))];
}
const word = (result: ProofResult): string => (result.proven ? result.how : result.reason.code);

async function withWorld(options: EdgeWorldOptions, run: (world: EdgeWorld) => Promise<void>): Promise<void> {
  await using world = new EdgeWorld({ systemRoots: [ca.rootPem], ...options });
  await run(world);
}
function peer(world: EdgeWorld, issued: Issued | undefined, more: Partial<FarEnd> = {}): PeerIdentity {
  const far: FarEnd = { side: 'edge', direction: 'in', address: '192.0.2.1', port: 5061, tlsVersion: 'TLSv1.3', ...more };
  return new PeerIdentity(issued ? { ...far, shown: shown(issued) } : far, world.edge);
}
function partnerWith(face: Partial<PartnerXmpp>, more: Partial<Partner> = {}): Partner {
  const plain = partner(D);
  return { ...plain, sip: { ...plain.sip, ...face, proof: 'certificate' }, xmpp: { ...plain.xmpp, ...face }, ...more };
}

describe('purposes of certificates (EKU)', () => {
  // [purpose, clientEku, public root, as client, as server]
  const rows: readonly (readonly ['both' | 'server' | 'client' | 'none', ClientEku, boolean, boolean, boolean])[] = [
    ['both', 'ignore', true, true, true],
    ['server', 'ignore', true, true, true],
    ['none', 'ignore', true, true, true],
    ['client', 'ignore', true, false, false],
    ['client', 'ignore', false, true, true],
    ['server', 'ignore', false, true, true],
    ['both', 'require-clientAuth', true, true, true],
    ['server', 'require-clientAuth', true, false, true],
    ['none', 'require-clientAuth', true, true, true],
    ['client', 'require-clientAuth', false, true, true],
    ['client', 'require-serverAuth', false, false, false],
    ['server', 'require-serverAuth', true, true, true],
    ['both', 'require-serverAuth', true, true, true],
    ['none', 'require-serverAuth', true, true, true],
  ];
  for (const [eku, clientEku, fromPublic, asClient, asServer] of rows) {
    it(`${eku} under clientEku: ${clientEku}, ${fromPublic ? 'public' : "operator's"} root: client ${asClient}, server ${asServer}`, () =>
      withWorld(
        {
          table: table([ownDomain('corp.example', 'sip')], [partnerWith({ clientEku })]),
          files: { 'trust/edge/op.pem': operators.rootPem },
        },
        async (world) => {
          const issued = (fromPublic ? ca : operators).issue({ names: [D], eku });
          for (const protocol of ['sip', 'xmpp'] as const satisfies Protocol[]) {
            const client = await peer(world, issued).proves(D, protocol);
            const server = await peer(world, issued, { direction: 'out' }).proves(D, protocol);
            assert.deepEqual(
              [word(client), word(server)],
              [asClient, asServer].map((good) => (good ? 'certificate' : 'CERT_PEER_EKU')),
            );
          }
        },
      ));
  }
});

describe("a partner's file and folders", () => {
  const good = ca.issue({ names: [D] });

  it('a pinned fingerprint refuses every other certificate', () =>
    withWorld({ table: table([], [partnerWith({ pins: [good.fingerprint] })]) }, async (world) => {
      assert.equal(word(await peer(world, good).proves(D, 'sip')), 'certificate');
      const other = await peer(world, ca.issue({ names: [D] })).proves(D, 'sip');
      assert.equal(word(other), 'CERT_PEER_PIN_CHANGED');
      assert.equal(!other.proven && other.reason.file, 'routes/partners/partner.example.yaml');
    }));

  it('a trust folder replaces the public roots, for that partner alone', () =>
    withWorld(
      {
        table: table([], [partnerWith({}, { domains: [D, 'also.example'] })]),
        files: { [`trust/partners/${D}/root.pem`]: operators.rootPem },
      },
      async (world) => {
        const theirs = operators.issue({ names: [D, 'also.example', 'third.example'] });
        assert.equal(word(await peer(world, theirs).proves(D, 'xmpp')), 'certificate');
        assert.equal(word(await peer(world, theirs).proves('also.example', 'xmpp')), 'certificate');
        assert.equal(word(await peer(world, theirs).proves('third.example', 'xmpp')), 'CERT_PEER_UNTRUSTED');
        assert.equal(word(await peer(world, good).proves(D, 'xmpp')), 'CERT_PEER_UNTRUSTED');
      },
    ));

  it('a self-signed certificate in the folder is believed until it runs out', () => {
    const own = selfSigned({ names: [D] });
    const old = selfSigned({ names: [D], notAfter: new Date(Date.now() - 1000) });
    return withWorld(
      {
        table: table([], [partnerWith({})]),
        files: { [`trust/partners/${D}/a.pem`]: own.certPem, [`trust/partners/${D}/b.pem`]: old.certPem },
      },
      async (world) => {
        assert.equal(word(await peer(world, own).proves(D, 'xmpp')), 'certificate');
        assert.equal(word(await peer(world, old).proves(D, 'xmpp')), 'CERT_PEER_EXPIRED');
      },
    );
  });

  it('a fingerprint in refused.yaml is refused with its reason', () =>
    withWorld(
      { files: { 'revoked/refused.yaml': `- { fingerprint: ${good.fingerprint.toUpperCase()}, reason: stolen laptop }\n` } },
      async (world) => {
        const result = await peer(world, good).proves(D, 'sip');
        assert.equal(word(result), 'CERT_PEER_REVOKED');
        assert.match(result.proven ? '' : result.reason.text, /stolen laptop/);
      },
    ));

  it('asks for TLS 1.3 when the file does', () =>
    withWorld({ table: table([], [partnerWith({ tlsAtLeast: 'TLSv1.3' })]) }, async (world) => {
      assert.equal(word(await peer(world, good).proves(D, 'sip')), 'certificate');
      assert.equal(word(await peer(world, good, { tlsVersion: 'TLSv1.2' }).proves(D, 'sip')), 'PARTNER_PROOF_REFUSED');
    }));

  it('without a certificate nothing is proven, and without a domain neither', () =>
    withWorld({}, async (world) => {
      assert.equal(word(await peer(world, undefined).proves(D, 'sip')), 'CERT_MISSING');
      assert.equal(word(await peer(world, good).proves('a b', 'sip')), 'AUTH_DOMAIN_NOT_PROVEN');
      assert.equal(word(await peer(world, good).proves('192.0.2.1', 'sip')), 'AUTH_DOMAIN_NOT_PROVEN');
    }));

  it('an XMPP wildcard may carry a host that the file lists, a SIP one may not', () =>
    withWorld({ table: table([], [partnerWith({ names: ['im.provider.example'] })]) }, async (world) => {
      const provider = ca.issue({ names: ['*.provider.example'] });
      assert.equal(word(await peer(world, provider).proves(D, 'xmpp')), 'namedServer');
      assert.equal(word(await peer(world, provider).proves(D, 'sip')), 'CERT_PEER_NAME_MISMATCH');
    }));

  it('says that DNS failed when only DNS could have proven it', () =>
    withWorld({}, async (world) => {
      world.resolver.services.set(`_sipfederationtls._tcp.${D}`, {
        kind: 'failed',
        reason: { code: 'NET_DNS_FAILED', blame: 'network', retry: 0, text: 'x' },
      });
      const result = await peer(world, ca.issue({ names: [`sip.${D}`] })).proves(D, 'sip');
      assert.match(result.proven ? '' : result.reason.text, /sip\.partner\.example.*DNS did not answer/);
    }));
});

describe('answers over time', () => {
  it('are kept per connection, and dropped when table or trust change', () =>
    withWorld({}, async (world) => {
      const other = peer(world, operators.issue({ names: [D] }));
      assert.equal(other.provenAlready(D, 'sip'), undefined);
      assert.equal(word(await other.proves(D, 'sip')), 'CERT_PEER_UNTRUSTED');
      assert.equal(other.provenAlready(D, 'sip')?.proven, false);
      assert.equal(other.provenAlready(D, 'xmpp'), undefined);
      world.write('trust/edge/op.pem', operators.rootPem);
      assert.deepEqual(world.trust.reload(), []);
      assert.equal(other.provenAlready(D, 'sip'), undefined);
      assert.equal(word(await other.proves(D, 'sip')), 'certificate');
      world.table = { ...table([ownDomain(D, 'sip')], []), generation: 2 };
      assert.equal(other.provenAlready(D, 'sip'), undefined);
      assert.equal(word(await other.proves(D, 'sip')), 'AUTH_LOCAL_DOMAIN_OUTSIDE');
    }));

  it('a certificate that is revoked while the connection stands proves nothing more', () =>
    withWorld({}, async (world) => {
      const theirs = ca.issue({ names: [D] });
      const connection = peer(world, theirs);
      assert.equal(word(await connection.proves(D, 'sip')), 'certificate');
      world.write('revoked/public.crl.pem', ca.crlPem([theirs]));
      world.trust.reload();
      assert.equal(word(await connection.proves(D, 'sip')), 'CERT_PEER_REVOKED');
    }));

  it('a list that somebody else signed revokes nothing', () =>
    withWorld({ files: {} }, async (world) => {
      const theirs = ca.issue({ names: [D] });
      world.write('revoked/forged.crl.pem', makeCa('Public').crlPem([theirs]));
      world.trust.reload();
      assert.equal(word(await peer(world, theirs).proves(D, 'sip')), 'certificate');
    }));
});

describe('servers of the inside', () => {
  const own = ownDomain('corp.example', 'sip', {
    acceptFrom: ['fe1.corp.example', '10.0.0.20', '10.1.0.0/16', '2001:db8:5::/48'],
    nextHop: [
      { host: 'fe2.corp.example', port: 5061, transport: 'tls' },
      { host: 'old.corp.example', port: 5060, transport: 'tcp' },
    ],
  });
  const home = makeCa('Home');
  const files = { 'trust/inside/root.pem': home.rootPem };
  const inside = { side: 'inside' } as const;
  // [title, certificate, far end, verdict]
  const rows: readonly (readonly [string, Issued | undefined, Partial<FarEnd>, string])[] = [
    ['a listed name', home.issue({ names: ['fe1.corp.example'] }), {}, 'inside'],
    ['a listed name, signed by a public authority', ca.issue({ names: ['fe1.corp.example'] }), {}, 'AUTH_NOT_AN_INSIDE_SERVER'],
    ['an unlisted name', home.issue({ names: ['fe3.corp.example'] }), {}, 'AUTH_NOT_AN_INSIDE_SERVER'],
    ['a name that only we dial', home.issue({ names: ['fe2.corp.example'] }), {}, 'AUTH_NOT_AN_INSIDE_SERVER'],
    ['the name that we dialled', home.issue({ names: ['fe2.corp.example'] }), { direction: 'out', host: 'fe2.corp.example' }, 'inside'],
    [
      'another name than we dialled',
      home.issue({ names: ['fe9.corp.example'] }),
      { direction: 'out', host: 'fe2.corp.example' },
      'AUTH_NOT_AN_INSIDE_SERVER',
    ],
    ['no certificate where TLS was dialled', undefined, { direction: 'out', host: 'fe2.corp.example' }, 'AUTH_NOT_AN_INSIDE_SERVER'],
    ['a plain next hop that we dialled', undefined, { direction: 'out', host: 'old.corp.example' }, 'inside'],
    ['a listed address', undefined, { address: '10.0.0.20' }, 'inside'],
    ['an address of a listed range', undefined, { address: '10.1.2.3' }, 'inside'],
    ['an IPv6 address of a listed range', undefined, { address: '2001:db8:5::9' }, 'inside'],
    ['an address outside of it', undefined, { address: '10.2.0.1' }, 'AUTH_NOT_AN_INSIDE_SERVER'],
  ];
  for (const [title, issued, far, verdict] of rows) {
    it(`${title}: ${verdict}`, () =>
      withWorld({ files, table: table([own], []) }, async (world) => {
        assert.equal(word(await peer(world, issued, { ...inside, ...far }).proves('corp.example', 'sip')), verdict);
      }));
  }

  it('nobody sends for a domain that is not ours', () =>
    withWorld({ files, table: table([own], []) }, async (world) => {
      const server = peer(world, home.issue({ names: ['fe1.corp.example'] }), inside);
      assert.equal(word(await server.proves('partner.example', 'sip')), 'AUTH_NOT_AN_INSIDE_SERVER');
    }));
});
