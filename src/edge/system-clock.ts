// The clock of the process (model/ports.ts Clock). Tests bring their own.

import type { Clock, Timer } from '../model/ports.ts';

// setTimeout takes at most 2^31-1 ms and fires at once beyond it. It drops fractions of a millisecond and may fire a moment
// early, but whoever waits until a time looks at the clock when it is woken: `after` never runs before its time.
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const due = performance.now() + ms;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.ceil(Math.max(0, due - performance.now()));
      handle = setTimeout(() => (performance.now() >= due ? run() : arm()), Math.min(left, LONGEST_MS));
      handle.unref();
    };
    arm();
    const timer: Timer = { cancel: () => clearTimeout(handle) };
    return timer;
  },
};
