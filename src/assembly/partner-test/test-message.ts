// The message of `isthmus partner test --deliver`, as if its sender's own system had handed it in.

import { fromBareKey } from '../../model/address.ts';
import type { ImSent } from '../../model/event.ts';
import type { Clock, Ids } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';

/** @param from, to bare keys */
export function testMessage(
  { table, clock, ids }: { readonly table: Table; readonly clock: Clock; readonly ids: Ids },
  from: string,
  to: string,
  body: string,
): ImSent {
  const sender = fromBareKey(from);
  const network = table.domains.get(sender.domain)?.served ?? 'core';
  return {
    kind: 'im.sent',
    id: ids.event(),
    at: clock.now(),
    origin: {
      network,
      side: network === 'core' ? 'local' : 'inside',
      peer: sender.domain,
      connection: 'partner-test',
      proof: network === 'core' ? 'account' : 'inside',
    },
    from: sender,
    to: fromBareKey(to),
    body,
    style: 'normal',
    wants: { delivered: false, displayed: false },
    ids: {},
  };
}
