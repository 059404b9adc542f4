// The web door on a real listener with TLS: which route answers, what every answer carries, and what a client may not do to it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/edge/system-clock.ts';
import { WebDoor, type WebLimits } from '../../src/edge/web-door.ts';
import { type Log, SILENT } from '../../src/log.ts';
import type { Clock } from '../../src/model/ports.ts';
import type { WebRequest, WebRoute, WebSocketLink, WebSocketRoute } from '../../src/model/web-route.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/wait.ts';

const HOST = 'people.example';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A door with routes, on a listener. */
class DoorWorld implements AsyncDisposable {
  readonly edge = new EdgeWorld({ ours: [HOST] });
  readonly links: WebSocketLink[] = [];
  readonly door: WebDoor;
  port = 0;

  constructor(
    routes: readonly WebRoute[],
    sockets: readonly WebSocketRoute[] = [],
    limits: Partial<WebLimits> = {},
    clock: Clock = systemClock,
    log: Log = SILENT,
  ) {
    this.door = new WebDoor({ routes, sockets, serves: (host) => host === HOST, clock, log, limits });
  }

  static async open(...given: ConstructorParameters<typeof DoorWorld>): Promise<DoorWorld> {
    const world = new DoorWorld(...given);
    const { port, next } = await world.edge.listen('tls://127.0.0.1:0', { side: 'local', protocol: 'web', alpn: ['http/1.1'] });
    world.port = port;
    void (async () => {
      for (;;) world.door.accept(await next());
    })();
    return world;
  }

  ask(
    path: string,
    more: { method?: string; host?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', host = HOST, headers = {}, body } = more;
      const asked = request(
        { host: '127.0.0.1', port: this.port, path, method, rejectUnauthorized: false, headers: { host, ...headers }, agent: false },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces).toString() }),
          );
          response.on('error', reject);
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** A connection on which octets are written by hand. */
  raw(): Promise<TLSSocket> {
    return dial(this.port, undefined, { servername: HOST });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.close(0);
    await this.edge[Symbol.asyncDispose]();
  }
}

const said =
  (words: string): WebRoute['answer'] =>
  () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: words });
const route = (path: string, more: Partial<WebRoute> = {}): WebRoute => ({
  methods: ['GET'],
  path,
  bodyBytes: 0,
  answer: said(path),
  ...more,
});
/** Answers with what it was asked. */
const echo = (path: string, bodyBytes: number): WebRoute =>
  route(path, {
    methods: ['PUT'],
    bodyBytes,
    async answer({ body }: WebRequest) {
      let read = '';
      for await (const piece of body) read += Buffer.from(piece).toString();
      return { status: 200, body: read };
    },
  });

describe('which route answers', () => {
  it('the longest path that fits, and not found for everything else', async () => {
    await using world = await DoorWorld.open([route('/files/'), route('/files/special/'), route('/one')]);
    assert.equal((await world.ask('/files/a/b?x=1')).body, '/files/');
    assert.equal((await world.ask('/files/special/b')).body, '/files/special/');
    assert.equal((await world.ask('/one')).body, '/one');
    for (const path of ['/', '/one/', '/onemore', '/files', '/%2e%2e/one', '/../one'])
      assert.equal((await world.ask(path)).status, 404, path);
  });

  it('another host gets the same octets as a path that is not there', async () => {
    await using world = await DoorWorld.open([route('/one')]);
    const alike = ({ status, body, headers: { date: _, ...headers } }: Answer): unknown => ({ status, body, headers });
    const missing = alike(await world.ask('/nothing'));
    assert.deepEqual(alike(await world.ask('/one', { host: 'other.example' })), missing);
    assert.deepEqual(alike(await world.ask('/one', { host: '127.0.0.1' })), missing);
    assert.equal((await world.ask('/one', { host: `${HOST.toUpperCase()}:443` })).status, 200);
    // RFC 9112 §3.2.2: the host of a whole address counts.
    assert.equal((await world.ask(`https://${HOST}/one`, { host: 'other.example' })).status, 200);
    assert.equal((await world.ask('https://other.example/one')).status, 404);
  });

  it('tells what it was asked: method, query, headers, who', async () => {
    const heard: WebRequest[] = [];
    await using world = await DoorWorld.open([
      route('/see', {
        answer(request) {
          heard.push(request);
          return { status: 204 };
        },
      }),
    ]);
    assert.equal((await world.ask('/see?a=1&b=%C3%BC', { headers: { 'x-thing': 'yes' } })).status, 204);
    const [one] = heard;
    assert.deepEqual(
      [one?.method, one?.path, one?.query.get('b'), one?.headers['x-thing'], one?.host, one?.address],
      ['GET', '/see', 'ü', 'yes', HOST, '127.0.0.1'],
    );
  });

  it('a method that the route does not have is refused by name; HEAD is answered without a body', async () => {
    await using world = await DoorWorld.open([route('/one')]);
    const refused = await world.ask('/one', { method: 'DELETE' });
    assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET']);
    const head = await world.ask('/one', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '4']);
  });
});

describe('what every answer carries', () => {
  it('no banner, no sniffing, no frames, nothing kept', async () => {
    await using world = await DoorWorld.open([route('/one')]);
    const { headers } = await world.ask('/one');
    assert.equal(headers.server, undefined);
    assert.equal(headers['x-powered-by'], undefined);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  it('scripts of other sites only where the route says so', async () => {
    await using world = await DoorWorld.open([route('/open', { crossOrigin: true, methods: ['GET', 'PUT'] }), route('/shut')]);
    assert.equal((await world.ask('/open')).headers['access-control-allow-origin'], '*');
    const asked = await world.ask('/open', { method: 'OPTIONS' });
    assert.deepEqual([asked.status, asked.headers['access-control-allow-methods']], [204, 'GET, PUT']);
    assert.equal((await world.ask('/shut', { method: 'OPTIONS' })).status, 405);
  });

  it('a defect of a route is 500 and says nothing', async () => {
    await using world = await DoorWorld.open([
      route('/bad', {
        answer() {
          throw new Error('secret place');
        },
      }),
    ]);
    const { status, body } = await world.ask('/bad');
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
  });
});

describe('what clients send', () => {
  it('a body up to its bound, and no more, told or untold', async () => {
    await using world = await DoorWorld.open([echo('/put', 10)]);
    assert.equal((await world.ask('/put', { method: 'PUT', body: '0123456789' })).body, '0123456789');
    assert.equal((await world.ask('/put', { method: 'PUT', body: '0123456789a' })).status, 413);
    const untold = await world.ask('/put', { method: 'PUT', body: 'x'.repeat(5000), headers: { 'transfer-encoding': 'chunked' } });
    assert.equal(untold.status, 413);
  });

  it('a head that is too large is refused', async () => {
    await using world = await DoorWorld.open([route('/one')]);
    assert.equal((await world.ask('/one', { headers: { 'x-much': 'x'.repeat(20_000) } })).status, 431);
  });

  it('a head that comes too slowly ends the connection', async () => {
    const clock = new ManualClock();
    await using world = await DoorWorld.open([route('/one')], [], {}, clock);
    const socket = await world.raw();
    socket.write('GET /one HTTP/1.1\r\nHost: ');
    await until('the door to have the connection', () => world.edge.sessions.list().length === 1);
    const closed = once(socket.resume(), 'close');
    await clock.pass(16_000);
    await closed;
  });

  it('a body that comes too slowly ends the connection', async () => {
    const clock = new ManualClock();
    let reading = false;
    await using world = await DoorWorld.open(
      [
        route('/put', {
          methods: ['PUT'],
          bodyBytes: 1000,
          async answer({ body }) {
            reading = true;
            for await (const _ of body);
            return { status: 204 };
          },
        }),
      ],
      [],
      {},
      clock,
    );
    const socket = await world.raw();
    socket.write(`PUT /put HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 900\r\n\r\nab`);
    await until('the route to read', () => reading);
    const closed = once(socket.resume(), 'close');
    for (let step = 0; step < 3; step++) await clock.pass(10_000);
    await closed;
  });

  it("a client that goes in the middle of its body is nobody's mistake", async () => {
    const lines: string[] = [];
    const keep = ({ event }: { readonly event: string }): void => void lines.push(event);
    const log: Log = { child: () => log, error: keep, warn: keep, info: keep, debug: keep };
    let ended = 0;
    await using world = await DoorWorld.open(
      [
        route('/put', {
          methods: ['PUT'],
          bodyBytes: 1000,
          async answer({ body }) {
            try {
              for await (const _ of body);
            } finally {
              ended++;
            }
            return { status: 204 };
          },
        }),
      ],
      [],
      {},
      systemClock,
      log,
    );
    for (const end of ['destroy', 'end'] as const) {
      const socket = await world.raw();
      socket.write(`PUT /put HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 900\r\n\r\nab`);
      await until('the door to have it', () => world.edge.sessions.list().some(({ bytesReceived }) => bytesReceived > 0));
      const before = ended;
      setTimeout(() => socket[end](), 20);
      await until('the route to hear of it', () => ended > before);
      socket.destroy();
    }
    assert.deepEqual(
      lines.filter((event) => event !== 'web.answered'),
      [],
    );
  });

  it('an answer that nobody takes ends the connection', async () => {
    const clock = new ManualClock();
    await using world = await DoorWorld.open(
      [
        route('/much', {
          answer: () => ({
            status: 200,
            body: (async function* () {
              for (let count = 0; count < 1000; count++) yield Buffer.alloc(64 * 1024);
            })(),
          }),
        }),
      ],
      [],
      {},
      clock,
    );
    const socket = await world.raw();
    socket.pause();
    socket.write(`GET /much HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await until('the answer to begin', () => (world.edge.sessions.list()[0]?.bytesSent ?? 0) > 1024 * 1024);
    const before = (): number => world.edge.sessions.list()[0]?.bytesSent ?? 0;
    let last = -1;
    await until('it to be stuck', () => last === (last = before()));
    for (let step = 0; step < 4; step++) await clock.pass(10_000);
    await until('the end', () => world.edge.sessions.list().length === 0);
    socket.destroy();
  });

  it('who asks on before the answer is here loses the connection', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let asked = 0;
    await using world = await DoorWorld.open([
      route('/slow', {
        async answer() {
          asked++;
          await promise;
          return { status: 204 };
        },
      }),
    ]);
    const socket = await world.raw();
    socket.write(`GET /slow HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`.repeat(50));
    await once(socket.resume(), 'close');
    resolve();
    assert.equal(asked, 1);
  });

  it('no host, two hosts, nonsense: refused, and others are served', async () => {
    await using world = await DoorWorld.open([route('/one')]);
    for (const text of [
      'GET /one HTTP/1.1\r\n\r\n',
      'GET /one HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      '\x00\x01\x02\r\n\r\n',
      'PUT /one HTTP/1.1\r\nHost: people.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    ]) {
      const socket = await world.raw();
      let heard = '';
      socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
      socket.write(text);
      await until('the refusal', () => heard.includes('\r\n\r\n'));
      assert.match(heard, /^HTTP\/1\.1 4\d\d /, text);
      socket.destroy();
    }
    assert.equal((await world.ask('/one')).status, 200);
  });
});

describe('WebSockets', () => {
  const opened = async (limits: Partial<WebLimits> = {}, clock: Clock = systemClock) => {
    const links: WebSocketLink[] = [];
    const socketRoute: WebSocketRoute = { path: '/talk', protocol: 'xmpp', messageBytes: 100, accept: (link) => void links.push(link) };
    const world = await DoorWorld.open([route('/one')], [socketRoute], limits, clock);
    const dialled = (path = '/talk', protocols: string[] = ['xmpp'], host = HOST): WebSocket =>
      new WebSocket(`wss://127.0.0.1:${world.port}${path}`, protocols, { rejectUnauthorized: false, headers: { host } });
    return { world, links, dialled };
  };

  it('carries text both ways, and says what it is', async () => {
    const { world, links, dialled } = await opened();
    await using _ = world;
    const client = dialled();
    await once(client, 'open');
    assert.equal(client.protocol, 'xmpp');
    await until('the link', () => links.length === 1);
    const heard: string[] = [];
    links[0]!.onText((text) => heard.push(text));
    client.send('grüße');
    await until('the text', () => heard.length === 1);
    const answer = once(client, 'message');
    links[0]!.send('back');
    assert.deepEqual([heard, String((await answer)[0])], [['grüße'], 'back']);
    const closed = once(client, 'close');
    links[0]!.close();
    assert.equal((await closed)[0], 1000);
  });

  it('refuses another path, another subprotocol, another host', async () => {
    const { world, links, dialled } = await opened();
    await using _ = world;
    for (const [client, status] of [
      [dialled('/one'), 404],
      [dialled('/talk', ['chat']), 400],
      [dialled('/talk', ['xmpp'], 'other.example'), 404],
    ] as const) {
      const [error] = await once(client, 'error');
      assert.match(String(error), new RegExp(String(status)));
    }
    assert.equal(links.length, 0);
  });

  it('ends for a message that is too large, whole or in pieces, and for octets', async () => {
    const { world, links, dialled } = await opened();
    await using _ = world;
    for (const [send, code] of [
      [(client: WebSocket) => client.send('x'.repeat(101)), 1009],
      [
        (client: WebSocket) => {
          for (let piece = 0; piece < 20; piece++) client.send('x'.repeat(10), { fin: false });
        },
        1009,
      ],
      [(client: WebSocket) => client.send(Buffer.from([1, 2, 3])), 1003],
    ] as const) {
      const client = dialled();
      client.on('error', () => undefined);
      await once(client, 'open');
      const before = links.length;
      await until('the link', () => links.length >= Math.max(1, before));
      links.at(-1)!.onText(() => undefined);
      const closed = once(client, 'close');
      send(client);
      assert.equal((await closed)[0], code);
    }
  });

  it('holds no more of a message than the protocol wants, whatever the route takes', async () => {
    const { world, links, dialled } = await opened();
    await using _ = world;
    for (const flood of [
      (client: WebSocket) => client.send('x'.repeat(40), { fin: false }),
      (client: WebSocket) => {
        for (let count = 0; count < 20; count++) client.ping('x'.repeat(100));
      },
    ]) {
      const client = dialled();
      client.on('error', () => undefined);
      await once(client, 'open');
      const before = links.length;
      await until('the link', () => links.length > 0 && links.length >= before);
      links.at(-1)!.limit(30);
      const closed = once(client, 'close');
      flood(client);
      assert.equal((await closed)[0], 1006);
      links.length = 0;
    }
  });

  it('asks whether the other end is there, and ends when it is not', async () => {
    const clock = new ManualClock();
    const { world, links, dialled } = await opened({ pingMs: 1000 }, clock);
    await using _ = world;
    const client = dialled();
    await once(client, 'open');
    await until('the link', () => links.length === 1);
    let gone = false;
    links[0]!.onClosed(() => {
      gone = true;
    });
    const pinged = once(client, 'ping');
    await clock.pass(1000);
    await pinged;
    client.pause(); // no answer any more
    await clock.pass(1000);
    await clock.pass(1000);
    await clock.pass(1000);
    await until('the end', () => gone);
    client.terminate();
  });
});
