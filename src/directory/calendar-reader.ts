// Reads calendars one after the other in a thread of their own, which is ended when one takes too long. The thread is there while
// there is something to read.

import { Worker } from 'node:worker_threads';
import type { CalendarEntry } from '../model/calendar.ts';
import type { Clock, Timer } from '../model/ports.ts';
import type { CalendarWindow } from './calendar-read.ts';

export interface ReadingTask {
  readonly id: number;
  readonly text: string;
  readonly window: CalendarWindow;
}
export type ReadingAnswer =
  | { readonly id: number; readonly entries: readonly CalendarEntry[] }
  | { readonly id: number; readonly wrong: string };

export type Reading = { readonly entries: readonly CalendarEntry[] } | { readonly wrong: string };

export interface CalendarReader {
  /** Never rejects. */
  read(text: string, window: CalendarWindow): Promise<Reading>;
  close(): Promise<void>;
}

/** One calendar may take so long, ms: a thread that starts and a large text. */
const MAX_MS = 10_000;
const IDLE_MS = 30_000;

export function makeReader(clock: Pick<Clock, 'after'>): CalendarReader {
  let worker: Thread | undefined;
  let idle: Timer | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  const end = async (): Promise<void> => {
    const ended = worker;
    worker = undefined;
    idle?.cancel();
    await ended?.worker.terminate();
  };
  const one = async (text: string, window: CalendarWindow): Promise<Reading> => {
    idle?.cancel();
    const thread = (worker ??= startThread());
    const id = ++count;
    const reading = await answerOf(thread, { id, text, window }, clock);
    if (reading === undefined) {
      await end();
      return { wrong: `it takes more than ${MAX_MS / 1000} s, or too much memory, to read` };
    }
    idle = clock.after(IDLE_MS, () => void end());
    return reading;
  };
  return {
    read(text, window) {
      const reading = last.then(() => one(text, window));
      last = reading;
      return reading;
    },
    close: end,
  };
}

/** The thread, and who waits for its answer. */
interface Thread {
  readonly worker: Worker;
  waits: ((answer: ReadingAnswer | undefined) => void) | undefined;
}

function startThread(): Thread {
  // The published package holds JavaScript.
  const file = import.meta.url.endsWith('.ts') ? './calendar-worker.ts' : './calendar-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 256 } });
  const thread: Thread = { worker, waits: undefined };
  worker.on('message', (answer: ReadingAnswer) => thread.waits?.(answer));
  worker.on('error', () => thread.waits?.(undefined));
  worker.on('exit', () => thread.waits?.(undefined));
  worker.unref();
  return thread;
}

/** Undefined: it took too long, or the thread has died. */
function answerOf(thread: Thread, task: ReadingTask, clock: Pick<Clock, 'after'>): Promise<Reading | undefined> {
  return new Promise((done) => {
    const finish = (answer: ReadingAnswer | undefined): void => {
      if (answer !== undefined && answer.id !== task.id) return;
      late.cancel();
      thread.waits = undefined;
      thread.worker.unref();
      done(answer === undefined ? undefined : 'wrong' in answer ? { wrong: answer.wrong } : { entries: answer.entries });
    };
    const late = clock.after(MAX_MS, () => finish(undefined));
    thread.waits = finish;
    thread.worker.ref(); // somebody waits for the answer
    thread.worker.postMessage(task);
  });
}
