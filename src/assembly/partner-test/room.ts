// What the running process does for `isthmus partner test` (ops/partner-test/ports.ts): probes with its own parts, a real message
// through outbox and shores, and a ping over its own streams.

import { setTimeout as pause } from 'node:timers/promises';
import type { Home } from '../../config/home.ts';
import type { LedgerStore } from '../../model/outbox-store.ts';
import type { Clock, Ids, Submit } from '../../model/ports.ts';
import type { Sessions } from '../../model/sessions.ts';
import type { Table } from '../../model/table.ts';
import type { PartnerRoom, RoadBack, TestDelivery } from '../../ops/partner-test/ports.ts';
import type { EdgeParts } from '../edge.ts';
import { makeProber } from './prober.ts';
import { testMessage } from './test-message.ts';

export interface PartnerRoomParts {
  readonly home: Home;
  readonly table: () => Table;
  readonly edge: EdgeParts;
  readonly dialbackSecret: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly submit: Submit;
  readonly ledger: LedgerStore;
  readonly sessions: Sessions;
  roadBack(ourDomain: string, theirDomain: string, withinMs: number): Promise<RoadBack>;
}

const LOOK_MS = 100;

export function partnerRoom(parts: PartnerRoomParts): PartnerRoom {
  const { home, table, edge, dialbackSecret, sessions } = parts;
  return {
    prober: () => makeProber(home, table, { edge, dialbackSecret }),
    deliver: (from, to, text, withinMs) => deliver(parts, from, to, text, withinMs),
    roadBack: (ours, theirs, withinMs) => parts.roadBack(ours, theirs, withinMs),
    open: (domain) =>
      sessions.list().flatMap(({ protocol, direction, since, side, proven }) => {
        const how = proven.get(domain);
        return how === undefined || side !== 'edge' || protocol === 'web' ? [] : [{ protocol, direction, since, how }];
      }),
  };
}

async function deliver(parts: PartnerRoomParts, from: string, to: string, text: string, withinMs: number): Promise<TestDelivery> {
  const { clock, ids, table, ledger } = parts;
  const message = testMessage({ table: table(), clock, ids }, from, to, text);
  const { id } = message;
  const until = clock.monotonic() + withinMs;
  const sent = `a message from ${from} to ${to}`;
  const outcome = await Promise.race([parts.submit(message), pause(withinMs).then(() => undefined)]);
  if (outcome?.kind === 'delivered') return { id, state: 'delivered', says: `${sent} was delivered: ${outcome.evidence}` };
  if (outcome?.kind === 'refused' || outcome?.kind === 'failed') {
    return { id, state: outcome.kind, says: `${sent} was refused: ${outcome.reason.text}`, reason: outcome.reason };
  }
  for (;;) {
    const [entry] = (await ledger.find(id)).filter((one) => one.id === id);
    if (entry?.state === 'delivered')
      return { id, state: 'delivered', says: `${sent} was delivered${entry.evidence === undefined ? '' : `: ${entry.evidence}`}` };
    const over = clock.monotonic() >= until;
    const ended = entry?.state === 'refused' || entry?.state === 'expired';
    if (ended || over) {
      const state = entry?.state === undefined || entry.state === 'accepted' ? 'waiting' : entry.state;
      const why = entry?.reason;
      const says = ended
        ? `${sent} was ${state}`
        : `${sent} is ${state === 'written' ? 'written, and not confirmed yet' : 'still waiting and will be tried again'}`;
      return { id, state, says: why === undefined ? says : `${says}: ${why.text}`, ...(why !== undefined && { reason: why }) };
    }
    await pause(LOOK_MS);
  }
}
