// Tokens of an OpenID issuer: real ones of oidc-provider by client credentials, and hostile ones made by hand.

import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { after, before, mock, test } from 'node:test';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { type OidcDesk, oidcDesk } from '../../../src/assembly/admin/oidc.ts';
import type { AdminOidc } from '../../../src/config/admin.ts';
import { makeWeb, type Web } from '../../../src/edge/web.ts';
import { SILENT } from '../../../src/log.ts';
import type { BearerVerdict } from '../../../src/ops/api/access.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const AUDIENCE = 'https://isthmus.corp.example/api';
const pair = (kid: string) => ({ kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) });
const first = pair('first');
let issuer = '';
let server: Server;
let provider: Provider;

before(async () => {
  mock.method(console, 'warn', () => {}); // it warns of what a test does on purpose
  server = createServer((request, response) => void provider.callback()(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'dashboard',
        client_secret: 'secret',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [await jwkOf(first)] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'api', audience: AUDIENCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      },
    },
    extraTokenClaims: () => ({ realm: { roles: ['staff', 'isthmus-operators', 'isthmus-viewers'] } }),
  });
});
after(() => server.close());

async function jwkOf({ kid, privateKey }: ReturnType<typeof pair>): Promise<JWK> {
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
}

const settings = (more: Partial<AdminOidc> = {}): AdminOidc => ({
  issuer,
  audience: [AUDIENCE],
  rolesClaim: ['realm', 'roles'],
  roles: new Map([
    ['isthmus-viewers', 'viewer'],
    ['isthmus-operators', 'operator'],
  ]),
  ...more,
});

/** With the clock of today, so that tokens of the issuer are of now; `pass` moves both clocks. */
function desk(web?: Web) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const addresses = async (host: string) => ({ kind: 'addresses', addresses: [host] }) as const;
  const real = makeWeb({ resolver: { addresses } as never, clock, roots: () => [] }); // it asks for addresses only
  let moved = 0;
  const judge: OidcDesk = oidcDesk({
    dir: '/nowhere',
    web: {
      fetch(url, request) {
        asked.push(new URL(url).pathname);
        return (web ?? real).fetch(url, request);
      },
    },
    clock: { now: () => Date.now() + moved, monotonic: () => clock.monotonic() + moved, after: (ms, run) => clock.after(ms, run) },
    log: SILENT,
  });
  return { judge, asked, pass: (ms: number) => void (moved += ms) };
}

async function grant(): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('dashboard:secret').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'api', resource: AUDIENCE }),
  });
  const { access_token: token, ...rest } = (await answer.json()) as { access_token?: string };
  assert.ok(token !== undefined, JSON.stringify(rest));
  return token;
}

/** A token as the issuer would write it, with one thing else. */
function made(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = first): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const full = { iss: issuer, aud: AUDIENCE, sub: 'u1', exp: now + 300, iat: now, realm: { roles: ['isthmus-viewers'] }, ...claims };
  return new SignJWT(full).setProtectedHeader({ alg: 'ES256', kid: 'first', typ: 'at+jwt', ...header }).sign(key.privateKey);
}

const said = (verdict: BearerVerdict | undefined): string =>
  verdict === undefined
    ? 'nothing'
    : 'role' in verdict
      ? `${verdict.name} ${verdict.role}`
      : 'refused' in verdict
        ? verdict.refused
        : `unavailable: ${verdict.unavailable}`;

test('a token of a real issuer by client credentials is its name and its highest role; keys are asked for once', async () => {
  const { judge, asked } = desk();
  const token = await grant();
  assert.equal(said(await judge(token, settings())), 'oidc:dashboard operator');
  assert.equal(said(await judge(await grant(), settings())), 'oidc:dashboard operator');
  assert.deepEqual(asked, ['/.well-known/openid-configuration', '/jwks']);
  assert.equal(said(await judge('a-long-random-dashboard-token', settings())), 'nothing');
});

test('hostile and mistaken tokens are refused in words', async () => {
  const { judge } = desk();
  const refusal = async (token: string, more: Partial<AdminOidc> = {}): Promise<string> => said(await judge(token, settings(more)));
  const now = Math.floor(Date.now() / 1000);
  const raw = (header: object, claims: object, signature: string): string =>
    `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${signature}`;
  const claims = { iss: issuer, aud: AUDIENCE, sub: 'u1', exp: now + 300, realm: { roles: ['isthmus-operators'] } };

  assert.match(await refusal(raw({ alg: 'none' }, claims, '')), /signed with none is not taken/);
  assert.match(await refusal(raw({ alg: 'nOnE', kid: 'first' }, claims, '')), /is not taken/);
  // The public key as a shared secret, in each form in which it is published.
  for (const secret of [first.publicKey.export({ type: 'spki', format: 'pem' }), JSON.stringify(await exportJWK(first.publicKey))]) {
    const unsigned = raw({ alg: 'HS256', kid: 'first' }, claims, '').slice(0, -1);
    const forged = `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
    assert.match(await refusal(forged), /signed with HS256 is not taken/);
  }
  assert.match(await refusal(await made({ aud: 'https://other.example' })), /for somebody else \(aud\)/);
  assert.match(await refusal(await made({ exp: now - 120 })), /has expired/);
  assert.match(await refusal(await made({ exp: now - 30 })), /^oidc:u1 viewer$/); // clocks differ
  assert.match(await refusal(await made({ nbf: now + 600 })), /claim nbf is missing or wrong/);
  assert.match(await refusal(await made({ exp: undefined })), /claim exp is missing/);
  assert.match(await refusal(await made({ sub: undefined })), /claim sub is missing/);
  assert.match(await refusal(await made({ iss: 'https://evil.example' })), /of another issuer/);
  assert.match(await refusal(await made({}, {}, pair('first'))), /signature is not of the issuer/);
  const evil = pair('evil');
  const jwk = await exportJWK(evil.publicKey);
  assert.match(await refusal(await made({}, { kid: 'evil', jwk, jku: 'https://evil.example/jwks' }, evil)), /no such key/);
  assert.match(await refusal(await made({}, { kid: "first' OR 1=1 --../../../etc/passwd" })), /no such key/);
  assert.match(await refusal(await made({}, { kid: '__proto__' }, evil)), /no such key/);
  assert.match(await refusal(await made({}, { typ: 'logout+jwt' })), /no access token/);
  assert.match(
    await refusal(await made({}, { crit: ['x'], x: 1 }).catch(() => made({ cnf: { jkt: 'x' } }))),
    /bound to a key \(cnf\)|ERR_/,
  );
  assert.match(await refusal(`${await made()}${'A'.repeat(9000)}`), /longer than 8192/);
  const token = await made();
  const [header = '', , signature = ''] = token.split('.');
  const other = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url');
  assert.match(await refusal(`${header}.${other}.${signature}`), /signature is not of the issuer/);
});

test('a good token without a role here is told so, and is no failed attempt', async () => {
  const { judge } = desk();
  for (const realm of [{ roles: ['staff'] }, { roles: 'staff' }, {}, 'x', { roles: [['isthmus-operators'], { a: 1 }, 7] }]) {
    const verdict = await judge(await made({ realm, preferred_username: 'olga\u202e\n' }), settings());
    assert.ok(verdict !== undefined && 'refused' in verdict && verdict.known === true, said(verdict));
    assert.match(verdict.refused, /^oidc:olga \(u1\) has no role here: realm\.roles of the token holds none of isthmus-viewers/);
  }
  assert.equal(said(await judge(await made({ scope: 'x isthmus-viewers' }), settings({ rolesClaim: ['scope'] }))), 'oidc:u1 viewer');
});

test('a new key of the issuer is found at its first use, and made-up ones cost the issuer one question in half a minute', async () => {
  const keys = [first];
  const web = issuerWith(() => keys);
  const { judge, asked, pass } = desk(web);
  assert.equal(said(await judge(await made(), settings())), 'oidc:u1 viewer');
  const second = pair('second');
  keys.splice(0, 1, second);
  for (let count = 0; count < 50; count += 1) await judge(await made({}, { kid: `made-up-${count}` }, second), settings());
  assert.equal(asked.length, 2);
  pass(31_000);
  await Promise.all(Array.from({ length: 50 }, async (_, index) => judge(await made({}, { kid: `again-${index}` }, second), settings())));
  assert.equal(asked.length, 4);
  assert.equal(said(await judge(await made({}, { kid: 'second' }, second), settings())), 'oidc:u1 viewer');
  assert.match(said(await judge(await made(), settings())), /no such key/);
});

test('an issuer that fails: the last keys go on for a day, then it is said that nothing can be judged', async () => {
  let works = true;
  const good = issuerWith(() => [first]);
  const web: Web = { fetch: (url, request) => (works ? good.fetch(url, request) : Promise.reject(new Error('NET_CONNECT_REFUSED'))) };
  const { judge, pass, asked } = desk(web);
  works = false;
  assert.match(said(await judge(await made(), settings())), /^unavailable: .* cannot be asked for its keys: NET_CONNECT_REFUSED$/);
  assert.match(said(await judge(await made(), settings())), /a moment ago/);
  assert.equal(asked.length, 1);
  works = true;
  pass(31_000);
  assert.equal(said(await judge(await made(), settings())), 'oidc:u1 viewer');
  works = false;
  pass(11 * 60_000);
  assert.equal(said(await judge(await made({ exp: Math.floor(Date.now() / 1000) + 200_000 }), settings())), 'oidc:u1 viewer');
  pass(25 * 3_600_000);
  assert.match(said(await judge(await made({ exp: Math.floor(Date.now() / 1000) + 200_000 }), settings())), /^unavailable/);
});

test('a document of another issuer, or keys that are none, prove nobody', async () => {
  const web = issuerWith(() => [first], { issuer: 'https://evil.example' });
  assert.match(said(await desk(web).judge(await made(), settings())), /its document is of the issuer https:\/\/evil\.example/);
  const shared: Web = {
    fetch: async (url) =>
      answerOf(
        url,
        url.endsWith('/jwks') ? { keys: [{ kty: 'oct', k: 'AAAA', kid: 'first' }, null, 1] } : { issuer, jwks_uri: `${issuer}/jwks` },
      ),
  };
  assert.match(said(await desk(shared).judge(await made(), settings())), /no such key/);
});

function issuerWith(keys: () => readonly ReturnType<typeof pair>[], more: object = {}): Web {
  return {
    async fetch(url) {
      if (!url.endsWith('/jwks')) return answerOf(url, { issuer, jwks_uri: `${issuer}/jwks`, ...more });
      const all = await Promise.all(
        keys().map(async ({ kid, publicKey }) => ({
          ...(await exportJWK(createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })))),
          kid,
        })),
      );
      return answerOf(url, { keys: all });
    },
  };
}

function answerOf(url: string, body: object) {
  return { status: 200, headers: new Map<string, string>(), body: Buffer.from(JSON.stringify(body)), url };
}
