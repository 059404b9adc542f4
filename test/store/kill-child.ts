// The child of kill.test.ts: accepts events as fast as it can and says which are on disk, until it is killed.

import { writeSync } from 'node:fs';
import { systemClock } from '../../src/edge/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { im } from '../outbox/events.ts';

const [, , folder = '', run = ''] = process.argv;
const { outbox } = openStore({ folder, clock: systemClock, mode: 'own' });
const facts = { serviceNow: 0, serviceDeadline: 86_400_000, fromTag: 't' };
for (let group = 0; ; group += 1) {
  const ids = Array.from({ length: 20 }, (_, i) => `${run}-${group}-${i}`);
  await Promise.all(ids.map((id) => outbox.accept({ ...facts, event: im(id), acceptedAt: Date.now(), callId: `c-${id}`, stanzaId: id })));
  writeSync(1, `${ids.join('\n')}\n`);
}
