// `isthmus drain`: the end of the running process, as SIGTERM, and the answer when it is done.

import * as z from 'zod';
import { verb } from '../verb.ts';

export const drain = verb({
  words: 'drain',
  summary: 'ends the running process so that nothing is lost, and says when it is done',
  positionals: [],
  options: {},
  details: [
    'No new connections; what is on its way gets its answer, for at most ten seconds; streams and connections close; what still',
    'waits is on disk and is sent after the next start. The same as SIGTERM. A service manager that restarts on every end',
    '(Restart=always) starts it again: use its own stop command there.',
  ].join('\n'),
  example: 'isthmus drain --why "upgrade to 0.2"',
  input: z.object({}),
  http: { method: 'POST', path: '/drain' },
  role: 'operator',
  audited: true,
  where: 'process',
  async run(operations) {
    const { live, clock } = operations;
    if (live === undefined) throw new Error('drain runs in the process');
    const began = clock.monotonic();
    const { waiting } = await live.drain(operations.progress);
    const seconds = Math.round((clock.monotonic() - began) / 100) / 10;
    const left =
      waiting === 0 ? 'nothing waits' : `${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'} on disk for the next start`;
    return { text: `Drained in ${seconds} s; ${left}.`, json: { drained: true, seconds, waiting }, exit: 0, changes: `drained; ${left}` };
  },
});
