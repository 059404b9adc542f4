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
  let worker: Worker | undefined;
  let idle: Timer | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  const end = async (): Promise<void> => {
    const ended = worker;
    worker = undefined;
    idle?.cancel();
    await ended?.terminate();
  };
  const one = async (text: string, window: CalendarWindow): Promise<Reading> => {
    idle?.cancel();
    const thread = (worker ??= startThread());
    const id = ++count;
    const reading = await answerOf(thread, { id, text, window }, clock);
    if (reading === undefined) {
      await end();
      return { wrong: `reading it took longer than ${MAX_MS / 1000} s` };
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

function startThread(): Worker {
  // The published package holds JavaScript.
  const file = import.meta.url.endsWith('.ts') ? './calendar-worker.ts' : './calendar-worker.js';
  const thread = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 256 } });
  thread.unref();
  return thread;
}

/** Undefined: it took too long, or the thread has died. */
function answerOf(thread: Worker, task: ReadingTask, clock: Pick<Clock, 'after'>): Promise<Reading | undefined> {
  return new Promise((done) => {
    const finish = (reading: Reading | undefined): void => {
      late.cancel();
      thread.removeAllListeners();
      thread.unref();
      done(reading);
    };
    const late = clock.after(MAX_MS, () => finish(undefined));
    thread.ref(); // somebody waits for the answer
    thread.on('message', (answer: ReadingAnswer) => {
      if (answer.id === task.id) finish('wrong' in answer ? { wrong: answer.wrong } : { entries: answer.entries });
    });
    thread.on('error', () => finish(undefined));
    thread.on('exit', () => finish(undefined));
    thread.postMessage(task);
  });
}
