// Silence on a client's stream: is it still there (RFC 6120 §4.6.1)? It is asked once; any answer counts.

import type { Clock, Timer } from '../../../../model/ports.ts';
import type { StreamSettings } from '../limits.ts';

export interface SilenceParts {
  readonly clock: Clock;
  readonly settings: Pick<StreamSettings, 'silenceMs' | 'answerMs'>;
  /** Monotonic ms of the last octet received. */
  lastReceivedAt(): number;
  ask(): void;
  /** It has not answered. */
  gone(quietMs: number): void;
}

/** Begins to watch; comes back with how to stop. */
export function watchSilence({ clock, settings, lastReceivedAt, ask, gone }: SilenceParts): () => void {
  const { silenceMs, answerMs } = settings;
  let timer: Timer;
  const look = (): void => {
    timer = clock.after(silenceMs, () => {
      const quietMs = clock.monotonic() - lastReceivedAt();
      if (quietMs >= silenceMs + answerMs) return gone(quietMs);
      if (quietMs >= silenceMs) ask();
      look();
    });
  };
  look();
  return () => timer.cancel();
}
