// The clock of the process (model/ports.ts Clock). Tests bring their own.

import type { Clock, Timer } from '../model/ports.ts';

// setTimeout takes at most 2^31-1 ms and fires at once beyond it.
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      const part = Math.min(Math.max(0, left), LONGEST_MS);
      handle = setTimeout(() => (left > part ? arm(left - part) : run()), part);
      handle.unref();
    };
    arm(ms);
    const timer: Timer = { cancel: () => clearTimeout(handle) };
    return timer;
  },
};
