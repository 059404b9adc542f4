// The ground the two presence rooms of this shore stand on: what they are given, and the names and ways both use.

import type { Log } from '../../log.ts';
import { type Address, bareKey } from '../../model/address.ts';
import type { Side } from '../../model/event.ts';
import type { Clock, Hop, Ids, Submit } from '../../model/ports.ts';
import type { DialogStore, SpellingStore } from '../../model/stores.ts';
import { insideOf, type Table } from '../../model/table.ts';
import { toSipUri } from './address.ts';
import type { SipShore } from './shore.ts';
import { parseSipUri } from './uri.ts';

export interface SipPresenceDeps {
  readonly shore: Pick<SipShore, 'request' | 'requestInDialog' | 'contactUri' | 'dialogs' | 'handle'>;
  readonly submit: Submit;
  readonly table: () => Table;
  readonly dialogs: DialogStore;
  readonly spellings: SpellingStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** In [0, 1): spreads refreshes and retries. */
  readonly random: () => number;
}

/** A watcher and a presentity as one map key. */
export function pairKey(watcher: Address, presentity: Address): string {
  return `${bareKey(watcher)} ${bareKey(presentity)}`;
}

/** The user part of our Contact: the user we speak for, so that the peer's logs make sense. */
export function contactUser(address: Address): { readonly contactUser?: string } {
  const user = parseSipUri(toSipUri(address))?.user;
  return user === undefined ? {} : { contactUser: user };
}

/** The hop to a SIP peer as the table has it now. @param ours the domain on this side of the exchange */
export function hopTo(table: Table, side: Side, ours: string, theirs: string): Hop {
  const whole = side === 'edge' ? undefined : table.domains.get(theirs);
  const own = whole && insideOf(whole);
  const partner = table.partners.get(side === 'edge' ? theirs : ours);
  return {
    network: 'sip',
    side,
    ourDomain: side === 'edge' ? ours : (own?.domain ?? theirs),
    theirDomain: theirs,
    ...(partner === undefined ? {} : { partner }),
    ...(own === undefined ? {} : { own }),
  };
}
