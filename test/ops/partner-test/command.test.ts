// isthmus partner test against a partner played by hand on loopback: SIP over TLS.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { runCommand } from '../../../src/ops/command.ts';
import { partnerTest as verb } from '../../../src/ops/partner-test/verb.ts';
import { verbCommand } from '../../../src/ops/verb-command.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { makeCa, selfSigned } from '../../support/ca.ts';
import { XmppPeer } from '../../support/xmpp-peer.ts';
import { xmppServer } from '../../zoo/servers.ts';
import { keep } from '../terminal.ts';

const command = verbCommand(verb, (dir, terminal) =>
  commandLineOperations(dir, terminal, (table, one) => judgeTest(table, one, Date.now())),
);

const folder = mkdtempSync(join(tmpdir(), 'isthmus-partner-'));
after(() => rmSync(folder, { recursive: true }));
const ca = makeCa('Partner test CA');
const ours = ca.issue({ names: ['corp.example'] });

async function partner(names: readonly string[], answer: (request: string) => string) {
  const them = ca.issue({ names });
  const server = tls.createServer({ key: them.keyPem, cert: them.chainPem, requestCert: true, rejectUnauthorized: false }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => socket.write(answer(bytes.toString())));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return (server.address() as AddressInfo).port; // a TCP server has an AddressInfo
}

function home(name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(folder, name);
  const all = {
    'isthmus.yaml': 'edge: { sip: tls://127.0.0.1:0 }\n',
    'routes/domains.yaml':
      'domains: { corp.example: { served: xmpp, component: { name: i.corp.example, dial: "plain://127.0.0.1:1", secret: { secret: s } } } }\n',
    'certs/own/main/fullchain.pem': ours.chainPem,
    'certs/own/main/key.pem': ours.keyPem,
    'certs/trust/edge/ca.pem': ca.rootPem,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text, { mode: 0o600 });
  }
  return dir;
}
const file = (port: number) =>
  `prefer: sip\nallowPrivateAddresses: true\nsip: { hosts: "127.0.0.1:${port}" }\nxmpp: { hosts: "127.0.0.1:1" }\n`;

/** The response to a request, with its own Via, From, To, Call-ID and CSeq. */
function reply(status: string) {
  return (request: string) => {
    const kept = request.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
    return `SIP/2.0 ${status}\r\n${kept.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
  };
}

async function partnerTest(dir: string, ...args: string[]) {
  const terminal = keep(folder);
  const code = await runCommand(command, ['partner.example', '--home', dir, ...args], terminal);
  return { code, out: terminal.said(), err: terminal.complained() };
}

test('a good partner: every rung is climbed, and policy is asked', async () => {
  let asked = '';
  const port = await partner(['partner.example'], (request) => {
    asked = request;
    return reply('200 OK')(request);
  });
  const { code, out } = await partnerTest(home('good', { 'routes/partners/partner.example.yaml': file(port) }));
  assert.equal(code, 0, out);
  for (const rung of ['DNS', 'TCP', 'TLS', 'identity', 'OPTIONS']) assert.match(out, new RegExp(`ok {4}${rung} `));
  assert.match(out, /its certificate names the domain/);
  assert.match(out, /ok {4}messages to them/);
  assert.match(asked, /^OPTIONS sip:partner\.example SIP\/2\.0\r\n/);
  assert.match(out, /XMPP, our way to them \(not spoken between corp\.example and this partner/);
});

test('a certificate with another name: fell at identity, with the sentence for the partner', async () => {
  const port = await partner(['sip.elsewhere.example'], reply('200 OK'));
  const { code, out } = await partnerTest(home('name', { 'routes/partners/partner.example.yaml': file(port) }));
  assert.equal(code, 1);
  assert.match(out, /fell at identity: CERT_PEER_NAME_MISMATCH/);
  assert.match(
    out,
    /to the partner's administrator:\n {5}At .* UTC our server .* at 127\.0\.0\.1:\d+\. We saw: The certificate carries sip\.elsewhere\.example.*Please add partner\.example to subjectAltName/,
  );
});

test('a partner that refuses us: fell at OPTIONS', async () => {
  const port = await partner(['partner.example'], reply('403 Forbidden'));
  const { code, out } = await partnerTest(home('forbidden', { 'routes/partners/partner.example.yaml': file(port) }), '--json');
  assert.equal(code, 1);
  const report = JSON.parse(out) as {
    ok: boolean;
    code: string;
    out: { protocol: string; fell?: { rung: string; reason: { code: string } } }[];
  };
  assert.equal(report.ok, false);
  assert.equal(report.code, 'SIP_403_FORBIDDEN');
  const sip = report.out.find((ladder) => ladder.protocol === 'sip');
  assert.equal(sip?.fell?.rung, 'options');
  assert.equal(sip?.fell?.reason.code, 'PEER_FORBIDDEN');
});

test('nobody there: fell at TCP', async () => {
  const { code, out } = await partnerTest(home('nobody', { 'routes/partners/partner.example.yaml': file(1) }));
  assert.equal(code, 1);
  assert.match(out, /fell at TCP: NET_CONNECT_REFUSED/);
});

test('our own domain, a domain of ours that is none, a home without certificates: exit 2 in words', async () => {
  const dir = home('words', { 'routes/partners/partner.example.yaml': '' });
  const terminal = keep(folder);
  assert.equal(await runCommand(command, ['corp.example', '--home', dir], terminal), 2);
  assert.match(terminal.complained(), /a domain of ours/);
  assert.match((await partnerTest(dir, '--as', 'x.example')).err, /right would be one of corp\.example/);
  rmSync(join(dir, 'certs/own'), { recursive: true });
  assert.match((await partnerTest(dir)).err, /no certificate in certs\/own names corp\.example/);
});

// --- XMPP ---------------------------------------------------------------------------------------------------

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // as above
  await new Promise((resolve) => server.close(resolve));
  return port;
}
async function xmppPartner(names: readonly string[]): Promise<number> {
  const port = await freePort();
  const peer = await XmppPeer.listen('127.0.0.1', 'partner.example', ca.issue({ names }), port);
  after(() => peer.close());
  return port;
}
const xmppFile = (port: number) =>
  `prefer: xmpp\nallowPrivateAddresses: true\nxmpp: { hosts: "127.0.0.1:${port}" }\nsip: { hosts: "127.0.0.1:1" }\n`;
/** served: sip, so that an XMPP partner crosses. */
const sipInside = {
  'routes/domains.yaml': 'domains: { corp.example: { served: sip, nextHop: plain://127.0.0.1:1, acceptFrom: 127.0.0.1 } }\n',
};

test('an XMPP partner: STARTTLS, identity and EXTERNAL are climbed', async () => {
  const port = await xmppPartner(['partner.example']);
  const { code, out } = await partnerTest(home('xmpp', { ...sipInside, 'routes/partners/partner.example.yaml': xmppFile(port) }));
  assert.equal(code, 0, out);
  for (const rung of ['DNS', 'TCP', 'TLS', 'identity', 'stream']) assert.match(out, new RegExp(`ok {4}${rung} `));
  assert.match(out, /open, and we are accepted \(SASL EXTERNAL\)/);
});

test('an XMPP partner with another name: fell at identity', async () => {
  const port = await xmppPartner(['elsewhere.example']);
  const { code, out } = await partnerTest(home('xmppname', { ...sipInside, 'routes/partners/partner.example.yaml': xmppFile(port) }));
  assert.equal(code, 1);
  assert.match(out, /ok {4}TLS /);
  assert.match(out, /fell at identity: CERT_PEER_NAME_MISMATCH/);
});

test('a web server in place of XMPP: it falls before TLS, within the time', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const { port } = server.address() as AddressInfo; // as above
  const { code, out } = await partnerTest(home('http', { ...sipInside, 'routes/partners/partner.example.yaml': xmppFile(port) }));
  assert.equal(code, 1);
  assert.match(out, /ok {4}TCP /);
  assert.match(out, /fell at TLS: /);
});

test('an unlisted domain while federation is closed: policy says so, and the exit is 1', async () => {
  const { code, out } = await partnerTest(
    home('unlisted', { ...sipInside, 'isthmus.yaml': 'dns: { servers: "127.0.0.1:1" }\nedge: { sip: "tls://127.0.0.1:0" }\n' }),
  );
  assert.equal(code, 1);
  assert.match(out, /no file in routes\/partners\//);
  assert.match(out, /no {4}messages to them: POLICY_PARTNER_UNLISTED.*routes\/policy\.yaml/);
});

test('dialback while nothing runs: climbed as far as the key, which only a running process can confirm, and no alarm', async () => {
  const port = await freePort();
  const peer = await xmppServer('127.0.0.1', 'partner.example', selfSigned({ names: ['partner.example'] }), { dialback: 'invalid' }, port);
  after(() => peer.close());
  const entry = xmppFile(port).replace('xmpp: {', 'xmpp: { proof: dialback,');
  const { code, out } = await partnerTest(home('dialback', { ...sipInside, 'routes/partners/partner.example.yaml': entry }));
  assert.equal(code, 0, out);
  assert.match(out, /ok {4}stream {5}open as far as dialback; only a running isthmus start can confirm our key/);
});

// --- a real message while nothing runs ------------------------------------------------------------------------

test('--deliver while nothing runs: a MESSAGE is sent at once, its answer told, and the act is on record', async () => {
  let heard = '';
  const port = await partner(['partner.example'], (request) => {
    if (request.startsWith('MESSAGE')) heard = request;
    return reply(request.includes('nobody') ? '404 Not Found' : '200 OK')(request);
  });
  const dir = home('deliver', { 'routes/partners/partner.example.yaml': file(port) });
  const { code, out, err } = await partnerTest(dir, '--deliver', 'nora@corp.example', 'li@partner.example', '--text', 'is this on?');
  assert.equal(code, 0, out + err);
  assert.match(heard, /^MESSAGE sip:li@partner\.example SIP\/2\.0\r\n.*From: <sip:nora@corp\.example>.*\r\n\r\nis this on\?$/s);
  assert.match(out, /ok {4}message {4}a message from nora@corp\.example to li@partner\.example was delivered: SIP 200/);
  const refused = await partnerTest(dir, '--deliver', 'nora@corp.example', 'nobody@partner.example');
  assert.equal(refused.code, 1);
  assert.match(refused.out, /1\. PEER_UNKNOWN_USER \(our way to them, delivery\)/);
  const [audit] = readdirSync(join(dir, 'var')).filter((name) => name.includes('audit'));
  assert.ok(audit !== undefined, 'a line of the audit log');
});

test('--deliver is refused by policy as any message is, and asked for in words when it is half said', async () => {
  const port = await partner(['partner.example'], reply('200 OK'));
  const dir = home('nodeliver', { 'routes/partners/partner.example.yaml': `${file(port)}allow: { messages: fromThem }\n` });
  const { code, out } = await partnerTest(dir, '--deliver', 'nora@corp.example', 'li@partner.example');
  assert.equal(code, 1);
  assert.match(out, /POLICY_MESSAGES_OFF/);
  assert.match((await partnerTest(dir, '--deliver', 'nora@corp.example')).err, /needs two addresses after the domain/);
  assert.match(
    (await partnerTest(dir, '--deliver', 'eve@elsewhere.example', 'li@partner.example')).err,
    /a user of ours, such as nora@corp\.example/,
  );
  assert.match(
    (await partnerTest(dir, '--deliver', 'nora@corp.example', 'li@other.example')).err,
    /a user of the partner, such as li@partner\.example/,
  );
  assert.match((await partnerTest(dir, 'nora@corp.example')).err, /one word too many/);
});

test('--deliver over XMPP while nothing runs: it is written, and the report says that nobody hears the answer', async () => {
  const port = await freePort();
  const peer = await XmppPeer.listen('127.0.0.1', 'partner.example', ca.issue({ names: ['partner.example'] }), port);
  after(() => peer.close());
  const dir = home('xmppdeliver', { ...sipInside, 'routes/partners/partner.example.yaml': xmppFile(port) });
  const { code, out } = await partnerTest(dir, '--deliver', 'nora@corp.example', 'li@partner.example', '--text', 'is this on?');
  assert.equal(code, 0, out);
  const stanza = await peer.stanzas.next('the message', (one) => one.name === 'message');
  assert.deepEqual(
    [stanza.attrs.from, stanza.attrs.to, stanza.children[0]?.text],
    ['nora@corp.example', 'li@partner.example', 'is this on?'],
  );
  assert.match(out, /was written to their server; whether it was taken only a running isthmus start would hear/);
});

test('--all: one line each, the findings as codes, and the worst decides the exit', async () => {
  const port = await partner(['partner.example'], reply('200 OK'));
  const dir = home('all', { 'routes/partners/partner.example.yaml': file(port), 'routes/partners/down.example.yaml': file(1) });
  const terminal = keep(folder);
  assert.equal(await runCommand(command, ['--all', '--home', dir], terminal), 1);
  assert.match(
    terminal.said(),
    /^FELL {2}down\.example: not reached; NET_CONNECT_REFUSED\nok {4}partner\.example: reached over SIP\n2 partners tested, 1 with findings/,
  );
  const json = keep(folder);
  await runCommand(command, ['--all', '--json', '--protocol', 'sip', '--home', dir], json);
  const { partners } = JSON.parse(json.said()) as { partners: { domain: string; ok: boolean }[] };
  assert.deepEqual(
    partners.map(({ domain, ok }) => [domain, ok]),
    [
      ['down.example', false],
      ['partner.example', true],
    ],
  );
  const nothing = keep(folder);
  assert.equal(await runCommand(command, ['--home', dir], nothing), 2);
  assert.match(nothing.complained(), /name a domain, or --all/);
});
