// What DNS says now, against the sheet of a domain. Each finding is a sentence an operator can act on; `advice` is worth
// knowing and keeps nobody out.

import { isIPv6 } from 'node:net';
import type { Home } from '../../config/home.ts';
import type { SrvRecord } from '../../model/ports.ts';
import { plainName, speaksFor } from './names.ts';
import type { DnsView } from './ports.ts';
import { type NeededName, SERVICES, type Service, type Sheet, type SheetService } from './sheet.ts';

export interface DnsFinding {
  readonly level: 'finding' | 'advice';
  /** The name that it is about. */
  readonly name: string;
  readonly says: string;
}

const MAX_TARGETS = 16;

/** @param shown names of the certificate that would be shown for the domain; undefined: there is none */
export async function compareSheet(sheet: Sheet, home: Home, dns: DnsView, shown: readonly string[] | undefined): Promise<DnsFinding[]> {
  const parts = await Promise.all([
    ...sheet.services.map((service) => compareService(service, sheet, home, dns)),
    compareNaptr(sheet, dns),
    compareElsewhere(sheet, dns),
  ]);
  return [...parts.flat(), ...compareCertificate(sheet, await neededNow(sheet, dns), shown)];
}

async function compareService(service: SheetService, sheet: Sheet, home: Home, dns: DnsView): Promise<DnsFinding[]> {
  const { name } = service;
  const found: DnsFinding[] = [];
  const tell = (says: string, level: DnsFinding['level'] = 'finding'): void => void found.push({ level, name, says });
  const wanted = service.ports.map((port) => `0 0 ${port} ${service.target}.`).join(' and ');
  const answer = await dns.srv(name);
  switch (answer.kind) {
    case 'failed':
      tell(`DNS did not answer: ${answer.reason.text}`);
      return found;
    case 'none':
      tell(
        service.optional ? `not there; with it ${whoOf(service)} save a round trip: ${wanted}` : `missing; publish SRV ${wanted}`,
        service.optional ? 'advice' : 'finding',
      );
      return found;
    case 'notOffered':
      tell(
        `its target is ".", which tells ${whoOf(service)} that there is no such service; publish SRV ${wanted}`,
        service.optional ? 'advice' : 'finding',
      );
      return found;
    case 'records':
      break;
    default:
      answer satisfies never;
  }
  const led = await Promise.all(answer.records.slice(0, MAX_TARGETS).map((record) => compareTarget(record, service, sheet, home, dns)));
  for (const one of led) found.push(...one.found);
  const ours = led.filter(({ toUs }) => toUs !== false);
  const others = led.filter(({ toUs }) => toUs === false);
  if (ours.length === 0) tell(`leads to ${others.map(({ at }) => at).join(', ')}, none of which is Isthmus; right would be ${wanted}`);
  else if (others.length > 0)
    tell(
      `also leads to ${others.map(({ at }) => at).join(', ')}, which is not Isthmus: right only while another edge runs beside it`,
      'advice',
    );
  return found;
}

interface Led {
  readonly at: string;
  /** undefined: our public addresses are not known, so this cannot be said. */
  readonly toUs: boolean | undefined;
  readonly found: readonly DnsFinding[];
}

async function compareTarget(record: SrvRecord, service: SheetService, sheet: Sheet, home: Home, dns: DnsView): Promise<Led> {
  const { target, port } = record;
  const at = `${target}:${port}`;
  const found: DnsFinding[] = [];
  const tell = (says: string, level: DnsFinding['level'] = 'finding'): void => void found.push({ level, name: service.name, says });
  const reach = sheet.reach[service.side];
  const who = whoOf(service);
  const [answer, alias] = await Promise.all([dns.addresses(target), dns.alias(target)]);
  const addresses = answer.kind === 'addresses' ? answer.addresses : [];
  const known = reach.from !== 'unknown';
  const toUs =
    addresses.length > 0 && known
      ? addresses.some((address) => reach.addresses.some((one) => plainName(one) === plainName(address)))
      : undefined;
  // Another edge beside us has ports and certificates of its own.
  if (toUs === false) return { at, toUs, found };
  if (alias !== undefined)
    tell(
      `its target ${target} is only another name (CNAME) for ${alias}, which RFC 2782 forbids; some ${who} stop there: let the SRV name ${alias}, or give ${target} addresses of its own`,
    );
  if (answer.kind === 'failed') tell(`DNS did not answer for its target ${target}: ${answer.reason.text}`);
  else if (addresses.length === 0)
    tell(`its target ${target} has no address; publish A${reach.ipv6 ? ' and AAAA' : ''}${known ? ` ${reach.addresses.join(', ')}` : ''}`);
  const unreachable = addresses.filter((address) => !dns.isPublic(address));
  if (unreachable.length > 0)
    tell(
      `its target ${target} has the private address ${unreachable.join(', ')}, which nobody outside can reach`,
      service.side === 'client' ? 'advice' : 'finding',
    );
  const six = addresses.filter((address) => isIPv6(address));
  if (six.length > 0 && !reach.ipv6)
    tell(
      `its target ${target} has the IPv6 address ${six.join(', ')}, and no listener takes IPv6: ${who} wait there first; remove the AAAA or listen on it`,
    );
  if (!service.ports.includes(port)) tell(wrongPort(port, service, home));
  if (service.service === 'federation' && !isBelow(target, sheet.domain))
    tell(`its target ${target} lies outside ${sheet.domain}: Lync and its family refuse it; right would be ${service.target}`);
  return { at, toUs, found };
}

function wrongPort(port: number, { service, ports }: SheetService, home: Home): string {
  const isClient = service === 'client' || service === 'clientTls';
  const other = (isClient ? home.clients.xmpp : home.edge.xmpp).find((bind) => bind.port === port)?.transport;
  const right = `right would be ${ports.join(' or ')}`;
  if ((service === 'xmpps' || service === 'clientTls') && other === 'starttls')
    return `leads to port ${port}, where STARTTLS is spoken: who begins with TLS fails there; ${right}`;
  if ((service === 'xmpp' || service === 'client') && other === 'tls')
    return `leads to port ${port}, where TLS is spoken from the first byte: who begins with STARTTLS fails there; ${right}`;
  return `leads to port ${port}, where nothing of isthmus.yaml listens; ${right}, unless a firewall leads it there`;
}

async function compareNaptr(sheet: Sheet, dns: DnsView): Promise<DnsFinding[]> {
  if (!sheet.services.some(({ service, side }) => service === 'sips' && side === 'sip')) return [];
  const records = (await dns.naptr(sheet.domain)).filter(({ service }) => /^SIP/i.test(service));
  const wanted = `${SERVICES.sips}.${sheet.domain}`;
  const advice = (says: string): DnsFinding[] => [{ level: 'advice', name: sheet.domain, says }];
  if (records.length === 0) return advice('no NAPTR for SIP; few partners ask for it, and they go on without');
  const tls = records.find(({ service }) => service.toUpperCase() === 'SIPS+D2T');
  if (tls === undefined)
    return [
      {
        level: 'finding',
        name: sheet.domain,
        says: `its NAPTR offer ${records.map(({ service }) => service).join(', ')} but not SIPS+D2T: partners who ask would come without TLS; add it, or remove them`,
      },
    ];
  return tls.replacement === wanted ? [] : advice(`its NAPTR SIPS+D2T leads to ${tls.replacement}; the sheet has ${wanted}`);
}

/** The records of the protocol that Isthmus does not speak for this domain must not lead here. */
async function compareElsewhere(sheet: Sheet, dns: DnsView): Promise<DnsFinding[]> {
  const services: readonly Service[] = [
    ...(sheet.faces.includes('xmpp') ? [] : (['xmpp', 'xmpps'] as const)),
    ...(sheet.faces.includes('sip') ? [] : (['federation', 'sips'] as const)),
  ];
  const found = await Promise.all(
    services.map(async (service): Promise<DnsFinding[]> => {
      const name = `${SERVICES[service]}.${sheet.domain}`;
      const ours = sheet.reach[isSip(service) ? 'sip' : 'xmpp'].addresses.map(plainName);
      const answer = await dns.srv(name);
      if (answer.kind !== 'records' || ours.length === 0) return [];
      const answers = await Promise.all(answer.records.slice(0, MAX_TARGETS).map(({ target }) => dns.addresses(target)));
      const here = answers.some((one) => one.kind === 'addresses' && one.addresses.some((address) => ours.includes(plainName(address))));
      const says = `leads to Isthmus, which refuses partners on ${isSip(service) ? 'SIP' : 'XMPP'} for a domain served: ${sheet.own.served}; let it lead to your own server, or set sameProtocol: true`;
      return here ? [{ level: 'finding', name, says }] : [];
    }),
  );
  return found.flat();
}

/** The names that the records of today ask for: those of the sheet, with the targets that DNS names now. */
async function neededNow(sheet: Sheet, dns: DnsView): Promise<readonly NeededName[]> {
  const federation = sheet.services.find(({ service }) => service === 'federation');
  const answer = federation === undefined ? undefined : await dns.srv(federation.name);
  const targets =
    answer?.kind === 'records' ? answer.records.map(({ target }) => target).filter((target) => isBelow(target, sheet.domain)) : [];
  if (targets.length === 0) return sheet.needs;
  const [old] = sheet.needs.filter(({ asTarget }) => asTarget === true);
  const now = [...new Set(targets)].slice(0, MAX_TARGETS).map((name): NeededName => ({ name, why: old?.why ?? 'DNS leads to it' }));
  return [...sheet.needs.filter(({ asTarget }) => asTarget !== true), ...now];
}

function compareCertificate(sheet: Sheet, needs: readonly NeededName[], shown: readonly string[] | undefined): DnsFinding[] {
  if (shown === undefined)
    return [
      { level: 'finding', name: sheet.domain, says: 'no certificate in certs/own would be shown for it: partners cannot recognise us' },
    ];
  return needs
    .filter(({ name }) => !speaksFor(shown, name, sheet.faces.includes('sip') ? 'sip' : 'xmpp'))
    .map(({ name, why }) => ({ level: 'finding', name, says: `our certificate for ${sheet.domain} does not carry it: ${why}` }));
}

function whoOf({ side }: SheetService): string {
  return side === 'client' ? 'clients' : 'partners';
}

function isSip(service: Service): boolean {
  return service === 'sips' || service === 'federation';
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}
