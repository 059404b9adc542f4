// The process that plays everybody's client. It is not measured.

import { createSecureContext, type SecureContext } from 'node:tls';
import { pause } from '../load/pace.ts';
import { type CrowdOrder, type CrowdReport, type CrowdResult, contactsOf, DOMAIN, local } from './cast.ts';
import { CrowdClient } from './client.ts';

/** Clients behind one address. */
const PER_ADDRESS = 1000;
/** Sign-ins that are begun and not finished. */
const AT_ONCE = 100;
/** Whoever is told of something is told within this time. */
const PATIENCE_MS = 10_000;

let ground: { readonly port: number; readonly users: number; readonly context: SecureContext } | undefined;
const clients: CrowdClient[] = [];
const sentAt = new Map<string, number>();
const took: number[] = [];
let stanzas = 0;
let gone = 0;

async function obey(order: CrowdOrder): Promise<CrowdResult | undefined> {
  switch (order.do) {
    case 'join':
      ground = { port: order.port, users: order.users, context: createSecureContext({ ca: order.ca }) };
      return undefined;
    case 'signIn':
      return signIn(order.count, order.perSecond);
    case 'live':
      return live(order.changesPerSecond, order.messagesPerSecond, order.ms);
    default:
      return order satisfies never;
  }
}

async function signIn(count: number, perSecond: number): Promise<CrowdResult> {
  if (ground === undefined) throw new Error('nobody knows where to go yet');
  const { port, users, context } = ground;
  const first = clients.length;
  const started = performance.now();
  took.length = 0;
  stanzas = 0;
  let failed = 0;
  const tries: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    const n = first + index;
    // After a restart everybody comes back at once; clients take turns then, or all would be too late.
    while (performance.now() < started + (index * 1000) / perSecond || index - took.length - failed >= AT_ONCE) await pause(1);
    const began = performance.now();
    const from = `127.0.1.${1 + Math.floor(n / PER_ADDRESS)}`;
    tries.push(
      CrowdClient.signIn(local(n, users), port, from, context, {
        presences: (many) => {
          stanzas += many;
        },
        message: arrived,
        gone: () => {
          gone += 1;
        },
      }).then(
        (client) => {
          clients[n] = client;
          took.push(performance.now() - began);
        },
        (error: unknown) => {
          failed += 1;
          if (failed === 1) process.stderr.write(`${String(error)}\n`);
        },
      ),
    );
  }
  await Promise.all(tries);
  return result(performance.now() - started, took.length, failed);
}

/** Everybody in turn changes, and writes to a contact of theirs. */
async function live(changesPerSecond: number, messagesPerSecond: number, ms: number): Promise<CrowdResult> {
  const there = clients.length;
  took.length = 0;
  stanzas = 0;
  gone = 0;
  sentAt.clear();
  const started = performance.now();
  let [changes, messages] = [0, 0];
  for (;;) {
    const now = performance.now() - started;
    if (now >= ms) break;
    for (; changes < (now / 1000) * changesPerSecond; changes += 1) clients[(changes * 37) % there]?.available(`change ${changes}`);
    for (; messages < (now / 1000) * messagesPerSecond; messages += 1) {
      const n = (messages * 61) % there;
      const [to] = contactsOf(n, there, 2);
      sentAt.set(`m${messages}`, performance.now());
      clients[n]?.say(`${to}@${DOMAIN}`, `m${messages}`);
    }
    await pause(2);
  }
  const over = performance.now();
  while (sentAt.size > 0 && performance.now() - over < PATIENCE_MS) await pause(5);
  return result(over - started, took.length, sentAt.size + gone);
}

function arrived(body: string): void {
  const at = sentAt.get(body);
  if (at === undefined) return;
  sentAt.delete(body);
  took.push(performance.now() - at);
}

function result(ms: number, done: number, failed: number): CrowdResult {
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? -1; // JSON knows no NaN
  return { ms, done, failed, stanzas, medianMs: at(0.5), p99Ms: at(0.99) };
}

process.on('message', (order: CrowdOrder) => {
  obey(order).then(
    (done) => report(done === undefined ? { ok: true } : { ok: true, result: done }),
    (error: unknown) => report({ ok: false, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function report(report: CrowdReport): void {
  process.send?.(report);
}
