// The operator's own filter: one POST a message, before it is committed. Bounded in time, in bytes and in questions that are open
// at once; a service that fails again and again is left alone for a while, so that it costs no message its whole time-out.

import * as z from 'zod';
import type { Web } from '../edge/web.ts';
import type { Log } from '../log.ts';
import type { AskHook, HookAnswer, HookQuestion, HookRule } from '../model/filters.ts';
import type { Clock } from '../model/ports.ts';

/** Failures in a row after which it is left alone, and for how long, ms. One question then tries again. */
export const HOOK_FAILURES = 5;
export const HOOK_REST_MS = 30_000;
/** Questions that wait for one of `atOnce`. */
const MAX_WAITING = 2000;
/** Of an answer: a message may be replaced by one of its own size, and JSON may write an octet as six. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_REASON_CHARS = 200;

const answerShape = z.discriminatedUnion('action', [
  z.object({ action: z.literal('pass') }),
  z.object({ action: z.literal('refuse'), reason: z.string().optional() }),
  z.object({ action: z.literal('replace'), body: z.string().min(1) }),
]);

export interface HookParts {
  readonly web: Web;
  readonly clock: Clock;
  readonly log: Log;
  /** @throws what the file system says when there is no such secret */
  readonly secret: (name: string) => string;
  /** PEM of who vouches for the service; absent: those of `web`. */
  readonly roots?: () => readonly string[];
}

/** Makes the one that asks. Its memory of failures belongs to an address: another `url` begins anew. */
export function filterHook(parts: HookParts): AskHook {
  const { clock, log } = parts;
  let breaker = new Breaker('', clock);
  const gate = new Gate(clock);
  return async (rule, question) => {
    if (breaker.url !== rule.url) breaker = new Breaker(rule.url, clock);
    const mine = breaker;
    const began = clock.monotonic();
    const rest = mine.restMs();
    if (rest > 0) throw new Error(`it failed ${HOOK_FAILURES} times in a row and is asked again in ${Math.ceil(rest / 1000)} s`);
    try {
      const leave = await gate.enter(rule.atOnce, rule.timeoutMs);
      try {
        const answer = await ask(rule, question, rule.timeoutMs - (clock.monotonic() - began), parts);
        if (mine.succeeded()) log.info({ event: 'filter.hookRestored', url: shown(rule.url) }, 'the filter hook answers again');
        return answer;
      } finally {
        leave();
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const fields = { url: shown(rule.url), id: question.id, why };
      log.warn({ event: 'filter.hookFailed', ...fields }, 'the filter hook gave no usable answer');
      if (mine.failed())
        log.error({ event: 'filter.hookRests', ...fields, restMs: HOOK_REST_MS }, 'the filter hook is left alone for a while');
      throw error;
    }
  };
}

async function ask(rule: HookRule, question: HookQuestion, timeoutMs: number, { web, secret, roots }: HookParts): Promise<HookAnswer> {
  if (timeoutMs <= 0) throw new Error(`no answer within ${rule.timeoutMs} ms`);
  const token = rule.token === undefined ? {} : { authorization: `Bearer ${secret(rule.token)}` };
  const { status, body } = await web.fetch(rule.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...token },
    body: JSON.stringify({ ...question, at: new Date(question.at).toISOString() }),
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs,
    allowHttp: true, // the file admits it for this machine only
    allowPrivateAddresses: true, // the operator named it
    ...(roots !== undefined && { roots: roots() }),
  });
  if (status !== 200) throw new Error(`it answered with status ${status}`);
  return answerOf(body.toString('utf8'));
}

function answerOf(text: string): HookAnswer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error('its answer is not JSON', { cause: error });
  }
  const parsed = answerShape.safeParse(json);
  if (!parsed.success) throw new Error('its answer is none of { action: pass }, { action: refuse, reason }, { action: replace, body }');
  const { data } = parsed;
  if (data.action === 'pass') return { action: 'pass' };
  if (data.action === 'replace') return { action: 'replace', body: data.body };
  if (data.reason === undefined) return { action: 'refuse' };
  const reason = data.reason
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON_CHARS);
  return { action: 'refuse', ...(reason !== '' && { reason }) };
}

/** Counts failures of one address. */
class Breaker {
  readonly url: string;
  readonly #clock: Clock;
  #failures = 0;
  /** Monotonic ms. */
  #until = 0;
  #trying = false;

  constructor(url: string, clock: Clock) {
    this.url = url;
    this.#clock = clock;
  }

  /** How long it is left alone yet, ms; after that one question tries, and the others wait for its word. */
  restMs(): number {
    if (this.#failures < HOOK_FAILURES) return 0;
    const left = this.#until - this.#clock.monotonic();
    if (left > 0) return left;
    if (this.#trying) return 1000;
    this.#trying = true;
    return 0;
  }

  /** True when it had been left alone. */
  succeeded(): boolean {
    const rested = this.#failures >= HOOK_FAILURES;
    this.#failures = 0;
    this.#trying = false;
    return rested;
  }

  /** True when it is left alone from now on. */
  failed(): boolean {
    this.#failures += 1;
    this.#trying = false;
    if (this.#failures < HOOK_FAILURES) return false;
    const resting = this.#until > this.#clock.monotonic();
    this.#until = this.#clock.monotonic() + HOOK_REST_MS;
    return !resting;
  }
}

/** So many at once; the others wait in order, for as long as they have. */
class Gate {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns what is to be called on leaving. Rejects when there is no room in time */
  async enter(atOnce: number, withinMs: number): Promise<() => void> {
    if (this.#inside >= atOnce || this.#waiting.length > 0) {
      if (this.#waiting.length >= MAX_WAITING) throw new Error(`${MAX_WAITING} messages wait for it already`);
      await this.#wait(withinMs);
    } else this.#inside += 1;
    return () => this.#leave();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(ms, () => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        reject(new Error(`no room to ask it within ${ms} ms`));
      });
      const mine = (): void => {
        timer.cancel();
        resolve();
      };
      this.#waiting.push(mine);
    });
  }

  /** The place goes to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}

/** Without the query, which may carry a token. */
function shown(url: string): string {
  return url.replace(/[?#].*$/s, '').slice(0, 200);
}
