// The cert commands from end to end, on a home in a temporary folder: what they write, what they refuse, what they say.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadTrust } from '../../../src/edge/trust-store.ts';
import type { Passport } from '../../../src/model/passport.ts';
import { certImport } from '../../../src/ops/cert/import.ts';
import { certList } from '../../../src/ops/cert/list.ts';
import { certPin } from '../../../src/ops/cert/pin.ts';
import { certRequest } from '../../../src/ops/cert/request.ts';
import { certRevoke } from '../../../src/ops/cert/revoke.ts';
import { certTrust } from '../../../src/ops/cert/trust.ts';
import { makeCa } from '../../support/ca.ts';
import { CertHome } from './cert-home.ts';

const ca = makeCa('Public');
const DAY = 86_400_000;
const ours = () => ca.issue({ names: ['corp.example', 'sip.corp.example'] });
const rooted = { 'certs/trust/edge/public.pem': ca.rootPem };
const passport = (more: Partial<Passport> = {}): Passport => {
  const them = ca.issue({ names: ['p.example'] });
  const leaf = new X509Certificate(them.certPem);
  return {
    domain: 'p.example',
    protocol: 'xmpp',
    direction: 'out',
    chain: [
      {
        subject: 'CN=p.example',
        issuer: 'CN=Public Issuing',
        serial: leaf.serialNumber,
        fingerprint: them.fingerprint,
        keyFingerprint: 'ab'.repeat(32),
        keyType: 'ECDSA P-256',
        notBefore: leaf.validFromDate.getTime(),
        notAfter: leaf.validToDate.getTime(),
      },
    ],
    names: ['p.example'],
    eku: ['serverAuth'],
    tlsVersion: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    acceptedAuthorities: [],
    tookOurs: true,
    firstSeen: Date.now() - DAY,
    lastSeen: Date.now() - 1000,
    ...more,
  };
};

describe('cert request and import', () => {
  it('a folder whose key does not match is the one that an import for its names mends', async () => {
    const [pair, other, fresh] = [ours(), ours(), ours()];
    using home = new CertHome({
      ...rooted,
      'certs/own/corp/fullchain.pem': pair.chainPem,
      'certs/own/corp/key.pem': other.keyPem,
    });
    const files = [home.write('new.pem', fresh.chainPem), home.write('new.key', fresh.keyPem)];
    const done = await home.run(certImport, { files });
    assert.equal(done.exit, 0, done.text);
    assert.match(done.text, /in force: certs\/own\/corp\//);
    assert.equal(home.read('certs/own/corp/key.pem'), fresh.keyPem);
  });

  it('the key stays, the request names what our domains need, and the certificate finds its key', async () => {
    using home = new CertHome(rooted);
    const asked = await home.run(certRequest, { out: join(home.folder, 'corp.csr') });
    assert.equal(asked.exit, 0);
    assert.match(asked.text, /names {2}corp\.example, sip\.corp\.example\n/);
    assert.match(readFileSync(join(home.folder, 'corp.csr'), 'utf8'), /^-----BEGIN CERTIFICATE REQUEST-----\n/);
    const staged = join(home.dir, 'certs/own/main/next/key.pem');
    assert.equal(statSync(staged).mode & 0o777, 0o600);
    const again = await home.run(certRequest, { key: 'rsa:3072' });
    assert.equal(again.exit, 2);
    assert.match(again.text, /a key waits .* already \(ECDSA P-256\).*--new-key/);
    assert.match((await home.run(certRequest, {})).text, /the key that waits already/);

    // What the authority would send back, here for the key that waits.
    const other = ours();
    const refused = await home.run(certImport, { files: [home.write('corp.pem', other.chainPem)] });
    assert.equal(refused.exit, 2);
    assert.match(refused.text, /no private key for.*the key that waits in certs\/own\/main\/next\/ does not belong to it/);
    home.write('home/certs/own/main/next/key.pem', other.keyPem);
    const taken = await home.run(certImport, { files: [join(home.folder, 'corp.pem')] });
    assert.equal(taken.exit, 0, taken.text);
    assert.match(taken.text, /key +the one that isthmus cert request made here/);
    assert.equal(home.read('certs/own/main/fullchain.pem'), other.chainPem);
    assert.equal(existsSync(staged), false);
    assert.match(
      (await home.run(certList, {})).text,
      /certs\/own\/main: until .* left\)\n +names +corp\.example, sip\.corp\.example\n +domains +corp\.example\n/,
    );
  });

  it('a dry run changes nothing; a bad pair is refused with words; --force allows other names and nothing else', async () => {
    using home = new CertHome(rooted);
    const now = ours();
    const pair = home.write('now.pem', now.keyPem + now.chainPem);
    const dry = await home.run(certImport, { files: [pair], dryRun: true });
    assert.equal(dry.exit, 0);
    assert.match(dry.text, /nothing was changed \(--dry-run\)/);
    assert.equal(existsSync(join(home.dir, 'certs/own/main')), false);
    assert.equal((await home.run(certImport, { files: [pair] })).exit, 0);

    const elsewhere = ca.issue({ names: ['elsewhere.example'] });
    const wrong = home.write('wrong.pem', elsewhere.chainPem + elsewhere.keyPem);
    const refused = await home.run(certImport, { files: [wrong], name: 'main' });
    assert.equal(refused.exit, 1);
    assert.match(refused.text, /refused +it does not name corp\.example, which the certificate in force does/);
    assert.match(refused.text, /1 of 1 partner would refuse this certificate/);
    assert.match(refused.text, /p\.example would refuse it: it could no longer recognise us for corp\.example/);
    assert.match(refused.text, /what is in force stays\. --force puts it in force/);
    assert.equal(home.read('certs/own/main/fullchain.pem'), now.chainPem);

    const short = home.write('short.pem', ours().certPem + now.keyPem);
    const twice = await home.run(certImport, { files: [short], name: 'main', force: true });
    assert.equal(twice.exit, 1);
    assert.match(twice.text, /refused +the private key \(ec\) belongs to none of the certificates/);

    // A certificate for something else finds a folder of its own, beside.
    const beside = ca.issue({ names: ['chat.corp.example'] });
    const second = await home.run(certImport, { files: [home.write('chat.pem', beside.chainPem + beside.keyPem)] });
    assert.match(second.text, /in force: certs\/own\/chat\.corp\.example\//);

    const forced = await home.run(certImport, { files: [wrong], name: 'main', force: true });
    assert.equal(forced.exit, 0);
    assert.match(forced.text, /back: isthmus cert import certs\/own\/main\/previous\/fullchain\.pem/);
    assert.equal(home.read('certs/own/main/previous/key.pem'), now.keyPem);
  });

  it('says who took the certificate before and what changes for them', async () => {
    using home = new CertHome(rooted);
    const now = ours();
    await home.run(certImport, { files: [home.write('now.pem', now.keyPem + now.chainPem)] });
    await home.saw(passport(), passport({ domain: 'found.example', direction: 'in' }));
    const next = ca.issue({ names: ['corp.example', 'sip.corp.example'], eku: 'server' });
    const dry = await home.run(certImport, { files: [home.write('next.pem', next.keyPem + next.chainPem)], dryRun: true });
    assert.match(dry.text, /none of 2 partners is known to refuse this certificate, 1 may, 1 took one like it/);
    assert.match(dry.text, / {2}p\.example may refuse it: XMPP when we connect it took the one in force, but this one is for servers only/);
  });

  it('edge.host, where it is written, must stay named', async () => {
    using home = new CertHome({ ...rooted, 'isthmus.yaml': 'edge: { host: edge.corp.example }\n' });
    const now = ca.issue({ names: ['corp.example', 'edge.corp.example'] });
    assert.equal((await home.run(certImport, { files: [home.write('now.pem', now.keyPem + now.chainPem)] })).exit, 0);
    const next = ca.issue({ names: ['corp.example'] });
    const refused = await home.run(certImport, { files: [home.write('next.pem', next.keyPem + next.chainPem)] });
    assert.match(refused.text, /refused +it does not name edge\.corp\.example/);
  });

  it('over the API no file of the server is read', async () => {
    using home = new CertHome(rooted);
    const now = ours();
    const content = [now.chainPem, Buffer.from(now.keyPem).toString('base64')];
    assert.equal((await home.run(certImport, { content, dryRun: true })).exit, 0);
    const caller = { name: 'token', role: 'admin', via: 'api' } as const;
    const refused = await home.run(certImport, { files: [home.write('now.pem', now.chainPem)], dryRun: true }, caller);
    assert.match(refused.text, /over the API give the content/);
    assert.match((await home.run(certImport, { content, passwordFile: '/etc/passwd' }, caller)).text, /give the password itself/);
    assert.match((await home.run(certTrust, { file: '/etc/hosts', side: 'edge' }, caller)).text, /give the content/);
    assert.match((await home.run(certRequest, { out: join(home.folder, 'x') }, caller)).text, /comes back in the answer/);
  });
});

describe('cert list', () => {
  it('what needs attention is said first in the exit status, then in words', async () => {
    const soon = ca.issue({ names: ['corp.example'], notAfter: new Date(Date.now() + 10.5 * DAY) });
    using home = new CertHome({
      'certs/own/main/fullchain.pem': soon.certPem,
      'certs/own/main/key.pem': soon.keyPem,
      'certs/trust/edge/old.pem': makeCa('Old').root.authority('Gone', { notAfter: new Date(Date.now() - DAY) }).certPem,
      'certs/revoked/public.crl.pem': ca.issuing.crlPem([soon], { nextUpdate: new Date(Date.now() - DAY) }),
    });
    const without = await home.run(certList, {});
    assert.match(without.text, /not known: this home has never been started/);
    await home.saw(
      passport({ chain: passport().chain.map((one) => ({ ...one, notAfter: Date.now() + 2.5 * DAY })) }),
      passport({ domain: 'q.example' }),
    );
    const { text, exit, json } = await home.run(certList, {});
    assert.equal(exit, 1);
    for (const pattern of [
      /main: expires on .*, in 10 days/,
      /main: the chain is incomplete, the certificate of "CN=Public Issuing" is missing/,
      /p\.example \(xmpp out\): expires on .*, in 2 days/,
      /certs\/trust\/edge\/old\.pem: expired on/,
      /certs\/revoked\/public\.crl\.pem: should have been replaced/,
      /1 certificate of partners without anything to say \(--all shows them\)/,
    ]) {
      assert.match(text, pattern);
    }
    assert.match((await home.run(certList, { all: true })).text, /q\.example \(xmpp out\): until/);
    const { attention } = json as { attention: { role: string; step?: number }[] }; // what certList makes
    assert.deepEqual(
      attention.filter((one) => one.step !== undefined).map(({ role, step }) => [role, step]),
      [
        ['own', 14],
        ['partner', 3],
        ['ca', 0],
      ],
    );
  });
});

describe('cert trust', () => {
  it('puts a root on one side, once, and takes no certificate that has ended', async () => {
    using home = new CertHome();
    const file = home.write('ca.pem', ca.rootPem);
    assert.equal((await home.run(certTrust, { file })).exit, 2);
    const done = await home.run(certTrust, { file, side: 'inside' });
    assert.equal(done.exit, 0, done.text);
    assert.match(
      done.text,
      /\+# CN=Public Root, SHA-256 [0-9a-f]{64}\n\+-----BEGIN CERTIFICATE-----\n\+\.\.\. \(\d+ lines of base64\)\n\+-----END/,
    );
    const { trust, faults } = loadTrust({ folder: join(home.dir, 'certs'), systemRoots: () => [] }, 1);
    assert.deepEqual(faults, []);
    const root = new X509Certificate(ca.rootPem);
    assert.deepEqual([trust.inside.isAnchor(root), trust.edge.isAnchor(root)], [true, false]);
    assert.match((await home.run(certTrust, { file, side: 'inside' })).text, /holds Public Root already/);
    const gone = makeCa('Old').root.authority('Gone', { notAfter: new Date(Date.now() - DAY) }).certPem;
    assert.match((await home.run(certTrust, { file: home.write('gone.pem', gone), side: 'edge' })).text, /Gone expired on/);
  });

  it('for one partner: a near miss is asked about, and a partner that would be cut needs --force', async () => {
    using home = new CertHome();
    const file = home.write('club.pem', makeCa('Club').rootPem);
    assert.match((await home.run(certTrust, { file, partner: 'p.exampel' })).text, /Did you mean "p\.example"/);
    await home.saw(passport());
    const refused = await home.run(certTrust, { file, partner: 'p.example' });
    assert.equal(refused.exit, 1);
    assert.match(refused.text, /shows a certificate of "Public Issuing", which would be refused/);
    assert.equal(existsSync(join(home.dir, 'certs/trust/partners')), false);
    const forced = await home.run(certTrust, { file, partner: 'p.example', force: true });
    assert.equal(forced.exit, 0);
    assert.match(forced.text, /from now on only these roots count for p\.example/);
    assert.match(forced.text, /Back: rm -r .*certs\/trust\/partners\/p\.example$/, 'an empty folder would be a fault');
    assert.equal(existsSync(join(home.dir, 'certs/trust/partners/p.example/club-root.pem')), true);
  });
});

describe('cert pin', () => {
  it("edits the partner's file, keeps its comments and what is spoken with it", async () => {
    using home = new CertHome();
    assert.match((await home.run(certPin, { domain: 'p.example', fromWire: true })).text, /has not been seen yet/);
    const seen = passport();
    await home.saw(seen);
    const next = `${'CD:'.repeat(31)}CD`;
    const refused = await home.run(certPin, { domain: 'p.example', fingerprints: [next], protocol: 'xmpp' });
    assert.equal(refused.exit, 1);
    assert.match(refused.text, /which these pins refuse[\s\S]*nothing was changed/);
    const done = await home.run(certPin, { domain: 'p.example', fromWire: true, fingerprints: [next], protocol: 'xmpp' });
    assert.equal(done.exit, 0, done.text);
    const text = home.read('routes/partners/p.example.yaml');
    assert.match(text, /^# asked for by Nora\nowner: nora # until June\n/);
    assert.ok(text.includes(`xmpp: { pins: [${seen.chain[0]?.fingerprint}, ${'cd'.repeat(32)}] }`), text);
    assert.match(text, /prefer:[\s\S]*xmpp[\s\S]*sip/, 'a section for XMPP alone would switch SIP off');
    assert.match((await home.run(certPin, { domain: 'p.example', fromWire: true, protocol: 'xmpp' })).text, /has these pins already/);
    assert.match((await home.run(certPin, { domain: 'p.example', fingerprints: ['abc'] })).text, /right would be a SHA-256 fingerprint/);
  });
});

describe('cert revoke', () => {
  it('adds a certificate to refused.yaml, once, with a reason, comments kept', async () => {
    using home = new CertHome({ 'certs/revoked/refused.yaml': '# told by phone\n' });
    const them = ca.issue({ names: ['p.example'] });
    const file = home.write('p.pem', them.chainPem);
    assert.match((await home.run(certRevoke, { what: file })).text, /--reason TEXT is needed/);
    const done = await home.run(certRevoke, { what: file, reason: 'key stolen: "really"' });
    assert.equal(done.exit, 0, done.text);
    assert.match(home.read('certs/revoked/refused.yaml'), /^# told by phone\n/);
    const { trust } = loadTrust({ folder: join(home.dir, 'certs'), systemRoots: () => [] }, 1);
    assert.equal(trust.refused.get(them.fingerprint), 'key stolen: "really"');
    assert.match((await home.run(certRevoke, { what: them.fingerprint, reason: 'x' })).text, /refuses it already: key stolen/);
  });

  it('says who shows it, and that ours is revoked by its authority', async () => {
    using home = new CertHome(rooted);
    const seen = passport();
    await home.saw(seen);
    const fingerprint = seen.chain[0]?.fingerprint ?? '';
    assert.match(
      (await home.run(certRevoke, { what: fingerprint, reason: 'x', dryRun: true })).text,
      /p\.example showed it when last seen/,
    );
    assert.equal(existsSync(join(home.dir, 'certs/revoked/refused.yaml')), false);
    const now = ours();
    await home.run(certImport, { files: [home.write('now.pem', now.keyPem + now.chainPem)] });
    assert.match(
      (await home.run(certRevoke, { what: now.fingerprint, reason: 'x' })).text,
      /this certificate is ours \(certs\/own\/main\)/,
    );
  });

  it('takes a revocation list, and no older one after it', async () => {
    using home = new CertHome();
    const them = ca.issue({ names: ['p.example'] });
    const list = home.write('a.crl', ca.crlPem([them]));
    const done = await home.run(certRevoke, { what: list });
    assert.equal(done.exit, 0, done.text);
    assert.match(done.text, /Public Issuing: 1 certificate revoked/);
    const { trust, faults } = loadTrust({ folder: join(home.dir, 'certs'), systemRoots: () => [] }, 1);
    assert.deepEqual(faults, []);
    assert.equal(await trust.edge.revocation.revokes(new X509Certificate(them.certPem), new X509Certificate(ca.issuingPem)), true);
    const older = home.write('b.crl', ca.issuing.crlPem([], { thisUpdate: new Date(Date.now() - 9 * DAY) }));
    assert.match((await home.run(certRevoke, { what: older })).text, /public-issuing\.crl\.pem is newer/);
  });
});
