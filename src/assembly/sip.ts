// The SIP shore, put together: exchange, messages, presence, and the gateway that routing sees.

import type { Home } from '../config/home.ts';
import type { Log } from '../log.ts';
import type { Clock, Connector, Gateway, Ids, Link, NoteRefusal, Resolver, Submit } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import { SipGateway } from '../protocols/sip/gateway.ts';
import { Messages } from '../protocols/sip/messages.ts';
import { SipPresence } from '../protocols/sip/presence.ts';
import { SipShore } from '../protocols/sip/shore.ts';
import type { Store } from '../store/store.ts';
import type { Drains } from './drain.ts';

/** What both shores are given. */
export interface Ground {
  readonly home: Home;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly store: Store;
  readonly connector: Connector;
  readonly resolver: Resolver;
  readonly submit: Submit;
  readonly noteRefusal: NoteRefusal;
  /** A partner has connected: what waits for it goes at once. */
  readonly partnerSeen: (domain: string) => void;
}

export interface SipParts extends Drains {
  readonly gateway: Gateway;
  accept(link: Link): void;
  /** Takes up the dialogs of the process before. */
  restore(): Promise<void>;
}

/** Makes the SIP shore and takes over its methods; opens nothing. */
export function sipShore(ground: Ground): SipParts {
  const { home, table, clock, ids, log, store, connector, resolver, submit, partnerSeen } = ground;
  const shore = new SipShore({
    connector,
    resolver,
    clock,
    ids,
    log,
    table,
    partnerSeen,
    edgeHost: sentBy(home.edge.host, home.edge.sip[0]?.port),
    insideHost: sentBy(home.inside.host, home.inside.sip[0]?.port),
  });
  const messages = new Messages({
    request: (hop, build, options) => shore.request(hop, build, options),
    submit,
    noteRefusal: ground.noteRefusal,
    table,
    spellings: store.spellings,
    clock,
    ids,
    log,
  });
  const presence = new SipPresence({
    shore,
    submit,
    table,
    dialogs: store.dialogs,
    spellings: store.spellings,
    clock,
    ids,
    log,
    random: Math.random,
  });
  shore.handle('MESSAGE', messages.receive);
  shore.onCall((request) => void messages.called(request));
  return {
    gateway: new SipGateway(messages, presence),
    accept: (link) => shore.accept(link),
    async restore() {
      const restored = await presence.restore();
      if (restored.notifiers + restored.subscribers > 0)
        log.info({ event: 'dialogs.restored', ...restored }, 'dialogs of the process before are taken up');
    },
    async drain(graceMs) {
      messages.close();
      presence.close();
      await shore.drain(graceMs);
    },
  };
}

/** What Via and Contact carry: the port is named unless it is the usual one (RFC 3261 §19.1.2: 5061 for TLS). */
function sentBy(host: string, port: number | undefined): string {
  return port === undefined || port === 5061 ? host : `${host}:${port}`;
}
