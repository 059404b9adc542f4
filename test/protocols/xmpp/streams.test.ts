// Two shores with their own edges talk to each other over loopback: proof, both directions, dialback, the ping barrier, and
// what ends a stream.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/wait.ts';
import { Organisation, type OrganisationOptions } from './two-shores.ts';

const CORP: OrganisationOptions = { domains: ['corp.example'] };
const PARTNER: OrganisationOptions = { domains: ['partner.example'] };

interface Two extends AsyncDisposable {
  readonly corp: Organisation;
  readonly other: Organisation;
}
/** Two organisations that have not heard of each other. */
async function strangers(a: OrganisationOptions = CORP, b: OrganisationOptions = PARTNER): Promise<Two> {
  const [corp, other] = await Promise.all([new Organisation(a).listen(), new Organisation(b).listen()]);
  const both = new AsyncDisposableStack();
  both.use(corp);
  both.use(other);
  return { corp, other, [Symbol.asyncDispose]: () => both.disposeAsync() };
}
/** Two organisations that have each other's certificates and files. */
async function partners(a?: OrganisationOptions, b?: OrganisationOptions): Promise<Two> {
  const both = await strangers(a, b);
  both.corp.knows(both.other);
  both.other.knows(both.corp);
  return both;
}
const body = ({ element: message }: { readonly element: { readonly children: readonly unknown[] } }): unknown => {
  const [first] = message.children as { readonly children: readonly unknown[] }[];
  return first?.children[0];
};

describe('a stream between two shores', { concurrency: 4 }, () => {
  for (const mode of ['starttls', 'direct'] as const) {
    test(`carries a message over ${mode}, proven by certificate`, async () => {
      await using both = await partners(CORP, { ...PARTNER, mode });
      const { corp, other } = both;
      const sent = await corp.send(other, 'hello');
      assert(sent.kind === 'written', JSON.stringify(sent));
      const arrived = await other.received('the message');
      assert.equal(body(arrived), 'hello');
      const { side, fromDomain, toDomain, ourDomain, theirDomain, peer, proof, stanza } = arrived.context;
      assert.deepEqual([side, fromDomain, toDomain, ourDomain], ['edge', 'corp.example', 'partner.example', 'partner.example']);
      assert.deepEqual([theirDomain, peer, proof, stanza.from.local], ['corp.example', 'corp.example', 'certificate', 'nora']);
      assert.equal(arrived.context.address, other.links[0]?.peer.address, 'a block list may name it while the stream is open');
      assert.deepEqual(other.opened, ['partner.example corp.example']);
      const { tls, alpn } = other.links[0] ?? {};
      assert.equal(alpn, mode === 'direct' ? 'xmpp-server' : undefined);
      assert.equal(mode === 'direct' ? tls?.version : 'TLSv1.3', 'TLSv1.3');
    });
  }

  test('many stanzas at once make one stream and arrive in order', async () => {
    await using both = await partners();
    const { corp, other } = both;
    const results = await Promise.all(Array.from({ length: 300 }, (_, n) => corp.send(other, String(n))));
    assert.deepEqual(
      results.map((result) => result.kind === 'written' && result.number),
      Array.from({ length: 300 }, (_, n) => n + 1),
    );
    for (let n = 0; n < 300; n++) assert.equal(body(await other.received('a message')), String(n));
    assert.equal(other.links.length, 1);
  });

  test('of both directions is adopted by the other side, which then opens none', async () => {
    await using both = await partners();
    const { corp, other } = both;
    await corp.send(other, 'one');
    await other.received('the first message');
    await other.send(corp, 'two');
    const answer = await corp.received('the answer');
    assert.equal(body(answer), 'two');
    assert.equal(answer.context.proof, 'certificate');
    assert.equal(corp.links.length, 0, 'no stream was opened to us');
    const [row] = other.shore.streams().filter((each) => each.direction === 'out');
    assert(row?.bothWays && row.state === 'open' && row.proof === 'certificate');
  });

  test('both directions at the same moment make two streams, and both work', async () => {
    await using both = await partners();
    const { corp, other } = both;
    await Promise.all([corp.send(other, 'one'), other.send(corp, 'two')]);
    assert.equal(body(await other.received('one')), 'one');
    assert.equal(body(await corp.received('two')), 'two');
    assert.deepEqual([corp.links.length, other.links.length], [1, 1]);
  });

  test('is made anew after the partner was restarted', async () => {
    await using both = await partners();
    const { corp, other } = both;
    await corp.send(other, 'one');
    assert.equal(body(await other.received('one')), 'one');
    other.links[0]?.socket.destroy();
    await until('the stream to be gone', () => corp.shore.streams().every((each) => each.state !== 'open'));
    const again = await corp.send(other, 'two');
    assert.equal(again.kind, 'written');
    assert.equal(body(await other.received('two')), 'two');
  });

  test('is not opened to a server whose certificate names another domain', async () => {
    await using both = await partners(CORP, { ...PARTNER, names: ['other.example'] });
    const { corp, other } = both;
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'failed');
    assert.equal(sent.reason.code, 'CERT_PEER_NAME_MISMATCH');
  });

  test('is not opened to a server that we do not trust, and the reason says so', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other, {}, false);
    other.knows(corp);
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'failed');
    assert.match(sent.reason.code, /^CERT_PEER_/);
  });

  test('is refused by a partner who does not trust us, in its words', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other);
    other.knows(corp, {}, false);
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'failed');
    assert.equal(sent.reason.code, 'NET_STREAM_FAILED');
    assert.match(sent.reason.text, /not-authorized/);
    assert.equal(other.opened.length, 0);
  });

  test('to a domain that is not served there fails with host-unknown', async () => {
    await using both = await partners(CORP, { ...PARTNER, names: ['partner.example', 'unknown.example'] });
    const { corp } = both;
    const known = corp.edge.resolver.services.get('_xmpp-server._tcp.partner.example');
    if (known) corp.edge.resolver.services.set('_xmpp-server._tcp.unknown.example', known);
    const route = corp.edge.table.partners.get('partner.example');
    const sent = await corp.shore.send('corp.example', 'unknown.example', route, corp.message('x@unknown.example', 'hello'), {
      durable: true,
    });
    assert(sent.kind === 'failed');
    assert.match(sent.reason.text, /host-unknown/);
  });

  test('tries the next target when the first is down', async () => {
    await using both = await partners();
    const { corp, other } = both;
    const records = [
      { target: '127.0.0.1', port: 1, priority: 0, weight: 0 },
      { target: '127.0.0.1', port: other.port, priority: 1, weight: 0 },
    ];
    corp.edge.resolver.services.set('_xmpp-server._tcp.partner.example', { kind: 'records', records });
    assert.equal((await corp.send(other, 'hello')).kind, 'written');
  });

  test('a second domain of ours on the same certificate may be addressed over the same stream', async () => {
    await using both = await partners(CORP, { domains: ['partner.example', 'rooms.partner.example'] });
    const { corp, other } = both;
    await corp.send(other, 'one');
    const pair = corp.shore.streams().find((each) => each.direction === 'out');
    assert(pair !== undefined);
    await other.received('one');
    // As a peer that piggybacks would: over the stream of the other pair.
    await corp.shore.send('corp.example', 'partner.example', undefined, corp.message('x@rooms.partner.example', 'two'));
    assert.equal((await other.received('two')).context.toDomain, 'rooms.partner.example');
  });

  test('ends with invalid-from when a stanza comes from a domain it has not proven', async () => {
    await using both = await partners({ domains: ['corp.example', 'evil.example'], names: ['corp.example'] }, PARTNER);
    const { corp } = both;
    const forged = { ...corp.message('li@partner.example', 'forged'), attrs: { from: 'boss@bank.example', to: 'li@partner.example' } };
    await corp.shore.send('corp.example', 'partner.example', undefined, forged, { durable: true });
    const result = await corp.shore.barrier('corp.example', 'partner.example');
    assert(result.kind === 'closed');
    assert.match(result.reason.text, /invalid-from/);
    await pause(20);
    assert.equal(corp.shore.streams().filter((each) => each.state === 'open').length, 0);
  });

  test('ends by the book when the shore is drained, and takes nothing more', async () => {
    await using both = await partners();
    const { corp, other } = both;
    await corp.send(other, 'one');
    await other.received('one');
    corp.shore.drain();
    await until('the partner to see the end', () => other.shore.streams().filter((each) => each.direction === 'in').length === 0);
    const late = await corp.send(other, 'two');
    assert(late.kind === 'failed' && late.reason.code === 'SHUTTING_DOWN');
  });

  test('a reload that takes the trust away ends the stream at the next stanza', async () => {
    await using both = await partners();
    const { corp, other } = both;
    await corp.send(other, 'one');
    await other.received('one');
    other.edge.write('trust/edge/corp.example.pem', other.edge.ourCa.rootPem);
    other.edge.trust.reload();
    other.knows(corp, {}, false);
    await corp.send(other, 'two');
    const result = await corp.shore.barrier('corp.example', 'partner.example');
    assert(result.kind === 'closed', result.kind);
    assert.match(result.reason.text, /not-authorized/);
  });
});

describe('dialback between two shores', { concurrency: 4 }, () => {
  const DIALBACK = { proof: 'dialback' } as const;

  test('proves a domain whose certificate nobody trusts, over a connection of its own', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other, DIALBACK, false);
    other.knows(corp, DIALBACK, false);
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'written', JSON.stringify(sent));
    const arrived = await other.received('the message');
    assert.equal(arrived.context.proof, 'dialback');
    assert.deepEqual([other.links.length, corp.links.length], [1, 1], 'one stream, one question back');
    const row = corp.shore.streams().find((each) => each.direction === 'out');
    assert.equal(row?.proof, 'dialback');
  });

  test('is not tried without its key in the file', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other, DIALBACK, false);
    other.knows(corp, {}, false);
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'failed');
    assert.match(sent.reason.text, /not-authorized/);
    assert.equal(corp.links.length, 0, 'nobody called back');
  });

  test('fails when the domain\u2019s own server did not make the key', async () => {
    // A liar: says it is corp.example, and does not know its secret. The call-back goes where DNS says.
    await using both = await strangers();
    await using liar = await new Organisation({ ...CORP, secret: 'a guess' }).listen();
    const { corp, other } = both;
    liar.knows(other, DIALBACK, false);
    corp.knows(other, DIALBACK, false);
    other.knows(corp, DIALBACK, false);
    const sent = await liar.send(other, 'forged');
    assert(sent.kind === 'failed');
    assert.match(sent.reason.text, /dialback key: invalid/);
    assert.deepEqual([corp.links.length, liar.links.length], [1, 0]);
    assert.equal(other.opened.length, 0);
  });

  test('says remote-connection-failed when nobody can be asked', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other, DIALBACK, false);
    other.knows(corp, DIALBACK, false);
    const record = { target: '127.0.0.1', port: 1, priority: 0, weight: 0 };
    other.edge.resolver.services.set('_xmpp-server._tcp.corp.example', { kind: 'records', records: [record] });
    const sent = await corp.send(other, 'hello');
    assert(sent.kind === 'failed');
    assert.match(sent.reason.text, /remote-connection-failed/);
  });
});

describe('what became of a message', { concurrency: 4 }, () => {
  test('is known when a ping behind it is answered; an error stanza comes first', async () => {
    const order: string[] = [];
    const noted: OrganisationOptions = { ...CORP, onStanza: ({ attrs }) => void order.push(`${attrs.type} ${attrs.id}`) };
    await using both = await partners(noted, {
      ...PARTNER,
      onStanza: (received, context) => {
        if (received.attrs.to !== 'nobody@partner.example') return;
        const { from, to, id } = received.attrs;
        context.reply(element('message', NS.server, { type: 'error', from: to, to: from, id }));
      },
    });
    const { corp, other } = both;
    for (let n = 0; n < 20; n++) {
      order.length = 0;
      const bad = corp.shore.send('corp.example', 'partner.example', undefined, corp.message('nobody@partner.example', `bad ${n}`));
      await Promise.all([corp.send(other, `good ${n}`), bad]);
      order.push((await corp.shore.barrier('corp.example', 'partner.example')).kind);
      assert.deepEqual(order, [`error bad ${n}`, 'covered']);
    }
  });

  test('the answer to a ping waits until what came before it is handled', async () => {
    let finish: (() => void) | undefined;
    await using both = await partners(CORP, {
      ...PARTNER,
      onStanza: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    });
    const { corp, other } = both;
    await corp.send(other, 'slow');
    let result: string | undefined;
    const waiting = corp.shore.barrier('corp.example', 'partner.example').then(({ kind }) => {
      result = kind;
    });
    await until('the message to be in hand', () => finish !== undefined);
    await pause(30);
    assert.equal(result, undefined);
    finish?.();
    await waiting;
    assert.equal(result, 'covered');
  });

  test('without a road back it is unknown, but counted by XEP-0198', async () => {
    const clock = new ManualClock();
    await using both = await partners({ ...CORP, clock }, PARTNER);
    const { corp, other } = both;
    await corp.send(other, 'one');
    await other.received('one');
    // The partner's answers go nowhere from now on.
    Object.defineProperty(other.shore, 'send', { value: async () => ({ kind: 'failed' }) });
    const sent = await corp.send(other, 'two');
    assert(sent.kind === 'written');
    const waiting = corp.shore.barrier('corp.example', 'partner.example', sent.number);
    await other.received('two');
    await pause(50);
    clock.advance(20_000);
    const result = await waiting;
    assert(result.kind === 'noReturnPath', result.kind);
    assert.equal(result.acknowledged, true);
    assert.equal(result.reason.code, 'XMPP_NO_RETURN_PATH');
    assert.equal(corp.shore.streams().find((each) => each.direction === 'out')?.state, 'open', 'a peer that counts is alive');
  });
});

describe('what waits for a connection', { concurrency: 4 }, () => {
  test('is bounded when it is not durable, and fails with the reason of the connection', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other);
    const record = { target: '127.0.0.1', port: 1, priority: 0, weight: 0 };
    corp.edge.resolver.services.set('_xmpp-server._tcp.partner.example', { kind: 'records', records: [record] });
    const one = (n: number, durable: boolean): ReturnType<typeof corp.shore.send> =>
      corp.shore.send('corp.example', 'partner.example', undefined, corp.message('li@partner.example', String(n)), { durable });
    const volatile = await Promise.all(Array.from({ length: 120 }, (_, n) => one(n, false)));
    const codes = volatile.map((result) => (result.kind === 'failed' ? result.reason.code : 'written'));
    assert.equal(codes.filter((code) => code === 'LIMIT_QUEUE_FULL').length, 20);
    assert.equal(codes.filter((code) => code === 'NET_CONNECT_REFUSED').length, 100);
    // For a moment what is not durable fails at once; a row of the outbox is a true try.
    corp.edge.resolver.services.set('_xmpp-server._tcp.partner.example', {
      kind: 'records',
      records: [{ ...record, port: other.port }],
    });
    other.knows(corp);
    const held = await one(200, false);
    assert(held.kind === 'failed' && held.reason.code === 'NET_CONNECT_REFUSED');
    assert.equal((await one(201, true)).kind, 'written');
    assert.equal((await one(202, false)).kind, 'written');
  });

  test('gives up when its sender does', async () => {
    await using both = await strangers();
    const { corp, other } = both;
    corp.knows(other);
    const never = { srv: () => new Promise<never>(() => {}) };
    Object.assign(corp.edge.resolver, never);
    const abort = new AbortController();
    const message = corp.message('li@partner.example', 'x');
    const sending = corp.shore.send('corp.example', 'partner.example', undefined, message, { durable: true, signal: abort.signal });
    abort.abort();
    const result = await sending;
    assert(result.kind === 'failed' && result.reason.code === 'PEER_TIMEOUT');
  });

  test('too large for the partner fails alone and leaves the stream open', async () => {
    await using both = await partners();
    const { corp, other } = both;
    const large = await corp.send(other, 'x'.repeat(70_000));
    assert(large.kind === 'failed' && large.reason.code === 'CONTENT_TOO_LARGE');
    assert.equal((await corp.send(other, 'small')).kind, 'written');
    assert.equal(body(await other.received('small')), 'small');
  });
});
