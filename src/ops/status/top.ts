// `isthmus top`: the busiest partners, again and again. Each page is asked of the process; only the command line repeats.

import * as z from 'zod';
import type { Clock } from '../../model/ports.ts';
import type { Report } from '../verb.ts';
import { verb } from '../verb.ts';
import { count } from '../words.ts';
import type { PartnerLine } from './facts.ts';
import { statusFacts } from './facts.ts';
import { statusJson } from './status.ts';
import { headLines, partnerLines } from './text.ts';

/** Between two pages, ms. */
const REFRESH_MS = 2000;
const MAX_ROUNDS = 1_000_000;
/** Partners on a page. */
const ROWS = 40;
/** ANSI: to the upper left corner, and everything gone. Written to a terminal only. */
const CLEAR = '\x1b[H\x1b[2J';

export const top = verb({
  words: 'top',
  summary: 'the busiest partners, refreshed every two seconds',
  positionals: [],
  options: {
    rounds: { type: 'string', value: 'N', says: 'so many pages; default: on a terminal until q or Ctrl-C, else 1' },
  },
  details: 'Sorted by rate, then by what waits. Exit 1 when something needs a look (isthmus status says what), 3 when nothing runs.',
  example: 'isthmus top --rounds 3',
  input: z.object({
    rounds: z.coerce.number('a number').int('a whole number').min(1, 'at least 1').max(MAX_ROUNDS, `at most ${MAX_ROUNDS}`).optional(),
  }),
  http: { method: 'GET', path: '/top' },
  role: 'viewer',
  audited: false,
  where: 'here',
  async run(operations, { rounds }): Promise<Report> {
    const { live, clock, dir } = operations;
    if (live !== undefined) {
      const facts = await statusFacts(live, dir, clock.now());
      const busiest = [...facts.partners].sort(byRate).slice(0, ROWS);
      const { findings } = facts;
      const look = findings.length === 0 ? 'nothing needs a look' : `${count(findings.length, 'thing')} to look at: isthmus status`;
      const text = [...headLines(facts), look, '', ...partnerLines(busiest, facts.now)].join('\n');
      return { text, json: statusJson({ ...facts, partners: busiest }), exit: findings.length > 0 ? 1 : 0 };
    }
    const terminal = process.stdout.isTTY === true && rounds === undefined;
    const keys = terminal ? quitKeys() : undefined;
    try {
      for (let round = 1; ; round += 1) {
        const page = await operations.ask('top', {});
        if (page === undefined) {
          const text = `isthmus top: nothing runs with the home ${dir}\n  isthmus start --home ${dir} starts it`;
          return { text, json: { error: 'notRunning', home: dir }, exit: 3 };
        }
        const last = !terminal && round >= (rounds ?? 1);
        if (last || page.exit > 1) return page;
        operations.line(terminal ? `${CLEAR}${page.text}\n\nq ends` : `${page.text}\n`);
        await pause(clock, REFRESH_MS, operations.signal, keys?.signal);
        if (operations.signal.aborted || keys?.signal.aborted === true) return { ...page, text: '' };
      }
    } finally {
      keys?.stop();
    }
  },
});

function byRate(a: PartnerLine, b: PartnerLine): number {
  return b.in + b.out - (a.in + a.out) || b.waiting - a.waiting || a.partner.localeCompare(b.partner);
}

/** q, Q, Ctrl-C and Ctrl-D; a terminal in raw mode hands them over as they are typed. */
function quitKeys(): { readonly signal: AbortSignal; stop(): void } {
  const pressed = new AbortController();
  const { stdin } = process;
  if (stdin.isTTY !== true) return { signal: pressed.signal, stop() {} };
  const onKey = (bytes: Buffer): void => {
    if (/[qQ\x03\x04]/.test(bytes.toString('latin1'))) pressed.abort();
  };
  stdin.setRawMode(true);
  stdin.on('data', onKey).resume();
  return {
    signal: pressed.signal,
    stop() {
      stdin.off('data', onKey).pause();
      stdin.setRawMode(false);
    },
  };
}

function pause(clock: Clock, ms: number, ...ended: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((done) => {
    // A clock's timers do not keep a command alive.
    const awake = setInterval(() => undefined, ms);
    const finish = (): void => {
      timer.cancel();
      clearInterval(awake);
      for (const signal of ended) signal?.removeEventListener('abort', finish);
      done();
    };
    const timer = clock.after(ms, finish);
    for (const signal of ended) signal?.addEventListener('abort', finish, { once: true });
  });
}
