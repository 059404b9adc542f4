// Push services for clients that are away (XEP-0357): those that `clients.push` names, told over the XMPP shore.

import type { Home } from '../../config/home.ts';
import { Push } from '../../core/messaging/push.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../model/ports.ts';
import type { PushNews } from '../../model/push.ts';
import type { Table } from '../../model/table.ts';
import type { IqHandler } from '../../protocols/xmpp/clients/iq-table.ts';
import { pushPublisher, pushServices } from '../../protocols/xmpp/clients/push.ts';
import { toAddress } from '../../protocols/xmpp/jid.ts';
import { blockedBy } from '../../routing/rules.ts';
import type { Store } from '../../store/store.ts';
import type { XmppParts } from '../xmpp.ts';

export interface PushGround {
  readonly home: { readonly clients: Pick<Home['clients'], 'push'> };
  readonly store: Pick<Store, 'push'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: () => Table;
  readonly ask: XmppParts['ask'];
}

export interface PushRoom {
  readonly news: PushNews;
  readonly handler: IqHandler;
  /** Whom to ask whether a client has a connection. */
  see(awake: (user: string, resource: string) => boolean): void;
  close(): void;
}

const NOBODY: PushNews = { arrived() {}, asleep() {}, awake() {} };

export function pushRoom({ home, table, store, clock, log, ask }: PushGround): PushRoom {
  const named = new Set(home.clients.push);
  // No partner: nothing but this goes there. A block list beats it all the same, and so does the switch.
  const open = (domain: string): boolean => {
    const { policy } = table();
    return policy.federation !== 'off' && blockedBy(policy, { local: '', domain }, undefined, clock.now()) === undefined;
  };
  const allowed = (service: string): boolean => {
    const address = toAddress(service);
    return !('code' in address) && named.has(address.domain) && open(address.domain);
  };
  let isAwake: (user: string, resource: string) => boolean = () => true;
  const push = new Push({
    store: store.push,
    clock,
    log,
    publish: pushPublisher(ask),
    awake: (user, resource) => isAwake(user, resource),
    allowed,
  });
  return {
    // With no service named nobody is looked up for each message.
    news: named.size === 0 ? NOBODY : push,
    handler: pushServices({ store: store.push, clock, allowed, offered: named.size > 0 }),
    see(awake) {
      isAwake = awake;
    },
    close: () => push.close(),
  };
}
