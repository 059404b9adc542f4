// A wait of an order that its operator, or the end of the process, may interrupt.

import type { Clock } from '../../model/ports.ts';
import { AcmeError } from './fault.ts';

/** Waits, unless it is interrupted. @throws AcmeError ACME_STOPPED */
export function pauseFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      reject(new AcmeError('ACME_STOPPED', 'interrupted'));
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
