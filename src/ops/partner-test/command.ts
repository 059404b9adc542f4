// isthmus partner test DOMAIN: can this partner be reached, and if not, where does it fall?

import { showFinding } from '../../config/finding.ts';
import type { Home } from '../../config/home.ts';
import { loadHome } from '../../config/load.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import type { Table } from '../../model/table.ts';
import { type Command, HOME_OPTION, JSON_OPTION } from '../command.ts';
import { findHome, noHome } from '../home-search.ts';
import { climb } from './ladder.ts';
import type { Probe } from './ports.ts';
import { showReport, verdict } from './report.ts';

/**
 * Makes the probe of a home for one partner.
 * @param as the domain of ours to test with; without it the first one that has a certificate
 * @returns a sentence when it cannot be tested at all
 */
export type MakeProbe = (home: Home, table: Table, domain: string, as: string | undefined) => Promise<Probe | string>;

export function partnerTestCommand(makeProbe: MakeProbe): Command {
  return {
    words: 'partner test',
    summary: 'climbs DNS, TCP, TLS, identity, stream or OPTIONS toward a partner and says where it fell',
    positionals: ['DOMAIN'],
    options: {
      home: HOME_OPTION,
      as: { type: 'string', value: 'DOMAIN', says: 'the domain of ours to test with; default: the first that has a certificate' },
      json: JSON_OPTION,
    },
    details: [
      'Both protocols are tried, at most ten seconds each, with our own certificate. Nothing is sent to any user.',
      'A domain without a file in routes/partners/ can be tested too, before one is written.',
      'Exit 0: reached over a protocol that is spoken with the partner, and policy lets something pass. Exit 1: not so.',
    ].join('\n'),
    example: 'isthmus partner test partner.example --home ./home',
    async run({ values, positionals }, terminal) {
      const refuse = (sentence: string) => {
        terminal.err(`isthmus partner test: ${sentence}`);
        return 2 as const;
      };
      const domain = parseDomain(positionals[0]!);
      if (domain instanceof Wrong) return refuse(`"${positionals[0]}"; right would be ${domain.right}`);
      const found = findHome(typeof values.home === 'string' ? values.home : undefined, terminal);
      if ('looked' in found) {
        terminal.err(noHome(found.looked, 'partner test'));
        return 2;
      }
      const loaded = loadHome(found.dir);
      if (!loaded.ok) {
        for (const fault of loaded.faults) terminal.err(showFinding(fault));
        return refuse(`the home ${found.dir} has faults`);
      }
      const { home, table } = loaded;
      if (table.domains.has(domain)) return refuse(`${domain} is a domain of ours; name a partner's`);
      const as = typeof values.as === 'string' ? parseDomain(values.as) : undefined;
      if (as instanceof Wrong || (as !== undefined && !table.domains.has(as))) {
        return refuse(`--as "${String(values.as)}"; right would be one of ${[...table.domains.keys()].join(', ')}`);
      }
      const probe = await makeProbe(home, table, domain, as);
      if (typeof probe === 'string') return refuse(probe);
      const ladders = await Promise.all(probe.climbers.map((climber) => climb(climber, () => performance.now())));
      const good = verdict(probe, ladders);
      if (values.json === true) {
        const { ourDomain, spoken, file, policy } = probe;
        terminal.out(JSON.stringify({ domain, ok: good, as: ourDomain, file: file ?? null, spoken, ladders, policy }, null, 2));
      } else {
        terminal.out(showReport(domain, probe, ladders));
      }
      return good ? 0 : 1;
    },
  };
}
