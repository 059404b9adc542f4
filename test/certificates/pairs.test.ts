// certs/own/<name> on disk: a pair is put in force in steps after each of which a matching pair can be read, the one before
// is kept, a key made ahead stays, and what partners would refuse never gets there.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { PairNeeds } from '../../src/certificates/pair-check.ts';
import { PairError, putPair, replacePair, stagedKey, stageKey } from '../../src/certificates/pairs.ts';
import { trustSet } from '../../src/edge/trust-store.ts';
import { type Issued, makeCa } from '../support/ca.ts';
import { EdgeWorld } from '../support/edge-world.ts';

const ca = makeCa('Public');
const renewed = (): Issued => ca.issue({ names: ['corp.example'] });
const needs = (more: Partial<PairNeeds> = {}): PairNeeds => ({
  now: Date.now(),
  anchors: trustSet('test', [new X509Certificate(ca.rootPem)]),
  domains: ['corp.example'],
  others: [],
  ...more,
});

describe('a pair on disk', () => {
  it('is replaced, taken by the next reload, and the one before is kept', async () => {
    await using world = new EdgeWorld();
    const next = renewed();
    assert.deepEqual(replacePair(world.folder, 'corp', next.chainPem, next.keyPem, needs()).faults, []);
    assert.deepEqual(world.own.reload(), { faults: [], changed: ['corp'] });
    assert.equal(world.own.choose('corp.example', 'sip')?.fingerprint, next.fingerprint);
    const own = join(world.folder, 'own/corp');
    assert.equal(statSync(join(own, 'key.pem')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(own, 'previous/fullchain.pem'), 'utf8'), world.ours.chainPem);
    assert.equal(readFileSync(join(own, 'previous/key.pem'), 'utf8'), world.ours.keyPem);
    assert.equal(statSync(join(own, 'previous/key.pem')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(own, 'previous/.gitignore'), 'utf8'), '*\n');
    assert.equal(existsSync(join(own, 'next')), false);
  });

  it('can be read after every step of a replacement, as if the process were killed there', async () => {
    await using world = new EdgeWorld();
    const next = renewed();
    const before = world.ours.fingerprint;
    const inForce = (): string | undefined => {
      const { faults } = world.own.reload();
      assert.deepEqual(faults, []);
      return world.own.choose('corp.example', 'sip')?.fingerprint;
    };
    world.write('own/corp/next/arriving.pem', next.keyPem);
    assert.equal(inForce(), before);
    world.write('own/corp/fullchain.pem', next.chainPem);
    assert.equal(inForce(), next.fingerprint);
    // And a replacement that begins in the middle of another one ends well too, and keeps the half one as the pair before.
    const third = renewed();
    putPair(world.folder, 'corp', third);
    assert.equal(readFileSync(join(world.folder, 'own/corp/previous/key.pem'), 'utf8'), next.keyPem);
    assert.equal(inForce(), third.fingerprint);
    assert.equal(existsSync(join(world.folder, 'own/corp/next')), false);
  });

  it('keeps a key that waits for another certificate, and uses up the one that has come', async () => {
    await using world = new EdgeWorld();
    const [first, second] = [renewed(), renewed()];
    stageKey(world.folder, 'corp', second.keyPem);
    assert.equal(statSync(join(world.folder, 'own/corp/next/key.pem')).mode & 0o777, 0o600);
    putPair(world.folder, 'corp', first);
    assert.equal(stagedKey(world.folder, 'corp'), second.keyPem);
    putPair(world.folder, 'corp', second);
    assert.equal(stagedKey(world.folder, 'corp'), undefined);
    assert.deepEqual(world.own.reload().faults, []);
    assert.equal(world.own.choose('corp.example', 'sip')?.fingerprint, second.fingerprint);
  });

  it('a folder with nothing but a key that waits is no fault', async () => {
    await using world = new EdgeWorld();
    stageKey(world.folder, 'later', renewed().keyPem);
    assert.deepEqual(world.own.reload(), { faults: [], changed: [] });
  });

  it('is not written into a folder that another program keeps, nor under a name that leads elsewhere', async () => {
    await using world = new EdgeWorld();
    mkdirSync(join(world.folder, 'live'));
    symlinkSync('../live', join(world.folder, 'own/linked'));
    assert.throws(() => putPair(world.folder, 'linked', renewed()), /is a link to another folder/);
    for (const name of ['../trust', '', 'a/b', '.hidden']) assert.throws(() => putPair(world.folder, name, renewed()), PairError);
    assert.equal(existsSync(join(world.folder, 'live/fullchain.pem')), false);
    mkdirSync(join(world.folder, 'own/half'));
    symlinkSync('../../live/fullchain.pem', join(world.folder, 'own/half/fullchain.pem'));
    assert.throws(() => putPair(world.folder, 'half', renewed()), /is a link to another file/);
  });
});

const days = (count: number): Date => new Date(Date.now() + count * 86_400_000);
const other = renewed();
const worse: readonly (readonly [string, Issued, RegExp])[] = [
  ['another key', { ...renewed(), keyPem: other.keyPem }, /key.*belongs to none of the certificates: corp\.example/],
  ['an end that is over', ca.issue({ names: ['corp.example'], notBefore: days(-9), notAfter: days(-1) }), /expired on/],
  ['a beginning that is to come', ca.issue({ names: ['corp.example'], notBefore: days(2) }), /is valid only from .*; now it is/],
  [
    'other names',
    ca.issue({ names: ['other.example'] }),
    /does not name corp\.example, which the certificate in force does.*names other\.example/,
  ],
  ['a wildcard instead of a SIP domain', ca.issue({ names: ['*.example'] }), /does not name corp\.example/],
  ['a common name only', ca.issue({ cn: 'corp.example' }), /no name in subjectAltName/],
  ['an incomplete chain', { ...other, chainPem: other.certPem }, /chain is incomplete.*issuer "CN=Public Issuing".*"corp\.example"/],
  ['an authority as leaf', ca.issue({ names: ['corp.example'], isCa: true }), /certificate of an authority/],
  ['a purpose without servers', ca.issue({ names: ['corp.example'], eku: 'client' }), /not made for servers/],
];

describe('a pair that partners would refuse', () => {
  for (const [title, pair, pattern] of worse) {
    it(`${title} is refused with words, and nothing is written`, async () => {
      await using world = new EdgeWorld();
      const replaced = new X509Certificate(world.ours.certPem);
      const { faults } = replacePair(world.folder, 'corp', pair.chainPem, pair.keyPem, needs({ replaced }));
      assert.match(faults.map(({ text }) => text).join('\n'), pattern);
      assert.equal(readFileSync(join(world.folder, 'own/corp/fullchain.pem'), 'utf8'), world.ours.chainPem);
      assert.equal(existsSync(join(world.folder, 'own/corp/previous')), false);
    });
  }

  it('the chain is sorted, the root left out, and what does not belong is told', () => {
    const folder = join(import.meta.dirname, '../../node_modules/.cache-none');
    const heap = [other.certPem, ca.rootPem, makeCa('Stranger').issuingPem, ca.issuingPem].reverse().join('');
    const check = replacePair(folder, 'no name', heap, other.keyPem, needs({ anchors: trustSet('none', []), domains: ['x.example'] }));
    assert.equal(check.pair?.chainPem, other.chainPem);
    assert.match(check.warnings.join(), /left out: Stranger Issuing/);
    assert.deepEqual(
      check.faults.map(({ code }) => code),
      ['names'],
    );
    assert.equal(existsSync(folder), false);
  });

  it('a chain that an authority handed out ends where it ends', () => {
    const faults = (chainAsSent: boolean) =>
      replacePair(
        '/nowhere',
        'a',
        other.chainPem,
        other.keyPem,
        needs({ anchors: trustSet('none', []), domains: ['x.example'], chainAsSent }),
      ).faults;
    assert.deepEqual(
      faults(true).map(({ code }) => code),
      ['names'],
    );
    assert.deepEqual(
      faults(false).map(({ code }) => code),
      ['chain', 'names'],
    );
  });
});

describe('a pair that is written over the old one by hand', () => {
  const faulty = worse.filter(([title]) => /end|beginning|other names|incomplete/.test(title));
  for (const [title, pair] of faulty) {
    it(`${title}: the old one stays in force and the fault says why`, async () => {
      await using world = new EdgeWorld();
      const before = world.own.choose('corp.example', 'sip');
      world.writePair('corp', pair);
      const { faults, changed } = world.own.reload();
      assert.deepEqual(changed, []);
      assert.match(faults.map(({ text }) => text).join(), /the certificate before it stays in force until/);
      assert.equal(world.own.choose('corp.example', 'sip'), before);
      // A good one after it is taken.
      const good = renewed();
      world.writePair('corp', good);
      assert.deepEqual(world.own.reload().changed, ['corp']);
      rmSync(join(world.folder, 'own/corp'), { recursive: true });
      writeFileSync(join(world.folder, 'own/.keep'), '');
    });
  }

  it('other names are taken when somebody wants them, and only that certificate', async () => {
    await using world = new EdgeWorld();
    const elsewhere = ca.issue({ names: ['other.example'] });
    putPair(world.folder, 'corp', elsewhere, { acceptNames: true });
    assert.deepEqual(world.own.reload(), { faults: [], changed: ['corp'] });
    putPair(world.folder, 'corp', renewed());
    assert.deepEqual(world.own.reload().changed, ['corp']);
    putPair(world.folder, 'corp', ca.issue({ names: ['third.example'] }));
    assert.deepEqual(world.own.reload().changed, []);
  });

  it('replaces a pair that is no good itself, and a lone one is used with a warning', async () => {
    await using world = new EdgeWorld();
    const expired = ca.issue({ names: ['corp.example'], notBefore: days(-9), notAfter: days(-1) });
    world.writePair('alone', expired);
    const loaded = world.own.reload();
    assert.deepEqual(loaded.changed, ['alone']);
    assert.match(loaded.faults.map(({ level, text }) => `${level} ${text}`).join(), /warning expired on/);
    world.writePair('alone', ca.issue({ names: ['other.example'] }));
    assert.deepEqual(world.own.reload().changed, ['alone']);
  });
});
