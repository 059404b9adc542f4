// How a report leaves over HTTP: as JSON, as the text of the command line, or line by line while the work goes on. Which one
// is what the request accepts.

import type { ServerResponse } from 'node:http';
import type { Report } from '../verb.ts';
import { printable } from '../words.ts';

/** One JSON object a line: `{"line"}` and `{"progress"}` while it works, `{"report"}` last. Empty lines say that it is alive. */
export const LINES = 'application/x-ndjson';
/** The whole report as JSON: text, json, exit, status. */
export const WHOLE = 'application/vnd.isthmus.report+json';

/** Names the person behind a call on the socket; believed there alone, where the file's mode decides who may call. */
export const ACTOR_HEADER = 'isthmus-actor';

export type Form = 'json' | 'text' | 'whole' | 'lines';

/** What an Accept header asks for; JSON when it does not care. */
export function formOf(accept: string | undefined): Form {
  const wanted = (accept ?? '').toLowerCase();
  if (wanted.includes(LINES)) return 'lines';
  if (wanted.includes(WHOLE)) return 'whole';
  return wanted.includes('text/plain') && !wanted.includes('application/json') ? 'text' : 'json';
}

/** The status of a report (operations.md §6: exit 2 is the caller's, exit 3 is ours). */
export function statusOf(report: Report): number {
  return report.status ?? { 0: 200, 1: 200, 2: 422, 3: 503 }[report.exit];
}

/** The bodies of faults, in every form. */
export interface Fault {
  /** `input`, `unauthorized`, `forbidden`, `unknown`, `busy`, `limited`, or a code of docs/errors.md. */
  readonly error: string;
  /** One sentence. */
  readonly text: string;
  /** For `input`: each mistake. */
  readonly faults?: readonly string[];
}

/** The body of a report in one of the forms that are sent at once. */
export function bodyOf(report: Report, form: Exclude<Form, 'lines'>): { readonly type: string; readonly body: string } {
  if (form === 'text') return { type: 'text/plain; charset=utf-8', body: report.text === '' ? '' : `${printable(report.text)}\n` };
  if (form === 'whole') return { type: WHOLE, body: JSON.stringify({ ...report, status: statusOf(report) }) };
  return { type: 'application/json; charset=utf-8', body: JSON.stringify(report.json ?? null) };
}

/** How often a silent stream shows that it is alive, ms. */
const ALIVE_MS = 10_000;
/** A client that reads slower than this is given up, bytes. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** The line-by-line form of one answer. */
export class LineStream {
  readonly #response: ServerResponse;
  readonly #gaveUp: () => void;
  readonly #alive: NodeJS.Timeout;

  /** Sends the head. @param gaveUp called once when the client does not read what it asked for */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, gaveUp: () => void) {
    this.#response = response;
    this.#gaveUp = gaveUp;
    response.writeHead(200, { ...headers, 'content-type': LINES });
    response.flushHeaders();
    this.#alive = setInterval(() => this.#write('\n'), ALIVE_MS);
    this.#alive.unref();
    response.once('close', () => clearInterval(this.#alive));
  }

  say(kind: 'line' | 'progress', text: string): void {
    this.#write(`${JSON.stringify({ [kind]: text })}\n`);
  }

  /** The last line. */
  end(report: Report): void {
    clearInterval(this.#alive);
    if (!this.#response.destroyed) this.#response.end(`${JSON.stringify({ report: { ...report, status: statusOf(report) } })}\n`);
  }

  #write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.#response.write(text);
    if (this.#response.writableLength <= MAX_WAITING_BYTES) return;
    this.#gaveUp();
    this.#response.destroy();
  }
}
