// `tls.atLeast` of a partner's file over real handshakes: both protocols, both directions, direct TLS and STARTTLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls, { type SecureVersion } from 'node:tls';
import { makeConnector } from '../../src/edge/connect.ts';
import { makeTlsUpgrade } from '../../src/edge/tls-upgrade.ts';
import { ConnectError, type ConnectTarget, type Link } from '../../src/model/ports.ts';
import type { Partner, Protocol } from '../../src/model/table.ts';
import { connectTargets } from '../../src/protocols/xmpp/dial.ts';
import { makeCa } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const ca = makeCa('Public');
const theirs = ca.issue({ names: ['partner.example'] });
type Floor = Partner['sip']['tlsAtLeast'];
const partnerWith = (tlsAtLeast: Floor): Partner => {
  const base = partner('partner.example');
  return { ...base, sip: { ...base.sip, tlsAtLeast }, xmpp: { ...base.xmpp, tlsAtLeast } };
};
const worldWith = (floor: Floor) =>
  new EdgeWorld({ systemRoots: [ca.rootPem], table: table([ownDomain('corp.example', 'sip')], [partnerWith(floor)]) });

/** What comes of it: what is proven, or the code. @param max the newest that the partner speaks */
const rows: readonly (readonly [Floor, SecureVersion, 'in' | 'out', string])[] = [
  ['TLSv1.2', 'TLSv1.2', 'in', 'certificate TLSv1.2'],
  ['TLSv1.2', 'TLSv1.3', 'in', 'certificate TLSv1.3'],
  ['TLSv1.3', 'TLSv1.3', 'in', 'certificate TLSv1.3'],
  ['TLSv1.3', 'TLSv1.2', 'in', 'PARTNER_PROOF_REFUSED'],
  ['TLSv1.2', 'TLSv1.2', 'out', 'certificate TLSv1.2'],
  ['TLSv1.2', 'TLSv1.3', 'out', 'certificate TLSv1.3'],
  ['TLSv1.3', 'TLSv1.3', 'out', 'certificate TLSv1.3'],
  ['TLSv1.3', 'TLSv1.2', 'out', 'NET_TLS_FAILED'],
];

async function outcome(link: Promise<Link>, protocol: Protocol): Promise<string> {
  try {
    const { peer, tls: security, socket } = await link;
    const proof = await peer.proves('partner.example', protocol);
    socket.destroy();
    return proof.proven ? `${proof.how} ${security?.version}` : proof.reason.code;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error.reason.code;
  }
}

/** The partner's server: TLS at once, or when the client has said one byte. */
async function partnerServer(max: SecureVersion, starttls: boolean): Promise<{ readonly port: number; close(): void }> {
  const settings = { key: theirs.keyPem, cert: theirs.chainPem, maxVersion: max, requestCert: true, rejectUnauthorized: false };
  const secure = (raw: Socket): void => {
    new tls.TLSSocket(raw, { isServer: true, ...settings }).on('error', () => {});
  };
  const server = createServer((raw) => {
    raw.on('error', () => {});
    if (!starttls) return secure(raw);
    raw.once('data', () => {
      raw.write('!');
      secure(raw);
    });
  });
  server.unref();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { port: address.port, close: () => server.close() };
}

async function inbound(world: EdgeWorld, protocol: Protocol, starttls: boolean, max: SecureVersion): Promise<string> {
  const { port, next } = await world.listen(`${starttls ? 'starttls' : 'tls'}://127.0.0.1:0`, { protocol });
  if (!starttls) {
    const socket = await dial(port, theirs, { maxVersion: max });
    const result = await outcome(next(), protocol);
    socket.destroy();
    return result;
  }
  const raw = connect(port, '127.0.0.1');
  const plain = await next();
  const link = makeTlsUpgrade(world.edge).asServer(plain, { domain: 'corp.example', protocol });
  const secured = tls.connect({ socket: raw, rejectUnauthorized: false, cert: theirs.chainPem, key: theirs.keyPem, maxVersion: max });
  secured.on('error', () => {});
  const result = await outcome(link, protocol);
  secured.destroy();
  return result;
}

async function outbound(world: EdgeWorld, protocol: Protocol, starttls: boolean, max: SecureVersion): Promise<string> {
  const server = await partnerServer(max, starttls);
  const entry = world.table.partners.get('partner.example')!; // it is in every table here
  const connector = makeConnector({ edge: world.edge });
  const soon = AbortSignal.timeout(5000);
  const where = { host: '127.0.0.1', port: server.port };
  let link: Promise<Link>;
  if (protocol === 'sip') {
    const target: ConnectTarget = {
      ...where,
      side: 'edge',
      protocol,
      tls: 'direct',
      identity: 'corp.example',
      tlsAtLeast: entry.sip.tlsAtLeast,
      allowPrivateAddresses: true,
    };
    link = connector.connect(target, soon);
  } else {
    // As the shore dials.
    const pair = { ourDomain: 'corp.example', theirDomain: 'partner.example' };
    const { first, upgraded } = connectTargets(pair, entry, { ...where, tls: starttls ? 'starttls' : 'direct' });
    link = connector.connect(first, soon).then(async (plain) => {
      if (!starttls) return plain;
      plain.socket.write('?');
      await once(plain.socket, 'data');
      return makeTlsUpgrade(world.edge).asClient(plain, upgraded);
    });
  }
  const result = await outcome(link, protocol);
  server.close();
  return result;
}

describe('the TLS floor of a partner', () => {
  for (const [road, protocol, starttls] of [
    ['SIP', 'sip', false],
    ['XMPP, direct TLS', 'xmpp', false],
    ['XMPP, STARTTLS', 'xmpp', true],
  ] as const) {
    for (const [floor, max, direction, expected] of rows) {
      it(`${road}, ${direction}: at least ${floor}, the partner speaks up to ${max}: ${expected}`, async () => {
        await using world = worldWith(floor);
        const play = direction === 'in' ? inbound : outbound;
        assert.equal(await play(world, protocol, starttls, max), expected);
      });
    }
  }
});
