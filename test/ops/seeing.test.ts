// What an operator sees of a running edge and does with its connections and its queue, from the command line over the admin socket.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLineOperations } from '../../src/assembly/operations.ts';
import type { Report } from '../../src/ops/verb.ts';
import { perform } from '../../src/ops/verb-command.ts';
import { VERBS } from '../../src/ops/verb-table.ts';
import { CORP, FABRIKAM, PARTNER, WOODGROVE } from '../hostile/names.ts';
import { RunningEdge } from '../hostile/running-edge.ts';
import { ask } from '../support/sip-exchange.ts';
import { printSip, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';

const judge = (): never => {
  throw new Error('not of this test');
};

/** A command on the home of a running edge. */
async function command(edge: RunningEdge, words: string, given: Record<string, unknown> = {}): Promise<Report> {
  const terminal = { out() {}, err() {}, env: {}, cwd: '/' };
  const operations = commandLineOperations(join(edge.around.folder, 'home'), terminal, judge);
  try {
    const verb = await VERBS.find((row) => row.words === words)?.load();
    assert.ok(verb !== undefined, words);
    return await perform(verb, operations, verb.input.parse(given), given);
  } finally {
    operations.close();
  }
}

const message = (id: string): string => ask('MESSAGE', { 'Call-ID': id, 'Content-Type': 'text/plain' }, 'hello');

test('status and session list show who is connected, how they proved it, and what needs a look', async () => {
  await using edge = await RunningEdge.open();
  const sip = await edge.sip();
  sip.send(message('first'));
  assert.equal(status(await sip.next()), 200);
  await edge.xmpp();
  const listed = await command(edge, 'session list');
  assert.match(listed.text, /fabrikam\.example +certificate +sip +edge +in +127\.0\.0\.1:\d+ +1\.3 +\d+ s +1 +\d/);
  assert.match(listed.text, /partner\.example +certificate +xmpp +edge +in/);
  assert.match(listed.text, /contoso\.example.* inside server +xmpp +inside +out/);
  const one = await command(edge, 'session list', { partner: 'FABRIKAM.example' });
  assert.match(one.text, /\n1 connection$/);
  const seen = await command(edge, 'status');
  assert.match(seen.text, /edge sip tls:\/\/127\.0\.0\.1:\d+/);
  assert.match(seen.text, /, set 1 in force \(as in the files\)$/m);
  assert.match(seen.text, /fabrikam\.example +sip idle +sip up \d+ s +1 sip in/);
  assert.match(seen.text, /partner\.example +xmpp (idle|up).* +xmpp up \d+ s +1 xmpp in/);
  const { partners } = seen.json as { partners: { partner: string }[] };
  assert.deepEqual(partners.map(({ partner }) => partner).sort(), [FABRIKAM, PARTNER, WOODGROVE].sort());
  const page = await command(edge, 'top', { rounds: '1' });
  assert.match(page.text, /MSG\/S IN/);
  assert.doesNotMatch(seen.text, /is not connected/);
});

test('status says when our own XMPP server is not connected', async () => {
  await using edge = await RunningEdge.open();
  await edge.around.insideXmpp.door[Symbol.asyncDispose]();
  const seen = await until('the loss is seen', async () => {
    const report = await command(edge, 'status');
    return report.exit === 1 && report;
  });
  assert.match(seen.text, /the XMPP server of contoso\.example is not connected: 127\.0\.0\.1 port \d+/);
});

test('session close: the connection ends and the audit log knows who ended it', async () => {
  await using edge = await RunningEdge.open();
  const stream = await edge.xmpp();
  const closed = await command(edge, 'session close', { partner: PARTNER });
  assert.deepEqual([closed.exit, closed.text], [0, `1 connection of ${PARTNER} closed.`]);
  assert.match(JSON.stringify(await stream.element('a stream error', ({ name }) => name === 'error')), /reset/);
  const audit = await command(edge, 'audit list', { act: 'session close' });
  assert.match(audit.text, /session close partner=partner\.example/);
  assert.equal((await command(edge, 'session close', { id: 'nobody' })).exit, 1);
  assert.equal((await command(edge, 'session close', { partner: PARTNER })).exit, 1);
});

test('a partner that is down: status says so and why, the queue shows what waits, drop tells its sender once', async () => {
  await using edge = await RunningEdge.open();
  const inside = await edge.insideSip();
  await edge.around.partnerXmpp.close();
  inside.send(
    printSip(
      `MESSAGE sip:li@${PARTNER} SIP/2.0`,
      [
        'Via: SIP/2.0/TCP in.corp.example;branch=z9hG4bK-1',
        'Max-Forwards: 70',
        `From: <sip:nora@${CORP}>;tag=1`,
        `To: <sip:li@${PARTNER}>`,
        'Call-ID: waits',
        'CSeq: 1 MESSAGE',
        'Content-Type: text/plain',
      ],
      'a secret text',
    ),
  );
  assert.equal(status(await inside.next()), 202);
  const listed = await until('a row with a reason', async () => {
    const report = await command(edge, 'queue list', { partner: PARTNER });
    return /NET_\w+/.test(report.text) && report;
  });
  assert.match(listed.text, /message +nora@corp\.example +li@partner\.example +\d+ s +\d+ +\d\d:\d\d:\d\d \(\d+ s\) +NET_/);
  assert.doesNotMatch(JSON.stringify(listed.json), /secret/);
  const seen = await command(edge, 'status');
  assert.equal(seen.exit, 1);
  assert.match(seen.text, /partner\.example cannot be reached over XMPP: NET_/);
  assert.match(seen.text, /xmpp DOWN since \d\d:\d\d:\d\d NET_/);
  assert.match(seen.text, /1 wait, the oldest for/);
  assert.match((await command(edge, 'queue retry', { all: true })).text, /^1 row tried now/);
  const dropped = await command(edge, 'queue drop', { partner: PARTNER });
  assert.match(dropped.text, /^1 row dropped\./);
  const notice = await until('the failure notice', () =>
    edge.around.insideSip.requests.find(({ start }) => start.startsWith('MESSAGE sip:nora@')),
  );
  assert.match(JSON.stringify(notice), /was not delivered: it was not sent, and an operator took it out/);
  assert.equal((await command(edge, 'queue drop', { partner: PARTNER })).exit, 1);
});

test('explain asks the process: a message of this very second is found by the Call-ID, with the file and line that let it in', async () => {
  await using edge = await RunningEdge.open();
  const sip = await edge.sip();
  sip.send(message('just-now'));
  assert.equal(status(await sip.next()), 200);
  const life = await command(edge, 'explain', { idOrFrom: 'just-now' });
  assert.equal(life.exit, 0);
  assert.match(life.text, /^Message from nora@fabrikam\.example to li@contoso\.example/);
  assert.match(life.text, /accepted from fabrikam\.example over SIP \(its certificate names the domain\)/);
  assert.match(life.text, /allowed by routes\/(policy|partners\/fabrikam\.example)\.yaml:\d+/);
  assert.match(life.text, /delivered: the far end confirmed it/);
  const pair = await command(edge, 'explain', { idOrFrom: 'sip:Nora@Fabrikam.example', to: 'li@contoso.example' });
  assert.match(pair.text, /In short: the last message was delivered/);
  assert.match(pair.text, /a message from li@contoso\.example to nora@fabrikam\.example is allowed/);
  const view = await command(edge, 'explain', { idOrFrom: 'nora@fabrikam.example', to: 'li@contoso.example', presence: true });
  assert.match(
    view.text,
    /In short: li@contoso\.example appears offline to nora@fabrikam\.example because there is no permission on record/,
  );
});
