// The organisations of the bridge's worlds: who has which domain, address and people, and how each is started.

import { type Ca, makeCa, selfSigned } from './ca.ts';
import type { PeerProcess } from './peer-process.ts';
import type { SrvEntry } from './peers/dnsmasq.ts';
import { ejabberd, makeAccounts } from './peers/ejabberd.ts';
import { type Foreign, Kamailio } from './peers/kamailio.ts';
import { type ProsodyOptions, prosody } from './peers/prosody.ts';
import { SipUa } from './sip-ua.ts';
import { type CertificateFiles, sipSrv, type World, xmppSrv } from './world.ts';
import { XmppUser } from './xmpp-user.ts';

export interface Organisation {
  readonly domain: string;
  /** Its server's name. */
  readonly host: string;
  readonly address: string;
  /** User -> password. */
  readonly users: Readonly<Record<string, string>>;
}

/** Isthmus' two faces. */
export const EDGE = { host: 'edge.test', address: '127.0.1.1' } as const;
export const INSIDE = { host: 'edge-in.test', address: '127.0.1.2' } as const;

/** An organisation with a server called `server.<domain>`. The users' passwords are of no interest. */
export function organisation(domain: string, address: string, ...users: readonly string[]): Organisation {
  return { domain, host: `server.${domain}`, address, users: Object.fromEntries(users.map((user) => [user, `${user}-password`])) };
}

/** What the world's DNS knows: every organisation's server, the partners' SRV records, and our domains at the edge. */
export function records(
  xmppPartners: readonly Organisation[],
  sipPartners: readonly Organisation[],
  ours: readonly string[],
  inside: readonly Organisation[],
): { hosts: Record<string, string>; srv: SrvEntry[] } {
  return {
    hosts: {
      [EDGE.host]: EDGE.address,
      [INSIDE.host]: INSIDE.address,
      ...Object.fromEntries([...xmppPartners, ...sipPartners, ...inside].map((one) => [one.host, one.address])),
    },
    srv: [
      ...xmppPartners.flatMap((one) => xmppSrv(one.domain, one.host)),
      ...sipPartners.flatMap((one) => sipSrv(one.domain, one.host)),
      ...ours.flatMap((domain) => [...xmppSrv(domain, EDGE.host, true), ...sipSrv(domain, EDGE.host)]),
    ],
  };
}

const NOBODY = makeCa('Nobody We Know');

/** The ways in which a partner's certificate can be good or wrong. */
export type CertificateKind = 'good' | 'serverOnly' | 'otherName' | 'untrusted' | 'selfSigned' | 'expired';

/** @param stranger who issues what is `untrusted` */
export function certificateOf(world: World, of: Organisation, kind: CertificateKind = 'good', stranger: Ca = NOBODY): CertificateFiles {
  const names = [of.domain, of.host];
  switch (kind) {
    case 'good':
      return world.certificate({ names });
    case 'serverOnly':
      return world.certificate({ names, eku: 'server' });
    case 'otherName':
      return world.certificate({ names: ['somebody-else.test'] });
    case 'untrusted':
      return world.certificate({ names }, stranger);
    case 'selfSigned':
      return world.keep(selfSigned({ names }), of.domain);
    case 'expired':
      return world.certificate({ names, notBefore: new Date(Date.now() - 90 * 86_400_000), notAfter: new Date(Date.now() - 86_400_000) });
  }
}

export function startProsody(
  world: World,
  of: Organisation,
  certificate: CertificateFiles,
  more: Partial<ProsodyOptions> = {},
): Promise<PeerProcess> {
  return world.start(prosody({ ...of, folder: world.room(of.domain), certificate, rootsFile: world.rootsFile, ...more }));
}

export async function startEjabberd(world: World, of: Organisation, certificate: CertificateFiles): Promise<PeerProcess> {
  const options = { ...of, folder: world.room(of.domain), certificate, rootsFile: world.rootsFile };
  const process = await world.start(ejabberd(options));
  await makeAccounts(options);
  return process;
}

export async function startKamailio(
  world: World,
  of: Organisation,
  certificate: CertificateFiles,
  foreign: Foreign,
  trusts: readonly string[],
  more: { readonly aliases?: boolean; readonly split?: boolean } = {},
): Promise<Kamailio> {
  const folder = world.room(of.domain);
  const kamailio = new Kamailio({ ...of, folder, certificate, rootsFile: world.rootsFile, foreign, trusts, ...more });
  await world.start(kamailio.process);
  return kamailio;
}

export async function xmppUser(world: World, of: Organisation, user: string, resource = 'desk'): Promise<XmppUser> {
  const person = await XmppUser.signIn({ user, domain: of.domain, password: of.users[user] ?? '', address: of.address, resource });
  world.atEnd(() => person.signOut());
  return person;
}

export async function sipUser(world: World, of: Organisation, user: string): Promise<SipUa> {
  const person = await SipUa.signIn({ user, domain: of.domain, password: of.users[user] ?? '', address: of.address });
  world.atEnd(() => person.close());
  return person;
}
