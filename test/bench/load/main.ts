// The load process: both ends of every road, told by the runner what to do. It is not measured.

import type { Order, Ports, Report, RunResult } from '../cast.ts';
import { Idle } from './idle.ts';
import { run } from './pace.ts';
import { PresenceFeeds } from './presence.ts';
import { Roads } from './roads.ts';

let roads: Roads | undefined;
let feeds: PresenceFeeds | undefined;
let idle: Idle | undefined;

async function obey(order: Order): Promise<RunResult | undefined> {
  if (order.do === 'listen') {
    await listen(order.ports, order);
    return undefined;
  }
  if (roads === undefined || feeds === undefined || idle === undefined) throw new Error('the ends are not listening yet');
  switch (order.do) {
    case 'open':
      await roads.open(order.road);
      return undefined;
    case 'run':
      return run(await roads.open(order.road), order.pace, order.ms);
    case 'subscribe':
      await feeds.subscribe(order.feed, order.watchers, order.presentities);
      return undefined;
    case 'change':
      return feeds.change(order.feed);
    case 'idle':
      await idle.open(order.what, order.count);
      return undefined;
    default:
      return order satisfies never;
  }
}

async function listen(ports: Ports, { sip, xmpp }: Extract<Order, { do: 'listen' }>): Promise<void> {
  const made = new Roads(ports, sip, xmpp);
  const presence = new PresenceFeeds(made, ports);
  made.sip.onRequest = (message, line) => {
    if (message.start.startsWith('MESSAGE ')) made.tookMessage(message, line);
    else presence.tookRequest(message, line);
  };
  made.xmpp.onStanza = (stanza) => {
    if (stanza.startsWith('<presence')) presence.tookPresence(stanza);
    else made.tookStanza(stanza);
  };
  await made.listen();
  [roads, feeds, idle] = [made, presence, new Idle(made, ports)];
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => report(result === undefined ? { ok: true } : { ok: true, result }),
    (error: unknown) => report({ ok: false, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function report(report: Report): void {
  process.send?.(report);
}
