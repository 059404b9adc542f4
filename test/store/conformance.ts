// What every store must do, whatever it is made of. A second implementation runs the same suite.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { NewRow } from '../../src/model/outbox-store.ts';
import { StoreError } from '../../src/model/outbox-store.ts';
import type { Authorization, ContactRequest, DecisionRecord } from '../../src/model/stores.ts';
import { im } from '../outbox/events.ts';
import type { TempStore } from './temp-store.ts';

const hop = { network: 'xmpp', side: 'edge', ourDomain: 'sip.example', theirDomain: 'xmpp.example' } as const;

function row(id: string, facts: Partial<NewRow> = {}): NewRow {
  return {
    event: im(id),
    acceptedAt: 1000,
    serviceNow: 0,
    serviceDeadline: 86_400_000,
    callId: `callid-${id}`,
    fromTag: 'tag',
    stanzaId: id,
    ...facts,
  };
}

const authorization = (watcher: string, presentity: string, state: Authorization['state'] = 'pending'): Authorization => ({
  watcher,
  presentity,
  state,
  changedAt: 5,
  watcherSeenAt: 6,
});

const asked = (id: string, from = 'eve@out.example', kind: ContactRequest['kind'] = 'message'): ContactRequest => ({
  id,
  from,
  to: 'nora@ours.example',
  kind,
  event: new TextEncoder().encode(`secret text of ${id}`),
  createdAt: 100,
});

/** @param make opens an empty store whose `reopen` keeps what was committed */
export function storeConformance(name: string, make: () => TempStore): void {
  const says = (title: string, run: (temp: TempStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      await using temp = make();
      await run(temp);
    });
  };

  says('outbox: what is accepted is there after a reopening, in order, with its identifiers', async (temp) => {
    const results = await Promise.all(['a', 'b', 'c'].map((id) => temp.store.outbox.accept(row(id))));
    assert.ok(results.every((one) => one.kind === 'accepted'));
    const store = temp.reopen();
    const waiting = await store.outbox.waiting();
    assert.deepEqual(
      waiting.map((one) => [one.id, one.lane, one.toDomain, one.wire.callId, one.wire.cseq === one.row]),
      ['a', 'b', 'c'].map((id) => [id, 'li@sip.example>nora@xmpp.example', 'xmpp.example', `callid-${id}`, true]),
    );
    assert.deepEqual(await store.outbox.load(waiting[0]?.row ?? 0), im('a'));
  });

  says('outbox: a number is never used twice', async (temp) => {
    const first = await temp.store.outbox.accept(row('a'));
    assert.ok(first.kind === 'accepted');
    await temp.store.outbox.end({ row: first.row.row, state: 'withdrawn', at: 1, attempts: 0 });
    const second = await temp.reopen().outbox.accept(row('b'));
    assert.ok(second.kind === 'accepted' && second.row.row > first.row.row);
  });

  says('outbox: the end of a row and its notice are one', async (temp) => {
    const accepted = await temp.store.outbox.accept(row('a'));
    assert.ok(accepted.kind === 'accepted');
    const end = { row: accepted.row.row, state: 'refused', at: 2000, attempts: 1, reason: reason('PEER_GONE', 'gone') } as const;
    const notice = await temp.store.outbox.end(end, () => row('n'));
    assert.equal(notice?.id, 'n');
    assert.equal(await temp.store.outbox.end(end, () => row('again')), undefined, 'once');
    assert.equal(await temp.store.outbox.load(accepted.row.row), undefined, 'the body is erased');
    const store = temp.reopen();
    assert.deepEqual(
      (await store.outbox.waiting()).map((one) => one.id),
      ['n'],
    );
    const [line] = await store.ledger.find('a');
    assert.deepEqual([line?.state, line?.reason?.code, line?.noticeId, line?.endedAt], ['refused', 'PEER_GONE', 'n', 2000]);
  });

  says('outbox: a notice asked for inside the transaction may say no', async (temp) => {
    const accepted = await temp.store.outbox.accept(row('a'));
    assert.ok(accepted.kind === 'accepted');
    const end = { row: accepted.row.row, state: 'refused', at: 2000, attempts: 1 } as const;
    assert.equal(await temp.store.outbox.end(end, () => undefined), undefined);
    assert.deepEqual(await temp.store.outbox.waiting(), []);
  });

  says('outbox: copies are known within the window of service time, by key', async (temp) => {
    const dedupKey = new Uint8Array([1, 2, 3]);
    await temp.store.outbox.accept(row('a', { dedupKey }));
    for (let i = 0; i < 2; i += 1) {
      const copy = await temp.store.outbox.accept(row('b', { dedupKey, serviceNow: 86_400_000 }));
      assert.equal(copy.kind === 'duplicate' && copy.of.id, 'a');
      temp.reopen();
    }
    assert.equal((await temp.store.outbox.accept(row('c', { dedupKey: new Uint8Array([9]) }))).kind, 'accepted');
    assert.equal((await temp.store.outbox.accept(row('d', { dedupKey, serviceNow: 86_400_001 }))).kind, 'accepted');
    assert.equal(await temp.store.outbox.forgetKeys(86_400_000), 1);
    assert.equal(await temp.store.outbox.forgetKeys(86_400_000), 0);
  });

  says('ledger: failed tries are kept one by one, the last twenty, and stay after a good end', async (temp) => {
    const accepted = await temp.store.outbox.accept(row('a'));
    assert.ok(accepted.kind === 'accepted');
    const number = accepted.row.row;
    for (let attempt = 1; attempt <= 12; attempt += 1)
      temp.store.outbox.tried(number, attempt * 1000, attempt, reason('NET_CLOSED', 'closed'));
    const [waits] = await temp.reopen().ledger.waiting(10);
    assert.deepEqual(
      [waits?.id, waits?.from, waits?.state, waits?.attempts, waits?.reason?.code],
      ['a', 'li@sip.example', 'accepted', 12, 'NET_CLOSED'],
    );
    for (let attempt = 13; attempt <= 25; attempt += 1)
      temp.store.outbox.tried(number, attempt * 1000, attempt, reason('PEER_TIMEOUT', 'late'));
    temp.store.outbox.delivered({ row: number, state: 'delivered', at: 99_000, attempts: 26, evidence: 'ok' });
    const [line] = await temp.store.ledger.find('a');
    assert.deepEqual(
      [line?.tries.length, line?.tries[0], line?.tries.at(-1)],
      [20, { at: 6000, attempt: 6, code: 'NET_CLOSED', text: 'closed' }, { at: 25_000, attempt: 25, code: 'PEER_TIMEOUT', text: 'late' }],
    );
    assert.deepEqual(await temp.store.ledger.waiting(10), []);
  });

  says('ledger: a life is one line, found by every name of it', async (temp) => {
    const accepted = await temp.store.outbox.accept(row('a'));
    assert.ok(accepted.kind === 'accepted');
    const number = accepted.row.row;
    temp.store.outbox.tried(number, temp.clock.now(), 1, reason('NET_CLOSED', 'closed'));
    temp.store.outbox.written(number, 1500, 2, hop);
    for (const id of ['a', 'callid-a', 'wire-a', 'call-a', 'imdn-a']) {
      const [line, ...more] = await temp.store.ledger.find(id);
      assert.deepEqual([line?.id, line?.state, line?.attempts, line?.hop?.domain, more.length], ['a', 'written', 2, 'xmpp.example', 0], id);
    }
    temp.store.outbox.delivered({ row: number, state: 'delivered', at: 1600, attempts: 2, evidence: 'SIP 200' });
    const [line] = await temp.reopen().ledger.find('call-a');
    assert.deepEqual(
      [line?.state, line?.evidence, line?.reason, line?.acceptedAt, line?.writtenAt, line?.endedAt],
      ['delivered', 'SIP 200', undefined, 1000, 1500, 1600],
    );
    assert.deepEqual(await temp.store.ledger.find('somebody else'), []);
    assert.deepEqual(await temp.store.outbox.waiting(), []);
  });

  says('ledger: a kill between a line and the indexes behind it loses no name and no key', async (temp) => {
    const dedupKey = new Uint8Array([4, 5, 6]);
    const accepted = await temp.store.outbox.accept(row('a', { dedupKey }));
    assert.ok(accepted.kind === 'accepted');
    temp.store.outbox.delivered({ row: accepted.row.row, state: 'delivered', at: 1600, attempts: 1, evidence: 'SIP 200' });
    // Lazy marks are written after 50 ms, names and keys only within a second.
    await new Promise((resolve) => setTimeout(resolve, 120));
    temp.crash();
    assert.deepEqual(await temp.store.outbox.waiting(), []);
    for (const id of ['a', 'callid-a', 'wire-a', 'call-a']) assert.equal((await temp.store.ledger.find(id))[0]?.state, 'delivered', id);
    const copy = await temp.store.outbox.accept(row('b', { dedupKey }));
    assert.equal(copy.kind === 'duplicate' && copy.of.id, 'a');
  });

  says('ledger: no body in it', async (temp) => {
    await temp.store.outbox.accept(row('a'));
    assert.ok(!JSON.stringify(await temp.store.ledger.find('a')).includes('body of a'));
  });

  says('ledger: between two people, one direction, since a time', async (temp) => {
    for (const [index, id] of ['a', 'b', 'c'].entries()) await temp.store.outbox.accept(row(id, { acceptedAt: index * 1000 }));
    const ids = async (from: string, to: string): Promise<string[]> =>
      (await temp.store.ledger.between(from, to, 1000)).map((one) => one.id);
    assert.deepEqual(await ids('li@sip.example', 'nora@xmpp.example'), ['b', 'c']);
    assert.deepEqual(await ids('nora@xmpp.example', 'li@sip.example'), []);
  });

  says('ledger: old lines go with their names, what waits stays', async (temp) => {
    const numbers: number[] = [];
    for (const id of ['old', 'waits', 'new']) {
      const accepted = await temp.store.outbox.accept(row(id, { acceptedAt: id === 'new' ? 9000 : 10 }));
      assert.ok(accepted.kind === 'accepted');
      numbers.push(accepted.row.row);
    }
    temp.store.outbox.delivered({ row: numbers[0] ?? 0, state: 'delivered', at: 20, attempts: 1 });
    assert.equal(await temp.store.ledger.expire(5000), 1);
    assert.deepEqual(await temp.store.ledger.find('wire-old'), []);
    assert.equal((await temp.store.ledger.find('wire-waits')).length, 1);
    assert.equal((await temp.store.ledger.counts()).accepted, 2);
  });

  says('sent ids: the original by what we called it, for its own recipient only', async (temp) => {
    await temp.store.outbox.accept(row('a', { acceptedAt: temp.clock.now() }));
    const original = await temp.store.sentIds.originalOf('nora@xmpp.example', 'li@sip.example', 'callid-a');
    assert.deepEqual(original, { id: 'a', messageId: 'imdn-a', wireId: 'wire-a' });
    assert.equal(await temp.store.sentIds.originalOf('li@sip.example', 'nora@xmpp.example', 'a'), undefined);
  });

  says('service clock: the last base, and whether the end was clean', async (temp) => {
    assert.equal(await temp.store.serviceClock.load(), undefined);
    await temp.store.serviceClock.save({ serviceMs: 5, wallMs: 6, clean: false }, false);
    await temp.store.serviceClock.save({ serviceMs: 7, wallMs: 8, clean: true }, true);
    assert.deepEqual(await temp.reopen().serviceClock.load(), { serviceMs: 7, wallMs: 8, clean: true });
  });

  says('authorizations: put, replace, look both ways, count what is pending, remove', async (temp) => {
    const { authorizations } = temp.store;
    const nora = { ...authorization('li@out.example', 'nora@ours.example'), reason: 'asked', lastSubscribeAt: 3 };
    await Promise.all([
      authorizations.put(nora),
      authorizations.put(authorization('li@out.example', 'omar@ours.example')),
      authorizations.put(authorization('eve@out.example', 'nora@ours.example', 'granted')),
    ]);
    const again = temp.reopen().authorizations;
    assert.deepEqual(await again.get('li@out.example', 'nora@ours.example'), nora);
    assert.equal((await again.ofWatcher('li@out.example')).length, 2);
    assert.equal((await again.ofPresentity('nora@ours.example')).length, 2);
    assert.equal(await again.countPending('out.example', 'ours.example'), 2);
    await again.put(authorization('li@out.example', 'nora@ours.example', 'denied'));
    assert.equal(await again.countPending('out.example', 'ours.example'), 1);
    await again.remove('li@out.example', 'nora@ours.example');
    assert.equal(await again.get('li@out.example', 'nora@ours.example'), undefined);
  });

  says('authorizations: all of them, page by page, while somebody writes', async (temp) => {
    const { authorizations } = temp.store;
    await Promise.all(Array.from({ length: 1100 }, (_, i) => authorizations.put(authorization(`u${i}@out.example`, 'nora@ours.example'))));
    let seen = 0;
    for await (const one of authorizations.all()) {
      seen += 1;
      if (seen === 10) await authorizations.remove(one.watcher, one.presentity);
    }
    assert.equal(seen, 1100);
  });

  says('dialogs: kept over a restart, replaced by id, removed', async (temp) => {
    const dialog = { id: 'd', role: 'notifier', watcher: 'w', presentity: 'p', data: '{"cseq":1}', expiresAt: 9 } as const;
    await temp.store.dialogs.put(dialog);
    await temp.store.dialogs.put({ ...dialog, data: '{"cseq":1001}' });
    assert.deepEqual(await temp.reopen().dialogs.all(), [{ ...dialog, data: '{"cseq":1001}' }]);
    await temp.store.dialogs.remove('d');
    assert.deepEqual(await temp.store.dialogs.all(), []);
  });

  says('spellings: kept where they differ from the mapped form, forgotten where they do not', async (temp) => {
    await temp.store.spellings.put('nora@ours.example', 'Nora');
    await temp.store.spellings.put('omar@ours.example', 'omar');
    assert.equal(await temp.reopen().spellings.get('nora@ours.example'), 'Nora');
    assert.equal(await temp.store.spellings.get('omar@ours.example'), undefined);
    await temp.store.spellings.put('nora@ours.example', 'nora');
    assert.equal(await temp.store.spellings.get('nora@ours.example'), undefined);
  });

  says('a reply finds the conversation as its first sender named it: over a restart, for the same two people', async (temp) => {
    const threadOf = async (id: string, conversation: NonNullable<NewRow['conversation']>, callId: string) => {
      const result = await temp.store.outbox.accept(row(id, { conversation, callId }));
      return result.kind === 'accepted' ? result.row.wire.thread : undefined;
    };
    assert.equal(await threadOf('a', { pair: 'p', kind: 'thread', value: 't 1' }, 'c1'), 't 1');
    temp.reopen();
    assert.equal(await threadOf('b', { pair: 'p', kind: 'callId', value: 'c1' }, 'c1'), 't 1');
    assert.equal(await threadOf('c', { pair: 'other', kind: 'callId', value: 'c1' }, 'c1'), 'c1');
  });

  says('requests: wait, are decided once, are carried out and forgotten', async (temp) => {
    const { requests } = temp.store;
    assert.equal(await requests.put(asked('r1')), true);
    await requests.put(asked('r2', 'eve@out.example', 'presence'));
    await requests.put(asked('r3', 'mal@out.example'));
    assert.deepEqual(
      (await requests.list()).map((one) => [one.id, one.event.length]),
      [
        ['r1', 0],
        ['r2', 0],
        ['r3', 0],
      ],
    );
    assert.equal((await requests.decide('r1', 'approved'))?.from, 'eve@out.example');
    assert.equal(await requests.decide('r2', 'denied'), undefined, 'the decision was about the stranger');
    assert.equal(await requests.knows('nora@ours.example', 'eve@out.example'), true);
    assert.equal(await requests.knows('nora@ours.example', 'mal@out.example'), false);
    const again = temp.reopen().requests;
    const decided = await again.decided();
    assert.deepEqual(
      decided.map((one) => [one.id, one.decided, new TextDecoder().decode(one.event)]),
      [
        ['r1', 'approved', 'secret text of r1'],
        ['r2', 'approved', 'secret text of r2'],
      ],
    );
    for (const { id } of decided) await again.remove(id);
    assert.deepEqual(await again.decided(), []);
    assert.equal(await again.expire(101), 1);
    assert.deepEqual(await again.list(), []);
  });

  says('requests: one stranger, and one strange domain, cannot pile up', async (temp) => {
    const { requests } = temp.store;
    const put = async (count: number, make: (i: number) => ContactRequest): Promise<number> =>
      (await Promise.all(Array.from({ length: count }, (_, i) => requests.put(make(i))))).filter(Boolean).length;
    assert.equal(await put(15, (i) => asked(`m${i}`)), 10);
    assert.equal(await put(5, (i) => asked(`p${i}`, 'eve@out.example', 'presence')), 1);
    assert.equal(await put(1100, (i) => asked(`d${i}`, `u${i}@out.example`)), 989);
    assert.equal(await put(1, () => asked('other', 'eve@else.example')), 1);
  });

  says('requests: a local user who writes first knows the stranger', async (temp) => {
    await temp.store.requests.learn('nora@ours.example', 'eve@out.example');
    await temp.store.requests.learn('nora@ours.example', 'eve@out.example');
    assert.equal(await temp.reopen().requests.knows('nora@ours.example', 'eve@out.example'), true);
  });

  says('discovered: the pin, and how many different users were addressed', async (temp) => {
    const { discovered } = temp.store;
    await discovered.pin('out.example', 'xmpp', 'certificate', 5);
    assert.deepEqual(await temp.reopen().discovered.pinned('out.example'), { protocol: 'xmpp', proof: 'certificate', lastSeenAt: 5 });
    assert.equal(await temp.store.discovered.pinned('in.example'), undefined);
    const counts = [];
    for (const target of ['a', 'b', 'a', 'c']) counts.push(await temp.store.discovered.countTarget('out.example', target));
    assert.deepEqual(counts, [1, 2, 2, 3]);
  });

  says('decisions: by our id, by the sender’s, by the pair; old ones go', async (temp) => {
    const decision: DecisionRecord = {
      at: 50,
      eventId: 'e1',
      kind: 'im.sent',
      from: 'eve@out.example',
      to: 'nora@ours.example',
      network: 'sip',
      proof: 'certificate',
      allowed: false,
      code: 'POLICY_BLOCKED',
      file: 'routes/policy.yaml',
      key: '/blocked/0',
      ids: ['call-id@host', 'z9hG4bK1'],
    };
    temp.store.decisions.note(decision);
    temp.store.decisions.note({ ...decision, at: 500, eventId: 'e2', ids: [] });
    const { decisions } = temp.reopen();
    assert.deepEqual(await decisions.ofEvent('e1'), [decision]);
    assert.deepEqual(await decisions.ofEvent('call-id@host'), [decision]);
    assert.equal((await decisions.between('eve@out.example', 'nora@ours.example', 0)).length, 2);
    assert.equal((await decisions.between('eve@out.example', 'nora@ours.example', 51)).length, 1);
    assert.equal(await decisions.expire(100), 1);
    assert.deepEqual(await decisions.ofEvent('call-id@host'), []);
  });

  says('secrets: come back as they were', async (temp) => {
    await temp.store.secrets.put('dialback', new Uint8Array([1, 2, 3]));
    assert.deepEqual([...((await temp.reopen().secrets.get('dialback')) ?? [])], [1, 2, 3]);
    assert.equal(await temp.store.secrets.get('other'), undefined);
  });

  says('a closed store refuses by a StoreError, not by silence', async (temp) => {
    const { outbox } = temp.store;
    temp.store.close();
    await assert.rejects(outbox.accept(row('a')), StoreError);
    temp.reopen();
  });
}
