// One partner, looked at from all sides: both protocols out, both in, policy, and a message when asked.

import type { Protocol } from '../../model/table.ts';
import type { Operations, Records } from '../operations.ts';
import { type Finding, findingsOf, type Looked } from './findings.ts';
import { lookInbound } from './inbound.ts';
import { climb, LADDER_TIMES, type Ladder, type LadderTimes } from './ladder.ts';
import type { PartnerRoom, Probe, Prober, TestDelivery } from './ports.ts';

export interface Wanted {
  readonly domain: string;
  readonly as?: string;
  /** Only this one. */
  readonly protocol?: Protocol;
  /** For each ladder as a whole, ms. */
  readonly timeoutMs?: number;
  readonly deliver?: { readonly from: string; readonly to: string; readonly text: string };
}

export interface Means {
  readonly operations: Pick<Operations, 'clock' | 'progress' | 'signal'>;
  readonly prober: Prober;
  readonly records?: Records;
  readonly room?: PartnerRoom;
}

/** So long a test message has until its end, ms. */
const DELIVER_MS = 8000;
/** So long a partner has to answer our ping, ms; less when the climb was slow. */
const ROAD_MS = 5000;
const ROAD_LEAST_MS = 1500;

/** @returns a sentence when the partner cannot be tested at all */
export async function look(
  wanted: Wanted,
  means: Means,
): Promise<{ readonly looked: Looked; readonly findings: readonly Finding[] } | string> {
  const { operations, prober, records, room } = means;
  const { domain, as, protocol, deliver } = wanted;
  const probe = prober.probe(domain, as);
  if (typeof probe === 'string') return probe;
  const climbers = probe.climbers.filter((one) => protocol === undefined || one.protocol === protocol);
  const times: LadderTimes = wanted.timeoutMs === undefined ? LADDER_TIMES : { ...LADDER_TIMES, wholeMs: wanted.timeoutMs };
  operations.progress(`${domain}: climbing ${climbers.map((one) => one.protocol.toUpperCase()).join(' and ')}`);
  // Each protocol's way in is looked at when its way out is known: it knows the partner's addresses, and whether to ask for a ping.
  const both = await Promise.all(
    climbers.map(async (climber) => {
      const began = performance.now();
      // Asked beside the climb, so that a slow resolver costs its time once.
      const record = probe.ourRecords(climber.protocol);
      const ladder = await climb(climber, () => performance.now(), operations.signal, times);
      const targets = ladder.climbs.map((one) => one.target);
      if (!probe.spoken.includes(climber.protocol)) return { ladder };
      const inbound = await lookInbound({
        domain,
        protocol: climber.protocol,
        probe,
        targets,
        clock: operations.clock,
        reached: ladder.top,
        record,
        roadMs: Math.min(ROAD_MS, Math.max(ROAD_LEAST_MS, times.wholeMs - (performance.now() - began))),
        ...(records !== undefined && { records }),
        ...(room !== undefined && { room }),
      });
      return { ladder, inbound };
    }),
  );
  const ladders: readonly Ladder[] = both.map((one) => one.ladder);
  if (deliver !== undefined) operations.progress(`${domain}: waiting for what becomes of the message`);
  const delivery = deliver === undefined ? undefined : await send(deliver, probe, means);
  const looked: Looked = {
    domain,
    probe,
    ladders,
    inbound: both.flatMap((one) => (one.inbound === undefined ? [] : [one.inbound])),
    at: operations.clock.now(),
    ...(protocol !== undefined && { only: protocol }),
    ...(delivery !== undefined && { delivery }),
  };
  return { looked, findings: findingsOf(looked) };
}

/** Through the process' outbox; without a process at once, or not at all. */
function send({ from, to, text }: NonNullable<Wanted['deliver']>, probe: Probe, { room, operations }: Means): Promise<TestDelivery> {
  if (room !== undefined) return room.deliver(from, to, text, DELIVER_MS);
  return probe.deliver(from, to, text, AbortSignal.any([operations.signal, AbortSignal.timeout(DELIVER_MS)]));
}
