// Documents of users for SIP clients (XCAP), as a route of the web door: on the core's lists and the table of what users keep here.

import type { Core } from '../../model/core.ts';
import type { Clock } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { WebRoute } from '../../model/web-route.ts';
import { xcap } from '../../protocols/sip/clients/xcap/xcap.ts';
import type { Store } from '../../store/store.ts';

export interface XcapGround {
  readonly core: Core;
  readonly store: Pick<Store, 'personal'>;
  readonly clock: Clock;
  readonly table: () => Table;
}

export function xcapDocuments({ core, store, clock, table }: XcapGround): WebRoute {
  return xcap({
    core,
    clock,
    store: store.personal,
    serves: (domain) => {
      const own = table().domains.get(domain);
      return own?.served === 'core' ? own.domain : undefined;
    },
  });
}
