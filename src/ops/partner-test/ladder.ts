// The ladder of `isthmus partner test`: DNS, TCP, TLS, identity, stream or OPTIONS, for one protocol. It climbs one target
// after the other until one reaches the top; where it fell is said with the catalogue's code. How a rung is climbed is
// handed in (ports.ts), so that this room knows no protocol and no socket.

import { reason } from '../../errors.ts';
import { ConnectError } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import type { Climber, ProbeTarget, Rung, RungName } from './ports.ts';

/** One way up: a target and how far it led. */
export interface Climb {
  readonly target: ProbeTarget;
  readonly rungs: readonly Rung[];
  readonly top: boolean;
}

export interface Ladder {
  readonly protocol: Protocol;
  readonly dns: Rung;
  /** In the order tried; the last one reached the top if any did. */
  readonly climbs: readonly Climb[];
  readonly top: boolean;
  /** Why it fell: of the climb that came highest. */
  readonly fell?: { readonly rung: RungName; readonly reason: Reason };
}

export interface LadderTimes {
  /** For the whole ladder of one protocol, in ms. */
  readonly wholeMs: number;
  /** Targets tried at most. */
  readonly maxTargets: number;
}
const LADDER_TIMES: LadderTimes = { wholeMs: 10_000, maxTargets: 4 };

/** Climbs. Never rejects for what a peer or the network does. @param now monotonic ms */
export async function climb(climber: Climber, now: () => number, times: LadderTimes = LADDER_TIMES): Promise<Ladder> {
  const { protocol } = climber;
  const signal = AbortSignal.timeout(times.wholeMs);
  const dns = await timed(now, () => within(signal, climber.locate()));
  if ('reason' in dns) return fallen(protocol, rung('dns', dns), []);
  const located = dns.value;
  if (located.kind === 'failed') return fallen(protocol, rung('dns', { reason: located.reason, ms: dns.ms }), []);
  const found: Rung = { name: 'dns', ok: true, says: located.targets.map(showTarget).join(', '), ms: dns.ms };
  const climbs: Climb[] = [];
  for (const target of located.targets.slice(0, times.maxTargets)) {
    if (signal.aborted) break;
    const rungs = await climbTarget(climber, target, now, signal);
    const top = rungs.every((one) => one.ok);
    climbs.push({ target, rungs, top });
    if (top) return { protocol, dns: found, climbs, top };
  }
  return fallen(protocol, found, climbs);
}

async function climbTarget(climber: Climber, target: ProbeTarget, now: () => number, signal: AbortSignal): Promise<Rung[]> {
  const rungs: Rung[] = [];
  const tcp = await timed(now, () => within(signal, climber.tcp(target, signal)));
  rungs.push(rung('tcp', tcp));
  if ('reason' in tcp) return rungs;
  const above = await timed(now, () => within(signal, climber.above(target, signal)));
  if ('reason' in above) return [...rungs, rung('tls', above)];
  return [...rungs, ...above.value];
}

type Timed<T> = { readonly value: T; readonly ms: number } | { readonly reason: Reason; readonly ms: number };

async function timed<T>(now: () => number, step: () => Promise<T>): Promise<Timed<T>> {
  const started = now();
  const passed = () => Math.round(now() - started);
  try {
    return { value: await step(), ms: passed() };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { reason: error.reason, ms: passed() };
  }
}

/** A step that outlives the ladder is not waited for. */
function within<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  const over = new Promise<never>((_, reject) => {
    const give = () => reject(new ConnectError(reason('PEER_TIMEOUT', 'the time for the test was over before an answer came')));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  return Promise.race([step, over]);
}

function rung(
  name: RungName,
  result: { readonly ms: number; readonly reason: Reason } | { readonly ms: number; readonly value: unknown },
): Rung {
  if ('reason' in result) return { name, ok: false, says: result.reason.text, ms: result.ms, reason: result.reason };
  return { name, ok: true, says: String(result.value), ms: result.ms };
}

function fallen(protocol: Protocol, dns: Rung, climbs: readonly Climb[]): Ladder {
  const all = [dns, ...[...climbs].sort((a, b) => b.rungs.length - a.rungs.length).flatMap((one) => one.rungs)];
  const fell = all.find((one) => one.reason !== undefined);
  const why = fell?.reason ?? reason('PEER_TIMEOUT', 'the time for the test was over');
  return { protocol, dns, climbs, top: false, fell: { rung: fell?.name ?? 'dns', reason: why } };
}

/** A target as an operator reads it: host, port, by what it was found. */
export function showTarget(target: ProbeTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${host}:${target.port} (${target.found}${target.tls === 'starttls' ? ', STARTTLS' : ''})`;
}
