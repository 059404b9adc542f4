// The DNS record sheet of one domain of ours: which records partners need to find us, for which protocols, and which names
// our certificate must carry. Pure: from the home and its table.

import { isIPv4, isIPv6 } from 'node:net';
import type { Bind, Home } from '../../config/home.ts';
import type { OwnDomain, Protocol } from '../../model/table.ts';
import { clientSheet } from './client-sheet.ts';

export const SERVICES = {
  xmpp: '_xmpp-server._tcp',
  xmpps: '_xmpps-server._tcp',
  sips: '_sips._tcp',
  federation: '_sipfederationtls._tcp',
  client: '_xmpp-client._tcp',
  clientTls: '_xmpps-client._tcp',
  sip: '_sip._tcp',
} as const;
export type Service = keyof typeof SERVICES;

export interface SheetRecord {
  /** Without the last dot. */
  readonly name: string;
  readonly type: 'SRV' | 'NAPTR' | 'A' | 'AAAA';
  /** As in a zone file. */
  readonly data: string;
  /** What it is for, in a few words. */
  readonly why: string;
  /** Partners get through without it. */
  readonly optional: boolean;
}

/** One SRV name, and where it must lead. */
export interface SheetService {
  readonly service: Service;
  readonly name: string;
  readonly target: string;
  readonly ports: readonly number[];
  readonly optional: boolean;
  /** Whose listeners it leads to. */
  readonly side: SheetSide;
}

/** Partners of a protocol, or people's own clients. */
export type SheetSide = Protocol | 'client';

/** Where the listeners of one side are reached. */
export interface Reach {
  readonly addresses: readonly string[];
  /** `unknown`: the listeners are on every address, or on a private one behind NAT. */
  readonly from: 'said' | 'listeners' | 'machine' | 'unknown';
  /** Does any listener take IPv6? */
  readonly ipv6: boolean;
}

export interface NeededName {
  readonly name: string;
  readonly why: string;
  /** It is needed because an SRV record leads to it; another target asks for another name. */
  readonly asTarget?: true;
}

export interface Sheet {
  /** The domain itself, or an alias of it. */
  readonly domain: string;
  readonly own: OwnDomain;
  /** What its partners speak with Isthmus. */
  readonly faces: readonly Protocol[];
  readonly records: readonly SheetRecord[];
  readonly services: readonly SheetService[];
  readonly reach: Readonly<Record<SheetSide, Reach>>;
  readonly needs: readonly NeededName[];
  /** Records that belong elsewhere, and listeners that are missing, a sentence each. */
  readonly remarks: readonly string[];
}

export interface SheetOptions {
  /** Public addresses that the operator named. */
  readonly said: readonly string[];
  readonly ownAddresses: readonly string[];
  /** Every domain of ours. */
  readonly ownDomains: ReadonlySet<string>;
  isPublic(address: string): boolean;
}

/** Partners on the other side's protocol reach a domain through Isthmus; those on its own only with `sameProtocol`. */
export function facesOf(own: OwnDomain): readonly Protocol[] {
  if (own.served === 'core' || own.sameProtocol) return ['sip', 'xmpp'];
  return own.served === 'sip' ? ['xmpp'] : ['sip'];
}

/** The sheets of every domain and alias, in the order of routes/domains.yaml. */
export function sheetOf(domain: string, own: OwnDomain, home: Home, options: SheetOptions): Sheet {
  const faces = facesOf(own);
  const { clients } = home;
  const forClients = [...clients.xmpp, ...clients.sip, ...clients.web];
  const reach = {
    sip: reachOf(home.edge.sip, options),
    xmpp: reachOf(home.edge.xmpp, options),
    // Listeners of clients may stand elsewhere than the edge that --address is about.
    client: clientReach(reachOf(forClients, { ...options, said: [] }), reachOf(forClients, options)),
  };
  const ports = (binds: readonly Bind[], transport: Bind['transport']): number[] => [
    ...new Set(binds.filter((bind) => bind.transport === transport).map(({ port }) => port)),
  ];
  const starttls = ports(home.edge.xmpp, 'starttls');
  const direct = ports(home.edge.xmpp, 'tls');
  const sip = ports(home.edge.sip, 'tls');
  // Lync and its family refuse a target outside the domain ("conflicting SRV and host domains"), and look for sip.<domain>.
  const sipHost = `sip.${domain}`;
  // The address of a whole domain is mostly that of its web server, and must not be changed for our sake.
  const named = !options.ownDomains.has(home.edge.host);
  const xmppHost = named ? home.edge.host : `xmpp.${domain}`;
  const services: SheetService[] = [];
  const add = (service: Service, target: string, all: readonly number[], optional: boolean): void => {
    const side = service === 'xmpp' || service === 'xmpps' ? 'xmpp' : 'sip';
    if (all.length > 0) services.push({ service, name: `${SERVICES[service]}.${domain}`, target, ports: all, optional, side });
  };
  if (faces.includes('xmpp')) {
    add('xmpp', xmppHost, starttls, false);
    add('xmpps', xmppHost, direct, starttls.length > 0);
  }
  if (faces.includes('sip')) {
    add('federation', sipHost, sip, false);
    add('sips', sipHost, sip, false);
  }
  const forPeople = clientSheet(domain, own, home, xmppHost);
  for (const one of forPeople.services) services.push({ ...one, name: `${SERVICES[one.service]}.${domain}` });
  const records: SheetRecord[] = services.flatMap(({ service, name, target, ports: all, optional, side }) =>
    all.map(
      (port): SheetRecord => ({
        name,
        type: 'SRV',
        data: `0 0 ${port} ${target}.`,
        why: side === 'client' ? CLIENT_WHY[service] : WHY[service],
        optional,
      }),
    ),
  );
  if (services.some(({ service, side }) => service === 'sips' && side === 'sip')) {
    const data = `10 10 "s" "SIPS+D2T" "" ${SERVICES.sips}.${domain}.`;
    records.push({ name: domain, type: 'NAPTR', data, why: 'SIP systems that ask by RFC 3263', optional: true });
  }
  const targets = new Map<string, SheetSide>();
  for (const { target, side } of services) targets.set(target, targets.get(target) ?? side);
  if (own.served === 'core' && clients.web.length > 0)
    targets.set(clients.host ?? xmppHost, targets.get(clients.host ?? xmppHost) ?? 'client');
  for (const [target, side] of targets) {
    for (const address of reach[side].addresses) {
      const type = isIPv6(address) ? 'AAAA' : 'A';
      records.push({ name: target, type, data: address, why: CONNECT[side], optional: false });
    }
  }
  return {
    domain,
    own,
    faces,
    records,
    services,
    reach,
    needs: merged([...needsOf(domain, faces, sipHost, named ? home.edge.host : undefined), ...forPeople.needs]),
    remarks: [...remarksOf(domain, own, faces, { starttls, direct, sip }), ...forPeople.remarks],
  };
}

const WHY: Readonly<Record<Service, string>> = {
  client: 'XMPP clients',
  clientTls: 'XMPP clients, TLS from the first byte (XEP-0368)',
  sip: 'SIP clients without TLS',
  xmpp: 'XMPP partners',
  xmpps: 'XMPP partners, TLS from the first byte (XEP-0368)',
  sips: 'SIP partners',
  federation: 'Lync, Skype for Business and their family',
};
const CLIENT_WHY: Readonly<Record<Service, string>> = { ...WHY, sips: 'SIP clients' };
const CONNECT: Readonly<Record<SheetSide, string>> = {
  sip: 'where SIP partners connect',
  xmpp: 'where XMPP partners connect',
  client: 'where clients connect',
};

/** Each name once. */
function merged(needs: readonly NeededName[]): NeededName[] {
  return needs.filter(({ name }, index) => needs.findIndex((one) => one.name === name) === index);
}

function needsOf(domain: string, faces: readonly Protocol[], sipHost: string, edgeHost: string | undefined): NeededName[] {
  const needs: NeededName[] = [
    {
      name: domain,
      why:
        faces.length === 2
          ? 'SIP and XMPP partners look for the domain itself'
          : `${faces[0] === 'sip' ? 'SIP' : 'XMPP'} partners look for the domain itself`,
    },
  ];
  if (faces.includes('sip')) needs.push({ name: sipHost, why: 'Lync and its family look for the host that DNS leads to', asTarget: true });
  if (edgeHost !== undefined && edgeHost !== sipHost)
    needs.push({ name: edgeHost, why: 'edge.host of isthmus.yaml, the name we give ourselves' });
  return needs;
}

function remarksOf(
  domain: string,
  own: OwnDomain,
  faces: readonly Protocol[],
  ports: { readonly starttls: readonly number[]; readonly direct: readonly number[]; readonly sip: readonly number[] },
): string[] {
  const remarks: string[] = [];
  if (!faces.includes('xmpp'))
    remarks.push(
      `${SERVICES.xmpp}.${domain} and ${SERVICES.xmpps}.${domain} belong on your internal XMPP server, if it speaks s2s itself: XMPP partners reach it without Isthmus (sameProtocol: true in ${own.where.file} would change that)`,
    );
  if (!faces.includes('sip'))
    remarks.push(
      `${SERVICES.federation}.${domain} and ${SERVICES.sips}.${domain} belong on your own SIP edge, if there is one: SIP partners reach it without Isthmus (sameProtocol: true in ${own.where.file} would change that)`,
    );
  if (faces.includes('xmpp') && ports.starttls.length + ports.direct.length === 0)
    remarks.push('isthmus.yaml has no edge.xmpp: XMPP partners cannot reach this domain');
  else if (faces.includes('xmpp') && ports.starttls.length === 0)
    remarks.push('isthmus.yaml has no starttls:// listener in edge.xmpp: XMPP partners without direct TLS cannot reach this domain');
  if (faces.includes('sip') && ports.sip.length === 0) remarks.push('isthmus.yaml has no edge.sip: SIP partners cannot reach this domain');
  if (faces.includes('sip') && ports.sip.length > 0 && !ports.sip.includes(5061))
    remarks.push(
      `edge.sip listens on ${ports.sip.join(', ')}: a firewall in front may have to lead 5061 there, which many partners insist on`,
    );
  return remarks;
}

function clientReach(own: Reach, said: Reach): Reach {
  return own.from === 'listeners' ? own : said;
}

function reachOf(binds: readonly Pick<Bind, 'address'>[], { said, ownAddresses, isPublic }: SheetOptions): Reach {
  const every = (address: string): boolean => address === '*' || address === '::' || address === '0.0.0.0';
  const ipv6 = binds.some(({ address }) => address === '*' || isIPv6(address));
  const ipv4 = binds.some(({ address }) => address === '*' || address === '::' || isIPv4(address));
  const taken = (address: string): boolean => (isIPv6(address) ? ipv6 : ipv4);
  if (said.length > 0) return { addresses: said, from: 'said', ipv6 };
  const literal = [...new Set(binds.map(({ address }) => address).filter((address) => !every(address) && isPublic(address)))];
  if (literal.length > 0) return { addresses: literal, from: 'listeners', ipv6 };
  const machine = binds.some(({ address }) => every(address)) ? ownAddresses.filter((address) => isPublic(address) && taken(address)) : [];
  return machine.length > 0 ? { addresses: machine, from: 'machine', ipv6 } : { addresses: [], from: 'unknown', ipv6 };
}
