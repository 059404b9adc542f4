// The way out: DNS, TCP, TLS, identity, stream or OPTIONS, for one protocol. It climbs one target after the other until one
// reaches the top; where it fell is said with the catalogue's code. How a rung is climbed is handed in (ports.ts), so that this
// room knows no protocol and no socket. Every rung and the whole are bounded in time.

import { reason } from '../../errors.ts';
import { hostPort } from '../../model/host-port.ts';
import { ConnectError } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import { codeOf, diagnosis } from '../diagnoses.ts';
import type { ClimbedRung, Climber, ProbeTarget, Rung, RungName } from './ports.ts';

/** One way up: a target and how far it led. */
export interface Climb {
  readonly target: ProbeTarget;
  readonly rungs: readonly Rung[];
  readonly top: boolean;
}

export interface Fall {
  readonly rung: RungName;
  readonly reason: Reason;
  /** Undefined when DNS gave none. */
  readonly target?: ProbeTarget;
}

export interface Ladder {
  readonly protocol: Protocol;
  readonly dns: Rung;
  /** In the order tried; the last one reached the top if any did. */
  readonly climbs: readonly Climb[];
  readonly top: boolean;
  /** Why it fell: of the climb that came highest. */
  readonly fell?: Fall;
  /** What deserves a look although the ladder held. */
  readonly warnings: readonly Reason[];
}

export interface LadderTimes {
  /** For the whole ladder of one protocol, in ms. */
  readonly wholeMs: number;
  readonly dnsMs: number;
  readonly tcpMs: number;
  /** TLS, identity, and the answer. */
  readonly aboveMs: number;
  /** Targets tried at most. */
  readonly maxTargets: number;
}
export const LADDER_TIMES: LadderTimes = { wholeMs: 9500, dnsMs: 3500, tcpMs: 3500, aboveMs: 8000, maxTargets: 4 };

/** Climbs. Never rejects for what a peer or the network does. @param now monotonic ms */
export async function climb(climber: Climber, now: () => number, signal: AbortSignal, times: LadderTimes = LADDER_TIMES): Promise<Ladder> {
  const { protocol } = climber;
  const whole = AbortSignal.any([signal, AbortSignal.timeout(times.wholeMs)]);
  const dnsLate = reason('NET_DNS_FAILED', `DNS did not answer within ${times.dnsMs} ms`);
  const dns = await timed(now, () => within(whole, times.dnsMs, dnsLate, () => climber.locate()));
  const located = 'reason' in dns ? ({ kind: 'failed', reason: dns.reason } as const) : dns.value;
  if (located.kind === 'failed')
    return fallen(protocol, told(protocol, { name: 'dns', ok: false, says: located.reason.text, ms: dns.ms, reason: located.reason }), []);
  const { warnings, targets } = located;
  const says = targets.map(showTarget).join(', ');
  const found = told(protocol, { name: 'dns', ok: true, says, ms: dns.ms, ...(warnings.length > 0 && { warnings }) });
  const climbs: Climb[] = [];
  for (const target of targets.slice(0, times.maxTargets)) {
    if (whole.aborted) break;
    const rungs = (await climbTarget(climber, target, now, whole, times)).map((one) => told(protocol, one));
    const top = rungs.every((one) => one.ok);
    climbs.push({ target, rungs, top });
    if (top)
      return {
        protocol,
        dns: found,
        climbs,
        top,
        warnings: [...warnings, ...climbs.flatMap(missed), ...rungs.flatMap((one) => one.warnings ?? [])],
      };
  }
  return fallen(protocol, found, climbs);
}

/** A record that leads nowhere although another one led to the top: the operator's and the partner's next outage. */
function missed(one: Climb): Reason[] {
  return one.top ? [] : one.rungs.flatMap((rung) => (rung.reason === undefined ? [] : [rung.reason]));
}

async function climbTarget(
  climber: Climber,
  target: ProbeTarget,
  now: () => number,
  whole: AbortSignal,
  times: LadderTimes,
): Promise<ClimbedRung[]> {
  const tcpLate = reason('NET_CONNECT_TIMEOUT', `${target.host}:${target.port} did not answer within ${times.tcpMs} ms`);
  const tcp = await timed(now, () => within(whole, times.tcpMs, tcpLate, (signal) => climber.tcp(target, signal)));
  if ('reason' in tcp) return [{ name: 'tcp', ok: false, says: tcp.reason.text, ms: tcp.ms, reason: tcp.reason }];
  const first: ClimbedRung = { name: 'tcp', ok: true, says: tcp.value, ms: tcp.ms };
  const aboveLate = reason('PEER_TIMEOUT', `${target.host}:${target.port} did not answer within ${times.aboveMs} ms`);
  const above = await timed(now, () => within(whole, times.aboveMs, aboveLate, (signal) => climber.above(target, signal)));
  if ('reason' in above) return [first, { name: 'tls', ok: false, says: above.reason.text, ms: above.ms, reason: above.reason }];
  return [first, ...above.value];
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

/** A step that outlives its time is told so and not waited for. */
async function within<T>(whole: AbortSignal, ms: number, late: Reason, step: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.any([whole, AbortSignal.timeout(ms)]);
  const over = Promise.withResolvers<never>();
  const give = () => over.reject(new ConnectError(late));
  // One turn later, so that a step that ends itself on the signal can say what it was waiting for.
  const onAbort = () => setImmediate(give);
  if (signal.aborted) give();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([step(signal), over.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function fallen(protocol: Protocol, dns: Rung, climbs: readonly Climb[]): Ladder {
  const highest = [...climbs].sort((a, b) => b.rungs.length - a.rungs.length)[0];
  const fell = dns.reason !== undefined ? dns : highest?.rungs.find((one) => one.reason !== undefined);
  const why = fell?.reason ?? reason('PEER_TIMEOUT', 'the time for the test was over');
  const target = highest === undefined ? {} : { target: highest.target };
  return { protocol, dns, climbs, top: false, fell: { rung: fell?.name ?? 'dns', reason: why, ...target }, warnings: dns.warnings ?? [] };
}

const EXPECTED: Readonly<Record<RungName, (protocol: Protocol) => string>> = {
  dns: (protocol) =>
    `${protocol === 'sip' ? '_sipfederationtls._tcp or _sips._tcp' : '_xmpp-server._tcp or _xmpps-server._tcp'} records, or hosts: in the partner's file`,
  tcp: () => 'a TCP connection within 3 seconds',
  tls: () => 'a TLS 1.2 or 1.3 handshake within 5 seconds',
  identity: () => 'a valid certificate that names the domain',
  stream: () => 'an open stream, our certificate accepted (SASL EXTERNAL)',
  options: () => '200 to OPTIONS',
};

function told(protocol: Protocol, one: ClimbedRung): Rung {
  const wanted = one.reason === undefined ? '' : diagnosis(codeOf(one.reason)).expected;
  return { ...one, expected: wanted === '' ? EXPECTED[one.name](protocol) : wanted };
}

/** A target as an operator reads it: host, port, by what it was found. */
export function showTarget(target: ProbeTarget): string {
  return `${hostPort(target)} (${target.found}${target.tls === 'starttls' ? ', STARTTLS' : ''})`;
}
