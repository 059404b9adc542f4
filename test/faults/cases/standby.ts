// The drill of docs/standby.md (F18): a backup while messages cross, the host dies, a standby is made of the backup, is refused
// until somebody says that it takes over, and goes on. What was acknowledged before the mark of the backup must arrive, and
// what arrived already must be recognisable as the same.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PeerProcess } from '../../support/peer-process.ts';
import { count, figure, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld } from '../world.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');
/** What is sent while and after the backup is made: a part of it is lost with the host. */
const LATE = 'late';

export async function F18(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs] = scale === 'full' ? [5000, 100] : [600, 30];
  await using world = await FaultWorld.open();
  const backup = join(world.folder, 'backup.tar.gz');
  const standby = join(world.folder, 'standby');

  // --- half is delivered, the other half is taken by a partner that does not say so, or waits for its turn ---
  await world.bothWays(Math.ceil(messages / 2), pairs);
  await world.settled();
  world.partner.manner = 'mute';
  await world.fromSip(Math.floor(messages / 2), pairs, { from: messages });
  const late = world.fromSip(Math.ceil(messages / 10), pairs, { road: LATE, paceMs: 700 });
  const made = await isthmus('backup', backup, '--with-keys', '--home', world.home.folder);
  const mark = performance.now();
  await pause(300);

  // --- the host dies; the standby ---
  await world.isthmus.kill();
  const died = performance.now();
  const verified = await isthmus('restore', backup, '--verify');
  const restored = await isthmus('restore', backup, '--into', standby, '--why', 'drill');
  const refused = await isthmus('start', '--home', standby);
  world.partner.manner = 'answer';
  world.isthmus = new PeerProcess({
    name: 'standby',
    command: process.execPath,
    args: [MAIN, 'start', '--takeover', '--home', standby],
    logFile: join(world.folder, 'standby.log'),
    ready: async () => (await world.probeInside()) !== undefined,
  });
  await world.isthmus.start();
  const ready = performance.now();
  await late;
  await world.settled(10_000);
  const audit = await isthmus('audit', 'list', '--json', '--home', standby);
  const acts = [...audit.said.matchAll(/"act": "([a-z ]+)"/g)].map((match) => match[1]);

  const tally = world.ledger.tally(LATE);
  const all = world.ledger.tally();
  return {
    ...tally,
    id: 'F18',
    fault: 'a backup under load, the host dies, a standby takes over',
    load: `${messages} messages acknowledged before the backup, ${pairs} pairs; ${all.sent - tally.sent} while and after it, ${all.lost - tally.lost} of those lost with the host`,
    recoveryMs: world.ledger.firstArrivalAfter(ready),
    goals: [
      ...promise(tally),
      count('the backup is made while messages cross', made.code, made.code === 0),
      count('restore --verify finds it good', verified.code, verified.code === 0),
      count('restore makes a home', restored.code, restored.code === 0),
      count('a start without --takeover is refused', refused.code, refused.code === 2 && refused.said.includes('--takeover')),
      count(
        'restore and takeover stand in the audit log',
        acts.slice(0, 4).join(', '),
        acts.includes('restore') && acts.includes('takeover'),
      ),
      count('what the partner had taken comes again under the same id', tally.copies, tally.copies > 0),
      count('doubled among the later ones', all.doubled - tally.doubled, all.doubled === tally.doubled),
      figure('lost of what came after the mark: the loss window', `${all.lost - tally.lost} of ${all.sent - tally.sent}`, true),
      time('from the death of the host to a standby that accepts', ready - died, 60_000),
      time('from the mark to the death', died - mark, 60_000),
    ],
    tookMs: performance.now() - began,
  };
}

function isthmus(...words: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...words], { timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      done({ code, said: `${stdout}${stderr}` });
    });
  });
}
