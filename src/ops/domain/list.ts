// isthmus domain list and domain show: the domains that are ours, what serves each, and how partners reach it.

import * as z from 'zod';
import { showFinding } from '../../config/finding.ts';
import type { Home } from '../../config/home.ts';
import { showBind } from '../../config/listeners.ts';
import type { Loaded } from '../../config/load.ts';
import type { OwnDomain, Table } from '../../model/table.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { columns } from '../words.ts';
import { chosenDomains } from './dns.ts';
import { pairsOf, shownFor } from './names.ts';
import { facesOf } from './sheet.ts';

const listInput = z.object({});

export const domainList = verb({
  words: 'domain list',
  summary: 'your own domains, what serves each, and which certificate it shows',
  positionals: [],
  options: {},
  details: 'From routes/domains.yaml and certs/own/. isthmus domain dns prints the records that belong to them.',
  example: 'isthmus domain list --home ./home',
  input: listInput,
  http: { method: 'GET', path: '/domains' },
  role: 'viewer',
  audited: false,
  where: 'here',
  async run(operations) {
    const loaded = operations.load();
    if (!loaded.ok) return faulty(operations, loaded, 'domain list');
    const { table } = loaded;
    const rows = [...new Set(table.domains.values())].map((own) => facts(own, operations, table));
    const cells = [['domain', 'served', 'partners speak', 'inside', 'certificate', 'aliases'], ...rows.map(cellsOf)];
    const text = rows.length === 0 ? 'no domain of yours in routes/domains.yaml' : columns(cells).join('\n');
    return { text, json: { domains: rows }, exit: 0 };
  },
});

const showInput = z.object({ domain: z.string().describe('A domain of ours, or an alias.') });

export const domainShow = verb({
  words: 'domain show',
  summary: 'one domain of yours: inside, certificate, partners that can reach it',
  positionals: ['domain'],
  options: {},
  details: 'From routes/ and certs/own/. isthmus domain dns DOMAIN prints the records that belong to it.',
  example: 'isthmus domain show corp.example --home ./home',
  input: showInput,
  http: { method: 'GET', path: '/domains/{domain}' },
  role: 'viewer',
  audited: false,
  where: 'here',
  async run(operations, { domain: written }) {
    const loaded = operations.load();
    if (!loaded.ok) return faulty(operations, loaded, 'domain show');
    const { home, table } = loaded;
    const chosen = chosenDomains(written, table);
    if (typeof chosen === 'string') return { text: `isthmus domain show: ${chosen}`, json: { error: chosen }, exit: 2, status: 404 };
    const own = chosen[0]![1];
    const all = { ...facts(own, operations, table), clients: clientsOf(own, home) };
    return { text: shown(all), json: all, exit: 0 };
  },
});

interface Facts {
  readonly domain: string;
  readonly aliases: readonly string[];
  readonly served: OwnDomain['served'];
  readonly sameProtocol: boolean;
  readonly partnersSpeak: readonly string[];
  readonly nextHop: readonly string[];
  readonly acceptFrom: readonly string[];
  readonly component: string | null;
  readonly certificate: { readonly shown: string | null; readonly names: readonly string[]; readonly chosen: boolean };
  readonly partners: readonly string[];
  /** Of a split domain: where its users live that are not in the core. */
  readonly otherwise: Pick<Facts, 'served' | 'nextHop' | 'acceptFrom' | 'component'> | null;
  readonly where: string;
}

function facts(own: OwnDomain, operations: Operations, table: Table): Facts {
  const faces = facesOf(own);
  const pair = shownFor(own.domain, own, pairsOf(operations.dir, operations.clock.now()));
  const partners = [...new Set(table.partners.values())].filter(
    ({ enabled, prefer }) => enabled && prefer.some((one) => faces.includes(one)),
  );
  return {
    domain: own.domain,
    aliases: own.aliases,
    ...insideFacts(own),
    sameProtocol: own.sameProtocol,
    partnersSpeak: faces,
    certificate: { shown: pair?.name ?? null, names: pair?.names ?? [], chosen: own.certificate !== undefined },
    partners: partners.map(({ name }) => name).sort(),
    otherwise: own.otherwise === undefined ? null : insideFacts(own.otherwise),
    where: `${own.where.file}:${own.where.line ?? 1}`,
  };
}

type Inside = Pick<Facts, 'served' | 'nextHop' | 'acceptFrom' | 'component'>;

function insideFacts({ served, nextHop, acceptFrom, component }: OwnDomain): Inside {
  const dial = component?.dial;
  return {
    served,
    nextHop: nextHop.map(({ transport, host, port }) => `${transport === 'tls' ? 'tls' : 'plain'}://${host}:${port}`),
    acceptFrom,
    component: component === undefined ? null : `${component.name}${dial === undefined ? '' : ` at ${dial.host}:${dial.port}`}`,
  };
}

const inside = ({ nextHop, component }: Inside): string => (nextHop.length > 0 ? nextHop.join(', ') : (component ?? 'Isthmus itself'));
const acceptsFrom = ({ served, acceptFrom }: Inside): string => {
  if (served === 'core') return 'its own users, signed in';
  return served === 'sip' ? acceptFrom.join(', ') || 'nobody (acceptFrom is not there)' : 'its component';
};

function cellsOf(one: Facts): string[] {
  const served = one.otherwise === null ? one.served : `${one.served}, else ${one.otherwise.served}`;
  const where = one.otherwise === null ? inside(one) : `${inside(one)}, else ${inside(one.otherwise)}`;
  return [one.domain, served, one.partnersSpeak.join(', '), where, one.certificate.shown ?? 'none', one.aliases.join(', ')];
}

const SHOWN_PARTNERS = 20;

/** Where users sign in; null: they are not ours to sign in. */
function clientsOf({ served }: OwnDomain, { clients }: Pick<Home, 'clients'>): readonly string[] | null {
  if (served !== 'core') return null;
  const over = (name: string, binds: readonly Parameters<typeof showBind>[0][]): string[] =>
    binds.map((bind) => `${name} ${showBind(bind)}`);
  return [...over('XMPP', clients.xmpp), ...over('SIP', clients.sip), ...over('web', clients.web)];
}

function shown(one: Facts & { readonly clients: readonly string[] | null }): string {
  const { certificate, partners } = one;
  const more = partners.length - SHOWN_PARTNERS;
  const rows: (readonly [string, string])[] = [
    ['aliases', one.aliases.join(', ') || 'none'],
    ['served', `${one.served}, ${inside(one)}`],
    ['accepts from', acceptsFrom(one)],
    ...(one.clients === null ? [] : [['clients', one.clients.join(', ') || 'nowhere: isthmus.yaml has no clients'] as const]),
    ...(one.otherwise === null
      ? []
      : ([
          ['otherwise', `${one.otherwise.served}, ${inside(one.otherwise)}: users that are not in the core`],
          ['accepts from', acceptsFrom(one.otherwise)],
        ] as const)),
    ['partners speak', `${one.partnersSpeak.join(' and ')}${one.sameProtocol ? ' (sameProtocol: true)' : ''}`],
    [
      'certificate',
      certificate.shown === null
        ? 'none names it: partners cannot recognise us'
        : `certs/own/${certificate.shown}${certificate.chosen ? ' (chosen)' : ' (by its names)'}: ${certificate.names.join(', ')}`,
    ],
    [
      'partners',
      partners.length === 0
        ? 'none with a file'
        : `${partners.length}: ${partners.slice(0, SHOWN_PARTNERS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    ],
  ];
  return [`${one.domain} (${one.where})`, ...rows.map(([key, value]) => `  ${key.padEnd(14)}  ${value}`)].join('\n');
}

function faulty(operations: Operations, loaded: Loaded & { readonly ok: false }, words: string): Report {
  const text = [...loaded.faults.map(showFinding), `isthmus ${words}: the home ${operations.dir} has faults`].join('\n');
  return { text, json: { error: 'faults', faults: loaded.faults }, exit: 2 };
}
