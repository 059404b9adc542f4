// What policy would say to an exchange that is on record: the same decide() as for real traffic, with an event made from what
// the record holds. It holds no text, no address of the connection and no size, so that blocked addresses and limits cannot
// be asked again; who knew whom is taken as it is now.

import { type Address, fromBareKey } from '../model/address.ts';
import type { Event, Network, Origin } from '../model/event.ts';
import type { DecisionRecord } from '../model/stores.ts';
import type { Protocol, Table, Where } from '../model/table.ts';
import { decide } from './decide.ts';

/** What came of it. `hold`: a stranger's first contact would wait for a decision. */
export interface Replayed {
  readonly verdict: 'allow' | 'hold' | 'refuse';
  readonly code?: string;
  /** The file and key that decided, with the line where it is known. */
  readonly where: { readonly file?: string; readonly key?: string; readonly line?: number };
}

export interface ReplayFacts {
  readonly nowMs: number;
  readonly knows: boolean;
  readonly pinned?: Protocol;
}

/** @returns undefined for what policy always lets through (the end of a view), and for kinds this version does not know */
export function replay(record: DecisionRecord, table: Table, facts: ReplayFacts): Replayed | undefined {
  const event = eventOf(record, table);
  if (event === undefined) return undefined;
  const decision = decide(event, table, facts);
  if (decision.kind === 'allow') return { verdict: 'allow', where: lined(decision.because, table) };
  const { code, file, key } = decision.reason;
  const where = { ...(file !== undefined && { file }), ...(key !== undefined && { key }) };
  return { verdict: decision.kind, code, where: lined(where, table) };
}

function eventOf(record: DecisionRecord, table: Table): Event | undefined {
  const network = networkOf(record.network);
  if (network === undefined) return undefined;
  const from = addressOf(record.from);
  const to = addressOf(record.to);
  // Our own users come from inside, or from the core; everybody else from the edge.
  const side =
    record.proof === 'local' || record.proof === 'account'
      ? 'local'
      : table.domains.has(from.domain) || record.proof === 'inside'
        ? 'inside'
        : 'edge';
  const origin: Origin = { network, side, peer: from.domain, connection: 'replay', proof: record.proof };
  const base = { id: record.eventId, at: record.at, origin, from, to };
  switch (record.kind) {
    case 'im.sent':
      return { ...base, kind: 'im.sent', body: '', style: 'normal', wants: { delivered: false, displayed: false }, ids: {} };
    case 'presence.requested':
    case 'presence.probed':
      return { ...base, kind: 'presence.requested' };
    case 'presence.notified':
      return { ...base, kind: 'presence.notified', scope: 'full', document: { endpoints: [] } };
    default:
      return undefined;
  }
}

function networkOf(text: string): Network | undefined {
  return text === 'sip' || text === 'xmpp' || text === 'core' ? text : undefined;
}

function addressOf(text: string): Address {
  return fromBareKey(text.includes('@') ? text : `@${text}`);
}

/** The line of a key, where the table knows it: a reason carries file and key only. */
function lined(where: Partial<Where>, table: Table): Replayed['where'] {
  const { file, key } = where;
  if (file === undefined || where.line !== undefined) return where;
  const known = (one: Where): boolean =>
    one.file === file && one.line !== undefined && (one.key === key || (key?.startsWith(`${one.key}/`) === true && one.key !== ''));
  const { policy } = table;
  for (const one of [
    policy.federationWhere,
    policy.discovered.where,
    ...policy.blocked.map((block) => block.where),
    ...policy.rules.map((rule) => rule.where),
  ])
    if (known(one)) return { ...where, line: one.line! };
  for (const partner of new Set(table.partners.values())) {
    if (partner.where.file !== file) continue;
    for (const one of partner.sources.values()) if (known(one)) return { ...where, line: one.line! };
    return { ...where, line: partner.where.line ?? 1 };
  }
  for (const own of new Set(table.domains.values())) if (known(own.where)) return { ...where, line: own.where.line! };
  return where;
}
