import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Notice } from '../../src/monitoring/alerts.ts';
import { mailNotifier, webhookNotifier } from '../../src/monitoring/notifiers.ts';

const NOTICE: Notice = {
  state: 'begins',
  at: Date.UTC(2026, 10, 23, 10, 20),
  alert: {
    key: 'k',
    kind: 'partner.down',
    subject: 'partner.example',
    text: 'partner.example has been unreachable over xmpp since 2026-11-23 10:14 UTC, 12 waiting: NET_CONNECT_REFUSED, refused.',
    advice: 'isthmus partner test partner.example',
    since: Date.UTC(2026, 10, 23, 10, 14),
  },
};
const around = { secret: (name: string) => `secret of ${name}`, host: 'edge.corp.example' };

/** A mail server of a few words; what was said to it is in `heard`. */
async function mailServer() {
  const heard: string[] = [];
  const server = createServer((socket) => {
    let data = false;
    socket.write('220 mail.test ESMTP\r\n');
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n')) {
        if (line === '' && !data) continue;
        heard.push(line);
        if (data) {
          if (line === '.') {
            data = false;
            socket.write('250 taken\r\n');
          }
        } else if (/^EHLO/.test(line)) socket.write('250-mail.test\r\n250 AUTH PLAIN\r\n');
        else if (line === 'DATA') {
          data = true;
          socket.write('354 go on\r\n');
        } else if (/^QUIT/.test(line)) socket.end('221 bye\r\n');
        else if (/^AUTH/.test(line)) socket.write('235 welcome\r\n');
        else socket.write('250 fine\r\n');
      }
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { heard, port: address !== null && typeof address === 'object' ? address.port : 0, close: () => server.close() };
}

test('the team reads in its mail what is wrong and what to type', async () => {
  const mail = await mailServer();
  try {
    const settings = {
      server: { scheme: 'plain', host: '127.0.0.1', port: mail.port } as const,
      from: 'isthmus@corp.example',
      to: ['edge-team@corp.example', 'night@corp.example'],
      user: 'isthmus',
      password: { secret: 'smtp' },
    };
    await mailNotifier(settings, around).tell([NOTICE]);
    const text = mail.heard.join('\n');
    assert.ok(text.includes(`AUTH PLAIN ${Buffer.from('\0isthmus\0secret of smtp').toString('base64')}`));
    assert.match(text, /RCPT TO:<edge-team@corp\.example>\nRCPT TO:<night@corp\.example>/);
    assert.match(text, /Subject: Isthmus on edge\.corp\.example: partner\.down partner\.example/);
    assert.match(text, /Auto-Submitted: auto-generated/);
    assert.match(
      text.replaceAll('=\n', ''),
      /unreachable over xmpp since 2026-11-23 10:14 UTC, 12 waiting: NET_CONNECT_REFUSED, refused\. isthmus partner test partner\.example/,
    );
  } finally {
    mail.close();
  }
});

test('a mail server that offers no TLS is refused where TLS is demanded', async () => {
  const mail = await mailServer();
  try {
    const server = { scheme: 'starttls', host: '127.0.0.1', port: mail.port } as const;
    await assert.rejects(mailNotifier({ server, from: 'a@corp.example', to: ['b@corp.example'] }, around).tell([NOTICE]));
    assert.ok(!mail.heard.some((line) => line.startsWith('MAIL FROM')));
  } finally {
    mail.close();
  }
});

test('a webhook gets the words for people and the facts for programs, and its token from the secret', async () => {
  const posted: { url: string; headers: Readonly<Record<string, string>>; body: string }[] = [];
  const post = async (url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> =>
    void posted.push({ url, headers, body });
  await webhookNotifier({ url: { secret: 'hook' }, token: { secret: 'token' }, format: 'json' }, around, post).tell([NOTICE]);
  const [{ url, headers, body } = { url: '', headers: {}, body: '{}' }] = posted;
  assert.equal(url, 'secret of hook');
  assert.equal(headers.authorization, 'Bearer secret of token');
  const json = JSON.parse(body);
  assert.match(json.text, /^Isthmus on edge\.corp\.example: partner\.example has been unreachable/);
  assert.deepEqual([json.notices[0].kind, json.notices[0].since], ['partner.down', '2026-11-23T10:14:00.000Z']);
});
