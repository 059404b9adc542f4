// The fence before a start: is this process certain to be the only one with this home? See ops/backup/generation.ts.

import type { Log } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import { generationOf, judgeStart, type Machine, thisMachine, writeGeneration } from '../ops/backup/generation.ts';
import { openAudit } from '../store/audit.ts';

export interface Passed {
  /** Writes down who runs this home now; a takeover into the audit log too. */
  begin(): Promise<void>;
  /** At the end: when it was run last. */
  mark(): void;
}

/** @param data absolute path of `data:` @throws with a sentence for the operator when the start is refused */
export function passFence(data: string, takeover: boolean, clock: Pick<Clock, 'now'>, log: Log, machine: Machine = thisMachine()): Passed {
  const fence = judgeStart(generationOf(data), machine, takeover, clock.now());
  if (!fence.may) throw new Error(fence.why);
  const { next } = fence;
  const mark = (): void => writeGeneration(data, { ...next, at: new Date(clock.now()).toISOString() });
  return {
    mark,
    async begin() {
      if (fence.takeover !== undefined) {
        log.warn(
          { event: 'takeover', generation: next.generation, found: fence.takeover },
          'this process takes over; the one before must stay stopped',
        );
        // Before the mark: a takeover that is not in the audit log must not count as one.
        const audit = openAudit(data);
        try {
          const actor = { name: 'isthmus', role: 'admin', via: 'process' } as const;
          const changes = `generation ${next.generation}: ${fence.takeover}`;
          await audit.append({ at: clock.now(), actor, act: 'takeover', input: JSON.stringify({ host: machine.host }), exit: 0, changes });
        } finally {
          audit.close();
        }
      }
      mark();
    },
  };
}
