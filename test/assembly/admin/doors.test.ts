// The API on TCP with real TLS: tokens, client certificates, and a certificate of ours that is replaced.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { type DoorParts, openDoors, refusalNotes } from '../../../src/assembly/admin/doors.ts';
import type { AdminHttps, Home } from '../../../src/config/home.ts';
import { OwnCertificates } from '../../../src/edge/own-certificates.ts';
import { SILENT } from '../../../src/log.ts';
import { keptAudit, operationsFor, ROWS } from '../../ops/api/verbs.ts';
import { type Issued, makeCa } from '../../support/ca.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const ca = makeCa('Server CA');
const admins = makeCa('Admins');
const TOKEN = 'a-long-random-dashboard-token';
let folders = 0;
const root = mkdtempSync(join(tmpdir(), 'isthmus-doors-'));
after(() => rmSync(root, { recursive: true }));

async function open() {
  const dir = join(root, String((folders += 1)));
  const write = (path: string, text: string): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text, { mode: 0o600 });
  };
  const show = (pair: Issued): void => {
    write('certs/own/main/key.pem', pair.keyPem);
    write('certs/own/main/fullchain.pem', pair.chainPem);
  };
  show(ca.issue({ names: ['admin.corp.example'] }));
  write('certs/trust/admin/root.pem', admins.rootPem);
  write('secrets/dash', `${TOKEN}\n`);
  const https: AdminHttps = {
    binds: [{ transport: 'https', address: '127.0.0.1', port: 0, where: { file: 'isthmus.yaml', key: '/admin' } }],
    tokens: [{ name: 'dashboard', role: 'viewer', secret: 'dash' }],
    clients: [{ name: 'olga', role: 'operator', match: { subject: 'CN=olga' } }],
  };
  const clock = new ManualClock();
  const home = { dir, edge: {}, admin: { socket: '', https } } as unknown as Home; // the doors look at no more
  const own = new OwnCertificates({ folder: join(dir, 'certs'), clock, domains: () => new Map() });
  const refused: string[] = [];
  const parts: DoorParts = {
    home: () => home,
    own,
    clock: today(clock),
    log: SILENT,
    refused: async (address, why) => void refused.push(`${address} ${why}`),
  };
  const audit = keptAudit();
  const doors = await openDoors(parts, {
    verbs: ROWS,
    version: '1',
    log: SILENT,
    forbidden: async () => {},
    operations: operationsFor(audit.log),
  });
  const port = doors.ports[0] ?? 0;
  return {
    port,
    refused,
    show,
    audit: audit.entries,
    [Symbol.asyncDispose]: async () => void (await Promise.all(doors.apis.map((api) => api.close(0)))),
  };
}

/** Wall time of today, because the certificates are of today; everything else by hand. */
function today(clock: ManualClock): DoorParts['clock'] {
  return { now: () => Date.now(), monotonic: () => clock.monotonic(), after: (ms, run) => clock.after(ms, run) };
}

async function call(
  port: number,
  options: { readonly token?: string; readonly client?: Issued; readonly method?: 'GET' | 'POST'; readonly path?: string } = {},
) {
  const { token, client } = options;
  const agent = new Agent({
    connect: { ca: ca.rootPem, servername: 'admin.corp.example', ...(client && { cert: client.chainPem, key: client.keyPem }) },
  });
  try {
    const answer = await request(`https://127.0.0.1:${port}/v1${options.path ?? '/things/a'}`, {
      method: options.method ?? 'GET',
      dispatcher: agent,
      headers: { 'isthmus-actor': 'root', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(await answer.body.text()) };
  } finally {
    await agent.destroy();
  }
}

test('a token gets what its role may, and nothing by claiming a name', async () => {
  await using at = await open();
  assert.equal((await call(at.port, { token: TOKEN })).status, 200);
  const refused = await call(at.port, { token: TOKEN, method: 'POST', path: '/things/a/change' });
  assert.equal(refused.status, 403);
  assert.match(refused.body.text, /needs the role operator; dashboard is viewer/);
});

test('without a token it is 401 with the way to be asked, and the audit log hears of it', async () => {
  await using at = await open();
  const answer = await call(at.port);
  assert.equal(answer.status, 401);
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="isthmus"');
  assert.deepEqual(at.refused, ['127.0.0.1 no token']);
});

test('a client certificate of our authority gets in under its name; of another one it does not', async () => {
  await using at = await open();
  assert.equal((await call(at.port, { client: admins.issue({ names: ['x.example'], cn: 'olga' }) })).status, 200);
  assert.equal((await call(at.port, { client: makeCa('Admins').issue({ names: ['x.example'], cn: 'olga' }) })).status, 401);
  assert.equal((await call(at.port, { client: admins.issue({ names: ['x.example'], cn: 'omar' }) })).status, 401);
});

test('a renewed certificate is shown by the next connection; a key that does not match keeps the old one', async () => {
  await using at = await open();
  const shown = () =>
    new Promise<string>((done, failed) => {
      const socket = connect({ port: at.port, host: '127.0.0.1', servername: 'admin.corp.example', ca: ca.rootPem }, () => {
        done(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      });
      socket.once('error', failed);
    });
  const first = await shown();
  const next = ca.issue({ names: ['admin.corp.example'] });
  at.show({ ...next, keyPem: ca.issue({ names: ['x.example'] }).keyPem });
  assert.equal(await shown(), first);
  at.show(next);
  assert.notEqual(await shown(), first);
});

test('TLS 1.1 is not spoken', async () => {
  await using at = await open();
  const failed = await new Promise<string>((done) => {
    const socket = connect({
      port: at.port,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      rejectUnauthorized: false,
    });
    socket.once('secureConnect', () => done('spoken'));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''));
  });
  assert.match(failed, /^ERR_SSL/);
});

test('a flood of refused calls adds sixty lines a minute to the audit log and one that says so', async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const note = refusalNotes(clock, async (_actor, _act, input) => void lines.push(JSON.stringify(input)));
  for (let i = 0; i < 500; i += 1) await note('192.0.2.1', 'no token');
  assert.equal(lines.length, 61);
  assert.match(lines[60] ?? '', /more calls were refused/);
  clock.advance(60_000);
  await note('192.0.2.1', 'no token');
  assert.equal(lines.length, 62);
});
