// HTTP out: what is refused before anything is sent, bounds, redirects, the proxy, and failures in words.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../src/edge/system-clock.ts';
import { makeWeb, type WebOptions, type WebRequest } from '../../src/edge/web.ts';
import { ConnectError } from '../../src/model/ports.ts';
import { makeCa } from '../support/ca.ts';
import { MapResolver } from '../support/edge-world.ts';

const ca = makeCa('Web');
const pair = ca.issue({ names: ['web.example', 'other.example'] });
const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
const listen = (server: Server): Promise<number> => {
  servers.push(server);
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))); // a TCP server has one
};
const secure = (answer: RequestListener): Promise<number> => listen(createSecure({ key: pair.keyPem, cert: pair.chainPem }, answer));
const plain = (answer: RequestListener): Promise<number> => listen(createServer(answer));

const resolver = new MapResolver();
resolver.hosts.set('web.example', ['127.0.0.1']).set('other.example', ['127.0.0.1']).set('wrong.example', ['127.0.0.1']);
const web = (more: Partial<WebOptions> = {}) => makeWeb({ resolver, clock: systemClock, roots: () => [ca.rootPem], ...more });
const local: WebRequest = { allowPrivateAddresses: true };

async function refusal(asking: Promise<unknown>): Promise<string> {
  try {
    await asking;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return `${error.reason.code} ${error.reason.text}`;
  }
  assert.fail('it was fetched');
}

describe('web', () => {
  it('fetches over TLS and gives status, headers and body of any answer', async () => {
    const port = await secure((_request, response) => void response.writeHead(404, { 'X-What': 'test' }).end('not here'));
    const answer = await web().fetch(`https://web.example:${port}/a?b`, local);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get('x-what'), 'test');
    assert.equal(answer.body.toString(), 'not here');
  });

  it('posts a body', async () => {
    const port = await secure(async (request, response) => {
      let bytes = 0;
      for await (const part of request) bytes += (part as Buffer).length; // no encoding was set
      response.end(`${request.method} ${request.headers['content-type']} ${bytes}`);
    });
    const headers = { 'content-type': 'application/ocsp-request' };
    const answer = await web().fetch(`https://web.example:${port}/`, { ...local, method: 'POST', headers, body: Buffer.alloc(77) });
    assert.equal(answer.body.toString(), 'POST application/ocsp-request 77');
  });

  for (const [title, url] of [
    ['loopback', 'https://127.0.0.1/'],
    ['loopback written as a number', 'https://2130706433/'],
    ['loopback in hexadecimal', 'https://0x7f.1/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv4 inside IPv6', 'https://[::ffff:10.0.0.1]/'],
    ['a name that leads to loopback', 'https://web.example/'],
    ['where clouds keep metadata', 'https://169.254.169.254/latest/'],
  ] as const) {
    it(`refuses ${title}`, async () => assert.match(await refusal(web().fetch(url)), /^NET_ADDRESS_REFUSED .*private, local or own/));
    it(`refuses ${title} behind a proxy too`, async () => {
      const proxied = web({ httpProxy: { host: '127.0.0.1', port: 9 } });
      assert.match(await refusal(proxied.fetch(url)), /^NET_ADDRESS_REFUSED/);
    });
  }

  it('refuses an address we listen on', async () => {
    resolver.hosts.set('self.example', ['203.0.113.5']);
    const own = web({ ownAddresses: () => new Set(['203.0.113.5']) });
    assert.match(await refusal(own.fetch('https://self.example/')), /^NET_ADDRESS_REFUSED/);
  });

  it('asks DNS once a request, so that a name cannot change its mind between judging and connecting', async () => {
    const port = await secure((_request, response) => void response.end('inside'));
    let asked = 0;
    const rebinding = new MapResolver();
    rebinding.addresses = async () => {
      asked += 1;
      // First an outside address (RFC 5737: nobody is there), then ours.
      return { kind: 'addresses', addresses: [asked === 1 ? '192.0.2.1' : '127.0.0.1'] };
    };
    const why = await refusal(web({ resolver: rebinding }).fetch(`https://web.example:${port}/`, { timeoutMs: 60 }));
    assert.match(why, /^NET_CONNECT_/);
    assert.equal(asked, 1);
  });

  it('refuses other schemes, plain HTTP unless allowed, and names with a password', async () => {
    assert.match(await refusal(web().fetch('ftp://web.example/')), /NET_ADDRESS_REFUSED .*not an https/);
    assert.match(await refusal(web().fetch('http://web.example/')), /NET_ADDRESS_REFUSED .*not an https/);
    assert.match(await refusal(web().fetch('nonsense')), /NET_ADDRESS_REFUSED/);
    assert.match(await refusal(web().fetch('https://user:secret@web.example/', local)), /NET_ADDRESS_REFUSED (?!.*secret)/);
    const port = await plain((_request, response) => void response.end('plain'));
    const answer = await web().fetch(`http://web.example:${port}/`, { ...local, allowHttp: true });
    assert.equal(answer.body.toString(), 'plain');
  });

  it('stops at the bound of bytes', async () => {
    const port = await secure((_request, response) => void response.end(Buffer.alloc(5000)));
    assert.match(await refusal(web().fetch(`https://web.example:${port}/`, { ...local, maxBytes: 4999 })), /PEER_ERROR .*more than 4999/);
    assert.equal((await web().fetch(`https://web.example:${port}/`, { ...local, maxBytes: 5000 })).body.length, 5000);
  });

  it('stops at the bound of time, also in the middle of a body', async () => {
    const port = await secure((request, response) => void (request.url === '/part' && response.writeHead(200).write('x')));
    for (const path of ['/none', '/part']) {
      const why = await refusal(web().fetch(`https://web.example:${port}${path}`, { ...local, timeoutMs: 60 }));
      assert.match(why, /NET_CONNECT_TIMEOUT .*60 ms/);
    }
  });

  it('is given up when its caller gives up', async () => {
    const port = await secure(() => {});
    const stop = new AbortController();
    const asking = refusal(web().fetch(`https://web.example:${port}/`, { ...local, signal: stop.signal }));
    stop.abort();
    assert.match(await asking, /NET_CLOSED .*given up by us/);
  });

  it('follows as many redirects as asked for, judges each, and takes no credentials elsewhere', async () => {
    const seen: IncomingMessage[] = [];
    const port = await secure((request, response) => {
      seen.push(request);
      const left = Number(/\d+/.exec(request.url ?? '')?.[0]);
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `https://other.example:${port}/${left - 1}` }).end();
    });
    const ask = (left: number, redirects: number) =>
      web().fetch(`https://web.example:${port}/${left}`, { ...local, redirects, headers: { authorization: 'Bearer x', accept: 'a/b' } });
    assert.equal((await ask(2, 0)).status, 302);
    assert.equal((await ask(2, 1)).status, 302);
    seen.length = 0;
    const answer = await ask(2, 3);
    assert.equal(answer.body.toString(), 'there');
    assert.equal(answer.url, `https://other.example:${port}/0`);
    assert.deepEqual(
      seen.map((request) => [request.headers.authorization, request.headers.accept]),
      [
        ['Bearer x', 'a/b'],
        [undefined, 'a/b'],
        [undefined, 'a/b'],
      ],
    );
    assert.equal((await ask(9, 9)).status, 302, 'never more than three');
  });

  it('does not follow a redirect to plain HTTP', async () => {
    const port = await secure((_request, response) => void response.writeHead(301, { location: 'http://web.example/x' }).end());
    assert.match(await refusal(web().fetch(`https://web.example:${port}/`, { ...local, redirects: 1 })), /NET_ADDRESS_REFUSED/);
  });

  it('trusts the roots it is given, and checks the name', async () => {
    const port = await secure((_request, response) => void response.end('ok'));
    const stranger = makeCa('Stranger');
    assert.match(await refusal(web({ roots: () => [stranger.rootPem] }).fetch(`https://web.example:${port}/`, local)), /NET_TLS_FAILED/);
    assert.match(await refusal(web().fetch(`https://wrong.example:${port}/`, local)), /NET_TLS_FAILED .*ALTNAME/);
    const own = await web({ roots: () => [] }).fetch(`https://web.example:${port}/`, { ...local, roots: [ca.rootPem] });
    assert.equal(own.body.toString(), 'ok');
  });

  it('says what failed: no address, nobody there', async () => {
    assert.match(await refusal(web().fetch('https://nowhere.example/')), /NET_DNS_NOT_FOUND nowhere.example/);
    assert.match(await refusal(web().fetch('https://web.example:1/?token=x', local)), /^NET_CONNECT_REFUSED (?!.*token)/);
  });

  it('goes through the proxy, by CONNECT for https, and reaches private addresses of the operator directly', async () => {
    const port = await secure((_request, response) => void response.end('through'));
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('by the proxy');
    });
    proxy.on('connect', (request: IncomingMessage, client: Socket) => {
      asked.push(`CONNECT ${request.url}`);
      const onward = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      onward.on('error', () => client.destroy()).pipe(client);
      client.on('error', () => onward.destroy()).pipe(onward);
    });
    const behind = new MapResolver();
    behind.hosts.set('web.example', ['198.51.100.7']).set('inside.example', ['127.0.0.1']);
    const proxied = web({ resolver: behind, httpProxy: { host: '127.0.0.1', port: await listen(proxy) } });
    assert.equal((await proxied.fetch('https://web.example/x')).body.toString(), 'through');
    assert.equal((await proxied.fetch('https://other.example/')).body.toString(), 'through', 'a name that only the proxy can resolve');
    assert.equal((await proxied.fetch('http://web.example/y', { allowHttp: true })).body.toString(), 'by the proxy');
    assert.deepEqual(asked, ['CONNECT web.example:443', 'CONNECT other.example:443', 'GET http://web.example/y']);
    const inside = await plain((_request, response) => void response.end('direct'));
    const answer = await proxied.fetch(`http://inside.example:${inside}/`, { allowHttp: true, allowPrivateAddresses: true });
    assert.equal(answer.body.toString(), 'direct');
  });
});
