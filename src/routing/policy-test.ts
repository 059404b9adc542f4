// What policy decides about an exchange that an operator wrote down in `tests:` of routes/policy.yaml. The same decide() that
// judges real traffic, with made-up events; a first contact that would wait is not allowed.

import { type Address, fromBareKey } from '../model/address.ts';
import type { Event, ImSent, Origin, PresenceRequested } from '../model/event.ts';
import type { PolicyTest, Protocol, Table } from '../model/table.ts';
import { decide } from './decide.ts';
import { partnerOf } from './partner.ts';
import { protocolFor } from './way.ts';

export interface Verdict {
  readonly allowed: boolean;
  /** Why, with the file and key that decided. */
  readonly because: string;
  /** When refused. */
  readonly code?: string;
  readonly file?: string;
  readonly key?: string;
}

/** Judges a message and a subscription from `test.from` to `test.to`. @param nowMs wall time, for entries with an end */
export function judgeTest(table: Table, test: PolicyTest, nowMs: number): { readonly message: Verdict; readonly presence: Verdict } {
  const from = addressOf(test.from);
  const to = addressOf(test.to);
  const origin = originOf(table, test, from, to);
  const base = { id: 'policy-test', at: nowMs, origin, from, to };
  const message: ImSent = { ...base, kind: 'im.sent', body: '', style: 'normal', wants: { delivered: false, displayed: false }, ids: {} };
  const presence: PresenceRequested = { ...base, kind: 'presence.requested' };
  return { message: verdict(message, table, nowMs), presence: verdict(presence, table, nowMs) };
}

function verdict(event: Event, table: Table, nowMs: number): Verdict {
  const decision = decide(event, table, { nowMs, knows: false });
  if (decision.kind === 'allow') {
    const { file, key } = decision.because;
    return { allowed: true, because: `${file}${key}`, file, key };
  }
  const { reason } = decision;
  return {
    allowed: false,
    because: `${reason.code}: ${reason.text}${reason.file === undefined ? '' : `, ${reason.file}${reason.key ?? ''}`}`,
    code: reason.code,
    ...(reason.file !== undefined && { file: reason.file }),
    ...(reason.key !== undefined && { key: reason.key }),
  };
}

/** A partner's user arrives from outside, ours from inside; without `over:` by the protocol that would be used. */
function originOf(table: Table, test: PolicyTest, from: Address, to: Address): Origin {
  const own = table.domains.get(from.domain);
  if (own?.served === 'core') return { network: 'core', side: 'local', peer: from.domain, connection: 'policy-test', proof: 'account' };
  if (own !== undefined) return { network: own.served, side: 'inside', peer: from.domain, connection: 'policy-test', proof: 'inside' };
  const target = table.domains.get(to.domain);
  const partner = partnerOf(from.domain, table);
  const usual: Protocol = (target && partner && protocolFor(target, partner)) ?? 'xmpp';
  return { network: test.over ?? usual, side: 'edge', peer: from.domain, connection: 'policy-test', proof: test.proof ?? 'certificate' };
}

function addressOf(text: string): Address {
  return fromBareKey(text.includes('@') ? text : `@${text}`);
}
