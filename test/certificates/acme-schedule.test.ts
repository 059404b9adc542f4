import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readRenewalInfo, renewalId } from '../../src/certificates/acme/ari.ts';
import { txtValue } from '../../src/certificates/acme/challenge-dns.ts';
import { runHook } from '../../src/certificates/acme/challenge-hook.ts';
import { retryAfter } from '../../src/certificates/acme/client.ts';
import { AcmeError, codeOfChallenge, codeOfProblem, faultOf, problemOf, showProblem } from '../../src/certificates/acme/fault.ts';
import { bindExternalAccount, newAccountKeyPem, readAccountKey, signJws } from '../../src/certificates/acme/jws.ts';
import { dueOf, nextTry } from '../../src/certificates/renewal/schedule.ts';
import { makeCa } from '../support/ca.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NOW = Date.parse('2026-10-01T00:00:00Z');

// --- when ---------------------------------------------------------------------------------------------------------

const leafOf = (days: number, names = ['corp.example', 'sip.corp.example']): X509Certificate =>
  new X509Certificate(makeCa('Some').issue({ names, notBefore: new Date(NOW), notAfter: new Date(NOW + days * DAY_MS) }).certPem);
const wanted = { names: ['corp.example', 'sip.corp.example'] };
const daysIn = (at: number): number => (at - NOW) / DAY_MS;

test('a third before the end, whatever the life: 90, 47 and 6 days', () => {
  for (const days of [90, 47, 6])
    assert.equal(Math.round(daysIn(dueOf(wanted, leafOf(days), undefined, NOW).at) * 100), Math.round((days / 3) * 200));
});

test('renewBefore is obeyed, but never so that every certificate is due the day it comes', () => {
  assert.equal(daysIn(dueOf({ ...wanted, renewBeforeMs: 20 * DAY_MS }, leafOf(90), undefined, NOW).at), 70);
  assert.equal(daysIn(dueOf({ ...wanted, renewBeforeMs: 60 * DAY_MS }, leafOf(6), undefined, NOW).at), 4);
});

test('none yet, or one without a name that is wanted now: at once', () => {
  assert.deepEqual(dueOf(wanted, undefined, undefined, NOW), { at: NOW, because: 'there is no certificate yet' });
  const due = dueOf({ names: [...wanted.names, 'new.example'] }, leafOf(90), undefined, NOW);
  assert.deepEqual(due, { at: NOW, because: 'the one in force does not name new.example' });
});

test('the CA may ask for an earlier time and is not waited for when it asks for a later one', () => {
  const info = { start: NOW, end: NOW + DAY_MS, askAt: NOW, explanation: 'https://ca.example/incident' };
  const early = dueOf(wanted, leafOf(90), { ...info, renewAt: NOW + HOUR_MS }, NOW);
  assert.deepEqual(early, { at: NOW + HOUR_MS, because: 'the CA asks for it then (https://ca.example/incident)' });
  assert.equal(daysIn(dueOf(wanted, leafOf(90), { ...info, renewAt: NOW + 80 * DAY_MS }, NOW).at), 60);
});

test('a CA that hands out what it wants renewed at once is not asked for it for ever', () => {
  const info = { start: 0, end: NOW - DAY_MS, renewAt: NOW - 2 * DAY_MS, askAt: NOW };
  assert.equal(daysIn(dueOf(wanted, leafOf(90), info, NOW, NOW).at), 1);
  assert.equal(daysIn(dueOf(wanted, leafOf(2), info, NOW, NOW).at), 0.5);
  assert.equal(dueOf({ names: ['new.example'] }, leafOf(90), info, NOW, NOW).at, NOW);
});

test('pauses grow to a day, never below a quarter of an hour, and the authority may ask for more', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => (nextTry(failures, 'ACME_DNS', undefined, NOW, () => 0) - NOW) / 60_000);
  assert.deepEqual(pauses, [15, 30, 60, 180, 360, 720, 1440, 1440, 1440]);
  assert.equal(nextTry(1, 'ACME_DNS', undefined, NOW, () => 0.999) <= NOW + 16.5 * 60_000, true);
  assert.equal(
    nextTry(1, 'ACME_LIMITED', NOW + 30 * HOUR_MS, NOW, () => 0),
    NOW + 30 * HOUR_MS,
  );
  assert.equal(
    nextTry(1, 'ACME_LIMITED', undefined, NOW, () => 0),
    NOW + HOUR_MS,
  );
  // Five failed checks an hour and a name is what the largest authority allows.
  let at = NOW;
  const tries = [at];
  for (let failures = 1; failures < 20; failures++) tries.push((at = nextTry(failures, 'ACME_DNS', undefined, at, () => 0)));
  for (const [index, one] of tries.entries()) assert.ok(tries.slice(index).filter((other) => other < one + HOUR_MS).length <= 3);
});

// --- renewal information (RFC 9773) ---------------------------------------------------------------------------------

test('the identifier of RFC 9773 §4.1', () => {
  // Appendix A of the RFC.
  const leaf = new X509Certificate(`-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`);
  assert.equal(renewalId(leaf), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
});

test('a moment is drawn within the window once, and again only when the window moves away from it', () => {
  const body = (start: number, end: number) => ({
    suggestedWindow: { start: new Date(start).toISOString(), end: new Date(end).toISOString() },
  });
  const first = readRenewalInfo(body(NOW, NOW + DAY_MS), 3_600_000, NOW, () => 0.25);
  assert.deepEqual(first, { start: NOW, end: NOW + DAY_MS, renewAt: NOW + DAY_MS / 4, askAt: NOW + HOUR_MS });
  assert.equal(readRenewalInfo(body(NOW - 1, NOW + 2 * DAY_MS), undefined, NOW, () => 0.9, first)?.renewAt, NOW + DAY_MS / 4);
  assert.equal(readRenewalInfo(body(NOW - 2 * DAY_MS, NOW - DAY_MS), undefined, NOW, () => 0.5, first)?.renewAt, NOW - 1.5 * DAY_MS);
  assert.equal(
    readRenewalInfo(body(NOW, NOW), undefined, NOW, () => 0),
    undefined,
  );
  assert.equal(
    readRenewalInfo({ suggestedWindow: 'soon' }, undefined, NOW, () => 0),
    undefined,
  );
  // Six hours without Retry-After; a CA that wants to be asked every second or in a year is not obeyed.
  const askIn = (ms: number | undefined) => readRenewalInfo(body(NOW, NOW + 1), ms, NOW, () => 0)!.askAt - NOW;
  assert.deepEqual([askIn(undefined), askIn(0), askIn(365 * DAY_MS)], [6 * HOUR_MS, 60_000, DAY_MS]);
});

// --- what the authority says ------------------------------------------------------------------------------------------

test('Retry-After as seconds and as a date, bounded', () => {
  assert.equal(retryAfter('120', NOW), 120_000);
  assert.equal(retryAfter('Thu, 01 Oct 2026 00:10:00 GMT', NOW), 600_000);
  assert.equal(retryAfter('Thu, 01 Oct 2020 00:10:00 GMT', NOW), 0);
  assert.equal(retryAfter('999999999', NOW), 7 * DAY_MS);
  assert.equal(retryAfter('soon', NOW), undefined);
});

test('a problem document becomes a code and one line, whatever stands in it', () => {
  const caa = problemOf({
    type: 'urn:ietf:params:acme:error:compound',
    detail: 'Several\nthings\u001b[31m',
    subproblems: [{ type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids', identifier: { type: 'dns', value: 'corp.example' } }],
  });
  assert.equal(codeOfProblem(caa), 'ACME_CAA');
  assert.equal(showProblem(caa), 'Several things [31m (compound): corp.example: CAA forbids (caa)');
  const found = problemOf({ type: 'urn:ietf:params:acme:error:unauthorized', detail: 'x'.repeat(5000) });
  assert.equal(codeOfProblem(found), 'ACME_ACCOUNT');
  assert.equal(codeOfChallenge(found), 'ACME_WRONG_ANSWER');
  assert.ok(showProblem(found).length < 700);
  for (const odd of [null, 3, 'text', [], { type: 4, subproblems: 'no' }]) assert.equal(codeOfProblem(problemOf(odd)), 'ACME_ANSWER');
});

test('a failure names the time before which nothing helps', () => {
  const fault = faultOf(new AcmeError('ACME_LIMITED', 'too many', { notBefore: NOW, problem: 'rateLimited' }), 'first');
  assert.match(fault.advice, /nothing helps but waiting.*Not before 2026-10-01T00:00:00.000Z$/);
  assert.deepEqual([fault.authority, fault.problem, fault.notBefore], ['first', 'rateLimited', NOW]);
});

// --- small things -----------------------------------------------------------------------------------------------------

test('a request is signed over nonce and address; the binding by the key of the desk', () => {
  const account = readAccountKey(newAccountKeyPem());
  const jws = signJws(account, { kid: 'https://ca.example/1' }, 'https://ca.example/order', 'abc', undefined);
  assert.equal(jws.payload, '');
  assert.deepEqual(JSON.parse(Buffer.from(jws.protected, 'base64url').toString()), {
    alg: 'ES256',
    nonce: 'abc',
    url: 'https://ca.example/order',
    kid: 'https://ca.example/1',
  });
  const binding = bindExternalAccount(account, 'kid', Buffer.from('key').toString('base64url'), 'https://ca.example/new');
  assert.deepEqual(JSON.parse(Buffer.from(binding.payload, 'base64url').toString()), account.jwk);
  // FIPS 180-4: SHA-256 of "abc", base64url.
  assert.equal(txtValue('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

test('a hook is given its words as they are, is bounded in time, and says why it failed', async () => {
  const script = 'process.exit(process.argv[1] === "a b; $(id)" && process.env.SECRET_OF_OURS === undefined ? 0 : 4)';
  process.env.SECRET_OF_OURS = 'x';
  await runHook([process.execPath, '-e', script], ['a b; $(id)'], {});
  delete process.env.SECRET_OF_OURS;
  await assert.rejects(runHook(['/nowhere/hook'], [], {}), /\/nowhere\/hook: it cannot be run: .*ENOENT/);
  await assert.rejects(
    runHook([process.execPath, '-e', 'setInterval(() => {}, 1000)'], [], {}, undefined, 100),
    /it did not end within 0.1 s/,
  );
});
