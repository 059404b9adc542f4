// What a service manager hears, with a clock of our own and without one on the machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceManager } from '../../src/assembly/systemd.ts';
import { SILENT } from '../../src/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

function manager(env: Readonly<Record<string, string>>, fails = false) {
  const clock = new ManualClock();
  const said: string[] = [];
  const send = async (assignments: readonly string[]): Promise<void> => {
    said.push(assignments.join(' '));
    if (fails) throw new Error('no such tool');
  };
  return { clock, said, manager: serviceManager({ env, pid: 77, clock, log: SILENT, send }) };
}
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

test('systemd hears that the edge accepts connections, then a sign of life twice in its time, then that it drains', async () => {
  const one = manager({ NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '77' });
  one.manager.ready();
  await turn();
  for (let beat = 0; beat < 3; beat += 1) {
    one.clock.advance(15_000);
    await turn();
  }
  one.manager.stopping();
  one.manager.close();
  one.clock.advance(60_000);
  await turn();
  assert.deepEqual(one.said, [
    'READY=1 MAINPID=77 STATUS=accepting connections',
    'WATCHDOG=1',
    'WATCHDOG=1',
    'WATCHDOG=1',
    'STOPPING=1 STATUS=draining',
  ]);
});

test('a watchdog that is meant for another process is not fed, and without a service manager nothing is said', async () => {
  const other = manager({ NOTIFY_SOCKET: '@notify', WATCHDOG_USEC: '1000000', WATCHDOG_PID: '78' });
  other.manager.ready();
  await turn();
  other.clock.advance(10_000);
  await turn();
  assert.equal(other.said.length, 1);

  const none = manager({ WATCHDOG_USEC: '1000000' });
  none.manager.ready();
  none.manager.stopping();
  none.clock.advance(10_000);
  await turn();
  assert.deepEqual(none.said, []);
});

test('a service manager that cannot be told does not stop the edge', async () => {
  const one = manager({ NOTIFY_SOCKET: '/gone', WATCHDOG_USEC: '2000000' }, true);
  one.manager.ready();
  await turn();
  await turn();
  one.clock.advance(1000);
  await turn();
  assert.equal(one.said.length, 2);
});
