import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { WebRequest } from '../../../../../src/model/web-route.ts';
import { NONCE_LASTS_MS } from '../../../../../src/protocols/sip/clients/nonces.ts';
import { type WebAdmission, WebSignIn } from '../../../../../src/protocols/sip/clients/xcap/sign-in.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { DOMAIN, nora, PASSWORDS } from '../face-world.ts';
import { MemoryCore } from '../memory-core.ts';

const PATH = `/xcap/resource-lists/users/sip:nora@${DOMAIN}/index`;

function request(authorization?: string, method = 'GET', path = PATH): WebRequest {
  return {
    ...{ method, path, query: new URLSearchParams(), host: DOMAIN, address: '192.0.2.7', connection: 'c1' },
    headers: { authorization },
    body: (async function* () {})(),
    signal: new AbortController().signal,
  };
}
const statusOf = (admission: WebAdmission): number => (admission.kind === 'user' ? 200 : admission.answer.status);

function room() {
  const core = new MemoryCore(PASSWORDS);
  const clock = new ManualClock();
  const door = new WebSignIn({ signIn: core.signIn, clock });
  const challenge = async (): Promise<{ nonce: string; header: string }> => {
    const asked = await door.admit(nora, request());
    assert.ok(asked.kind === 'answer');
    const header = asked.answer.headers?.['www-authenticate'] ?? '';
    return { header, nonce: /nonce="([^"]*)"/.exec(header)?.[1] ?? '' };
  };
  return { core, clock, door, challenge };
}

function credentials(nonce: string, password: string, more: { nc?: string; user?: string; uri?: string; method?: string } = {}): string {
  const { nc = '00000001', user = 'nora', uri = PATH, method = 'GET' } = more;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const response = hash(`${hash(`${user}:${DOMAIN}:${password}`)}:${nonce}:${nc}:c0ffee:auth:${hash(`${method}:${uri}`)}`);
  return `Digest username="${user}", realm="${DOMAIN}", nonce="${nonce}", uri="${uri}", algorithm=SHA-256, qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"`;
}

test('a client is offered both algorithms, signs in once for a nonce, and each count is good once', async () => {
  const { core, door, challenge } = room();
  const { header, nonce } = await challenge();
  assert.match(header, /algorithm=SHA-256.*, Digest .*algorithm=MD5/);
  const line = credentials(nonce, 'n0ra');
  assert.equal(statusOf(await door.admit(nora, request(line))), 200);
  assert.equal(statusOf(await door.admit(nora, request(line))), 401, 'the same again');
  assert.equal(statusOf(await door.admit(nora, request(credentials(nonce, 'n0ra', { nc: '00000002' })))), 200);
  assert.deepEqual(core.finished, [{ user: `nora@${DOMAIN}`, proven: true }]);
});

test('a wrong password, somebody else, and credentials for another request get nowhere', async () => {
  const { door, challenge } = room();
  const nonce = async (): Promise<string> => (await challenge()).nonce;
  assert.equal(statusOf(await door.admit(nora, request(credentials(await nonce(), 'wrong')))), 401);
  assert.equal(statusOf(await door.admit(nora, request(credentials(await nonce(), '0mar', { user: 'omar' })))), 403);
  assert.equal(statusOf(await door.admit(nora, request(credentials(await nonce(), 'n0ra', { uri: `${PATH}/other` })))), 400);
  assert.equal(statusOf(await door.admit(nora, request(credentials(await nonce(), 'n0ra'), 'DELETE'))), 401);
  assert.equal(statusOf(await door.admit(nora, request(credentials('bm9uZQ', 'n0ra')))), 401);
});

test('an old nonce is answered with a fresh one, and a user who was disabled is out within half a minute', async () => {
  const { core, clock, door, challenge } = room();
  const { nonce } = await challenge();
  assert.equal(statusOf(await door.admit(nora, request(credentials(nonce, 'n0ra')))), 200);
  const person = core.people.get(`nora@${DOMAIN}`);
  assert.ok(person !== undefined);
  person.disabled = true;
  clock.advance(30_000);
  assert.equal(statusOf(await door.admit(nora, request(credentials(nonce, 'n0ra', { nc: '00000002' })))), 401);
  person.disabled = false;
  clock.advance(NONCE_LASTS_MS);
  const stale = await door.admit(nora, request(credentials(nonce, 'n0ra', { nc: '00000003' })));
  assert.ok(stale.kind === 'answer' && /stale=true/.test(stale.answer.headers?.['www-authenticate'] ?? ''));
});

test('who has failed too often is told to wait', async () => {
  const { core, door, challenge } = room();
  core.failuresAllowed = 1;
  for (const expected of [401, 429, 429])
    assert.equal(statusOf(await door.admit(nora, request(credentials((await challenge()).nonce, 'wrong')))), expected);
});
