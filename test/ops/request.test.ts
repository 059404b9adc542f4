import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import type { Event } from '../../src/model/event.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { delivered, refused } from '../../src/model/outcome.ts';
import { requestApprove, requestDeny } from '../../src/ops/request/decide.ts';
import { requestList } from '../../src/ops/request/list.ts';
import type { Verb } from '../../src/ops/verb.ts';
import { FirstContact } from '../../src/outbox/first-contact.ts';
import { openStore } from '../../src/store/store.ts';
import { countingIds, im, settle, subscription } from '../outbox/events.ts';
import { tempStore } from '../store/temp-store.ts';
import { keptAudit, OPERATOR, operationsFor } from './api/verbs.ts';

const VERBS = { list: requestList, approve: requestApprove, deny: requestDeny };

/** A running process and, beside it, the command line on the same files. */
function home() {
  const temp = tempStore();
  const { clock } = temp;
  const submitted: Event[] = [];
  const denied: Event[] = [];
  const answers: Outcome[] = [];
  const contact = new FirstContact({
    store: temp.store.requests,
    clock,
    ids: countingIds(),
    log: SILENT,
    submit: async (event) => {
      submitted.push(event);
      return answers.shift() ?? delivered('ok');
    },
    deny: async (event) => {
      denied.push(event);
      return answers.shift() ?? delivered('ok');
    },
  });
  const command = async (verb: keyof typeof VERBS, id?: string) => {
    const store = openStore({ folder: temp.folder, clock, mode: 'visit' });
    try {
      const site = { actor: OPERATOR, signal: new AbortController().signal, line() {}, progress() {} };
      const row: Verb = VERBS[verb];
      const given = id === undefined ? {} : { id };
      return await row.run({ ...operationsFor(keptAudit().log)(site), clock, records: () => store }, row.input.parse(given));
    } finally {
      store.close();
    }
  };
  return { temp, clock, contact, submitted, denied, answers, command, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

const idIn = (text: string): string => text.split(' ')[0] ?? '';

test('an approved stranger’s message goes on its way in the running process', async () => {
  await using at = home();
  at.contact.start();
  await at.contact.hold(im('a'));
  at.clock.advance(2 * 3_600_000);
  const list = await at.command('list');
  assert.match(list.text, /^[0-9a-f]{8} {2}li@sip\.example wants to write to nora@xmpp\.example, since 2 h$/);
  const approved = await at.command('approve', idIn(list.text));
  assert.match(approved.text, /may reach nora@xmpp\.example from now on/);
  assert.equal(approved.exit, 0);
  await at.clock.pass(2000);
  await settle();
  assert.deepEqual(at.submitted, [im('a')]);
  assert.equal(await at.temp.store.requests.knows('nora@xmpp.example', 'li@sip.example'), true);
  assert.equal((await at.command('list')).text, 'No stranger waits.');
  await at.clock.pass(10_000);
  assert.equal(at.submitted.length, 1, 'once');
});

test('a denied subscription is answered by the user’s own denial; a denied message by nothing', async () => {
  await using at = home();
  at.contact.start();
  await at.contact.hold(subscription('s'));
  await at.contact.hold(im('a'));
  await at.command('deny', idIn((await at.command('list')).text));
  await at.clock.pass(2000);
  await settle();
  // Straight to the outbox: presence has no record of a request that was held, and would ignore its end.
  assert.deepEqual(at.submitted, []);
  assert.deepEqual(
    at.denied.map((event) => [event.kind, event.from.local, event.to.local]),
    [['presence.denied', 'nora', 'li']],
  );
  assert.deepEqual(await at.temp.store.requests.decided(), []);
});

test('a decision that cannot be carried out now is carried out later', async () => {
  await using at = home();
  at.answers.push(refused(reason('STORE_FULL', 'full')));
  at.contact.start();
  await at.contact.hold(im('a'));
  await at.command('approve', idIn((await at.command('list')).text));
  await at.clock.pass(4000);
  await settle();
  assert.equal(at.submitted.length, 2);
  assert.deepEqual(await at.temp.store.requests.decided(), []);
});

test('one stranger cannot pile up: ten messages and one subscription request wait for one user', async () => {
  await using at = home();
  for (let i = 0; i < 15; i += 1) {
    await at.contact.hold(im(`m${i}`));
    await at.contact.hold(subscription(`s${i}`));
  }
  assert.equal((await at.temp.store.requests.list()).length, 11);
});

test('a near miss asks whether that was meant', async () => {
  await using at = home();
  await at.contact.hold(im('a'));
  const id = idIn((await at.command('list')).text);
  const miss = await at.command('approve', `${id.slice(0, 6)}zz`);
  assert.equal(miss.text, `No request ${id.slice(0, 6)}zz waits for an answer. Did you mean ${id}?`);
  assert.equal(miss.exit, 1);
});
