// Partner passports: what changes is told once, in words; what does not change costs no write.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { makeConnector } from '../../src/edge/connect.ts';
import { PassportBook, type Sighting } from '../../src/edge/passport-book.ts';
import type { Log } from '../../src/log.ts';
import { SILENT } from '../../src/log.ts';
import type { Passport, PassportChange, PassportStore } from '../../src/model/passport.ts';
import { makeCa } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/wait.ts';

const HOUR_MS = 3_600_000;
const ca = makeCa('Partner');
const other = makeCa('Other');

function memory(): PassportStore & { writes: number; readonly rows: PassportChange[]; readonly passports: Map<string, Passport> } {
  const passports = new Map<string, Passport>();
  const rows: PassportChange[] = [];
  return {
    writes: 0,
    rows,
    passports,
    async get(domain, protocol, direction) {
      return passports.get(`${domain} ${protocol} ${direction}`);
    },
    async put(passport, changes) {
      this.writes += 1;
      passports.set(`${passport.domain} ${passport.protocol} ${passport.direction}`, passport);
      rows.push(...changes);
    },
    async all() {
      return [...passports.values()];
    },
    async changes() {
      return rows;
    },
  };
}

function desk() {
  const store = memory();
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const log: Log = { ...SILENT, info: (fields) => void lines.push(fields) };
  return { store, clock, lines, book: new PassportBook({ store, clock, log }) };
}

const chainOf = (pem: string): [X509Certificate, ...X509Certificate[]] => {
  const [leaf, ...rest] = pem.split(/(?<=-----END CERTIFICATE-----)\n/).filter((one) => one.includes('BEGIN'));
  return [new X509Certificate(leaf!), ...rest.map((one) => new X509Certificate(one))]; // there is always a leaf
};
const first = ca.issue({ names: ['partner.example'] });
const sighting = (more: Partial<Sighting> = {}): Sighting => ({
  domain: 'partner.example',
  protocol: 'sip',
  direction: 'in',
  shown: chainOf(first.chainPem),
  tlsVersion: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  ...more,
});

describe('partner passports', () => {
  it('notes the first sighting with chain, names, uses and TLS', async () => {
    const { book, store, lines } = desk();
    book.seen(sighting({ tookOurs: true }));
    await book.settled();
    const passport = store.passports.get('partner.example sip in');
    assert.deepEqual(passport?.names, ['partner.example']);
    assert.deepEqual(passport?.eku, ['serverAuth', 'clientAuth']);
    assert.equal(passport?.chain.length, 2);
    assert.equal(passport?.chain[0]?.fingerprint, first.fingerprint);
    assert.match(passport?.chain[0]?.keyType ?? '', /^ec prime256v1$/);
    assert.equal(passport?.tookOurs, true);
    assert.deepEqual(
      store.rows.map((row) => row.what),
      ['first'],
    );
    assert.match(store.rows[0]?.text ?? '', /partner\.example \(SIP, when it connects to us\) shows a certificate of "Partner Issuing"/);
    assert.equal(lines[0]?.event, 'partner.certificate');
  });

  it('writes nothing for a sighting that changes nothing, but for the time once an hour', async () => {
    const { book, store, clock } = desk();
    for (let count = 0; count < 50; count += 1) book.seen(sighting());
    await book.settled();
    assert.equal(store.writes, 1);
    clock.advance(HOUR_MS - 1);
    book.seen(sighting());
    await book.settled();
    assert.equal(store.writes, 1);
    clock.advance(1);
    book.seen(sighting());
    await book.settled();
    assert.equal(store.writes, 2);
    assert.equal(store.rows.length, 1);
  });

  const rows: readonly (readonly [string, Partial<Sighting>, readonly string[]])[] = [
    ['another key', { shown: chainOf(ca.issue({ names: ['partner.example'] }).chainPem) }, ['key']],
    ['another authority', { shown: chainOf(other.issue({ names: ['partner.example'] }).chainPem) }, ['key', 'authority']],
    ['other names', { shown: chainOf(ca.issue({ names: ['partner.example', 'sip.partner.example'] }).chainPem) }, ['key', 'names']],
    ['serverAuth only', { shown: chainOf(ca.issue({ names: ['partner.example'], eku: 'server' }).chainPem) }, ['key', 'eku']],
    ['an older TLS', { tlsVersion: 'TLSv1.2' }, ['tls']],
    ['another cipher alone', { cipher: 'TLS_AES_128_GCM_SHA256' }, []],
  ];
  for (const [title, more, what] of rows) {
    it(`tells ${title} as ${what.join(', ') || 'nothing'}`, async () => {
      const { book, store } = desk();
      book.seen(sighting());
      book.seen(sighting(more));
      await book.settled();
      assert.deepEqual(
        store.rows.slice(1).map((row) => row.what),
        what,
      );
    });
  }

  it('lets the servers of one domain take turns with two certificates', async () => {
    const { book, store } = desk();
    const second = chainOf(ca.issue({ names: ['partner.example'] }).chainPem);
    for (let count = 0; count < 10; count += 1) {
      book.seen(sighting());
      book.seen(sighting({ shown: second }));
    }
    await book.settled();
    assert.equal(store.rows.length, 2);
    assert.equal(store.writes, 2);
  });

  it('knows after a restart what was seen before it', async () => {
    const { book, store, clock } = desk();
    book.seen(sighting());
    await book.settled();
    const again = new PassportBook({ store, clock, log: SILENT });
    again.seen(sighting());
    await again.settled();
    assert.equal(store.writes, 1);
  });
});

describe('passports from connections', () => {
  const partner = ca.issue({ names: ['partner.example'] });

  it('are made of what a partner proves in, and never of what it does not', async () => {
    const { store, book } = desk();
    await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
    Object.assign(world.edge, { passports: book });
    const { port, next } = await world.listen();
    const socket = await dial(port, partner);
    const link = await next();
    assert.equal((await link.peer.proves('stranger.example', 'sip')).proven, false);
    assert.equal((await link.peer.proves('partner.example', 'sip')).proven, true);
    await book.settled();
    assert.deepEqual([...store.passports.keys()], ['partner.example sip in']);
    const passport = store.passports.get('partner.example sip in');
    assert.equal(passport?.tlsVersion, 'TLSv1.3');
    assert.match(passport?.cipher ?? '', /^TLS_/);
    assert.equal(passport?.tookOurs, true);
    socket.destroy();
  });

  for (const [title, ask, refuse, expected] of [
    ['took ours, when the connection still stands', true, false, true],
    ['refused ours, by the alert that follows in TLS 1.3', true, true, false],
    ['was never asked', false, false, undefined],
  ] as const) {
    it(`say that a server ${title}`, async () => {
      const { store, book, clock } = desk();
      await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
      Object.assign(world.edge, { passports: book });
      // OpenSSL's own server sends the alert; node's server closes without one, so the alert is played.
      const server = tls.createServer(
        { key: partner.keyPem, cert: partner.chainPem, requestCert: ask, rejectUnauthorized: false },
        (socket) => {
          socket.on('error', () => {});
        },
      );
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      server.unref();
      const address = server.address();
      assert.ok(typeof address === 'object' && address !== null);
      const edge = {
        ...world.edge,
        clock: {
          ...world.edge.clock,
          now: () => Date.now(),
          monotonic: () => clock.monotonic(),
          after: (ms: number, run: () => void) => clock.after(ms, run),
        },
      };
      const link = await makeConnector({ edge }).connect(
        {
          side: 'edge',
          protocol: 'sip',
          host: '127.0.0.1',
          port: address.port,
          tls: 'direct',
          identity: 'corp.example',
          allowPrivateAddresses: true,
        },
        AbortSignal.timeout(5000),
      );
      await link.peer.proves('partner.example', 'sip');
      await book.settled();
      assert.equal(store.passports.get('partner.example sip out')?.tookOurs, undefined);
      if (refuse) link.socket.destroy(Object.assign(new Error('alert'), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }));
      else clock.advance(5000);
      await until('the passport', async () => {
        await book.settled();
        return store.passports.get('partner.example sip out')?.tookOurs === expected;
      });
      link.socket.destroy();
      server.close();
    });
  }

  it('say that a server refused ours in TLS 1.2, where the handshake itself fails', async () => {
    const { store, book } = desk();
    await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
    Object.assign(world.edge, { passports: book });
    let strict = false;
    const settings = { key: partner.keyPem, cert: partner.chainPem, ca: other.rootPem, requestCert: true, maxVersion: 'TLSv1.2' } as const;
    const server = createServer((raw) => {
      raw.on('error', () => {});
      if (!strict) new tls.TLSSocket(raw, { isServer: true, ...settings, rejectUnauthorized: false }).on('error', () => {});
      // The alert unknown_ca (48) in plain, as OpenSSL's servers send it; node's own close without one.
      else raw.once('data', () => raw.end(Buffer.from([21, 3, 3, 0, 2, 2, 48])));
    });
    server.unref();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const connector = makeConnector({ edge: world.edge });
    const target = {
      side: 'edge',
      protocol: 'sip',
      host: '127.0.0.1',
      port: address.port,
      tls: 'direct',
      identity: 'corp.example',
      theirDomain: 'partner.example',
      allowPrivateAddresses: true,
    } as const;
    const link = await connector.connect(target, AbortSignal.timeout(5000));
    await link.peer.proves('partner.example', 'sip');
    link.socket.destroy();
    strict = true;
    await assert.rejects(connector.connect(target, AbortSignal.timeout(5000)), /does not trust the authority/);
    await book.settled();
    assert.equal(store.passports.get('partner.example sip out')?.tookOurs, false);
    await assert.rejects(connector.connect({ ...target, theirDomain: 'never.seen.example' }, AbortSignal.timeout(5000)));
    await book.settled();
    assert.equal(store.passports.size, 1);
    server.close();
  });
});
