// What is known of real partners' certificates: their passports, whether they take ours, certificates that are revoked
// (asked over HTTP), and POSH. Real Prosody servers, a responder and a web server of the test's own.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/edge/system-clock.ts';
import type { Passport } from '../../src/model/passport.ts';
import { openStore } from '../../src/store/store.ts';
import { makeCa } from '../support/ca.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  INSIDE,
  type Organisation,
  organisation,
  records,
  sipUser,
  startKamailio,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { status } from '../support/sip-message.ts';
import { ocspResponse, statusExtensions } from '../support/status-parts.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import type { XmppUser } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('what is known of partners', { skip: noWorld });
} else {
  describe('what is known of partners', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora');
    const GOOD = organisation('good.test', '127.0.3.1', 'juliet');
    const WARY = organisation('wary.test', '127.0.3.2', 'wanda');
    const REVOKED = organisation('revoked.test', '127.0.3.3', 'rita');
    const HOSTED = organisation('hosted.test', '127.0.3.4', 'hal');
    const WEB = '127.0.9.1';
    const known = records([GOOD, WARY, REVOKED, HOSTED], [], [CORP.domain], [CORP]);
    const world = await World.open({ ...known, hosts: { ...known.hosts, [HOSTED.domain]: WEB, 'ocsp.test': WEB } });
    const stranger = makeCa('Nobody We Know');
    const good = (of: Organisation) => certificateOf(world, of);

    const asked = statusExtensions({ ocsp: 'http://ocsp.test:8080/' });
    const revoked = world.certificate({ names: [REVOKED.domain, REVOKED.host], extensions: asked });
    const posh = certificateOf(world, HOSTED, 'selfSigned');
    await serve(world, revoked.certPem, posh.certPem, HOSTED.domain, WEB);

    const listed = { allow: { theySee: ['availability'] }, allowPrivateAddresses: true };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, xmpp: [`starttls://${EDGE.address}:5269`] },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
      },
      domains: { [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host } },
      policy: { federation: 'closed' },
      partners: {
        [GOOD.domain]: listed,
        [WARY.domain]: listed,
        [REVOKED.domain]: { ...listed, xmpp: { revocation: 'hard' } },
        [HOSTED.domain]: { ...listed, xmpp: { posh: true } },
      },
      own: { corp: world.certificate({ names: [CORP.domain, EDGE.host, INSIDE.host] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
    });
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    const noRoots = join(world.room('wary-roots'), 'roots.pem');
    home.file('../wary-roots/roots.pem', stranger.rootPem);
    await Promise.all([
      startProsody(world, GOOD, good(GOOD)),
      startProsody(world, WARY, good(WARY), { rootsFile: noRoots }),
      startProsody(world, REVOKED, revoked),
      startProsody(world, HOSTED, posh, { clientCertificate: good(HOSTED) }),
      startKamailio(world, CORP, good(CORP), through, [CORP.domain]),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, CORP, 'nora');

    world.scene('a partner that is reached has a passport, and takes our certificate', async () => {
      const juliet = await xmppUser(world, GOOD, 'juliet');
      await isReached(juliet);
      const out = await passport(GOOD, 'out', (one) => one.tookOurs !== undefined);
      assert.equal(out.tookOurs, true);
      assert.deepEqual(out.names, [GOOD.domain, GOOD.host]);
      assert.equal(out.tlsVersion, 'TLSv1.3');
      assert.equal(out.chain.length, 2);
      const line = await home.logged('partner.certificate', GOOD.domain);
      assert.equal(line.change, 'first');
    });

    world.scene('a partner that does not believe our certificate is known for it', async () => {
      const wanda = await xmppUser(world, WARY, 'wanda');
      await nora.message(wanda.jid, 'nobody will read this');
      const out = await passport(WARY, 'out', (one) => one.tookOurs !== undefined);
      assert.equal(out.tookOurs, false);
    });

    world.scene('a partner with a revoked certificate is refused under revocation: hard, by word of the responder', async () => {
      const rita = await xmppUser(world, REVOKED, 'rita');
      await nora.message(rita.jid, 'hello?');
      const line = await home.logged('outbox.waits', REVOKED.domain, 'CERT_PEER_REVOKED');
      assert.ok(line);
      await home.logged('revocation.found', 'ocsp.test:8080');
      assert.equal(await find(REVOKED, 'out'), undefined, 'who is not proven has no passport');
    });

    world.scene('a partner that is hosted elsewhere is proven by what it publishes, both ways', async () => {
      const hal = await xmppUser(world, HOSTED, 'hal');
      await isReached(hal);
      const text = `from hal ${crypto.randomUUID()}`;
      await hal.write(nora.aor, text);
      assert.equal((await nora.messageFrom(hal.jid)).body, text);
      await home.logged('decision.allowed', hal.jid, '"proof":"posh"');
    });

    async function isReached(person: XmppUser): Promise<void> {
      const text = `from nora ${crypto.randomUUID()}`;
      assert.equal(status(await nora.message(person.jid, text)), 200);
      await person.message(nora.aor, (stanza) => stanza.getChildText('body') === text);
    }

    function passport(of: Organisation, direction: 'in' | 'out', ready: (one: Passport) => boolean): Promise<Passport> {
      return until(`the passport of ${of.domain}`, async () => {
        const one = await find(of, direction);
        return one !== undefined && ready(one) ? one : undefined;
      });
    }
    async function find(of: Organisation, direction: 'in' | 'out'): Promise<Passport | undefined> {
      const store = openStore({ folder: join(home.folder, 'var'), clock: systemClock, mode: 'visit' });
      try {
        return await store.passports.get(of.domain, 'xmpp', direction);
      } finally {
        store.close();
      }
    }
  });
}

/** The responder that knows of the revocation, and the web server of the hosted domain. */
async function serve(world: World, revokedPem: string, hostedPem: string, hosted: string, address: string): Promise<void> {
  const certificate = new X509Certificate(revokedPem);
  const issuer = new X509Certificate(world.ca.issuingPem);
  const answer = ocspResponse({ certificate, issuer, key: world.ca.issuing.key, status: 'revoked' });
  const responder = createHttp((_request, response) => response.end(answer));
  const digest = Buffer.from(new X509Certificate(hostedPem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64');
  const page = JSON.stringify({ fingerprints: [{ 'sha-256': digest }], expires: 3600 });
  const pair = world.certificate({ names: [hosted] });
  const web = createHttps({ key: pair.keyPem, cert: pair.chainPem }, (request, response) => {
    if (request.url === '/.well-known/posh/xmpp-server.json') response.end(page);
    else response.writeHead(404).end();
  });
  await Promise.all([
    new Promise<void>((resolve) => void responder.listen(8080, address, resolve)),
    new Promise<void>((resolve) => void web.listen(443, address, resolve)),
  ]);
  world.atEnd(() => {
    responder.close();
    web.close();
  });
}
