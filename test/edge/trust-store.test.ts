// certs/trust and certs/revoked: what belongs where, faults in words, and a reload that never takes a faulty set.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { loadTrust } from '../../src/edge/trust-store.ts';
import { makeCa } from '../support/ca.ts';
import { EdgeWorld } from '../support/edge-world.ts';
import { ownDomain, table } from '../support/table.ts';

const ca = makeCa('Public');
const home = makeCa('Home');

describe('trust store', () => {
  it('keeps the sides apart: system and edge roots outside, inside roots inside, a partner folder for that partner', async () => {
    const op = makeCa('Operator');
    await using world = new EdgeWorld({
      systemRoots: [ca.rootPem],
      files: {
        'trust/edge/op.pem': op.rootPem,
        'trust/inside/home.pem': home.rootPem,
        'trust/partners/p.example/a.pem': op.rootPem,
        'trust/README.md': 'words',
      },
    });
    const { current: trust, faults } = world.trust;
    assert.deepEqual(faults, []);
    const holds = (pem: string) =>
      [trust.edge, trust.inside, trust.partners.get('p.example')!].map((set) => set.isAnchor(new X509Certificate(pem)));
    assert.deepEqual(holds(ca.rootPem), [true, false, false]);
    assert.deepEqual(holds(op.rootPem), [true, false, true]);
    assert.deepEqual(holds(home.rootPem), [false, true, false]);
  });

  it('trusts the roots of the system by default, outside only, and knows them as public', () => {
    const { trust } = loadTrust({ folder: 'no-such-folder' }, 1);
    const roots = tls.getCACertificates('system').map((pem) => new X509Certificate(pem));
    assert.ok(
      roots.every((root) => trust.edge.isAnchor(root) && trust.publicRoots.has(root.fingerprint256) && !trust.inside.isAnchor(root)),
    );
    assert.equal(trust.publicRoots.size, new Set(roots.map((root) => root.fingerprint256)).size);
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ['a root directly in trust/', 'trust/oops.pem', ca.rootPem, /trust\/oops\.pem.*wrong place/],
    ['a root directly in trust/partners/', 'trust/partners/p.pem', ca.rootPem, /trust\/partners\/p\.pem.*not a folder/],
    ['a folder for nobody', 'trust/partners/nobody.example/a.pem', ca.rootPem, /no partner with the domain nobody\.example/],
    ['a folder without a certificate', 'trust/partners/p.example/README.md', 'later', /holds no certificate/],
    ['text that is no certificate', 'trust/edge/a.pem', 'hello', /trust\/edge\/a\.pem holds no certificate/],
    ['a damaged certificate', 'trust/edge/a.pem', ca.rootPem.replace(/MII.../, 'AAAAAA'), /certificate 1 of 1 cannot be read/],
    [
      'a damaged revocation list',
      'revoked/a.crl.pem',
      '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n',
      /cannot be read as a revocation list/,
    ],
    ['an empty revocation list file', 'revoked/a.crl.pem', '', /holds no revocation list/],
    ['a fingerprint that is none', 'revoked/refused.yaml', '- { fingerprint: abc, reason: x }', /"abc" is not a SHA-256 fingerprint/],
    ['refused.yaml that is not YAML', 'revoked/refused.yaml', '{', /is not YAML/],
  ];
  for (const [title, path, text, pattern] of wrong) {
    it(`${title} is a fault, and a reload keeps what was`, async () => {
      await using world = new EdgeWorld({ systemRoots: [], files: { 'trust/edge/good.pem': home.rootPem } });
      const before = world.trust.current;
      world.write(path, text);
      const loaded = loadTrust({ folder: world.folder, systemRoots: () => [], partnerDomains: () => new Set(['p.example']) }, 2);
      assert.match(loaded.faults.map((fault) => `${fault.file} ${fault.text}`).join('\n'), pattern);
      assert.ok(loaded.faults.every((fault) => fault.level === 'error'));
      if (/nobody|later/.test(path + text)) return; // the world's own store is not told who the partners are
      assert.ok(world.trust.reload().length > 0);
      assert.equal(world.trust.current, before);
    });
  }

  it('takes a good set and counts up', async () => {
    await using world = new EdgeWorld({ systemRoots: [] });
    world.write('trust/edge/new.pem', ca.rootPem);
    assert.deepEqual(world.trust.reload(), []);
    assert.equal(world.trust.current.generation, 2);
    assert.equal(world.trust.current.edge.isAnchor(new X509Certificate(ca.rootPem)), true);
  });
});

describe('our own certificates', () => {
  const domains = table(
    [ownDomain('corp.example', 'sip'), ownDomain('chat.example', 'xmpp'), ownDomain('named.example', 'sip', { certificate: 'special' })],
    [],
  );

  it('are found by the names inside them; the newer wins; the default covers most of our domains', async () => {
    await using world = new EdgeWorld({ table: domains });
    const day = 86_400_000;
    world.writePair('chat-old', ca.issue({ names: ['chat.example'], notBefore: new Date(Date.now() - 9 * day) }));
    world.writePair('chat-new', ca.issue({ names: ['chat.example', 'named.example'] }));
    world.writePair('special', ca.issue({ names: ['edge.named.example'] }));
    world.writePair(
      'gone',
      ca.issue({ names: ['chat.example'], notBefore: new Date(Date.now() - 2000), notAfter: new Date(Date.now() - 1000) }),
    );
    world.own.reload();
    assert.equal(world.own.choose('corp.example', 'sip')?.name, 'corp');
    assert.equal(world.own.choose('chat.example', 'xmpp')?.name, 'chat-new');
    assert.equal(world.own.choose('named.example', 'sip')?.name, 'special', 'the operator named it');
    assert.equal(world.own.default()?.name, 'chat-new');
    assert.equal(world.own.default('corp')?.name, 'corp');
    assert.equal(world.own.choose('elsewhere.example', 'sip')?.name, 'chat-new');
    assert.equal(world.own.covering('edge.named.example', 'sip')?.name, 'special');
    assert.equal(world.own.covering('elsewhere.example', 'sip'), undefined);
  });

  it('a wildcard serves XMPP and not SIP, a host below the domain stands in on SIP', async () => {
    await using world = new EdgeWorld({ table: domains });
    world.writePair('host', ca.issue({ names: ['sip.chat.example'] }));
    world.own.reload();
    assert.equal(world.own.choose('chat.example', 'sip')?.name, 'host');
    world.writePair('wild', ca.issue({ names: ['*.chat.example'] }));
    world.own.reload();
    assert.equal(world.own.choose('rooms.chat.example', 'xmpp')?.name, 'wild');
    assert.equal(world.own.choose('rooms.chat.example', 'sip')?.name, 'corp', 'nothing fits: the default');
  });

  const other = ca.issue({ names: ['corp.example'] });
  const broken: readonly (readonly [string, (world: EdgeWorld) => void, RegExp])[] = [
    ['a key of another certificate', (world) => world.write('own/corp/key.pem', other.keyPem), /key\.pem does not belong/],
    [
      'a key that others can read',
      (world) => chmodSync(join(world.folder, 'own/corp/key.pem'), 0o644),
      /key\.pem can be read by others \(mode 0644\)/,
    ],
    ['a key that is none', (world) => world.write('own/corp/key.pem', 'secret'), /key\.pem is not a private key/],
    ['a chain that is none', (world) => world.write('own/corp/fullchain.pem', 'hello'), /fullchain\.pem holds no certificate/],
    ['a missing key', (world) => rmSync(join(world.folder, 'own/corp/key.pem')), /key\.pem cannot be read/],
  ];
  for (const [title, damage, pattern] of broken) {
    it(`${title} is a fault, and the old pair stays in force`, async () => {
      await using world = new EdgeWorld();
      const before = world.own.choose('corp.example', 'sip');
      damage(world);
      const { faults, changed } = world.own.reload();
      assert.match(faults.map((fault) => `${fault.file} ${fault.text}`).join('\n'), pattern);
      assert.deepEqual(changed, []);
      assert.equal(world.own.choose('corp.example', 'sip'), before);
    });
  }

  it('a renewed pair takes effect at once, a removed one goes, an unchanged one is not touched', async () => {
    await using world = new EdgeWorld();
    const before = world.own.choose('corp.example', 'sip');
    assert.deepEqual(world.own.reload().changed, []);
    assert.equal(world.own.choose('corp.example', 'sip'), before);
    world.writePair('corp', other);
    assert.deepEqual(world.own.reload().changed, ['corp']);
    assert.equal(world.own.choose('corp.example', 'sip')?.fingerprint, other.fingerprint);
    rmSync(join(world.folder, 'own/corp'), { recursive: true });
    assert.deepEqual(world.own.reload().changed, ['corp']);
    assert.equal(world.own.choose('corp.example', 'sip'), undefined);
  });

  it('warns of what partners will stumble over', async () => {
    await using world = new EdgeWorld();
    world.writePair('short', { ...other, chainPem: other.certPem });
    world.writePair('nameless', ca.issue({ cn: 'corp.example' }));
    world.writePair('soon', ca.issue({ names: ['x.example'], notAfter: new Date(Date.now() + 86_400_000) }));
    const texts = world.own.reload().faults.map((fault) => `${fault.level} ${fault.file} ${fault.text}`);
    assert.match(texts.join('\n'), /warning certs\/own\/nameless\/fullchain\.pem names no domain/);
    assert.match(texts.join('\n'), /warning certs\/own\/short\/fullchain\.pem holds no intermediate/);
    assert.match(texts.join('\n'), /warning certs\/own\/soon\/fullchain\.pem expires on/);
  });
});
