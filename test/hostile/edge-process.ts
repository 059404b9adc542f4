// The process behind edge-apart.ts: a running edge that tells its parent where it is and what it holds.

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { RunningEdge } from './running-edge.ts';

const edge = await RunningEdge.open();
const { ports, fabrikam, partner, insideSip, insideXmpp } = edge.around;
const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);

const collect = globalThis.gc as () => void; // edge-apart.ts starts this with --expose-gc

process.on('message', async (what) => {
  if (what === 'footprint') {
    // What sockets and TLS let go of in one turn is collected in the next: only what stays counts.
    for (let round = 0; round < 3; round++) {
      collect();
      await pause(100);
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ held: heapUsed + external, rss, peak: kib('VmHWM') * 1024 });
  } else if (what === 'delivered') process.send?.(insideSip.requests.length + insideXmpp.stanzas.length);
  else {
    await edge[Symbol.asyncDispose]();
    process.disconnect?.();
  }
});
process.send?.({ ports, fabrikam, partner });
