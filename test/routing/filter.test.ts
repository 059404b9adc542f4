// The filters where they stand: in dispatch, after policy and limits, before the outbox.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FILE_EXTENSIONS, LINK_PREFIXES, LINK_SCHEMES } from '../../src/config/sections/filters.ts';
import type { Log } from '../../src/log.ts';
import type { Event, ImSent, Origin } from '../../src/model/event.ts';
import type { AskHook, Filters, HookAnswer, HookQuestion } from '../../src/model/filters.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { DecisionRecord } from '../../src/model/stores.ts';
import type { Partner, Policy } from '../../src/model/table.ts';
import { Discovered } from '../../src/routing/discovered.ts';
import { Dispatch } from '../../src/routing/dispatch.ts';
import { BorderFilter } from '../../src/routing/filter.ts';
import { Limits } from '../../src/routing/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const inside: Origin = { network: 'sip', side: 'inside', peer: 'fe1.corp.example', connection: 'c', proof: 'inside' };
const edge: Origin = { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' };
const nora = { local: 'nora', domain: 'corp.example' };
const li = { local: 'li', domain: 'partner.example' };
const file = 'routes/filters.yaml';
const HOUR_MS = 3_600_000;

const BASE: Filters = {
  urls: {
    action: 'off',
    direction: 'both',
    prefixes: [...LINK_SCHEMES.map((scheme) => `${scheme}:`), ...LINK_PREFIXES],
    trusted: [],
    ignoreLocal: true,
    warnMessage: 'Look twice.',
    allowMessage: '',
    where: { file, key: '/urls/action' },
  },
  files: {
    action: 'off',
    direction: 'both',
    extensions: new Set(FILE_EXTENSIONS),
    names: ['links', 'texts'],
    warnMessage: '',
    where: { file, key: '/files/action' },
  },
  conversationPauseMs: 8 * HOUR_MS,
};
const urls = (action: Filters['urls']['action']): Filters => ({ ...BASE, urls: { ...BASE.urls, action } });
const hook = (onFailure: 'pass' | 'refuse'): Filters => ({
  ...BASE,
  hook: { url: 'https://filter.example/', timeoutMs: 1000, onFailure, direction: 'both', atOnce: 4, where: { file, key: '/hook/url' } },
});

let count = 0;
function message(body: string, more: Partial<ImSent> = {}): ImSent {
  count += 1;
  const wants = { delivered: false, displayed: false };
  return { kind: 'im.sent', id: `e-${count}`, at: 0, origin: edge, from: li, to: nora, body, style: 'chat', wants, ids: {}, ...more };
}
const outward = (body: string): ImSent => message(body, { origin: inside, from: nora, to: li });

interface Setting {
  readonly filters?: Filters;
  readonly partner?: Partial<Partner>;
  readonly policy?: Partial<Policy>;
  readonly ask?: AskHook;
  readonly full?: boolean;
  readonly slowToKnow?: boolean;
}

class Bench {
  readonly clock = new ManualClock();
  readonly kept: ImSent[] = [];
  readonly decisions: DecisionRecord[] = [];
  readonly known = new Set<string>();
  readonly lines: Record<string, unknown>[] = [];
  readonly dispatch: Dispatch;
  full: boolean;

  constructor({ filters, partner: entry = {}, policy = {}, ask, full = false, slowToKnow = false }: Setting) {
    this.full = full;
    const own = [ownDomain('corp.example', 'sip'), ownDomain('chat.example', 'xmpp')];
    const rules = { ...table(own, [partner('partner.example', entry)], policy), ...(filters !== undefined && { filters }) };
    const line = (fields: Record<string, unknown>): void => void this.lines.push(fields);
    const log: Log = { child: () => log, error: line, warn: line, info: line, debug() {} };
    const requests = {
      knows: async (local: string, stranger: string) => {
        if (slowToKnow) await new Promise((resolve) => setImmediate(resolve));
        return this.known.has(`${local} ${stranger}`);
      },
      learn: async (local: string, stranger: string) => void this.known.add(`${local} ${stranger}`),
    };
    const store = { pinned: async () => undefined, pin: async () => {}, countTarget: async () => 1 };
    const gateway = { keepsWriteOrder: true, deliver: async (): Promise<Outcome> => ({ kind: 'handedOver' }) };
    const never: AskHook = async () => assert.fail('nobody is asked');
    this.dispatch = new Dispatch({
      table: () => rules,
      clock: this.clock,
      log,
      limits: new Limits(this.clock),
      requests,
      hold: async () => {},
      discovered: new Discovered(store, this.clock, () => rules),
      decisions: {
        note: (record) => void this.decisions.push(record),
        ofEvent: async () => [],
        between: async () => [],
        since: async function* () {},
        lastOfDomains: async () => new Map(),
        expire: async () => 0,
      },
      sentIds: { originalOf: async () => undefined },
      gateways: new Map([
        ['xmpp', { ...gateway, network: 'xmpp' }],
        ['sip', { ...gateway, network: 'sip' }],
      ]),
      filter: new BorderFilter({ clock: this.clock, log, requests, askHook: ask ?? never }),
    });
    this.dispatch.connect(
      {
        submit: async (event: Event) => {
          if (this.full) return { kind: 'refused', outcome: refusedBy('STORE_FULL') };
          if (event.kind === 'im.sent') this.kept.push(event);
          return { kind: 'duplicate', outcome: { kind: 'handedOver' } };
        },
        toldQueued: () => true,
      },
      { handle: async () => ({ kind: 'handedOver' }), undeliverable: async () => {} },
    );
  }

  /** What is kept of it, or the code that refuses it. */
  async send(event: ImSent): Promise<string> {
    const outcome = await this.dispatch.submit(event);
    return outcome.kind === 'refused'
      ? `${outcome.reason.code} ${outcome.reason.file ?? ''}${outcome.reason.key ?? ''}`
      : this.kept.at(-1)!.body;
  }

  logged(): string[] {
    return this.lines.filter(({ event }) => event === 'message.filtered').map(({ action, what }) => `${String(action)} ${String(what)}`);
  }
}
const refusedBy = (code: 'STORE_FULL'): Outcome => ({ kind: 'refused', reason: { code, blame: 'us', retry: 0, text: 'full' } });

describe('links at the border', () => {
  test('a refused message is answered with the file and key, written down once, and never kept', async () => {
    const bench = new Bench({ filters: urls('block') });
    assert.equal(await bench.send(message('http://x.example')), `CONTENT_FILTERED ${file}/urls/action`);
    assert.deepEqual(bench.kept, []);
    assert.deepEqual(
      bench.decisions.map(({ allowed, code, file: at, key }) => ({ allowed, code, at, key })),
      [{ allowed: false, code: 'CONTENT_FILTERED', at: file, key: '/urls/action' }],
    );
    assert.deepEqual(bench.logged(), ['refuse words']);
    assert.ok(!JSON.stringify(bench.lines).includes('x.example/') && !JSON.stringify(bench.lines).includes('http:'));
  });

  test('a changed message is a new event under the same id; the change is noted with its key beside the allowance', async () => {
    const bench = new Bench({ filters: urls('allow') });
    const sent = message('http://x.example');
    assert.equal(await bench.send(sent), '_http://x.example');
    assert.equal(sent.body, 'http://x.example');
    assert.equal(bench.kept[0]?.id, sent.id);
    assert.deepEqual(
      bench.decisions.map(({ allowed, code, key }) => [allowed, code, key]),
      [
        [true, undefined, ''],
        [true, 'CONTENT_FILTERED', '/urls/action'],
      ],
    );
    assert.deepEqual(bench.logged(), ['allow urls']);
  });

  test('what has nothing in it is the very same event', async () => {
    const bench = new Bench({ filters: urls('allow') });
    const sent = message('hello');
    await bench.send(sent);
    assert.equal(bench.kept[0], sent);
    assert.deepEqual([bench.decisions.length, bench.logged()], [1, []]);
  });

  test('between domains of ours nothing is filtered', async () => {
    const bench = new Bench({ filters: { ...urls('block'), ...hook('refuse'), urls: urls('block').urls } });
    const sent = message('http://x.example', { origin: inside, from: nora, to: { local: 'omar', domain: 'chat.example' } });
    assert.equal(await bench.send(sent), 'http://x.example');
  });

  test('links to our own domains pass', async () => {
    const bench = new Bench({ filters: urls('block') });
    assert.equal(await bench.send(message('https://portal.corp.example/x')), 'https://portal.corp.example/x');
  });

  test('a sender whom policy refuses reads the same as one whom it allows: the filter does not tell who may be reached', async () => {
    const [allowed, refused] = [new Bench({ filters: urls('block') }), new Bench({ filters: urls('block'), partner: { allow: NOBODY } })];
    assert.equal(await allowed.send(message('http://x.example')), await refused.send(message('http://x.example')));
    assert.match(await refused.send(message('hello')), /^POLICY_MESSAGES_OFF/);
  });

  test('without filters.yaml nothing looks at the text', async () => {
    const bench = new Bench({});
    assert.equal(await bench.send(message('http://x.example')), 'http://x.example');
    assert.equal(bench.decisions.length, 1);
  });
});
const NOBODY = { messages: 'none', theySee: [], weSee: false, firstContact: 'anyone' } as const;

describe('what is said with a message', () => {
  const disclaimer: Filters = { ...BASE, disclaimer: { text: 'Archived.', direction: 'toThem', where: { file, key: '/disclaimer/text' } } };

  test('the disclaimer comes once in a conversation, toward partners, and again after the pause', async () => {
    const bench = new Bench({ filters: disclaimer });
    assert.equal(await bench.send(outward('one')), 'one\n\nArchived.');
    assert.equal(await bench.send(outward('two')), 'two');
    assert.equal(await bench.send(message('three')), 'three');
    await bench.clock.advance(7 * HOUR_MS);
    assert.equal(await bench.send(message('four')), 'four'); // keeps the conversation going
    await bench.clock.advance(7 * HOUR_MS);
    assert.equal(await bench.send(outward('five')), 'five');
    await bench.clock.advance(9 * HOUR_MS);
    assert.equal(await bench.send(outward('six')), 'six\n\nArchived.');
  });

  test('a message that was not kept has said nothing', async () => {
    const bench = new Bench({ filters: disclaimer, full: true });
    assert.match(await bench.send(outward('one')), /^STORE_FULL/);
    bench.full = false;
    assert.equal(await bench.send(outward('one')), 'one\n\nArchived.');
  });

  test('people outside are marked: each message, each conversation, the first one', async () => {
    const mark = {
      who: 'everyone',
      prefix: '[External]',
      notice: 'A stranger.',
      warning: 'Careful.',
      where: { file, key: '/externalMark' },
    } as const;
    const bench = new Bench({ filters: { ...BASE, externalMark: mark } });
    assert.equal(await bench.send(message('one')), 'A stranger.\nCareful.\n[External] one');
    assert.equal(await bench.send(message('two')), '[External] two');
    assert.equal(await bench.send(outward('three')), 'three');
    await bench.clock.advance(9 * HOUR_MS);
    assert.equal(await bench.send(message('four')), 'Careful.\n[External] four');
    await bench.clock.advance(91 * 24 * HOUR_MS);
    assert.equal(await bench.send(message('five')), 'Careful.\n[External] five'); // nora has written to them
  });

  test('after 90 days of silence a stranger is one again', async () => {
    const mark = { who: 'everyone', notice: 'A stranger.', where: { file, key: '/externalMark' } } as const;
    const bench = new Bench({ filters: { ...BASE, externalMark: mark } });
    assert.equal(await bench.send(message('one')), 'A stranger.\none');
    await bench.clock.advance(89 * 24 * HOUR_MS);
    assert.equal(await bench.send(message('two')), 'two');
    await bench.clock.advance(91 * 24 * HOUR_MS);
    assert.equal(await bench.send(message('three')), 'A stranger.\nthree');
  });

  test('the second message does not overtake the first, about which it is asked who knows whom', async () => {
    const mark = { who: 'everyone', notice: 'A stranger.', where: { file, key: '/externalMark' } } as const;
    const bench = new Bench({ filters: { ...BASE, externalMark: mark }, slowToKnow: true });
    await Promise.all([bench.send(message('one')), bench.send(message('two'))]);
    assert.deepEqual(
      bench.kept.map(({ body }) => body),
      ['A stranger.\none', 'two'],
    );
  });

  test('who: unproven marks senders that were proven by dialback alone', async () => {
    const mark = { who: 'unproven', prefix: '[Unproven]', where: { file, key: '/externalMark' } } as const;
    const xmpp = { ...partner('partner.example').xmpp, proof: 'dialback' } as const;
    const bench = new Bench({ filters: { ...BASE, externalMark: mark }, partner: { xmpp } });
    bench.known.add('nora@corp.example li@partner.example');
    assert.equal(await bench.send(message('one')), 'one');
    assert.equal(await bench.send(message('two', { origin: { ...edge, proof: 'dialback' } })), '[Unproven] two');
  });
});

describe('the hook', () => {
  const asks = (answer: HookAnswer | Error, seen: HookQuestion[] = []): AskHook => {
    return async (_rule, question) => {
      seen.push(question);
      if (answer instanceof Error) throw answer;
      return answer;
    };
  };

  test('is told who, which way and what, and lets pass', async () => {
    const seen: HookQuestion[] = [];
    const bench = new Bench({ filters: hook('refuse'), ask: asks({ action: 'pass' }, seen) });
    const sent = message('hello', { subject: 's', lang: 'en' });
    assert.equal(await bench.send(sent), 'hello');
    assert.deepEqual(seen, [
      {
        id: sent.id,
        at: 0,
        direction: 'fromThem',
        from: 'li@partner.example',
        to: 'nora@corp.example',
        partner: 'partner.example',
        proof: 'certificate',
        body: 'hello',
        subject: 's',
        lang: 'en',
      },
    ]);
  });

  test('refuses with its own words', async () => {
    const bench = new Bench({ filters: hook('refuse'), ask: asks({ action: 'refuse', reason: 'card number' }) });
    const outcome = await bench.dispatch.submit(outward('4111'));
    assert.ok(outcome.kind === 'refused');
    assert.deepEqual([outcome.reason.code, outcome.reason.text, outcome.reason.key], ['CONTENT_FILTERED', 'card number', '/hook/url']);
    assert.deepEqual(bench.logged(), ['refuse hook']);
    assert.deepEqual(
      bench.decisions.map(({ code }) => code),
      ['CONTENT_FILTERED'],
    );
  });

  test('replaces, and what it wrote is judged as well', async () => {
    const bench = new Bench({
      filters: { ...hook('refuse'), urls: urls('allow').urls },
      ask: asks({ action: 'replace', body: 'see http://y.example' }),
    });
    assert.equal(await bench.send(outward('4111')), 'see _http://y.example');
    assert.deepEqual(bench.logged(), ['replace hook', 'allow urls']);
    const long = new Bench({ filters: hook('refuse'), ask: asks({ action: 'replace', body: 'x'.repeat(70_000) }) });
    assert.match(await long.send(outward('4111')), /^CONTENT_UNCHECKED/);
  });

  test('when it fails, onFailure decides; the sender may try again and does not read why', async () => {
    const failing = asks(new Error('it answered with status 500'));
    const closed = new Bench({ filters: hook('refuse'), ask: failing });
    const outcome = await closed.dispatch.submit(outward('hello'));
    assert.ok(outcome.kind === 'refused');
    assert.deepEqual([outcome.reason.code, outcome.reason.retry, outcome.reason.key], ['CONTENT_UNCHECKED', 30_000, '/hook/url']);
    assert.ok(!outcome.reason.text.includes('500'));
    const open = new Bench({ filters: hook('pass'), ask: failing });
    assert.equal(await open.send(outward('hello')), 'hello');
    assert.deepEqual(open.logged(), ['passUnchecked hook']);
  });

  test('is not asked about what policy or another filter refuses, nor about typing and receipts', async () => {
    const filters = { ...hook('refuse'), urls: urls('block').urls };
    assert.match(await new Bench({ filters }).send(message('http://x.example')), /^CONTENT_FILTERED/);
    assert.match(await new Bench({ filters, partner: { allow: NOBODY } }).send(message('hello')), /^POLICY/);
    const bench = new Bench({ filters });
    const { kind: _kind, ...rest } = message('');
    await bench.dispatch.submit({ ...rest, kind: 'im.composing', state: 'composing' });
    await bench.dispatch.submit({ ...rest, kind: 'im.receipt', about: 'x', status: 'delivered' });
  });

  test('messages of one pair stay in order however it answers; other pairs do not wait', async () => {
    const answers = new Map<string, PromiseWithResolvers<HookAnswer>>();
    const ask: AskHook = (_rule, { body }) => {
      const answer = Promise.withResolvers<HookAnswer>();
      answers.set(body, answer);
      return answer.promise;
    };
    const bench = new Bench({ filters: hook('refuse'), ask });
    const other = message('other', { from: { local: 'ann', domain: 'partner.example' } });
    const sent = [message('one'), message('two'), message('three')].map((one) => bench.dispatch.submit(one));
    const another = bench.dispatch.submit(other);
    while (answers.size < 4) await new Promise((resolve) => setImmediate(resolve));
    answers.get('three')?.resolve({ action: 'pass' });
    answers.get('other')?.resolve({ action: 'pass' });
    await another;
    answers.get('two')?.resolve({ action: 'refuse' });
    assert.deepEqual(
      bench.kept.map(({ body }) => body),
      ['other'],
    );
    answers.get('one')?.resolve({ action: 'replace', body: 'ONE' });
    await Promise.all(sent);
    assert.deepEqual(
      bench.kept.map(({ body }) => body),
      ['other', 'ONE', 'three'],
    );
  });
});
