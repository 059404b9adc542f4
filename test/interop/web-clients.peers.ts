// The web door with real clients: @xmpp/client over WebSocket, slixmpp, Profanity and curl with shared files, on a real Isthmus.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { client, type XmppElement, xml } from '@xmpp/client';
import { WebSocket } from 'ws';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Profanity } from '../support/peers/profanity.ts';
import { SipUa } from '../support/sip-ua.ts';
import { until } from '../support/wait.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const HOST = `chat.${DOMAIN}`;
const ADDRESS = '127.0.21.1';
const UPLOAD = 'urn:xmpp:http:upload:0';
const WEB_SOCKET = `wss://${HOST}/xmpp-websocket`;

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('the web door', { skip: noWorld });
} else {
  describe('the web door', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: {
        host: HOST,
        xmpp: `starttls://${ADDRESS}:5222`,
        sip: `tls://${ADDRESS}:5061`,
        web: `https://${ADDRESS}:443`,
        uploads: { size: '2MiB', quota: '5MiB' },
      },
      srv: [{ name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 }],
    });
    await world.start(home.isthmus);

    const curl = (...more: string[]): { readonly status: string; readonly out: string; readonly head: string } => {
      const headFile = join(world.folder, 'head');
      const done = spawnSync('curl', ['-sS', '--cacert', world.rootsFile, '-D', headFile, '-w', '\n%{http_code}', ...more], {
        encoding: 'utf8',
      });
      assert.equal(done.status, 0, done.stderr);
      const at = done.stdout.lastIndexOf('\n');
      return {
        status: done.stdout.slice(at + 1),
        out: done.stdout.slice(0, at),
        head: spawnSync('cat', [headFile], { encoding: 'utf8' }).stdout,
      };
    };
    const signIn = (user: keyof typeof PASSWORDS, webSocket?: string): Promise<XmppUser> =>
      XmppUser.signIn({
        user,
        domain: DOMAIN,
        password: PASSWORDS[user],
        resource: 'web',
        address: ADDRESS,
        ...(webSocket !== undefined && { webSocket }),
      });
    const nora = await signIn('nora', WEB_SOCKET);
    const omar = await signIn('omar');
    world.atEnd(() => Promise.all([nora.signOut(), omar.signOut()]));

    world.scene('a client over WebSocket writes with one over TCP, both ways', async () => {
      await nora.write(omar.jid, 'from a browser');
      assert.equal((await omar.message(nora.jid)).getChildText('body'), 'from a browser');
      await omar.write(nora.jid, 'to a browser <&>');
      assert.equal((await nora.message(omar.jid)).getChildText('body'), 'to a browser <&>');
      await nora.presence('subscribe', omar.jid);
      await omar.presenceOf(nora.jid, 'subscribe');
      await omar.presence('subscribed', nora.jid);
      await nora.presenceOf(omar.jid, 'available');
    });

    world.scene('operators see who is there, and end it properly', async () => {
      const second = await signIn('li', WEB_SOCKET);
      const listed = await home.command('session', 'list', '--json');
      const { sessions, users } = JSON.parse(listed.out);
      const [sight] = users.filter(({ user }: { user: string }) => user === `li@${DOMAIN}`);
      const session = sessions.find(({ id }: { id: string }) => id === sight.connection);
      assert.equal(session.protocol, 'web');
      assert.equal(session.address, '127.0.0.1');
      const closed = await home.command('session', 'close', sight.connection);
      assert.equal(closed.code, 0, closed.out + closed.err);
      await until('its session to be over', async () => !(await home.command('session', 'list', '--json')).out.includes(`"li@${DOMAIN}"`));
      await second.signOut();
    });

    world.scene('who is disabled is out within a minute, by every door, and with a connection that was lost as well', async () => {
      const account = { user: 'li', domain: DOMAIN, password: PASSWORDS.li } as const;
      const sip = { ...account, address: ADDRESS, port: 5061, tls: { ca: world.ca.rootPem, servername: HOST } };
      const doors = await Promise.all([signIn('li', WEB_SOCKET), signIn('li'), SipUa.signIn(sip)]);
      const lost = client({ service: `xmpp://${ADDRESS}:5222`, domain: DOMAIN, resource: 'lost', username: 'li', password: PASSWORDS.li });
      lost.reconnect.stop();
      lost.on('error', () => undefined);
      await lost.start();
      await lost.send(xml('presence'));
      await until('stream management', async () => lost.streamManagement.enabled);
      const gone = new Promise<void>((resolve) => lost.on('disconnect', resolve));
      lost.socket?.socket?.destroy();
      await gone;
      const there = async (): Promise<number> => {
        const { out } = await home.command('session', 'list', '--json');
        const { users } = JSON.parse(out) as { users: { user: string }[] };
        return users.filter(({ user }) => user === `li@${DOMAIN}`).length;
      };
      assert.equal(await there(), 4);
      const disabled = await home.command('user', 'disable', `li@${DOMAIN}`, '--why', 'has left');
      assert.equal(disabled.code, 0, disabled.out);
      await until('nothing of theirs to be open', async () => (await there()) === 0, 60_000);
      await assert.rejects(lost.start()); // neither resumed nor signed in
      await assert.rejects(signIn('li', WEB_SOCKET));
      await assert.rejects(SipUa.signIn(sip));
      assert.equal((await home.command('user', 'enable', `li@${DOMAIN}`)).code, 0);
      await (await signIn('li')).signOut();
      for (const door of doors) await ('signOut' in door ? door.signOut() : door.close());
    });

    world.scene('host-meta says where, to scripts of every site', async () => {
      const found = curl(`https://${DOMAIN}/.well-known/host-meta.json`);
      assert.deepEqual(
        [found.status, JSON.parse(found.out).links],
        ['200', [{ rel: 'urn:xmpp:alt-connections:websocket', href: WEB_SOCKET }]],
      );
      assert.match(found.head, /access-control-allow-origin: \*/i);
      assert.match(curl(`https://${DOMAIN}/.well-known/host-meta`).out, /<Link rel='urn:xmpp:alt-connections:websocket' href='wss:/);
      assert.equal(curl(`https://${HOST}/.well-known/host-meta.json`).out, found.out);
      assert.doesNotMatch(found.head, /^server:/im);
    });

    world.scene('a file is shared by slixmpp and fetched by curl, whole and in parts', async () => {
      const file = join(world.folder, 'picture.png');
      writeFileSync(file, Buffer.alloc(700_000, 'abcdefghij'));
      const done = spawnSync(
        '/usr/bin/python3',
        [join(import.meta.dirname, '../support/peers/slixmpp-upload.py'), `li@${DOMAIN}`, PASSWORDS.li, ADDRESS, world.rootsFile, file],
        { encoding: 'utf8', timeout: 30_000, env: { ...process.env, SSL_CERT_FILE: world.rootsFile } },
      );
      assert.notEqual(done.stdout, '', done.stderr);
      const told = JSON.parse(done.stdout.trim().split('\n').at(-1)!);
      assert.equal(told.event, 'shared', done.stdout + done.stderr);
      assert.deepEqual([told.service, told.limit], [DOMAIN, String(2 * 1024 * 1024)]);
      const whole = curl(told.url);
      assert.deepEqual([whole.status, whole.out.length], ['200', 700_000]);
      assert.match(whole.head, /content-type: image\/png/i);
      assert.match(whole.head, /content-disposition: inline; filename\*=UTF-8''picture\.png/i);
      const part = curl('-r', '699995-', told.url);
      assert.deepEqual([part.status, part.out], ['206', 'fghij']);
      assert.equal(curl('-I', told.url).status, '200');
    });

    world.scene('Profanity shares a file, and who reads it in a browser fetches it', async () => {
      // libcurl believes what the machine believes; this namespace has its own view of that file.
      const mounted = spawnSync('mount', ['--bind', world.rootsFile, '/etc/ssl/certs/ca-certificates.crt'], { encoding: 'utf8' });
      assert.equal(mounted.status, 0, mounted.stderr);
      const omarsTerminal = new Profanity({
        ...{ folder: world.room('terminal'), jid: omar.jid, password: PASSWORDS.omar, resource: 'terminal' },
        ...{ address: ADDRESS, rootsFile: world.rootsFile },
      });
      try {
        await omarsTerminal.signIn();
        const file = join(world.folder, 'letter.txt');
        writeFileSync(file, 'dear Nora');
        omarsTerminal.type(`/msg ${nora.jid} look`);
        await nora.message(omar.jid, (stanza) => stanza.getChildText('body') === 'look');
        omarsTerminal.type(`/sendfile ${file}`);
        const told = await nora.message(omar.jid, (stanza) => stanza.getChild('x', 'jabber:x:oob') !== undefined);
        const url = told.getChild('x', 'jabber:x:oob')?.getChildText('url') ?? '';
        assert.deepEqual([told.getChildText('body'), curl(url).out], [url, 'dear Nora']);
      } finally {
        omarsTerminal.close();
      }
    });

    world.scene('clients that look through the items of the domain find the service there', async () => {
      const items = await nora.ask('get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }), DOMAIN);
      const jids = items
        .getChild('query')
        ?.getChildElements()
        .map(({ attrs }) => attrs.jid);
      assert.deepEqual(jids?.toSorted(), [`directory.${DOMAIN}`, `upload.${DOMAIN}`]);
      const info = await nora.ask('get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }), `upload.${DOMAIN}`);
      const about = info.getChild('query')?.getChildElements() ?? [];
      assert(about.some(({ name, attrs }) => name === 'identity' && attrs.category === 'store' && attrs.type === 'file'));
      assert(about.some(({ name, attrs }) => name === 'feature' && attrs.var === UPLOAD));
      assert(about.some(({ name, attrs }) => name === 'x' && attrs.type === 'result'));
      const request = xml('request', { xmlns: UPLOAD, filename: 'a.txt', size: '1' });
      assert((await nora.ask('get', request, `upload.${DOMAIN}`)).getChild('slot', UPLOAD) !== undefined);
    });

    world.scene('a place takes the file that it is for, once', async () => {
      const slot = async (size: number): Promise<{ readonly put: string; readonly get: string }> => {
        const request = xml('request', { xmlns: UPLOAD, filename: 'note.txt', size: String(size), 'content-type': 'text/plain' });
        const found: XmppElement | undefined = (await nora.ask('get', request, DOMAIN)).getChild('slot', UPLOAD);
        return { put: found?.getChild('put')?.attrs.url ?? '', get: found?.getChild('get')?.attrs.url ?? '' };
      };
      const { put, get } = await slot(5);
      assert.equal(curl('-X', 'PUT', '--data-binary', 'hello!', '-H', 'content-type: text/plain', put).status, '400');
      assert.equal(curl('-X', 'PUT', '--data-binary', 'hello', '-H', 'content-type: text/plain', get).status, '403');
      assert.equal(curl('-X', 'PUT', '--data-binary', 'hello', '-H', 'content-type: text/plain', put).status, '201');
      assert.equal(curl('-X', 'PUT', '--data-binary', 'again', '-H', 'content-type: text/plain', put).status, '409');
      const got = curl(get);
      assert.equal(got.out, 'hello');
      assert.match(got.head, /content-disposition: attachment/i);
      await assert.rejects(slot(3 * 1024 * 1024), /not-acceptable/);
      for (let count = 0; count < 2; count++) await slot(2 * 1024 * 1024);
      await assert.rejects(slot(2 * 1024 * 1024), /resource-constraint/);
    });

    world.scene('a large file, with and without asking first; who is refused hears why', async () => {
      const file = join(world.folder, 'large.bin');
      const size = 2 * 1024 * 1024;
      writeFileSync(file, Buffer.alloc(size, 'abcdefghijklm'));
      const request = xml('request', { xmlns: UPLOAD, filename: 'large.bin', size: String(size) });
      const found = (await omar.ask('get', request, DOMAIN)).getChild('slot', UPLOAD);
      const put = found?.getChild('put')?.attrs.url ?? '';
      const get = found?.getChild('get')?.attrs.url ?? '';
      assert.equal(curl('-T', file, get).status, '403');
      assert.equal(curl('-H', 'Expect:', '-T', file, get).status, '403');
      assert.equal(curl('-T', file, put).status, '201');
      assert.equal(curl('-H', 'Expect:', '-T', file, put).status, '409');
      const copy = join(world.folder, 'copy.bin');
      assert.equal(curl('-o', copy, get).status, '200');
      assert.deepEqual(readFileSync(copy), readFileSync(file));
    });

    world.scene('a removed user has no files', async () => {
      assert.equal((await home.command('user', 'remove', `li@${DOMAIN}`, '--yes', '--why', 'left')).code, 0);
      const files = readdirSync(join(home.folder, 'var/uploads'), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      assert.equal(files.length, 4); // until the next look, which is every ten minutes
      const picture = files.find(({ name }) => curl(`https://${HOST}/upload/${name}/picture.png`).status !== '404');
      assert.equal(picture, undefined);
    });

    world.scene('hostile neighbours: floods of WebSockets and heads that never end leave others alone', async () => {
      const idle = Array.from({ length: 300 }, () => new WebSocket(WEB_SOCKET, ['xmpp'], { ca: world.ca.rootPem }));
      await Promise.all(idle.map((one) => new Promise((done) => one.once('open', done).once('error', done))));
      for (const one of idle.slice(0, 100)) for (let count = 0; count < 50; count++) one.send('<a>', { fin: false });
      for (const one of idle.slice(100, 200)) one.send(Buffer.alloc(1000));
      for (const one of idle.slice(200)) one.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='other.example' version='1.0'/>`);
      await nora.write(omar.jid, 'still here');
      await omar.message(nora.jid, (stanza) => stanza.getChildText('body') === 'still here');
      assert.equal(curl(`https://${DOMAIN}/.well-known/host-meta`).status, '200');
      for (const one of idle) one.terminate();
    });

    world.scene('a stop says so to browsers, and a start takes them back', async () => {
      const client = new WebSocket(WEB_SOCKET, ['xmpp'], { ca: world.ca.rootPem });
      const heard: string[] = [];
      client.on('message', (data) => heard.push(String(data)));
      await new Promise((done) => client.once('open', done));
      client.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='${DOMAIN}' version='1.0'/>`);
      await until('the features', () => heard.some((text) => text.startsWith('<stream:features')));
      const closed = new Promise<number>((done) => client.once('close', done));
      await home.isthmus.stop();
      assert.equal(await closed, 1000);
      assert.match(heard.join(''), /system-shutdown.*<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'\/>$/s);
      await home.isthmus.start();
      const again = await signIn('nora', WEB_SOCKET);
      await again.signOut();
    });
  });
}
