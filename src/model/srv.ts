// The order in which SRV targets are tried (RFC 2782): by priority, within one priority at random by weight.

import type { SrvRecord } from './ports.ts';

/**
 * Orders records for one attempt. Several services may be merged into one list first (XEP-0368 §3).
 * @param random returns a number in [0, 1); injected so that tests can repeat themselves
 */
export function orderSrv<R extends SrvRecord>(records: readonly R[], random: () => number = Math.random): R[] {
  const ordered: R[] = [];
  const priorities = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    // RFC 2782: records of weight 0 stand first, so that they keep a small chance of being picked.
    const left = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      const total = left.reduce((sum, record) => sum + record.weight, 0);
      const pick = Math.floor(random() * (total + 1));
      let running = 0;
      const index = left.findIndex((record) => (running += record.weight) >= pick);
      ordered.push(...left.splice(index, 1));
    }
  }
  return ordered;
}
