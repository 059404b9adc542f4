// The thread in which calendars are read (calendar-reader.ts): a text that takes too long holds nobody up.

import { parentPort } from 'node:worker_threads';
import { readCalendar } from './calendar-read.ts';
import type { ReadingAnswer, ReadingTask } from './calendar-reader.ts';

parentPort?.on('message', ({ id, text, window }: ReadingTask) => {
  let answer: ReadingAnswer;
  try {
    answer = { id, entries: readCalendar(text, window) };
  } catch (error) {
    answer = { id, wrong: error instanceof Error ? error.message.slice(0, 200) : 'it is no iCalendar text' };
  }
  parentPort?.postMessage(answer);
});
