// DNS with a bounded cache (model/ports.ts Resolver): SRV and NAPTR 300 s, addresses by their TTL, "there is none" 60 s.
// When DNS fails, an answer that has run out is used for up to an hour more. The same question is asked once at a time.

import type { SrvRecord as DnsSrv } from 'node:dns';
import { Resolver as DnsClient, lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { reason } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { AddressAnswer, Clock, NaptrRecord, Resolver, SrvAnswer } from '../model/ports.ts';
import { plainAddress } from './address-ranges.ts';

export interface ResolverOptions {
  readonly clock: Clock;
  /** `dns.servers` of isthmus.yaml (`10.0.0.2`, `10.0.0.2:5300`, `[::1]:53`); absent or empty: the system's. */
  readonly servers?: readonly string[];
  /** For one try at one server; there are two. */
  readonly timeoutMs?: number;
  readonly maxEntries?: number;
}

const SRV_MS = 300_000;
const NEGATIVE_MS = 60_000;
const STALE_MS = 3_600_000;
const MIN_TTL_MS = 5000;
const MAX_TTL_MS = 3_600_000;
/** A failure is not asked again at once by everybody. */
const FAILED_MS = 5000;
const MAX_RECORDS = 64;
const NOTHING_THERE = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/** What one question came to: the value and how long it holds, or that DNS failed. */
type Found<T> = { readonly value: T; readonly ttlMs: number } | { readonly failed: string };
interface Entry {
  readonly value: unknown;
  readonly until: number;
  /** Until when it may stand in for an answer that DNS fails to give; 0 for a failure itself. */
  readonly staleUntil: number;
}

/** Makes the port through which everybody asks DNS. Nothing rejects: a failure is an answer. */
export function makeResolver(options: ResolverOptions): Resolver {
  const client = new DnsClient({ timeout: options.timeoutMs ?? 2000, tries: 2 });
  const servers = options.servers ?? [];
  if (servers.length > 0) client.setServers([...servers]);
  const cache = new LRUCache<string, Entry>(atMost(options.maxEntries ?? 10_000));
  const asking = new Map<string, Promise<unknown>>();

  // `onFailure` makes the answer for "DNS failed"; an older good answer is preferred.
  const cached = <T>(key: string, ask: () => Promise<Found<T>>, onFailure: (text: string) => T): Promise<T> => {
    const now = options.clock.monotonic();
    const known = cache.get(key);
    // The cast holds because a key begins with the kind of question, and each kind has one type.
    if (known && now < known.until) return Promise.resolve(known.value as T);
    const running = asking.get(key);
    if (running) return running as Promise<T>;
    const started = ask()
      .then((found): T => {
        const at = options.clock.monotonic();
        if ('value' in found) {
          const until = at + found.ttlMs;
          cache.set(key, { value: found.value, until, staleUntil: until + STALE_MS });
          return found.value;
        }
        const usable = known !== undefined && at < known.staleUntil;
        const value = usable ? (known.value as T) : onFailure(found.failed);
        cache.set(key, { value, until: at + FAILED_MS, staleUntil: usable ? known.staleUntil : 0 });
        return value;
      })
      .finally(() => asking.delete(key));
    asking.set(key, started);
    return started;
  };
  const failed = (text: string) => ({ kind: 'failed', reason: reason('NET_DNS_FAILED', text) }) as const;

  return {
    srv: (name) =>
      cached<SrvAnswer>(
        `srv ${name}`,
        async () => {
          const found = await ask(`SRV ${name}`, () => client.resolveSrv(name));
          return 'value' in found ? { value: srvAnswer(found.value), ttlMs: found.value.length > 0 ? SRV_MS : NEGATIVE_MS } : found;
        },
        failed,
      ),
    naptr: (name) =>
      cached<readonly NaptrRecord[]>(
        `naptr ${name}`,
        async () => {
          const found = await ask(`NAPTR ${name}`, () => client.resolveNaptr(name));
          return 'value' in found
            ? { value: found.value.slice(0, MAX_RECORDS).map(plainNaptr), ttlMs: found.value.length > 0 ? SRV_MS : NEGATIVE_MS }
            : found;
        },
        () => [], // RFC 3263 §4.1: without NAPTR the caller asks for SRV, and that answer says that DNS fails
      ),
    addresses: (host) => {
      if (isIP(host) !== 0) return Promise.resolve({ kind: 'addresses', addresses: [plainAddress(host)] });
      return cached<AddressAnswer>(`addresses ${host}`, () => bothFamilies(client, host, servers.length === 0), failed);
    },
  };
}

async function bothFamilies(client: DnsClient, host: string, withHostsFile: boolean): Promise<Found<AddressAnswer>> {
  const [six, four] = await Promise.all([
    ask(`AAAA ${host}`, () => client.resolve6(host, { ttl: true })),
    ask(`A ${host}`, () => client.resolve4(host, { ttl: true })),
  ]);
  const found = [six, four].flatMap((one) => ('value' in one ? one.value : [])).slice(0, MAX_RECORDS);
  if (found.length > 0) {
    const ttlMs = Math.min(...found.map((one) => one.ttl * 1000));
    return {
      value: { kind: 'addresses', addresses: found.map((one) => one.address) },
      ttlMs: Math.min(Math.max(ttlMs, MIN_TTL_MS), MAX_TTL_MS),
    };
  }
  // With the system's servers the machine's hosts file counts too, as inside hosts are often only there.
  const local = withHostsFile ? await lookup(host, { all: true }).catch(() => []) : [];
  if (local.length > 0) return { value: { kind: 'addresses', addresses: local.map((one) => one.address) }, ttlMs: NEGATIVE_MS };
  for (const one of [four, six]) if ('failed' in one) return one;
  return { value: { kind: 'none' }, ttlMs: NEGATIVE_MS };
}

/** One question; "there is none" is an empty list. */
async function ask<R>(
  question: string,
  run: () => Promise<readonly R[]>,
): Promise<{ readonly value: readonly R[] } | { readonly failed: string }> {
  try {
    return { value: await run() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return NOTHING_THERE.has(code) ? { value: [] } : { failed: `DNS did not answer ${question} (${code}).` };
  }
}

function srvAnswer(records: readonly DnsSrv[]): SrvAnswer {
  if (records.length === 0) return { kind: 'none' };
  // RFC 2782: a single record whose target is the root says that the service is decidedly not available.
  const usable = records.filter((record) => record.name !== '' && record.name !== '.');
  if (usable.length === 0) return { kind: 'notOffered' };
  return {
    kind: 'records',
    records: usable.slice(0, MAX_RECORDS).map(({ name, port, priority, weight }) => ({ target: withoutDot(name), port, priority, weight })),
  };
}
function plainNaptr(record: { order: number; preference: number; flags: string; service: string; replacement: string }): NaptrRecord {
  const { order, preference, flags, service, replacement } = record;
  return { order, preference, flags, service, replacement: withoutDot(replacement) };
}
function withoutDot(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
