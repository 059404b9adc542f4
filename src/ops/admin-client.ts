// The road from the command line to the running process: the admin socket, and the same API that everybody else uses. What
// a long verb says is shown as it comes; Ctrl-C closes the connection, and the process stops the work.

import { Agent, request } from 'undici';
import { ACTOR_HEADER, LINES } from './api/answer.ts';
import type { Report, Verb } from './verb.ts';

export interface Ask {
  /** Path of the admin socket. */
  readonly socket: string;
  readonly verb: Verb;
  /** As typed, by the keys of the verb; `why` beside them. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Who typed it, for the audit log. */
  readonly actor: string;
  readonly signal: AbortSignal;
  line(text: string): void;
  progress(text: string): void;
}

/** The process says that it lives every 10 s. */
const SILENCE_MS = 45_000;
const MAX_LINE_CHARS = 64 * 1024 * 1024;

/** @returns undefined when nobody listens */
export async function askProcess(ask: Ask): Promise<Report | undefined> {
  const { verb, socket } = ask;
  const agent = new Agent({
    connect: { socketPath: socket, timeout: 5000 },
    connections: 1,
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });
  const { path, query, body } = requestOf(verb, ask.input);
  try {
    const response = await request(`http://isthmus/v1${path}`, {
      method: verb.http.method,
      query,
      headers: {
        accept: LINES,
        [ACTOR_HEADER]: encodeURIComponent(ask.actor),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      dispatcher: agent,
      signal: ask.signal,
    });
    if (response.statusCode !== 200)
      return refusal(verb, response.statusCode, await response.body.text(), response.headers['isthmus-version']);
    for await (const line of linesOf(response.body)) {
      const said = objectOf(line);
      if (typeof said.line === 'string') ask.line(said.line);
      else if (typeof said.progress === 'string') ask.progress(said.progress);
      else if (isReport(said.report)) return said.report;
    }
    return failed(verb, 'the process closed the connection before it answered', 3);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    if (ask.signal.aborted) return failed(verb, 'stopped', 1);
    if (code === 'EACCES' || code === 'EPERM') {
      return failed(verb, `${socket} may not be opened\n  run it as root, as the user of the process, or as a member of its group`, 2);
    }
    return failed(verb, `the process did not answer on ${socket}: ${error instanceof Error ? error.message : String(error)}`, 3);
  } finally {
    await agent.destroy();
  }
}

interface Parts {
  readonly path: string;
  readonly query: Record<string, string | string[]>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Keys in braces go into the path, the rest into the query of a GET, else into the body. */
export function requestOf(verb: Pick<Verb, 'http'>, input: Readonly<Record<string, unknown>>): Parts {
  const rest: Record<string, unknown> = { ...input };
  const path = verb.http.path.replaceAll(/\{([A-Za-z]+)\}/g, (_, key: string) => {
    const value = rest[key];
    delete rest[key];
    return encodeURIComponent(String(value ?? ''));
  });
  if (verb.http.method === 'POST') return { path, query: {}, body: rest };
  const query: Record<string, string | string[]> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) query[key] = Array.isArray(value) ? value.map(String) : String(value);
  }
  return { path, query };
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const pieces = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) throw new Error('a line of its answer is too long');
    for (const piece of pieces) if (piece !== '') yield piece;
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isReport(value: unknown): value is Report {
  return (
    typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string' && 'exit' in value && 'json' in value
  );
}

/** What the API answers when it does not come to the verb. */
function refusal(verb: Verb, status: number, body: string, version: string | string[] | undefined): Report {
  if (status === 404) {
    const theirs = typeof version === 'string' ? ` (${version})` : '';
    return failed(
      verb,
      `the process that runs is of another version${theirs} and does not know this\n  restart it, or use its own command line`,
      2,
    );
  }
  let said: Readonly<Record<string, unknown>> = {};
  try {
    said = objectOf(body);
  } catch {
    // no JSON: the status has to do
  }
  const text = typeof said.text === 'string' ? said.text : `the process answered ${status}`;
  return { ...failed(verb, text, status >= 500 ? 3 : 2), ...(Object.keys(said).length > 0 && { json: said }) };
}

function failed(verb: Verb, text: string, exit: 1 | 2 | 3): Report {
  return { text: `isthmus ${verb.words}: ${text}`, json: { error: text.split('\n')[0] }, exit };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
