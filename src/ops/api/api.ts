// The HTTP face of operation: one route for every verb, under /v1, and nothing that has no verb. It does not know who listens:
// assembly/admin/admin.ts opens it on the admin socket and, where the home says so, on TCP, and says who the caller is.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Log } from '../../log.ts';
import { type Actor, ROLES } from '../../model/audit.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { Operations } from '../operations.ts';
import type { Report, Verb } from '../verb.ts';
import { perform } from '../verb-command.ts';
import type { VerbRow } from '../verb-table.ts';
import { bodyOf, type Fault, type Form, formOf, LineStream, statusOf } from './answer.ts';
import { bounded } from './bounds.ts';
import { readInput } from './input.ts';
import { openApiOf } from './openapi.ts';

export const BASE = '/v1';

/** One request at the door. */
export interface Caller {
  readonly headers: IncomingMessage['headers'];
  /** The remote address; empty on the unix socket. */
  readonly address: string;
  readonly raw: IncomingMessage;
}

/** Nobody we know, or somebody who may not; with the status and, for 429, when to come back. */
export interface Refusal {
  readonly status: 401 | 403 | 429 | 503;
  readonly fault: Fault;
  readonly retryAfterSeconds?: number;
}

/** What surrounds one call. */
export interface CallSite {
  readonly actor: Actor;
  readonly signal: AbortSignal;
  progress(line: string): void;
  line(text: string): void;
}

export interface ApiParts {
  readonly verbs: readonly VerbRow[];
  readonly version: string;
  readonly log: Log;
  /** Makes the HTTP server; it is not listening yet. */
  readonly server: (handler: (request: IncomingMessage, response: ServerResponse) => void) => Server;
  /** Who calls. */
  who(caller: Caller): Promise<Actor | Refusal>;
  /** Is told of a caller whose role is too small for a verb. */
  forbidden(actor: Actor, verb: Verb): Promise<void>;
  /** What a verb works with, for one call. */
  operations(site: CallSite): Operations;
  /** Bound on calls at one time; more are answered 503. */
  readonly maxCalls?: number;
}

export interface Api {
  readonly server: Server;
  /** For tests: a request without a socket. */
  readonly inject: FastifyInstance['inject'];
  /** Waits for calls that are on their way, at most `graceMs`, and closes every connection. */
  close(graceMs: number): Promise<void>;
}

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_CALLS = 64;

/** Nothing of this belongs into a page, a cache or a frame. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Reads every verb and makes its route. */
export async function makeApi(parts: ApiParts): Promise<Api> {
  const verbs = await Promise.all(parts.verbs.map((row) => row.load()));
  const app = fastify({
    serverFactory: (handler) => bounded(parts.server(handler)),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: true },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    exposeHeadRoutes: false,
    // An address that is none is refused before any hook, and in our words all the same.
    frameworkErrors: (error, _request, reply) => void refuse(reply.headers(SECURITY_HEADERS), 400, { error: 'input', text: error.message }),
    return503OnClosing: true,
  });
  const headers = { ...SECURITY_HEADERS, 'isthmus-version': parts.version };
  const calls = new Set<AbortController>();
  let idle: (() => void) | undefined;

  app.removeContentTypeParser('text/plain');
  // A body without a word in it is no input, whatever it calls itself.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else app.getDefaultJsonParser('error', 'error')(request, String(body), done);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (calls.size >= (parts.maxCalls ?? MAX_CALLS)) {
      reply.header('retry-after', '1');
      await refuse(reply, 503, { error: 'busy', text: 'Too many calls at one time. Try again in a second.' });
    } else if (fromElsewhere(request)) {
      await refuse(reply, 403, { error: 'forbidden', text: 'A page of another site may not call this.' });
    }
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.slice(0, 200);
    await refuse(reply, 404, {
      error: 'unknown',
      text: `There is no ${request.method} ${path}. ${BASE}/openapi.json lists what there is.`,
    });
  });
  app.setErrorHandler(async (error, _request, reply) => {
    const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status < 500) {
      const said = error instanceof Error ? error.message : String(error);
      return refuse(reply, status, { error: 'input', text: said });
    }
    parts.log.error({ event: 'us.bug', err: error }, 'a call of the API ran into a defect');
    return refuse(reply, 500, { error: 'US_BUG', text: 'A defect of Isthmus; the log says more.' });
  });

  const document = JSON.stringify(openApiOf(verbs, parts.version, BASE));
  app.get(`${BASE}/openapi.json`, async (request, reply) => {
    const actor = await parts.who(callerOf(request));
    if ('fault' in actor) return refuseCaller(reply, actor);
    await reply.type('application/json; charset=utf-8').send(document);
  });
  const call = async (verb: Verb, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const actor = await parts.who(callerOf(request));
    if ('fault' in actor) return refuseCaller(reply, actor);
    if (!mayUse(actor, verb)) {
      await parts.forbidden(actor, verb);
      return refuse(reply, 403, forbiddenFault(actor, verb));
    }
    const input = readInput(verb, { params: request.params, query: request.query, body: request.body });
    if (!input.ok) return refuse(reply, 422, { error: 'input', text: input.faults.join('\n'), faults: input.faults });

    const form = formOf(request.headers.accept);
    const stop = new AbortController();
    calls.add(stop);
    reply.raw.once('close', () => stop.abort());
    const stream = form === 'lines' ? openStream(reply, headers, stop) : undefined;
    const site: CallSite = {
      actor,
      signal: stop.signal,
      progress: (line) => stream?.say('progress', line),
      line: (text) => stream?.say('line', text),
    };
    try {
      const report = await finished(() => perform(verb, parts.operations(site), input.parsed, input.given, input.why), verb, parts.log);
      if (stream !== undefined) stream.end(report);
      else await send(reply, report, form === 'lines' ? 'whole' : form);
    } finally {
      calls.delete(stop);
      if (calls.size === 0) idle?.();
    }
  };
  for (const verb of verbs) {
    app.route({
      method: verb.http.method,
      url: `${BASE}${verb.http.path.replaceAll(/\{([A-Za-z]+)\}/g, ':$1')}`,
      handler: (request, reply) => call(verb, request, reply),
    });
  }
  await app.ready();
  const { server } = app;
  return {
    server,
    inject: app.inject.bind(app),
    async close(graceMs) {
      const closed = server.listening ? new Promise<void>((done) => server.close(() => done())) : Promise.resolve();
      server.closeIdleConnections();
      if (calls.size > 0) {
        await new Promise<void>((done) => {
          const timer = setTimeout(done, graceMs);
          idle = () => {
            clearTimeout(timer);
            setImmediate(done); // the last answer is on its way into the socket
          };
        });
      }
      for (const one of calls) one.abort();
      server.closeAllConnections();
      await closed;
      await app.close();
    },
  };
}

function callerOf(request: FastifyRequest): Caller {
  return { headers: request.headers, address: request.raw.socket.remoteAddress ?? '', raw: request.raw };
}

/** Least first: a role may do what the roles before it may, but for verbs that are for one role `only`. */
export function mayUse(actor: Actor, verb: Pick<Verb, 'role' | 'only'>): boolean {
  if (verb.only === true) return actor.role === verb.role || actor.role === 'admin';
  return ROLES.indexOf(actor.role) >= ROLES.indexOf(verb.role);
}

function forbiddenFault(actor: Actor, verb: Verb): Fault {
  return {
    error: 'forbidden',
    text: `"${verb.words}" needs the role ${verb.role}${verb.only === true ? ' itself' : ''}; ${actor.name} is ${actor.role}. Whoever writes isthmus.yaml can give another role.`,
  };
}

/** A browser says where a call comes from; ours come from no page, or from the same origin. */
function fromElsewhere(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = request.headers;
  return origin !== undefined && origin !== `https://${request.headers.host ?? ''}`;
}

/** A store that cannot be read is an answer; anything else is a defect, told without its inside. */
async function finished(work: () => Promise<Report>, verb: Verb, log: Log): Promise<Report> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) {
      const { code, text } = error.reason;
      return { text: `isthmus ${verb.words}: ${text}`, json: { error: code, text }, exit: 3 };
    }
    log.error({ event: 'us.bug', err: error, verb: verb.words }, 'a verb ran into a defect');
    const text = `isthmus ${verb.words}: a defect of Isthmus; the log of the process says more`;
    return { text, json: { error: 'US_BUG', text }, exit: 3 };
  }
}

function openStream(reply: FastifyReply, headers: Readonly<Record<string, string>>, stop: AbortController): LineStream {
  reply.hijack();
  return new LineStream(reply.raw, headers, () => stop.abort());
}

async function send(reply: FastifyReply, report: Report, form: Exclude<Form, 'lines'>): Promise<void> {
  const { type, body } = bodyOf(report, form);
  await reply.status(statusOf(report)).header('isthmus-exit', String(report.exit)).type(type).send(body);
}

async function refuseCaller(reply: FastifyReply, { status, fault, retryAfterSeconds }: Refusal): Promise<void> {
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="isthmus"');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  await refuse(reply, status, fault);
}

async function refuse(reply: FastifyReply, status: number, fault: Fault): Promise<void> {
  await reply.status(status).type('application/json; charset=utf-8').send(JSON.stringify(fault));
}
