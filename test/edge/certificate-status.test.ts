// Whether a certificate is revoked: who is asked in which order, what is remembered, and what `revocation:` makes of it.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { CertificateStatus } from '../../src/edge/certificate-status.ts';
import { makeConnector } from '../../src/edge/connect.ts';
import { pemBlocks } from '../../src/edge/pem.ts';
import { statusRefuses } from '../../src/edge/status-rule.ts';
import type { Web, WebAnswer, WebRequest } from '../../src/edge/web.ts';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { ConnectError } from '../../src/model/ports.ts';
import type { PartnerSip } from '../../src/model/table.ts';
import { type Issued, makeCa } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ocspResponse, statusExtensions } from '../support/status-parts.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const OCSP = 'http://ocsp.example/q';
const LIST = 'http://lists.example/1.crl';
const HOUR_MS = 3_600_000;
const ca = makeCa('Status');
const issuer = new X509Certificate(ca.issuingPem);
const leafWith = (places: Parameters<typeof statusExtensions>[0]): Issued =>
  ca.issue({ names: ['partner.example'], extensions: statusExtensions(places) });
const both = leafWith({ ocsp: OCSP, list: LIST });
const x509 = (one: Issued) => new X509Certificate(one.certPem);
const listOf = (revoked: readonly Issued[], by = ca): Buffer => pemBlocks(by.crlPem(revoked), 'X509 CRL')[0]!; // it made one
type Reply = (request: WebRequest & { readonly url: string }) => Buffer | number;

/** A web of two servers, and what was asked of it. */
function world(replies: { readonly ocsp?: Reply; readonly list?: Reply } = {}) {
  // Dates in certificates are real ones.
  const clock = Object.assign(new ManualClock(), { now: () => Date.now() + clock.monotonic() - 1_000_000 });
  const asked: string[] = [];
  const web: Web = {
    async fetch(url, request = {}): Promise<WebAnswer> {
      const isOcsp = url.startsWith(OCSP);
      asked.push(`${request.method ?? 'GET'} ${isOcsp ? 'ocsp' : 'list'}`);
      const reply = (isOcsp ? replies.ocsp : replies.list)?.({ ...request, url });
      if (reply === undefined) throw new ConnectError(reason('NET_CONNECT_REFUSED', 'nobody is there'));
      return {
        status: typeof reply === 'number' ? reply : 200,
        headers: new Map(),
        body: typeof reply === 'number' ? Buffer.alloc(0) : reply,
        url,
      };
    },
  };
  const status = new CertificateStatus({ web, clock, log: SILENT });
  const about = (one: Issued) => ({ certificate: x509(one), issuer, allowPrivateAddresses: false });
  return { clock, asked, status, about };
}
const respond =
  (one: Issued, more: Partial<Parameters<typeof ocspResponse>[0]> = {}): Reply =>
  () =>
    ocspResponse({ certificate: x509(one), issuer, key: ca.issuing.key, ...more });

describe('certificate status', () => {
  it('comes from the responder, by GET, and is then known without asking', async () => {
    const { status, about, asked } = world({ ocsp: respond(both) });
    assert.equal((await status.ask(about(both))).is, 'good');
    assert.equal((await status.ask(about(both))).is, 'good');
    assert.equal(status.known(about(both))?.is, 'good');
    assert.deepEqual(asked, ['GET ocsp']);
  });

  it('is asked by POST where GET is not answered', async () => {
    const { status, about, asked } = world({ ocsp: (request) => (request.method === 'POST' ? respond(both)(request) : 405) });
    assert.equal((await status.ask(about(both))).is, 'good');
    assert.deepEqual(asked, ['GET ocsp', 'POST ocsp']);
  });

  it('comes from the revocation list where no responder has a word', async () => {
    const { status, about, asked } = world({ list: () => listOf([]) });
    const word = await status.ask(about(both));
    assert.equal(word.is, 'good');
    assert.match(word.how, /revocation list, http:\/\/lists\.example/);
    assert.deepEqual(asked, ['GET ocsp', 'POST ocsp', 'GET list']);
  });

  it('fetches a list once for all certificates that name it', async () => {
    const others = [leafWith({ list: LIST }), leafWith({ list: LIST })];
    const { status, about, asked } = world({ list: () => listOf(others.slice(1)) });
    assert.deepEqual(await Promise.all([(await status.ask(about(others[0]!))).is, (await status.ask(about(others[1]!))).is]), [
      'good',
      'revoked',
    ]);
    assert.deepEqual(asked, ['GET list']);
    assert.equal(status.generation, 1);
  });

  const lists: readonly (readonly [string, Reply, RegExp])[] = [
    ['another authority', () => listOf([both], makeCa('Other')), /not signed by the issuer/],
    ['an authority of the same name', () => listOf([both], makeCa('Status')), /not signed by the issuer/],
    [
      'last month',
      () => pemBlocks(ca.issuing.crlPem([], { nextUpdate: new Date(Date.now() - 24 * HOUR_MS) }), 'X509 CRL')[0]!,
      /been replaced/,
    ],
    ['next month', () => pemBlocks(ca.issuing.crlPem([], { thisUpdate: new Date(Date.now() + 24 * HOUR_MS) }), 'X509 CRL')[0]!, /future/],
    ['nobody: it is a web page', () => Buffer.from('<html>not here</html>'), /no revocation list/],
    ['nobody: it is empty', () => Buffer.alloc(0), /no revocation list/],
    ['nobody: 404', () => 404, /answered 404/],
  ];
  for (const [title, list, why] of lists) {
    it(`is no word when the list is of ${title}`, async () => {
      const { status, about } = world({ list });
      const word = await status.ask(about(leafWith({ list: LIST })));
      assert.equal(word.is, 'unknown');
      assert.match(word.how, why);
    });
  }

  it('is unknown when the certificate names nobody', async () => {
    const { status, about, asked } = world();
    assert.match((await status.ask(about(leafWith({})))).how, /names nobody/);
    assert.deepEqual(asked, []);
  });

  it('is renewed ahead of its end, and a failure takes nothing back', async () => {
    let up = true;
    const nextUpdate = new Date(Date.now() + 4 * HOUR_MS);
    const { status, about, clock, asked } = world({
      ocsp: () => (up ? respond(both, { nextUpdate })({ url: OCSP }) : 500),
      list: () => 500,
    });
    await status.ask(about(both));
    clock.advance(2.9 * HOUR_MS);
    assert.equal(status.known(about(both))?.is, 'good');
    assert.deepEqual(asked.length, 1);
    up = false;
    clock.advance(0.2 * HOUR_MS);
    assert.equal(status.known(about(both))?.is, 'good', 'asked in the background');
    assert.deepEqual(asked.length, 2);
    assert.equal((await status.ask(about(both))).is, 'good', 'not yet run out');
    clock.advance(1 * HOUR_MS);
    assert.equal(status.known(about(both)), undefined);
  });

  it('is not asked in the background by a command that ends when it has its answer', async () => {
    let asked = 0;
    const web: Web = { fetch: async (url) => ({ status: ++asked && 500, headers: new Map(), body: Buffer.alloc(0), url }) };
    const status = new CertificateStatus({ web, clock: new ManualClock(), log: SILENT, background: false });
    const question = { certificate: x509(both), issuer, allowPrivateAddresses: false };
    assert.equal(status.known(question), undefined);
    assert.equal(asked, 0);
    assert.equal((await status.ask(question)).is, 'unknown');
    assert.equal(asked, 3);
  });

  it('stays revoked until somebody says otherwise', async () => {
    let reply: Reply = respond(both, { status: 'revoked' });
    const { status, about, clock } = world({ ocsp: (request) => reply(request) });
    assert.match((await status.ask(about(both))).how, /revoked on 2026-01-02/);
    reply = () => 500;
    clock.advance(30 * 24 * HOUR_MS);
    assert.equal(status.known(about(both))?.is, 'revoked');
  });

  it('becomes good again by a later word only: a certificate that was on hold', async () => {
    const { status, about } = world();
    const hour = (ago: number, word: 'good' | 'revoked') =>
      status.stapled(
        about(both),
        ocspResponse({
          certificate: x509(both),
          issuer,
          key: ca.issuing.key,
          status: word,
          thisUpdate: new Date(Date.now() - ago * HOUR_MS),
        }),
      );
    assert.equal((await hour(2, 'revoked'))?.is, 'revoked');
    assert.equal((await hour(3, 'good'))?.is, 'revoked');
    assert.equal((await hour(1, 'good'))?.is, 'good');
  });
});

describe('revocation: of a partner', () => {
  const judge = (
    w: ReturnType<typeof world>,
    one: Issued,
    rule: 'soft' | 'hard' | 'off',
    more: { staple?: Buffer; direction?: 'in' | 'out' } = {},
  ) =>
    statusRefuses({
      ...w.about(one),
      status: w.status,
      clock: w.clock,
      rule,
      direction: 'in',
      where: { file: 'routes/partners/partner.example.yaml', key: 'sip.revocation' },
      ...more,
    });

  it('soft: waits for nobody, and refuses from the moment the word is there', async () => {
    const w = world({ ocsp: respond(both, { status: 'revoked' }) });
    assert.equal(await judge(w, both, 'soft'), undefined);
    await w.status.ask(w.about(both));
    assert.equal(w.status.generation, 1, 'what was believed must be looked at again');
    assert.equal((await judge(w, both, 'soft'))?.code, 'CERT_PEER_REVOKED');
    assert.deepEqual(w.asked, ['GET ocsp']);
  });

  it('hard: a good word is needed', async () => {
    assert.equal(await judge(world({ ocsp: respond(both) }), both, 'hard'), undefined);
    assert.equal((await judge(world({ ocsp: respond(both, { status: 'revoked' }) }), both, 'hard'))?.code, 'CERT_PEER_REVOKED');
    const none = await judge(world(), both, 'hard');
    assert.equal(none?.code, 'CERT_PEER_REVOCATION_UNKNOWN');
    assert.match(none?.text ?? '', /revocation: hard.*nobody is there/);
    assert.equal(none?.key, 'sip.revocation');
  });

  it('hard: five seconds are enough', async () => {
    const w = world();
    const silent = { generation: 0, known: () => undefined, stapled: async () => undefined, ask: () => new Promise<never>(() => {}) };
    const asking = statusRefuses({ ...w.about(both), status: silent, clock: w.clock, rule: 'hard', direction: 'in' });
    await new Promise((resolve) => setImmediate(resolve));
    w.clock.advance(5000);
    assert.match((await asking)?.text ?? '', /no answer within 5 s/);
  });

  it('off: nobody is asked, and a staple is not looked at', async () => {
    const w = world({ ocsp: respond(both, { status: 'revoked' }) });
    const staple = ocspResponse({ certificate: x509(both), issuer, key: ca.issuing.key, status: 'revoked' });
    assert.equal(await judge(w, both, 'off', { staple }), undefined);
    assert.deepEqual(w.asked, []);
  });

  it('a stapled word is enough, without any network', async () => {
    const w = world();
    const staple = (status: 'good' | 'revoked') => ocspResponse({ certificate: x509(both), issuer, key: ca.issuing.key, status });
    assert.equal(await judge(w, both, 'hard', { staple: staple('good'), direction: 'out' }), undefined);
    assert.equal((await judge(w, both, 'soft', { staple: staple('revoked'), direction: 'out' }))?.code, 'CERT_PEER_REVOKED');
    assert.deepEqual(w.asked, []);
  });

  it('a staple that says nothing is as none', async () => {
    const w = world();
    const staple = ocspResponse({ certificate: x509(both), issuer, key: makeCa('Other').issuing.key });
    assert.equal((await judge(w, both, 'hard', { staple, direction: 'out' }))?.code, 'CERT_PEER_REVOCATION_UNKNOWN');
    assert.equal(await judge(w, both, 'soft', { staple, direction: 'out' }), undefined);
  });

  it('a server whose certificate must be stapled needs a word, a client does not', async () => {
    const must = leafWith({ mustStaple: true });
    assert.match((await judge(world(), must, 'soft', { direction: 'out' }))?.text ?? '', /RFC 7633/);
    assert.equal(await judge(world(), must, 'soft', { direction: 'in' }), undefined);
  });
});

describe('on connections', () => {
  const partnerWith = (revocation: PartnerSip['revocation']) => {
    const base = partner('partner.example');
    return table([ownDomain('corp.example', 'sip')], [{ ...base, sip: { ...base.sip, revocation } }]);
  };

  it('a partner that connects is refused under hard, and once it is found revoked on the same connection', async () => {
    const { status } = world({ ocsp: respond(both, { status: 'revoked' }) });
    await using edge = new EdgeWorld({ systemRoots: [ca.rootPem], table: partnerWith('soft') });
    Object.assign(edge.edge, { status });
    const { port, next } = await edge.listen();
    const socket = await dial(port, both);
    const { peer } = await next();
    assert.equal((await peer.proves('partner.example', 'sip')).proven, true);
    await status.ask({ certificate: x509(both), issuer, allowPrivateAddresses: true });
    assert.equal(peer.provenAlready('partner.example', 'sip'), undefined, 'it must be asked again');
    const again = await peer.proves('partner.example', 'sip');
    assert.equal(!again.proven && again.reason.code, 'CERT_PEER_REVOKED');
    socket.destroy();
  });

  it('the status that a partner’s server staples is read', async () => {
    const { status, asked } = world();
    await using edge = new EdgeWorld({ systemRoots: [ca.rootPem], table: partnerWith('hard') });
    Object.assign(edge.edge, { status });
    let word: 'good' | 'revoked' | 'none' = 'good';
    const server = tls.createServer({ key: both.keyPem, cert: both.chainPem }, (socket) => socket.on('error', () => {}));
    server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, done: (error: Error | null, response: Buffer | null) => void) =>
      done(null, word === 'none' ? null : ocspResponse({ certificate: x509(both), issuer, key: ca.issuing.key, status: word })),
    );
    server.unref();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const found: string[] = [];
    for (word of ['good', 'revoked', 'good'] as const) {
      const target = {
        side: 'edge',
        protocol: 'sip',
        host: '127.0.0.1',
        port: address.port,
        tls: 'direct',
        identity: 'corp.example',
        allowPrivateAddresses: true,
      } as const;
      const link = await makeConnector({ edge: edge.edge }).connect(target, AbortSignal.timeout(5000));
      const proof = await link.peer.proves('partner.example', 'sip');
      found.push(proof.proven ? 'proven' : proof.reason.code);
      link.socket.destroy();
    }
    assert.deepEqual(found, ['proven', 'CERT_PEER_REVOKED', 'CERT_PEER_REVOKED'], 'an older word does not make it good again');
    assert.deepEqual(asked, []);
    server.close();
  });
});
