// The fence before a start: is this process certain to be the only one with this home? See ops/backup/generation.ts.

import type { Log } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import { generationOf, judgeStart, type Machine, thisMachine, writeGeneration } from '../ops/backup/generation.ts';

export interface Passed {
  /** Why somebody had to say that this one takes over; absent for a usual start. */
  readonly takeover?: string;
  readonly generation: number;
  /** Writes down who runs this home now; again at the end, so that it says when it was run last. */
  mark(): void;
}

/** @param data absolute path of `data:` @throws with a sentence for the operator when the start is refused */
export function passFence(data: string, takeover: boolean, clock: Pick<Clock, 'now'>, log: Log, machine: Machine = thisMachine()): Passed {
  const fence = judgeStart(generationOf(data), machine, takeover, clock.now());
  if (!fence.may) throw new Error(fence.why);
  const { next } = fence;
  if (fence.takeover !== undefined) {
    log.warn(
      { event: 'takeover', generation: next.generation, found: fence.takeover },
      'this process takes over; the one before must stay stopped',
    );
  }
  return {
    generation: next.generation,
    ...(fence.takeover !== undefined && { takeover: fence.takeover }),
    mark: () => writeGeneration(data, { ...next, at: new Date(clock.now()).toISOString() }),
  };
}
