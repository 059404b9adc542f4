// The status of our own certificates, stapled: the right one for the certificate that is shown, only while it is good.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { readOcsp } from '../../src/edge/ocsp.ts';
import { OwnStaples } from '../../src/edge/own-staples.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import type { Web } from '../../src/edge/web.ts';
import { SILENT } from '../../src/log.ts';
import type { Clock } from '../../src/model/ports.ts';
import { type Issued, makeCa } from '../support/ca.ts';
import { EdgeWorld } from '../support/edge-world.ts';
import { ocspResponse, type ResponseOptions, statusExtensions } from '../support/status-parts.ts';
import { ownDomain, table } from '../support/table.ts';
import { until } from '../support/wait.ts';

const ca = makeCa('Ours');
const issuer = new X509Certificate(ca.issuingPem);
const leaf = (name: string): Issued => ca.issue({ names: [name], extensions: statusExtensions({ ocsp: `http://ocsp.example/${name}` }) });
const x509 = (one: Issued) => new X509Certificate(one.certPem);
const one = leaf('corp.example');
const two = leaf('other.example');

/** A world with both pairs, and a responder that knows them. */
function edgeWith(more: Partial<ResponseOptions> = {}, clock: Clock = systemClock) {
  let asked = 0;
  let up = true;
  const web: Web = {
    async fetch(url) {
      asked += 1;
      const pair = url.includes('other.example') ? two : one;
      const body = up ? ocspResponse({ certificate: x509(pair), issuer, key: ca.issuing.key, ...more }) : Buffer.alloc(0);
      return { status: up ? 200 : 500, headers: new Map(), body, url };
    },
  };
  const world = new EdgeWorld({ table: table([ownDomain('corp.example', 'sip'), ownDomain('other.example', 'sip')], []) });
  world.writePair('corp', one);
  world.writePair('other', two);
  world.own.reload();
  const staples = new OwnStaples({ web, clock, log: SILENT });
  Object.assign(world.edge, { staples });
  return {
    world,
    staples,
    asked: () => asked,
    fail: () => {
      up = false;
    },
    ready: () => until('the staples', () => world.own.all.every((pair) => staples.current(pair) !== undefined)),
  };
}

async function stapleOf(
  port: number,
  servername: string,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
): Promise<{ names: string; staple: Buffer | null }> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, requestOCSP: true, maxVersion });
  let staple: Buffer | null = null;
  socket.on('OCSPResponse', (response: Buffer | null) => {
    staple = response;
  });
  await once(socket, 'secureConnect');
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  socket.destroy();
  return { names, staple };
}

describe('staples of our own certificates', () => {
  it('belong to the certificate that is shown: without SNI, with SNI, and with many handshakes at once', async () => {
    const { world, ready } = edgeWith();
    await using _world = world;
    await ready();
    const { port } = await world.listen('tls://127.0.0.1:0', { identity: 'corp' });
    const asks = (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) =>
      ['', 'other.example', 'corp.example', 'unknown.example', 'other.example'].map((name) => [name, version] as const),
    );
    await Promise.all(
      asks.map(async ([name, version]) => {
        const { names, staple } = await stapleOf(port, name, version);
        const pair = name === 'other.example' ? two : one;
        assert.equal(names, name === 'other.example' ? 'DNS:other.example' : 'DNS:corp.example');
        assert.ok(staple !== null, `${name} ${version}`);
        assert.equal((await readOcsp(staple, x509(pair), issuer, Date.now())).is, 'good');
      }),
    );
  });

  it('are not shown when the responder has no good word', async () => {
    const { world, staples, asked } = edgeWith({ status: 'revoked' });
    await using _world = world;
    const { port } = await world.listen('tls://127.0.0.1:0', { identity: 'corp' });
    assert.equal((await stapleOf(port, '', 'TLSv1.3')).staple, null);
    await until('the answer', () => asked() > 0);
    assert.equal((await stapleOf(port, '', 'TLSv1.3')).staple, null);
    assert.equal(staples.current(world.own.all[0]!), undefined);
  });

  it('are renewed at half their life, kept when that fails, and never shown past their end', async () => {
    let now = Date.now();
    const clock: Clock = { ...systemClock, now: () => now };
    const hours = (count: number): number => count * 3_600_000;
    const { world, staples, ready, asked, fail } = edgeWith({ nextUpdate: new Date(now + hours(4)) }, clock);
    await using _world = world;
    await ready();
    const [pair] = world.own.all;
    assert.ok(pair !== undefined);
    const before = asked();
    now += hours(1.9);
    assert.ok(staples.current(pair) !== undefined);
    assert.equal(asked(), before);
    fail();
    now += hours(0.2);
    assert.ok(staples.current(pair) !== undefined);
    await until('the question', () => asked() > before);
    assert.ok(staples.current(pair) !== undefined, 'still good');
    now += hours(2);
    assert.equal(staples.current(pair), undefined);
  });
});
