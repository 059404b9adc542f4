// POSH: a domain publishes the fingerprints of certificates that may speak for it; and all that is not such a document.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Posh, readPosh } from '../../src/edge/posh.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import { makeWeb, type Web } from '../../src/edge/web.ts';
import type { Partner } from '../../src/model/table.ts';
import { makeCa, selfSigned } from '../support/ca.ts';
import { dial, EdgeWorld, MapResolver } from '../support/edge-world.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const sha256 = Buffer.alloc(32, 1).toString('base64');
const sha512 = Buffer.alloc(64, 2).toString('base64');

describe('a POSH document', () => {
  const good: readonly (readonly [string, unknown])[] = [
    ['SHA-256', { fingerprints: [{ 'sha-256': sha256 }], expires: 604800 }],
    ['several hashes of one certificate', { fingerprints: [{ 'sha-1': 'x', 'sha-256': sha256, 'sha-512': sha512 }], expires: 60 }],
    ['some that are not understood', { fingerprints: [7, null, { 'sha-1': 'AA==' }, { 'sha-512': sha512 }], expires: 60, more: true }],
  ];
  for (const [title, value] of good) it(`is read: ${title}`, () => assert.equal(readPosh(JSON.stringify(value)).is, 'fingerprints'));

  it('is read: a reference', () => {
    const found = readPosh('{"url":"https://hosting.example/.well-known/posh/x.json","expires":86400}');
    assert.deepEqual(found, { is: 'reference', url: 'https://hosting.example/.well-known/posh/x.json', expiresMs: 86_400_000 });
  });

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no expires', { fingerprints: [{ 'sha-256': sha256 }] }, /no expires/],
    ['expires 0', { fingerprints: [{ 'sha-256': sha256 }], expires: 0 }, /0 seconds/],
    ['expires as text', { fingerprints: [{ 'sha-256': sha256 }], expires: '60' }, /no expires/],
    ['SHA-1 alone', { fingerprints: [{ 'sha-1': Buffer.alloc(20).toString('base64') }], expires: 60 }, /no fingerprint by SHA-256/],
    ['a digest cut short', { fingerprints: [{ 'sha-256': sha256.slice(0, 20) }], expires: 60 }, /no fingerprint/],
    ['a reference to plain HTTP', { url: 'http://hosting.example/x', expires: 60 }, /no https/],
    ['neither', { expires: 60 }, /neither/],
    ['a list', [], /not a JSON object/],
  ];
  for (const [title, value, why] of bad) {
    it(`is refused: ${title}`, () => {
      const found = readPosh(JSON.stringify(value));
      assert.match(found.is === 'fault' ? found.text : found.is, why);
    });
  }
  it('is total', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readPosh(text)),
      { numRuns: 500 },
    ));
});

const ca = makeCa('Web');
const servers: { close(): void }[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** A web server for any name below, on port 443 as far as the one who asks can see. */
async function publish(pages: Readonly<Record<string, unknown>>, names = ['partner.example', 'hosting.example']) {
  const pair = ca.issue({ names });
  const asked: string[] = [];
  const server = createServer({ key: pair.keyPem, cert: pair.chainPem }, (request, response) => {
    const url = `${request.headers.host?.replace(/:\d+$/, '')}${request.url}`;
    asked.push(url);
    const page = pages[url];
    if (page === undefined) response.writeHead(404).end();
    else response.end(JSON.stringify(page));
  });
  servers.push(server);
  server.unref().on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const resolver = new MapResolver();
  for (const name of ['partner.example', 'hosting.example']) resolver.hosts.set(name, ['127.0.0.1']);
  const real = makeWeb({ resolver, clock: systemClock, roots: () => [ca.rootPem] });
  const web: Web = { fetch: (url, request) => real.fetch(url.replace(/^(https:\/\/[^/]+)/, `$1:${address.port}`), request) };
  const clock = new ManualClock();
  return { asked, clock, posh: new Posh({ web, clock }) };
}
const PLACE = 'partner.example/.well-known/posh/xmpp-server.json';
const pair = selfSigned({ names: ['hosting.example'] });
const certificate = new X509Certificate(pair.certPem);
const documentFor = (one: X509Certificate, expires = 3600) => ({
  fingerprints: [{ 'sha-256': createHash('sha256').update(one.raw).digest('base64') }],
  expires,
});

describe('what a domain publishes', () => {
  it('vouches for the certificate, is kept as long as it says, and is then asked for again', async () => {
    const { posh, asked, clock } = await publish({ [PLACE]: documentFor(certificate, 60) });
    assert.equal(await posh.vouches('partner.example', certificate, true), true);
    assert.equal(await posh.vouches('partner.example', certificate, true), true);
    assert.equal(asked.length, 1);
    clock.advance(60_000);
    assert.equal(await posh.vouches('partner.example', certificate, true), true);
    assert.equal(asked.length, 2);
  });

  it('vouches by reference, one step and no more', async () => {
    const there = 'hosting.example/posh.json';
    const reference = { url: `https://${there}`, expires: 600 };
    const { posh } = await publish({ [PLACE]: reference, [there]: documentFor(certificate) });
    assert.equal(await posh.vouches('partner.example', certificate, true), true);
    const onward = await publish({ [PLACE]: reference, [there]: reference });
    assert.match(String(await onward.posh.vouches('partner.example', certificate, true)), /refers on/);
  });

  it('does not vouch for another certificate, without a page, from a server of another name, or at a private address', async () => {
    const other = new X509Certificate(selfSigned({ names: ['partner.example'] }).certPem);
    const { posh } = await publish({ [PLACE]: documentFor(other) });
    assert.match(String(await posh.vouches('partner.example', certificate, true)), /does not list its fingerprint/);
    assert.match(String(await (await publish({})).posh.vouches('partner.example', certificate, true)), /answered 404/);
    const wrong = await publish({ [PLACE]: documentFor(certificate) }, ['wrong.example']);
    assert.match(String(await wrong.posh.vouches('partner.example', certificate, true)), /ALTNAME/);
    const guarded = await publish({ [PLACE]: documentFor(certificate) });
    assert.match(String(await guarded.posh.vouches('partner.example', certificate, false)), /private, local or own/);
  });
});

describe('a partner with posh: true', () => {
  const tableWith = (posh: boolean, more: Partial<Partner['xmpp']> = {}) => {
    const base = partner('partner.example');
    return table([ownDomain('corp.example', 'xmpp')], [{ ...base, xmpp: { ...base.xmpp, posh, ...more } }]);
  };
  const weak = new Date(Date.now() - 1000);
  const expired = selfSigned({ names: ['hosting.example'], notAfter: weak });
  const rows: readonly (readonly [string, typeof pair, boolean, Partial<Partner['xmpp']>, 'xmpp' | 'sip', string])[] = [
    ['is proven by the fingerprint that it publishes', pair, true, {}, 'xmpp', 'posh'],
    ['is not, when its file does not say so', pair, false, {}, 'xmpp', 'CERT_PEER_SELF_SIGNED'],
    ['is not over SIP', pair, true, {}, 'sip', 'CERT_PEER_SELF_SIGNED'],
    ['is not with a certificate that has expired', expired, true, {}, 'xmpp', 'CERT_PEER_EXPIRED'],
    ['is not against a pin', pair, true, { pins: ['ab'.repeat(32)] }, 'xmpp', 'CERT_PEER_PIN_CHANGED'],
    [
      'is not against clientEku',
      selfSigned({ names: ['hosting.example'], eku: 'server' }),
      true,
      { clientEku: 'require-clientAuth' },
      'xmpp',
      'CERT_PEER_EKU',
    ],
  ];
  for (const [title, shown, posh, more, protocol, expected] of rows) {
    it(title, async () => {
      const web = await publish({ [PLACE]: documentFor(new X509Certificate(shown.certPem)) });
      await using world = new EdgeWorld({ table: tableWith(posh, more) });
      Object.assign(world.edge, { posh: web.posh });
      const { port, next } = await world.listen('tls://127.0.0.1:0', { protocol });
      const socket = await dial(port, shown);
      const proof = await (await next()).peer.proves('partner.example', protocol);
      assert.equal(proof.proven ? proof.how : proof.reason.code, expected);
      socket.destroy();
    });
  }

  it('is refused by certs/revoked/refused.yaml whatever it publishes', async () => {
    const web = await publish({ [PLACE]: documentFor(certificate) });
    await using world = new EdgeWorld({
      table: tableWith(true),
      files: { 'revoked/refused.yaml': `- { fingerprint: ${pair.fingerprint}, reason: stolen }` },
    });
    Object.assign(world.edge, { posh: web.posh });
    const { port, next } = await world.listen('tls://127.0.0.1:0', { protocol: 'xmpp' });
    const socket = await dial(port, pair);
    const proof = await (await next()).peer.proves('partner.example', 'xmpp');
    assert.equal(!proof.proven && proof.reason.code, 'CERT_PEER_REVOKED');
    assert.deepEqual(web.asked, []);
    socket.destroy();
  });
});
