// Certificates that renew themselves, against real peers: pebble as the authority, Knot as the name server of our zones,
// pebble-challtestsrv behind a hook. The three challenges, an authority that wants a binding, one that is dead, a wildcard,
// and a renewal under an edge that is in use.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { stringify } from 'yaml';
import { makeCa } from '../support/ca.ts';
import { Home, type Said } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { startKnot } from '../support/peers/knot.ts';
import { startChallengeDns, startPebble } from '../support/peers/pebble.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('certificates that renew themselves', { skip: noWorld });
} else {
  describe('certificates that renew themselves', async () => {
    const EDGE = '127.0.2.9';
    const KNOT = '127.0.0.54';
    const CHALLENGE_DNS = '127.0.0.55';
    const TSIG = {
      name: 'isthmus',
      algorithm: 'hmac-sha256',
      secret: Buffer.from('a key that only the two of us have').toString('base64'),
    };
    const HMAC = Buffer.from('a key from the desk of the authority').toString('base64url');

    const world = await World.open({ hosts: {}, srv: [] });
    await startKnot(world, {
      address: KNOT,
      key: TSIG,
      zones: {
        'corp.test': [
          `@ A ${EDGE}`,
          `sip A ${EDGE}`,
          'closed A 127.0.2.10',
          'other CNAME corp.test.',
          '_acme-challenge.cn CNAME elsewhere.corp.test.',
        ],
      },
      writable: ['corp.test'],
    });
    await startChallengeDns(world, CHALLENGE_DNS);
    const pebble = await startPebble(world, { name: 'pebble', address: '127.0.4.1', dns: `${KNOT}:53` });
    const picky = await startPebble(world, {
      name: 'picky',
      address: '127.0.4.2',
      dns: `${CHALLENGE_DNS}:53`,
      externalAccounts: { 'kid-1': HMAC },
    });

    const authority = (name: string, directory: string, more: object = {}) => ({
      name,
      directory,
      contact: 'hostmaster@corp.test',
      termsAgreed: true,
      trust: 'certs/trust/edge/world.pem',
      ...more,
    });
    const PEBBLE = authority('pebble', pebble.directory);
    const DEAD = authority('dead', 'https://127.0.4.9:14000/dir');
    const HTTP = { type: 'http-01', listen: `http://${EDGE}:80` };
    const UPDATE = { type: 'dns-01', update: { server: KNOT, zone: 'corp.test', key: TSIG.name, secret: { secret: 'tsig' } }, wait: '20s' };

    const newHome = (room: string, dns = KNOT): Home =>
      new Home(world.room(`${room}/home`), {
        isthmus: {
          edge: { sip: `tls://${EDGE}:5061`, xmpp: [`tls://${EDGE}:5270`] },
          dns: { servers: dns },
        },
        domains: { 'corp.test': { served: 'sip', nextHop: 'plain://127.0.2.20:5060', acceptFrom: '127.0.2.20' } },
        partners: { 'far.test': { prefer: 'xmpp', allowPrivateAddresses: true } },
        own: {},
        trustEdge: { world: world.ca.rootPem },
        secrets: { tsig: TSIG.secret, wrong: Buffer.from('another key').toString('base64'), desk: HMAC },
      });
    const acme = (home: Home, authorities: readonly object[], certificates: Readonly<Record<string, object>>): void =>
      home.file('certs/acme.yaml', stringify({ authorities, certificates }, { aliasDuplicateObjects: false }));
    const leafOf = (home: Home, name = 'main') => new X509Certificate(readFileSync(join(home.folder, 'certs/own', name, 'fullchain.pem')));
    const namesOf = (leaf: X509Certificate) =>
      (leaf.subjectAltName ?? '')
        .split(', ')
        .map((name) => name.replace('DNS:', ''))
        .sort();
    const good = (said: Said): Said => {
      assert.equal(said.code, 0, said.out + said.err);
      return said;
    };
    const faults = (said: Said) => {
      assert.equal(said.code, 1, said.out + said.err);
      return (
        JSON.parse(said.out) as { certificates: { faults: { authority: string; code: string; text: string; advice: string }[] }[] }
      ).certificates.flatMap((one) => one.faults);
    };
    const txt = async (name: string, at = KNOT): Promise<string[]> => {
      const resolver = new Resolver({ timeout: 1000, tries: 2 });
      resolver.setServers([at]);
      return (await resolver.resolveTxt(name).catch(() => [])).flat();
    };

    const home = newHome('home');

    world.scene('the first certificate comes by a command, while nothing runs; a rehearsal changes nothing', async () => {
      acme(home, [PEBBLE], { main: { challenge: HTTP } });
      const tried = good(await home.command('cert', 'renew', '--dry-run'));
      assert.match(tried.out, /main: pebble would issue it; nothing was changed/);
      assert.equal(existsSync(join(home.folder, 'certs/own/main/fullchain.pem')), false);
      const renewed = good(await home.command('cert', 'renew', 'main'));
      assert.match(renewed.out, /^main: renewed at pebble, good until 20/);
      assert.deepEqual(namesOf(leafOf(home)), ['corp.test', 'sip.corp.test']);
      assert.equal(statSync(join(home.folder, 'certs/own/main/key.pem')).mode & 0o777, 0o600);
      assert.equal(statSync(join(home.folder, 'var/acme/pebble/account-key.pem')).mode & 0o777, 0o600);
      assert.match(good(await home.command('cert', 'renew')).out, /main: not due before .*a third of its life/);
      assert.match((await home.command('check')).out, /good \(0 faults, 1 warning, 0 not yet\)/);
    });

    world.scene(
      'under a running edge: the next handshake shows the new one, made with the key that waited; an open connection stays',
      async () => {
        await home.isthmus.start();
        const before = leafOf(home);
        const waiting = keyHash(readFileSync(join(home.folder, 'certs/own/main/next/key.pem'), 'utf8'));
        const far = world.certificate({ names: ['far.test'] });
        const open = await handshake(EDGE, { cert: far.chainPem, key: far.keyPem });
        assert.equal(open.getPeerX509Certificate()?.fingerprint256, before.fingerprint256);
        const said = collect(open);
        open.write(
          "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='corp.test' from='far.test' version='1.0'>",
        );
        await until('features', () => said().includes('</stream:features>'));

        const report = JSON.parse(good(await home.command('cert', 'renew', 'main', '--force', '--json')).out) as {
          certificates: { kind: string }[];
        };
        assert.equal(report.certificates[0]?.kind, 'renewed');
        const after = leafOf(home);
        assert.notEqual(after.fingerprint256, before.fingerprint256);
        await until('a handshake with the new certificate', async () => (await shown(EDGE)) === after.fingerprint256);
        assert.equal(keyHash(readFileSync(join(home.folder, 'certs/own/main/key.pem'), 'utf8')), waiting);
        assert.notEqual(keyHash(readFileSync(join(home.folder, 'certs/own/main/next/key.pem'), 'utf8')), waiting);

        open.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
        await until('an answer on the old connection', () => /<success /.test(said()));
        open.destroy();
        await home.logged('cert.renewed', '"authority":"pebble"');
        const audit = good(await home.command('audit', 'list', '--json')).out;
        assert.equal(audit.split('"cert renew"').length - 1, 4, 'one line for each use, whoever did the work');
      },
    );

    world.scene('tls-alpn-01', async () => {
      acme(home, [PEBBLE], { main: { challenge: { type: 'tls-alpn-01', listen: `tls://${EDGE}:443` } } });
      const mark = pebble.process.logSize();
      good(await home.command('cert', 'renew', '--force'));
      assert.deepEqual(namesOf(leafOf(home)), ['corp.test', 'sip.corp.test']);
      assert.doesNotMatch(pebble.process.log(mark), /validate w\/ HTTP/);
    });

    world.scene(
      'dns-01 by dynamic update: a wildcard and its domain beside each other, a delegated name, and no record is left',
      async () => {
        const names = ['corp.test', '*.corp.test', 'sip.corp.test', 'cn.corp.test'];
        acme(home, [PEBBLE], {
          main: { names: names.slice(0, 3), challenge: UPDATE, key: 'rsa-2048' },
          delegated: { names: ['cn.corp.test'], challenge: UPDATE },
        });
        good(await home.command('cert', 'renew'));
        assert.deepEqual(namesOf(leafOf(home)), names.slice(0, 3).sort());
        assert.equal(leafOf(home).publicKey.asymmetricKeyType, 'rsa');
        assert.deepEqual(namesOf(leafOf(home, 'delegated')), ['cn.corp.test']);
        assert.deepEqual([...(await txt('_acme-challenge.corp.test')), ...(await txt('elsewhere.corp.test'))], []);
      },
    );

    world.scene('a key that the name server does not take, a zone that it does not have, a server that is not there', async () => {
      const tries: readonly [object, RegExp, RegExp][] = [
        [{ secret: { secret: 'wrong' } }, /NOTAUTH, TSIG BADSIG/, /secrets\/wrong is not the one/],
        [{ key: 'nobody' }, /NOTAUTH, TSIG BADKEY/, /knows no key nobody/],
        [{ zone: 'other.test' }, /_acme-challenge.* is not in the zone other.test/, /CNAME/],
        [{ server: '127.0.0.99' }, /127.0.0.99:53 \(TCP\): .*ECONNREFUSED/, /update: in certs\/acme.yaml/],
      ];
      const other = newHome('home-update');
      const broken = tries.map(([update], index) => [`c${index}`, { challenge: { ...UPDATE, update: { ...UPDATE.update, ...update } } }]);
      acme(other, [PEBBLE], Object.fromEntries(broken));
      const told = faults(await other.command('cert', 'renew', '--json'));
      for (const [index, [, text, advice]] of tries.entries()) {
        const fault = told[index];
        assert.ok(fault);
        assert.equal(fault.code, 'ACME_UPDATE');
        assert.match(fault.text, text);
        assert.match(fault.advice, advice);
      }
    });

    world.scene('what the CA could not see is told with the name, its own words and the next step', async () => {
      const other = newHome('home-unseen');
      other.file('certs/trust/inside/other.pem', makeCa('Another Authority').rootPem);
      acme(other, [PEBBLE], {
        closed: { names: ['corp.test', 'closed.corp.test'], challenge: HTTP },
        missing: { names: ['corp.test', 'missing.corp.test'], challenge: HTTP },
        taken: { challenge: { ...HTTP, listen: 'http://192.0.2.1:80' } },
      });
      const [closed, missing, taken] = faults(await other.command('cert', 'renew', '--json'));
      assert.equal(closed?.code, 'ACME_NOT_REACHED');
      assert.match(closed.text, /^closed.corp.test: http-01 failed; the CA said: .* \(connection\)$/);
      assert.match(closed.advice, /http:\/\/closed.corp.test\/.well-known\/acme-challenge\/.* port 80 must be open/);
      assert.equal(missing?.code, 'ACME_NOT_REACHED');
      assert.match(missing.advice, /A and AAAA of missing.corp.test must lead here/);
      assert.equal(taken?.code, 'ACME_LISTEN');
      assert.match(taken.text, /http:\/\/192.0.2.1:80 cannot be opened: .*EADDRNOTAVAIL/);
      acme(other, [{ ...PEBBLE, trust: 'certs/trust/inside/other.pem' }], { main: { challenge: HTTP } });
      assert.match((await other.command('cert', 'renew')).out, /ACME_TLS: https:\/\/127.0.4.1:14000: /);
      assert.deepEqual(readdirSync(join(other.folder, 'var/acme')).sort(), ['pebble', 'state.json']);
      assert.equal(existsSync(join(other.folder, 'certs/own/main/fullchain.pem')), false);
    });

    world.scene('an authority that opens accounts at its desk only, and a hook that writes the records', async () => {
      const hooked = newHome('home-hook', CHALLENGE_DNS);
      const script = join(world.folder, 'dns-hook.mjs');
      const diary = join(world.folder, 'dns-hook.log');
      writeFileSync(
        script,
        `import { appendFileSync } from 'node:fs';
const [act, name, value] = process.argv.slice(2);
appendFileSync(${JSON.stringify(diary)}, [act, name, process.env.ISTHMUS_ACME_VALUE === value].join(' ') + '\\n');
const path = act === 'present' ? 'set-txt' : 'clear-txt';
const answer = await fetch('http://${CHALLENGE_DNS}:8055/' + path, { method: 'POST', body: JSON.stringify({ host: name + '.', value }) });
if (!answer.ok) throw new Error('no');`,
      );
      const challenge = { type: 'dns-01', hook: [process.execPath, script], wait: '10s' };
      const certificates = { main: { names: ['corp.test', '*.corp.test'], challenge } };
      acme(hooked, [authority('picky', picky.directory)], certificates);
      const [fault] = faults(await hooked.command('cert', 'renew', '--json'));
      assert.equal(fault?.code, 'ACME_EXTERNAL_ACCOUNT');
      acme(hooked, [authority('picky', picky.directory, { externalAccount: { kid: 'kid-2', hmac: { secret: 'desk' } } })], certificates);
      const [unknown] = faults(await hooked.command('cert', 'renew', '--force', '--json'));
      assert.equal(unknown?.code, 'ACME_EXTERNAL_ACCOUNT');
      acme(hooked, [authority('picky', picky.directory, { externalAccount: { kid: 'kid-1', hmac: { secret: 'desk' } } })], certificates);
      good(await hooked.command('cert', 'renew', '--force'));
      assert.deepEqual(namesOf(leafOf(hooked)), ['*.corp.test', 'corp.test']);
      assert.deepEqual(readFileSync(diary, 'utf8').trim().split('\n'), [
        'present _acme-challenge.corp.test true',
        'present _acme-challenge.corp.test true',
        'cleanup _acme-challenge.corp.test true',
        'cleanup _acme-challenge.corp.test true',
      ]);
      writeFileSync(script, 'console.error("the provider says no"); process.exit(3);');
      const [broken] = faults(await hooked.command('cert', 'renew', '--force', '--json'));
      assert.equal(broken?.code, 'ACME_HOOK');
      assert.match(broken.text, /present _acme-challenge.corp.test \S+: it ended with status 3: the provider says no/);
    });

    world.scene('an edge without a certificate gets one by itself, from the second authority because the first is dead', async () => {
      await home.isthmus.stop();
      const bare = newHome('home-bare');
      acme(bare, [DEAD, PEBBLE], { main: { challenge: HTTP } });
      await bare.isthmus.start();
      const failed = await bare.logged('cert.renewalFailed', '"authority":"dead"');
      assert.equal(failed.code, 'ACME_UNREACHABLE');
      await bare.logged('cert.renewed', '"authority":"pebble"');
      const leaf = leafOf(bare);
      await until('a handshake with it', async () => (await shown(EDGE)) === leaf.fingerprint256);
      const state = JSON.parse(readFileSync(join(bare.folder, 'var/acme/state.json'), 'utf8')) as {
        certificates: { main: { authority: string } };
      };
      assert.equal(state.certificates.main.authority, 'pebble');
      assert.deepEqual(readdirSync(join(bare.folder, 'var/acme')).sort(), ['dead', 'pebble', 'state.json']);
      await bare.isthmus.stop();
    });
  });
}

function handshake(host: string, ours: { cert?: string; key?: string } = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect(
      { host, port: 5270, servername: 'corp.test', rejectUnauthorized: false, ALPNProtocols: ['xmpp-server'], ...ours },
      () => resolve(socket),
    );
    socket.on('error', reject);
  });
}

async function shown(host: string): Promise<string | undefined> {
  const socket = await handshake(host).catch(() => undefined);
  const fingerprint = socket?.getPeerX509Certificate()?.fingerprint256;
  socket?.destroy();
  return fingerprint;
}

function collect(socket: TLSSocket): () => string {
  let said = '';
  socket.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
  return () => said;
}

function keyHash(pem: string): string {
  return createHash('sha256')
    .update(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
    .digest('hex');
}
