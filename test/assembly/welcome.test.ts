// A partner who is blocked or removed while it is connected, as the partner sees it and as the log tells it.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FABRIKAM, PARTNER } from '../hostile/names.ts';
import { RunningEdge } from '../hostile/running-edge.ts';
import { ask } from '../support/sip-exchange.ts';
import { status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';

const message = (id: string): string => ask('MESSAGE', { 'Call-ID': id, 'Content-Type': 'text/plain' }, 'hello');

test('a blocked partner: its open stream hears policy-violation, its SIP connection closes; the other partner stays', async () => {
  await using edge = await RunningEdge.open();
  const stream = await edge.xmpp();
  const sip = await edge.sip();
  sip.send(message('first'));
  assert.equal(status(await sip.next()), 200);
  const routes = join(edge.around.folder, 'home/routes');
  const proven = (domain: string): boolean => edge.running.live.sessions.list().some((session) => session.proven.has(domain));
  assert.ok(proven(FABRIKAM) && proven(PARTNER));

  writeFileSync(join(routes, 'policy.yaml'), `federation: closed\nblocked:\n  - { domain: ${PARTNER} }\n`);
  assert.equal(edge.running.reload(), true);
  const error = await stream.element('a stream error', ({ name }) => name === 'error');
  assert.match(JSON.stringify(error), /policy-violation/);
  assert.doesNotMatch(JSON.stringify(error), /block/, 'the partner is not told which of the reasons it is');
  await stream.ended();
  sip.send(message('second'));
  assert.equal(status(await sip.next()), 200, 'the other partner goes on');

  rmSync(join(routes, `partners/${FABRIKAM}.yaml`));
  assert.equal(edge.running.reload(), true);
  await sip.closed;
  await until('both to be gone', () => !proven(FABRIKAM) && !proven(PARTNER));
  await until('the log', () => edge.log().includes('POLICY_PARTNER_UNLISTED'));
  const ended = edge
    .log()
    .split('\n')
    .filter((line) => line.includes('session.ended'));
  assert.match(ended[0] ?? '', /POLICY_BLOCKED.*partner\.example is on the block list|partner\.example.*POLICY_BLOCKED/);
  assert.match(ended.at(-1) ?? '', /POLICY_PARTNER_UNLISTED/);
});
