// One order from the first request to the chain (RFC 8555 §7.4): names, proofs of control, request, certificate. Polls with
// a bound on time; whatever was put up for the CA to see is taken down again, whichever way it ends.

import type { Clock } from '../../model/ports.ts';
import type { Challenger } from './challenger.ts';
import { type AcmeAnswer, type AcmeClient, record, text } from './client.ts';
import { AcmeError, codeOfChallenge, codeOfProblem, problemOf, showProblem } from './fault.ts';
import { pauseFor } from './pause.ts';

/** From the answer to a challenge until the CA has looked, and from the request until it has signed, ms. */
const VALIDATION_MS = 180_000;
const ISSUANCE_MS = 300_000;
const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 10_000;
const MAX_NAMES = 100;

export interface OrderOptions {
  readonly client: AcmeClient;
  readonly clock: Clock;
  readonly names: readonly string[];
  readonly profile?: string;
  /** ARI identifier of the certificate that this one follows (RFC 9773 §5). */
  readonly replaces?: string;
  readonly challenger: Challenger;
  /** Makes the request (DER) once the CA has seen every proof. Absent: stop there, nothing is issued. */
  readonly csr?: () => Promise<Uint8Array>;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @returns the chain in PEM, leaf first; undefined after a rehearsal (no `csr`). @throws AcmeError */
export async function runOrder(options: OrderOptions): Promise<string | undefined> {
  const { client, names, challenger, progress } = options;
  const opened = await newOrder(options);
  const orderUrl = opened.location;
  if (orderUrl === undefined) throw new AcmeError('ACME_ANSWER', 'the CA made an order without an address (no Location)');
  const authorizations = links(opened.body.authorizations).slice(0, MAX_NAMES);
  progress(`order for ${names.join(', ')}`);
  try {
    const waiting: Pending[] = [];
    for (const url of authorizations) {
      const pending = await prepare(options, url);
      if (pending !== undefined) waiting.push(pending);
    }
    if (waiting.length > 0) await challenger.settle(progress);
    for (const one of waiting) await client.post(one.challengeUrl, {});
    for (const one of waiting) await validated(options, one);
  } finally {
    await challenger.close();
  }
  const order = await reach(options, orderUrl, ['ready', 'valid'], ISSUANCE_MS, 'the order');
  if (options.csr === undefined) return undefined;
  return issue(options, orderUrl, order);
}

async function newOrder({ client, names, profile, replaces, progress }: OrderOptions): Promise<AcmeAnswer> {
  const { newOrder: url, profiles } = await client.directory();
  const identifiers = names.map((value) => ({ type: 'dns', value }));
  if (profile !== undefined && profiles.length > 0 && !profiles.includes(profile)) {
    throw new AcmeError('ACME_ANSWER', `the CA has no profile ${profile}`, { advice: `profile: is one of ${profiles.join(', ')}` });
  }
  const body = { identifiers, ...(profile !== undefined && { profile }) };
  if (replaces === undefined) return client.post(url, body);
  try {
    return await client.post(url, { ...body, replaces });
  } catch (error) {
    // RFC 9773 §5: the CA may know better what has been replaced (alreadyReplaced, 409); a new order without the claim is fine.
    const aboutIt =
      error instanceof AcmeError && (error.problem === 'alreadyReplaced' || error.status === 409 || error.problem === 'malformed');
    if (!aboutIt) throw error;
    progress('the CA does not take "replaces"; ordering without it');
    return client.post(url, body);
  }
}

interface Pending {
  readonly name: string;
  readonly authorizationUrl: string;
  readonly challengeUrl: string;
}

/** Puts the proof for one name up. @returns undefined when the CA knows already */
async function prepare(options: OrderOptions, url: string): Promise<Pending | undefined> {
  const { client, challenger, progress } = options;
  const { body } = await client.post(url, undefined);
  const name = text(record(body.identifier).value) ?? '';
  // What is put into listeners, records and arguments comes from the names we asked for, never from the CA.
  const asked = options.names.find((one) => one === name || one === `*.${name}`);
  if (asked === undefined) throw new AcmeError('ACME_ANSWER', `the CA asks for a proof of ${name.slice(0, 260)}, which we did not order`);
  const shown = body.wildcard === true ? `*.${name}` : name;
  if (body.status === 'valid') {
    progress(`${shown}: proven before`);
    return undefined;
  }
  if (body.status !== 'pending')
    throw new AcmeError('ACME_ANSWER', `the CA's authorization for ${shown} is ${String(body.status).slice(0, 40)}`, { about: shown });
  const offered = (Array.isArray(body.challenges) ? body.challenges : []).map(record);
  const challenge = offered.find((one) => one.type === challenger.type);
  const challengeUrl = text(challenge?.url);
  const token = text(challenge?.token);
  if (challengeUrl === undefined || token === undefined) {
    const kinds = offered.map((one) => String(one.type).slice(0, 40)).join(', ');
    throw new AcmeError(
      'ACME_NO_CHALLENGE',
      `for ${shown} the CA offers ${kinds === '' ? 'no challenge' : kinds}, not ${challenger.type}`,
      { about: shown },
    );
  }
  // RFC 8555 §8.1: base64url alphabet; anything else would end in a path or a record.
  if (!/^[A-Za-z0-9_-]{16,256}$/.test(token))
    throw new AcmeError('ACME_ANSWER', `the CA's token for ${shown} is malformed`, { about: shown });
  await challenger.present({ name, token, keyAuthorization: `${token}.${client.account.thumbprint}` });
  progress(`${shown}: ${challenger.type} is ready`);
  return { name: shown, authorizationUrl: url, challengeUrl };
}

async function validated(options: OrderOptions, { name, authorizationUrl }: Pending): Promise<void> {
  const { challenger, progress } = options;
  const answer = await poll(options, authorizationUrl, (body) => body.status !== 'pending', VALIDATION_MS, `its check of ${name}`);
  if (answer.body.status === 'valid') {
    progress(`${name}: the CA has seen the proof`);
    return;
  }
  const failed = (Array.isArray(answer.body.challenges) ? answer.body.challenges : []).map(record).find((one) => one.error !== undefined);
  const problem = problemOf(failed?.error);
  throw new AcmeError(codeOfChallenge(problem), `${name}: ${challenger.type} failed; the CA said: ${showProblem(problem)}`, {
    problem: problem.type,
    about: name,
    advice: challenger.advice?.(name, codeOfChallenge(problem)),
  });
}

async function issue(options: OrderOptions, orderUrl: string, order: AcmeAnswer): Promise<string> {
  const { client, csr, progress } = options;
  const finalize = text(order.body.finalize);
  if (finalize === undefined) throw new AcmeError('ACME_ANSWER', "the CA's order has no finalize address");
  if (order.body.status === 'ready') {
    const der = await csr!(); // checked by the caller
    await client.post(finalize, { csr: Buffer.from(der).toString('base64url') });
  }
  const done = await reach(options, orderUrl, ['valid'], ISSUANCE_MS, 'the certificate');
  const url = text(done.body.certificate);
  if (url === undefined) throw new AcmeError('ACME_ANSWER', "the CA's order is valid and names no certificate");
  progress('fetching the certificate');
  const { text: pem } = await client.post(url, undefined);
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new AcmeError('ACME_PAIR', 'the CA sent something that is no certificate');
  return pem;
}

async function reach(options: OrderOptions, url: string, wanted: readonly string[], withinMs: number, what: string): Promise<AcmeAnswer> {
  const settled = [...wanted, 'invalid'];
  const answer = await poll(options, url, (body) => settled.includes(String(body.status)), withinMs, what);
  if (answer.body.status !== 'invalid') return answer;
  const problem = problemOf(answer.body.error);
  throw new AcmeError(codeOfProblem(problem), `the CA gave up the order: ${showProblem(problem)}`, {
    problem: problem.type,
    about: problem.about,
  });
}

/** RFC 8555 §7.5.1: asks again until it is so, as the CA says (Retry-After) or with growing pauses. */
async function poll(
  { client, clock, signal }: OrderOptions,
  url: string,
  done: (body: AcmeAnswer['body']) => boolean,
  withinMs: number,
  what: string,
): Promise<AcmeAnswer> {
  const until = clock.monotonic() + withinMs;
  let pause = FIRST_POLL_MS;
  for (;;) {
    const answer = await client.post(url, undefined);
    if (done(answer.body)) return answer;
    if (clock.monotonic() >= until) {
      throw new AcmeError('ACME_TIMEOUT', `${what} took more than ${withinMs / 1000} s (${String(answer.body.status).slice(0, 40)})`);
    }
    await pauseFor(clock, Math.min(Math.max(answer.retryAfterMs ?? pause, FIRST_POLL_MS), LONGEST_POLL_MS), signal);
    pause = Math.min(pause * 2, LONGEST_POLL_MS);
  }
}

function links(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
