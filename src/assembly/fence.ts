// The fence before a start: is this process certain to be the only one with this home? See ops/backup/generation.ts.

import type { Log } from '../log.ts';
import type { Clock, Timer } from '../model/ports.ts';
import { generationOf, judgeStart, type Machine, thisMachine, writeGeneration } from '../ops/backup/generation.ts';
import { openAudit } from '../store/audit.ts';

export interface Passed {
  /** Writes down who runs this home now; a takeover into the audit log too. */
  begin(): Promise<void>;
  /** At the end: when it was run last. Says nothing when somebody else has taken over. */
  mark(): void;
  /**
   * Looks again and again whether somebody has taken over: on shared storage whose locks do not reach the other machine
   * this is the only sign. @param lost called once
   */
  watch(lost: () => void): { stop(): void };
}

/** How often it is looked, ms: two may run for so long. */
const LOOK_MS = 5000;

/** @param data absolute path of `data:` @throws with a sentence for the operator when the start is refused */
export function passFence(
  data: string,
  takeover: boolean,
  clock: Pick<Clock, 'now' | 'after'>,
  log: Log,
  machine: Machine = thisMachine(),
): Passed {
  const fence = judgeStart(generationOf(data), machine, takeover, clock.now());
  if (!fence.may) throw new Error(fence.why);
  const { next } = fence;
  const takenOver = (): boolean => {
    try {
      return (generationOf(data)?.generation ?? 0) > next.generation;
    } catch {
      return false; // unreadable: the next start says so
    }
  };
  const mark = (): void => {
    if (!takenOver()) writeGeneration(data, { ...next, at: new Date(clock.now()).toISOString() });
  };
  return {
    mark,
    watch(lost) {
      let timer: Timer;
      const look = (): void => {
        if (!takenOver()) {
          timer = clock.after(LOOK_MS, look);
          return;
        }
        log.error({ event: 'fenced', generation: next.generation }, 'another process has taken this home over; this one stops');
        lost();
      };
      timer = clock.after(LOOK_MS, look);
      return { stop: () => timer.cancel() };
    },
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
