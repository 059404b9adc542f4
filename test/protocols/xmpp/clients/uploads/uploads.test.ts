// Shared files (XEP-0363) from the request to the octets: slots, what may be put and when, what is handed out, and what goes away.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Person } from '../../../../../src/model/core.ts';
import type { UploadFiles } from '../../../../../src/model/uploads.ts';
import type { WebAnswer, WebRequest, WebRoute } from '../../../../../src/model/web-route.ts';
import type { IqAnswer, IqHandler, IqRequest } from '../../../../../src/protocols/xmpp/clients/iq-table.ts';
import { partOf } from '../../../../../src/protocols/xmpp/clients/uploads/ranges.ts';
import { uploadRoute } from '../../../../../src/protocols/xmpp/clients/uploads/routes.ts';
import { mediaType, plainName, uploadSlots } from '../../../../../src/protocols/xmpp/clients/uploads/slots.ts';
import { type Element, element } from '../../../../../src/protocols/xmpp/element.ts';
import { openStore, type Store } from '../../../../../src/store/store.ts';
import { uploadFiles } from '../../../../../src/store/upload-files.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const NS = 'urn:xmpp:http:upload:0';
const ORIGIN = 'https://chat.people.example';
const NORA = { local: 'nora', domain: 'people.example' };
const DAY_MS = 86_400_000;

class Shelf implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'isthmus-uploads-'));
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly files: UploadFiles;
  readonly slots: IqHandler;
  readonly route: WebRoute;

  constructor(more: { readonly files?: Partial<UploadFiles>; readonly sizeBytes?: number; readonly quotaBytes?: number } = {}) {
    this.store = openStore({ folder: this.folder, clock: this.clock, mode: 'own' });
    this.files = { ...uploadFiles(join(this.folder, 'uploads'), 0), ...more.files };
    const bounds = { sizeBytes: more.sizeBytes ?? 1000, quotaBytes: more.quotaBytes ?? 3000 };
    const ground = { store: this.store.uploads, files: this.files, clock: this.clock, bounds, key: Buffer.alloc(32, 7) };
    this.slots = uploadSlots(ground, ORIGIN);
    this.route = uploadRoute({ ...ground, people: this.store.people, keptMs: 30 * DAY_MS });
  }

  static async open(more: ConstructorParameters<typeof Shelf>[0] = {}): Promise<Shelf> {
    const shelf = new Shelf(more);
    await shelf.#add();
    return shelf;
  }
  async #add(createdAt = this.clock.now(), disabled = false): Promise<void> {
    const person: Person = { address: NORA, name: 'Nora', disabled, groups: [], createdAt };
    await this.store.people.put(person);
  }
  async disableNora(): Promise<void> {
    await this.#add((await this.store.people.get('nora@people.example'))?.createdAt, true);
  }
  async removeNora(): Promise<void> {
    await this.store.people.remove('nora@people.example');
  }
  async anotherNora(): Promise<void> {
    await this.#add(this.clock.now());
  }

  ask(attrs: Readonly<Record<string, string>>): IqAnswer | Promise<IqAnswer> {
    const payload = element('request', NS, attrs);
    // The handler asks who it is for and what is asked, and nothing else.
    const request = { asker: { user: NORA }, type: 'get', payload, stanza: payload, target: 'server', to: NORA } as unknown as IqRequest;
    return this.slots.get!(request);
  }
  async slot(filename = 'cat.png', size = 5, type = 'image/png'): Promise<{ readonly put: string; readonly get: string }> {
    const answer = await this.ask({ filename, size: String(size), 'content-type': type });
    assert(!('error' in answer), JSON.stringify(answer));
    const [put, get] = answer[0]!.children as Element[]; // as the test below reads it
    return { put: put!.attrs.url ?? '', get: get!.attrs.url ?? '' };
  }

  async request(
    method: string,
    url: string,
    headers: Record<string, string> = {},
    body: string | AsyncIterable<Uint8Array> = '',
  ): Promise<WebAnswer> {
    const { pathname, searchParams } = new URL(url);
    const asked: WebRequest = {
      ...{ method, headers, host: 'chat.people.example', address: '192.0.2.1', connection: 'c' },
      path: pathname,
      query: searchParams,
      body: typeof body === 'string' ? pieces(body) : body,
      signal: new AbortController().signal,
    };
    return this.route.answer(asked);
  }
  async putFile(text = 'hello', filename = 'cat.png', type = 'image/png'): Promise<string> {
    const { put, get } = await this.slot(filename, Buffer.byteLength(text), type);
    assert.equal((await this.request('PUT', put, {}, text)).status, 201);
    return get;
  }
  onDisk(): string[] {
    return readdirSync(join(this.folder, 'uploads'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 3) yield bytes.subarray(at, at + 3);
}

async function read(answer: WebAnswer): Promise<string> {
  const found: Uint8Array[] = [];
  if (answer.body === undefined || typeof answer.body === 'string' || answer.body instanceof Uint8Array) return String(answer.body ?? '');
  for await (const piece of answer.body) found.push(piece);
  return Buffer.concat(found).toString();
}

function conditionOf(answer: IqAnswer): string {
  assert('error' in answer);
  return answer.error.children.map((one) => (typeof one === 'string' ? one : one.name)).join(' ');
}

describe('places', () => {
  it('are addresses that nobody guesses, on the host of the web door', async () => {
    await using shelf = await Shelf.open();
    const one = await shelf.slot('Ä cat.png');
    assert.match(one.get, /^https:\/\/chat\.people\.example\/upload\/[A-Za-z0-9_-]{24}\/%C3%84%20cat\.png$/);
    assert.equal(one.put.split('?')[0], one.get);
    assert.match(one.put, /\?t=[A-Za-z0-9_-]{43}$/);
    assert.notEqual((await shelf.slot()).get, one.get);
  });

  it('are refused for what is no file, what is too large, and what would be too much', async () => {
    await using shelf = await Shelf.open();
    for (const attrs of [
      {},
      { filename: 'a' },
      { size: '5' },
      { filename: '', size: '5' },
      { filename: 'a', size: '0' },
      { filename: 'a', size: '-5' },
      { filename: 'a', size: '5e3' },
    ])
      assert.match(conditionOf(await shelf.ask(attrs)), /^bad-request/, JSON.stringify(attrs));
    assert.equal(conditionOf(await shelf.ask({ filename: 'a', size: '1001' })), 'not-acceptable text file-too-large');
    for (let count = 0; count < 3; count++) await shelf.slot('a', 1000);
    assert.match(conditionOf(await shelf.ask({ filename: 'a', size: '1' })), /^resource-constraint/);
  });

  it('are counted, and refused when the disk is full', async () => {
    await using shelf = await Shelf.open();
    for (let count = 0; count < 50; count++) await shelf.slot('a', 1);
    assert.match(conditionOf(await shelf.ask({ filename: 'a', size: '1' })), /^resource-constraint/);
    await using full = await Shelf.open({ files: { room: async () => 4 } });
    assert.match(conditionOf(await full.ask({ filename: 'a', size: '5' })), /^resource-constraint/);
  });

  it('names are one step of an address, types are types', () => {
    for (const [written, name] of [
      ['../../etc/passwd', 'passwd'],
      ['C:\\Users\\nora\\cat.png', 'cat.png'],
      ['..', 'file'],
      ['.htaccess', 'htaccess'],
      ['a\u0000b\r\nc\u202egnp.exe', 'abcgnp.exe'],
      ['/', 'file'],
      [' ', 'file'],
      ['x'.repeat(300), 'x'.repeat(100)],
    ] as const)
      assert.equal(plainName(written), name);
    for (const [written, type] of [
      ['image/PNG; charset=x', 'image/png'],
      ['', 'application/octet-stream'],
      ['image', 'application/octet-stream'],
      ['text/html\r\nx: y', 'application/octet-stream'],
    ] as const)
      assert.equal(mediaType(written), type);
  });
});

describe('putting', () => {
  it('brings the file once', async () => {
    await using shelf = await Shelf.open();
    const { put, get } = await shelf.slot();
    assert.equal((await shelf.request('GET', get)).status, 404);
    assert.equal((await shelf.request('PUT', put, { 'content-length': '5', 'content-type': 'image/png' }, 'hello')).status, 201);
    const answer = await shelf.request('GET', get);
    assert.deepEqual([answer.status, await read(answer)], [200, 'hello']);
    assert.equal((await shelf.request('PUT', put, {}, 'other')).status, 409);
    assert.equal(await read(await shelf.request('GET', get)), 'hello');
  });

  it('is refused with another token, size, type, path, or too late', async () => {
    await using shelf = await Shelf.open();
    const { put, get } = await shelf.slot();
    const other = await shelf.slot('other.png');
    const status = async (...asked: Parameters<Shelf['request']>): Promise<number> => (await shelf.request(...asked)).status;
    assert.equal(await status('PUT', get, {}, 'hello'), 403);
    assert.equal(await status('PUT', `${get}?${other.put.split('?')[1]}`, {}, 'hello'), 403);
    assert.equal(await status('PUT', `${get}?t=ä`, {}, 'hello'), 403);
    assert.equal(await status('PUT', put, { 'content-length': '6' }, 'hello!'), 400);
    assert.equal(await status('PUT', put, {}, 'hello!'), 400);
    assert.equal(await status('PUT', put, {}, 'hell'), 400);
    assert.equal(await status('PUT', put, { 'content-type': 'text/html' }, 'hello'), 415);
    for (const path of [
      '/upload/',
      '/upload/x/cat.png',
      '/upload/../../etc/passwd',
      `${new URL(get).pathname}/more`,
      new URL(get).pathname.replace('cat', 'dog'),
      `${new URL(get).pathname}%00`,
      '/upload/%E0%A4%A',
    ])
      assert.equal(await status('PUT', `${ORIGIN}${path}`, {}, 'hello'), 404, path);
    assert.deepEqual(shelf.onDisk(), []);
    await shelf.clock.pass(15 * 60_000 + 1000, 60_000);
    assert.equal(await status('PUT', put, {}, 'hello'), 410);
  });

  it('that ends in the middle leaves nothing, and may begin again', async () => {
    await using shelf = await Shelf.open();
    const { put, get } = await shelf.slot();
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('he');
      throw new Error('the client has gone');
    }
    await assert.rejects(shelf.request('PUT', put, {}, cut()));
    assert.deepEqual(shelf.onDisk(), []);
    assert.equal((await shelf.request('PUT', put, {}, 'hello')).status, 201);
    assert.equal((await shelf.request('GET', get)).status, 200);
  });

  it('twice at the same time is refused', async () => {
    await using shelf = await Shelf.open();
    const { put, get } = await shelf.slot();
    const both = await Promise.all([shelf.request('PUT', put, {}, 'hello'), shelf.request('PUT', put, {}, 'HELLO')]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
    const wins = both[0]!.status === 201 ? 'hello' : 'HELLO';
    assert.equal(await read(await shelf.request('GET', get)), wins);
  });

  it('on a full disk is 507, before and in the middle', async () => {
    let room = 1000;
    await using shelf = await Shelf.open({ files: { room: async () => room } });
    const { put } = await shelf.slot();
    room = 4;
    assert.equal((await shelf.request('PUT', put, {}, 'hello')).status, 507);
    await using full = await Shelf.open({ files: { write: async () => 'diskFull' } });
    const second = await full.slot();
    assert.equal((await full.request('PUT', second.put, {}, 'hello')).status, 507);
  });

  it('survives a restart: what was half is gone, the place is good', async () => {
    await using shelf = await Shelf.open();
    const { put } = await shelf.slot();
    const [, id = ''] = /upload\/([^/]+)/.exec(put) ?? [];
    assert.equal(await shelf.store.uploads.begin(id), true);
    assert.equal((await shelf.request('PUT', put, {}, 'hello')).status, 409);
    await shelf.store.uploads.restart();
    await shelf.files.restart();
    assert.equal((await shelf.request('PUT', put, {}, 'hello')).status, 201);
  });
});

describe('getting', () => {
  it('says type, name, and that it runs nothing; only pictures, sounds and films are shown', async () => {
    await using shelf = await Shelf.open();
    for (const [type, disposition] of [
      ['image/png', 'inline'],
      ['video/mp4', 'inline'],
      ['image/svg+xml', 'attachment'],
      ['text/html', 'attachment'],
      ['application/pdf', 'attachment'],
      ['application/octet-stream', 'attachment'],
    ] as const) {
      const { headers } = await shelf.request('GET', await shelf.putFile('x', `a'b "ü".x`, type));
      assert.equal(headers?.['content-type'], type);
      assert.equal(headers?.['content-disposition'], `${disposition}; filename*=UTF-8''a%27b%20%22%C3%BC%22.x`);
      assert.match(headers?.['content-security-policy'] ?? '', /^sandbox; default-src 'none'/);
    }
  });

  it('parts, what is known already, and what is beyond the end', async () => {
    await using shelf = await Shelf.open();
    const url = await shelf.putFile('0123456789');
    const whole = await shelf.request('GET', url);
    assert.deepEqual([whole.status, whole.headers?.['content-length'], whole.headers?.['accept-ranges']], [200, '10', 'bytes']);
    const part = await shelf.request('GET', url, { range: 'bytes=2-4' });
    assert.deepEqual([part.status, part.headers?.['content-range'], await read(part)], [206, 'bytes 2-4/10', '234']);
    const beyond = await shelf.request('GET', url, { range: 'bytes=10-' });
    assert.deepEqual([beyond.status, beyond.headers?.['content-range']], [416, 'bytes */10']);
    const etag = whole.headers?.etag ?? '';
    assert.equal((await shelf.request('GET', url, { 'if-none-match': `"x", ${etag}` })).status, 304);
    assert.equal((await shelf.request('GET', url, { range: 'bytes=2-4', 'if-range': '"other"' })).status, 200);
  });

  it('ranges as RFC 9110 has them', () => {
    for (const [written, part] of [
      [undefined, 'whole'],
      ['bytes=0-0', { first: 0, last: 0 }],
      ['bytes=5-', { first: 5, last: 9 }],
      ['bytes=-3', { first: 7, last: 9 }],
      ['bytes=-30', { first: 0, last: 9 }],
      ['bytes=5-99', { first: 5, last: 9 }],
      ['bytes=9-5', 'whole'],
      ['bytes=0-1,3-4', 'whole'],
      ['bytes=-', 'whole'],
      ['bytes=-0', 'beyond'],
      ['bytes=10-12', 'beyond'],
      ['lines=1-2', 'whole'],
      ['bytes=99999999999999999999-', 'whole'],
    ] as const)
      assert.deepEqual(partOf(written, 10), part, String(written));
  });
});

describe('going', () => {
  const gone = async (shelf: Shelf): Promise<number> => {
    const now = shelf.clock.now();
    const ids = await shelf.store.uploads.expired({ kept: now - 30 * DAY_MS, slot: now - 30 * 60_000 }, 100);
    for (const id of ids) await shelf.files.remove(id);
    await shelf.store.uploads.remove(ids);
    return ids.length;
  };

  it('after its time, and makes room again', async () => {
    await using shelf = await Shelf.open();
    const url = await shelf.putFile('x'.repeat(1000));
    await shelf.slot('a', 1000);
    assert.equal(await gone(shelf), 0);
    await shelf.clock.pass(31 * 60_000, 60_000);
    assert.equal(await gone(shelf), 1); // the place that nobody came for
    await shelf.clock.pass(30 * DAY_MS, DAY_MS);
    assert.equal((await shelf.request('GET', url)).status, 404);
    assert.equal(await gone(shelf), 1);
    assert.deepEqual(shelf.onDisk(), []);
    assert.equal(await shelf.store.uploads.used('nora@people.example'), 0);
  });

  it('who may not sign in any more puts nothing in a place they were given; what others were sent stays', async () => {
    await using shelf = await Shelf.open();
    const url = await shelf.putFile();
    const { put } = await shelf.slot();
    await shelf.disableNora();
    assert.equal((await shelf.request('PUT', put, {}, 'hello')).status, 404);
    assert.equal((await shelf.request('GET', url)).status, 200);
  });

  it('with its user, at once; whoever has the address next has nothing of it', async () => {
    await using shelf = await Shelf.open();
    const url = await shelf.putFile();
    await shelf.clock.pass(1000);
    await shelf.removeNora();
    assert.equal((await shelf.request('GET', url)).status, 404);
    await shelf.anotherNora();
    assert.equal((await shelf.request('GET', url)).status, 404);
    assert.equal(await gone(shelf), 1);
    assert.deepEqual(shelf.onDisk(), []);
  });

  it('what no row knows is removed, what a row knows is not there is not found', async () => {
    await using shelf = await Shelf.open();
    const url = await shelf.putFile();
    const [, id = ''] = /upload\/([^/]+)/.exec(url) ?? [];
    const stray = `${id.slice(0, 2)}${'z'.repeat(22)}`;
    writeFileSync(join(shelf.folder, 'uploads', id.slice(0, 2), stray), 'x');
    await shelf.files.tidy(async (one) => (await shelf.store.uploads.get(one)) !== undefined);
    assert.deepEqual(shelf.onDisk(), [id]);
    await shelf.files.remove(id);
    assert.equal((await shelf.request('GET', url)).status, 404);
  });
});
