// Renewal with an authority in memory and a clock that is moved: what happens over days, and what an authority may do wrong.

import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newKeyPem } from '../../src/certificates/acme/x509.ts';
import { stageKey } from '../../src/certificates/pairs.ts';
import { Renewer } from '../../src/certificates/renewal/renewal.ts';
import type { Log } from '../../src/log.ts';
import type { AcmeAuthority, AcmeCertificate, AcmeSettings, RenewalResult } from '../../src/model/acme.ts';
import { type AuthorityOptions, FakeAuthority, webTo } from '../support/acme-authority.ts';
import { makeCa } from '../support/ca.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const where = { file: 'certs/acme.yaml', key: '' };
const MAIN: AcmeCertificate = {
  name: 'main',
  names: ['corp.example', 'sip.corp.example'],
  key: 'ecdsa-p256',
  reuseKey: false,
  challenge: { type: 'http-01', address: '127.0.0.1', port: 0 },
  where,
};
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A home in miniature: these authorities in their order, this certificate, and a log that is kept. */
function scene(
  certificate: Partial<AcmeCertificate> = {},
  hosts: readonly Partial<AuthorityOptions>[] = [{}],
  more: Partial<AcmeAuthority> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-acme-'));
  folders.push(folder);
  const clock = new ManualClock();
  const authorities = hosts.map(
    (options, index) => new FakeAuthority({ host: `ca${index + 1}.example`, now: () => clock.now(), lifeMs: 90 * DAY_MS, ...options }),
  );
  const settings: { now: AcmeSettings } = {
    now: {
      authorities: authorities.map((one, index) => ({ name: `ca${index + 1}`, directory: one.directory, contact: [], where, ...more })),
      certificates: [{ ...MAIN, ...certificate }],
    },
  };
  const lines: ({ event: string } & Record<string, unknown>)[] = [];
  const keep = (fields: { event: string } & Record<string, unknown>): void => void lines.push(fields);
  const log: Log = { child: () => log, error: keep, warn: keep, info: keep, debug: keep };
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  const make = () =>
    new Renewer({
      certs,
      stateFolder: join(folder, 'var/acme'),
      settings: () => settings.now,
      refresh: () => {},
      clock,
      random: () => 0.5,
      log,
      web: webTo(...authorities),
      secret: () => Buffer.from('a key of the desk').toString('base64url'),
      dnsServers: [],
      domains: () => ['corp.example'],
      anchors: () => ({ bySubject: () => [] }),
    });
  const renewer = make();
  const renew = async (options: { force?: boolean; dryRun?: boolean; name?: string } = {}): Promise<RenewalResult> => {
    const signal = new AbortController().signal;
    const [result] = await renewer.renew({ force: false, dryRun: false, progress: () => {}, signal, ...options });
    return result ?? { kind: 'notDue', name: '-', dueAt: 0, because: 'nothing was asked' };
  };
  /** Lets time pass in steps; after each, what the renewer began by itself has ended. */
  const live = async (ms: number, stepMs: number, look: () => void = () => {}): Promise<void> => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs);
      await renew({ name: '-' });
      look();
    }
  };
  const path = (file: string): string => join(certs, 'own/main', file);
  const leaf = (): X509Certificate => new X509Certificate(readFileSync(path('fullchain.pem')));
  return { folder, clock, authorities, settings, lines, renewer, renew, live, path, leaf, make, first: authorities[0]! };
}

const faultsOf = (result: RenewalResult) => (result.kind === 'failed' ? result.faults : []);
const publicKeyOf = (pem: string): string => createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();

test('eighteen days of six-day certificates: each is followed in time by one with the key that waited, and none ever ends', async () => {
  const { first, live, leaf, clock, renewer, path, lines } = scene({}, [{ lifeMs: 6 * DAY_MS }]);
  renewer.start();
  let waiting: string | undefined;
  let seen = '';
  await live(18 * DAY_MS, 12 * HOUR_MS, () => {
    const now = leaf();
    assert.ok(now.validToDate.getTime() > clock.now() + DAY_MS, 'a day is left at least');
    if (now.fingerprint256 !== seen && waiting !== undefined) assert.equal(now.publicKey.export({ type: 'spki', format: 'pem' }), waiting);
    seen = now.fingerprint256;
    waiting = publicKeyOf(readFileSync(path('next/key.pem'), 'utf8'));
  });
  assert.equal(first.issued.length, 5);
  assert.equal(lines.filter(({ event }) => event === 'cert.renewed').length, 5);
  await renewer.stop();
});

test('a dead authority is asked less and less, the second at once, and the first again at the next renewal', async () => {
  const { authorities, first, live, renewer, lines } = scene({}, [{}, { lifeMs: 6 * DAY_MS }]);
  const second = authorities[1]!;
  first.fails = () => 'dead';
  renewer.start();
  await live(HOUR_MS, HOUR_MS / 2);
  assert.equal(second.issued.length, 1);
  assert.deepEqual(
    lines.map(({ event, authority, code }) => [event, authority, code]),
    [
      ['cert.renewalFailed', 'ca1', 'ACME_UNREACHABLE'],
      ['cert.renewed', 'ca2', undefined],
    ],
  );
  assert.match(String(lines[0]?.advice), /Check the directory address/);
  assert.equal(first.requests.length, 1);
  first.fails = () => undefined;
  await live(5 * DAY_MS, 12 * HOUR_MS);
  assert.equal(first.issued.length, 1);
  await renewer.stop();
});

test('ten days in which every authority refuses: a bounded number of tries, the state says when and why, and then it goes on', async () => {
  const { authorities, live, renewer, clock, lines } = scene({}, [{}, {}]);
  for (const one of authorities)
    one.fails = (path) => (path === '/orders' ? { status: 403, type: 'rejectedIdentifier', detail: 'not for you' } : undefined);
  renewer.start();
  await live(10 * DAY_MS, HOUR_MS);
  for (const one of authorities) {
    const tries = one.requests.filter((line) => line === 'POST /orders').length;
    assert.ok(tries >= 10 && tries <= 17, `${tries} tries`);
  }
  const [state] = renewer.states();
  assert.ok(state !== undefined && state.failures >= 10 && state.nextTryAt > clock.now());
  assert.deepEqual(
    state.faults.map(({ code, authority, text }) => [code, authority, text]),
    [
      ['ACME_NAME_REFUSED', 'ca1', 'the CA said: not for you (rejectedIdentifier)'],
      ['ACME_NAME_REFUSED', 'ca2', 'the CA said: not for you (rejectedIdentifier)'],
    ],
  );
  for (const one of authorities) one.fails = () => undefined;
  await live(2 * DAY_MS, HOUR_MS);
  assert.equal(lines.at(-1)?.event, 'cert.renewed');
  assert.deepEqual(renewer.states()[0]?.faults, []);
  await renewer.stop();
});

test('a restart remembers who failed and who issued', async () => {
  const { first, renew, make } = scene();
  first.fails = () => 'dead';
  assert.equal((await renew()).kind, 'failed');
  const again = make();
  const signal = new AbortController().signal;
  const [result] = await again.renew({ force: false, dryRun: false, progress: () => {}, signal });
  assert.equal(result?.kind, 'failed');
  assert.equal(first.requests.length, 1, 'the authority was not asked again');
  first.fails = () => undefined;
  const [forced] = await again.renew({ force: true, dryRun: false, progress: () => {}, signal });
  assert.equal(forced?.kind, 'renewed');
  assert.equal(make().states()[0]?.authority, 'ca1');
});

test('a limit with a time is kept to the second, and told', async () => {
  const { first, renew, clock, live, renewer } = scene();
  first.fails = (path) =>
    path === '/orders' ? { status: 429, type: 'rateLimited', detail: 'too many', retryAfter: String(30 * 3600) } : undefined;
  const before = clock.now();
  const [fault] = faultsOf(await renew());
  assert.equal(fault?.code, 'ACME_LIMITED');
  assert.equal(fault.notBefore, before + 30 * HOUR_MS);
  first.fails = () => undefined;
  renewer.start();
  await live(29 * HOUR_MS, HOUR_MS);
  assert.equal(first.issued.length, 0);
  await live(3 * HOUR_MS, HOUR_MS / 2);
  assert.equal(first.issued.length, 1);
  await renewer.stop();
});

test('renewal information: asked as often as the CA says, obeyed, and the successor names what it replaces', async () => {
  const { first, live, renewer, clock, lines } = scene({}, [{ ari: true }]);
  renewer.start();
  await live(2 * HOUR_MS, HOUR_MS);
  const [before] = first.issued;
  first.window = { start: clock.now() + 40 * DAY_MS, end: clock.now() + 41 * DAY_MS };
  await live(2 * DAY_MS, HOUR_MS);
  const asked = first.requests.filter((line) => line.startsWith('GET /info/')).length;
  assert.ok(asked >= 7 && asked <= 10, `asked ${asked} times in two days`);
  assert.equal(first.issued.length, 1);
  // The CA has to revoke: the window lies in the past now.
  first.window = { start: clock.now() - DAY_MS, end: clock.now() - HOUR_MS, explanationURL: 'https://ca1.example/why' };
  await live(DAY_MS, HOUR_MS);
  assert.equal(first.issued.length, 2);
  assert.equal(first.orders[0]?.replaces, undefined);
  const [keyId, serial] = first.orders[1]?.replaces?.split('.') ?? [];
  assert.ok(keyId !== undefined && keyId.length > 0);
  assert.equal(
    Buffer.from(serial ?? '', 'base64url')
      .toString('hex')
      .toUpperCase(),
    before?.serialNumber,
  );
  assert.equal(lines.filter(({ event }) => event === 'cert.renewed').length, 2);
  await renewer.stop();
});

test('an authority that knows better what was replaced gets an order without it', async () => {
  const { first, renew, renewer } = scene({}, [{ ari: true }]);
  await renew();
  let refused = 0;
  first.fails = (path) => (path === '/orders' && refused++ === 0 ? { status: 409, type: 'alreadyReplaced' } : undefined);
  assert.equal((await renew({ force: true })).kind, 'renewed');
  assert.deepEqual([refused, first.orders.at(-1)?.replaces], [2, undefined]);
  assert.equal(renewer.states()[0]?.failures, 0);
});

test('a stale nonce is no failure, and never more than five of them', async () => {
  const { first, renew } = scene();
  let stale = 2;
  first.fails = (path) => (path === '/orders' && stale-- > 0 ? { status: 400, type: 'badNonce' } : undefined);
  assert.equal((await renew()).kind, 'renewed');
  first.fails = (path) => (path === '/orders' ? { status: 400, type: 'badNonce' } : undefined);
  first.requests.length = 0;
  assert.equal((await renew({ force: true })).kind, 'failed');
  assert.equal(first.requests.filter((line) => line === 'POST /orders').length, 5);
});

test('what the CA could not see comes with the name, its words, and what to do', async () => {
  const { first, renew } = scene();
  const tries: readonly [string, string, RegExp][] = [
    ['unauthorized', 'ACME_WRONG_ANSWER', /Something else answered on port 80 of corp.example/],
    ['dns', 'ACME_DNS', /corp.example needs an A or AAAA record/],
    ['connection', 'ACME_NOT_REACHED', /port 80 must be open/],
    ['caa', 'ACME_CAA', /CAA record/],
  ];
  for (const [type, code, advice] of tries) {
    first.challengeProblem = { type, detail: 'because' };
    const [fault] = faultsOf(await renew({ force: true }));
    assert.deepEqual([fault?.code, fault?.problem, fault?.about], [code, type, 'corp.example']);
    assert.equal(fault?.text, `corp.example: http-01 failed; the CA said: because (${type})`);
    assert.match(fault.advice, advice);
  }
});

test('a rehearsal goes as far as the CA, and neither issues, nor counts, nor changes a file', async () => {
  const { first, renew, path, renewer, folder } = scene();
  assert.deepEqual(await renew({ dryRun: true }), { kind: 'tried', name: 'main', authority: 'ca1' });
  assert.equal(first.issued.length, 0);
  first.challengeProblem = { type: 'dns', detail: 'no' };
  assert.equal((await renew({ dryRun: true })).kind, 'failed');
  assert.equal(existsSync(path('.')), false);
  assert.equal(existsSync(join(folder, 'var/acme/state.json')), false);
  assert.equal(renewer.states()[0]?.failures, 0);
});

test('a certificate for another key, or without a name, never replaces the one in force', async () => {
  const { first, renew, leaf, path } = scene();
  await renew();
  const before = leaf().fingerprint256;
  const key = readFileSync(path('key.pem'), 'utf8');
  for (const [mistake, says] of [
    ['key', /belongs to none of the certificates/],
    ['names', /does not name corp.example/],
  ] as const) {
    first.mistake = mistake;
    const [fault] = faultsOf(await renew({ force: true }));
    assert.equal(fault?.code, 'ACME_PAIR');
    assert.match(fault.text, says);
    assert.equal(leaf().fingerprint256, before);
    assert.equal(readFileSync(path('key.pem'), 'utf8'), key);
  }
  // The key that waits was in no certificate that came into force: it is still the next one.
  first.mistake = undefined;
  const waiting = publicKeyOf(readFileSync(path('next/key.pem'), 'utf8'));
  await renew({ force: true });
  assert.equal(leaf().publicKey.export({ type: 'spki', format: 'pem' }), waiting);
});

test('reuseKey keeps the key; another kind of key is made when key: says so', async () => {
  const { renew, path, settings, leaf } = scene({ reuseKey: true });
  await renew();
  const key = readFileSync(path('key.pem'), 'utf8');
  await renew({ force: true });
  assert.equal(readFileSync(path('key.pem'), 'utf8'), key);
  settings.now = { ...settings.now, certificates: [{ ...MAIN, reuseKey: true, key: 'ecdsa-p384' }] };
  await renew({ force: true });
  assert.equal(leaf().publicKey.asymmetricKeyDetails?.namedCurve, 'secp384r1');
});

test('a key that was staged ahead by somebody else is the one that is used', async () => {
  const { renew, folder, leaf } = scene();
  const pem = await newKeyPem('ecdsa-p256');
  stageKey(join(folder, 'certs'), 'main', pem);
  await renew();
  assert.equal(leaf().publicKey.export({ type: 'spki', format: 'pem' }), publicKeyOf(pem));
});

test('a new name in certs/acme.yaml is due at once; a pair that came by hand is renewed at its time', async () => {
  const { renew, settings, path, renewer, clock } = scene();
  await renew();
  assert.equal((await renew()).kind, 'notDue');
  settings.now = { ...settings.now, certificates: [{ ...MAIN, names: [...MAIN.names, 'new.example'] }] };
  assert.equal((await renew()).kind, 'renewed');
  const byHand = makeCa('Enterprise').issue({
    names: [...MAIN.names, 'new.example'],
    notBefore: new Date(clock.now() - DAY_MS),
    notAfter: new Date(clock.now() + 29 * DAY_MS),
  });
  writeFileSync(path('fullchain.pem'), byHand.chainPem);
  writeFileSync(path('key.pem'), byHand.keyPem);
  const [state] = renewer.states();
  assert.equal(state?.authority, undefined);
  assert.equal(Math.round(((state?.dueAt ?? 0) - clock.now()) / DAY_MS), 19);
});

test('where nothing can be written no certificate is asked for, and no authority is stormed', async () => {
  const { renew, folder, first, live, renewer, lines } = scene();
  writeFileSync(join(folder, 'certs/own'), 'a file where a folder should be');
  mkdirSync(join(folder, 'var'));
  writeFileSync(join(folder, 'var/acme'), 'here too');
  const [fault] = faultsOf(await renew());
  assert.match(fault?.text ?? '', /ENOTDIR|EEXIST/);
  rmSync(join(folder, 'var/acme'));
  mkdirSync(join(folder, 'var/acme/state.json'), { recursive: true });
  renewer.start();
  await live(12 * HOUR_MS, HOUR_MS / 4);
  assert.equal(first.issued.length, 0);
  const tries = first.orders.length;
  assert.ok(tries >= 5 && tries <= 7, `${tries} orders in twelve hours`);
  assert.ok(lines.some(({ event }) => event === 'store.failed'));
  assert.equal(lines.filter(({ event }) => event === 'us.bug').length, 0);
  await renewer.stop();
});

test('an account of the desk: none without a binding, none with a wrong one, one with the right one', async () => {
  const desk = { 'kid-1': Buffer.from('a key of the desk').toString('base64url') };
  assert.equal(faultsOf(await scene({}, [{ desk }]).renew())[0]?.code, 'ACME_EXTERNAL_ACCOUNT');
  const wrong = scene({}, [{ desk }], { externalAccount: { kid: 'kid-2', secret: 'hmac' } });
  const [fault] = faultsOf(await wrong.renew());
  assert.equal(fault?.code, 'ACME_EXTERNAL_ACCOUNT');
  assert.match(fault.advice, /see kid: in certs\/acme.yaml and the key in secrets\/hmac/);
  assert.equal((await scene({}, [{ desk }], { externalAccount: { kid: 'kid-1', secret: 'hmac' } }).renew()).kind, 'renewed');
});

test('a profile is asked for, and one that the CA does not have is told with those that it has', async () => {
  const good = scene({}, [{}], { profile: 'shortlived' });
  assert.equal((await good.renew()).kind, 'renewed');
  assert.equal(good.first.orders[0]?.profile, 'shortlived');
  const [fault] = faultsOf(await scene({}, [{}], { profile: 'longlived' }).renew());
  assert.match(fault?.advice ?? '', /classic, shortlived/);
});

test('another process at work is told; a lock whose process is gone is none', async () => {
  const { renew, folder } = scene();
  mkdirSync(join(folder, 'var/acme'), { recursive: true });
  writeFileSync(join(folder, 'var/acme/lock'), String(process.ppid));
  const [fault] = faultsOf(await renew());
  assert.equal(fault?.code, 'ACME_BUSY');
  writeFileSync(join(folder, 'var/acme/lock'), String(2 ** 22 + 1)); // beyond the largest number of a process
  assert.equal((await renew()).kind, 'renewed');
  assert.equal(existsSync(join(folder, 'var/acme/lock')), false);
});

test('a damaged memory begins anew, an interruption is no failure, and a port that is taken is not the fault of the CA', async () => {
  const { renew, renewer, folder, settings, first } = scene({}, [{}, {}]);
  mkdirSync(join(folder, 'var/acme'), { recursive: true });
  writeFileSync(join(folder, 'var/acme/state.json'), '{"version":1,"certif');
  const [stopped] = await renewer.renew({ force: true, dryRun: false, progress: () => {}, signal: AbortSignal.abort() });
  assert.equal(faultsOf(stopped!)[0]?.code, 'ACME_STOPPED');
  assert.equal(renewer.states()[0]?.failures, 0);
  settings.now = { ...settings.now, certificates: [{ ...MAIN, challenge: { type: 'http-01', address: '192.0.2.1', port: 80 } }] };
  const faults = faultsOf(await renew());
  assert.deepEqual(
    faults.map(({ code, authority }) => [code, authority]),
    [['ACME_LISTEN', 'ca1']],
  );
  settings.now = { ...settings.now, certificates: [MAIN] };
  assert.equal((await renew()).kind, 'failed', 'and no other authority is bothered with it at once');
  assert.equal((await renew({ force: true })).kind, 'renewed');
  assert.equal(first.issued.length, 1);
});
